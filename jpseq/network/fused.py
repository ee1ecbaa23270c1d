"""One layer of torch's own cells (RNN, LSTM, GRU) over padded sequences, with exact lengths."""

from collections.abc import Callable, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from jpseq.batch import Batch

CELLS: dict[str, Callable[..., nn.RNNBase]] = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}
FUNCTIONS: dict[str, Callable[..., tuple[Tensor, ...]]] = {
    "rnn": torch.rnn_tanh,
    "lstm": torch.lstm,
    "gru": torch.gru,
}
STEPS: dict[str, Callable[..., Any]] = {
    "rnn": torch.rnn_tanh_cell,
    "lstm": torch.lstm_cell,
    "gru": torch.gru_cell,
}

FULL = 0.8
"""Share of steps that are no padding from which on a processor learns faster unpacked."""
SHUT = 1e4
"""What closes a gate to the last digit: sigmoid(-SHUT) is 0, sigmoid(SHUT) is 1."""


class Fused(nn.Module):
    """All steps of a layer in one call of torch.

    Sequences of different lengths are packed. On a processor learning from packed ones takes torch
    up to 1.7 times as long, so that a batch with little padding is read with it, and what comes
    of the padding is thrown away. That gives the same numbers, for what comes after a sequence
    changes nothing that went before. The direction that reads from the end gets each sequence
    turned round.

    Args:
        cell: "rnn", "lstm" or "gru".
        input_size: features of x_t.
        hidden_size: features of h_t in each direction.
        bidirectional: read from the end, too: D is 2, else 1.
    """

    def __init__(
        self, cell: str, input_size: int, hidden_size: int, bidirectional: bool = False
    ) -> None:
        super().__init__()
        self.cell = cell
        options = {"batch_first": True, "bidirectional": bidirectional}
        self.rnn = CELLS[cell](input_size, hidden_size, **options)

    def forward(self, batch: Batch, initial: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Read the sequences.

        Args:
            batch: values (B, T, input_size), T >= 1.
            initial: (D, B, hidden_size) h, and for an LSTM c of the same shape.

        Returns:
            outputs (B, T, D * hidden_size), zero where there is padding, and the last state as the
            initial one was given. That of an empty sequence means nothing.
        """
        # Under autocast what comes from elsewhere may be of another type; torch casts it again.
        dtype = cast(Tensor, self.rnn.weight_hh_l0).dtype
        state = [part.to(dtype) for part in initial]
        if batch.values.dtype != dtype:
            batch = batch.replace(batch.values.to(dtype))
        steps, read = int(batch.lengths.sum()), batch.values.shape[0] * batch.values.shape[1]
        if steps == read:
            outputs, last = self.rnn(batch.values, self._hidden(state))
            return outputs, self._parts(last)
        if batch.values.is_cpu and torch.is_grad_enabled() and steps >= FULL * read:
            return self._padded(batch, state)
        return self._packed(batch, state)

    def step(self, x: Tensor, state: Sequence[Tensor]) -> list[Tensor]:
        """One step forwards, without what a call for many steps takes to begin.

        Args:
            x: (B, input_size).
            state: (B, hidden_size) h, and for an LSTM c of the same shape.

        Returns:
            the next state; its h is the output.
        """
        weights = self.rnn.all_weights[0]
        h, *c = (part.to(weights[1].dtype) for part in state)
        given: Any = (h, *c) if self.cell == "lstm" else h
        last = STEPS[self.cell](x.to(h.dtype), given, *weights)
        return self._parts(last)

    def _packed(self, batch: Batch, initial: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        lengths, values = batch.lengths.cpu(), batch.values
        # torch cannot pack an empty sequence: it is read as one step of zeros, then undone.
        some_empty = not bool(lengths.all())
        if some_empty:
            lengths, values = lengths.clamp(min=1), _blank(values, batch.mask)
        packed = pack_padded_sequence(values, lengths, batch_first=True, enforce_sorted=False)
        outputs, last = self.rnn(packed, self._hidden(initial))
        steps = batch.values.shape[1]
        values, _ = pad_packed_sequence(outputs, batch_first=True, total_length=steps)
        return _blank(values, batch.mask) if some_empty else values, self._parts(last)

    def _padded(self, batch: Batch, initial: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        mask = batch.mask
        sequences, ends = torch.arange(len(batch)), batch.lengths.clamp(min=1) - 1
        x = _blank(batch.values, mask)
        outputs, lasts = [], []
        for backwards, weights in enumerate(self.rnn.all_weights):
            read = _turned(x, batch.lengths) if backwards else x
            own: list[Tensor] = [*weights]
            if self.cell == "lstm":
                read, own = _keep_cell(read, mask, own)
            state = self._hidden([part[backwards : backwards + 1] for part in initial])
            # bias, layers, dropout, training, bidirectional, batch first
            options = (True, 1, 0.0, self.training, False, True)
            values, _, *cells = FUNCTIONS[self.cell](read, state, own, *options)
            values = _blank(values, mask)
            lasts.append([values[sequences, ends], *(cell[0] for cell in cells)])
            outputs.append(_turned(values, batch.lengths) if backwards else values)
        return torch.cat(outputs, 2), [torch.stack(parts) for parts in zip(*lasts, strict=True)]

    # An LSTM of torch takes and gives a pair, the others one tensor.

    def _hidden(self, state: list[Tensor]) -> Any:
        return tuple(state) if self.cell == "lstm" else state[0]

    def _parts(self, last: Any) -> list[Tensor]:
        return [*last] if self.cell == "lstm" else [last]


def _blank(values: Tensor, mask: Tensor) -> Tensor:
    return values.masked_fill(~mask[:, :, None], 0)


def _turned(values: Tensor, lengths: Tensor) -> Tensor:
    """(B, T, F) with each sequence from its end; the padding stays where it is."""
    size, count, features = values.shape
    steps = torch.arange(count).expand(size, count)
    rows = torch.where(steps < lengths[:, None], lengths[:, None] - 1 - steps, steps)
    rows = rows + torch.arange(size)[:, None] * count
    return values.reshape(-1, features).index_select(0, rows.flatten()).view(values.shape)


def _keep_cell(x: Tensor, mask: Tensor, weights: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
    """A layer that keeps its memory through padding.

    torch gives c of the last step only. One more input, 1 where there is padding, closes the input
    gate and opens the forget gate there, so that c stays what it was after the sequence.
    """
    gates = weights[0].new_tensor([-SHUT, SHUT, 0, 0])
    column = gates.repeat_interleave(len(weights[0]) // 4)[:, None]
    padding = (~mask)[:, :, None].to(x.dtype)
    return torch.cat([x, padding], 2), [torch.cat([weights[0], column], 1), *weights[1:]]
