"""Steps: gradients of parts add up to those of the whole, are clipped, and are finite."""

import csv
import logging
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from jpseq.batch import Batch
from jpseq.errors import TrainingError
from jpseq.network.loss import Loss
from jpseq.training.fit import fit
from jpseq.training.stream import Stream


class Numbers(NamedTuple):
    """values (B, T, 2): what is predicted from, and what is predicted."""

    xy: Batch


class Line(nn.Module):
    """y = w x + b, a prediction for each step of each row."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(1, 1, dtype=torch.float64)
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)

    def loss(self, numbers: Numbers) -> Loss:
        x, y = numbers.xy.values[numbers.xy.mask].double().split(1, dim=1)
        total = (self.linear(x) - y).square().sum()
        return Loss(total, numbers.xy.lengths.sum())


def numbers(batch_tokens: int, rows: int = 12) -> Stream[Numbers]:
    """Rows of 1 to 5 steps, the line y = 3 x - 1 with noise."""
    draw = np.random.default_rng(0)
    lengths = 1 + np.arange(rows) % 5
    x = draw.normal(size=(rows, 5, 1)).astype(np.float32)
    y = 3 * x - 1 + draw.normal(size=x.shape).astype(np.float32)
    values = torch.from_numpy(np.concatenate([x, y], axis=2))

    def make(rows: Any) -> Numbers:
        longest = int(lengths[rows].max())
        return Numbers(Batch(values[rows, :longest], torch.from_numpy(lengths[rows])))

    return Stream(lengths, make, batch_tokens, shuffle=False)


def by_hand(stream: Stream[Numbers], accumulate: int, clip: float | None) -> Line:
    """An epoch of Adam at a constant rate of 0.1 on the mean of each step's squares."""
    network = Line()
    optimizer = torch.optim.Adam(network.parameters(), lr=0.1)
    batches = list(stream)
    for start in range(0, len(batches), accumulate):
        losses = [network.loss(batch) for batch in batches[start : start + accumulate]]
        total = sum((loss.total for loss in losses), torch.zeros(()))
        mean = total / sum(int(loss.predicted) for loss in losses)
        optimizer.zero_grad()
        mean.backward()
        if clip is not None:
            nn.utils.clip_grad_norm_(network.parameters(), clip)
        optimizer.step()
    return network


def weights(network: nn.Module) -> list[float]:
    return [number for part in network.parameters() for number in part.flatten().tolist()]


@pytest.mark.parametrize("clip", [None, 1.0])
@pytest.mark.parametrize("accumulate", [1, 2, 3, 4, 100])
def test_a_step_is_on_the_mean_of_all_its_predictions(accumulate: int, clip: float | None) -> None:
    stream = numbers(batch_tokens=7)
    predicted = [int(batch.xy.lengths.sum()) for batch in stream]
    assert len(predicted) > 4
    assert len(predicted) % 4 == 3  # the last step has fewer batches
    assert len(set(predicted)) > 1
    network = Line()
    settings = {"learning_rate": 0.1, "cooldown": 0.0, "accumulate": accumulate, "clip": clip}
    assert fit(network, stream, epochs=1, **settings)
    assert weights(network) == pytest.approx(weights(by_hand(stream, accumulate, clip)), rel=1e-6)


def test_batches_accumulated_are_one_batch() -> None:
    parts, whole = numbers(7), numbers(10_000)
    assert (len(parts) > 4, len(whole)) == (True, 1)
    networks = Line(), Line()
    assert fit(networks[0], parts, epochs=5, learning_rate=0.1, accumulate=len(parts))
    assert fit(networks[1], whole, epochs=5, learning_rate=0.1)
    assert weights(networks[0]) == pytest.approx(weights(networks[1]), rel=1e-6)
    assert abs(weights(networks[0])[0]) > 0.1


class Slope(nn.Module):
    """A loss with the gradient (3, 4) for each prediction; at some call it breaks."""

    def __init__(self, breaks: Callable[[Tensor], Tensor] | None = None, at: int = 0) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.zeros(2))
        self.breaks = breaks
        self.at = at
        self.seen: list[list[float]] = []
        """The weights at each call."""

    def loss(self, numbers: Numbers) -> Loss:
        self.seen.append(self.w.tolist())
        count = numbers.xy.lengths.sum()
        total = (self.w * torch.tensor([3.0, 4.0])).sum() * count
        if self.breaks is not None and len(self.seen) == self.at:
            total = total + self.breaks(self.w)
        return Loss(total, count)


def logged(run: Path) -> list[dict[str, float]]:
    """What metrics.csv says of each epoch."""
    (path,) = run.glob("log/*/metrics.csv")
    with path.open(encoding="utf-8") as file:
        return [{name: float(text) for name, text in row.items()} for row in csv.DictReader(file)]


