"""How long a season is, read off the series."""

from typing import Any

import numpy as np
import numpy.typing as npt

from jpseq.forecasting.missing import fill

LEAST = 0.3
"""The least correlation between a series and itself a season later."""
RISE = 0.1
"""How far it must rise above what lies between: the correlation of a random walk wavers, too."""


def find_season(values: npt.NDArray[Any]) -> int | None:
    """The lag at which (T,) values are most like themselves, beyond the first dip; None for none.

    The values are taken around a parabola, so that a trend is no likeness, and at most a third of
    the series is a season.

    >>> find_season(np.sin(2 * np.pi * np.arange(200) / 12))
    12
    >>> find_season(np.arange(200.0)) is None
    True
    """
    if np.isfinite(values).sum() < 6:
        return None
    filled = fill(np.asarray(values, np.float64)[:, None], "interpolate")[:, 0]
    t = np.linspace(-1, 1, len(filled))
    detrended = filled - np.polynomial.Polynomial.fit(t, filled, 2)(t)
    energy = float(detrended @ detrended)
    if energy <= 1e-12 * max(1.0, float(np.nanmax(np.abs(values)) ** 2)) * len(detrended):
        return None
    size = 2 ** int(np.ceil(np.log2(2 * len(detrended))))
    likeness = np.fft.irfft(np.abs(np.fft.rfft(detrended, size)) ** 2)[: len(detrended) // 3 + 1]
    likeness = likeness / energy  # not corrected for the overlap: two seasons are less alike
    below = np.flatnonzero(likeness < likeness[0] / 2)
    if not len(below):
        return None
    begin = int(below[0])
    if begin >= len(likeness) - 1:
        return None
    lag = begin + int(likeness[begin:].argmax())
    risen = likeness[lag] - likeness[: lag + 1].min()
    at_end = lag in (begin, len(likeness) - 1)
    return lag if likeness[lag] >= LEAST and risen >= RISE and not at_end and lag > 1 else None
