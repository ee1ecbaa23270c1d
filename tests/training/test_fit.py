"""fit and evaluate: a network and a stream, whatever the network is."""

import signal
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from jpseq.batch import Batch
from jpseq.network.loss import Loss
from jpseq.training.fit import evaluate, fit
from jpseq.training.stream import Stream


class Points(NamedTuple):
    """x and the y wanted, values (B, 1, 1)."""

    x: Batch
    y: Batch


class Line(nn.Module):
    """y = w x + b, with squares for a loss; it can be interrupted at a call of loss."""

    def __init__(self, error: BaseException | None = None, at: int = 0) -> None:
        super().__init__()
        self.linear = nn.Linear(1, 1)
        self.dropout = nn.Dropout(0.1)
        self.error = error
        self.calls_left = at
        self.modes: set[bool] = set()

    def loss(self, points: Points) -> Loss:
        self.modes.add(self.training)
        if self.error is not None:
            if not self.calls_left:
                raise self.error
            self.calls_left -= 1
        guess: Tensor = self.linear(self.dropout(points.x.values))
        total = (guess - points.y.values).square().sum()
        return Loss(total, points.x.lengths.sum())


def points(seed: int = 0, batch_tokens: int = 4) -> Stream[Points]:
    """Of the line y = 3 x - 1."""
    x = torch.linspace(-1, 1, 24)[:, None, None]

    def make(rows: np.ndarray) -> Points:
        ones = torch.ones(len(rows), dtype=torch.int64)
        return Points(Batch(x[rows], ones), Batch(3 * x[rows] - 1, ones))

    return Stream(np.ones(24, np.int64), make, batch_tokens, seed=seed)


def trained(seed: int = 0, epochs: int = 2) -> tuple[Line, bool]:
    torch.manual_seed(seed)
    network = Line()
    return network, fit(network, points(seed), epochs=epochs, learning_rate=0.1)


def test_a_line_is_learnt() -> None:
    torch.manual_seed(0)
    network = Line()
    network.dropout = nn.Dropout(0.0)
    assert fit(network, points(), epochs=60, learning_rate=0.1)
    assert network.linear.weight.item() == pytest.approx(3, abs=1e-3)
    assert network.linear.bias.item() == pytest.approx(-1, abs=1e-3)


def test_the_same_seed_gives_the_same_weights_to_the_bit() -> None:
    (first, _), (again, _), (other, _) = trained(1), trained(1), trained(2)
    assert torch.equal(first.linear.weight, again.linear.weight)
    assert torch.equal(first.linear.bias, again.linear.bias)
    assert not torch.equal(first.linear.weight, other.linear.weight)


def test_the_learning_rate_falls_linearly_to_zero() -> None:
    # Adam's steps on a constant gradient are the learning rate itself. Two batches in two epochs:
    # 0.1 (1 + 3/4 + 2/4 + 1/4).
    class Slope(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.w = nn.Parameter(torch.zeros(()))

        def loss(self, _: Points) -> Loss:
            return Loss(self.w * 1, torch.tensor(1))

    network = Slope()
    assert fit(network, points(batch_tokens=12), epochs=2, learning_rate=0.1)
    assert network.w.item() == pytest.approx(-0.25, abs=1e-6)


@pytest.mark.parametrize("before", [True, False])
def test_it_trains_in_training_mode_and_leaves_evaluation_mode(before: bool) -> None:
    network = Line().train(before)
    assert fit(network, points(), epochs=1, learning_rate=0.1)
    assert network.modes == {True}
    assert not network.training


def test_ctrl_c_keeps_what_was_learnt() -> None:
    torch.manual_seed(0)
    network = Line(KeyboardInterrupt(), at=5)
    before = network.linear.weight.item()
    assert not fit(network, points(), epochs=3, learning_rate=0.1)
    # The first five steps of a training that goes through.
    torch.manual_seed(0)
    reference = Line(KeyboardInterrupt(), at=10**9)
    steps: list[float] = []
    reference.linear.weight.register_post_accumulate_grad_hook(lambda w: steps.append(w.item()))
    assert fit(reference, points(), epochs=3, learning_rate=0.1)
    assert network.linear.weight.item() == steps[5]
    assert steps[5] != before
    assert not network.training


def test_ctrl_c_still_works_after_ctrl_c() -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        assert not fit(Line(KeyboardInterrupt()), points(), epochs=1, learning_rate=0.1)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)


def test_another_error_is_not_swallowed() -> None:
    network = Line(RuntimeError("the cat sat on it"), at=3)
    with pytest.raises(RuntimeError, match="the cat sat on it"):
        fit(network, points(), epochs=1, learning_rate=0.1)


def test_nothing_is_printed_or_written(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    trained()
    fit(Line(KeyboardInterrupt(), at=2), points(), epochs=1, learning_rate=0.1)
    assert capfd.readouterr() == ("", "")
    assert list(tmp_path.iterdir()) == []


def test_a_terminal_gets_a_progress_bar_on_standard_error(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    fit(Line(), points(), epochs=2, learning_rate=0.1, title="a line")
    fit(Line(KeyboardInterrupt(), at=1), points(), epochs=3, learning_rate=0.1, title="half")
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "a line" in shown.err
    assert "epoch 2/2  loss " in shown.err
    assert "half" in shown.err
    assert shown.err.count("\x1b[?25h") == 2  # the cursor is shown again


def test_an_empty_stream_leaves_the_network_as_it_is() -> None:
    network = Line()
    before = network.linear.weight.item()
    empty = Stream(np.zeros(0, np.int64), lambda rows: rows, 10)
    assert fit(network, empty, epochs=2, learning_rate=0.1)
    assert network.linear.weight.item() == before


def test_evaluate_is_the_mean_over_predictions_not_over_batches() -> None:
    network = Line()
    nn.init.constant_(network.linear.weight, 3)
    nn.init.constant_(network.linear.bias, 0)  # wrong by 1 everywhere
    mean, count = evaluate(network, points(batch_tokens=7))  # 24 rows as 7, 7, 7 and 3
    assert count == 24
    assert mean == pytest.approx(1, abs=1e-6)
    assert network.modes == {False}


def test_evaluate_of_nothing() -> None:
    assert evaluate(Line(), Stream(np.zeros(0, np.int64), lambda rows: rows, 10)) == (0.0, 0)
