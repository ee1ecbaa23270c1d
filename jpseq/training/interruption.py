"""Ctrl-C in the middle of a training: the step is finished first."""

import signal
import threading
from types import FrameType
from typing import Any, Self

import lightning

from jpseq.training import processes
from jpseq.training.module import Training


class Interruption(lightning.Callback):
    """While it is entered, Ctrl-C (or SIGTERM, which a cluster sends) ends the training after the
    step that is under way, so that its weights are whole. A second Ctrl-C ends it at once, unless
    several processes train together."""

    def __init__(self) -> None:
        self.requested = False
        self.ending = False
        """Whether this step is the last, in all processes: asked for in one it ends them all."""

    def __enter__(self) -> Self:
        # Handlers can be set in the main thread only; elsewhere Ctrl-C is the caller's business.
        self.before: dict[int, Any] = {}
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self.before[number] = signal.signal(number, self._request)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)

    def on_train_batch_end(
        self, _: lightning.Trainer, pl_module: lightning.LightningModule, *__: Any
    ) -> None:
        assert isinstance(pl_module, Training)
        requested = bool(processes.total(float(self.requested)))
        self.ending = requested and not pl_module.waiting

    def on_train_batch_start(self, *_: Any) -> None:
        if self.ending:
            raise KeyboardInterrupt

    def _request(self, number: int, _: FrameType | None) -> None:
        # torchrun passes on the Ctrl-C that the terminal has sent to every process already.
        if self.requested and processes.world_size() == 1:
            raise KeyboardInterrupt
        self.requested = True
