"""The claims about vanishing, exploding, the carousel and the weight conflict, measured."""

import numpy as np
import pytest

from jpseq.scratch import GRU, LSTM, RNN, Bidirectional
from jpseq.scratch.activations import sigmoid
from jpseq.scratch.carousel import carousel, memory_error
from jpseq.scratch.gradient_flow import (
    CRITICAL,
    LARGE,
    SMALL,
    bound,
    cells,
    norms_by_gain,
    norms_by_lag,
    reach,
    set_gain,
    year_of_temperatures,
)
from jpseq.scratch.weight_conflict import (
    gated_unit,
    linear_unit,
    pull_on,
    store_one,
    tug_of_war,
)

NOISE = np.random.default_rng(0).normal(size=(8, 101, 1))


def test_without_input_the_gradient_of_the_rnn_is_exactly_gain_to_the_lag() -> None:
    # h stays 0, where tanh' is 1, so that only W_h is left.
    norms = norms_by_gain(np.zeros_like(NOISE))["RNN"]
    lags = np.arange(101)
    for row, gain in zip(norms, (SMALL, CRITICAL, LARGE), strict=True):
        np.testing.assert_allclose(row, gain**lags, rtol=1e-11)


def test_of_two_directions_only_the_one_that_reads_on_carries_the_last_gradient_back() -> None:
    both = Bidirectional(RNN(1, 4, rng=0), GRU(1, 4, rng=1))
    norms = norms_by_lag(both, NOISE)
    assert norms[0] == pytest.approx(1)
    # Each has half of the units, so that √2 of its own norms is 1 at the end.
    np.testing.assert_allclose(norms[1:] * np.sqrt(2), norms_by_lag(both.forwards, NOISE)[1:])


def test_small_vanishes_and_large_explodes() -> None:
    small, critical, large = norms_by_gain(NOISE)["RNN"][:, 100]
    assert small < 1e-30
    assert small < critical < 1e-2  # saturation makes even the critical one vanish, but slowly
    assert large > 1e5


def test_no_gradient_goes_beyond_the_bound() -> None:
    for activation in ("tanh", "sigmoid", "relu"):
        rnn = RNN(1, 16, activation)
        for gain in (SMALL, CRITICAL):
            set_gain(rnn, gain)
            norms = norms_by_lag(rnn, NOISE)
            bounds = np.array([bound(rnn, lag) for lag in range(101)])
            assert np.all(norms <= bounds * (1 + 1e-9))


def test_the_same_sigmoid_network_vanishes_four_times_as_fast() -> None:
    rnn = RNN(1, 16, "sigmoid")
    set_gain(rnn, CRITICAL)
    assert norms_by_lag(rnn, NOISE)[10] < 0.25**10 * (1 + 1e-9)


def test_at_lag_100_the_lstm_keeps_ten_thousand_times_what_the_rnn_keeps() -> None:
    norms = {name: norms_by_lag(cell, NOISE) for name, cell in cells(1, 32, gate_bias=5.0).items()}
    ratio = norms["LSTM"][100] / norms["RNN"][100]
    print(
        f"\n  at lag 100: { ({n: float(v[100]) for n, v in norms.items()}) }, LSTM/RNN {ratio:.1e}"
    )
    assert ratio > 1e4
    assert norms["GRU"][100] / norms["RNN"][100] > 1e4


def test_a_gate_of_one_half_forgets_too() -> None:
    """Gates alone do not help, open gates do: the GRU as torch begins it reaches less far."""
    shut, open_ = cells(1, 32, gate_bias=0.0)["GRU"], cells(1, 32, gate_bias=5.0)["GRU"]
    assert reach(norms_by_lag(shut, NOISE)) < 20
    assert reach(norms_by_lag(open_, NOISE)) == 100


def test_a_year_of_days_is_a_network_of_365_layers() -> None:
    x = year_of_temperatures()
    assert x.shape == (16, 365, 1)
    assert abs(x.mean()) < 1e-12
    assert x.std() == pytest.approx(1)
    assert x[:, 180:240].mean() > 1
    assert x[:, :50].mean() < -1
    days = {name: reach(norms_by_lag(cell, x)) for name, cell in cells(1, 32, 5.0).items()}
    print(f"\n  days back with 1 % of the gradient left: {days}")
    assert days["RNN"] < 60
    assert days["LSTM"] == days["GRU"] == 364


def test_reach() -> None:
    assert reach(np.array([1.0, 0.5, 0.009, 0.5])) == 1
    assert reach(np.array([2.0, 1.0, 0.03])) == 2


def test_the_carousel_keeps_the_error_exactly() -> None:
    x = np.random.default_rng(1).normal(size=(4, 1000, 1))
    error = memory_error(carousel(8), x)
    assert error[0] > 0.1
    assert np.all(error == error[0])  # after 999 steps, to the last bit


@pytest.mark.parametrize("forget_bias", [0.0, 1.0, 3.0, 5.0])
def test_with_a_forget_gate_the_error_decays_as_the_gate_says(forget_bias: float) -> None:
    error = memory_error(carousel(8, forget_bias), NOISE)
    f = sigmoid(np.array(forget_bias))
    np.testing.assert_allclose(error / error[0], f ** np.arange(101), rtol=1e-10)


def test_the_conflict_of_a_linear_unit_is_as_on_paper() -> None:
    T, rng = 10, np.random.default_rng(0)
    x, target = store_one(rng, 200_000, T)
    s2 = 1 / 3
    for w in (0.0, 0.1, 0.5, 1.0):
        store, ignore, loss = pull_on(linear_unit(w), x, target)
        assert store == pytest.approx((w - 1) * s2, abs=0.005)
        assert ignore == pytest.approx((T - 1) * w * s2, abs=0.03)
        assert loss == pytest.approx(0.5 * s2 * ((w - 1) ** 2 + (T - 1) * w**2), rel=0.02)
    balance = pull_on(linear_unit(1 / T), x, target)
    assert abs(balance.store + balance.ignore) < 0.01 * abs(balance.store) + 0.003
    assert balance.loss > 0.85 * pull_on(linear_unit(0.0), x, target).loss


def test_a_gate_silences_what_is_to_be_ignored() -> None:
    x, target = store_one(np.random.default_rng(0), 10_000, 10)
    for w in (0.1, 0.5, 1.0):
        store, ignore, _ = pull_on(gated_unit(w), x, target)
        assert ignore == 0
        assert store < 0
    assert (
        pull_on(gated_unit(1.0), x, target).loss < 0.1 * pull_on(linear_unit(0.1), x, target).loss
    )


def test_trained_the_linear_unit_stays_torn_and_the_lstm_solves_it() -> None:
    T = 10
    torn = np.array(tug_of_war(RNN(2, 1, "identity"), T, 800))[-200:].mean(axis=0)
    solved = np.array(tug_of_war(LSTM(2, 1), T, 800))[-200:].mean(axis=0)
    print(f"\n  store, ignore, loss: linear {torn.round(4)}, LSTM {solved.round(4)}")
    # As hard as ever one way as the other; the loss is (1 - 1/T) s² and stays there.
    assert torn[0] < -0.05
    assert torn[1] > 0.05
    assert abs(torn[0] + torn[1]) < 0.05 * abs(torn[0])
    assert torn[2] == pytest.approx(0.9 / 3, rel=0.03)
    assert solved[2] < 0.003
    assert np.abs(solved[:2]).max() < 0.25 * abs(torn[0])
