"""Layers by numbers worked out on paper, and what they say when used wrongly."""

import numpy as np
import pytest

from jpseq.scratch import GRU, LSTM, RNN, Bidirectional, Network, PeepholeLSTM
from jpseq.scratch.activations import ACTIVATIONS, sigmoid
from jpseq.scratch.initialization import INITIALIZATIONS


def test_rnn_of_one_linear_unit_on_paper() -> None:
    # h1 = 0.5·1 + 2·0 + 1 = 1.5;  h2 = 0.5·2 + 2·1.5 + 1 = 5.  L = h2: da2 = 1, da1 = 2.
    rnn = RNN(1, 1, activation="identity")
    for name, value in {"W_x": 0.5, "W_h": 2.0, "b": 1.0}.items():
        rnn.parameters[name][:] = value
    assert rnn.forward(np.array([[[1.0], [2.0]]])).ravel().tolist() == [1.5, 5.0]
    dx = rnn.backward(np.array([[[0.0], [1.0]]]))
    assert dx.ravel().tolist() == [1.0, 0.5]
    assert {name: g.item() for name, g in rnn.gradients.items()} == {
        "W_x": 1 * 2 + 2 * 1,
        "W_h": 0 * 2 + 1.5 * 1,
        "b": 2 + 1,
    }
    assert rnn.dstate[0].item() == 4.0
    assert rnn.dh.ravel().tolist() == [2.0, 1.0]


def test_lstm_of_one_unit_on_paper() -> None:
    # All weights 0: i = f = o = 1/2, g = 0, so that the memory halves: 1, 1/2, 1/4. L = c2.
    lstm = LSTM(1, 1)
    for array in lstm.parameters.values():
        array[:] = 0
    h = lstm.forward(np.zeros((1, 2, 1)), np.zeros((1, 1)), np.ones((1, 1)))
    assert h.ravel().tolist() == [0.5 * np.tanh(0.5), 0.5 * np.tanh(0.25)]
    assert lstm.state[1].item() == 0.25
    lstm.backward(np.zeros((1, 2, 1)), np.zeros((1, 1)), np.ones((1, 1)))
    assert lstm.dc.ravel().tolist() == [0.5, 1.0]
    assert lstm.dstate[1].item() == 0.25
    # i: g is 0. f: dc·c·f(1-f) = 1·½·¼ + ½·1·¼. g: dc·i = ½ + ¼. o: dh is 0.
    assert lstm.gradients["b"].tolist() == [0, 0.25, 0.75, 0]


def test_gru_of_one_unit_on_paper() -> None:
    # All weights 0: r = z = 1/2, n = 0, so that the state halves: 1, 1/2, 1/4. L = h2.
    gru = GRU(1, 1)
    for array in gru.parameters.values():
        array[:] = 0
    h = gru.forward(np.zeros((1, 2, 1)), np.ones((1, 1)))
    assert h.ravel().tolist() == [0.5, 0.25]
    gru.backward(np.array([[[0.0], [1.0]]]))
    # r: m is 0. z: dh·h·z(1-z) = 1·½·¼ + ½·1·¼. n: dh·(1-z) = ½ + ¼; through r it is half.
    assert gru.gradients["b"].tolist() == [0, 0.25, 0.75]
    assert gru.gradients["b_hn"].tolist() == [0.375]
    assert gru.dstate[0].item() == 0.25


def test_peepholes_of_zero_are_the_lstm() -> None:
    x = np.random.default_rng(0).normal(size=(2, 5, 3))
    np.testing.assert_array_equal(LSTM(3, 4).forward(x), PeepholeLSTM(3, 4).forward(x))


def test_peepholes_see_the_memory_behind_a_shut_output_gate() -> None:
    lstm, peephole = LSTM(1, 1), PeepholeLSTM(1, 1)
    peephole.parameters["p_f"][:] = 3.0
    for layer in (lstm, peephole):
        layer.parameters["b"][3] = -1000.0  # o = 0, so h = 0 whatever c is
    x, h0 = np.zeros((2, 3, 1)), np.zeros((2, 1))
    c0 = np.array([[-1.0], [1.0]])
    kept = []
    for layer in (lstm, peephole):
        layer.forward(x, h0, c0)
        assert np.all(layer.h == 0)
        kept.append(layer.state[1] / c0)
    assert kept[0][0] == kept[0][1]
    assert kept[1][0] < 0.2 < 0.9 < kept[1][1]


@pytest.mark.parametrize("cell", [RNN, LSTM, PeepholeLSTM, GRU])
def test_a_sequence_in_two_parts_is_the_sequence(cell: type) -> None:
    """Forward with the state handed on, backward with its gradient handed back."""
    rng = np.random.default_rng(0)
    whole, first, second = cell(2, 3), cell(2, 3), cell(2, 3)
    x, dh = rng.normal(size=(2, 7, 2)), rng.normal(size=(2, 7, 3))
    h = np.concatenate([first.forward(x[:, :4]), second.forward(x[:, 4:], *first.state)], axis=1)
    np.testing.assert_allclose(h, whole.forward(x), atol=1e-15)
    dx = whole.backward(dh)
    dx_second = second.backward(dh[:, 4:])
    dx_first = first.backward(dh[:, :4], *second.dstate)
    np.testing.assert_allclose(np.concatenate([dx_first, dx_second], axis=1), dx, atol=1e-14)
    for name, gradient in whole.gradients.items():
        both = first.gradients[name] + second.gradients[name]
        np.testing.assert_allclose(both, gradient, atol=1e-13)


