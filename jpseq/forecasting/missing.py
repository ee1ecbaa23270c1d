"""Gaps in what a window holds. Each window is filled from itself, so that nothing after it is used.

- "interpolate": a straight line between the values around the gap; the last value goes on at the
  end of the window, the first one stands for what was before it.
- "last": the value before the gap goes on.
- "error": there must be none.
"""

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from jpseq.errors import ConfigurationError, DataError

Missing = Literal["interpolate", "last", "error"]
Floats = npt.NDArray[np.floating[Any]]


def check(rule: Missing, values: Floats, names: tuple[str, ...], before: int = 0) -> None:
    """See that there are no gaps where there must be none.

    Args:
        rule: only "error" allows none.
        values: (T, F)
        names: of the columns.
        before: rows of the series that stand before these, and are counted in what is said.

    Raises:
        DataError: names the first gap.
    """
    if rule != "error":
        return
    gaps = np.argwhere(np.isnan(values))
    if len(gaps):
        row, column = gaps[0]
        raise DataError(
            f'row {before + row + 1:,}, column {names[column]!r}: missing, and missing="error".'
            ' Fill it, or take missing="interpolate" or "last".'
        )


def fill(values: Floats, rule: Missing) -> Floats:
    """(..., T, F) with nan → without; a column of which nothing is known becomes 0.

    >>> fill(np.array([[np.nan], [1.0], [np.nan], [3.0], [np.nan]]), "interpolate").T
    array([[1., 1., 2., 3., 3.]])
    >>> fill(np.array([[np.nan], [1.0], [np.nan], [3.0], [np.nan]]), "last").T
    array([[1., 1., 1., 3., 3.]])
    """
    known = ~np.isnan(values)
    if known.all():
        return values
    if rule not in ("interpolate", "last"):
        raise ConfigurationError(f'missing: "interpolate", "last" or "error", got {rule!r}.')
    steps = values.shape[-2]
    place = np.arange(steps)[:, None]
    before = np.maximum.accumulate(np.where(known, place, -1), axis=-2)
    after = np.flip(
        np.minimum.accumulate(np.flip(np.where(known, place, steps), axis=-2), axis=-2), axis=-2
    )
    left = np.where(before < 0, after, before)
    right = np.where(after == steps, left, after)
    nothing = left == steps  # nowhere in the column
    left, right = np.where(nothing, 0, left), np.where(nothing, 0, right)
    low = np.take_along_axis(values, left, axis=-2)
    if rule == "last":
        filled = low
    else:
        high = np.take_along_axis(values, right, axis=-2)
        share = (place - left) / np.maximum(right - left, 1)
        filled = low + (high - low) * np.clip(share, 0, 1)
    return np.where(nothing, 0.0, filled).astype(values.dtype)
