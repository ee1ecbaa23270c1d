"""The plain form of numbers: a CSV file with a header, and a time column where there is one."""

import csv
import math
import re
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from jpseq.corpora.files import find_files, numbered_lines
from jpseq.corpora.records import OnError, Records, Skipped
from jpseq.errors import ConfigurationError, DataError, did_you_mean

SUFFIXES = (".csv",)
TimeAs = Literal["datetime", "text"]
Moment = np.datetime64 | str | None
Row = tuple[Moment, list[float]]


@dataclass(frozen=True)
class Table:
    """Columns of numbers, a row for each moment.

    >>> table = Table(("high", "low"), np.array([[9.5, 1.0], [8.0, np.nan]]))
    >>> len(table), table["high"]
    (2, array([9.5, 8. ]))
    """

    names: tuple[str, ...]
    values: npt.NDArray[np.floating[Any]]
    """(rows, columns); nan where there is a gap."""
    time: npt.NDArray[Any] | None = None
    """(rows,) datetime64 or text; None where no time column was asked for."""
    skipped: Skipped = field(default_factory=Skipped)

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, name: str) -> npt.NDArray[np.floating[Any]]:
        """(rows,) one column.

        Raises:
            DataError: there is no such column.
        """
        return self.values[:, _place(name, self.names)]


def read_table(
    source: Path | str | Sequence[Path | str],
    *,
    time: str | None = None,
    time_as: TimeAs = "datetime",
    columns: Sequence[str] | None = None,
    dtype: npt.DTypeLike = np.float64,
    encoding: str = "utf-8",
    on_error: OnError = "raise",
) -> Table:
    """The numbers of CSV files, in memory.

    The first line names the columns; each line after it is a row, with commas between its cells.
    An empty cell (or nan) is a gap and becomes nan. A cell may stand in double quotes, but not go
    over several lines. Blank lines are left out; only in a table of one single column they are
    errors between rows, because they could be gaps, which are written "" there.

    Args:
        source: a file, a folder (all its *.csv files in order of their names), a pattern, or a
            list of them: the rows of all, in this order. Files that end with .gz or .zst are
            decompressed.
        time: the column that says when.
        time_as: "datetime" reads 2024, 2024-05, 2024-05-01, 2024-05-01 09:30 and 09:30:15.5 (with
            / and T as well) as datetime64 of the finest unit among them; "text" leaves it alone.
        columns: the columns of numbers to read; None for all but the time.
        dtype: float64 or float32.
        encoding: for instance "cp932" or "euc-jp".
        on_error: "skip" counts a line that is no row instead of raising an error.

    Raises:
        DataError: there is no such file or column; a name is missing or stands twice; text or
            infinity where a number should be; a row with too few or too many cells; no rows; a
            file is damaged. Names file and line.
        ConfigurationError: parameters that are not allowed.
    """
    kind = np.dtype(dtype)
    if kind not in (np.float32, np.float64):
        raise ConfigurationError(f"dtype: float64 or float32, got {kind}.")
    files = find_files(source, SUFFIXES)
    largest = float(np.finfo(kind).max)
    rows = Rows(files, time, time_as, columns, largest, encoding=encoding, on_error=on_error)
    moments: list[Moment] = []
    numbers = array("d")
    for moment, row in rows:
        moments.append(moment)
        numbers.extend(row)
    values = np.frombuffer(numbers).reshape(len(moments), -1).astype(kind)
    return Table(rows.names, values, None if time is None else np.array(moments), rows.skipped)


class Rows(Records[Row]):
    """The rows of CSV files, one at a time: the moment (None without a time column), the numbers.

    Arguments are as with `read_table`; a number beyond `largest` is refused.

    Attributes:
        names: the columns of the numbers, known with the first row.
    """

    nothing = "holds no rows"

    def __init__(
        self,
        files: Sequence[Path],
        time: str | None = None,
        time_as: TimeAs = "datetime",
        columns: Sequence[str] | None = None,
        largest: float = float(np.finfo(np.float32).max),
        *,
        encoding: str = "utf-8",
        on_error: OnError = "raise",
    ) -> None:
        super().__init__(files, encoding, on_error)
        if time_as not in ("datetime", "text"):
            raise ConfigurationError(f'time_as: "datetime" or "text", got {time_as!r}.')
        if isinstance(columns, str) or (columns is not None and not columns):
            raise ConfigurationError(f"columns: a list of names, got {columns!r}.")
        if columns is not None and (time in columns or len(set(columns)) < len(columns)):
            raise ConfigurationError(
                f"columns: a name stands twice, or is that of the time: {list(columns)}."
            )
        self.time = time
        self.time_as = time_as
        self.columns = columns
        self.largest = largest
        self.names: tuple[str, ...] = ()
        self._header: list[str] = []

    def _read(self, skipped: Skipped) -> Iterator[Row]:
        self._header = []
        for file in self.files:
            yield from self._table(file, skipped)

    def _table(self, file: Path, skipped: Skipped) -> Iterator[Row]:
        layout: _Layout | None = None
        blank: list[int] = []

        def report(error: DataError) -> None:
            if layout is None:  # without the header nobody knows what the rows mean
                raise error
            self._report(error, skipped)

        for number, line in numbered_lines(file, self.encoding, report):
            if not line or line.isspace():
                blank.append(number)
                continue
            if layout is None:
                layout = self._begin(line, file, number)
            else:
                for place in blank if len(layout.header) == 1 else ():
                    report(
                        DataError(
                            'blank. In a table of one column a gap is written "".', file, place
                        )
                    )
                try:
                    row = layout.row(line, file, number)
                except DataError as error:
                    report(error)
                else:
                    yield row
            blank.clear()
        if layout is None:
            raise DataError("is empty; a table begins with the names of its columns.", file)

    def _begin(self, line: str, path: Path, number: int) -> "_Layout":
        header = _header(line, path, number)
        if self._header and header != self._header:
            raise DataError(
                f"the columns are {', '.join(header)}, and in the files before they are"
                f" {', '.join(self._header)}.",
                path,
                number,
            )
        self._header = header
        moment = None if self.time is None else _place(self.time, header, path, number)
        if self.columns is None:
            places = [place for place in range(len(header)) if place != moment]
        else:
            places = [_place(name, header, path, number) for name in self.columns]
        if not places:
            raise DataError("has no column beside the time.", path, number)
        self.names = tuple(header[place] for place in places)
        return _Layout(header, moment, places, self.time_as, self.largest)


