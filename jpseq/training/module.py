"""The one Lightning wrapper: it trains any network that has loss(batches)."""

from typing import Any, Protocol

import lightning
import torch
from torch import Tensor, nn

from jpseq.network.seq2seq import Loss


class Trainable(Protocol):
    """What a network must have to be trained."""

    def loss(self, batches: Any, /) -> Loss:
        """The loss on a named tuple of batches."""
        ...


class Training(lightning.LightningModule):
    """Adam (Kingma & Ba 2015) whose learning rate falls linearly to zero.

    The fall is what makes short trainings good: at a constant rate the last epochs only wander.

    Args:
        network: an nn.Module with loss(batches).
        learning_rate: the rate of the first step.
    """

    def __init__(self, network: nn.Module, learning_rate: float) -> None:
        super().__init__()
        self.network = network
        self.learning_rate = learning_rate

    def training_step(self, batches: Any, _: int) -> dict[str, Tensor]:
        loss = self._loss(batches)
        return {"loss": loss.mean, "total": loss.total.detach(), "count": loss.predicted}

    def configure_optimizers(self) -> Any:
        optimizer = torch.optim.Adam(self.parameters(), lr=self.learning_rate, fused=True)
        steps = max(1, int(self.trainer.estimated_stepping_batches))
        schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, steps)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }

    def transfer_batch_to_device(self, batch: Any, device: torch.device, _: int) -> Any:
        return type(batch)(*(part.to(device) for part in batch))

    def _loss(self, batches: Any) -> Loss:
        network: Any = self.network
        loss: Loss = network.loss(batches)
        return loss
