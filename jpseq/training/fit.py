"""fit: a network and a stream of batches become a trained network."""

import logging
import sys
import warnings
from typing import Any

import lightning
import torch
from torch import nn

from jpseq.training.module import Training
from jpseq.training.progress import ProgressBar
from jpseq.training.stream import Stream


def fit(
    network: nn.Module,
    stream: Stream[Any],
    *,
    epochs: int,
    learning_rate: float,
    title: str = "training",
) -> bool:
    """Train a network in place, on a GPU where there is one.

    Args:
        network: an nn.Module with loss(batches).
        stream: its batches.
        epochs: how often the stream is gone through.
        learning_rate: the rate of the first step; it falls linearly to zero.
        title: what stands before the progress bar.

    Returns:
        whether it went through to the end; False after Ctrl-C, with what was learnt until then.
    """
    _hush()
    trainer = lightning.Trainer(
        accelerator="auto",
        devices=1,
        max_epochs=epochs,
        gradient_clip_val=1.0,
        logger=False,
        enable_checkpointing=False,
        enable_model_summary=False,
        enable_progress_bar=False,
        callbacks=[ProgressBar(title)] if sys.stderr.isatty() else [],
    )
    network.train()
    module = Training(network, learning_rate)
    try:
        trainer.fit(module, train_dataloaders=stream)
    except (KeyboardInterrupt, SystemExit):  # Lightning turns the one into the other
        return False
    finally:
        network.cpu().eval()
    return not trainer.interrupted


@torch.no_grad()
def evaluate(network: nn.Module, stream: Stream[Any]) -> tuple[float, int]:
    """The mean loss of a network over a stream, and over how many predictions."""
    network.eval()
    total, count = 0.0, 0
    loss_of: Any = network.loss
    for batches in stream:
        loss = loss_of(batches)
        total += float(loss.total)
        count += int(loss.predicted)
    return total / max(1, count), count


def _hush() -> None:
    """Lightning's advertisements and hints about data loaders are not for our users."""
    for name in ("lightning.pytorch", "lightning.fabric", "lightning.pytorch.utilities.rank_zero"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="lightning")
