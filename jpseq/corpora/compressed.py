"""Text in .gz, .bz2 and .zst files, decompressed as it is read."""

import bz2
import gzip
import io
import zlib
from pathlib import Path
from typing import Any, BinaryIO

from jpseq.errors import DataError


class Decompressed(io.RawIOBase):
    """The text in a compressed file; what is wrong with the file is a DataError that names it."""

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self._file = file
        self._path = path
        self._inner: Any
        if path.suffix.lower() == ".gz":
            self._inner = gzip.GzipFile(fileobj=file)
        elif path.suffix.lower() == ".bz2":
            self._inner = bz2.BZ2File(file)
        else:
            self._inner = _Zstandard(file)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        from zstandard import ZstdError

        try:
            size: int = self._inner.readinto(buffer)
        except EOFError:
            raise DataError("is cut off: its compressed data has no end.", self._path) from None
        except (OSError, zlib.error, ZstdError) as error:
            raise DataError(
                f"is damaged, or not compressed as its name says ({error}).", self._path
            ) from None
        return size

    def close(self) -> None:
        if not self.closed:
            self._inner.close()
            self._file.close()
        super().close()


class _Zstandard(io.RawIOBase):
    """The text of a .zst file, frame after frame.

    zstandard's own stream reader takes a file that is cut off for one that ends.
    """

    # Of 256 bytes at most 8 MiB of text can come: what one call gives is bounded.
    STEP = 256

    def __init__(self, file: BinaryIO) -> None:
        from zstandard import ZstdDecompressor

        self._file = file
        self._decompressor = ZstdDecompressor()
        self._frame = self._decompressor.decompressobj()
        self._between = True
        self._compressed = b""
        self._text = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._text:
            self._compressed = self._compressed or self._file.read(self.STEP)
            if not self._compressed:
                if self._between:
                    return 0
                raise EOFError
            self._text = memoryview(self._frame.decompress(self._compressed))
            self._between = self._frame.eof
            self._compressed = b""
            if self._frame.eof:
                self._compressed = self._frame.unused_data
                self._frame = self._decompressor.decompressobj()
        size = min(len(buffer), len(self._text))
        buffer[:size] = self._text[:size]
        self._text = self._text[size:]
        return size
