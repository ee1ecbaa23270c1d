"""The plain form of text: a paragraph a line, blank lines between documents."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from jpseq.corpora.files import find_files, numbered_lines
from jpseq.corpora.records import OnError, Records, Skipped
from jpseq.errors import DataError

SUFFIXES = (".txt",)


def read_lines(path: Path | str, encoding: str = "utf-8") -> Iterator[str]:
    """The lines of a file, one at a time, without their line ends; .gz and .zst are decompressed.

    A byte-order mark at the start is dropped.

    Raises:
        DataError: the file is missing or cannot be read, or a line is no text in this encoding.
    """

    def report(error: DataError) -> None:
        raise error

    for _, line in numbered_lines(path, encoding, report):
        yield line


def read_texts(
    source: Path | str | Sequence[Path | str],
    *,
    encoding: str = "utf-8",
    on_error: OnError = "raise",
) -> Records[str]:
    """The paragraphs of text files, a line each; blank lines are left out.

    What is returned reads the files anew at each pass, a line at a time, and counts what it skips
    in `skipped`.

    Args:
        source: a file, a folder (all its *.txt files in order of their names), a pattern such as
            "novels/**/*.txt", or a list of them. Files that end with .gz or .zst are decompressed.
        encoding: for instance "cp932" or "euc-jp".
        on_error: "skip" counts a line that is no text instead of raising an error.

    Raises:
        DataError: there is no such file; later, while reading: a line is no text, there is no text
            at all, or a file is damaged.
        ConfigurationError: there is no such encoding.
    """
    return _Texts(find_files(source, SUFFIXES), encoding, on_error)


def read_documents(
    source: Path | str | Sequence[Path | str],
    *,
    encoding: str = "utf-8",
    on_error: OnError = "raise",
) -> Records[list[str]]:
    """The documents of text files, a list of paragraphs each.

    A document ends at a blank line and at the end of its file. Arguments, what is returned and
    errors are as with `read_texts`.
    """
    return _Documents(find_files(source, SUFFIXES), encoding, on_error)


class _Texts(Records[str]):
    nothing = "holds no text"

    def _read(self, skipped: Skipped) -> Iterator[str]:
        for file in self.files:
            for _, line in self._lines(file, skipped):
                if line and not line.isspace():
                    yield line


class _Documents(Records[list[str]]):
    nothing = "holds no text"

    def _read(self, skipped: Skipped) -> Iterator[list[str]]:
        for file in self.files:
            document: list[str] = []
            for _, line in self._lines(file, skipped):
                if line and not line.isspace():
                    document.append(line)
                elif document:
                    yield document
                    document = []
            if document:
                yield document
