"""A layer: parameters, a pass forward, and a pass backward that leaves the gradients.

Everything in this package is one of these or works on one of these. A layer keeps two dictionaries
with the same names, `parameters` (what is learnt) and `gradients` (dL/dparameter, written by
`backward`), so that an optimiser needs to know nothing about what it improves.

Notation, in all files: dz is short for dL/dz, the gradient of the loss in z, and has z's shape.
Vectors are rows and the batch comes first, so a product is `x @ W` with W of shape (from, to).
B is the number of sequences in a batch, T the number of steps, I of inputs, H of units.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
"""float64 throughout: these layers are to be understood and checked, not to be fast."""


class Layer:
    """Base of all layers.

    Attributes:
        parameters: name -> array.
        gradients: name -> array of the parameter's shape; empty until `backward` has run, and
            replaced, not added to, by each `backward`.
    """

    parameters: Mapping[str, Array]
    gradients: Mapping[str, Array]

    def __init__(self, parameters: Mapping[str, Array]) -> None:
        self.parameters = parameters
        self.gradients = {}


class Linear(Layer):
    """A linear layer (全結合層), the same at every step: y_t = h_t W + b.

    Args:
        inputs, outputs: H and O.
        rng: a generator, or a seed for one.

    Parameters: W (H, O), b (O,).
    """

    def __init__(self, inputs: int, outputs: int, rng: np.random.Generator | int = 0) -> None:
        # Xavier's scale keeps the variance of y near that of h.
        scale = np.sqrt(2 / (inputs + outputs))
        W = np.random.default_rng(rng).normal(0, scale, (inputs, outputs))
        super().__init__({"W": W, "b": np.zeros(outputs)})

    def forward(self, h: Array) -> Array:
        """h (B, T, H) -> y (B, T, O)."""
        W, b = self.parameters["W"], self.parameters["b"]
        check_shape("h", h, "B", "T", len(W))
        self.h = h
        return h @ W + b

    def backward(self, dy: Array) -> Array:
        """dy (B, T, O) -> dh (B, T, H), with the gradients of W and b.

        One weight serves every sequence and every step, so its gradient is the sum over both:

            dW = sum_t h_t' dy_t        db = sum_t dy_t        dh_t = dy_t W'
        """
        W = self.parameters["W"]
        check_shape("dy", dy, *self.h.shape[:2], W.shape[1])
        self.gradients = {"W": sum_of_products(self.h, dy), "b": dy.sum(axis=(0, 1))}
        return dy @ W.T


def sum_of_products(x: Array, da: Array) -> Array:
    """sum over sequences and steps of x_t' da_t: x (B, T, I), da (B, T, H) -> (I, H).

    This is the gradient of W in a_t = x_t W, whatever the layer.
    """
    return np.tensordot(x, da, axes=((0, 1), (0, 1)))


def check_shape(name: str, array: npt.NDArray[Any], *expected: int | str) -> None:
    """Raise a ValueError unless the array has this shape; a letter stands for any size.

    >>> check_shape("x", np.zeros((8, 3)), "B", "T", 3)
    Traceback (most recent call last):
    ...
    ValueError: x should have the shape (B, T, 3), but has (8, 3).
    """
    fits = np.ndim(array) == len(expected) and all(
        isinstance(size, str) or size == actual
        for size, actual in zip(expected, np.shape(array), strict=True)
    )
    if not fits:
        sizes = ", ".join(map(str, expected)) + ("," if len(expected) == 1 else "")
        raise ValueError(f"{name} should have the shape ({sizes}), but has {np.shape(array)}.")
