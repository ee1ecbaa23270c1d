"""The folder in which finished blocks wait, so that no work is done twice."""

import os
import shutil
from pathlib import Path
from typing import Self

from jpseq.folders import check_replaceable, lock

MARK = "unfinished"


class Unfinished:
    """A folder beside the output, of its name and .partial. Used in a with statement.

    Only one process at a time works in it. It stays when the work is interrupted, unless nothing in
    it is worth keeping.

    Raises:
        DataError: the place is taken, or another process works there.
    """

    def __init__(self, output: Path) -> None:
        place = output.resolve()
        self.folder = place.with_name(f"{place.name}.partial")
        self.result = self.folder / "result"
        self.scratch = self.folder / "scratch"

    def __enter__(self) -> Self:
        check_replaceable(self.folder, MARK)
        self._lock = lock(
            self.folder / MARK, "another process is preparing this corpus; wait for it."
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._lock.close()
        if not any(self.folder.glob("*.npz")):
            self.remove()

    def clear(self, keep: set[str]) -> int:
        """Remove everything but the blocks of these names; gives the number of other blocks."""
        others = 0
        for path in self.folder.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path.name not in keep and path.name != MARK:
                path.unlink()
                others += path.suffix == ".npz"
        return others

    def begin_result(self) -> Path:
        """An empty folder where the output is put together, and an empty one for scratch files."""
        for folder in (self.result, self.scratch):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
        return self.result

    def move_result(self, folder: Path) -> None:
        """Move the result into a folder on the same disk."""
        for path in self.result.iterdir():
            os.rename(path, folder / path.name)

    def remove(self) -> None:
        """Remove the folder with all that is in it."""
        shutil.rmtree(self.folder, ignore_errors=True)
