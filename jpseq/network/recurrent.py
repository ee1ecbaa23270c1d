"""Recurrent layers over a Batch: simple RNN, LSTM, GRU; several layers, both directions."""

from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from jpseq.batch import Batch

Cell = Literal["rnn", "lstm", "gru"]
CELLS = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}


class State(NamedTuple):
    """What a recurrent layer remembers of each sequence after its last step.

    D is 2 for a bidirectional layer (the forward direction's half comes first), else 1.
    """

    hidden: Tensor
    """(layers, B, D * hidden)"""
    cell: Tensor | None = None
    """(layers, B, D * hidden), the memory cells of an LSTM."""


class Recurrent(nn.Module):
    """h_t from x_t and h_{t-1}, for every step of every sequence.

    Lengths are exact: a sequence gives the same outputs and state in a padded batch as alone, and
    an empty one gives back its initial state.

    Args:
        cell: "rnn" (Elman 1990, tanh), "lstm" (Hochreiter & Schmidhuber 1997, with the forget gate
            of Gers et al. 2000) or "gru" (Cho et al. 2014).
        input_size: features of x_t.
        hidden_size: features of h_t in each direction.
        layers: how many recurrent layers stand on one another.
        bidirectional: read backwards too and concatenate (Schuster & Paliwal 1997).
        dropout: share of features dropped between layers while training.
    """

    def __init__(
        self,
        cell: Cell,
        input_size: int,
        hidden_size: int,
        layers: int = 1,
        bidirectional: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.layers = layers
        self.directions = 2 if bidirectional else 1
        self.output_size = self.directions * hidden_size
        self.rnn = CELLS[cell](
            input_size,
            hidden_size,
            layers,
            batch_first=True,
            bidirectional=bidirectional,
            dropout=dropout if layers > 1 else 0.0,
        )

    def forward(self, batch: Batch, initial: State | None = None) -> tuple[Batch, State]:
        """Read the sequences.

        Args:
            batch: values (B, T, input_size).
            initial: the state before the first step; zeros where left out.

        Returns:
            values (B, T, D * hidden_size), zero where there is padding, and the last state.
        """
        size, steps, _ = batch.values.shape
        if initial is None:
            initial = self._zeros(batch.values, size)
        if size == 0 or steps == 0:
            return batch.replace(batch.values.new_zeros(size, steps, self.output_size)), initial
        lengths = batch.lengths.cpu()
        if bool((lengths == steps).all()):
            values, last = self.rnn(batch.values, self._to_torch(initial))
            return batch.replace(values), self._from_torch(last)
        # torch cannot pack an empty sequence: it is read as one step of padding, then undone.
        packed = pack_padded_sequence(
            batch.values, lengths.clamp(min=1), batch_first=True, enforce_sorted=False
        )
        outputs, last = self.rnn(packed, self._to_torch(initial))
        values, _ = pad_packed_sequence(outputs, batch_first=True, total_length=steps)
        state = self._from_torch(last)
        if bool((lengths == 0).any()):
            filled = (batch.lengths > 0).to(values.device)
            values = values * filled[:, None, None]
            state = _where(filled, state, initial)
        return batch.replace(values), state

    def _zeros(self, like: Tensor, size: int) -> State:
        zeros = like.new_zeros(self.layers, size, self.output_size)
        return State(zeros, zeros if isinstance(self.rnn, nn.LSTM) else None)

    # torch lays states out as (layers * D, B, hidden).

    def _to_torch(self, state: State) -> Tensor | tuple[Tensor, Tensor]:
        hidden, cell = (None if part is None else self._split(part) for part in state)
        assert hidden is not None
        return hidden if cell is None else (hidden, cell)

    def _from_torch(self, last: Tensor | tuple[Tensor, Tensor]) -> State:
        if isinstance(last, tuple):
            return State(self._join(last[0]), self._join(last[1]))
        return State(self._join(last))

    def _split(self, part: Tensor) -> Tensor:
        layers, size, _ = part.shape
        parts = part.reshape(layers, size, self.directions, -1).transpose(1, 2)
        return parts.reshape(layers * self.directions, size, -1).contiguous()

    def _join(self, part: Tensor) -> Tensor:
        _, size, hidden = part.shape
        parts = part.reshape(self.layers, self.directions, size, hidden).transpose(1, 2)
        return parts.reshape(self.layers, size, self.directions * hidden)


def _where(filled: Tensor, new: State, old: State) -> State:
    chosen = filled[None, :, None]
    hidden = torch.where(chosen, new.hidden, old.hidden)
    if new.cell is None or old.cell is None:
        return State(hidden)
    return State(hidden, torch.where(chosen, new.cell, old.cell))
