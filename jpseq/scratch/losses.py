"""Losses (損失関数): how wrong the outputs are, and the gradient in them.

Each takes y (B, T, O), what the network gave, and target, and returns the loss, the mean over all
elements (over all steps for the softmax), and dy (B, T, O). For both cross entropies y is the
logits, before the sigmoid or softmax, because of what then happens: the exponential in the one and
the logarithm in the other cancel, and the gradient is simply (probability - target).
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from jpseq.scratch.activations import sigmoid
from jpseq.scratch.layer import Array, check_shape

Target = npt.NDArray[Any]
Loss = Callable[[Array, Target], tuple[float, Array]]
"""(y, target) -> (loss, dy)."""


def mean_squared_error(y: Array, target: Target) -> tuple[float, Array]:
    """For numbers: L = mean (y - target)², dy = 2 (y - target) / N. target (B, T, O)."""
    check_shape("target", target, *y.shape)
    error = y - target
    return float(np.mean(error**2)), 2 * error / error.size


def sigmoid_cross_entropy(y: Array, target: Target) -> tuple[float, Array]:
    """For yes or no, each output for itself (binary cross entropy). target (B, T, O) of 0 and 1.

        p  = σ(y)
        L  = mean -(target log p + (1 - target) log(1 - p))
        dy = (p - target) / N

    log σ(y) and log(1 - σ(y)) are computed from y itself, so that nothing is lost where p is 0 or
    1 to the last digit: both together are log(1 + exp(-|y|)) + max(y, 0) - y target.
    """
    check_shape("target", target, *y.shape)
    loss = np.log1p(np.exp(-np.abs(y))) + np.maximum(y, 0) - y * target
    return float(np.mean(loss)), (sigmoid(y) - target) / y.size


def softmax_cross_entropy(y: Array, target: Target) -> tuple[float, Array]:
    """For one class out of O. target (B, T) of integers from 0 to O - 1.

    p_k  = exp(y_k) / sum_j exp(y_j)
    L    = mean -log p_target
    dy_k = (p_k - [k = target]) / (B T)
    """
    check_shape("target", target, *y.shape[:-1])
    # Subtracting the largest changes no p and keeps exp from overflowing.
    y = y - y.max(axis=-1, keepdims=True)
    log_p = y - np.log(np.exp(y).sum(axis=-1, keepdims=True))
    is_target = np.arange(y.shape[-1]) == target[..., None]
    return float(-np.sum(log_p[is_target]) / target.size), (np.exp(log_p) - is_target) / target.size
