"""A progress bar on standard error, on a terminal only."""

import time
from typing import Any

import lightning
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn


class ProgressBar(lightning.Callback):
    """Epoch, loss, tokens per second and the time that is left, over the whole training."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[figures]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
        )

    def on_train_start(self, trainer: lightning.Trainer, _: lightning.LightningModule) -> None:
        self.total = self.count = self.counted = 0.0
        self.begun = time.monotonic()
        steps = int(trainer.estimated_stepping_batches)
        self.task = self.progress.add_task(self.title, total=steps, figures="")
        self.progress.start()

    def on_train_batch_end(
        self, trainer: lightning.Trainer, _: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if batch_idx == 0:
            self.total = self.counted = 0.0
        count = float(outputs["count"])
        self.total += float(outputs["total"])
        self.counted += count
        self.count += count
        speed = self.count / (time.monotonic() - self.begun)
        self.progress.update(
            self.task,
            advance=1,
            figures=f"epoch {trainer.current_epoch + 1}/{trainer.max_epochs}"
            f"  loss {self.total / max(1.0, self.counted):.2f}  {speed:,.0f} tokens/s",
        )

    def on_train_end(self, *_: Any) -> None:
        self.progress.stop()

    def on_exception(self, *_: Any) -> None:
        self.progress.stop()
