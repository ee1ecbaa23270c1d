"""Files → a prepared corpus: analysed once, in parallel, in memory that does not grow with them.

    files ──plan──▶ blocks ──analyse (many workers)──▶ a file each ──assemble──▶ Prepared

What is finished is kept beside the output, in a folder of its name and .partial. After an
interruption, whatever it was, the same call goes on from there. The result is the same to the byte
with any number of workers, any size of blocks and any interruptions.
"""

from collections.abc import Callable
from pathlib import Path

from jpseq.corpora.blockwise import Progress
from jpseq.corpora.files import check_encoding
from jpseq.corpora.preparation import Preparation
from jpseq.corpora.prepare_table import prepare_table
from jpseq.corpora.prepare_text import prepare_text
from jpseq.corpora.prepared import MARK, Kind, Prepared
from jpseq.corpora.records import OnError
from jpseq.corpora.sources import Where, find_sources
from jpseq.folders import check_replaceable
from jpseq.text.mecab import MeCab
from jpseq.text.tokenizer import Tokenizer


def prepare(
    source: Where,
    output: Path | str,
    *,
    target: Where | None = None,
    kind: Kind | None = None,
    tokenizer: Tokenizer | None = None,
    sentences: bool = False,
    encoding: str = "utf-8",
    on_error: OnError = "raise",
    columns: tuple[int, int] | list[str] | None = None,
    time: str | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    block_size: int = 2**20,  # a third of a second: smaller ones cost more than they share better
    words_in_memory: int = 2_000_000,  # about 400 MB
    progress: Callable[[Progress], None] | None = None,
    note: Callable[[str], None] | None = None,
) -> Prepared:
    """Turn files into a prepared corpus, a folder that opens at once and that models read.

    Text: a line is a sequence of ids; blank lines and the ends of files divide documents, which are
    the groups. Dialogues: a turn is a sequence, a dialogue a group. Parallel text: two sides with a
    vocabulary each, whose sequences go together. A table: rows of numbers, nan where there is a
    gap, a sequence for each file.

    Args:
        source: a file, a folder, a pattern such as "logs/**/*.jsonl", or a list of them. Files that
            end with .gz or .zst are decompressed.
        output: the folder to write; a prepared corpus that was there is replaced.
        target: the other side of parallel text in two aligned files.
        kind: "text", "dialogues", "parallel" or "table"; None tells it by the ends of the names:
            .txt, .jsonl, .tsv, .csv.
        tokenizer: MeCab() unless given; one that learns is fitted before. Not for a table.
        sentences: let each sentence of a text be a sequence, not each line.
        encoding: for instance "cp932" or "euc-jp".
        on_error: "skip" counts a line that cannot be read instead of raising an error.
        columns: of parallel text the two columns to read, from 1: (1, 3). Of a table the names of
            the columns to read.
        time: the column of a table that says when, which is left out.
        workers: processes of this machine; None for one on each core. A table is always read by
            one.
        scheduler: the address of a dask scheduler, whose workers are used instead. They see source
            and output under the same names (a shared file system).
        block_size: bytes that a worker analyses at once.
        words_in_memory: how many different words are counted in memory, before counts are written
            to disk and merged.
        progress: called after each block.
        note: called with what a person would want to know.

    Raises:
        DataError: files cannot be read, hold nothing, or hold what they should not; the output
            cannot be written. What was finished is kept.
        ConfigurationError: a parameter that is not allowed.
        JpseqError: a worker was killed; there is no such cluster.
        KeyboardInterrupt: what was finished is kept.
    """
    choices = Preparation.check(
        {
            "kind": kind,
            "sentences": sentences,
            "encoding": encoding,
            "on_error": on_error,
            "columns": columns,
            "time": time,
            "workers": workers,
            "scheduler": scheduler,
            "block_size": block_size,
            "words_in_memory": words_in_memory,
        }
    )
    check_encoding(encoding)
    output = Path(output)
    check_replaceable(output, MARK)
    sources = find_sources(source, target, kind)
    choices.check_for(sources, tokenizer)
    if sources.kind == "table":
        skipped = prepare_table(sources, choices, output)
    else:
        tokenizer = MeCab() if tokenizer is None else tokenizer
        skipped = prepare_text(
            sources, choices, output, tokenizer, progress or _ignore, note or _ignore
        )
    if skipped and note is not None:
        note(str(skipped))
    return Prepared.load(output)


def _ignore(_: object) -> None: ...
