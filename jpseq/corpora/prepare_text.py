"""Text, dialogues, parallel text → a prepared corpus of ids."""

import hashlib
import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from jpseq.corpora.analysis import Analysis
from jpseq.corpora.assembly import assemble_groups, assemble_sequences, join_skipped
from jpseq.corpora.blocks import plan
from jpseq.corpora.blockwise import Progress, analyse_blocks
from jpseq.corpora.files import check_encoding
from jpseq.corpora.preparation import Preparation
from jpseq.corpora.prepared import MARK, Description
from jpseq.corpora.records import Skipped
from jpseq.corpora.sources import Sources
from jpseq.corpora.unfinished import Unfinished
from jpseq.errors import ConfigurationError, DataError
from jpseq.folders import replace_folder
from jpseq.text.tokenizer import Tokenizer


def prepare_text(
    sources: Sources,
    choices: Preparation,
    output: Path,
    tokenizer: Tokenizer,
    progress: Callable[[Progress], None],
    note: Callable[[str], None],
) -> Skipped:
    """Write a prepared corpus of ids.

    Returns:
        the lines passed over.

    Raises:
        DataError: as `prepare`.
        ConfigurationError, NotFittedError: the tokenizer cannot be used.
    """
    if not isinstance(tokenizer, Tokenizer):
        raise ConfigurationError(f"tokenizer: a Tokenizer is wanted, got {tokenizer!r}.")
    tokenizer.words("夜")  # one that cannot work says so now
    kind = sources.kind
    assert kind != "table"
    params = tokenizer.get_params(deep=False)
    stages = [{"kind": tokenizer.kind, "name": tokenizer.name, "params": params}]
    options = _options(sources, choices)
    with Unfinished(output) as unfinished, _kept(output, unfinished.folder):
        analysis = Analysis(
            kind,
            tokenizer,
            unfinished.folder,
            _key([kind, stages, options], tokenizer),
            choices.encoding,
            choices.on_error,
            choices.sentences,
            choices.columns if isinstance(choices.columns, tuple) else None,
        )
        planned = plan(sources.files, choices.block_size, sources.targets)
        blocks = analyse_blocks(
            analysis, planned, unfinished, choices.workers, choices.scheduler, progress, note
        )
        skipped = join_skipped(blocks)
        describe = partial(Description, sources=planned.sources, stages=stages, options=options)
        result = unfinished.begin_result()
        for side, name in enumerate(("source", "target") if kind == "parallel" else (".",)):
            folder, scratch = result / name, unfinished.scratch / str(side)
            folder.mkdir(exist_ok=True)
            scratch.mkdir()
            counts = assemble_sequences(blocks, folder, scratch, choices.words_in_memory, side)
            if not counts["words"]:
                unfinished.remove()
                raise _nothing(sources, skipped)
            _save_learnt(tokenizer, folder)
            if kind == "parallel":
                describe(kind="text", counts=counts).save(folder)
        if kind == "parallel":
            counts = {"sequences": counts["sequences"]}
        else:
            counts = {"groups": assemble_groups(blocks, result, kind == "dialogues"), **counts}
        describe(kind=kind, counts={**counts, "skipped": skipped.lines}).save(result)
        with replace_folder(output, MARK) as new:
            unfinished.move_result(new)
        unfinished.remove()
    return skipped


def _options(sources: Sources, choices: Preparation) -> dict[str, Any]:
    """The choices that decide what is read."""
    options: dict[str, Any] = {"encoding": check_encoding(choices.encoding)}
    if sources.kind == "text":
        options["sentences"] = choices.sentences
    if choices.columns is not None:
        options["columns"] = list(choices.columns)
    return options


_ANALYSERS = ("jpseq", "fugashi", "sentencepiece", "unidic-lite")


def _key(settings: list[Any], tokenizer: Tokenizer) -> str:
    """A name for all that decides what a block gives, beside the block itself."""
    try:
        written = json.dumps([settings, {name: version(name) for name in _ANALYSERS}])
    except TypeError as error:
        raise ConfigurationError(
            f"tokenizer: its parameters must be plain values ({error}): {tokenizer!r}."
        ) from None
    key = hashlib.blake2b(written.encode(), digest_size=8)
    with tempfile.TemporaryDirectory() as folder:
        tokenizer.save_state(Path(folder))
        for path in sorted(Path(folder).rglob("*")):
            key.update(path.read_bytes() if path.is_file() else b"")
    return key.hexdigest()


def _save_learnt(tokenizer: Tokenizer, folder: Path) -> None:
    learnt = folder / "tokenizer"
    learnt.mkdir()
    tokenizer.save_state(learnt)
    if not any(learnt.iterdir()):
        learnt.rmdir()


def _nothing(sources: Sources, skipped: Skipped) -> DataError:
    number = len(sources.files)
    others = f", nor do the others of {number:,} files" if number > 1 else ""
    more = f" {skipped}" if skipped else ""
    return DataError(f"holds no word{others}; nothing was written.{more}", sources.files[0])


@contextmanager
def _kept(output: Path, folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DataError(
            f"cannot be written ({error.strerror or error}). What is finished is kept in {folder}:"
            " mend this, then run the same again.",
            output,
        ) from error
