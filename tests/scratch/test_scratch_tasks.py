"""The tasks are what they say, and who can and who cannot solve them."""

import numpy as np
import pytest

from jpseq.scratch import LSTM, RNN, Network
from jpseq.scratch.gradient_flow import cells
from jpseq.scratch.sine import (
    closed_loop,
    learn_sine,
    next_steps,
    periods_in_phase,
    phase_error,
    sine,
)
from jpseq.scratch.tasks import Adding, BinaryAddition, Copy, TemporalOrder, practise


def test_adding() -> None:
    task = Adding(20)
    x, target = task.draw(np.random.default_rng(0), 500)
    assert x.shape == (500, 20, 2)
    assert target.shape == (500, 1, 1)
    assert np.all(x[:, :10, 1].sum(axis=1) == 1)
    assert np.all(x[:, 10:, 1].sum(axis=1) == 1)
    np.testing.assert_allclose((x[:, :, 0] * x[:, :, 1]).sum(axis=1), target[:, 0, 0])
    assert task.right(target + 0.0399, target).all()
    assert not task.right(target + 0.041, target).any()
    x, target = task.draw(np.random.default_rng(0), 100_000)
    ones = np.ones_like(target)
    assert task.right(ones, target).mean() == pytest.approx(task.chance, abs=0.003)
    assert task.loss(ones, target)[0] == pytest.approx(1 / 6, rel=0.02)


def test_copy() -> None:
    task = Copy(delay=5, symbols=3, kinds=4)
    x, target = task.draw(np.random.default_rng(0), 10)
    assert x.shape == (10, 11, task.inputs)
    assert np.all(x.sum(axis=2) == 1)
    letters = x.argmax(axis=2)
    np.testing.assert_array_equal(letters[:, :3], target)
    assert np.all(letters[:, 3:8] == 4)
    assert np.all(letters[:, 8:] == 5)
    assert task.chance == 1 / 64
    assert task.right(np.eye(4)[target], target).all()


def test_temporal_order() -> None:
    task = TemporalOrder(50)
    x, target = task.draw(np.random.default_rng(0), 200)
    letters = x.argmax(axis=2)
    for row, answer in zip(letters, target[:, 0], strict=True):
        where = np.flatnonzero(row < 2)
        assert len(where) == 2
        assert 5 <= where[0] < 10
        assert 25 <= where[1] < 30
        assert answer == 2 * row[where[0]] + row[where[1]]
    assert set(target[:, 0]) == {0, 1, 2, 3}


def test_binary_addition() -> None:
    task = BinaryAddition(3)
    x, target = task.sums(np.array([6, 7]), np.array([3, 7]))  # 110 + 011 = 1001, 111 + 111 = 1110
    assert x[0].T.tolist() == [[0, 1, 1, 0], [1, 1, 0, 0]]
    assert target[:, :, 0].tolist() == [[1, 0, 0, 1], [0, 1, 1, 1]]
    x, target = task.all_sums()
    assert len(np.unique(x.reshape(64, -1), axis=0)) == 64
    place = 2 ** np.arange(4)
    np.testing.assert_array_equal((x.sum(axis=2) * place).sum(axis=1), target[:, :, 0] @ place)
    almost = 2 * target - 1
    assert task.right(almost, target).all()
    almost[5, 2] *= -1
    assert task.right(almost, target).sum() == 63


def test_the_rnn_learns_to_add_all_65536_pairs_of_bytes() -> None:
    rng, task = np.random.default_rng(0), BinaryAddition(8)
    network = Network(RNN(2, 16, rng=rng), 1, rng)
    practise(network, task, steps=1000, learning_rate=0.01)
    assert task.accuracy(network, *task.all_sums()) == 1.0


def test_the_order_of_two_letters_is_beyond_the_rnn_and_not_the_gated_cells() -> None:
    task = TemporalOrder(60)
    right: dict[str, float] = {}
    # A start can lead astray, and which one does depends on how sums are rounded: three may try.
    for seed in (2, 3, 4):
        for name, cell in cells(task.inputs, 24, gate_bias=3.0).items():
            if right.get(name, 0) < 0.99 and (name != "RNN" or name not in right):
                curve = practise(Network(cell, task.outputs, seed), task, 600, learning_rate=0.01)
                right[name] = curve[-1, 2]
    print(f"\n  temporal order over 60 steps: {right}, chance {task.chance}")
    assert right["RNN"] < 0.4
    assert right["LSTM"] >= 0.99
    assert right["GRU"] >= 0.99


def test_next_steps() -> None:
    x, target = next(next_steps(np.random.default_rng(0), period=20, window=10, B=3))
    assert x.shape == (3, 10, 1)
    assert target.shape == (3, 5, 1)
    np.testing.assert_array_equal(x[:, 6:], target[:, :-1])
    np.testing.assert_allclose(
        x[:, 2:] + x[:, :-2], 2 * np.cos(np.pi / 10) * x[:, 1:-1], atol=1e-12
    )


def test_phase_error_of_clocks_that_are_late_or_stop() -> None:
    for phase in (0.0, 1.0, 3.0, 6.0):
        right = sine(25, np.array([phase]), 2500)[0, :, 0]
        assert np.abs(phase_error(right, 25, phase)).max() < 0.01
        assert periods_in_phase(right, 25, phase) >= 99
        slow = sine(25.05, np.array([phase]), 2500)[0, :, 0]  # loses 0.2 % a period: 50 periods
        assert periods_in_phase(slow, 25, phase) == pytest.approx(50, abs=3)
        fast = sine(24.95, np.array([phase]), 2500)[0, :, 0]
        assert periods_in_phase(fast, 25, phase) == pytest.approx(50, abs=3)
    stops = right.copy()
    stops[500:] = 0.3
    assert periods_in_phase(stops, 25, phase) == pytest.approx(20, abs=1)
    assert periods_in_phase(np.full(100, 0.5), 25, 0.0) == 0


def test_closed_loop_reads_what_it_says() -> None:
    network = Network(LSTM(1, 4), 1)
    x = sine(20, np.array([0.0, 1.0]), 30)
    y = closed_loop(network, x, 5)
    again = network.forward(np.concatenate([x, y[:, :-1]], axis=1))
    np.testing.assert_allclose(again[:, 29:], y, atol=1e-14)


def test_a_small_rnn_is_a_clock_for_a_few_periods() -> None:
    rng, period, window = np.random.default_rng(0), 20, 40
    network = Network(RNN(1, 8, rng=rng), 1, rng)
    losses = learn_sine(network, period, window, steps=1000, noise=0.05)
    assert losses[-50:].mean() < 0.01
    y = closed_loop(network, sine(period, np.array([0.5]), window), 20 * period)[0, :, 0]
    in_phase = periods_in_phase(y, period, 0.5 + 2 * np.pi * window / period)
    print(f"\n  in phase for {in_phase:.0f} of 20 periods")
    assert in_phase >= 5
