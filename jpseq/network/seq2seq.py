"""Sequence to sequence: an encoder's context vector is the decoder's initial state."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from jpseq.batch import Batch
from jpseq.network.decoder import Decoder
from jpseq.network.encoder import Encoder
from jpseq.network.loss import Loss, linear_cross_entropy
from jpseq.network.recurrent import Cell, State


class Pair(NamedTuple):
    """A source and the target that belongs to it."""

    source: Batch
    """values (B, S) ids."""
    target: Batch
    """values (B, T) ids that begin with the start id and end with the end id."""


class Seq2Seq(nn.Module):
    """p(target | source) with the whole source in one context vector (Sutskever et al. 2014).

    Args:
        vocabulary_size: number of ids, the same on both sides.
        embedding_size: features of an embedded word; both sides share the embedding.
        hidden_size: features of the state (even).
        cell, layers, dropout: as in Recurrent.
        word_drop: share of source words left blank while training, as in Encoder.
        label_smoothing: share of a target word's probability spread over all words while training.
    """

    def __init__(
        self,
        vocabulary_size: int,
        embedding_size: int,
        hidden_size: int,
        cell: Cell = "gru",
        layers: int = 1,
        dropout: float = 0.0,
        word_drop: float = 0.0,
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__()
        self.label_smoothing = label_smoothing
        sizes = (vocabulary_size, embedding_size, hidden_size)
        self.encoder = Encoder(*sizes, cell, layers, dropout, word_drop)
        self.decoder = Decoder(*sizes, cell, layers, dropout)
        self.decoder.embedding = self.encoder.embedding
        # Small initial scores: the embedding is the output layer, too.
        nn.init.normal_(self.encoder.embedding.weight, std=embedding_size**-0.5)
        self.bridge = nn.Linear(hidden_size, hidden_size)

    def encode(self, source: Batch) -> State:
        """The decoder's initial state: tanh(W context + b), cell parts as they are."""
        _, state = self.encoder(source)
        return State(torch.tanh(self.bridge(state.hidden)), state.cell)

    def step(self, previous: Tensor, state: State) -> tuple[Tensor, State]:
        """One step of search: (B,) ids and a state → (B, V) scores and the next state."""
        lengths = torch.ones_like(previous)
        outputs, state = self.decoder(Batch(previous[:, None], lengths), state)
        return self.decoder.logits(outputs.values[:, 0]), state

    def loss(self, pair: Pair) -> Loss:
        """Cross-entropy of the target's words but the first, summed, and how many they are."""
        target = pair.target
        previous = Batch(target.values[:, :-1], target.lengths - 1)
        outputs, _ = self.decoder(previous, self.encode(pair.source))
        # Scores are computed for words only: the output layer is the largest, padding costs most.
        wanted = target.values[:, 1:][previous.mask]
        hidden = outputs.values[previous.mask]
        smoothing = self.label_smoothing if self.training else 0.0
        total = linear_cross_entropy(hidden, *self.decoder.output_layer, wanted, smoothing)
        return Loss(total, previous.lengths.sum())
