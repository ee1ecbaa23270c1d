"""Losses, optimisers, clipping and truncated BPTT, beside torch's and beside their definitions."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch.nn import functional

from jpseq.scratch import (
    GRU,
    LSTM,
    RNN,
    SGD,
    Adam,
    Momentum,
    Network,
    clip_by_norm,
    mean_squared_error,
    sigmoid_cross_entropy,
    softmax_cross_entropy,
    train,
    truncated_bptt,
)
from jpseq.scratch.clipping import descend_the_cliff, norm
from jpseq.scratch.optimizers import Optimizer


def test_losses_are_those_of_torch() -> None:
    rng = np.random.default_rng(0)
    y = 5 * rng.normal(size=(3, 4, 6))
    y[0, 0] = [800, -800, 0, 30, -30, 1]  # must neither overflow nor lose digits
    bits, classes = rng.integers(0, 2, y.shape), rng.integers(0, 6, (3, 4))
    values = rng.normal(size=y.shape)
    leaf = torch.tensor(y, requires_grad=True)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        ours = [
            mean_squared_error(y, values),
            sigmoid_cross_entropy(y, bits),
            softmax_cross_entropy(y, classes),
        ]
    theirs = [
        functional.mse_loss(leaf, torch.tensor(values)),
        functional.binary_cross_entropy_with_logits(leaf, torch.tensor(bits).double()),
        functional.cross_entropy(leaf.flatten(0, 1), torch.tensor(classes).flatten()),
    ]
    for (loss, dy), expected in zip(ours, theirs, strict=True):
        assert loss == pytest.approx(expected.item(), rel=1e-12)
        (gradient,) = torch.autograd.grad(expected, leaf)
        np.testing.assert_allclose(dy, gradient.numpy(), rtol=1e-9, atol=1e-14)


def test_losses_want_targets_of_their_shape() -> None:
    y = np.zeros((2, 3, 4))
    for loss in (mean_squared_error, sigmoid_cross_entropy):
        with pytest.raises(ValueError, match=r"target should have the shape \(2, 3, 4\)"):
            loss(y, np.zeros((2, 3)))
    with pytest.raises(ValueError, match=r"target should have the shape \(2, 3\)"):
        softmax_cross_entropy(y, np.zeros((2, 3, 4), dtype=int))


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (SGD(0.1), lambda p: torch.optim.SGD(p, lr=0.1)),
        (Momentum(0.1, 0.8), lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.8)),
        (Adam(0.1), lambda p: torch.optim.Adam(p, lr=0.1)),
    ],
)
def test_optimizers_are_those_of_torch(
    ours: Optimizer, theirs: Callable[..., torch.optim.Optimizer]
) -> None:
    rng = np.random.default_rng(0)
    parameters = {"W": rng.normal(size=(3, 2)), "b": rng.normal(size=2)}
    twins = {name: torch.nn.Parameter(torch.tensor(p)) for name, p in parameters.items()}
    optimizer = theirs(twins.values())
    for _ in range(50):
        gradients = {name: rng.normal(size=p.shape) for name, p in parameters.items()}
        for name, twin in twins.items():
            twin.grad = torch.tensor(gradients[name])
        ours.step(parameters, gradients)
        optimizer.step()
    for name, twin in twins.items():
        np.testing.assert_allclose(parameters[name], twin.detach().numpy(), atol=1e-13)


def test_clipping_keeps_the_direction_and_bounds_the_norm() -> None:
    rng = np.random.default_rng(0)
    before = {"W": 100 * rng.normal(size=(4, 3)), "b": rng.normal(size=3)}
    clipped = {name: g.copy() for name, g in before.items()}
    length = clip_by_norm(clipped, 0.5)
    assert length == norm(before) > 100
    assert norm(clipped) == pytest.approx(0.5, rel=1e-14)
    for name, g in before.items():
        np.testing.assert_allclose(clipped[name] * length, g * 0.5, rtol=1e-13)
    twins = [torch.nn.Parameter(torch.zeros(g.shape, dtype=torch.float64)) for g in before.values()]
    for twin, g in zip(twins, before.values(), strict=True):
        twin.grad = torch.tensor(g)
    torch.nn.utils.clip_grad_norm_(twins, 0.5)  # which divides by the norm plus 1e-6
    for twin, g in zip(twins, clipped.values(), strict=True):
        np.testing.assert_allclose(g, twin.grad.numpy(), rtol=1e-7)

    short = {"W": np.array([0.3, 0.4])}
    assert clip_by_norm(short, 0.5) == 0.5
    assert short["W"].tolist() == [0.3, 0.4]


def test_the_cliff_throws_the_unclipped_and_not_the_clipped() -> None:
    clipped, free = descend_the_cliff(1.0), descend_the_cliff(math.inf)
    jump = {
        name: np.hypot(np.diff(way.w), np.diff(way.b)).max()
        for name, way in (("clipped", clipped), ("free", free))
    }
    print(f"\n  longest step {jump}, last loss {clipped.loss[-1]:.4f} and {free.loss[-1]:.4f}")
    assert clipped.norm.max() > 1000  # it has met the wall,
    assert jump["clipped"] <= 0.05 * 1.0 + 1e-12  # and no step was longer than η times the norm
    assert jump["free"] > 1
    assert clipped.loss[-1] < 0.01
    assert free.loss[-50:].min() > 0.4


@pytest.mark.parametrize("cell", [RNN, LSTM, GRU])
def test_truncated_bptt(cell: type) -> None:
    rng = np.random.default_rng(0)
    network = Network(cell(2, 4), 3)
    x, target = rng.normal(size=(2, 12, 2)), rng.integers(0, 3, (2, 12))
    loss = network.learn(x, target, softmax_cross_entropy)
    full = {name: g.copy() for name, g in network.gradients.items()}

    errors = []
    for window in (1, 2, 4, 5, 8, 12, 20):
        value, total = 0.0, {name: np.zeros_like(g) for name, g in full.items()}
        for part, share in truncated_bptt(network, x, target, softmax_cross_entropy, window):
            value += share * part
            for name, g in network.gradients.items():
                total[name] += share * g
        # Forwards nothing is cut, whatever the window.
        assert value == pytest.approx(loss, rel=1e-14)
        np.testing.assert_allclose(total["linear.W"], full["linear.W"], atol=1e-15)
        errors.append(norm({name: total[name] - full[name] for name in full}) / norm(full))
    assert errors[-1] == errors[-2] == 0  # a window over everything is BPTT
    assert min(errors[:-2]) > 0.01  # and a shorter one is not


def test_truncated_bptt_says_what_is_wrong() -> None:
    network, x = Network(RNN(2, 4), 3), np.zeros((2, 6, 2))
    with pytest.raises(ValueError, match="at least one step, but 0 came"):
        next(truncated_bptt(network, x, np.zeros((2, 6), int), softmax_cross_entropy, 0))
    with pytest.raises(ValueError, match=r"begin with the shape \(2, 6\) of x, but has \(2, 5\)"):
        next(truncated_bptt(network, x, np.zeros((2, 5), int), softmax_cross_entropy, 3))


def test_a_target_of_the_last_steps_leaves_the_others_free() -> None:
    rng = np.random.default_rng(0)
    network, x, target = (
        Network(RNN(2, 4), 1),
        rng.normal(size=(3, 6, 2)),
        rng.normal(size=(3, 2, 1)),
    )
    loss = network.learn(x, target, mean_squared_error)
    y = network.forward(x)
    assert loss == mean_squared_error(y[:, 4:], target)[0]
    dy = np.zeros_like(y)
    dy[:, 4:] = 2 * (y[:, 4:] - target) / 6
    network.backward(dy)
    expected = {name: g.copy() for name, g in network.gradients.items()}
    network.learn(x, target, mean_squared_error)
    for name, g in network.gradients.items():
        np.testing.assert_array_equal(g, expected[name])


def test_train_changes_the_layers_themselves_and_learns() -> None:
    rng = np.random.default_rng(0)
    recurrent = LSTM(1, 8, rng=rng)
    before = {name: p.copy() for name, p in recurrent.parameters.items()}
    network = Network(recurrent, 1, rng)
    x = rng.normal(size=(16, 6, 1))
    losses = train(network, [(x, x.cumsum(axis=1))] * 200, mean_squared_error, Adam(0.01))
    assert losses[-1] < 0.1 * losses[0]
    assert all(np.any(p != before[name]) for name, p in recurrent.parameters.items())
