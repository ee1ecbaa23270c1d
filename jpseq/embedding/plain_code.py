"""The innermost parts of word2vec as loops: what `vector_code.py` does with vector instructions.

Throughout, x and o are the input and the output layer as flat arrays of float32, and a row is
given by the place where it begins. `at` (count,) are the rows of the words around, `to` (6,) those
of the word in the middle and of negatives; each has `size` values.
"""

import math
from typing import Any

import numpy as np
from numba import float32, njit

OUTPUTS = 6
"""Rows of the output layer that are worked on at once."""
OPTIONS: dict[str, Any] = {"nogil": True, "fastmath": True, "error_model": "numpy", "cache": True}

ONE, TWO, LOG2_E = float32(1), float32(2), float32(1 / math.log(2))
EXP2 = tuple(float32(math.log(2) ** k / math.factorial(k)) for k in range(7))
"""Coefficients of 2^r by powers of r, enough of them for |r| <= 1/2."""
ARTANH = tuple(float32(1 / k) for k in range(1, 14, 2))
"""Coefficients of artanh(z) / z by powers of z², enough of them for z <= 1/3."""


@njit(**OPTIONS)  # type: ignore[untyped-decorator]
def dots(x: Any, at: Any, count: Any, o: Any, to: Any, size: Any, scores: Any) -> None:
    """scores[6 c + m] = x row c · o row m."""
    for c in range(count):
        for m in range(OUTPUTS):
            total = float32(0)
            for d in range(size):
                total += x[at[c] + d] * o[to[m] + d]
            scores[c * OUTPUTS + m] = total


@njit(**OPTIONS)  # type: ignore[untyped-decorator]
def update(x: Any, at: Any, count: Any, o: Any, to: Any, size: Any, steps: Any) -> None:
    """x row c += Σ_m steps[6 c + m] o row m, and o row m += Σ_c steps[6 c + m] x row c.

    The rows of x come one after another, so that one that is there twice takes both steps; those
    of o change after the last.
    """
    changes = np.zeros((OUTPUTS, size), np.float32)
    for c in range(count):
        for m in range(OUTPUTS):
            step = steps[c * OUTPUTS + m]
            for d in range(size):
                changes[m, d] += step * x[at[c] + d]
        for m in range(OUTPUTS):
            step = steps[c * OUTPUTS + m]
            for d in range(size):
                x[at[c] + d] += step * o[to[m] + d]
    for m in range(OUTPUTS):
        for d in range(size):
            o[to[m] + d] += changes[m, d]


@njit(**OPTIONS)  # type: ignore[untyped-decorator]
def mean_dots(
    x: Any, at: Any, count: Any, mean: Any, o: Any, to: Any, size: Any, scores: Any
) -> None:
    """mean = the mean of the rows of x; scores[m] = mean · o row m."""
    inverse = float32(1) / float32(count)
    for d in range(size):
        total = float32(0)
        for c in range(count):
            total += x[at[c] + d]
        mean[d] = total * inverse
    for m in range(OUTPUTS):
        total = float32(0)
        for d in range(size):
            total += mean[d] * o[to[m] + d]
        scores[m] = total


@njit(**OPTIONS)  # type: ignore[untyped-decorator]
def update_mean(
    x: Any, at: Any, count: Any, mean: Any, o: Any, to: Any, size: Any, steps: Any
) -> None:
    """Each row of x += Σ_m steps[m] o row m, and o row m += steps[m] mean."""
    change = np.zeros(size, np.float32)
    for m in range(OUTPUTS):
        for d in range(size):
            change[d] += steps[m] * o[to[m] + d]
    for m in range(OUTPUTS):
        for d in range(size):
            o[to[m] + d] += steps[m] * mean[d]
    for c in range(count):
        for d in range(size):
            x[at[c] + d] += change[d]


@njit(**OPTIONS)  # type: ignore[untyped-decorator]
def compose(x: Any, at: Any, count: Any, near: Any, came: Any, place: Any, size: Any) -> None:
    """near and came, from a place on = the mean of the rows of x."""
    near[place : place + size] = 0
    for c in range(count):
        for d in range(size):
            near[place + d] += x[at[c] + d]
    inverse = float32(1) / float32(count)
    for d in range(place, place + size):
        near[d] *= inverse
        came[d] = near[d]


# Without fastmath: the difference is taken first, so that what has not changed changes no row.
@njit(**{**OPTIONS, "fastmath": False})  # type: ignore[untyped-decorator]
def distribute(x: Any, at: Any, count: Any, near: Any, came: Any, place: Any, size: Any) -> None:
    """Each row of x += near - came, from a place on."""
    for c in range(count):
        for d in range(size):
            x[at[c] + d] += near[place + d] - came[place + d]


@njit(**OPTIONS)  # type: ignore[untyped-decorator]
def learn(scores: Any, signs: Any, count: Any, rate: Any, losses: Any) -> None:
    """scores become steps, rate (wanted - σ(score)); losses += -log σ of what is wanted.

    signs are 1 where a high score is wanted, -1 where a low one is, 0 where nothing is. All by
    arithmetic that can be done on vectors: with t the score, or minus it where it should be low,
    and e = exp(-|t|), 1 - σ(t) is e / (1 + e) or, below 0, 1 / (1 + e), and -log σ(t) is
    log(1 + e) + max(-t, 0). Accurate to about 2e-7.
    """
    for j in range(count):
        t = signs[j] * scores[j]
        # exp by powers of 2: the whole part goes into the exponent, the rest into a polynomial.
        power = max(-abs(t) * LOG2_E, float32(-127))
        whole = np.rint(power)
        e = EXP2[6]
        for k in range(5, -1, -1):
            e = e * (power - whole) + EXP2[k]
        e *= np.int32((np.int32(whole) + 127) << 23).view(np.float32)
        inverse = ONE / ((ONE + e) * (TWO + e))
        z = e * (ONE + e) * inverse  # e / (2 + e), and log(1 + e) = 2 artanh(z)
        series = ARTANH[6]
        for k in range(5, -1, -1):
            series = series * (z * z) + ARTANH[k]
        losses[0] += signs[j] * signs[j] * (TWO * z * series + max(-t, float32(0)))
        scores[j] = signs[j] * rate * (e if t >= 0 else ONE) * (TWO + e) * inverse


@njit(**OPTIONS)  # type: ignore[untyped-decorator]
def prefetch(rows: Any, place: Any, size: Any) -> None:
    """Ask for a row to be brought into the cache: nothing that a plain loop can do."""
