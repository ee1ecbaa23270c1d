"""Weights, the rows that threads have of their own, and an epoch over pieces."""

import itertools

import numpy as np
import pytest

from jpseq import Ragged
from jpseq.embedding import hogwild
from jpseq.embedding.draws import chances
from jpseq.embedding.hogwild import Weights, train_epoch
from jpseq.embedding.sentences import Pieces
from jpseq.embedding.windows import Options

OPTIONS = Options(False, 2, True, 3)


def test_rows_begin_with_a_line_of_the_cache_and_are_padded() -> None:
    weights = Weights(words=7, dim=20, threads=1)
    assert weights.size == 32
    assert weights.x.shape == weights.o.shape == (7, 20)
    for flat in (weights.layers(0).x, weights.layers(0).o):
        assert flat.ctypes.data % 64 == 0
        assert len(flat) == 8 * 32  # one row for negatives that are not there
        assert not flat.any()
    assert weights.memory == 2 * 8 * 32 * 4


def test_each_thread_has_rows_of_its_own_for_frequent_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hogwild, "HOT", 3)
    weights = Weights(words=5, dim=16, threads=2)
    first, second = weights.layers(0), weights.layers(1)
    assert first.x is second.x
    assert (first.hot, first.shift, second.shift) == (3, 6, 9)
    assert len(first.x) == (5 + 1 + 2 * 3) * 16
    assert Weights(words=2, dim=16, threads=2).layers(1).hot == 2
    assert Weights(words=5, dim=16, threads=1).layers(0).hot == 0


def test_what_two_threads_have_learnt_is_added_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hogwild, "HOT", 2)
    weights = Weights(words=3, dim=16, threads=2)
    weights.x[:] = 1.0
    one, two = weights.own_rows(0), weights.own_rows(1)
    np.testing.assert_array_equal(one.own[0], np.ones(32))
    one.own[0][:16] += 2  # word 0
    two.own[0][:16] += 5
    two.own[1][16:] -= 3  # word 1, output layer
    one.share()
    np.testing.assert_array_equal(weights.x[:, 0], [3, 1, 1])
    np.testing.assert_array_equal(two.own[0][:16], np.full(16, 6))  # two does not know of it yet
    two.share()
    np.testing.assert_array_equal(weights.x[:, 0], [8, 1, 1])
    np.testing.assert_array_equal(weights.o[:, 0], [0, -3, 0])
    np.testing.assert_array_equal(two.own[0][:16], np.full(16, 8))
    one.share()  # nothing new, but it takes what the other has added
    np.testing.assert_array_equal(weights.x[:, 0], [8, 1, 1])
    np.testing.assert_array_equal(one.own[0][:16], np.full(16, 8))


def sentences(count: int) -> Ragged:
    draw = np.random.default_rng(0)
    return Ragged.from_sequences([draw.integers(0, 20, 10) for _ in range(count)])


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_every_piece_is_learnt_once_and_told(threads: int) -> None:
    ids = sentences(300)
    weights = Weights(words=20, dim=16, threads=threads)
    weights.x[:] = np.random.default_rng(1).normal(0, 0.1, weights.x.shape)
    tables = chances(np.bincount(ids.values), 0, 0.75)
    told: list[int] = []
    asked: list[int] = []

    def rate(before: int) -> float:
        asked.append(before)
        return 0.01

    pieces = Pieces(ids, np.arange(20, dtype=np.int32), size=500)
    options = Options(False, 2, False, 3)  # windows of one width
    loss, predictions = train_epoch(pieces, weights, options, tables, rate, (3,), told.append)
    assert sum(told) == 3000
    assert len(told) == 6
    assert sorted(asked) == sorted(itertools.chain(*itertools.pairwise(range(0, 3001, 500))))
    assert predictions == 300 * (2 + 3 + 6 * 4 + 3 + 2)
    assert 0 < loss / predictions < 4 * np.log(2)


def test_threads_measure_what_one_measures() -> None:
    ids, draw = sentences(300), np.random.default_rng(1)
    tables = chances(np.bincount(ids.values), 0, 0.75)
    x, o = draw.normal(0, 0.3, (2, 20, 16))
    losses = []
    for threads in (1, 3):
        weights = Weights(words=20, dim=16, threads=threads)
        weights.x[:], weights.o[:] = x, o
        pieces = Pieces(ids, np.arange(20, dtype=np.int32), size=500)
        losses.append(train_epoch(pieces, weights, OPTIONS, tables, lambda _: 0.0, (0,))[0])
        np.testing.assert_array_equal(weights.x, x.astype(np.float32))
    assert losses[0] == pytest.approx(losses[1], rel=1e-12)


def test_an_error_in_a_thread_ends_all_of_them() -> None:
    ids = sentences(300)
    weights = Weights(words=20, dim=16, threads=2)
    tables = chances(np.bincount(ids.values), 0, 0.75)

    def rate(before: int) -> float:
        if before == 1000:
            raise OSError("the disk is gone")
        return 0.01

    pieces = Pieces(ids, np.arange(20, dtype=np.int32), size=500)
    with pytest.raises(OSError, match="the disk is gone"):
        train_epoch(pieces, weights, OPTIONS, tables, rate, (3,))
