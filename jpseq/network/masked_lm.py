"""The masked language model: words are foretold from those on both sides (Devlin et al. 2019)."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from jpseq.batch import Batch
from jpseq.network.dropout import Dropout
from jpseq.network.loss import Loss, linear_cross_entropy
from jpseq.network.recurrent import Recurrent
from jpseq.network.tied_embedding import TiedEmbedding
from jpseq.network.transformer import Transformer


class Masked(NamedTuple):
    """Sequences with masks, and what stood there."""

    read: Batch
    """values (B, T) ids with masks."""
    places: Tensor
    """(N,) what is to be foretold, as places in the flat (B * T) batch."""
    targets: Tensor
    """(N,) the ids that stood there."""


class MaskedNetwork(nn.Module):
    """Embedding, an encoder that reads in both directions, and a score for every word.

    The output layer is the embedding turned round (see TiedEmbedding). Scores are computed where
    something is masked and nowhere else.

    Args:
        vocabulary_size: number of ids.
        encoder: from embedded words to outputs.
        embedding_size: features of an embedded word, which the encoder takes.
        dropout: share of the embedded words' features dropped while training.
    """

    def __init__(
        self,
        vocabulary_size: int,
        embedding_size: int,
        encoder: Transformer | Recurrent,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.embedding = TiedEmbedding(vocabulary_size, embedding_size)
        self.dropout = Dropout(dropout)
        self.encoder = encoder
        self.transform = nn.Sequential(
            nn.Linear(encoder.output_size, embedding_size), nn.GELU(), nn.LayerNorm(embedding_size)
        )
        self.bias = nn.Parameter(torch.zeros(vocabulary_size))

    def encode(self, words: Batch) -> Batch:
        """values (B, T) ids → (B, T, H) each word as it is in its context."""
        embedded = words.replace(self.dropout(self.embedding(words.values)))
        if isinstance(self.encoder, Recurrent):
            return self.encoder(embedded)[0]  # type: ignore[no-any-return]
        outputs: Batch = self.encoder(embedded)
        return outputs

    def at(self, words: Batch, places: Tensor) -> Tensor:
        """(N, embedding_size) what the scores of the words at some places are made from.

        Args:
            words: values (B, T) ids.
            places: (N,) in the flat (B * T) batch.
        """
        found: Tensor = self.transform(self.encode(words).values.flatten(0, 1)[places])
        return found

    @property
    def output_layer(self) -> tuple[Tensor, Tensor]:
        """(vocabulary_size, embedding_size) weights and (vocabulary_size,) biases of the scores."""
        return self.embedding.weight, self.bias

    def scores(self, hidden: Tensor) -> Tensor:
        """(N, embedding_size) of `at` → (N, vocabulary_size) scores before the softmax."""
        return nn.functional.linear(hidden, *self.output_layer)

    def loss(self, masked: Masked) -> Loss:
        """Cross-entropy of what is masked, summed, and how many pieces that are."""
        hidden = self.at(masked.read, masked.places)
        total = linear_cross_entropy(hidden, *self.output_layer, masked.targets)
        return Loss(total, torch.tensor(len(masked.targets), device=total.device))
