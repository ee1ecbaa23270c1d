"""Spearman's rank correlation, and how far chance could move it."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Correlation:
    """Spearman's rho with an interval.

    >>> print(correlate([1, 2, 3, 4, 5, 6], [1, 2, 3, 5, 4, 6]))
    .943 [.515, 1.000]
    """

    value: float
    """NaN where it is not defined: fewer than two pairs, or values that are all equal."""
    low: float
    high: float
    """The interval, by the percentile bootstrap."""

    def __str__(self) -> str:
        if math.isnan(self.value):
            return "not defined"
        return f"{_short(self.value)} [{_short(self.low)}, {_short(self.high)}]"


def _short(value: float) -> str:
    return f"{value:.3f}".replace("0.", ".", 1)


def ranks(values: npt.ArrayLike) -> Floats:
    """(N,) → (N,) ranks from 1; equal values share the mean of theirs.

    >>> ranks([30, 10, 20, 20])
    array([4. , 1. , 2.5, 2.5])
    """
    _, inverse, counts = np.unique(np.asarray(values), return_inverse=True, return_counts=True)
    shared = np.cumsum(counts) - (counts - 1) / 2
    return np.asarray(shared[inverse], np.float64)


def spearman(a: npt.ArrayLike, b: npt.ArrayLike) -> float:
    """Pearson's correlation of the ranks of two (N,) arrays; NaN where it is not defined."""
    x, y = (rank - rank.mean() if len(rank) else rank for rank in (ranks(a), ranks(b)))
    scale = math.sqrt(float(x @ x) * float(y @ y))
    return min(1.0, max(-1.0, float(x @ y) / scale)) if scale else math.nan


def correlate(
    a: npt.ArrayLike, b: npt.ArrayLike, samples: int = 1000, seed: int = 0, level: float = 0.95
) -> Correlation:
    """Spearman's rho of two (N,) arrays with its percentile bootstrap interval.

    Pairs are drawn with replacement, `samples` times (Efron & Tibshirani 1993, section 13.3). Draws
    in which it is not defined are left out.
    """
    x, y = np.asarray(a, np.float64), np.asarray(b, np.float64)
    value = spearman(x, y)
    if math.isnan(value):
        return Correlation(math.nan, math.nan, math.nan)
    rng = np.random.default_rng(seed)
    draws = [spearman(x[i], y[i]) for i in rng.integers(0, len(x), (samples, len(x)))]
    tail = 50 * (1 - level)
    low, high = np.nanpercentile(draws, [tail, 100 - tail]).tolist()
    return Correlation(value, low, high)
