"""A run that is stopped and resumed ends with the same weights, bit for bit."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from reversing import network, stream, task
from torch import nn

from jpseq.errors import ConfigurationError
from jpseq.network.loss import Loss
from jpseq.network.seq2seq import Pair, Seq2Seq
from jpseq.training.fit import evaluate, fit
from jpseq.training.stream import pairs

Weights = dict[str, torch.Tensor]


class Interrupted(Seq2Seq):
    """Ctrl-C during a certain call of loss."""

    calls_left: float = float("inf")

    def loss(self, pair: Pair) -> Loss:
        if self.training:
            self.calls_left -= 1
            if self.calls_left == 0:
                signal.raise_signal(signal.SIGINT)
        return super().loss(pair)


def interrupted(at: float) -> Interrupted:
    learner = network()
    learner.__class__ = Interrupted
    assert isinstance(learner, Interrupted)
    learner.calls_left = at
    return learner


def measured(learner: nn.Module) -> Any:
    def measure() -> dict[str, float]:
        held_out = pairs(*task(12, seed=1), 40, shuffle=False)
        return {"nll": evaluate(learner, held_out)[0]}

    return measure


def weights(
    run: Path | None, stops: list[int], settings: dict[str, Any], measuring: bool
) -> tuple[Weights, list[bool]]:
    """The final weights of a run that is stopped during these steps, counted from each start."""
    completed = []
    for at in [*stops, float("inf")]:
        learner = interrupted(at)
        completed.append(
            fit(
                learner,
                stream(),
                measure=measured(learner) if measuring else None,
                run=run,
                resume=True,
                **settings,
            )
        )
    return learner.state_dict(), completed


def same(left: Weights, right: Weights) -> bool:
    return left.keys() == right.keys() and all(torch.equal(left[k], right[k]) for k in left)


PLAIN = {"epochs": 3, "save_every": 4}


@pytest.mark.parametrize(
    ("settings", "measuring"),
    [
        (PLAIN, False),
        (PLAIN, True),
        ({"epochs": 3, "accumulate": 2, "warmup": 5, "cooldown": 0.5}, False),
        ({"epochs": 3, "accumulate": 2}, True),
        ({"epochs": 4, "keep": 2, "average": True, "plateau": 1}, True),
        ({"epochs": 3, "precision": "bf16", "clip": None}, False),
    ],
)
def test_ctrl_c_and_resume(tmp_path: Path, settings: dict[str, Any], measuring: bool) -> None:
    steps = len(stream())
    assert steps > 8
    straight, _ = weights(None, [], settings, measuring)
    # In the middle, at the last batch of an epoch, at the first of one, and at once.
    stopped, completed = weights(tmp_path, [5, steps - 5, 1, 1], settings, measuring)
    assert completed == [False, False, False, False, True]
    assert same(straight, stopped)


def test_a_stop_at_every_step(tmp_path: Path) -> None:
    straight, _ = weights(None, [], {"epochs": 2}, True)
    stopped, completed = weights(tmp_path, [1] * (2 * len(stream()) - 1), {"epochs": 2}, True)
    assert completed[-1]
    assert same(straight, stopped)


def test_other_seeds_or_a_stop_without_resuming_give_other_weights(tmp_path: Path) -> None:
    straight, _ = weights(None, [], {"epochs": 2}, False)
    half = interrupted(5)
    assert not fit(half, stream(), run=tmp_path, epochs=2)
    assert not same(straight, half.state_dict())


def test_early_stopping_is_resumed_too(tmp_path: Path) -> None:
    settings = {"epochs": 30, "patience": 1, "learning_rate": 0.3, "cooldown": 0.0}
    straight, _ = weights(None, [], settings, True)
    stopped, _ = weights(tmp_path, [4, 11, 7], settings, True)
    assert same(straight, stopped)
    log = "".join(path.read_text() for path in sorted(tmp_path.glob("log/*/metrics.csv")))
    assert 1 < log.count("\n") < 30


def test_a_completed_run_gives_its_weights_again(tmp_path: Path) -> None:
    done, _ = weights(tmp_path, [], {"epochs": 2}, True)
    again = interrupted(1)  # it is not trained any more, so Ctrl-C never comes
    assert fit(again, stream(), measure=measured(again), run=tmp_path, resume=True, epochs=2)
    assert same(done, again.state_dict())
    assert not again.training


def test_a_run_is_not_overwritten(tmp_path: Path) -> None:
    assert not fit(interrupted(5), stream(), run=tmp_path, epochs=2)
    before = (tmp_path / "last.ckpt").read_bytes()
    with pytest.raises(ConfigurationError, match=r"holds a run .* Resume it"):
        fit(network(), stream(), run=tmp_path, epochs=2)
    assert (tmp_path / "last.ckpt").read_bytes() == before


def test_a_run_is_not_resumed_with_something_else(tmp_path: Path) -> None:
    assert not fit(interrupted(5), stream(), run=tmp_path, epochs=2)
    with pytest.raises(ConfigurationError, match="epochs was 2 and is 3"):
        fit(network(), stream(), run=tmp_path, resume=True, epochs=3)
    with pytest.raises(ConfigurationError, match="the data, or how"):
        fit(network(), stream(count=50), run=tmp_path, resume=True, epochs=2)


def test_kill_9(tmp_path: Path) -> None:
    """Two kills at random moments; benchmarks/resume.py does ten."""
    command = [sys.executable, str(Path(__file__).with_name("reversing.py"))]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    straight = tmp_path / "straight"
    subprocess.run([*command, str(straight), "40"], check=True, env=environment)
    run, draw = tmp_path / "run", random.Random(0)
    for kill in range(3):
        process = subprocess.Popen([*command, str(run), "40"], env=environment)
        if kill < 2:
            before = (run / "last.ckpt").stat().st_mtime_ns if kill else 0
            while process.poll() is None:  # until it has begun, or gone on
                checkpoint = run / "last.ckpt"
                if checkpoint.exists() and checkpoint.stat().st_mtime_ns > before:
                    break
                time.sleep(0.01)
            time.sleep(draw.uniform(0, 0.5))
            process.kill()
        process.wait()
    ends = [torch.load(folder / "weights.pt") for folder in (straight, run)]
    assert same(*ends)
