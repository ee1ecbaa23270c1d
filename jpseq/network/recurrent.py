"""Recurrent layers over a Batch: simple RNN, LSTM, GRU, LSTM with peepholes; both directions."""

from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor, nn

from jpseq.batch import Batch
from jpseq.errors import ConfigurationError, DataError, did_you_mean
from jpseq.network.dropout import Dropout
from jpseq.network.fused import Fused
from jpseq.network.peephole import PeepholeLSTM

Cell = Literal["rnn", "lstm", "gru", "peephole"]
Merge = Literal["concatenate", "add"]


class State(NamedTuple):
    """What a recurrent layer remembers of each sequence after its last step.

    S is the layer's output size. Where a bidirectional layer concatenates, it is twice the hidden
    size and the forward direction's half comes first. Where it adds, it is the hidden size: the
    last states of both directions are added like the outputs, and both begin from the same one.
    """

    hidden: Tensor
    """(layers, B, S)"""
    cell: Tensor | None = None
    """(layers, B, S), the memory cells of an LSTM, with peepholes or without."""

    @property
    def weights(self) -> None:
        """No attention weights: nothing but the state is known of what was read."""

    def select(self, rows: Tensor) -> "State":
        """The states of some sequences, (R,) of their numbers, as search takes them."""
        hidden = self.hidden.index_select(1, rows)
        return State(hidden, None if self.cell is None else self.cell.index_select(1, rows))


