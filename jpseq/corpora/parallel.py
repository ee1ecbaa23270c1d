"""The plain form of parallel text: a pair a line with a tab between, or two aligned files."""

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from pathlib import Path

from jpseq.corpora.files import decode, find_files, open_bytes, split_lines
from jpseq.corpora.records import OnError, Records, Skipped
from jpseq.errors import ConfigurationError, DataError

SUFFIXES = (".tsv",)
Pair = tuple[str, str]


def read_pairs(
    source: Path | str | Sequence[Path | str],
    target: Path | str | Sequence[Path | str] | None = None,
    *,
    columns: tuple[int, int] | None = None,
    encoding: str = "utf-8",
    on_error: OnError = "raise",
) -> Records[Pair]:
    """The (source, target) pairs of parallel text.

    With `source` alone: files of tab-separated values, two columns, no quoting, no header. With
    `target`: as many files again, in which each line translates the same line of `source`; lines
    blank in both are left out. What is returned reads the files anew at each pass, a line at a
    time, and counts what it skips in `skipped`.

    Args:
        source: a file, a folder (all its *.tsv files in order of their names, or *.txt files where
            there is a target), a pattern such as "news/*.tsv", or a list of them. Files that end
            with .gz or .zst are decompressed.
        target: the same for the other language.
        columns: which two columns to read where there are more, from 1, as `cut -f` counts.
        encoding: for instance "cp932" or "euc-jp".
        on_error: "skip" counts a line that is no pair instead of raising an error.

    Raises:
        DataError: there is no such file; files that do not go together; later, while reading: a
            line is no pair, aligned files are not of one length, there is no pair at all, or a
            file is damaged.
        ConfigurationError: columns that cannot be; there is no such encoding.
    """
    if target is None:
        return _Pairs(find_files(source, SUFFIXES), columns, encoding, on_error)
    if columns is not None:
        raise ConfigurationError("columns: only for pairs in one file; aligned files have none.")
    sides = find_files(source, (".txt",)), find_files(target, (".txt",))
    return _Aligned(*sides, encoding, on_error)


class _Pairs(Records[Pair]):
    nothing = "holds no pairs"

    def __init__(
        self,
        files: Sequence[Path],
        columns: tuple[int, int] | None,
        encoding: str,
        on_error: OnError,
    ) -> None:
        if columns is not None and (len(columns) != 2 or min(columns) < 1):
            raise ConfigurationError(f"columns: two numbers from 1, got {columns!r}.")
        super().__init__(files, encoding, on_error)
        self.columns = columns

    def _read(self, skipped: Skipped) -> Iterator[Pair]:
        for file in self.files:
            for number, line in self._lines(file, skipped):
                if not line or line.isspace():
                    continue
                try:
                    pair = parse_pair(line, file, number, self.columns)
                except DataError as error:
                    self._report(error, skipped)
                    continue
                yield pair


def parse_pair(
    line: str, path: Path | str, number: int, columns: tuple[int, int] | None = None
) -> Pair:
    r"""The pair that one line of tab-separated values holds.

    >>> parse_pair("night\t夜", "pairs.tsv", 1)
    ('night', '夜')
    >>> parse_pair("7\tnight\t8\t夜", "pairs.tsv", 1, columns=(2, 4))
    ('night', '夜')

    Raises:
        DataError: names file and line of what is no pair.
    """
    cells = line.split("\t")
    if columns is None:
        if len(cells) != 2:
            raise DataError(
                f"{_count(len(cells))}; a pair is two, with one tab between."
                + (" Name the two to read: columns=(1, 2)" if len(cells) > 2 else ""),
                path,
                number,
            )
        columns = (1, 2)
    if len(cells) < max(columns):
        raise DataError(
            f"{_count(len(cells))}; columns={columns} needs {max(columns)}.", path, number
        )
    pair = cells[columns[0] - 1], cells[columns[1] - 1]
    for column, text in zip(columns, pair, strict=True):
        if not text or text.isspace():
            raise DataError(f"column {column} is empty; a pair has two texts.", path, number)
    return pair


def _count(columns: int) -> str:
    return "1 column" if columns == 1 else f"{columns} columns"


class _Aligned(Records[Pair]):
    nothing = "holds no pairs"

    def __init__(
        self, sources: Sequence[Path], targets: Sequence[Path], encoding: str, on_error: OnError
    ) -> None:
        if len(sources) != len(targets):
            raise DataError(
                f"aligned files come in twos: {len(sources)} on the one side, {len(targets)} on the"
                " other."
            )
        super().__init__([*sources, *targets], encoding, on_error)

    def _read(self, skipped: Skipped) -> Iterator[Pair]:
        half = len(self.files) // 2
        for source, target in zip(self.files[:half], self.files[half:], strict=True):
            with open_bytes(source) as left, open_bytes(target) as right:
                both = zip_longest(split_lines(left, source), split_lines(right, target))
                for number, (a, b) in enumerate(both, 1):
                    if a is None or b is None:
                        raise DataError(
                            f"ends after line {number - 1:,}, and {target if a is None else source}"
                            " does not: they are not aligned.",
                            source if a is None else target,
                        )
                    try:
                        pair = (
                            decode(a, source, number, self.encoding),
                            decode(b, target, number, self.encoding),
                        )
                        blank = [not text or text.isspace() for text in pair]
                        if blank[0] != blank[1]:
                            raise DataError(
                                f"blank, and line {number} of {source if blank[1] else target} is"
                                " not.",
                                target if blank[1] else source,
                                number,
                            )
                    except DataError as error:
                        self._report(error, skipped)
                        continue
                    if not blank[0]:
                        yield pair
