"""Memory that is free goes back to the system while a training runs.

Batches of ever new shapes leave gaps of ever new sizes in the C library's heap, which keeps them:
in an hour a training took half as much again. Given back now and then they are gaps in the address
space only, and what is resident stays what is in use.
"""

import ctypes
from collections.abc import Callable
from functools import cache
from typing import Any

import lightning

EVERY = 100
"""Steps; giving back takes some milliseconds."""


class GiveBack(lightning.Callback):
    """Gives free memory back every EVERY steps, where the C library is glibc."""

    def on_train_batch_end(self, trainer: lightning.Trainer, *_: Any) -> None:
        if trainer.global_step % EVERY == 0:
            _trim()(0)


@cache
def _trim() -> Callable[[int], object]:
    try:
        trim: Callable[[int], object] = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):  # another C library, or none by that name
        return lambda _: None
    return trim
