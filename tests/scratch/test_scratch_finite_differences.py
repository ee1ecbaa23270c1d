"""Gradients by hand beside finite differences, which know nothing of any derivation."""

from functools import partial

import numpy as np
import pytest

from jpseq.scratch import (
    GRU,
    LSTM,
    RNN,
    Bidirectional,
    Network,
    PeepholeLSTM,
    mean_squared_error,
    sigmoid_cross_entropy,
    softmax_cross_entropy,
)
from jpseq.scratch.gradient_check import numerical_gradient, relative_error
from jpseq.scratch.recurrent import Recurrent

CELLS = {
    "RNN": lambda: RNN(2, 3),
    "LSTM": lambda: LSTM(2, 3),
    "PeepholeLSTM": lambda: PeepholeLSTM(2, 3),
    "GRU": lambda: GRU(2, 3),
    "Bidirectional": lambda: Bidirectional(RNN(2, 2), GRU(2, 1)),
}


@pytest.mark.parametrize("name", CELLS)
def test_layer(name: str) -> None:
    rng = np.random.default_rng(0)
    layer: Recurrent = CELLS[name]()
    for array in layer.parameters.values():
        array[:] = rng.normal(0, 0.7, array.shape)
    x = rng.normal(size=(2, 4, 2))
    layer.forward(x)
    state = [rng.normal(size=s.shape) for s in layer.state]
    dh = rng.normal(size=layer.forward(x, *state).shape)
    dstate = [rng.normal(size=s.shape) for s in state]
    dx = layer.backward(dh, *dstate)

    def loss() -> float:
        h = layer.forward(x, *state)
        last = sum(float(np.sum(s * d)) for s, d in zip(layer.state, dstate, strict=True))
        return float(np.sum(h * dh)) + last

    pairs = [(gradient, layer.parameters[key]) for key, gradient in layer.gradients.items()]
    pairs += [(dx, x), *zip(layer.dstate, state, strict=True)]
    errors = [relative_error(mine, numerical_gradient(loss, theta)) for mine, theta in pairs]
    print(f"\n  finite differences  {name:14} largest relative error {max(errors):.1e}")
    assert max(errors) < 1e-7


@pytest.mark.parametrize("steps", [1, 4])
def test_network_and_losses(steps: int) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 4, 2))
    yes_or_no = rng.integers(0, 2, (2, steps, 3))
    for loss, target in (
        (mean_squared_error, rng.normal(size=(2, steps, 3))),
        (sigmoid_cross_entropy, yes_or_no),
        (softmax_cross_entropy, yes_or_no.sum(axis=2) % 3),
    ):
        network = Network(GRU(2, 3, rng=rng), 3, rng)
        network.learn(x, target, loss)
        gradients = dict(network.gradients)
        for name, theta in network.parameters.items():
            expected = numerical_gradient(partial(network.learn, x, target, loss), theta)
            assert relative_error(gradients[name], expected) < 1e-7
