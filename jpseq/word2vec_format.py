"""The word2vec tool's two files of vectors: text (also fastText's .vec) and binary.

Both begin with a line "COUNT DIMENSIONS". A line of the text form is a word and its values, with
spaces between; in the binary one a word, a space and 4 * D bytes (float32, little-endian), most
often a line end. Both are read strictly: a count that does not fit, a value that is no finite
number or a word that stands twice is an error, because what is wrong with one word is mostly wrong
with all that follow.
"""

from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from jpseq.errors import DataError
from jpseq.vectors import Embeddings, Vectors

_CHUNK = 1 << 20
_LONGEST_WORD = 10_000  # bytes
_SPACES = " \t\n\r\v\f"  # what ends a word in the readers that there are
_AGAIN = "The file is damaged or cut short: get or write it again."


def write_text(embeddings: Embeddings, file: BinaryIO, path: Path) -> None:
    """Write the text form; nine digits, so that reading it gives the same float32 values."""
    file.write(b"%d %d\n" % (len(embeddings), embeddings.dim))
    form = " %.9g" * embeddings.dim + "\n"
    for word, row in zip(embeddings.words, embeddings.vectors, strict=True):
        file.write(_encoded(word, path) + (form % tuple(row.tolist())).encode())


def write_binary(embeddings: Embeddings, file: BinaryIO, path: Path) -> None:
    """Write the binary form, with a line end after each vector as the word2vec tool does."""
    file.write(b"%d %d\n" % (len(embeddings), embeddings.dim))
    for word, row in zip(embeddings.words, embeddings.vectors, strict=True):
        file.write(_encoded(word, path) + b" " + row.astype("<f4").tobytes() + b"\n")


def _encoded(word: str, path: Path) -> bytes:
    if not word or any(space in word for space in _SPACES):
        what = f"the word {word!r} holds white space" if word else "a word is empty"
        raise DataError(
            f"{what}, which word2vec's forms cannot hold; nothing was written. Choose the form"
            " safetensors or folder.",
            path,
        )
    return encoded(word, path)


def encoded(word: str, path: Path) -> bytes:
    """The word in UTF-8.

    Raises:
        DataError: it holds half a surrogate pair.
    """
    try:
        return word.encode()
    except UnicodeEncodeError:
        raise DataError(f"the word {word!r} cannot be written in UTF-8.", path) from None


def read_text(
    file: BinaryIO, path: Path, limit: int | None = None, size: int | None = None
) -> Embeddings:
    """Read the text form.

    A word may hold spaces: the last D fields of a line are its values.

    Args:
        file: what to read.
        path: its name, for errors.
        limit: how many words to read at most; None for all.
        size: how many bytes the file has, if known; a first line that promises more is found at
            once.

    Raises:
        DataError: names file and line of what is wrong.
    """
    count, dim = _header(file, path)
    wanted = count if limit is None else min(count, limit)
    vectors = _room(wanted, dim, wanted * 2 * (dim + 1), size, path)
    lines: dict[str, int] = {}
    for i in range(wanted):
        line = file.readline()
        if not line.endswith(b"\n"):
            where = "in the middle of a line" if line else f"after {i:,} words"
            raise DataError(
                f"ends {where}, where the first line promises {count:,} words. {_AGAIN}",
                path,
                i + 2,
            )
        word, vectors[i] = _row(line, dim, path, i + 2)
        if (before := lines.setdefault(word, i + 2)) != i + 2:
            raise DataError(f"the word {word!r} stands in line {before} already.", path, i + 2)
    if wanted == count and file.read(_CHUNK).strip():
        raise DataError(
            f"holds more words than the {count:,} that its first line promises.", path, count + 2
        )
    return Embeddings(tuple(lines), vectors)


def _row(line: bytes, dim: int, path: Path, number: int) -> tuple[str, Vectors]:
    raw, *fields = line.rstrip(b" \r\n").rsplit(b" ", dim)
    if len(fields) < dim:
        raise DataError(f"{len(fields)} values, where the first line promises {dim}.", path, number)
    try:
        word = raw.decode()
    except UnicodeDecodeError as error:
        raise DataError(
            f"the word is not UTF-8 (byte 0x{raw[error.start]:02x}). Is it the binary form? Choose"
            " the form binary. A single spoilt word can be repaired by gensim:"
            ' KeyedVectors.load_word2vec_format(..., unicode_errors="replace").',
            path,
            number,
        ) from None
    if not word:
        raise DataError("there is no word before the values.", path, number)
    try:
        with np.errstate(over="ignore"):  # 1e99 becomes infinite, and is found then
            row = np.array(fields, np.float32)
    except ValueError:
        field = next(field for field in fields if not _is_number(field))
        shown = field.decode(errors="replace")
        raise DataError(
            f"{shown!r} is no number; a line is a word and {dim} values.", path, number
        ) from None
    if not np.isfinite(row).all():
        raise DataError(f"a value of {word!r} is not finite.", path, number)
    return word, row