class Recurrent(nn.Module):
    """h_t from x_t and h_{t-1}, for every step of every sequence.

    Lengths are exact: a sequence gives the same outputs and state in a padded batch as alone, and
    an empty one gives back its initial state.

    Args:
        cell: "rnn" (Elman 1990, tanh), "lstm" (Hochreiter & Schmidhuber 1997, with the forget gate
            of Gers et al. 2000), "gru" (Cho et al. 2014) or "peephole" (an LSTM whose gates see its
            memory: Gers & Schmidhuber 2000).
        input_size: features of x_t.
        hidden_size: features of h_t in each direction.
        layers: how many recurrent layers stand on one another.
        bidirectional: read backwards, too (Schuster & Paliwal 1997).
        dropout: share of features dropped between layers while training.
        merge: how the two directions of each layer become one output: "concatenate" or "add".
        variational: drop the same features at all steps of a sequence, at the inputs of all layers,
            the first one's too (Gal & Ghahramani 2016). With the cell "peephole" h_{t-1} is dropped
            out as well, as there; torch's own cells do not let one reach it.
        normalize: normalise the outputs of each layer over their features (Ba et al. 2016, but
            outside of the cell: what it hands to its own next step stays as it is).

    Raises:
        ConfigurationError: cell or merge is none of these, or dropout is not in [0, 1).
    """

    def __init__(
        self,
        cell: Cell,
        input_size: int,
        hidden_size: int,
        layers: int = 1,
        bidirectional: bool = False,
        dropout: float = 0.0,
        merge: Merge = "concatenate",
        variational: bool = False,
        normalize: bool = False,
    ) -> None:
        super().__init__()
        _check_choice("cell", cell, get_args(Cell))
        _check_choice("merge", merge, get_args(Merge))
        if not 0 <= dropout < 1:
            raise ConfigurationError(f"dropout is {dropout}; it must be at least 0 and below 1.")
        self.cell = cell
        self.input_size = input_size
        self.layers = layers
        self.directions = 2 if bidirectional else 1
        self.adds = bidirectional and merge == "add"
        self.output_size = hidden_size if self.adds else self.directions * hidden_size
        self.variational = variational
        self.dropout = Dropout(dropout)
        sizes = [input_size, *[self.output_size] * (layers - 1)]
        self.stack = nn.ModuleList(
            PeepholeLSTM(size, hidden_size, bidirectional, dropout if variational else 0.0)
            if cell == "peephole"
            else Fused(cell, size, hidden_size, bidirectional)
            for size in sizes
        )
        self.norms = nn.ModuleList(nn.LayerNorm(self.output_size) for _ in sizes if normalize)

    def forward(self, batch: Batch, initial: State | None = None) -> tuple[Batch, State]:
        """Read the sequences.

        Args:
            batch: values (B, T, input_size).
            initial: the state before the first step; zeros where left out.

        Returns:
            values (B, T, output_size), zero where there is padding, and the last state.

        Raises:
            DataError: batch or initial has another shape, or initial lacks a part.
        """
        size, steps = batch.values.shape[:2]
        if initial is None:
            zeros = batch.values.new_zeros(self.layers, size, self.output_size)
            initial = State(zeros, zeros if self.cell in ("lstm", "peephole") else None)
        self._check(batch.values, initial)
        if size == 0 or steps == 0:
            return batch.replace(batch.values.new_zeros(size, steps, self.output_size)), initial
        # Lengths come from the device once, and not for each layer.
        read = batch if batch.lengths.is_cpu else Batch(batch.values, batch.lengths.cpu())
        lasts = []
        for index, layer in enumerate(self.stack):
            if self.training and self.dropout.p and (index or self.variational):
                read = read.replace(self._drop(read.values))
            values, last = layer(read, self._split(initial, index))
            read = read.replace(self._finish(values, read, index))
            lasts.append(self._join(last))
        state = State(*(torch.stack(parts) for parts in zip(*lasts, strict=True)))
        filled = read.lengths > 0
        if not bool(filled.all()):
            state = where(filled.to(batch.values.device), state, initial)
        return batch.replace(read.values), state

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """One step of a layer that reads forwards: what forward gives for sequences of length 1.

        It takes less time, and a loop over steps is made of it. Dropout between layers is drawn
        anew at each step, so it is not for `variational`.

        Args:
            x: (B, input_size).
            state: the state before.

        Returns:
            (B, output_size) and the next state.
        """
        lasts = []
        for index, layer in enumerate(self.stack):
            parts = [part[index] for part in state if part is not None]
            if index:
                x = self.dropout(x)
            if isinstance(layer, Fused):
                last = layer.step(x, parts)
            else:
                one = Batch(x[:, None], torch.ones(len(x), dtype=torch.int64))
                last = [part[0] for part in layer(one, [part[None] for part in parts])[1]]
            x = self.norms[index](last[0]) if self.norms else last[0]
            lasts.append(last)
        return x, State(*(torch.stack(parts) for parts in zip(*lasts, strict=True)))

    def _drop(self, values: Tensor) -> Tensor:
        # One step's mask, for all of them.
        whole = torch.ones_like(values[:, :1]) if self.variational else values
        dropped: Tensor = self.dropout(whole)
        return values * dropped if self.variational else dropped

    def _finish(self, values: Tensor, batch: Batch, index: int) -> Tensor:
        """(B, T, D * hidden_size) of one layer → (B, T, output_size)."""
        if self.adds:
            values = values.view(*values.shape[:2], 2, -1).sum(2)
        if self.norms:
            values = self.norms[index](values).masked_fill(~batch.mask[:, :, None], 0)
        return values

    # A layer takes and gives its state's parts as (D, B, hidden).

    def _split(self, state: State, index: int) -> list[Tensor]:
        parts = [part[index] for part in state if part is not None]
        if self.adds:
            return [part.expand(2, *part.shape) for part in parts]
        return [part.reshape(len(part), self.directions, -1).transpose(0, 1) for part in parts]

    def _join(self, parts: list[Tensor]) -> list[Tensor]:
        if self.adds:
            return [part.sum(0) for part in parts]
        return [part.transpose(0, 1).flatten(1) for part in parts]

    def _check(self, values: Tensor, initial: State) -> None:
        if values.dim() != 3 or values.shape[2] != self.input_size:
            raise DataError(
                f"a recurrent layer needs values (B, T, {self.input_size}), got"
                f" {tuple(values.shape)}."
            )
        shape = (self.layers, len(values), self.output_size)
        names = ("hidden", "cell") if self.cell in ("lstm", "peephole") else ("hidden",)
        for name, part in zip(names, initial, strict=False):
            if part is None or part.shape != shape:
                got = "none" if part is None else tuple(part.shape)
                raise DataError(f"the initial state needs {name} {shape}, got {got}.")


def _check_choice(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ConfigurationError(
            f"{name} is {value!r}; it must be one of {', '.join(allowed)}."
            f"{did_you_mean(str(value), allowed)}"
        )


def where(filled: Tensor, new: State, old: State) -> State:
    """(B,) bool chooses for each sequence the new state, or the old one."""
    chosen = filled[None, :, None]
    hidden = torch.where(chosen, new.hidden, old.hidden)
    if new.cell is None or old.cell is None:
        return State(hidden)
    return State(hidden, torch.where(chosen, new.cell, old.cell))
