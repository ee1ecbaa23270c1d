"""Word vectors learnt elsewhere as the first weights of an embedding."""

import torch
from torch import Tensor, nn

from jpseq.errors import ConfigurationError
from jpseq.network.tied_embedding import TiedEmbedding
from jpseq.vectors import Embeddings
from jpseq.vocabulary import Vocabulary


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
    return float(vocabulary.counts[known].sum() / max(1, vocabulary.counts.sum()))
