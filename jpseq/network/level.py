"""The level of a window, taken away before a network reads it and given back to what it foresees.

A network that has seen temperatures from 5 to 20 degrees knows nothing of 25; one that reads by how
much the last days differ from the last of them does (RevIN: Kim et al. 2022; NLinear: Zeng et al.
2023).
"""

from typing import Literal

import torch
from torch import Tensor

Level = Literal["last", "mean", "standard", "none"]

SMALLEST = 1e-2
"""The least standard deviation of a window, in units of the scaled series: a window that is
constant must not be blown up to noise."""


def level(kind: Level, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Shift and scale of each window: it is read as (targets - shift) / scale.

    Args:
        kind: "last" takes the last value away, "mean" the mean; "standard" the mean, and divides
            by the standard deviation; "none" leaves it as it is.
        targets: (B, W, C).

    Returns:
        (B, 1, C) each.
    """
    one = torch.ones_like(targets[:, -1:])
    if kind == "last":
        return targets[:, -1:], one
    if kind == "none":
        return torch.zeros_like(one), one
    mean = targets.mean(dim=1, keepdim=True)
    if kind == "mean":
        return mean, one
    return mean, targets.std(dim=1, keepdim=True, unbiased=False).clamp(min=SMALLEST)