def read_binary(
    file: BinaryIO, path: Path, limit: int | None = None, size: int | None = None
) -> Embeddings:
    """Read the binary form; arguments and errors as in read_text, words by number."""
    count, dim = _header(file, path)
    wanted = count if limit is None else min(count, limit)
    vectors = _room(wanted, dim, wanted * (4 * dim + 2), size, path)
    numbers: dict[str, int] = {}
    buffer = file.read(_CHUNK)
    if _is_text(buffer, dim):
        raise DataError("is word2vec's text form, not the binary one. Choose the form text.", path)
    at = 0
    for i in range(wanted):
        space = buffer.find(b" ", at)
        while space < 0 or len(buffer) < space + 1 + 4 * dim:
            more = file.read(_CHUNK)
            if not more:
                raise DataError(
                    f"ends within word {i + 1:,}, where the first line promises {count:,}."
                    f" {_AGAIN}",
                    path,
                )
            if (space if space >= 0 else len(buffer)) - at > _LONGEST_WORD:
                raise DataError(f"word {i + 1:,} has no end. {_AGAIN}", path)
            buffer, at = buffer[at:] + more, 0
            space = buffer.find(b" ")
        try:
            word = buffer[at:space].removeprefix(b"\n").decode()
        except UnicodeDecodeError:
            raise DataError(
                f"word {i + 1:,} is not UTF-8. {_AGAIN} If it is that word alone, gensim can repair"
                ' it: KeyedVectors.load_word2vec_format(..., unicode_errors="replace").',
                path,
            ) from None
        vectors[i] = np.frombuffer(buffer, "<f4", dim, space + 1)
        at = space + 1 + 4 * dim
        if not word:
            raise DataError(f"word {i + 1:,} is empty. {_AGAIN}", path)
        if not np.isfinite(vectors[i]).all():
            raise DataError(f"a value of word {i + 1:,}, {word!r}, is not finite. {_AGAIN}", path)
        if (before := numbers.setdefault(word, i + 1)) != i + 1:
            raise DataError(f"words {before:,} and {i + 1:,} are both {word!r}.", path)
    if wanted == count and (buffer[at:] + file.read(_CHUNK)).strip(b"\n"):
        raise DataError(f"holds more words than the {count:,} that its first line promises.", path)
    return Embeddings(tuple(numbers), vectors)


def _header(file: BinaryIO, path: Path) -> tuple[int, int]:
    line = file.readline(200)
    fields = line.split()
    if len(fields) == 2 and all(field.isdigit() and len(field) < 16 for field in fields):
        count, dim = map(int, fields)
        if count and dim:
            return count, dim
    if line.startswith(b"\x80"):
        what = (
            "a Python pickle, perhaps of gensim; jpseq reads none, because a pickle can hold any"
            " code. If you trust it: Embeddings.from_gensim(KeyedVectors.load(path))."
        )
    elif line.startswith(b"\xba\x16\x4f\x2f"):
        what = "fastText's own binary model; read the .vec file that fastText writes beside it."
    elif not line:
        what = "is empty."
    else:
        what = (
            "the first line is to say how many words and how many dimensions there are, for"
            " instance '30000 100'. Put such a line before the others if there is none."
        )
    raise DataError(what, path, 1)


def _room(count: int, dim: int, least: int, size: int | None, path: Path) -> Vectors:
    """An empty (count, dim) array, if a file of `size` bytes can fill it."""
    if size is not None and size < least:
        raise DataError(
            f"promises {count:,} words of {dim:,} dimensions, at least {least:,} bytes, but has"
            f" {size:,}. {_AGAIN}",
            path,
            1,
        )
    try:
        room: npt.NDArray[np.float32] = np.empty((count, dim), np.float32)
    except (MemoryError, ValueError):
        raise DataError(
            f"{count:,} vectors of {dim:,} dimensions do not fit into the memory. limit reads the"
            " first ones only.",
            path,
            1,
        ) from None
    return room


def _is_text(start: bytes, dim: int) -> bool:
    line, end, _ = start.partition(b"\n")
    fields = line.rstrip(b" \r").rsplit(b" ", dim)
    return bool(end) and len(fields) == dim + 1 and all(map(_is_number, fields[1:]))


def _is_number(field: bytes) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True
