"""Losses: what a network is trained to make small, summed over all that it predicts."""

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

CHUNK = 256
"""Rows of scores that exist at once. Their softmax then stays in the processor's cache."""


class Loss(NamedTuple):
    """A loss that can be averaged over batches of any size."""

    total: Tensor
    """() summed over all that is predicted."""
    predicted: Tensor
    """() how many were predicted, for instance target words."""

    @property
    def mean(self) -> Tensor:
        """() per prediction."""
        return self.total / self.predicted.clamp(min=1)


def linear_cross_entropy(
    hidden: Tensor, weight: Tensor, bias: Tensor, targets: Tensor, smoothing: float = 0.0
) -> Tensor:
    """The summed cross-entropy of softmax(hidden weightᵀ + bias), without holding all the scores.

    The scores of a batch, (N, V), are by far its largest tensor, and their gradient is another.
    Here they are made for 256 rows at a time, and each row's gradient, softmax minus target, is
    used before the next are made. Under autocast the products are in its precision; softmax, loss
    and the sums over rows are in single precision (or double, where everything is).

    Args:
        hidden: (N, H) the outputs to score.
        weight: (V, H) of the output layer.
        bias: (V,) of the output layer.
        targets: (N,) the ids wanted.
        smoothing: share of the target's probability that is spread evenly over all V words
            (Szegedy et al. 2016, section 7).

    Returns:
        () the sum over rows.
    """
    # Inside a Function gradients are always off, so whether they are wanted is asked here.
    inputs = (hidden, weight, bias, targets, smoothing, torch.is_grad_enabled())
    total: Tensor = _LinearCrossEntropy.apply(*inputs)  # type: ignore[no-untyped-call]
    return total


@torch.no_grad()
def linear_log_likelihood(hidden: Tensor, weight: Tensor, bias: Tensor, targets: Tensor) -> Tensor:
    """(N,) log softmax(hidden weightᵀ + bias) of each row's target; arguments as above.

    For measuring only: it has no gradient.
    """
    found = []
    for start in range(0, len(hidden), CHUNK):
        scores = torch.nn.functional.linear(hidden[start : start + CHUNK], weight, bias)
        wanted = targets[start : start + CHUNK, None]
        found.append(scores.to(weight.dtype).log_softmax(dim=1).gather(1, wanted)[:, 0])
    return torch.cat(found) if found else weight.new_zeros(0)


class _LinearCrossEntropy(Function):
    @staticmethod
    def forward(
        ctx: Any,
        hidden: Tensor,
        weight: Tensor,
        bias: Tensor,
        targets: Tensor,
        smoothing: float,
        learns: bool,
    ) -> Tensor:
        device = hidden.device.type
        fast = torch.is_autocast_enabled(device)
        product = torch.get_autocast_dtype(device) if fast else weight.dtype
        learns = learns and any(ctx.needs_input_grad)
        # Everything is cast once here, not once a chunk by autocast.
        with torch.autocast(device, enabled=False):
            total, ctx.gradients = _accumulate(
                hidden, weight, bias, targets, smoothing, product, learns
            )
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        # Not in place: who goes backward twice would get the second gradient of the first.
        return (*(part * grad for part in ctx.gradients), None, None, None)


def _accumulate(
    hidden: Tensor,
    weight: Tensor,
    bias: Tensor,
    targets: Tensor,
    smoothing: float,
    product: torch.dtype,
    learns: bool,
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """The loss and, where it learns, its gradients for hidden, weight and bias."""
    low, table = hidden.to(product), weight.to(product)
    total = weight.new_zeros(())
    gradients: tuple[Tensor, ...] = ()
    if learns:
        d_hidden, d_weight = torch.empty_like(hidden), torch.zeros_like(weight)
        d_bias = torch.zeros_like(bias)
        gradients = (d_hidden, d_weight, d_bias)
        # Once for all chunks: what is as large as the table comes from the system page by page, and
        # to add one type to another torch would fetch as much for each.
        part, wide = torch.empty_like(table), torch.empty_like(weight)
    for start in range(0, len(hidden), CHUNK):
        rows, wanted = low[start : start + CHUNK], targets[start : start + CHUNK, None]
        scores = torch.mm(rows, table.t()).to(weight.dtype).add_(bias)
        log_p = torch.log_softmax(scores, dim=1)
        total -= (1 - smoothing) * log_p.gather(1, wanted).sum()
        if smoothing:
            total -= smoothing * log_p.mean(dim=1).sum()
        if not learns:
            continue
        d_scores = log_p.exp_()  # softmax minus target
        if smoothing:
            d_scores -= smoothing / len(weight)
        ones = torch.ones_like(wanted, dtype=d_scores.dtype)
        d_scores.scatter_add_(1, wanted, ones.mul_(smoothing - 1))
        d_bias += d_scores.sum(dim=0)
        d_low = d_scores.to(product)
        d_hidden[start : start + CHUNK] = torch.mm(d_low, table)
        if product == weight.dtype:
            d_weight.addmm_(d_low.t(), rows)
        else:
            d_weight += wide.copy_(torch.mm(d_low.t(), rows, out=part))
    return total, gradients
