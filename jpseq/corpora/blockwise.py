"""All blocks of a corpus analysed by many workers, with what is finished found again."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic
from typing import NamedTuple

import cloudpickle  # type: ignore[import-untyped]

from jpseq.corpora.analysis import Analysis, Finished, analyse
from jpseq.corpora.blocks import Plan, Spool
from jpseq.corpora.unfinished import Unfinished
from jpseq.corpora.workers import workers

WINDOW = 1024
"""Blocks that are tasks at once: the graph, and what is decompressed for them, stay small."""


class Progress(NamedTuple):
    """How far the analysis has come."""

    done: int
    total: int
    """Bytes of text."""
    fresh: int
    """Bytes that this run has analysed; the others were finished before."""
    tokens: int
    seconds: float
    """What this run has found, and the time it took."""

    @property
    def seconds_left(self) -> float:
        """At the speed until now."""
        return self.seconds * (self.total - self.done) / max(self.fresh, 1)


def analyse_blocks(
    analysis: Analysis,
    plan: Plan,
    unfinished: Unfinished,
    count: int | None,
    scheduler: str | None,
    progress: Callable[[Progress], None],
    note: Callable[[str], None],
) -> list[Path]:
    """Analyse the blocks that are not finished.

    Args:
        count: worker processes; None for one on each core.
        scheduler: the address of a dask scheduler whose workers are used instead.

    Returns:
        the files of all blocks.
    """
    finished = {block.number: analysis.finished(block) for block in plan.blocks}
    others = unfinished.clear({path.name for path in finished.values() if path is not None})
    pending = [block for block in plan.blocks if finished[block.number] is None]
    if before := len(plan.blocks) - len(pending):
        note(f"Going on: {before:,} of {len(plan.blocks):,} blocks are finished.")
    elif others:
        note("The text, the tokenizer or an option has changed: everything is analysed anew.")
    total = sum(block.size for block in plan.blocks)
    fresh = tokens = 0
    old = total - sum(block.size for block in pending)
    begun = monotonic()

    def take(result: Finished) -> None:
        nonlocal fresh, tokens
        fresh += result.size
        tokens += result.tokens
        progress(Progress(old + fresh, total, fresh, tokens, monotonic() - begun))

    if pending:
        count = min(count or _cores(), len(pending))
        shared = cloudpickle.dumps(analysis)  # the tokenizer may be defined in a notebook
        windows = [pending[at : at + WINDOW] for at in range(0, len(pending), WINDOW)]
        with (
            Spool(unfinished.folder) as spool,
            ThreadPoolExecutor(1) as ahead,
            workers(analyse, shared, count, scheduler) as run,
        ):
            ready = ahead.submit(spool.write, windows[0])
            for window, following in zip(windows, [*windows[1:], []], strict=True):
                ready.result()
                ready = ahead.submit(spool.write, following)
                run(window, take)
                spool.clear(window)
    return [path for block in plan.blocks if (path := analysis.finished(block)) is not None]


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
