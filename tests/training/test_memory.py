"""Free memory is given back, now and then."""

import ctypes
from types import SimpleNamespace

import pytest

from jpseq.training import memory


def test_every_hundredth_step_gives_back(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[int] = []
    monkeypatch.setattr(memory, "_trim", lambda: given.append)
    for step in range(1, 301):
        memory.GiveBack().on_train_batch_end(SimpleNamespace(global_step=step))  # type: ignore[arg-type]
    assert given == [0, 0, 0]


@pytest.mark.parametrize("reason", [AttributeError, OSError, TypeError])
def test_another_c_library_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, reason: type[Exception]
) -> None:
    def without(_: object) -> object:
        raise reason

    monkeypatch.setattr(ctypes, "CDLL", without)
    memory._trim.cache_clear()
    try:
        assert memory._trim()(0) is None
    finally:
        memory._trim.cache_clear()
