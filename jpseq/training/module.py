"""The one Lightning wrapper: it trains any network that has loss(batches)."""

import math
from typing import Any, Protocol

import lightning
import torch
from torch import Tensor, nn

from jpseq.batch import moved
from jpseq.errors import TrainingError
from jpseq.network.loss import Loss
from jpseq.training import processes
from jpseq.training.configuration import TrainingConfiguration
from jpseq.training.schedule import Schedule


class Trainable(Protocol):
    """What a network must have to be trained."""

    def loss(self, batches: Any, /) -> Loss:
        """The loss on a named tuple of batches."""
        ...


class Training(lightning.LightningModule):
    """Adam (Kingma & Ba 2015) on the mean loss of all predictions of a step.

    A step may be shared between processes, or gathered from several batches, and the parts need
    not have equally many predictions. So the gradients of summed losses are added up, and divided
    by the number of predictions at the end: the parts weigh what they should.

    Args:
        network: an nn.Module with loss(batches).
        configuration: of the training.
        steps: of the whole training, for the learning rate.
    """

    def __init__(
        self, network: nn.Module, configuration: TrainingConfiguration, steps: int
    ) -> None:
        super().__init__()
        self.network = network
        self.configuration = configuration
        self.schedule = Schedule(steps, configuration.warmup, configuration.cooldown)
        self.predicted: Tensor | float = 0.0
        """Predictions of this process since the last step."""
        self.gradient_norm = 0.0
        """Of the last step's mean loss, before clipping."""

    @property
    def waiting(self) -> bool:
        """Whether there are gradients that wait for more batches."""
        return not isinstance(self.predicted, float)

    def training_step(self, batches: Any, _: int) -> dict[str, Tensor]:
        network: Any = self.network
        loss: Loss = network.loss(batches)
        total = loss.total.detach()
        everywhere = processes.total(float(total))  # or a process would wait for one that is gone
        if not math.isfinite(everywhere):
            raise self._diverged("the loss", everywhere)
        self.predicted = self.predicted + loss.predicted
        # Lightning divides by the number of batches in a step, and DDP by that of the processes.
        scale = self.configuration.accumulate * processes.world_size()
        return {"loss": loss.total * scale, "total": total, "count": loss.predicted}

    def configure_gradient_clipping(self, *_: Any, **__: Any) -> None:
        """Divide the summed gradients by the number of predictions, and clip them."""
        count = max(1.0, processes.total(float(self.predicted)))
        self.predicted = 0.0
        gradients = [p.grad for p in self.parameters() if p.grad is not None]
        norm = float(torch.nn.utils.get_total_norm(gradients)) / count
        if not norm < float("inf"):
            raise self._diverged("the gradient", norm)
        clip = self.configuration.clip
        factor = 1.0 if clip is None else min(1.0, clip / (norm + 1e-6))
        for gradient in gradients:
            gradient.mul_(factor / count)
        self.gradient_norm = norm

    def configure_optimizers(self) -> Any:
        rate = self.configuration.learning_rate
        optimizer = torch.optim.Adam(self.parameters(), lr=rate, fused=True)
        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, self.schedule)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": scheduler, "interval": "step"},
        }

    def transfer_batch_to_device(self, batch: Any, device: torch.device, _: int) -> Any:
        return moved(batch, device)

    def _diverged(self, what: str, value: float) -> TrainingError:
        return TrainingError(
            f"{what} became {value} at step {self.trainer.global_step + 1}: training has diverged,"
            " and the network keeps the weights from before that step. Take a third of the learning"
            f" rate ({self.configuration.learning_rate:g}), or clip gradients at less."
        )
