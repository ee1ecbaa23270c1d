"""An address → a file in a folder: resumed after a cut connection, verified, never half there."""

import errno
import hashlib
import json
import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jpseq import __version__
from jpseq.corpora.catalogue import UpstreamFile
from jpseq.errors import DataError

if TYPE_CHECKING:
    import requests

Progress = Callable[[str, int, int | None], None]
"""Called with what is being worked on, how much is done, and of how much where that is known."""

TRIES = 5
"""Connections one after another that bring nothing new, before it is given up."""
WAIT = 2.0
"""Seconds before a second try; each further one waits as long again."""
TIMEOUT = (15, 60)
"""Seconds to connect, and without a byte."""
PIECE = 2**16
"""Bytes written at once."""


def download(file: UpstreamFile, folder: Path, progress: Progress) -> Path:
    """The file in the folder, downloaded unless it is there already and is what it should be.

    The checksum is the catalogue's; where that has none, the one found the first time, which is
    kept in a file of the same name and .sha256 (and can be checked with `sha256sum -c`).

    Raises:
        DataError: it cannot be had or written, or is not what it should be. What has come before
            a cut is kept in a file of its name and .part, and is not asked for again.
    """
    import pooch

    record = folder / f"{file.name}.sha256"
    known = file.sha256 or _remembered(record)
    try:
        with _quiet(pooch.get_logger()):
            path = Path(
                pooch.retrieve(
                    file.address,
                    known_hash=known and f"sha256:{known}",
                    fname=file.name,
                    path=folder,
                    downloader=_Download(file, folder / f"{file.name}.part", progress),
                )
            )
        if known is None:
            record.write_text(f"{pooch.file_hash(str(path))}  {file.name}\n", encoding="utf-8")
    except DataError:
        raise
    except ValueError as error:  # pooch's, on a wrong checksum; the file is gone
        raise _wrong(file, record, str(error)) from None
    except OSError as error:
        raise _unwritable(folder / file.name, error) from error
    return path


def _remembered(record: Path) -> str | None:
    try:
        return record.read_text("utf-8").split()[0]
    except (OSError, ValueError, IndexError):
        return None


@contextmanager
def _quiet(logger: logging.Logger) -> Iterator[None]:
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)


def _wrong(file: UpstreamFile, record: Path, problem: str) -> DataError:
    got = problem.partition("but got ")[2].partition(".")[0]
    if file.sha256:
        return DataError(
            f"what came is not what the catalogue knows (SHA-256 {got}, not {file.sha256}), and was"
            " removed. It may have been damaged on the way, so try again; or its makers have"
            " changed it.",
            file.address,
        )
    return DataError(
        f"what came is not what came the first time (SHA-256 {got}), and was removed. If its makers"
        f" have changed it and you want the new one, remove {record}",
        file.address,
    )


def _unwritable(path: Path, error: OSError) -> DataError:
    problem = f"cannot be written ({error.strerror or error})."
    if error.errno == errno.ENOSPC:
        problem += (
            " What has come is kept: free some space, or let JPSEQ_CACHE name a folder on a larger"
            " disk, and the same command goes on."
        )
    return DataError(problem, path)


