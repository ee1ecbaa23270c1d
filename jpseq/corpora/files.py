"""Files → lines: found, opened, decompressed, decoded, in memory that does not grow with the file.

Every error names the file, and the line where there is one.
"""

import codecs
import glob
import io
import os
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from pathlib import Path
from typing import BinaryIO

from jpseq.corpora.compressed import Decompressed
from jpseq.errors import ConfigurationError, DataError, did_you_mean

COMPRESSED = (".gz", ".zst")
MAX_LINE = 64 * 2**20
"""Bytes of the longest line, its end included. A longer one is no line of text."""


# Finding


def find_files(source: Path | str | Sequence[Path | str], suffixes: Sequence[str]) -> list[Path]:
    """The files that a source names, in an order that does not depend on the file system.

    A file is taken whatever its name. A folder stands for those of its files that end with one of
    the suffixes (or that and .gz, .zst), in order of their names by code points; subfolders and
    hidden files do not count. A pattern such as "logs/**/*.jsonl" (* ? [ ] as in a shell, ** for
    folders within folders) stands for all files that match, in order of their paths. A list stands
    for what its members name, in its own order.

    Args:
        suffixes: for instance (".txt",).

    Raises:
        DataError: there is no such file, or nothing in the folder; a folder holds a file both
            plain and compressed.
    """
    if isinstance(source, str | os.PathLike):
        return _find(source, suffixes)
    files = [file for each in source for file in _find(each, suffixes)]
    if not files:
        raise DataError("no files are named: the list is empty.")
    return files


def _find(source: Path | str, suffixes: Sequence[str]) -> list[Path]:
    if not str(source):
        raise DataError('a file name is empty. The current folder is ".".')
    path = Path(source)
    try:
        if path.is_dir():
            return _in_folder(path, suffixes)
        if path.exists():
            return [path]
        if not glob.has_magic(str(source)):
            raise DataError(f"no such file.{_neighbours(path)}", path)
        found = [Path(name) for name in glob.glob(str(source), recursive=True)]
        files = sorted((file for file in found if not file.is_dir()), key=lambda file: file.parts)
    except OSError as error:
        raise DataError(f"cannot be read ({error.strerror}).", path) from error
    if not files:
        raise DataError("no file matches this pattern.", path)
    return files


def _in_folder(folder: Path, suffixes: Sequence[str]) -> list[Path]:
    wanted = tuple(suffix + end for suffix in suffixes for end in ("", *COMPRESSED))
    files = sorted(
        (
            file
            for file in folder.iterdir()
            if file.name.lower().endswith(wanted)
            and not file.name.startswith(".")
            and not file.is_dir()
        ),
        key=lambda file: file.name,
    )
    if not files:
        kinds = " or ".join(f"*{suffix}" for suffix in suffixes)
        raise DataError(
            f"a folder without {kinds} files (plain, .gz or .zst). For files in folders within it"
            f' give a pattern: "{folder}/**/*{wanted[0]}"',
            folder,
        )
    names = {file.name for file in files}
    for file in files:
        if is_compressed(file) and file.stem in names:
            raise DataError(
                f"holds {file.stem} and {file.name}, probably the same text twice. Remove one of"
                " them, or name the files.",
                folder,
            )
    return files


def _neighbours(path: Path) -> str:
    try:
        return did_you_mean(path.name, [sibling.name for sibling in path.parent.iterdir()])
    except (OSError, ValueError):
        return f" There is no folder {path.parent} either."


# Opening


def is_compressed(path: Path | str) -> bool:
    """Whether a file is compressed, by its name."""
    return Path(path).suffix.lower() in COMPRESSED


def open_bytes(path: Path | str) -> BinaryIO:
    """The bytes of a file, those of a .gz or .zst file decompressed as they are read.

    Raises:
        DataError: the file is missing or cannot be read; later, while reading: a compressed file
            is damaged or cut off.
    """
    path = Path(path)
    try:
        file = path.open("rb")
    except FileNotFoundError:
        raise DataError(f"no such file.{_neighbours(path)}", path) from None
    except IsADirectoryError:
        raise DataError("is a folder; name a file in it.", path) from None
    except OSError as error:
        raise DataError(f"cannot be read ({error.strerror}).", path) from error
    except ValueError:  # NUL in the name
        raise DataError("no such file.", path) from None
    if not is_compressed(path):
        return file
    if not file.peek(1):  # gzip would take it for an empty text
        file.close()
        raise DataError("is empty, which no compressed file is.", path)
    return io.BufferedReader(Decompressed(file, path), 2**17)


# Lines


def split_lines(file: BinaryIO, path: Path | str) -> Iterator[bytes]:
    """The lines of an open file, with their ends. A line longer than MAX_LINE comes as its first
    MAX_LINE + 1 bytes, which `decode` refuses; the rest of it is passed over.

    Raises:
        DataError: the file cannot be read to its end.
    """
    try:
        for raw in iter(partial(file.readline, MAX_LINE + 1), b""):
            yield raw
            if len(raw) > MAX_LINE and not raw.endswith(b"\n"):
                for rest in iter(partial(file.readline, 2**20), b""):
                    if rest.endswith(b"\n"):
                        break
    except OSError as error:
        raise DataError(f"cannot be read ({error.strerror or error}).", path) from error


