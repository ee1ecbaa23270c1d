"""A decoder that writes under a condition: the context of a conversation, a latent variable."""

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from jpseq.batch import Batch
from jpseq.network.decoder import Decoder
from jpseq.network.loss import linear_cross_entropy, linear_log_likelihood
from jpseq.network.recurrent import State


class Conditioned(NamedTuple):
    """What is known before the next word."""

    decoder: Any
    """The decoder's own state."""
    joined: Tensor | None = None
    """(B, embedding_size) what joins each word that is read."""

    @property
    def weights(self) -> Tensor | None:
        """(B, T, S) the attention weights of the steps just taken, if there is attention."""
        weights: Tensor | None = self.decoder.weights
        return weights

    def select(self, rows: Tensor) -> "Conditioned":
        """The states of some sequences, (R,) of their numbers."""
        joined = None if self.joined is None else self.joined.index_select(0, rows)
        return Conditioned(self.decoder.select(rows), joined)


class ConditionedDecoder(nn.Module):
    """A decoder that starts from a condition x, and may read it with each word.

        h_0 = tanh(W x + b), with empty cells
        the decoder reads y_{t-1} + U x where it joins, else y_{t-1}

    What is only there at the start is forgotten after some words; what joins every word is not.

    Args:
        decoder: any Decoder.
        condition_size: K, features of x.
        joins: whether x joins each word.
    """

    def __init__(self, decoder: Decoder, condition_size: int, joins: bool) -> None:
        super().__init__()
        self.decoder = decoder
        self.start = nn.Linear(condition_size, decoder.recurrent.layers * decoder.hidden_size)
        width = decoder.embedding.embedding_dim
        self.join = nn.Linear(condition_size, width, bias=False) if joins else None

    def begin(self, condition: Tensor, memory: Batch | None = None) -> Conditioned:
        """The state before the first word.

        Args:
            condition: (B, K).
            memory: values (B, S, M), what the decoder looks at, if it looks at something.
        """
        recurrent = self.decoder.recurrent
        shape = (len(condition), recurrent.layers, self.decoder.hidden_size)
        hidden = torch.tanh(self.start(condition)).view(shape).transpose(0, 1).contiguous()
        cells = recurrent.cell in ("lstm", "peephole")
        state: Any = State(hidden, torch.zeros_like(hidden) if cells else None)
        if memory is not None:
            state = self.decoder.begin(memory, state)
        return Conditioned(state, None if self.join is None else self.join(condition))

    def forward(self, previous: Batch, state: Conditioned) -> tuple[Batch, Conditioned]:
        """Previous words, values (B, T) ids → outputs for the scores, and the state after."""
        embedded = self.decoder.embed(previous)
        if state.joined is not None:
            embedded = embedded.replace(embedded.values + state.joined[:, None])
        outputs, inner = self.decoder.read(embedded, state.decoder)
        return outputs, state._replace(decoder=inner)

    def step(self, previous: Tensor, state: Conditioned) -> tuple[Tensor, Conditioned]:
        """One step of search: (B,) ids and a state → (B, V) scores and the next state."""
        outputs, state = self(Batch(previous[:, None], torch.ones_like(previous)), state)
        return self.decoder.logits(outputs.values[:, 0]), state

    def outputs(self, target: Batch, state: Conditioned) -> tuple[Tensor, Tensor]:
        """What the words of targets, values (B, T) ids from start to end, are scored from.

        Returns:
            (N, embedding_size) an output for each word but the starts, and (N,) these words.
        """
        previous = Batch(target.values[:, :-1], target.lengths - 1)
        outputs, _ = self(previous, state)
        return outputs.values[previous.mask], target.values[:, 1:][previous.mask]

    def nll(self, target: Batch, state: Conditioned) -> Tensor:
        """() the negative log-likelihood of all words of targets, summed."""
        hidden, wanted = self.outputs(target, state)
        return linear_cross_entropy(hidden, *self.decoder.output_layer, wanted)

    @torch.no_grad()
    def log_p(self, target: Batch, state: Conditioned) -> Tensor:
        """(B,) the log-likelihood in nats of the words of each target; for measuring only."""
        hidden, wanted = self.outputs(target, state)
        words = linear_log_likelihood(hidden, *self.decoder.output_layer, wanted)
        rows = torch.arange(len(target), device=words.device)
        rows = rows.repeat_interleave((target.lengths - 1).to(words.device))
        return words.new_zeros(len(target)).index_add(0, rows, words)
