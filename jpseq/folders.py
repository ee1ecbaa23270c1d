"""Folders and files written whole or not at all."""

import errno
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO

from jpseq.errors import DataError


def check_replaceable(folder: Path, mark: str) -> None:
    """Whether replace_folder may write there; long work asks before it begins.

    Raises:
        DataError: the place is taken by something else than a former result.
    """
    if folder.exists() and not folder.is_dir():
        raise DataError("is a file; choose another name for the folder.", folder)
    if folder.is_dir() and any(folder.iterdir()) and not (folder / mark).is_file():
        raise DataError(
            f"holds other files (and no {mark}); choose an empty or a new folder.", folder
        )


@contextmanager
def replace_folder(folder: Path, mark: str) -> Iterator[Path]:
    """A new folder to write into, which takes the place of `folder` when the block ends well.

    What was there stays untouched until then, and for good if the block fails.

    Args:
        folder: where the result will stand.
        mark: the file by which a former result is known, for instance "model.json". A folder
            that holds anything else but is not empty is never replaced.

    Raises:
        DataError: the place is taken by something else, or cannot be written.
    """
    check_replaceable(folder, mark)
    new: Path | None = None
    try:
        place = folder.resolve()  # a link to a folder stays, and the folder behind it is replaced
        place.parent.mkdir(parents=True, exist_ok=True)
        new = Path(tempfile.mkdtemp(prefix=f".{place.name}-", dir=place.parent))
        new.chmod(0o755)  # mkdtemp's folders are for its owner only
        yield new
        old = None
        if place.exists():
            old = new.with_name(new.name + "-old")
            place.rename(old)
        try:
            new.rename(place)
        except OSError:
            if old is not None:
                old.rename(place)
            raise
        if old is not None:
            shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        reason = error.strerror or str(error)
        if error.errno == errno.ENOSPC:
            reason += "; nothing that was there is lost"
        raise DataError(f"cannot be written ({reason}).", folder) from error
    finally:
        if new is not None and new.exists():
            shutil.rmtree(new, ignore_errors=True)


@contextmanager
def replace_file(path: Path) -> Iterator[BinaryIO]:
    """A new file to write into, which takes the place of `path` when the block ends well.

    Raises:
        DataError: the place is taken by a folder or a device, or cannot be written.
    """
    if path.exists() and not path.is_file():  # a device or a pipe must not be renamed away
        what = "a folder" if path.is_dir() else "no ordinary file"
        raise DataError(f"is {what}; choose the name of a file.", path)
    new: Path | None = None
    try:
        place = path.resolve()
        place.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{place.name}-", dir=place.parent)
        new = Path(name)
        with os.fdopen(handle, "wb") as file:
            yield file
        new.chmod(0o644)  # mkstemp's files are for their owner only
        new.replace(place)
    except OSError as error:
        raise DataError(f"cannot be written ({error.strerror or error}).", path) from error
    finally:
        if new is not None:
            new.unlink(missing_ok=True)


def lock(path: Path, busy: str) -> IO[str]:
    """An open file that no other process opens in this way until it is closed.

    Its folder is made where there is none.

    Raises:
        DataError: another process has it, with the text `busy`; it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("w")
    except OSError as error:
        raise DataError(f"cannot be written ({error.strerror}).", path.parent) from error
    if sys.platform != "win32":
        import fcntl

        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            raise DataError(busy, path.parent) from None
        except OSError:  # a file system without locks
            pass
    return file


def cache_folder() -> Path:
    """Where jpseq keeps what it can make again: $JPSEQ_CACHE, or the user's cache folder."""
    from platformdirs import user_cache_path

    chosen = os.environ.get("JPSEQ_CACHE")
    return Path(chosen) if chosen else user_cache_path("jpseq", appauthor=False)
