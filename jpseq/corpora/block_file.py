"""The file in which a finished block waits for the others."""

import json
import os
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from jpseq.corpora.records import Skipped
from jpseq.corpora.words import Words
from jpseq.errors import DataError


class BlockFile:
    """Reads, array by array, what `write` has written. Used in a with statement.

    Raises:
        DataError: the file is damaged. It is then removed, so that the block is done again.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> Self:
        self._file = self.path.open("rb")
        try:
            self._arrays = np.load(self._file)
        except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
            self._file.close()
            raise self._damaged(error) from error
        return self

    def __exit__(self, *_: object) -> None:
        self._arrays.close()
        self._file.close()

    def words(self, side: int = 0) -> list[str]:
        """The different words by their provisional ids."""
        words: list[str] = json.loads(self._array(f"words{side}").tobytes())
        return words

    def counts(self, side: int = 0) -> npt.NDArray[np.int64]:
        """How often each of them stands in the block."""
        return self._array(f"counts{side}")

    def ids(self, side: int = 0) -> npt.NDArray[np.int32]:
        """The provisional ids of all sequences, one after another."""
        return self._array(f"ids{side}")

    def lengths(self, side: int = 0) -> npt.NDArray[np.int64]:
        """The length of each sequence."""
        return self._array(f"lengths{side}")

    @property
    def breaks(self) -> npt.NDArray[np.int64]:
        """Before which sequences a group begins."""
        return self._array("breaks")

    @property
    def tokens(self) -> int:
        """The length of all sequences of all sides."""
        return sum(int(self._array(n).sum()) for n in self._arrays.files if n.startswith("lengths"))

    @property
    def skipped(self) -> Skipped:
        """The lines passed over."""
        return Skipped(*json.loads(self._array("skipped").tobytes()))

    def _array(self, name: str) -> npt.NDArray[Any]:
        try:
            array: npt.NDArray[Any] = self._arrays[name]
        except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
            raise self._damaged(error) from error
        return array

    def _damaged(self, error: Exception) -> DataError:
        self.path.unlink(missing_ok=True)
        return DataError(f"was damaged ({error}) and is removed. Run the same again.", self.path)

    @staticmethod
    def write(path: Path, sides: Sequence[Words], breaks: Sequence[int], skipped: Skipped) -> None:
        """Write a block, whole or not at all.

        Raises:
            DataError: it cannot be written.
        """
        arrays: dict[str, npt.NDArray[Any]] = {
            "breaks": np.array(breaks, np.int64),
            "skipped": _json([skipped.lines, skipped.first]),
        }
        for i, side in enumerate(sides):
            ids, words = side.ids(), side.different()
            arrays[f"ids{i}"] = ids
            arrays[f"lengths{i}"] = np.frombuffer(side.lengths, np.int64)
            arrays[f"counts{i}"] = np.bincount(ids, minlength=len(words))
            arrays[f"words{i}"] = _json(words)
        temporary = Path()
        try:
            handle, name = tempfile.mkstemp(dir=path.parent)
            temporary = Path(name)
            with os.fdopen(handle, "wb") as file:
                np.savez(file, allow_pickle=False, **arrays)
            temporary.replace(path)
        except OSError as error:
            if temporary.name:
                temporary.unlink(missing_ok=True)
            raise DataError(
                f"cannot be written ({error.strerror or error}). What is finished is kept: mend"
                " this, then run the same again.",
                path.parent,
            ) from error


def _json(content: object) -> npt.NDArray[np.uint8]:
    return np.frombuffer(json.dumps(content, ensure_ascii=False).encode(), np.uint8)
