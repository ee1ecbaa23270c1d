"""A run's folder, and how a run is interrupted."""

import json
import logging
import signal
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from torch import nn

from jpseq.batch import Batch
from jpseq.errors import ConfigurationError, DataError, TrainingError
from jpseq.network.loss import Loss
from jpseq.training.checkpoint import Checkpoint
from jpseq.training.fit import fit
from jpseq.training.stream import Stream


class Nothing(NamedTuple):
    """Rows of one step."""

    x: Batch


class Clock(nn.Module):
    """A weight that counts steps, in eighths; it does something at a certain call of loss."""

    def __init__(self, does: Callable[[], Any] | None = None, at: int = 0, size: int = 1) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.zeros(size))
        self.does = does
        self.at = at
        self.calls = 0

    def loss(self, nothing: Nothing) -> Loss:
        self.calls += 1
        if self.does is not None and self.calls == self.at:
            self.does()
        return Loss(-self.w[0], torch.tensor(1))

    @property
    def steps(self) -> float:
        return 8 * float(self.w.detach()[0])


def stream(batches: int = 4) -> Stream[Nothing]:
    batch = Batch(torch.zeros(1, 1), torch.ones(1, dtype=torch.int64))
    return Stream(np.ones(batches, np.int64), lambda _: Nothing(batch), 1)


SETTINGS: dict[str, Any] = {"learning_rate": 0.125, "cooldown": 0.0, "epochs": 3}


def ctrl_c() -> None:
    signal.raise_signal(signal.SIGINT)


def twice() -> None:
    ctrl_c()
    ctrl_c()


def saved_step(run: Path) -> int:
    step: int = torch.load(run / "last.ckpt", weights_only=False)["global_step"]
    return step


# Interruption


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_step_under_way_is_finished_and_saved(tmp_path: Path, number: signal.Signals) -> None:
    network = Clock(lambda: signal.raise_signal(number), at=6)
    assert not fit(network, stream(), run=tmp_path, **SETTINGS)
    assert network.calls == 6
    assert network.steps == pytest.approx(6, abs=1e-4)
    assert saved_step(tmp_path) == 6
    network = Clock()
    assert fit(network, stream(), run=tmp_path, resume=True, **SETTINGS)
    assert network.calls == 6
    assert network.steps == pytest.approx(12, abs=1e-4)


@pytest.mark.parametrize("at", [5, 6, 7, 8])
def test_all_batches_of_the_step_under_way(tmp_path: Path, at: int) -> None:
    settings = {**SETTINGS, "accumulate": 4}
    network = Clock(ctrl_c, at)
    assert not fit(network, stream(), run=tmp_path, **settings)
    assert network.calls == 8
    assert saved_step(tmp_path) == 2


def test_a_second_ctrl_c_ends_it_at_once(tmp_path: Path) -> None:
    network = Clock(twice, at=3)
    assert not fit(network, stream(), run=tmp_path, **SETTINGS)
    assert network.calls == 3
    assert network.steps == pytest.approx(2, abs=1e-4)
    assert not network.training
    assert not (tmp_path / "last.ckpt").exists()


def test_ctrl_c_in_the_last_step_is_too_late(tmp_path: Path) -> None:
    network = Clock(ctrl_c, at=12)
    assert fit(network, stream(), run=tmp_path, **SETTINGS)
    assert network.steps == pytest.approx(12, abs=1e-4)


def test_handlers_are_what_they_were_before() -> None:
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.getsignal(number) for number in numbers]
    for network in (Clock(), Clock(ctrl_c, 2), Clock(twice, 2)):
        fit(network, stream(), **SETTINGS)
        assert [signal.getsignal(number) for number in numbers] == before


def test_a_training_in_a_thread() -> None:
    completed = []
    network = Clock()
    thread = threading.Thread(
        target=lambda: completed.append(fit(network, stream(), **SETTINGS)), daemon=True
    )
    thread.start()
    thread.join(60)
    assert completed == [True]
    assert network.steps == pytest.approx(12, abs=1e-4)