def test_bidirectional_sees_both_ways() -> None:
    layer = Bidirectional(RNN(1, 2, rng=0), RNN(1, 3, rng=1))
    x = np.random.default_rng(0).normal(size=(1, 6, 1))
    before = layer.forward(x).copy()
    x[0, 3] += 1.0
    changed = np.abs(layer.forward(x) - before)[0] > 0
    assert changed[:, :2].all(axis=1).tolist() == [False] * 3 + [True] * 3
    assert changed[:, 2:].all(axis=1).tolist() == [True] * 4 + [False] * 2


def test_bidirectional_keeps_what_all_layers_keep() -> None:
    layer = Bidirectional(RNN(1, 2, rng=0), LSTM(1, 3, rng=1))
    rng = np.random.default_rng(0)
    x, h0, from_the_end, c0 = (rng.normal(size=s) for s in ((2, 6, 1), (2, 2), (2, 3), (2, 3)))
    h = layer.forward(x, h0, from_the_end, c0)
    assert np.array_equal(layer.h[:, 0], np.concatenate([h0, from_the_end], axis=1))
    assert np.array_equal(layer.h[:, 1:], h)
    layer.backward(rng.normal(size=h.shape))
    assert layer.dh.shape == (2, 6, 5)
    # What each step has contributed to the gradient of W_x, as da is said to tell.
    W_x = np.einsum("bti,bta->ia", x, layer.da)
    both = [layer.gradients["forwards.W_x"], layer.gradients["backwards.W_x"]]
    np.testing.assert_allclose(W_x, np.concatenate(both, axis=1))


def test_sigmoid_at_the_ends() -> None:
    with np.errstate(all="raise"):
        assert sigmoid(np.array([-1e4, 0.0, 1e4])).tolist() == [0.0, 0.5, 1.0]


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_greatest_derivative(name: str) -> None:
    function, derivative, greatest = ACTIVATIONS[name]
    slopes = derivative(function(np.linspace(-6, 6, 1201)))
    assert slopes.max() == pytest.approx(greatest, abs=1e-12)


def test_initializations_keep_the_variance_they_say() -> None:
    rng = np.random.default_rng(0)
    spread = {name: draw(rng, 400, 600).var() for name, draw in INITIALIZATIONS.items()}
    assert spread["standard"] == pytest.approx(1, rel=0.02)
    assert spread["xavier"] == pytest.approx(2 / 1000, rel=0.02)
    assert spread["he"] == pytest.approx(2 / 400, rel=0.02)
    for shape in ((5, 5), (3, 7), (7, 3)):
        q = INITIALIZATIONS["orthogonal"](rng, *shape)
        assert q.shape == shape
        np.testing.assert_allclose(np.linalg.svd(q, compute_uv=False), 1, atol=1e-12)


def test_errors_say_what_was_expected_and_what_came() -> None:
    rnn, lstm, x = RNN(3, 4), LSTM(3, 4), np.zeros((2, 5, 3))
    with pytest.raises(ValueError, match=r"x should have the shape \(B, T, 3\), but has \(2, 3\)"):
        rnn.forward(np.zeros((2, 3)))
    with pytest.raises(ValueError, match=r"h0 should have the shape \(2, 4\), but has \(2, 3\)"):
        rnn.forward(x, np.zeros((2, 3)))
    with pytest.raises(ValueError, match=r"LSTM has the state h0, c0: give all or nothing"):
        lstm.forward(x, np.zeros((2, 4)))
    with pytest.raises(RuntimeError, match="call forward first"):
        rnn.backward(np.zeros((2, 5, 4)))
    lstm.forward(x)
    with pytest.raises(ValueError, match=r"dh should have the shape \(2, 5, 4\)"):
        lstm.backward(np.zeros((2, 4, 4)))
    with pytest.raises(ValueError, match=r"dc_T should have the shape \(2, 4\), but has \(4,\)"):
        lstm.backward(np.zeros((2, 5, 4)), np.zeros((2, 4)), np.zeros(4))
    with pytest.raises(ValueError, match="'softplus' is none of sigmoid, tanh, relu, identity"):
        RNN(3, 4, activation="softplus")
    with pytest.raises(ValueError, match="'zeros' is none of standard, xavier, he, orthogonal"):
        GRU(3, 4, initialization="zeros")
    with pytest.raises(ValueError, match="forwards has 3 inputs and backwards has 2"):
        Bidirectional(RNN(3, 4), RNN(2, 4))
    both = Bidirectional(LSTM(3, 4), RNN(3, 4))
    with pytest.raises(RuntimeError, match="call forward first"):
        both.backward(np.zeros((2, 5, 8)))
    with pytest.raises(ValueError, match="Bidirectional has the state h0, c0, h0"):
        both.forward(x, np.zeros((2, 4)))
    both.forward(x)
    with pytest.raises(ValueError, match=r"dh should have the shape \(2, 5, 8\)"):
        both.backward(np.zeros((2, 5, 4)))
    with pytest.raises(ValueError, match="dh_T, dc_T, dh_T: give all or nothing, but 2 came"):
        both.backward(np.zeros((2, 5, 8)), np.zeros((2, 4)), np.zeros((2, 4)))
    network = Network(RNN(3, 4), 1)
    network.forward(x)
    with pytest.raises(ValueError, match=r"dy should have the shape \(2, 5, 1\)"):
        network.backward(np.zeros((2, 5)))
