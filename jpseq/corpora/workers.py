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
from threading import Thread
from types import ModuleType
from typing import Any

import dask.local
import dask.multiprocessing

from jpseq.errors import JpseqError, PluginError

Work = Callable[[bytes, Any], Any]
Run = Callable[[Sequence[Any], Callable[[Any], None]], None]

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
        with ProcessPoolExecutor(count, _Context(), _begin_worker) as pool:
            get = partial(dask.multiprocessing.get, pool=pool, optimize_graph=False, chunksize=1)
            yield partial(_run_here, get, work, shared)


def _graph(work: Work, shared: bytes, items: Sequence[Any]) -> tuple[dict[Any, Any], list[Any]]:
    """The graph, and the keys of its results."""
    # Two runs on one cluster must not take each other's tasks for their own.
    name = f"jpseq-{uuid.uuid4().hex}"
    tasks = {(name, number): (work, name, item) for number, item in enumerate(items)}
    return {name: shared, **tasks}, list(tasks)


def _run_here(
    get: Callable[..., object],
    work: Work,
    shared: bytes,
    items: Sequence[Any],
    take: Callable[[Any], None],
) -> None:
    graph, keys = _graph(work, shared, items)
    results = set(keys)

    def after(key: object, result: Any, *_: object) -> None:
        if key in results:
            take(result)

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
        """Start a process that knows nothing of the user's script."""
        main = sys.modules["__main__"]
        sys.modules["__main__"] = ModuleType("__main__")
        try:
            super().start()
        finally:
            sys.modules["__main__"] = main


class _Context(SpawnContext):
    Process = _Process


def _begin_worker() -> None:
    # Ctrl-C goes to all processes of a terminal; the first of them ends the others when their
    # blocks are finished.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
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
        client = make(address, timeout="10s", set_as_default=False)
    except (OSError, ValueError) as error:
        raise JpseqError(
            f"There is no dask scheduler at {address} ({error}). Start one: dask scheduler"
        ) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=30)
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