def decode(raw: bytes, path: Path | str, number: int, encoding: str = "utf-8") -> str:
    """The text of one line, without its end (LF or CR LF) and, if it is the first of its file,
    without a byte-order mark.

    Raises:
        DataError: names file and line of what is not text in this encoding: wrong bytes, NUL,
            another encoding that looks like ASCII, CR as the only line end, over MAX_LINE bytes.
        ConfigurationError: as check_encoding.
    """
    encoding = check_encoding(encoding)
    if len(raw) > MAX_LINE:
        raise DataError(
            f"longer than {MAX_LINE // 2**20} MiB, so probably no text, or one without line ends.",
            path,
            number,
        )
    if number == 1:
        raw = _first(raw, path, encoding)
    if b"\0" in raw:
        raise DataError("holds a NUL byte: not a text file.", path, number)
    # JIS is ASCII, byte for byte, and would be read as UTF-8 without complaint.
    if encoding == "utf-8" and b"\x1b$" in raw and _guess(raw, encoding) == "iso2022_jp":
        raise _undecodable(raw, raw.index(b"\x1b$"), path, number, encoding)
    try:
        return raw.decode(encoding).rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise _undecodable(raw, error.start, path, number, encoding) from None


def _first(raw: bytes, path: Path | str, encoding: str) -> bytes:
    """The first line of a file, which tells most about what the file is; without its mark."""
    for magic, suffix in ((b"\x1f\x8b", ".gz"), (b"\x28\xb5\x2f\xfd", ".zst")):
        if raw.startswith(magic):
            raise DataError(f"is compressed: rename it to {path}{suffix}", path, 1)
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) and b"\0" in raw:
        raise DataError(
            f"holds a NUL byte: not a text file, or UTF-16. Convert it, for instance:"
            f" iconv -f UTF-16 -t UTF-8 {path}",
            path,
            1,
        )
    if not raw.endswith(b"\n") and b"\r" in raw.strip():
        raise DataError(
            f"its lines end with CR alone. Convert it, for instance: tr '\\r' '\\n' < {path}",
            path,
            1,
        )
    return raw.removeprefix(codecs.BOM_UTF8) if encoding == "utf-8" else raw


_JAPANESE = {
    "utf-8": ("UTF-8", "UTF-8"),
    "cp932": ("Shift JIS (CP932)", "CP932"),
    "euc_jp": ("EUC-JP", "EUC-JP"),
    "iso2022_jp": ("JIS (ISO-2022-JP)", "ISO-2022-JP"),
}
"""By Python's name: what people call it, and what iconv calls it."""


def _undecodable(raw: bytes, place: int, path: Path | str, number: int, encoding: str) -> DataError:
    guess = _guess(raw, encoding)
    name = _JAPANESE.get(encoding, (encoding,))[0]
    problem = f"not {name} (byte 0x{raw[place]:02x} at column {place + 1})."
    if guess:
        problem += f" It may be {_JAPANESE[guess][0]}."
    if encoding == "utf-8":
        problem += (
            f" Convert it, for instance: iconv -f {_JAPANESE[guess or 'cp932'][1]} -t UTF-8 {path}"
        )
    elif guess:
        problem += f" Read it with encoding={_JAPANESE[guess][1].lower()!r}."
    return DataError(problem, path, number)


def _guess(raw: bytes, wrong: str) -> str:
    """The encoding in which bytes are most Japanese; "" where there is none."""
    best, most = "", 0.0
    for encoding in _JAPANESE:
        try:
            text = raw.decode(encoding)[:1000]
        except UnicodeDecodeError:
            continue
        japanese = sum("ぁ" <= c <= "ヶ" or "一" <= c <= "鿿" for c in text)
        share = japanese / (len(text) or 1)  # JIS can be all escapes and no text
        if share > most and encoding != wrong:
            best, most = encoding, share
    return best


@cache
def check_encoding(name: str) -> str:
    """Python's name of an encoding in which a line can be read by itself.

    >>> check_encoding("UTF8"), check_encoding("euc-jp")
    ('utf-8', 'euc_jp')

    Raises:
        ConfigurationError: there is no such encoding, or ASCII is not ASCII in it (UTF-16).
    """
    ascii = b"\\u0041+AEE-~~\n"
    try:
        encoding = codecs.lookup(name).name
        alike = ascii.decode(encoding) == ascii.decode("ascii")
    except LookupError:
        choices = ["utf-8", "cp932", "shift_jis", "euc-jp", "iso-2022-jp"]
        raise ConfigurationError(
            f"encoding: there is no {name!r}.{did_you_mean(name, choices)}"
            f" Common are: {', '.join(choices)}."
        ) from None
    except ValueError:
        alike = False
    if not alike:
        raise ConfigurationError(
            f"encoding: files in {name} cannot be read line by line. Convert them, for instance:"
            f" iconv -f {name} -t UTF-8 FILE"
        )
    return "utf-8" if encoding == "utf-8-sig" else encoding


def numbered_lines(
    path: Path | str, encoding: str, report: Callable[[DataError], None]
) -> Iterator[tuple[int, str]]:
    """The lines of a file with their numbers, from 1; a line that is no text is reported instead.

    Raises:
        DataError: as open_bytes and split_lines; never passed over, because how much of the file
            is lost cannot be told.
    """
    with open_bytes(path) as file:
        for number, raw in enumerate(split_lines(file, path), 1):
            try:
                line = decode(raw, path, number, encoding)
            except DataError as error:
                report(error)
                continue
            yield number, line
