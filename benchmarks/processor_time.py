"""Processor time of a benchmark that may be stopped and go on: what each call took is added up."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def counted(file: Path) -> Iterator[None]:
    """Add the processor seconds of what is done inside to a file, however it ends.

    What is lost is the time of a process that is killed.
    """
    begun = time.process_time()
    try:
        yield
    finally:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(str(seconds(file) + time.process_time() - begun))


def seconds(file: Path) -> float:
    """How many were counted so far."""
    return float(file.read_text()) if file.exists() else 0.0
