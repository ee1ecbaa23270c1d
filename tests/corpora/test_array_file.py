"""Arrays that grow on disk."""

import io
from pathlib import Path

import numpy as np
import pytest

from jpseq.corpora.array_file import ArrayFile


@pytest.mark.parametrize("rows", [[], [0], [7], [3, 0, 4], [1000] * 5])
@pytest.mark.parametrize(
    ("dtype", "columns"), [(np.int32, None), (np.int64, None), (np.float32, 3)]
)
def test_the_bytes_are_those_of_numpy(
    rows: list[int], dtype: type, columns: int | None, tmp_path: Path
) -> None:
    shape = () if columns is None else (columns,)
    parts = [np.arange(n * (columns or 1)).reshape(n, *shape).astype(dtype) for n in rows]
    with ArrayFile(tmp_path / "a.npy", dtype, columns) as file:
        for part in parts:
            file.append(part)
        assert file.rows == sum(rows)
    wanted = io.BytesIO()
    np.save(wanted, np.concatenate([np.zeros((0, *shape), dtype), *parts]))
    assert (tmp_path / "a.npy").read_bytes() == wanted.getvalue()
