"""Sequence to sequence: an encoder reads the source, a decoder writes the target."""

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from jpseq.batch import Batch
from jpseq.errors import ConfigurationError
from jpseq.network.decoder import Decoder
from jpseq.network.encoder import Encoder
from jpseq.network.loss import Loss, linear_cross_entropy
from jpseq.network.recurrent import Cell, State
from jpseq.network.tied_embedding import TiedEmbedding


class Pair(NamedTuple):
    """A source and the target that belongs to it."""

    source: Batch
    """values (B, S) ids."""
    target: Batch
    """values (B, T) ids that begin with the start id and end with the end id."""


class EncoderDecoder(nn.Module):
    """p(target | source) of any encoder and any decoder.

    `encode`, then `step` for each word, is what search needs; `loss` is what training needs.

    Args:
        encoder: gives a memory and a state.
        decoder: begins from both; its state has the size of the encoder's.
        label_smoothing: share of a target word's probability spread over all words while training.
        coverage: weight of the coverage loss while training, for an attentional decoder with
            coverage (See et al. 2017, equation 13).

    Raises:
        ConfigurationError: the states of the two differ.
    """

    def __init__(
        self,
        encoder: Encoder,
        decoder: Decoder,
        label_smoothing: float = 0.0,
        coverage: float = 0.0,
    ) -> None:
        super().__init__()
        given = (encoder.recurrent.layers, encoder.recurrent.output_size)
        wanted = (decoder.recurrent.layers, decoder.hidden_size)
        if given != wanted:
            raise ConfigurationError(
                f"the encoder's state (layers, features) is {given}, the decoder's {wanted}; they"
                " must be equal."
            )
        self.label_smoothing = label_smoothing
        self.coverage = coverage
        self.encoder = encoder
        self.decoder = decoder
        self.bridge = nn.Linear(decoder.hidden_size, decoder.hidden_size)

    def encode(self, source: Batch) -> Any:
        """The decoder's initial state: from tanh(W context + b), cell parts as they are."""
        memory, state = self.encoder(source)
        bridged = State(torch.tanh(self.bridge(state.hidden)), state.cell)
        return self.decoder.begin(memory, bridged)

    def step(self, previous: Tensor, state: Any) -> tuple[Tensor, Any]:
        """One step of search: (B,) ids and a state → (B, V) scores and the next state."""
        lengths = torch.ones_like(previous)
        outputs, state = self.decoder(Batch(previous[:, None], lengths), state)
        return self.decoder.logits(outputs.values[:, 0]), state

    def loss(self, pair: Pair) -> Loss:
        """Cross-entropy of the target's words but the first, summed, and how many they are."""
        target = pair.target
        previous = Batch(target.values[:, :-1], target.lengths - 1)
        outputs, state = self.decoder(previous, self.encode(pair.source))
        # Scores are computed for words only: the output layer is the largest, padding costs most.
        wanted = target.values[:, 1:][previous.mask]
        hidden = outputs.values[previous.mask]
        smoothing = self.label_smoothing if self.training else 0.0
        total = linear_cross_entropy(hidden, *self.decoder.output_layer, wanted, smoothing)
        if self.training and self.coverage:
            total = total + self.coverage * state.repeated.sum()
        return Loss(total, previous.lengths.sum())


class Seq2Seq(EncoderDecoder):
    """With the whole source in one context vector (Sutskever et al. 2014), and one vocabulary.

    Args:
        vocabulary_size: number of ids, the same on both sides.
        embedding_size: features of an embedded word; both sides share the embedding.
        hidden_size: features of the state (even).
        cell, layers, dropout: as in Recurrent.
        word_drop: share of source words left blank while training, as in Encoder.
        target_drop: the same, of the previous words of the target.
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
        target_drop: float = 0.0,
        label_smoothing: float = 0.0,
    ) -> None:
        sizes = (vocabulary_size, embedding_size, hidden_size)
        encoder = Encoder(*sizes, cell, layers, dropout, word_drop)
        decoder = Decoder(*sizes, cell, layers, dropout, word_drop=target_drop)
        super().__init__(*start_embeddings(encoder, decoder, shared=True), label_smoothing)


def start_embeddings(encoder: Encoder, decoder: Decoder, shared: bool) -> tuple[Encoder, Decoder]:
    """Draw the first embeddings of both sides; shared, it is one table for one vocabulary.

    One that is the output layer, too, has to start small (see TiedEmbedding); another one need not,
    and learns faster if it does not.
    """
    if shared:
        encoder.embedding = decoder.embedding
    for embedding in {encoder.embedding: None, decoder.embedding: None}:
        if not isinstance(embedding, TiedEmbedding):
            nn.init.normal_(embedding.weight, std=0.5)
    return encoder, decoder
