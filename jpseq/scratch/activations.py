"""The activation functions of a simple RNN (活性化関数), each with its derivative.

The derivatives are written in the output h = f(a), not in a: backward then needs h only, which
forward has kept anyway. How large they can be decides how fast a gradient vanishes: every step back
multiplies it by f'(a_t), at most 1/4 for the sigmoid, 1 for tanh, and exactly 0 or 1 for ReLU.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from jpseq.scratch.layer import Array


class Activation(NamedTuple):
    """A function applied to each element, its derivative in its output, and the most that can be.

    The greatest derivative is Pascanu et al.'s gamma: see `gradient_flow.bound`.
    """

    function: Callable[[Array], Array]
    derivative: Callable[[Array], Array]
    greatest_derivative: float


def sigmoid(a: Array) -> Array:
    """σ(a) = 1 / (1 + exp(-a)), between 0 and 1: what a gate is made of.

    Written with tanh, which is the same function and cannot overflow as exp(-a) does.

    >>> sigmoid(np.array([-1000.0, 0.0, 1000.0]))
    array([0. , 0.5, 1. ])
    """
    return 0.5 * (1 + np.tanh(0.5 * a))


def sigmoid_derivative(h: Array) -> Array:
    """σ'(a) = h (1 - h) where h = σ(a)."""
    return h * (1 - h)


def tanh_derivative(h: Array) -> Array:
    """tanh'(a) = 1 - h² where h = tanh(a)."""
    return 1 - h**2


def relu(a: Array) -> Array:
    """max(a, 0). It has no upper limit, so a recurrence through it can grow without one."""
    return np.maximum(a, 0)


def relu_derivative(h: Array) -> Array:
    """1 where the unit is active, 0 elsewhere (and at 0, where there is none, by convention)."""
    return np.where(h > 0, 1.0, 0.0)


def identity(a: Array) -> Array:
    """a itself: a linear unit, with which results can be worked out on paper."""
    return a


def identity_derivative(h: Array) -> Array:
    """1 everywhere."""
    return np.ones_like(h)


ACTIVATIONS = {
    "sigmoid": Activation(sigmoid, sigmoid_derivative, 0.25),
    "tanh": Activation(np.tanh, tanh_derivative, 1.0),
    "relu": Activation(relu, relu_derivative, 1.0),
    "identity": Activation(identity, identity_derivative, 1.0),
}
