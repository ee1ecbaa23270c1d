"""The attentional decoder: it looks at the memory before each word (Luong et al. 2015)."""

from typing import NamedTuple

import torch
from torch import Tensor

from jpseq.batch import Batch
from jpseq.network.attention import Attention, Memory, Score
from jpseq.network.decoder import Decoder
from jpseq.network.recurrent import Cell, State, where


class Attending(NamedTuple):
    """What an attentional decoder knows before the next word."""

    recurrent: State
    memory: Memory
    fed: Tensor | None = None
    """(B, embedding_size) the output before, with input feeding."""
    coverage: Tensor | None = None
    """(B, S) the sum of all attention weights so far, with coverage."""
    repeated: Tensor | None = None
    """(B,) the coverage loss so far (See et al. 2017, equation 12): attention that falls where
    there has been some already."""
    weights: Tensor | None = None
    """(B, T, S) the attention weights of the steps just taken."""

    def select(self, rows: Tensor) -> "Attending":
        """The states of some sequences, (R,) of their numbers."""
        fed, coverage, repeated, weights = (
            None if part is None else part.index_select(0, rows) for part in self[2:]
        )
        recurrent, memory = self.recurrent.select(rows), self.memory.select(rows)
        return Attending(recurrent, memory, fed, coverage, repeated, weights)


class AttentionalDecoder(Decoder):
    """A decoder whose state is the query, and that scores words from state and context together.

        h_t = recurrent(y_{t-1}, h_{t-1})       with input feeding: ([y_{t-1}; o_{t-1}], h_{t-1})
        z_t = attention(h_t)
        o_t = tanh(W [h_t; z_t] + b)            equation 5; the scores of words are linear in it

    Without input feeding and coverage no step needs the attention of the step before. Then all
    recurrent steps are one call while training, and all steps attend at once.

    Args:
        vocabulary_size, embedding_size, hidden_size, cell, layers, dropout, tied, word_drop: as in
            Decoder.
        memory_size: features of the memory.
        attention: how memory and state are compared, as in Attention.
        input_feeding: whether o_{t-1} is read together with y_{t-1} (section 3.3 there), so that
            the decoder knows what it has attended to.
        coverage: whether the attention knows it, as in Attention.
    """

    def __init__(
        self,
        vocabulary_size: int,
        embedding_size: int,
        hidden_size: int,
        memory_size: int,
        cell: Cell = "lstm",
        layers: int = 1,
        dropout: float = 0.0,
        tied: bool = True,
        word_drop: float = 0.0,
        attention: Score = "general",
        input_feeding: bool = False,
        coverage: bool = False,
    ) -> None:
        fed_size = embedding_size if input_feeding else 0
        sizes = (vocabulary_size, embedding_size, hidden_size)
        super().__init__(*sizes, cell, layers, dropout, tied, word_drop, fed_size, memory_size)
        self.input_feeding = input_feeding
        self.attention = Attention(attention, memory_size, hidden_size, coverage=coverage)

    def begin(self, memory: Batch, state: State) -> Attending:
        """The state before the first word.

        Args:
            memory: values (B, S, memory_size).
            state: the recurrent layer's, parts (layers, B, hidden_size).
        """
        size, places = memory.values.shape[:2]
        zeros = state.hidden.new_zeros
        covers = self.attention.coverage is not None
        return Attending(
            state,
            self.attention.remember(memory),
            zeros(size, self.embedding.embedding_dim) if self.input_feeding else None,
            zeros(size, places) if covers else None,
            zeros(size) if covers else None,
        )

    def read(self, embedded: Batch, state: Attending) -> tuple[Batch, Attending]:
        """Read embedded words, as in Decoder; the last state holds the attention weights.

        Outputs and weights are for the steps that a sequence has; behind them they mean nothing.
        """
        if self.input_feeding or state.coverage is not None:
            outputs, state = self._one_by_one(embedded, state)
        elif embedded.values.shape[1] == 1:
            output, recurrent = self.recurrent.step(embedded.values[:, 0], state.recurrent)
            outputs, weights = self._attend(output[:, None], state)
            state = self._after(embedded, 0, state, recurrent, weights)
        else:
            hidden, recurrent = self.recurrent(embedded, state.recurrent)
            outputs, weights = self._attend(hidden.values, state)
            state = state._replace(recurrent=recurrent, weights=weights)
        return embedded.replace(self.dropout(outputs)), state

    def _attend(self, hidden: Tensor, state: Attending) -> tuple[Tensor, Tensor]:
        """(B, T, hidden_size) → outputs (B, T, embedding_size) and weights (B, T, S)."""
        context, weights = self.attention(hidden, state.memory, state.coverage)
        joined = torch.cat([hidden, context.to(hidden.dtype)], dim=2)
        return torch.tanh(self.projection(joined)), weights

    def _one_by_one(self, embedded: Batch, state: Attending) -> tuple[Tensor, Attending]:
        outputs, attended = [], []
        for t in range(embedded.values.shape[1]):
            x = embedded.values[:, t]
            if state.fed is not None:
                x = torch.cat([x, state.fed.to(x.dtype)], dim=1)
            hidden, recurrent = self.recurrent.step(x, state.recurrent)
            output, weights = self._attend(hidden[:, None], state)
            state = self._after(embedded, t, state, recurrent, weights, output[:, 0])
            outputs.append(output)
            attended.append(weights)
        if not outputs:
            return embedded.values, state
        return torch.cat(outputs, 1), state._replace(weights=torch.cat(attended, 1))

    def _after(
        self,
        embedded: Batch,
        t: int,
        state: Attending,
        recurrent: State,
        weights: Tensor,
        output: Tensor | None = None,
    ) -> Attending:
        """The state after step t; of a sequence that has no such step it stays as it is."""
        there = embedded.lengths.to(weights.device) > t
        if not bool(there.all()):
            recurrent = where(there, recurrent, state.recurrent)
            if output is not None and state.fed is not None:
                output = torch.where(there[:, None], output, state.fed)
        coverage, repeated = state.coverage, state.repeated
        if coverage is not None and repeated is not None:
            added = weights[:, 0] * there[:, None]
            repeated = repeated + torch.minimum(added, coverage).sum(dim=1)
            coverage = coverage + added
        fed = output if state.fed is not None else None
        return state._replace(
            recurrent=recurrent, fed=fed, coverage=coverage, repeated=repeated, weights=weights
        )
