"""CSV files → a prepared table, some rows at a time."""

from contextlib import ExitStack
from itertools import islice
from pathlib import Path

import numpy as np

from jpseq.corpora.array_file import ArrayFile
from jpseq.corpora.blocks import plan
from jpseq.corpora.files import check_encoding
from jpseq.corpora.preparation import Preparation
from jpseq.corpora.prepared import MARK, Description
from jpseq.corpora.records import Skipped
from jpseq.corpora.sources import Sources
from jpseq.corpora.table import Rows
from jpseq.errors import DataError
from jpseq.folders import replace_folder


def prepare_table(sources: Sources, choices: Preparation, output: Path) -> Skipped:
    """Write a prepared table: the rows of each file are a sequence.

    Returns:
        the lines passed over.

    Raises:
        DataError: as the reader of tables; files with different columns.
    """
    names: tuple[str, ...] = ()
    skipped: list[Skipped] = []
    with replace_folder(output, MARK) as new, ExitStack() as stack:
        offsets = stack.enter_context(ArrayFile(new / "offsets.npy", np.int64))
        offsets.append(np.zeros(1, np.int64))
        for file in sources.files:
            rows = _rows(file, choices)
            numbers = (row for _, row in rows)
            while some := list(islice(numbers, 10_000)):
                if not names:
                    names = rows.names
                    path = new / "values.npy"
                    values = stack.enter_context(ArrayFile(path, np.float32, len(names)))
                if rows.names != names:
                    raise DataError(
                        f"the columns are {', '.join(rows.names)}, and in the files before they are"
                        f" {', '.join(names)}.",
                        file,
                    )
                values.append(np.array(some, np.float32))
            skipped.append(rows.skipped)
            offsets.append(np.array([values.rows]))
        lines = sum(part.lines for part in skipped)
        Description(
            kind="table",
            sources=plan(sources.files, choices.block_size).sources,
            stages=[],
            options={
                "encoding": check_encoding(choices.encoding),
                "columns": list(names),
                "time": choices.time,
            },
            counts={"sequences": offsets.rows - 1, "rows": values.rows, "skipped": lines},
        ).save(new)
    return Skipped(lines, [problem for part in skipped for problem in part.first][:10])


def _rows(file: Path, choices: Preparation) -> Rows:
    columns = choices.columns if isinstance(choices.columns, list) else None
    return Rows(
        [file],
        choices.time,
        "text",
        columns,
        encoding=choices.encoding,
        on_error=choices.on_error,
    )
