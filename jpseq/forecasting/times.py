"""When the rows of a series are: the step between them, the grid they lie on, what comes next."""

import re
from typing import Any

import numpy as np
import numpy.typing as npt

from jpseq.corpora.table import Table
from jpseq.errors import ConfigurationError, DataError

Times = npt.NDArray[np.datetime64]
_STEP = re.compile(r"(\d*)\s*(Y|M|W|D|h|m|s)")
UNITS = "Y, M, W, D, h, m (minutes) and s"
LARGEST = 20_000_000
"""Rows that a grid may have."""


def step(every: str) -> np.timedelta64:
    """A step by its name: "D", "15m", "1h", "M".

    Raises:
        ConfigurationError: it is none.
    """
    found = _STEP.fullmatch(every)
    count = int(found[1] or 1) if found else 0
    if found is None or not count:
        raise ConfigurationError(
            f"every: {every!r} is no step between rows; it is a number and a unit ({UNITS}), as"
            ' "15m" or "D".'
        )
    unit: Any = found[2]
    return np.timedelta64(count, unit)


def step_of(time: npt.NDArray[Any] | None) -> np.timedelta64 | None:
    """The step between all rows; None where there is no time, or no one step.

    Months and years of different length are one step where all rows have the same day and time.

    >>> step_of(np.array(["2024-01-31", "2024-02-29"], "M8[D]"))
    np.timedelta64(29,'D')
    >>> step_of(np.array(["2024-01-01", "2024-02-01", "2024-03-01"], "M8[D]"))
    np.timedelta64(1,'M')
    """
    if time is None or time.dtype.kind != "M" or len(time) < 2:
        return None
    months = time.astype("M8[M]")
    within, steps = time - months, np.diff(months)
    if steps[0] and (within == within[0]).all() and (steps == steps[0]).all():
        return np.timedelta64(steps[0])
    steps = np.diff(time)
    return np.timedelta64(steps[0]) if (steps == steps[0]).all() else None


def on_grid(table: Table, every: str) -> Table:
    """A table with a row for each step: those that are missing become gaps.

    Raises:
        DataError: there are no times, or a row lies between two steps.
        ConfigurationError: `every` is no step.
    """
    wanted = step(every)
    if table.time is None or table.time.dtype.kind != "M":
        raise DataError(f"every={every!r} needs the time of each row; name the column of the time.")
    unit = np.datetime_data(wanted)[0]
    coarse = unit in ("Y", "M")
    time = table.time.astype(f"M8[{unit}]") if coarse else table.time
    places, rest = np.divmod(time - time[0], wanted)
    if rest.astype(np.int64).any():
        row = int(np.flatnonzero(rest.astype(np.int64))[0])
        raise DataError(
            f"row {row + 1:,}: {table.time[row]} is no multiple of {every!r} after"
            f" {table.time[0]}. Take a finer step, or leave `every` out: rows are then taken to be"
            " equally far apart."
        )
    twice = np.flatnonzero(np.diff(places) == 0)
    if len(twice):
        raise DataError(
            f"row {twice[0] + 2:,}: {table.time[twice[0] + 1]} lies in the same step of {every!r}"
            " as the row before. Take a finer step, or the mean of such rows."
        )
    if places[-1] >= LARGEST:
        raise DataError(
            f"every={every!r} makes {int(places[-1]) + 1:,} rows of {len(table):,}; take a coarser"
            " step."
        )
    values = np.full((int(places[-1]) + 1, len(table.names)), np.nan)
    values[places] = table.values
    full = _after(table.time[0], wanted, len(values) - 1)
    return Table(table.names, values, np.concatenate([table.time[:1], full.astype(time.dtype)]))


def continued(time: npt.NDArray[Any] | None, horizon: int) -> Times | None:
    """(horizon,) the times after the last; None where there is no one step."""
    found = step_of(time)
    if time is None or found is None:
        return None
    return _after(time[-1], found, horizon).astype(time.dtype)


def _after(last: Any, by: np.timedelta64, count: int) -> Times:
    unit = np.datetime_data(by)[0]
    steps = np.arange(1, count + 1) * by
    if unit not in ("Y", "M"):
        return np.asarray(last + steps)
    months = last.astype(f"M8[{unit}]")
    return np.asarray((months + steps).astype(last.dtype) + (last - months))
