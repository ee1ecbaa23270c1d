"""Dropout whose mask is cheap to draw, and of whole words."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Function


class Dropout(nn.Module):
    """Sets features to zero by chance while training (Srivastava et al. 2014).

    On a processor torch draws a number for each feature, and that is 5 to 7 % of a training step.
    Here one draw of 64 bits decides over eight features, a byte each, so that the share dropped is
    the nearest multiple of 1/256. What is kept is scaled by the exact share: the mean is right.

    Args:
        p: share of features dropped, 0 <= p < 1.
    """

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        """(...) features → (...) features, the same ones when not training."""
        if not self.training or not self.p:
            return x
        if x.device.type != "cpu":
            return nn.functional.dropout(x, self.p)
        kept = max(1, round((1 - self.p) * 256))
        if kept == 256:  # no byte is as large: below 1/512 nothing is dropped
            return x
        dropped: Tensor = _Dropout.apply(x, kept)  # type: ignore[no-untyped-call]
        return dropped

    def extra_repr(self) -> str:
        return f"p={self.p}"


class _Dropout(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, kept: int) -> Tensor:
        """kept: of 256 how many are kept."""
        draws = torch.empty((x.numel() + 7) // 8, dtype=torch.int64).random_(-(2**63), None)
        mask = draws.view(torch.uint8)[: x.numel()].view(x.shape) < kept
        ctx.save_for_backward(mask)
        ctx.scale = 256 / kept
        return (x * mask).mul_(ctx.scale)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        (mask,) = ctx.saved_tensors
        return (grad * mask).mul_(ctx.scale), None


class WordDrop(nn.Module):
    """Leaves whole words blank by chance while training.

    What is read then prepares for words never seen (Gal & Ghahramani 2016, section 4.2, without
    tying over types). A decoder that does not see all previous words has to ask elsewhere: the
    context, or a latent variable (Bowman et al. 2016, section 3.1.2).

    Args:
        p: share of words left blank, 0 <= p < 1.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, embedded: Tensor) -> Tensor:
        """(B, T, E) embedded words → (B, T, E), 0 for a word that is left blank this time."""
        if not self.training or not self.p:
            return embedded
        kept = torch.rand(embedded.shape[:2], device=embedded.device) >= self.p
        return embedded * kept[..., None]

    def extra_repr(self) -> str:
        return f"p={self.p}"
