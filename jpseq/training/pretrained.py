"""What was learnt elsewhere as first weights: word vectors, and an encoder that reads words.

Vocabularies are aligned by the words themselves: a word has its vector wherever it stands in
either, and one that is not there keeps what was drawn.
"""

from typing import Any, Protocol

import torch
from torch import Tensor, nn

from jpseq.errors import ConfigurationError
from jpseq.network.encoder import Encoder
from jpseq.network.recurrent import Recurrent
from jpseq.network.tied_embedding import TiedEmbedding
from jpseq.vectors import Embeddings
from jpseq.vocabulary import Vocabulary


class Reader(Protocol):
    """A model that has learnt to read words: a MaskedLM."""

    @property
    def embeddings(self) -> Embeddings:
        """Words and the vectors that they are read as."""
        ...

    def trained(self) -> Any:
        """Its network, with an `encoder`."""
        ...


def begin_with(
    embedding: nn.Embedding, vocabulary: Vocabulary, vectors: Embeddings, frozen: bool
) -> float:
    """Give each word that has a vector its vector, and leave the others as they are.

    Args:
        embedding: (V, D), a row for each word of the vocabulary.
        vectors: words and their vectors, aligned by the words themselves.
        frozen: whether words that have one keep it; those without are learnt all the same.

    Returns:
        the share of the text's words (of their occurrences) that have one.

    Raises:
        ConfigurationError: the vectors have another size.
    """
    if vectors.dim != embedding.embedding_dim:
        raise ConfigurationError(
            f"the vectors have {vectors.dim} values, and embedding is {embedding.embedding_dim};"
            f" set embedding={vectors.dim}."
        )
    known = [i for i, word in enumerate(vocabulary.words) if word in vectors]
    rows = torch.tensor(known, dtype=torch.int64)
    if known:
        found = vectors.lookup([vocabulary.words[i] for i in known])
        with torch.no_grad():
            # What is read of a tied table is scaled; the vectors are what is to be read.
            scale = embedding.scale if isinstance(embedding, TiedEmbedding) else 1.0
            embedding.weight[rows] = torch.from_numpy(found.copy()) / scale
    if frozen:

        def keep(gradient: Tensor) -> Tensor:
            return gradient.index_fill(0, rows.to(gradient.device), 0.0)

        embedding.weight.register_hook(keep)  # type: ignore[no-untyped-call]
    # Of all words, those among them that are too rare for the vocabulary.
    return float(vocabulary.counts[known].sum() / max(1, vocabulary.counts_.total()))


def begin_with_encoder(
    encoder: Encoder, vocabulary: Vocabulary, reader: Reader, frozen: bool = False
) -> float:
    """Give an encoder what a model has learnt: the vectors of its words, and its recurrent layers.

    Args:
        encoder: of the same cell and sizes.
        vocabulary: of the encoder.
        reader: a MaskedLM with a recurrent encoder.
        frozen: of the vectors, as in begin_with.

    Returns:
        the share of the text's words (of their occurrences) that have a vector.

    Raises:
        ConfigurationError: the model's encoder is another one.
    """
    ours, theirs = encoder.recurrent, reader.trained().encoder
    if not isinstance(theirs, Recurrent):
        raise ConfigurationError(
            f"encoder: a {type(theirs).__name__} cannot be the first weights of recurrent layers."
            " Give its word vectors instead, or pretrain a recurrent one:"
            ' MaskedLM(encoder="recurrent"), `jpseq embed pretrain --encoder recurrent`.'
        )
    if (mine := _described(ours)) != (its := _described(theirs)):
        raise ConfigurationError(
            f"encoder: the one pretrained has {its}, and {mine} is wanted. Give both the same cell,"
            " embedding, hidden and layers; it reads in both directions."
        )
    share = begin_with(encoder.embedding, vocabulary, reader.embeddings, frozen)
    ours.load_state_dict(theirs.state_dict())
    return share


def _described(layers: Recurrent) -> str:
    return (
        f"cell {layers.cell}, {layers.input_size} features read, {layers.output_size} given,"
        f" {layers.layers} layers, {layers.directions} directions"
    )
