"""What happens at the end of an epoch: measure, report, keep the best, perhaps stop."""

import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import lightning

from jpseq.errors import ConfigurationError, did_you_mean
from jpseq.training import processes
from jpseq.training.best import Best
from jpseq.training.configuration import TrainingConfiguration
from jpseq.training.module import Training
from jpseq.training.stream import Course

Measure = Callable[[], Mapping[str, float]]
"""Figures of the network as it is, by name, for instance its perplexity on held-out data."""


class Epochs(lightning.Callback):
    """Goes with the epochs of a course, which to Lightning are one.

    Args:
        course: the batches of all epochs.
        configuration: of the training.
        measure: called at the end of each epoch, by the first process, with the network in
            evaluation mode.
        best: where the weights of the best epochs are kept; None to report and keep none.
        report: takes one line for each epoch.
    """

    def __init__(
        self,
        course: Course[Any],
        configuration: TrainingConfiguration,
        measure: Measure | None,
        best: Best | None,
        report: Callable[[str], None],
    ) -> None:
        self.course = course
        self.configuration = configuration
        self.measure = measure
        self.best = best
        self.report = report
        self.total = self.count = 0.0
        self.without_better = 0
        """Epochs since the best one."""
        self.stopped = False
        """Whether patience has run out."""

    def on_train_start(self, trainer: lightning.Trainer, _: lightning.LightningModule) -> None:
        trainer.should_stop = self.stopped
        self.begun, self.first_step = time.monotonic(), trainer.global_step
        self.seen = 0.0

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        count = float(outputs["count"])
        self.total += float(outputs["total"])
        self.count += count
        if self.course.at_end_of_epoch:
            assert isinstance(pl_module, Training)
            self._end(trainer, pl_module)

    def _end(self, trainer: lightning.Trainer, module: Training) -> None:
        total, count = processes.total(self.total), processes.total(self.count)
        self.seen += count
        self.total = self.count = 0.0
        figures = {"loss": total / max(1.0, count)}
        measured = self._measured(trainer, module)
        if measured and self.best is not None:
            self._judge(trainer, module, self.best, measured)
        epoch = self.course.epoch + 1
        rate = module.schedule(trainer.global_step) * self.configuration.learning_rate
        elapsed = time.monotonic() - self.begun
        logged = {
            **figures,
            **measured,
            "gradient_norm": module.gradient_norm,
            "learning_rate": rate,
            "tokens_per_second": self.seen / elapsed,
        }
        for logger in trainer.loggers:
            logger.log_metrics({**logged, "epoch": float(epoch)}, trainer.global_step)
            logger.save()
        if processes.is_first():
            self.report(self._line(epoch, {**figures, **measured}, elapsed, trainer))

    def _measured(self, trainer: lightning.Trainer, module: Training) -> dict[str, float]:
        if self.measure is None:
            return {}
        measured: dict[str, float] = {}
        if processes.is_first():
            module.network.eval()
            measured = dict(self.measure())
            module.network.train()
        broadcast: dict[str, float] = trainer.strategy.broadcast(measured)
        return broadcast

    def _judge(
        self,
        trainer: lightning.Trainer,
        module: Training,
        best: Best,
        measured: dict[str, float],
    ) -> None:
        name = self.configuration.monitor or next(iter(measured))
        if name not in measured:
            raise ConfigurationError(
                f"monitor: there is no figure {name!r}.{did_you_mean(name, measured)} Measured are:"
                f" {', '.join(measured)}."
            )
        self.without_better = 0 if best.better(measured[name]) else self.without_better + 1
        if processes.is_first():
            best.add(module.network, measured[name], self.course.epoch + 1)
        best.kept = trainer.strategy.broadcast(best.kept)
        plateau, patience = self.configuration.plateau, self.configuration.patience
        if plateau and self.without_better and self.without_better % plateau == 0:
            module.schedule.halve()
        if patience and self.without_better >= patience:
            self.stopped = trainer.should_stop = True

    def _line(
        self, epoch: int, figures: dict[str, float], elapsed: float, trainer: lightning.Trainer
    ) -> str:
        shown = "  ".join(f"{name} {figure:.4g}" for name, figure in figures.items())
        line = f"epoch {epoch}/{self.configuration.epochs}  {shown}"
        line += f"  {self.seen / max(1e-9, elapsed):,.0f} tokens/s"
        if self.stopped:
            return f"{line}  stopped: {self.without_better} epochs without a better figure"
        done = trainer.global_step - self.first_step
        if not done:  # a step may be longer than an epoch
            return line
        left = int(trainer.estimated_stepping_batches) - trainer.global_step
        return f"{line}  {timedelta(seconds=round(elapsed / done * left))} left"

    def state_dict(self) -> dict[str, Any]:
        return {
            "total": processes.total(self.total),
            "count": processes.total(self.count),
            "without_better": self.without_better,
            "stopped": self.stopped,
            "kept": self.best.kept if self.best else [],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        if processes.is_first():  # the sums of all
            self.total, self.count = state["total"], state["count"]
        self.without_better, self.stopped = state["without_better"], state["stopped"]
        if self.best:
            self.best.kept = state["kept"]
