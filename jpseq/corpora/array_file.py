"""A .npy file that grows: the same bytes as np.save would write, never all of them in memory."""

from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt


class ArrayFile:
    """Appends rows to an array on disk. Used in a with statement.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with ArrayFile(Path(folder, "a.npy"), np.int32) as file:
    ...         file.append(np.array([3, 1]))
    ...         file.append(np.array([4]))
    ...     np.load(Path(folder, "a.npy"))
    array([3, 1, 4], dtype=int32)

    Args:
        columns: (N, columns) instead of (N,).
    """

    def __init__(self, path: Path, dtype: npt.DTypeLike, columns: int | None = None) -> None:
        self.path = path
        self.dtype = np.dtype(dtype)
        self.shape = () if columns is None else (columns,)
        self.rows = 0

    def __enter__(self) -> Self:
        self._file = self.path.open("wb")
        self._head()
        return self

    def __exit__(self, *_: object) -> None:
        with self._file:
            self._file.seek(0)
            self._head()  # NumPy leaves room in it for any number of rows

    def append(self, rows: npt.NDArray[Any]) -> None:
        """Append (n,) or (n, columns) rows."""
        self._file.write(np.ascontiguousarray(rows, self.dtype).data)
        self.rows += len(rows)

    def _head(self) -> None:
        head = {
            "descr": np.lib.format.dtype_to_descr(self.dtype),
            "fortran_order": False,
            "shape": (self.rows, *self.shape),
        }
        np.lib.format.write_array_header_1_0(self._file, head)