@dataclass(frozen=True)
class _Layout:
    """Which cells of a line are what."""

    header: list[str]
    moment: int | None
    places: list[int]
    time_as: TimeAs
    largest: float

    def row(self, line: str, path: Path, number: int) -> Row:
        cells = _cells(line, path, number)
        if len(cells) != len(self.header):
            raise DataError(
                f"a row of {len(cells)} beside a header of {len(self.header)} cells.", path, number
            )
        moment: Moment = None
        if self.moment is not None:
            moment = cells[self.moment]
            if self.time_as == "datetime":
                moment = _datetime(moment, path, number)
        return moment, [self._number(cells[place], place, path, number) for place in self.places]

    def _number(self, cell: str, place: int, path: Path, number: int) -> float:
        cell = cell.strip()
        if not cell:
            return math.nan
        try:
            value = float(cell.replace("_", "?"))  # Python would read 1_000
        except ValueError:
            raise DataError(
                f"column {self.header[place]!r} holds {_shorten(cell)!r}, which is no number. A gap"
                " is an empty cell; columns=[...] names the columns to read, time=... that of the"
                " time.",
                path,
                number,
            ) from None
        if abs(value) > self.largest:
            raise DataError(
                f"column {self.header[place]!r} holds {_shorten(cell)!r}; numbers go up to"
                f" {self.largest:.2g}.",
                path,
                number,
            )
        return value


def _shorten(cell: str) -> str:
    return cell if len(cell) <= 40 else f"{cell[:40]}..."


def _cells(line: str, path: Path, number: int) -> list[str]:
    if '"' not in line:
        return line.split(",")
    try:
        return next(csv.reader([line], strict=True, skipinitialspace=True))
    except csv.Error as error:
        raise DataError(
            f"its quotes are wrong ({error}). A cell must end in its line.", path, number
        ) from None


def _header(line: str, path: Path, number: int) -> list[str]:
    names = [name.strip() for name in _cells(line, path, number)]
    for place, name in enumerate(names, 1):
        if not name:
            raise DataError(f"column {place} has no name.", path, number)
        if name in names[: place - 1]:
            raise DataError(f"two columns have the name {name!r}.", path, number)
    if all(_NUMBER.fullmatch(name) for name in names):
        raise DataError(
            "numbers where the names of the columns should be: the first line is a header.",
            path,
            number,
        )
    return names


_NUMBER = re.compile(r"[-+]?[0-9.]+(e[-+]?[0-9]+)?", re.IGNORECASE)


def _place(
    name: str, names: Sequence[str], path: Path | None = None, number: int | None = None
) -> int:
    if name not in names:
        raise DataError(
            f"there is no column {name!r}.{did_you_mean(name, names)}"
            f" The columns are {', '.join(names)}.",
            path,
            number,
        )
    return names.index(name)


_DAY = r"(?P<year>\d{4})(?:[-/](?P<month>\d{1,2})(?:[-/](?P<day>\d{1,2})"
_CLOCK = r"(?:[ T](?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?P<part>\.\d{1,6})?)?)?"
_MOMENT = re.compile(f"{_DAY}{_CLOCK})?)?", re.ASCII)
_DIGITS = re.compile(r"(\d{4})(\d{2})(\d{2})", re.ASCII)


def _datetime(cell: str, path: Path, number: int) -> np.datetime64:
    found = _MOMENT.fullmatch(_DIGITS.sub(r"\1-\2-\3", cell.strip()))
    try:
        if found is None:
            raise ValueError
        *date, hour, minute, second, part = found.groups()
        text = "-".join(field.zfill(2) for field in date if field)
        if hour:
            text += "T" + ":".join(field.zfill(2) for field in (hour, minute, second) if field)
        return np.datetime64(text + (part or ""))
    except ValueError:
        raise DataError(
            f"the time is {_shorten(cell)!r}; it should be like 2024, 2024-05, 2024-05-01 or"
            ' 2024-05-01 09:30:15, without a time zone. time_as="text" reads it as it stands.',
            path,
            number,
        ) from None
