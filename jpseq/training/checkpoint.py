"""Checkpoints: everything a training needs to go on as if it had never stopped."""

import os
import random
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import torch

from jpseq.training import processes
from jpseq.training.best import Best
from jpseq.training.interruption import Interruption
from jpseq.training.module import Training
from jpseq.training.run import LAST
from jpseq.training.stream import Course


class Checkpoint(lightning.Callback):
    """Saves the run after each `save_every` steps and after each epoch.

    Weights, optimiser, schedule and the position in the data are Lightning's part; the random
    states of every process are added. A checkpoint is written
    under another name and then renamed, so that one that is there is always whole: after kill -9
    the run ends with the same weights, bit for bit, as one that was never stopped (on the same
    machine, with the same threads and precision).

    Args:
        folder: of the run.
        course: the batches of all epochs.
        save_every: steps between checkpoints.
        interruption: Ctrl-C, at which there is a last checkpoint.
        best: the best weights, whose superfluous files go once a checkpoint no longer needs them.
    """

    def __init__(
        self,
        folder: Path,
        course: Course[Any],
        save_every: int,
        interruption: Interruption,
        best: Best | None,
    ) -> None:
        self.path = folder / LAST
        self.course = course
        self.save_every = save_every
        self.interruption = interruption
        self.best = best
        self.random_states: list[dict[str, Any]] = []
        self.saved = 0
        """The step of the last checkpoint."""

    def on_train_start(self, *_: Any) -> None:
        if self.random_states:
            _set_random_state(self.random_states[processes.rank()])

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        assert isinstance(pl_module, Training)
        # Gradients that wait for more batches are not saved: checkpoints are at steps only. After
        # the last step there is nothing to go on with.
        step, total = trainer.global_step, trainer.estimated_stepping_batches
        if step == self.saved or step == total or pl_module.waiting:
            return
        epoch_ends = self.course.at_end_of_epoch
        due = epoch_ends or step - self.saved >= self.save_every
        if due or self.interruption.ending:
            self._save(trainer, step)
            if self.best is not None and processes.is_first():
                self.best.prune()

    def _save(self, trainer: lightning.Trainer, step: int) -> None:
        self.saved = step
        states = [_random_state()]
        if processes.world_size() > 1:
            states = [{} for _ in range(processes.world_size())]
            torch.distributed.all_gather_object(states, _random_state())
        self.random_states = states
        new = self.path.with_suffix(".new")
        trainer.save_checkpoint(new)
        if processes.is_first():
            os.replace(new, self.path)

    def state_dict(self) -> dict[str, Any]:
        return {"random_states": self.random_states, "saved": self.saved}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.random_states = state["random_states"]
        self.saved = state["saved"]


def _random_state() -> dict[str, Any]:
    return {
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        "numpy": np.random.get_state(),  # a network may draw from it
        "python": random.getstate(),
    }


def _set_random_state(state: dict[str, Any]) -> None:
    torch.set_rng_state(state["torch"])
    if state["cuda"]:
        torch.cuda.set_rng_state_all(state["cuda"])
    np.random.set_state(state["numpy"])
    random.setstate(state["python"])