def test_the_best_epoch_is_not_lost_with_a_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Epoch 2 pushes out epoch 1, and then its checkpoint cannot be finished."""

    def measured(network: Clock) -> Callable[[], Mapping[str, float]]:
        return lambda: {"figure": -network.steps}

    really = Checkpoint._save

    def save(self: Checkpoint, trainer: Any, step: int) -> None:
        if step == 8:
            raise KeyboardInterrupt
        really(self, trainer, step)

    with monkeypatch.context() as patched:
        patched.setattr(Checkpoint, "_save", save)
        network = Clock()
        assert not fit(network, stream(), measure=measured(network), run=tmp_path, **SETTINGS)
        assert network.steps == pytest.approx(8, abs=1e-4)
    assert saved_step(tmp_path) == 4
    network = Clock(ctrl_c, at=1)
    settings = {**SETTINGS, "resume": True, "run": tmp_path}
    assert not fit(network, stream(), measure=measured(network), **settings)
    assert network.steps == pytest.approx(4, abs=1e-4)  # epoch 1 is the best there is
    network = Clock()
    assert fit(network, stream(), measure=measured(network), **settings)
    assert network.steps == pytest.approx(12, abs=1e-4)


@pytest.mark.parametrize(
    ("every", "saved"), [(3, [3, 4, 7, 8, 11]), (100, [4, 8]), (1, range(1, 12))]
)
def test_how_often_it_is_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, every: int, saved: list[int]
) -> None:
    steps = []
    really = Checkpoint._save

    def save(self: Checkpoint, trainer: Any, step: int) -> None:
        steps.append(step)
        really(self, trainer, step)

    monkeypatch.setattr(Checkpoint, "_save", save)
    assert fit(Clock(), stream(), run=tmp_path, save_every=every, **SETTINGS)
    assert steps == list(saved)  # after the last step there is nothing to go on with
    assert not (tmp_path / "last.ckpt").exists()


# The folder


def begun(run: Path) -> Path:
    assert not fit(Clock(ctrl_c, at=6), stream(), run=run, **SETTINGS)
    return run


def test_what_is_in_it(tmp_path: Path) -> None:
    begun(tmp_path / "deep" / "run")
    run = tmp_path / "deep" / "run"
    names = {path.name for path in run.iterdir()}
    assert names == {"run.json", "last.ckpt", "log"}
    described = json.loads((run / "run.json").read_text())
    assert (described["epochs"], described["weights"], described["processes"]) == (3, 1, 1)
    assert fit(Clock(), stream(), run=run, resume=True, **SETTINGS)
    assert {path.name for path in run.iterdir()} == {"run.json", "final.safetensors", "log"}


def test_resume_where_nothing_has_begun(tmp_path: Path) -> None:
    network = Clock()
    assert fit(network, stream(), run=tmp_path / "new", resume=True, **SETTINGS)
    assert network.calls == 12


def test_a_completed_run_is_not_begun_again(tmp_path: Path) -> None:
    assert fit(Clock(), stream(), run=tmp_path, **SETTINGS)
    with pytest.raises(ConfigurationError, match="holds a run that has begun"):
        fit(Clock(), stream(), run=tmp_path, **SETTINGS)


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    path = tmp_path / "run"
    path.write_text("a poem")
    with pytest.raises(DataError, match="run: is a file; choose another name"):
        fit(Clock(), stream(), run=path, **SETTINGS)
    with pytest.raises(DataError, match=r"run/deep: cannot be written \(Not a directory\)"):
        fit(Clock(), stream(), run=path / "deep", **SETTINGS)
    assert path.read_text() == "a poem"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"epochs": 4, "clip": 2.0}, "clip was 1.0 and is 2.0; epochs was 3 and is 4."),
        ({"batches": 5}, "the data, or how batches are made of them, differ"),
        ({"size": 2}, "weights was 1 and is 2."),
    ],
)
def test_a_run_goes_on_as_it_was_begun(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    begun(tmp_path)
    before = (tmp_path / "last.ckpt").read_bytes()
    network = Clock(size=change.pop("size", 1))
    data = stream(change.pop("batches", 4))
    with pytest.raises(ConfigurationError) as caught:
        fit(network, data, run=tmp_path, resume=True, **{**SETTINGS, **change})
    assert "this run was begun with something else: " in str(caught.value)
    assert said in str(caught.value)
    assert (tmp_path / "last.ckpt").read_bytes() == before


def test_as_many_weights_in_another_shape(tmp_path: Path) -> None:
    begun(tmp_path)

    class Other(Clock):
        def __init__(self) -> None:
            super().__init__()
            self.w = nn.Parameter(torch.zeros(1, 1))

    with pytest.raises(ConfigurationError, match="the shapes of the weights differ"):
        fit(Other(), stream(), run=tmp_path, resume=True, **SETTINGS)


@pytest.mark.parametrize("name", ["last.ckpt", "run.json", "final.safetensors"])
@pytest.mark.parametrize("damage", ["half", "empty"])
def test_a_damaged_file(tmp_path: Path, name: str, damage: str) -> None:
    if name == "final.safetensors":
        assert fit(Clock(), stream(), run=tmp_path, **SETTINGS)
    else:
        begun(tmp_path)
    content = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(content[: len(content) // 2] if damage == "half" else b"")
    with pytest.raises(TrainingError, match=f"{name}: missing or damaged"):
        fit(Clock(), stream(), run=tmp_path, resume=True, **SETTINGS)


def test_a_lost_description(tmp_path: Path) -> None:
    (begun(tmp_path) / "run.json").unlink()
    with pytest.raises(TrainingError, match=r"run\.json: missing or damaged"):
        fit(Clock(), stream(), run=tmp_path, resume=True, **SETTINGS)


def test_a_log_for_tensorboard(tmp_path: Path) -> None:
    assert fit(Clock(), stream(), run=tmp_path, tensorboard=True, **SETTINGS)
    assert list(tmp_path.glob("tensorboard/*/events.*"))
    assert list(tmp_path.glob("log/*/metrics.csv"))


def test_a_run_says_nothing_but_to_the_log(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "jpseq.training")
    begun(tmp_path)
    assert fit(Clock(), stream(), run=tmp_path, resume=True, **SETTINGS)
    assert capfd.readouterr() == ("", "")
    assert sum("epoch" in line for line in caplog.messages) == 1 + 3 + 1
