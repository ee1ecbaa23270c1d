"""Archives of strangers → a folder, with nothing outside it and nothing too large."""

import io
import lzma
import re
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, Any, BinaryIO

from jpseq.corpora.compressed import Decompressed
from jpseq.errors import DataError

RATIO = 200
"""An archive may hold this many times its own size: text is packed 3 to 50 times smaller."""
ALLOWANCE = 64 * 2**20
"""And so many bytes more, so that small archives may hold much of the same."""
MOST = 200_000
"""Files in an archive."""

_TAR = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")


def is_archive(path: Path) -> bool:
    """Whether a file is an archive of many, by its name."""
    return path.name.lower().endswith((*_TAR, ".zip"))


def largest(packed: Path, unpacked: int | None = None) -> int:
    """Bytes that may come out: twice what was said beforehand, else in relation to its size."""
    return 2 * unpacked if unpacked else RATIO * packed.stat().st_size + ALLOWANCE


def unpack(archive: Path, folder: Path, unpacked: int | None = None) -> None:
    """Unpack an archive into a new folder: plain files only, which belong to the caller.

    Args:
        archive: its name ends with .zip, .tar, .tar.gz, .tgz, .tar.bz2 or .tar.xz.
        unpacked: bytes it holds, about.

    Raises:
        DataError: a path leads out of the folder; a link or a device; a file twice; more files
            or bytes than there should be; a damaged archive. No folder is left behind.
        OSError: the folder cannot be written, and is not left behind, either.
    """
    limit = largest(archive, unpacked)
    folder.mkdir(parents=True)
    try:
        if archive.suffix.lower() == ".zip":
            _unpack(_zipped(archive), archive, folder, limit)
        else:
            _unpack(_tarred(archive), archive, folder, limit)
    except _DAMAGED as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise DataError(f"is damaged, or no archive ({error}).", archive) from error
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


_DAMAGED = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    NotImplementedError,  # a way of packing that zipfile does not know
)

Member = tuple[str, Callable[[], IO[bytes] | None]]
"""The name of a file in an archive, and what opens it."""


def _tarred(archive: Path) -> Iterator[Member]:
    with tarfile.open(archive, "r:*") as opened:
        for number, member in enumerate(opened, 1):
            _check_number(number, archive)
            if member.isdir():
                continue
            if not member.isreg():
                kind = "a link" if member.issym() or member.islnk() else "a device"
                raise _refused(archive, member.name, f"{kind}, and only files are unpacked")
            yield member.name, partial(opened.extractfile, member)


def _zipped(archive: Path) -> Iterator[Member]:
    with zipfile.ZipFile(archive) as opened:
        _check_number(len(opened.infolist()), archive)
        for member in opened.infolist():
            if member.is_dir():
                continue
            kind = stat.S_IFMT(member.external_attr >> 16)
            if kind not in (0, stat.S_IFREG):
                what = "a link" if kind == stat.S_IFLNK else "a device"
                raise _refused(archive, member.filename, f"{what}, and only files are unpacked")
            if member.flag_bits & 1:
                raise _refused(archive, member.filename, "encrypted")
            yield member.filename, partial(opened.open, member)


def _check_number(number: int, archive: Path) -> None:
    if number > MOST:
        raise DataError(f"holds more than {MOST:,} files. Nothing was unpacked.", archive)


def _unpack(members: Iterator[Member], archive: Path, folder: Path, limit: int) -> None:
    left = limit
    for name, opened in members:
        place = folder / _inside(name, archive)
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            target = place.open("xb")
        except (FileExistsError, NotADirectoryError):
            raise _refused(archive, name, "there twice") from None
        source = opened()
        assert source is not None  # which tarfile gives for links only
        with target, source:
            for piece in iter(partial(source.read, 2**18), b""):
                left -= len(piece)
                if left < 0:
                    raise _too_large(archive, limit)
                target.write(piece)


def _inside(name: str, archive: Path) -> PurePosixPath:
    """The path of a member, which stays within the folder on any system."""
    path = PurePosixPath(name)
    if name.startswith(("/", "\\")) or re.match("[A-Za-z]:", name):
        raise _refused(archive, name, "an absolute path")
    if not path.parts or ".." in re.split(r"[/\\]", name) or "\0" in name:
        raise _refused(archive, name, "a path that leads out of the folder")
    return path


def _refused(archive: Path, name: str, why: str) -> DataError:
    return DataError(f"its member {name!r} is {why}. Nothing was unpacked.", archive)


def _too_large(packed: Path, limit: int) -> DataError:
    return DataError(
        f"holds more than {limit:,} bytes, while it has {packed.stat().st_size:,} itself: probably"
        " made to fill the disk. Nothing was kept.",
        packed,
    )


# Single files


def open_packed(path: Path) -> BinaryIO:
    """The bytes of a .bz2 or .gz file, decompressed as they are read; of others as they are.

    Raises:
        DataError: later, while reading: damaged, or far larger than a text that was compressed.
    """
    file = path.open("rb")
    if path.suffix.lower() not in (".bz2", ".gz"):
        return file
    return io.BufferedReader(_Bounded(Decompressed(file, path), path), 2**17)


class _Bounded(io.RawIOBase):
    def __init__(self, inner: io.RawIOBase, path: Path) -> None:
        self._inner: Any = inner
        self._path = path
        self._limit = self._left = largest(path)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        size: int = self._inner.readinto(buffer)
        self._left -= size
        if self._left < 0:
            raise _too_large(self._path, self._limit)
        return size

    def close(self) -> None:
        self._inner.close()
        super().close()
