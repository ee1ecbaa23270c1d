"""Recursive multi-step forecasts: one step at a time, and what was foreseen is read again."""

import torch
from torch import Tensor, nn

from jpseq.batch import Batch
from jpseq.network.direct import known_loss
from jpseq.network.heads import Gaussian, Head
from jpseq.network.level import Level, level
from jpseq.network.loss import Loss
from jpseq.network.recurrent import Cell, Recurrent, State
from jpseq.network.window import Window

PATHS = 200
"""Futures drawn for a Gaussian forecast; its mean and deviation are theirs."""


class Recursive(nn.Module):
    """A recurrent layer that foresees the next step from each step.

    It learns with what really came (teacher forcing) and forecasts with what it said itself, as far
    as is wanted. With a Gaussian head, futures are drawn step by step (Salinas et al. 2020), so
    that doubt grows with the horizon; otherwise the point forecast is read again.

    Args:
        targets, known: columns that are foreseen, and known beforehand. There are no others: what
            is not foreseen could not be read again.
        head: what is said of each value.
        cell, hidden_size, layers, dropout: as in Recurrent.
        level: what of each window is taken away before it is read.
        linear: whether a linear map of the step before is added; it begins as the identity, so
            that the first forecast is near the last value.
    """

    def __init__(
        self,
        targets: int,
        known: int,
        head: Head,
        cell: Cell = "lstm",
        hidden_size: int = 64,
        layers: int = 1,
        dropout: float = 0.0,
        level: Level = "last",
        linear: bool = True,
    ) -> None:
        super().__init__()
        self.targets = targets
        self.head = head
        self.level: Level = level
        self.recurrent = Recurrent(cell, targets + known, hidden_size, layers, dropout=dropout)
        self.output = nn.Linear(hidden_size, targets * head.size)
        self.linear = nn.Linear(targets, targets) if linear else None
        if self.linear is not None:
            nn.init.eye_(self.linear.weight)
            nn.init.zeros_(self.linear.bias)

    def loss(self, window: Window) -> Loss:
        """Of the next step, for each step of the horizon; the window itself is only read."""
        shift, scale = self._level(window)
        came = (window.target - shift) / scale
        steps = window.target.shape[1]
        read = _filled(torch.cat([self._own(window, shift, scale), came[:, :-1]], dim=1))
        x = self._with_known(read, window)
        lengths = torch.full((len(x),), x.shape[1])
        outputs, _ = self.recurrent(Batch(x, lengths))
        said = self._said(outputs.values[:, -steps:], read[:, -steps:])
        return known_loss(self.head, self.head.placed(said, shift, scale), window.target)

    @torch.no_grad()
    def forecast(self, window: Window, seed: int = 0) -> Tensor:
        """(B, H, C, P) what the head says of each value; H is that of the window."""
        shift, scale = self._level(window)
        own = self._own(window, shift, scale)
        horizon = window.target.shape[1]
        x = self._with_known(torch.cat([own, own[:, -1:].expand(-1, horizon, -1)], dim=1), window)
        read = x[:, : own.shape[1]]
        outputs, state = self.recurrent(Batch(read, torch.full((len(read),), read.shape[1])))
        said = self._said(outputs.values[:, -1], own[:, -1])
        if isinstance(self.head, Gaussian):
            draw = torch.Generator().manual_seed(seed)
            paths = self._paths(said, state, x[:, own.shape[1] :], draw)
            parameters = torch.stack([paths.mean(dim=1), paths.std(dim=1)], dim=-1)
        else:
            parameters = self._roll(said, state, x[:, own.shape[1] :])
        return self.head.placed(parameters, shift, scale)

    def _roll(self, said: Tensor, state: State, x: Tensor) -> Tensor:
        found = [said]
        for known in x[..., self.targets :].unbind(dim=1):
            y = self.head.point(said)
            output, state = self.recurrent.step(_joined(y, known), state)
            said = self._said(output, y)
            found.append(said)
        return torch.stack(found, dim=1)

    def _paths(self, said: Tensor, state: State, x: Tensor, draw: torch.Generator) -> Tensor:
        """(B, PATHS, H, C) futures."""
        assert isinstance(self.head, Gaussian)
        size = len(said)
        rows = torch.arange(size, device=said.device).repeat_interleave(PATHS)
        said, state, x = said[rows], state.select(rows), x[rows]
        found = [self.head.draw(said, draw)]
        for known in x[..., self.targets :].unbind(dim=1):
            y = found[-1]
            output, state = self.recurrent.step(_joined(y, known), state)
            found.append(self.head.draw(self._said(output, y), draw))
        return torch.stack(found, dim=1).view(size, PATHS, len(found), self.targets)

    def _said(self, outputs: Tensor, before: Tensor) -> Tensor:
        """(..., hidden) and the step before (..., C) → (..., C, P)."""
        said = self.output(outputs).view(*outputs.shape[:-1], self.targets, self.head.size)
        parameters = self.head.raw(said.float())
        if self.linear is None:
            return parameters
        straight = self.linear(before).float()
        return self.head.placed(parameters, straight, torch.ones_like(straight))

    def _level(self, window: Window) -> tuple[Tensor, Tensor]:
        return level(self.level, window.past.values[..., : self.targets])

    def _own(self, window: Window, shift: Tensor, scale: Tensor) -> Tensor:
        return (window.past.values[..., : self.targets] - shift) / scale

    def _with_known(self, own: Tensor, window: Window) -> Tensor:
        """Each step's targets beside what is known of the next step."""
        known = torch.cat([window.past.values[:, 1:, self.targets :], window.future.values], dim=1)
        return _joined(own[:, : known.shape[1]], known[:, : own.shape[1]])


def _joined(own: Tensor, known: Tensor) -> Tensor:
    return torch.cat([own, known], dim=-1)


def _filled(values: Tensor) -> Tensor:
    """(B, T, C) whose first step is known; each gap takes the value before it."""
    filled = [values[:, 0]]
    for step in values[:, 1:].unbind(dim=1):
        filled.append(torch.where(torch.isfinite(step), step, filled[-1]))
    return torch.stack(filled, dim=1)
