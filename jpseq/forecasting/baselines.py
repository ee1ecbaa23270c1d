"""The naive forecasts, which every model must beat to be worth its training (Hyndman &
Athanasopoulos 2021, section 5.2).

All are made at many origins at once, each from what came before it and nothing else.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]
Origins = npt.NDArray[np.int64]


def naive(values: npt.NDArray[Any], origins: Origins, horizon: int) -> Numbers:
    """(T, C) and (N,) origins → (N, horizon, C): the last value that is known, again and again.

    >>> naive(np.array([[1.0], [4.0]]), np.array([2]), 2).ravel()
    array([4., 4.])
    """
    last = carried(values)[origins - 1]
    return np.repeat(last[:, None], horizon, axis=1)


def drift(values: npt.NDArray[Any], origins: Origins, horizon: int) -> Numbers:
    """The line from the first value to the last, carried on.

    >>> drift(np.array([[1.0], [0.0], [5.0]]), np.array([3]), 2).ravel()
    array([7., 9.])
    """
    filled = carried(values)
    known = np.isfinite(filled)
    first = np.where(known.any(axis=0), known.argmax(axis=0), 0)
    start = np.take_along_axis(filled, first[None], axis=0)
    last = filled[origins - 1]
    steps = np.maximum(origins[:, None] - 1 - first, 1)
    slope = (last - start) / steps
    return np.asarray(last[:, None] + slope[:, None] * np.arange(1, horizon + 1)[:, None])


def seasonal_naive(
    values: npt.NDArray[Any], origins: Origins, horizon: int, season: int
) -> Numbers:
    """The value of one season before, from the last season on, again and again.

    A gap there is filled by the season before it, or by the last value that is known.

    >>> seasonal_naive(np.array([[1.0], [2.0], [3.0], [4.0]]), np.array([4]), 3, 2).ravel()
    array([3., 4., 3.])
    """
    filled = np.array(values, np.float64)
    for begin in range(season, len(filled), season):  # a whole season at once
        now, before = filled[begin : begin + season], filled[begin - season : begin]
        now[:] = np.where(np.isfinite(now), now, before[: len(now)])
    filled = np.where(np.isfinite(filled), filled, carried(values))
    steps = np.arange(horizon)
    places = origins[:, None] - season + steps % season
    return np.asarray(filled[np.maximum(places, 0)])


def carried(values: npt.NDArray[Any]) -> Numbers:
    """(T, C) with each gap filled by the value before it; nan before the first one."""
    known = np.isfinite(values)
    places = np.where(known, np.arange(len(values))[:, None], 0)
    places = np.maximum.accumulate(places, axis=0)
    return np.asarray(np.take_along_axis(values, places, axis=0), np.float64)
