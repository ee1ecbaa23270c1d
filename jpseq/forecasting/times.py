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

    Months and years of different length are one step where all rows have the same day and time, or
    the last day of their month.

    >>> step_of(np.array(["2024-01-01", "2024-01-03", "2024-01-05"], "M8[D]"))
    np.timedelta64(2,'D')
    >>> step_of(np.array(["2024-01-31", "2024-02-29", "2024-03-31"], "M8[D]"))
    np.timedelta64(1,'M')
    """
    if time is None or time.dtype.kind != "M" or len(time) < 2:
        return None
    steps = np.diff(time.astype("M8[M]"))
    if steps[0] and (steps == steps[0]).all() and _day(time) is not None:
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
    time = table.time.astype(f"M8[{unit}]" if _uneven(wanted) else _finer(table.time, wanted))
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
    return Table(table.names, values, _on(table.time, wanted, len(values)))


def continued(
    time: npt.NDArray[Any] | None, horizon: int, every: str | None = None
) -> Times | None:
    """(horizon,) the times after the last; None where there is no one step.

    Args:
        time: (T,) the times until now.
        every: the step between them, where it is known: they lie on its grid.
    """
    by = step_of(time) if every is None else step(every)
    if time is None or by is None:
        return None
    return _on(time, by, len(time) + horizon)[len(time) :].astype(time.dtype)


def other_than(time: npt.NDArray[Any], wanted: Times, every: str | None = None) -> int | None:
    """The first row whose time is not the wanted one, both (T,); None where there is none.

    Where the step `every` is of months or years any day of them will do, as in `on_grid`.
    """
    if every is not None and time.dtype.kind == "M" and _uneven(step(every)):
        unit = np.datetime_data(step(every))[0]
        time, wanted = time.astype(f"M8[{unit}]"), wanted.astype(f"M8[{unit}]")
    others = np.flatnonzero(time != wanted)
    return int(others[0]) if len(others) else None


def _on(time: npt.NDArray[Any], by: np.timedelta64, count: int) -> Times:
    """(count,) the grid that begins with the first of (T,) times."""
    first, steps = time[0], np.arange(count) * by
    if not _uneven(by):
        return np.asarray(first + steps)
    months = first.astype("M8[M]") + steps
    day = _day(time)
    if day is None:
        day = first.astype("M8[D]") - first.astype("M8[M]")
    moments = months + np.minimum(day, _length(months) - 1) + (first - first.astype("M8[D]"))
    return np.asarray(moments.astype(_finer(time, by)))


def _finer(time: npt.NDArray[Any], by: np.timedelta64) -> np.dtype[Any]:
    """The type that can tell both: the days of rows on a grid of hours have hours."""
    return np.promote_types(time.dtype, f"M8[{np.datetime_data(by)[0]}]")


def _uneven(by: np.timedelta64) -> bool:
    """Whether it is of months or years, which are not all equally long."""
    return np.datetime_data(by)[0] in ("Y", "M")


def _day(time: npt.NDArray[Any]) -> np.timedelta64 | None:
    """The day of the month, from 0, on which all rows are, at the same time; else None.

    A month that is too short for it has its last day instead; 30 where all rows are on the last.
    """
    date = time.astype("M8[D]")
    months = date.astype("M8[M]")
    clock, day, last = time - date, date - months, _length(months) - 1
    wanted = np.timedelta64(30, "D") if (day == last).all() else day.max()
    alike = (clock == clock[0]).all() and (day == np.minimum(wanted, last)).all()
    return np.timedelta64(wanted) if alike else None


def _length(months: Times) -> npt.NDArray[np.timedelta64]:
    """How many days each month has."""
    return np.asarray((months + 1).astype("M8[D]") - months.astype("M8[D]"))
