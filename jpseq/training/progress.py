"""A progress bar on standard error, on a terminal only."""

import time
from typing import Any

import lightning
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn


class ProgressBar(lightning.Callback):
    """Epoch, loss, tokens per second and the time that is left, over the whole training.

    Args:
        title: what stands before the bar.
        epochs: of the training.
        batches: of an epoch.
    """

    def __init__(self, title: str, epochs: int, batches: int) -> None:
        self.title = title
        self.epochs = epochs
        self.batches = batches
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[figures]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
        )

    def print(self, line: str) -> None:
        """A line that stays, above the bar."""
        self.progress.console.print(line, highlight=False, markup=False, soft_wrap=True)

    def on_train_start(self, *_: Any) -> None:
        self.total = self.count = self.counted = 0.0
        self.begun = time.monotonic()
        batches = self.epochs * self.batches
        self.task = self.progress.add_task(self.title, total=batches, figures="")
        self.progress.start()

    def on_train_batch_end(
        self, trainer: lightning.Trainer, _: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        epoch, place = divmod(batch_idx, self.batches)
        if place == 0:
            self.total = self.counted = 0.0
        count = float(outputs["count"])
        self.total += float(outputs["total"])
        self.counted += count
        self.count += count
        speed = self.count / (time.monotonic() - self.begun)
        self.progress.update(
            self.task,
            completed=batch_idx + 1,
            figures=f"epoch {epoch + 1}/{self.epochs}"
            f"  loss {self.total / max(1.0, self.counted):.2f}  {speed:,.0f} tokens/s",
        )

    def on_train_end(self, *_: Any) -> None:
        self.progress.stop()

    def on_exception(self, *_: Any) -> None:
        self.progress.stop()