@pytest.mark.parametrize(
    ("clip", "gradient"),
    [(None, [3, 4]), (1.0, [0.6, 0.8]), (0.05, [0.03, 0.04]), (5.1, [3, 4]), (1e9, [3, 4])],
)
@pytest.mark.parametrize("accumulate", [1, 100])
def test_a_gradient_is_clipped_to_its_longest(
    tmp_path: Path, clip: float | None, gradient: list[float], accumulate: int
) -> None:
    network = Slope()
    stream = numbers(7 if accumulate > 1 else 10_000)
    assert fit(network, stream, run=tmp_path, epochs=1, clip=clip, accumulate=accumulate)
    assert network.w.grad is not None
    assert network.w.grad.tolist() == pytest.approx(gradient, rel=1e-6)
    (epoch,) = logged(tmp_path)
    assert epoch["gradient_norm"] == pytest.approx(5, rel=1e-6)  # as it was before clipping


def test_the_log_has_the_mean_loss_and_the_rate_of_every_epoch(tmp_path: Path) -> None:
    network, stream = Line(), numbers(7)
    assert fit(network, stream, run=tmp_path, epochs=3, learning_rate=0.1)
    epochs = logged(tmp_path)
    steps = len(stream)
    assert [epoch["epoch"] for epoch in epochs] == [1, 2, 3]
    assert [epoch["step"] for epoch in epochs] == [steps, 2 * steps, 3 * steps]
    assert [epoch["learning_rate"] for epoch in epochs] == pytest.approx([0.2 / 3, 0.1 / 3, 0])
    assert all(epoch["tokens_per_second"] > 0 for epoch in epochs)
    # The loss of the first epoch, summed while the weights changed.
    network, total, count = Line(), 0.0, 0
    optimizer = torch.optim.Adam(network.parameters())
    for step, batch in enumerate(stream):
        loss = network.loss(batch)
        total, count = total + loss.total.item(), count + int(loss.predicted)
        optimizer.zero_grad()
        loss.mean.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.param_groups[0]["lr"] = 0.1 * (1 - step / (3 * steps))
        optimizer.step()
    assert epochs[0]["loss"] == pytest.approx(total / count, rel=1e-6)


BROKEN = {
    "a loss that is no number": (lambda w: w.sum() * math.nan, "the loss became nan"),
    "an infinite loss": (lambda w: w.sum() + math.inf, "the loss became inf"),
    "an infinite gradient": (lambda w: (w - w.detach()).sqrt().sum(), "the gradient became inf"),
    "a gradient that is no number": (
        lambda w: (w - w.detach()).abs().sqrt().sum(),
        "the gradient became nan",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize(("accumulate", "at", "step"), [(1, 1, 1), (1, 9, 9), (2, 4, 2)])
def test_a_training_that_diverges_stops_before_the_step(
    name: str, accumulate: int, at: int, step: int
) -> None:
    breaks, said = BROKEN[name]
    network = Slope(breaks, at)
    with pytest.raises(TrainingError) as caught:
        fit(network, numbers(7), epochs=4, learning_rate=0.05, accumulate=accumulate)
    message = str(caught.value)
    assert message.startswith(f"{said} at step {step}: training has diverged")
    assert "Take a third of the learning rate (0.05)" in message
    assert not network.training
    # The weights at the call that broke it.
    assert network.w.tolist() == network.seen[-1]
    assert len(network.seen) == at
    assert (network.seen[-1] == [0, 0]) == (step == 1)
    assert all(map(math.isfinite, network.w.tolist()))


def test_what_the_loss_does_not_depend_on_stays() -> None:
    network = Line()
    network.unused = nn.Parameter(torch.ones(()))
    assert fit(network, numbers(7), epochs=1)
    assert network.unused.item() == 1
    assert network.linear.weight.item() != 0


def test_a_step_may_gather_batches_of_several_epochs(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "jpseq.training")
    stream, network = numbers(7), Slope()
    assert fit(network, stream, epochs=5, accumulate=2 * len(stream))
    before_steps = [i * 2 * len(stream) for i in range(3)]  # the last step has one epoch
    assert len({tuple(weights) for weights in network.seen}) == 3
    assert network.seen[before_steps[1] - 1] == [0, 0]
    assert network.seen[before_steps[1]] == network.seen[before_steps[2] - 1] != [0, 0]
    assert network.w.tolist() != network.seen[-1]
    assert network.w.grad is not None
    assert network.w.grad.tolist() == pytest.approx([0.6, 0.8], rel=1e-6)
    assert len(caplog.messages) == 6
