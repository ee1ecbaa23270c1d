"""Direct multi-step forecasts: all steps of the horizon at once, from what was read."""

import torch
from torch import Tensor, nn

from jpseq.network.dropout import Dropout
from jpseq.network.heads import Head
from jpseq.network.level import Level, level
from jpseq.network.loss import Loss
from jpseq.network.recurrent import Cell, Recurrent
from jpseq.network.window import Window


class Direct(nn.Module):
    """A recurrent layer reads the window, and its last output gives every step to come.

    Nothing foreseen is read again, so that errors do not add up; the horizon is part of the
    network.

    Args:
        horizon: H steps to foresee.
        window: W steps that are read.
        targets, known, past: columns that are foreseen, known beforehand, and neither.
        head: what is said of each value.
        cell, hidden_size, layers, dropout: as in Recurrent; its last output is dropped out, too.
        level: what of each window is taken away before it is read.
        linear: whether a linear map from the window's targets to all steps is added (the
            autoregressive part of Lai et al. 2018): what is linear in a series is learnt by it at
            once, and the recurrent layer learns the rest.
    """

    def __init__(
        self,
        horizon: int,
        window: int,
        targets: int,
        known: int,
        past: int,
        head: Head,
        cell: Cell = "lstm",
        hidden_size: int = 64,
        layers: int = 1,
        dropout: float = 0.0,
        level: Level = "last",
        linear: bool = True,
    ) -> None:
        super().__init__()
        self.horizon = horizon
        self.targets = targets
        self.head = head
        self.level: Level = level
        self.recurrent = Recurrent(
            cell, targets + known + past, hidden_size, layers, dropout=dropout
        )
        self.dropout = Dropout(dropout)
        outputs = targets * head.size
        self.future: nn.Linear | None = None
        if known:
            self.steps = nn.Linear(hidden_size, horizon * hidden_size)
            self.future = nn.Linear(known, hidden_size)
            self.output = nn.Linear(hidden_size, outputs)
        else:
            self.output = nn.Linear(hidden_size, horizon * outputs)
        self.linear = nn.Linear(window, horizon) if linear else None
        if self.linear is not None:  # the first forecast is the level
            nn.init.zeros_(self.linear.weight)
            nn.init.zeros_(self.linear.bias)

    def forward(self, window: Window) -> Tensor:
        """(B, H, C, P) what the head says of each value."""
        past = window.past.values
        shift, scale = level(self.level, past[..., : self.targets])
        own = (past[..., : self.targets] - shift) / scale
        read = torch.cat([own, past[..., self.targets :]], dim=-1)
        outputs, _ = self.recurrent(window.past.replace(read))
        last = self.dropout(outputs.values[:, -1])
        if self.future is not None:
            steps = self.steps(last).view(len(last), self.horizon, -1)
            last = torch.relu(steps + self.future(window.future.values))
        said = self.output(last).view(len(past), self.horizon, self.targets, self.head.size)
        parameters = self.head.raw(said.float())
        if self.linear is not None:
            straight = self.linear(own.transpose(1, 2)).transpose(1, 2).float()
            parameters = self.head.placed(parameters, straight, torch.ones_like(straight))
        return self.head.placed(parameters, shift, scale)

    def forecast(self, window: Window) -> Tensor:
        """The same as forward: (B, H, C, P)."""
        parameters: Tensor = self(window)
        return parameters

    def loss(self, window: Window) -> Loss:
        """Of all values that came."""
        return known_loss(self.head, self(window), window.target)


def known_loss(head: Head, parameters: Tensor, target: Tensor) -> Loss:
    """The loss over values that are known; (B, H, C, P) and (B, H, C) with nan."""
    known = torch.isfinite(target)
    losses = head.loss(parameters, torch.where(known, target, torch.zeros_like(target)))
    total = torch.where(known, losses, torch.zeros_like(losses)).sum()
    return Loss(total, known.sum())
