"""Clipping the gradient by its norm (勾配クリッピング; Pascanu et al. 2013, algorithm 1).

    if ‖g‖ > threshold:  g ← g threshold / ‖g‖

with all parameters' gradients together as one long vector g: the direction stays, only the length
is limited. Clipping each number for itself would turn the direction.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from jpseq.scratch.layer import Array
from jpseq.scratch.rnn import RNN


def norm(gradients: Mapping[str, Array]) -> float:
    """The length of all gradients together, √(sum of all squares)."""
    return float(np.sqrt(sum(np.sum(g**2) for g in gradients.values())))


def clip_by_norm(gradients: Mapping[str, Array], max_norm: float) -> float:
    """Shorten the gradients in place to max_norm where they are longer; returns their norm before.

    >>> gradients = {"W": np.array([3.0, 0.0]), "b": np.array([4.0])}
    >>> clip_by_norm(gradients, 1.0), gradients["W"], gradients["b"]
    (5.0, array([0.6, 0. ]), array([0.8]))
    """
    length = norm(gradients)
    if length > max_norm:
        for g in gradients.values():
            g *= max_norm / length
    return length


class Descent(NamedTuple):
    """The way down, one row a step."""

    w: Array
    b: Array
    loss: Array
    norm: Array
    """of the gradient, before clipping."""


def descend_the_cliff(
    max_norm: float, steps: int = 500, w: float = 5.0, b: float = -2.8, learning_rate: float = 0.05
) -> Descent:
    """Gradient descent on the loss of one sigmoid unit, which has a cliff (Pascanu et al., fig. 6).

        h_t = σ(w h_{t-1} + b),  h_0 = 1/2,  no input,  L = (h_50 - 0.7)²

    Nothing could be smaller, and yet: where w and b make h_t leave for another fixed point, 50
    steps make of it a wall. Each step of descent is as long as the gradient is steep, so that at
    the wall it is thrown far away from all it had found; clipped, it takes a short step, in the
    right direction still.
    """
    unit = RNN(inputs=1, units=1, activation="sigmoid")
    W_h, bias = unit.parameters["W_h"], unit.parameters["b"]
    W_h[:], bias[:] = w, b
    x, h_0 = np.zeros((1, 50, 1)), np.full((1, 1), 0.5)
    rows = []
    for _ in range(steps):
        error = unit.forward(x, h_0) - 0.7
        error[:, :-1] = 0  # the loss looks at the last step only
        unit.backward(2 * error)
        gradients = {name: unit.gradients[name] for name in ("W_h", "b")}
        length = norm(gradients)
        rows.append((W_h.item(), bias.item(), float(np.sum(error**2)), length))
        clip_by_norm(gradients, max_norm)
        W_h -= learning_rate * gradients["W_h"]
        bias -= learning_rate * gradients["b"]
    return Descent(*np.array(rows).T)
