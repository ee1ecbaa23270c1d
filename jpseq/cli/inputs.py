"""Where commands read from: named files, or standard input."""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from jpseq.errors import DataError


def stdin_lines() -> Iterator[str]:
    """The lines of standard input, which is UTF-8 whatever the locale says.

    Raises:
        DataError: a line is not UTF-8.
    """
    for number, raw in enumerate(sys.stdin.buffer, 1):
        try:
            yield raw.decode("utf-8").rstrip("\r\n")
        except UnicodeDecodeError:
            raise DataError("not UTF-8.", "standard input", number) from None


def lines(files: Iterable[Path] | None) -> Iterator[str]:
    """The lines of files in turn, or of standard input where there are none (or "-")."""
    from jpseq.corpora.readers import read_lines

    for file in files or [Path("-")]:
        yield from stdin_lines() if str(file) == "-" else read_lines(file)
