"""What files hold, record after record, read anew at each pass; and what was skipped."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Generic, Literal, TypeVar

from jpseq.corpora.files import check_encoding, numbered_lines
from jpseq.errors import ConfigurationError, DataError

OnError = Literal["raise", "skip"]
Record = TypeVar("Record")


@dataclass
class Skipped:
    """The lines that could not be read and were passed over, as on_error="skip" asks."""

    lines: int = 0
    first: list[str] = field(default_factory=list)
    """What was wrong with the first ten of them, with file and line."""

    def add(self, error: DataError) -> None:
        """Count a line."""
        self.lines += 1
        if len(self.first) < 10:
            self.first.append(str(error))

    def __bool__(self) -> bool:
        return self.lines > 0

    def __str__(self) -> str:
        if not self:
            return "no line was skipped"
        lines = "1 line was" if self.lines == 1 else f"{self.lines:,} lines were"
        return f"{lines} skipped, first {self.first[0]}"


class Records(ABC, Generic[Record]):
    """Base of what the readers give: an iterable that reads its files anew at each pass.

    Attributes:
        files: what is read, in this order.
        skipped: the lines that the last pass could not read; none unless on_error="skip".

    Raises:
        DataError: while reading: a line is no record (unless on_error="skip"); a file cannot be
            read to its end; there is no record at all.
    """

    nothing: ClassVar[str]
    """What is said of a file without a single record."""

    def __init__(self, files: Sequence[Path], encoding: str, on_error: OnError) -> None:
        if on_error not in ("raise", "skip"):
            raise ConfigurationError(f'on_error: "raise" or "skip", got {on_error!r}.')
        check_encoding(encoding)
        self.files = tuple(files)
        self.encoding = encoding
        self.on_error = on_error
        self.skipped = Skipped()
        self._begun = False

    def __iter__(self) -> Iterator[Record]:
        self._check_pass()
        self.skipped = skipped = Skipped()
        empty = True
        for record in self._read(skipped):
            empty = False
            yield record
        if empty:
            number = len(self.files)
            others = f", nor do the others of {number:,} files" if number > 1 else ""
            problem = f"{self.nothing}{others}."
            raise DataError(f"{problem} {skipped}" if skipped else problem, self.files[0])

    def _check_pass(self) -> None:
        for pipe in self.files if self._begun else ():
            if pipe.is_fifo():
                raise DataError(
                    "is a pipe, which can be read once only, and this is the second time. Write it"
                    " to a file first.",
                    pipe,
                )
        self._begun = True

    @abstractmethod
    def _read(self, skipped: Skipped) -> Iterator[Record]:
        """All records; what is no record goes to self._report."""

    def _report(self, error: DataError, skipped: Skipped) -> None:
        if self.on_error == "raise":
            raise error
        skipped.add(error)

    def _lines(self, file: Path, skipped: Skipped) -> Iterator[tuple[int, str]]:
        """The lines of a file that are text, with their numbers; blank ones too."""
        return numbered_lines(file, self.encoding, lambda error: self._report(error, skipped))
