"""Checking a hand-written gradient (勾配確認): against finite differences.

    dL/dθ ≈ (L(θ + ε) - L(θ - ε)) / 2ε

It needs forward only, two of them for each number in θ: far too slow to learn with, but it cannot
be wrong in the way a derivation on paper can. The error of the formula shrinks with ε², that of
rounding grows with 1 / ε; 1e-5 lies between, and leaves 9 or 10 right digits of 16.
"""

from collections.abc import Callable

import numpy as np

from jpseq.scratch.layer import Array


def numerical_gradient(loss: Callable[[], float], theta: Array, epsilon: float = 1e-5) -> Array:
    """dL/dθ by central differences, of theta's shape.

    Args:
        loss: computes L from scratch, reading theta; theta is changed in place and put back.
    """
    gradient = np.empty_like(theta)
    for index in np.ndindex(theta.shape):
        value = theta[index]
        theta[index] = value + epsilon
        above = loss()
        theta[index] = value - epsilon
        below = loss()
        theta[index] = value
        gradient[index] = (above - below) / (2 * epsilon)
    return gradient


def relative_error(a: Array, b: Array) -> float:
    """The largest difference between two gradients, relative to the largest number in them."""
    scale = max(float(np.max(np.abs(a))), float(np.max(np.abs(b))))
    return float(np.max(np.abs(a - b))) / scale if scale > 0 else 0.0
