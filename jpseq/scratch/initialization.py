"""How weights begin (重みの初期化).

A product x W sums over its inputs, so its variance is (number of inputs) x (variance of a weight) x
(mean square of x). The schemes differ in which variance they want to keep as signals go through.
"""

from collections.abc import Callable

import numpy as np

from jpseq.scratch.layer import Array

Initialization = Callable[[np.random.Generator, int, int], Array]
"""(rng, inputs, outputs) -> (inputs, outputs)."""


def standard(rng: np.random.Generator, inputs: int, outputs: int) -> Array:
    """Standard normal, N(0, 1): the variance grows with the number of inputs.

    Fine for two inputs, but a recurrent matrix of 100 units begins with a spectral radius near 10.
    """
    return rng.standard_normal((inputs, outputs))


def xavier(rng: np.random.Generator, inputs: int, outputs: int) -> Array:
    """N(0, 2 / (inputs + outputs)) (Glorot & Bengio 2010), for sigmoid and tanh.

    1 / inputs would keep the variance forwards, 1 / outputs that of the gradient backwards; this is
    the compromise, and for a square matrix it is both.
    """
    return rng.normal(0, np.sqrt(2 / (inputs + outputs)), (inputs, outputs))


def he(rng: np.random.Generator, inputs: int, outputs: int) -> Array:
    """N(0, 2 / inputs) (He et al. 2015), for ReLU, which lets half of the signal through.

    In a recurrence with sigmoid or tanh it is √2 too large.
    """
    return rng.normal(0, np.sqrt(2 / inputs), (inputs, outputs))


def orthogonal(rng: np.random.Generator, inputs: int, outputs: int) -> Array:
    """A random matrix that changes no length (Saxe et al. 2014), for recurrent weights.

    All its singular values are 1, so that applied a hundred times it neither shrinks nor stretches.
    Where it is not square, the shorter of its rows or columns are orthonormal.
    """
    tall, wide = max(inputs, outputs), min(inputs, outputs)
    q, r = np.linalg.qr(rng.standard_normal((tall, wide)))
    # QR leaves the signs open; taking them from r makes q uniform over all orthogonal matrices.
    q = q * np.sign(np.diag(r))
    return q if inputs >= outputs else q.T


INITIALIZATIONS: dict[str, Initialization] = {
    "standard": standard,
    "xavier": xavier,
    "he": he,
    "orthogonal": orthogonal,
}


def draw_gates(
    draw: Initialization, rng: np.random.Generator, inputs: int, units: int, count: int
) -> Array:
    """The matrices of several gates side by side: (inputs, count * units).

    Each is drawn for itself: the scale depends on a gate's own size, not on that of all together.
    """
    return np.concatenate([draw(rng, inputs, units) for _ in range(count)], axis=1)
