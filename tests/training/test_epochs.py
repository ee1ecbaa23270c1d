"""The end of an epoch: which is the best, when to stop, what is kept."""

import logging
from collections.abc import Mapping
from math import inf, nan
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from jpseq.batch import Batch
from jpseq.errors import ConfigurationError
from jpseq.network.loss import Loss
from jpseq.training.best import Best
from jpseq.training.fit import fit
from jpseq.training.stream import Stream


class Nothing(NamedTuple):
    """One row of one step."""

    x: Batch


class Clock(nn.Module):
    """A weight that Adam, whose steps on a constant gradient are the rate itself, counts up."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.zeros(()))
        self.register_buffer("calls", torch.zeros((), dtype=torch.int64))
        self.modes: list[bool] = []

    def loss(self, nothing: Nothing) -> Loss:
        self.modes.append(self.training)
        self.calls += 1
        return Loss(-self.w, torch.tensor(1))


def once() -> Stream[Nothing]:
    """One batch an epoch."""
    batch = Batch(torch.zeros(1, 1), torch.ones(1, dtype=torch.int64))
    return Stream(np.ones(1, np.int64), lambda _: Nothing(batch), 10)


CONSTANT = {"learning_rate": 0.125, "cooldown": 0.0}


def trained(
    figures: list[float], run: Path | None = None, **settings: Any
) -> tuple[Clock, list[float]]:
    """A network whose epochs have these figures, and its weight after each epoch."""
    network = Clock()
    weights: list[float] = []

    def measure() -> Mapping[str, float]:
        assert not network.training
        weights.append(network.w.item())
        return {"figure": figures[len(weights) - 1]}

    settings = {**CONSTANT, "epochs": len(figures), **settings}
    assert fit(network, once(), measure=measure, run=run, **settings)
    assert not network.training
    assert network.modes == [True] * len(weights)
    return network, weights


def epoch_of(network: Clock, weights: list[float]) -> int:
    """After which epoch the weight was what it is."""
    return 1 + weights.index(network.w.item())


@pytest.mark.parametrize(
    ("figures", "best", "wanted"),
    [
        ([3, 1, 2], "lowest", 2),
        ([3, 1, 2], "highest", 1),
        ([-1, -2, 5], "lowest", 2),
        ([-1, -2, 5], "highest", 3),
        ([2, 1, 1, 2, 1], "lowest", 2),  # the earliest where several are equal
        ([1, 2, 2, 1], "highest", 2),
        ([nan, 3, nan, 2, nan], "lowest", 4),
        ([nan, 3, nan, 2, nan], "highest", 2),
        ([nan, nan], "lowest", 2),  # nothing to choose by: as it is
        ([inf, inf, 7], "lowest", 3),
        ([-inf, 7], "lowest", 1),
        ([4], "lowest", 1),
    ],
)
def test_the_network_ends_as_in_its_best_epoch(
    figures: list[float], best: str, wanted: int
) -> None:
    network, weights = trained(figures, best=best)
    assert len(set(weights)) == len(figures)
    assert epoch_of(network, weights) == wanted
    assert network.calls.item() == wanted


def test_without_a_figure_it_ends_as_in_its_last_epoch() -> None:
    network = Clock()
    assert fit(network, once(), epochs=3, **CONSTANT)
    assert network.calls.item() == 3


def test_figures_that_are_reported_only_change_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "jpseq.training")
    network, _ = trained([1.0, 2.0, 3.0], tmp_path, compare=False)
    assert network.calls.item() == 3
    assert not list(tmp_path.glob("epoch-*"))
    lines = [line for line in caplog.messages if line.startswith("epoch")]
    assert [line.split("figure ")[1][0] for line in lines] == ["1", "2", "3"]
    with pytest.raises(ConfigurationError, match="patience: epochs are compared by a figure"):
        trained([1.0], compare=False, patience=1)


def test_which_figure_decides() -> None:
    for monitor, wanted in ((None, 1), ("b", 2), ("a", 1)):
        network, epoch = Clock(), iter(range(3))

        def measure(epoch: Any = epoch) -> Mapping[str, float]:
            i = next(epoch)
            return {"a": [1.0, 2.0, 3.0][i], "b": [3.0, 1.0, 2.0][i]}

        assert fit(network, once(), measure=measure, epochs=3, monitor=monitor, **CONSTANT)
        assert network.calls.item() == wanted


def test_a_misspelt_figure() -> None:
    network = Clock()
    with pytest.raises(ConfigurationError) as caught:
        fit(network, once(), measure=lambda: {"perplexity": 1.0, "bleu": 2.0}, monitor="perplexty")
    assert str(caught.value) == (
        "monitor: there is no figure 'perplexty'. Did you mean 'perplexity'?"
        " Measured are: perplexity, bleu."
    )
    assert not network.training


@pytest.mark.parametrize(
    ("figures", "settings", "epochs"),
    [
        ([1, 2, 3, 4, 5], {"patience": 2}, 3),
        ([1, 2, 0, 4, 5, 6], {"patience": 2}, 5),
        ([1, 1, 1, 1], {"patience": 1}, 2),  # as good is not better
        ([nan, nan, nan, nan], {"patience": 3}, 3),
        ([1, 2, 3, 4, 5], {"patience": 2, "best": "highest"}, 5),
        ([1, 2, 3], {"patience": 3}, 3),
    ],
)
def test_patience(figures: list[float], settings: dict[str, Any], epochs: int) -> None:
    _, weights = trained(figures, **settings)
    assert len(weights) == epochs


def test_plateau_halves_the_rate() -> None:
    # The rate of the step after an epoch is set before the epoch is judged: what is found at the
    # end of epochs 2 and 4 is felt in steps 4 and 6.
    _, weights = trained([1, 2, 0, 2, 2, 2, 2], plateau=1)
    steps = np.diff([0.0, *weights])
    assert steps.tolist() == pytest.approx(
        [0.125 * share for share in (1, 1, 1, 0.5, 0.5, 0.25, 0.125)], abs=1e-6
    )
    _, weights = trained([1, 2, 2, 2, 2, 2], plateau=2)
    steps = np.diff([0.0, *weights])
    assert steps.tolist() == pytest.approx(
        [0.125 * share for share in (1, 1, 1, 1, 0.5, 0.5)], abs=1e-6
    )


def kept(run: Path) -> list[str]:
    return sorted(path.name for path in run.glob("*epoch*"))


def test_the_best_epochs_are_kept_and_no_others(tmp_path: Path) -> None:
    network, weights = trained([5, 1, 4, 2, 3], tmp_path, keep=3)
    assert kept(tmp_path) == [f"epoch-00{i}.safetensors" for i in (2, 4, 5)]
    for epoch in (2, 4, 5):
        content = load_file(tmp_path / f"epoch-00{epoch}.safetensors")
        assert content["w"].item() == weights[epoch - 1]
    assert epoch_of(network, weights) == 2
    assert load_file(tmp_path / "final.safetensors")["w"].item() == weights[1]


def test_fewer_epochs_than_are_to_be_kept(tmp_path: Path) -> None:
    trained([2, nan, 1], tmp_path, keep=9, average=True)
    assert kept(tmp_path) == ["epoch-001.safetensors", "epoch-003.safetensors"]


@pytest.mark.parametrize("run", [True, False])
def test_the_average_is_the_mean_of_the_kept_weights(tmp_path: Path, run: bool) -> None:
    network, weights = trained([5, 1, 4, 2, 3], tmp_path if run else None, keep=3, average=True)
    mean = np.float32(sum(weights[i - 1] for i in (2, 4, 5)) / 3)
    assert network.w.item() == mean
    assert mean not in weights
    assert network.calls.dtype == torch.int64  # what counts is not averaged


def test_the_mean_of_tied_weights(tmp_path: Path) -> None:
    def tied(value: float) -> nn.Module:
        network = nn.Sequential(nn.Embedding(3, 2), nn.Linear(2, 3))
        network[1].weight = network[0].weight
        nn.init.constant_(network[0].weight, value)
        nn.init.constant_(network[1].bias, 10 * value)
        return network

    best = Best(tmp_path, 3, "lowest")
    for epoch, value in enumerate((0.25, 1.0, 0.5), start=1):
        best.add(tied(value), value, epoch)
    network = tied(7)
    best.restore(network, average=True)
    assert torch.equal(network[0].weight, torch.full((3, 2), 1.75 / 3))
    assert network[1].weight is network[0].weight
    assert torch.equal(network[1].bias, torch.full((3,), 17.5 / 3))
    best.restore(network, average=False)
    assert torch.equal(network[0].weight, torch.full((3, 2), 0.25))


def test_what_was_pushed_out_stays_until_it_is_not_needed(tmp_path: Path) -> None:
    best = Best(tmp_path, 1, "lowest")
    for epoch, figure in enumerate([3.0, 2.0, 5.0, nan], start=1):
        best.add(Clock(), figure, epoch)
    assert kept(tmp_path) == ["epoch-001.safetensors", "epoch-002.safetensors"]
    best.prune()
    assert kept(tmp_path) == ["epoch-002.safetensors"]
    assert (best.kept, best.figure) == ([(2.0, 2)], 2.0)


@pytest.mark.parametrize(
    "settings",
    [
        {"monitor": "nll"},
        {"best": "highest"},
        {"patience": 3},
        {"plateau": 2},
        {"keep": 2},
        {"average": True},
        {"patience": 3, "keep": 2},
    ],
)
def test_epochs_are_compared_by_a_figure(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        fit(Clock(), once(), **settings)
    names = ", ".join(sorted(settings))
    assert str(caught.value).startswith(f"{names}: epochs are compared by a figure; give measure=")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"pacience": 3}, "There is no parameter 'pacience'. Did you mean 'patience'?"),
        ({"epochs": 0}, "epochs: Input should be greater than or equal to 1, got 0."),
        ({"epochs": "3"}, "epochs: Input should be a valid integer, got '3'."),
        ({"learning_rate": nan}, "learning_rate: "),
        ({"cooldown": 1.5}, "cooldown: Input should be less than or equal to 1, got 1.5."),
        ({"precision": "fp8"}, "precision: Input should be 'auto', 'bf16' or 'fp32', got 'fp8'."),
        ({"clip": 0.0, "accumulate": 0}, "accumulate: "),
    ],
)
def test_settings_that_are_not_allowed(settings: dict[str, Any], said: str) -> None:
    network = Clock()
    with pytest.raises(ConfigurationError) as caught:
        fit(network, once(), **settings)
    assert said in str(caught.value)
    assert network.modes == []


def test_a_line_for_every_epoch(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "jpseq.training")
    trained([5, 1, 2, 3], epochs=9, patience=2, title="clock")
    title, *lines = caplog.messages
    assert title == "clock: 1 batches an epoch, fp32"
    assert len(lines) == 4
    assert lines[0].startswith("epoch 1/9  loss 0  figure 5  ")
    assert " left" in lines[0]
    assert lines[3].endswith("stopped: 2 epochs without a better figure")
