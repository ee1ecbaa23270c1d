"""fit: a network and a stream of batches become a trained network."""

import hashlib
import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.loggers import CSVLogger, Logger, TensorBoardLogger
from safetensors import SafetensorError
from safetensors.torch import load_model, save_model
from torch import nn

from jpseq.batch import moved
from jpseq.errors import ConfigurationError, PluginError
from jpseq.training import processes
from jpseq.training.best import Best
from jpseq.training.checkpoint import Checkpoint
from jpseq.training.configuration import CHOOSING, TrainingConfiguration
from jpseq.training.epochs import Epochs, Measure
from jpseq.training.interruption import Interruption
from jpseq.training.memory import GiveBack
from jpseq.training.module import Training
from jpseq.training.precision import choose
from jpseq.training.progress import ProgressBar
from jpseq.training.run import FINAL, LAST, begin, damaged
from jpseq.training.stream import Course, Stream

LOG = logging.getLogger("jpseq.training")

# oneDNN keeps compiled code for each shape it has met, 1,024 by default, and in a training nearly
# every batch brings new ones: hundreds of megabytes for code that is hardly used again. It reads
# this once, at its first product.
os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "16")


def fit(
    network: nn.Module,
    stream: Stream[Any],
    *,
    measure: Measure | None = None,
    compare: bool = True,
    run: Path | str | None = None,
    resume: bool = False,
    title: str = "training",
    **settings: Any,
) -> bool:
    """Train a network in place, on a GPU where there is one.

    Under torchrun, or in a SLURM job, all processes train it together.

    Args:
        network: an nn.Module with loss(batches).
        stream: its batches.
        measure: gives figures of the network after each epoch.
        compare: whether epochs are compared by these figures, and the network ends with the weights
            of the best one; else they are reported and no more.
        run: a folder for checkpoints, the weights of the best epochs, a log (metrics.csv) and the
            configuration (config.toml).
        resume: go on with the run in that folder, if one has begun, exactly where it stopped.
        title: what stands before the progress bar.
        settings: fields of TrainingConfiguration.

    Returns:
        whether it went through to the end; False after Ctrl-C, with what was learnt until then.

    Raises:
        ConfigurationError: a setting is not allowed, or a run is resumed with another one.
        TrainingError: the loss is no longer finite; the network has the last weights that were.
    """
    configuration = TrainingConfiguration.check(settings)
    if not (measure and compare) and (chosen := CHOOSING & configuration.model_fields_set):
        raise ConfigurationError(
            f"{', '.join(sorted(chosen))}: epochs are compared by a figure; give measure=, a"
            " function that returns one, for instance on held-out data."
        )
    _hush()
    with _folder_of(run) as folder:
        if run is not None:
            begin(folder, resume, _described(configuration, stream, network))
        if run is not None and (folder / FINAL).exists():
            try:
                load_model(network, folder / FINAL)
            except SafetensorError:
                raise damaged(folder / FINAL) from None
            network.eval()
            return True
        best = None
        if measure is not None and compare:
            best = Best(folder, configuration.keep, configuration.best)
        course = Course(stream, configuration.epochs)
        interruption = Interruption()
        epochs = Epochs(course, configuration, measure, best, LOG.info)
        callbacks: list[lightning.Callback] = [interruption, epochs, GiveBack()]
        if run is not None:
            callbacks.append(
                Checkpoint(folder, course, configuration.save_every, interruption, best)
            )
        if sys.stderr.isatty() and processes.is_first():
            bar = ProgressBar(title, configuration.epochs, len(stream))
            epochs.report = bar.print
            callbacks.append(bar)
        precision = choose(configuration.precision, network)
        epochs.report(f"{title}: {len(stream):,} batches an epoch, {precision}")
        if stream.left_out:
            rows = "row" if stream.left_out == 1 else "rows"
            epochs.report(
                f"{stream.left_out:,} {rows} of more than {stream.longest:,} tokens left out"
            )
        trainer = lightning.Trainer(
            accelerator="auto",
            devices=processes.local_world_size(),
            num_nodes=processes.world_size() // processes.local_world_size(),
            strategy="ddp" if processes.world_size() > 1 else "auto",
            precision="bf16-mixed" if precision == "bf16" else "32-true",
            # Lightning treats an epoch that is resumed in the middle differently from one that is
            # resumed at its end. With one long epoch, the course, there is no end but the last.
            max_epochs=1,
            accumulate_grad_batches=configuration.accumulate,
            use_distributed_sampler=False,
            logger=_loggers(folder, configuration) if run is not None else False,
            log_every_n_steps=1,
            callbacks=callbacks,
            enable_checkpointing=False,
            enable_model_summary=False,
            enable_progress_bar=False,
        )
        module = Training(network, configuration, -(-len(course) // configuration.accumulate))
        checkpoint = folder / LAST
        network.train()
        try:
            with interruption:
                trainer.fit(
                    module,
                    train_dataloaders=course,
                    ckpt_path=checkpoint if checkpoint.exists() else None,
                    weights_only=False,
                )
        except (KeyboardInterrupt, SystemExit):  # Lightning turns the one into the other
            completed = False
        else:
            completed = not trainer.interrupted
        finally:
            network.cpu().eval()
        if processes.is_first():
            if best is not None and best.kept:
                best.restore(network, configuration.average)
            if run is not None and completed:
                save_model(network, str(folder / FINAL))
                checkpoint.unlink(missing_ok=True)
                if best is not None:
                    best.prune()  # not before: a run that goes on may need what it has pushed out
    return completed


@torch.no_grad()
def evaluate(network: nn.Module, stream: Stream[Any]) -> tuple[float, int]:
    """The mean loss of a network over a stream, and over how many predictions."""
    network.eval()
    total, count = 0.0, 0
    loss_of: Any = network.loss
    device = next(network.parameters()).device
    for batches in stream:
        loss = loss_of(moved(batches, device))
        total += float(loss.total)
        count += int(loss.predicted)
    return total / max(1, count), count


@contextmanager
def _folder_of(run: Path | str | None) -> Iterator[Path]:
    """The folder of a run; one that is removed at the end where none is named."""
    if run is not None:
        yield Path(run)
    else:
        with tempfile.TemporaryDirectory(prefix="jpseq-") as folder:
            yield Path(folder)


def _described(
    configuration: TrainingConfiguration, stream: Stream[Any], network: nn.Module
) -> dict[str, Any]:
    """What a run must be resumed with."""
    parameters = list(network.named_parameters())
    shapes = repr([(name, tuple(parameter.shape)) for name, parameter in parameters])
    return {
        **configuration.model_dump(mode="json"),
        "data": stream.fingerprint(),
        "weights": sum(parameter.numel() for _, parameter in parameters),
        "shapes": hashlib.sha256(shapes.encode()).hexdigest(),
        "processes": processes.world_size(),
    }


def _loggers(folder: Path, configuration: TrainingConfiguration) -> list[Logger]:
    loggers: list[Logger] = [CSVLogger(folder, name="log")]
    if configuration.tensorboard:
        try:
            loggers.append(TensorBoardLogger(folder, name="tensorboard"))
        except ModuleNotFoundError:
            raise PluginError(
                'tensorboard: not installed. Install it with: pip install "jpseq[tensorboard]"'
            ) from None
    return loggers


def _hush() -> None:
    """Lightning's advertisements and hints about data loaders are not for our users."""
    for name in ("lightning.pytorch", "lightning.fabric", "lightning.pytorch.utilities.rank_zero"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="lightning")