class _Download:
    """Downloads into a part file, going on where that ends. pooch calls it."""

    def __init__(self, file: UpstreamFile, part: Path, progress: Progress) -> None:
        self.file = file
        self.part = part
        self.progress = progress
        self._note = part.with_name(f"{part.name}.json")
        """What of: the address, and the server's mark of this state of the file."""

    def __call__(self, address: str, output: str, _: Any) -> None:
        import requests

        tries, most = 0, 0
        while True:
            try:
                self._connect(address)
                break
            except requests.RequestException as error:
                tries = tries + 1 if self._size() <= most else 1
                most = max(most, self._size())
                if tries >= TRIES or not _passing(error):
                    raise self._cut(address, error) from error
                time.sleep(WAIT * tries)
        self._note.unlink(missing_ok=True)
        if self.file.git is not None and (got := git_id(self.part)) != self.file.git:
            self.part.unlink()
            raise DataError(
                f"what came is not what the catalogue knows (git's id is {got}, not"
                f" {self.file.git}), and was removed. It may have been damaged on the way, so try"
                " again.",
                address,
            )
        os.replace(self.part, output)

    def _size(self) -> int:
        return self.part.stat().st_size if self.part.exists() else 0

    def _connect(self, address: str) -> None:
        """One request, from where the part file ends if the server's file is still the same."""
        import requests

        # Compressed on the way, the bytes would not be those of the file.
        headers = {"User-Agent": f"jpseq/{__version__}", "Accept-Encoding": "identity"}
        start, mark = self._size(), self._mark(address)
        if start and mark:
            headers |= {"Range": f"bytes={start}-", "If-Range": mark}
        with requests.get(address, headers=headers, stream=True, timeout=TIMEOUT) as response:
            if response.status_code == 416 and _total(response) == start:
                return  # all of it had come
            if response.status_code == 416:
                self.part.unlink()
                raise requests.ConnectionError("the server has less than has come")
            if response.status_code >= 400:
                raise self._refused(address, response)
            if response.status_code != 206:
                start = 0
                self._begin(address, response)
            elif _first(response) != start:
                self.part.unlink()
                raise requests.ConnectionError("the server sent another part than was asked for")
            self._receive(response, start)

    def _mark(self, address: str) -> str | None:
        try:
            note = json.loads(self._note.read_text("utf-8"))
            return note["mark"] if note["address"] == address else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _begin(self, address: str, response: "requests.Response") -> None:
        self._note.unlink(missing_ok=True)
        self.part.write_bytes(b"")
        etag = response.headers.get("ETag", "")
        # A weak tag says that two states are alike, not that their bytes are the same.
        mark = etag if etag.startswith('"') else response.headers.get("Last-Modified")
        if mark:
            self._note.write_text(json.dumps({"address": address, "mark": mark}), encoding="utf-8")

    def _receive(self, response: "requests.Response", done: int) -> None:
        import requests
        import urllib3

        length = response.headers.get("Content-Length", "")
        total = done + int(length) if length.isdecimal() else None
        # Some servers call a .gz file a text that was compressed on the way; it is left as it is.
        pieces = response.raw.stream(PIECE, decode_content=False)
        try:
            with self.part.open("ab") as part:
                for piece in pieces:
                    part.write(piece)
                    done += len(piece)
                    self.progress(self.file.name, done, total)
        except urllib3.exceptions.HTTPError as error:
            raise requests.ConnectionError(error) from error
        if total is not None and done < total:
            raise requests.ConnectionError("the connection was cut")

    def _refused(self, address: str, response: "requests.Response") -> DataError:
        return DataError(
            f"the server answers {response.status_code} {response.reason}. If the file has moved,"
            f" download it yourself, as {self.file.name}, and put it where JPSEQ_CORPORA"
            " is searched (`jpseq corpus get --help`).",
            address,
        )

    def _cut(self, address: str, error: Exception) -> DataError:
        came = self._size()
        kept = ""
        if came and self._mark(address):
            kept = f" The {came:,} bytes that have come are kept: the same command goes on."
        return DataError(f"cannot be downloaded ({_reason(error)}).{kept}", address)


def git_id(path: Path) -> str:
    """The id by which git knows the content of a file."""
    digest = hashlib.sha1(f"blob {path.stat().st_size}\0".encode(), usedforsecurity=False)
    with path.open("rb") as file:
        for piece in iter(lambda: file.read(2**20), b""):
            digest.update(piece)
    return digest.hexdigest()


def _passing(error: Exception) -> bool:
    """Whether a second try may go better."""
    import requests

    wrong = (requests.exceptions.InvalidURL, requests.exceptions.SSLError)
    return not isinstance(error, (*wrong, requests.exceptions.TooManyRedirects))


def _reason(error: BaseException) -> str:
    """What lies at the bottom of a chain of errors."""
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    return str(error) or type(error).__name__


def _total(response: "requests.Response") -> int | None:
    """Of "bytes 0-99/1234" or "bytes */1234" the last number."""
    total = response.headers.get("Content-Range", "").rpartition("/")[2]
    return int(total) if total.isdecimal() else None


def _first(response: "requests.Response") -> int | None:
    """Of "bytes 100-999/1000" the first number."""
    first = response.headers.get("Content-Range", "").removeprefix("bytes ").partition("-")[0]
    return int(first) if first.isdecimal() else None
