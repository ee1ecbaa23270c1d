"""One dask graph, a task for each item of work, run by processes of this machine or by a cluster.

Processes are started anew (spawn), because a copy (fork) of a process with threads, as one has that
has loaded torch, can hang. Other than Python's own they never run the user's script a second time:
it needs no `if __name__ == "__main__"`, and what is typed at a prompt works, too.
"""

import multiprocessing
import os
import signal
import sys
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from multiprocessing.context import SpawnContext, SpawnProcess
from threading import Thread, current_thread, main_thread
from types import ModuleType
from typing import Any

import dask.local
import dask.multiprocessing

from jpseq.errors import JpseqError, PluginError

Work = Callable[[bytes, Any], Any]
Run = Callable[[Sequence[Any], Callable[[Any], None]], None]

PATIENCE = 10.0
"""Seconds until a scheduler that does not answer is given up; its first worker has three times as
long, since clusters start their workers when there is work."""

_KEPT = "What is finished is kept: run the same again."


@contextmanager
def workers(work: Work, shared: bytes, count: int, scheduler: str | None = None) -> Iterator[Run]:
    """Processes that run work(shared, item) for many items.

    In the with block there is a function, run(items, take): it ends when all items are done, and
    calls take(result) for each in whatever order they come. It may be called several times.

    Args:
        count: processes of this machine; 1 is this very process.
        scheduler: the address of a dask scheduler, such as "tcp://10.0.0.1:8786", whose workers do
            it instead.

    Raises:
        PluginError: the cluster extra is not installed.
        JpseqError: there is no such cluster, or a process was killed; else what the work raises.
    """
    if scheduler is not None:
        with _cluster(scheduler) as client:
            yield partial(_run_on_cluster, client, work, shared)
    elif count == 1:
        yield partial(_run_here, dask.local.get_sync, work, shared)
    else:
        with (
            _interrupts_wait() as check,
            ProcessPoolExecutor(count, _Context(), _begin_worker) as pool,
        ):
            get = partial(dask.multiprocessing.get, pool=pool, optimize_graph=False, chunksize=1)
            yield partial(_run_here, get, work, shared, check=check)


def _graph(work: Work, shared: bytes, items: Sequence[Any]) -> tuple[dict[Any, Any], list[Any]]:
    """The graph, and the keys of its results."""
    # Two runs on one cluster must not take each other's tasks for their own. And of tasks that are
    # ready dask does the last by name first: counted down, they come in the order of the items.
    name = f"jpseq-{uuid.uuid4().hex}"
    tasks = {f"{name}-{len(items) - n:06}": (work, name, item) for n, item in enumerate(items)}
    return {name: shared, **tasks}, list(tasks)


def _run_here(
    get: Callable[..., object],
    work: Work,
    shared: bytes,
    items: Sequence[Any],
    take: Callable[[Any], None],
    check: Callable[[], None] = lambda: None,
) -> None:
    graph, keys = _graph(work, shared, items)
    results = set(keys)

    def after(key: object, result: Any, *_: object) -> None:
        if key in results:
            take(result)
        check()

    try:
        get(graph, keys, callbacks=[(None, None, None, after, None)])
    except BrokenProcessPool:
        raise JpseqError(
            "A worker process was killed, perhaps because the memory was full; fewer --workers need"
            f" less. {_KEPT}"
        ) from None
    except JpseqError as error:
        # Where tblib is not installed dask wraps the errors of other processes.
        raise getattr(error, "exception", error) from None


# Processes of this machine


class _Process(SpawnProcess):
    def start(self) -> None:
        """Start a process that knows nothing of the user's script, nor of Ctrl-C, which a terminal
        sends to all of its processes: the first of them ends the others."""
        main = sys.modules["__main__"]
        sys.modules["__main__"] = ModuleType("__main__")
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # which is inherited
        try:
            super().start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            sys.modules["__main__"] = main


class _Context(SpawnContext):
    Process = _Process


@contextmanager
def _interrupts_wait() -> Iterator[Callable[[], None]]:
    """Let Ctrl-C wait until a block is finished, since a pool interrupted anywhere can hang. A
    second Ctrl-C does not wait.

    In the with block there is a function, which ends the work if Ctrl-C has come.
    """
    interrupted = False

    def handle(*_: object) -> None:
        nonlocal interrupted
        if interrupted:
            raise KeyboardInterrupt
        interrupted = True

    def check() -> None:
        if interrupted:
            raise KeyboardInterrupt

    if current_thread() is not main_thread():  # others do not get it
        yield check
        return
    before = signal.signal(signal.SIGINT, handle)
    try:
        yield check
    finally:
        signal.signal(signal.SIGINT, before)
    check()


def _begin_worker() -> None:
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """The processes of a pool would wait for ever for one that was killed."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


# A cluster


@contextmanager
def _cluster(address: str) -> Iterator[Any]:
    try:
        import distributed
    except ImportError as error:
        raise PluginError(
            f"A cluster needs a package that is not installed ({error})."
            ' Type: pip install "jpseq[cluster]"'
        ) from error
    make: Any = distributed.Client
    try:
        client = make(address, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:
        raise JpseqError(
            f"There is no dask scheduler at {address} ({error}). Start one: dask scheduler"
        ) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=3 * PATIENCE)
        except TimeoutError:
            raise JpseqError(
                f"The scheduler at {address} has no workers. Start some: dask worker {address}"
            ) from None
        yield client


def _run_on_cluster(
    client: Any, work: Work, shared: bytes, items: Sequence[Any], take: Callable[[Any], None]
) -> None:
    import distributed

    as_completed: Any = distributed.as_completed
    futures = client.get(*_graph(work, shared, items), sync=False)
    try:
        for future in as_completed(futures, loop=client.loop):
            take(future.result())
    except distributed.KilledWorker as error:
        raise JpseqError(f"Workers of the cluster died again and again. {_KEPT}") from error
    finally:
        client.cancel(futures)
