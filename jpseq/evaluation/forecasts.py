"""Errors of forecasts, each with the protocol by which it was measured.

Forecasts and what came are (N, H): H steps from each of N origins. What did not come (nan) does not
count.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from jpseq.errors import DataError

Numbers = npt.NDArray[Any]


@dataclass(frozen=True)
class ForecastScore:
    """One figure of many forecasts."""

    name: str
    value: float
    signature: str
    """How it was measured; figures compare only where their signatures are equal."""

    def __str__(self) -> str:
        return f"{self.name} {self.value:.4g} ({self.signature})"


def errors(forecast: Numbers, truth: Numbers) -> npt.NDArray[np.float64]:
    """(N, H) forecast - truth, nan where nothing came.

    Raises:
        DataError: the shapes differ, nothing came at all, or a forecast is no number.
    """
    forecast, truth = np.asarray(forecast, np.float64), np.asarray(truth, np.float64)
    if forecast.shape != truth.shape:
        raise DataError(f"forecasts are {forecast.shape}, and what came is {truth.shape}.")
    known = np.isfinite(truth)
    if not known.any():
        raise DataError("nothing of what was foreseen has come: all of it is missing.")
    if not np.isfinite(forecast[known]).all():
        raise DataError("a forecast is no number.")
    return np.where(known, forecast - truth, np.nan)


def mae(forecast: Numbers, truth: Numbers) -> float:
    """Mean absolute error.

    >>> mae([[1.0, 2.0]], [[2.0, 4.0]])
    1.5
    """
    return float(np.nanmean(np.abs(errors(forecast, truth))))


def mse(forecast: Numbers, truth: Numbers) -> float:
    """Mean squared error.

    >>> mse([[1.0, 2.0]], [[2.0, 4.0]])
    2.5
    """
    return float(np.nanmean(np.square(errors(forecast, truth))))


def rmse(forecast: Numbers, truth: Numbers) -> float:
    """Root of the mean squared error."""
    return math.sqrt(mse(forecast, truth))


def smape(forecast: Numbers, truth: Numbers) -> float:
    """Mean of 200 |ŷ - y| / (|ŷ| + |y|), 0 to 200, as in the M4 competition; 0 / 0 is 0.

    >>> smape([[1.0, 0.0]], [[3.0, 0.0]])
    50.0
    """
    difference = np.abs(errors(forecast, truth))
    size = np.abs(np.asarray(forecast)) + np.abs(np.asarray(truth))
    share = np.divide(difference, size, out=np.zeros_like(difference), where=size != 0)
    return float(200 * np.nanmean(np.where(np.isnan(difference), np.nan, share)))


def naive_error(learnt: Numbers, m: int = 1) -> float:
    """What MASE divides by: the mean of |y_t - y_{t-m}| over what was learnt from.

    >>> naive_error([1.0, 3.0, 2.0, 6.0])
    2.3333333333333335

    nan where it is not defined: the series is constant, or too short.
    """
    values = np.asarray(learnt, np.float64)
    steps = np.abs(values[m:] - values[:-m])
    steps = steps[np.isfinite(steps)]
    return float(steps.mean()) if len(steps) and steps.any() else float("nan")


def mase(forecast: Numbers, truth: Numbers, scale: float) -> float:
    """Mean absolute scaled error (Hyndman & Koehler 2006): mae / naive_error(...).

    Below 1 forecasts err less than a naive one of one step did within what was learnt from; a
    horizon of many steps is harder, so that 1 is no frontier there.
    """
    return mae(forecast, truth) / scale


def pinball(forecast: Numbers, truth: Numbers, level: float) -> float:
    """Mean pinball loss of one quantile: (y - ŷ) q above it, (ŷ - y) (1 - q) below.

    >>> pinball([[1.0, 5.0]], [[3.0, 4.0]], 0.9)
    0.95
    """
    over = errors(forecast, truth)
    return float(np.nanmean(np.maximum(-level * over, (1 - level) * over)))


def coverage(low: Numbers, high: Numbers, truth: Numbers) -> float:
    """The share of what came that lies in its interval, bounds included.

    >>> coverage([[0.0, 0.0]], [[1.0, 1.0]], [[1.0, 2.0]])
    0.5
    """
    below, above = errors(low, truth), errors(high, truth)
    known = np.isfinite(below)
    return float(((below <= 0) & (above >= 0))[known].mean())
