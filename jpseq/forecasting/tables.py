"""What users have their numbers in → a checked Table."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from jpseq.corpora.table import Table
from jpseq.errors import DataError, did_you_mean

VALUE = "value"
"""The name of a column that has none."""


def is_pandas(data: Any) -> bool:
    """Whether it is a Series or DataFrame of pandas, which is not imported to find out."""
    return type(data).__module__.partition(".")[0] == "pandas"


def as_table(data: Any) -> Table:
    """Numbers as a Table, with what can be wrong with them found.

    Args:
        data: (T,) numbers, or (T, F), whose columns are then named "0", "1", ...; a Table; a Series
            or DataFrame of pandas, whose dates are the time. nan (and None) are gaps.

    Raises:
        DataError: text or an infinite value; rows of different lengths; times that do not rise;
            names that are not different; no rows.
    """
    if isinstance(data, Table):
        table = data
    elif is_pandas(data):
        table = _from_pandas(data)
    else:
        values = _numbers(data, "the series")
        values = values[:, None] if values.ndim == 1 else values
        if values.ndim != 2:
            raise DataError(f"a series is (T,) or (T, F) numbers, got {values.shape}.")
        width = values.shape[1]
        table = Table((VALUE,) if width == 1 else tuple(map(str, range(width))), values)
    _check(table)
    return table


def pick(table: Table, names: Sequence[str]) -> npt.NDArray[np.float64]:
    """(T, len(names)) some columns.

    Raises:
        DataError: there is no such column.
    """
    for name in names:
        if name not in table.names:
            raise DataError(
                f"there is no column {name!r}.{did_you_mean(name, table.names)} The columns are"
                f" {', '.join(table.names)}."
            )
    places = [table.names.index(name) for name in names]
    return np.asarray(table.values[:, places], np.float64)


def _from_pandas(data: Any) -> Table:
    frame = data.to_frame(VALUE if data.name is None else data.name) if data.ndim == 1 else data
    names = tuple(map(str, frame.columns))
    if len(set(names)) < len(names):
        raise DataError(f"two columns have the same name; they are {', '.join(names)}.")
    columns = []
    for place, name in enumerate(names):
        column = frame.iloc[:, place]
        if getattr(column.dtype, "kind", "O") in "iufb":  # its gaps may be of pandas' own kind
            column = column.to_numpy(np.float64, na_value=np.nan)
        columns.append(_numbers(column, f"column {name!r}"))
    index, time = frame.index, None
    if hasattr(index, "tz_localize"):  # dates, which are compared as the clock shows them in UTC
        time = (index.tz_convert(None) if index.tz is not None else index).to_numpy()
    elif hasattr(index, "to_timestamp"):  # periods
        time = index.to_timestamp().to_numpy()
    values = np.stack(columns, axis=1) if columns else np.zeros((len(frame), 0))
    return Table(names, values, time)


def _numbers(data: Any, what: str) -> npt.NDArray[np.float64]:
    try:
        array = np.asarray(data)
    except ValueError:  # NumPy's own says nothing of rows
        raise DataError(
            f"{what} has rows of different lengths. It is (T,) or (T, F) numbers, as many in each"
            " row; a gap is nan."
        ) from None
    if array.dtype.kind in "iufb":
        return array.astype(np.float64)
    if array.dtype.kind == "O":  # numbers with None among them, or text
        try:
            gaps = [[np.nan if cell is None else cell for cell in row] for row in _rows(array)]
            if not any(isinstance(cell, str) for row in gaps for cell in row):
                return np.array(gaps, np.float64).reshape(array.shape)
        except (TypeError, ValueError):
            pass
    found = next((cell for row in _rows(array) for cell in row if isinstance(cell, str)), None)
    shown = array.dtype if found is None else repr(str(found)[:40])
    raise DataError(
        f"{what} holds {shown}, which is no number. Forecasts are of numbers: leave that column"
        " out, or write what it says as one (a gap is nan)."
    )


def _rows(array: npt.NDArray[Any]) -> Any:
    return array.reshape(len(array), -1) if array.ndim else array.reshape(1, 1)


def _check(table: Table) -> None:
    if not len(table) or not table.names:
        raise DataError("there are no numbers in the series; it needs one row at least.")
    rows, columns = np.nonzero(np.isinf(table.values))
    if len(rows):
        raise DataError(
            f"row {rows[0] + 1:,}, column {table.names[columns[0]]!r}: infinite. Write nan where"
            " nothing is known."
        )
    if table.time is None or table.time.dtype.kind != "M":
        return
    if np.isnat(table.time).any():
        raise DataError(f"row {int(np.isnat(table.time).argmax()) + 1:,}: there is no time.")
    back = np.flatnonzero(np.diff(table.time) <= np.timedelta64(0))
    if len(back):
        before, now = table.time[back[0]], table.time[back[0] + 1]
        problem = "comes twice" if before == now else f"comes after {before}"
        raise DataError(
            f"row {back[0] + 2:,}: {now} {problem}. Times must rise from row to row: sort the rows,"
            " and make one of those that share a time."
        )
