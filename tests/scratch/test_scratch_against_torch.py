"""Outputs and gradients of the layers written by hand, beside torch's with the same weights."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from jpseq.scratch import (
    GRU,
    LSTM,
    RNN,
    Bidirectional,
    Network,
    PeepholeLSTM,
    mean_squared_error,
    truncated_bptt,
)
from jpseq.scratch.activations import ACTIVATIONS
from jpseq.scratch.gradient_check import relative_error
from jpseq.scratch.layer import Linear
from jpseq.scratch.recurrent import Recurrent

B, T, I, H = 3, 7, 4, 5  # noqa: E741
TORCH_HAS_NOT = ("PeepholeLSTM", "RNN sigmoid")
TORCH_ACTIVATIONS = {
    ACTIVATIONS["tanh"]: torch.tanh,
    ACTIVATIONS["sigmoid"]: torch.sigmoid,
    ACTIVATIONS["relu"]: torch.relu,
}


def make(name: str, rng: np.random.Generator) -> Recurrent:
    layers = {
        "RNN tanh": lambda: RNN(I, H, "tanh"),
        "RNN sigmoid": lambda: RNN(I, H, "sigmoid"),
        "RNN relu": lambda: RNN(I, H, "relu"),
        "LSTM": lambda: LSTM(I, H),
        "PeepholeLSTM": lambda: PeepholeLSTM(I, H),
        "GRU": lambda: GRU(I, H),
        "Bidirectional RNN": lambda: Bidirectional(RNN(I, H), RNN(I, H)),
        "Bidirectional LSTM": lambda: Bidirectional(LSTM(I, H), LSTM(I, H)),
        "Bidirectional GRU": lambda: Bidirectional(GRU(I, H), GRU(I, H)),
    }
    layer = layers[name]()
    # Not as they are initialised: biases and peepholes of 0 would leave errors unseen.
    for array in layer.parameters.values():
        array[:] = rng.normal(0, 0.5, array.shape)
    return layer


LAYERS = [
    "RNN tanh",
    "RNN sigmoid",
    "RNN relu",
    "LSTM",
    "PeepholeLSTM",
    "GRU",
    "Bidirectional RNN",
    "Bidirectional LSTM",
    "Bidirectional GRU",
]


def elementwise_error(a: np.ndarray, b: np.ndarray) -> float:
    """The largest relative difference of any two elements; 0 beside 0 is no difference."""
    scale = np.maximum(np.abs(a), np.abs(b))
    return float(np.max(np.abs(a - b) / np.where(scale > 0, scale, 1)))


def gates(a: Tensor) -> list[Tensor]:
    return list(a.split(H, dim=1))


def unrolled(
    layer: Recurrent, p: dict[str, Tensor], x: Tensor, state: list[Tensor], prefix: str = ""
) -> tuple[Tensor, list[Tensor]]:
    """The equations once more, in torch, step by step, so that autograd differentiates them."""
    if isinstance(layer, Bidirectional):
        n = len(state) // 2
        right, last = unrolled(layer.forwards, p, x, state[:n], "forwards.")
        left, first = unrolled(layer.backwards, p, x.flip(1), state[n:], "backwards.")
        return torch.cat([right, left.flip(1)], dim=2), last + first
    p = {name.removeprefix(prefix): value for name, value in p.items() if name.startswith(prefix)}
    steps = []
    for x_t in x.unbind(1):
        h = state[0]
        if isinstance(layer, RNN):
            function = TORCH_ACTIVATIONS[layer.activation]
            state = [function(x_t @ p["W_x"] + h @ p["W_h"] + p["b"])]
        elif isinstance(layer, GRU):
            x_r, x_z, x_n = gates(x_t @ p["W_x"] + p["b"])
            h_r, h_z, h_n = gates(h @ p["W_h"])
            r, z = torch.sigmoid(x_r + h_r), torch.sigmoid(x_z + h_z)
            state = [(1 - z) * torch.tanh(x_n + r * (h_n + p["b_hn"])) + z * h]
        else:
            c = state[1]
            a_i, a_f, a_g, a_o = gates(x_t @ p["W_x"] + h @ p["W_h"] + p["b"])
            peephole = isinstance(layer, PeepholeLSTM)
            i = torch.sigmoid(a_i + p["p_i"] * c if peephole else a_i)
            f_t = torch.sigmoid(a_f + p["p_f"] * c if peephole else a_f)
            c = f_t * c + i * torch.tanh(a_g)
            o = torch.sigmoid(a_o + p["p_o"] * c if peephole else a_o)
            state = [o * torch.tanh(c), c]
        steps.append(state[0])
    return torch.stack(steps, dim=1), state


def torch_layer(layer: Recurrent) -> nn.RNNBase:
    """torch's own layer, with our weights in it."""
    both = isinstance(layer, Bidirectional)
    inner = layer.forwards if isinstance(layer, Bidirectional) else layer
    options = {"batch_first": True, "bidirectional": both, "dtype": torch.float64}
    if isinstance(inner, RNN):
        function = TORCH_ACTIVATIONS[inner.activation].__name__
        twin: nn.RNNBase = nn.RNN(I, H, nonlinearity=function, **options)
    else:
        twin = (nn.GRU if isinstance(inner, GRU) else nn.LSTM)(I, H, **options)
    for direction, suffix in (("forwards.", ""), ("backwards.", "_reverse"))[: 2 if both else 1]:
        p = {
            name.removeprefix(direction): torch.tensor(array)
            for name, array in layer.parameters.items()
            if not both or name.startswith(direction)
        }
        with torch.no_grad():
            getattr(twin, f"weight_ih_l0{suffix}").copy_(p["W_x"].T)
            getattr(twin, f"weight_hh_l0{suffix}").copy_(p["W_h"].T)
            getattr(twin, f"bias_ih_l0{suffix}").copy_(p["b"])
            getattr(twin, f"bias_hh_l0{suffix}").zero_()
            if "b_hn" in p:
                getattr(twin, f"bias_hh_l0{suffix}")[2 * H :] = p["b_hn"]
    return twin


def draw(layer: Recurrent, rng: np.random.Generator) -> tuple[np.ndarray, list[np.ndarray]]:
    n = len(layer.state_names)
    return rng.normal(size=(B, T, I)), [rng.normal(0, 0.5, (B, H)) for _ in range(n)]


@pytest.mark.parametrize("name", [name for name in LAYERS if name not in TORCH_HAS_NOT])
def test_outputs_and_last_state_are_those_of_torch(name: str) -> None:
    rng = np.random.default_rng(1)
    layer = make(name, rng)
    x, state = draw(layer, rng)
    h = layer.forward(x, *state)

    twin = torch_layer(layer)
    if isinstance(twin, nn.LSTM):
        begin = tuple(torch.tensor(np.stack(state[k::2])) for k in (0, 1))
        expected, last = twin(torch.tensor(x), begin)
        # Ours is h, c of one direction after the other; torch's is all h, then all c.
        ours = [np.stack(layer.state[k::2]) for k in (0, 1)]
    else:
        expected, last = twin(torch.tensor(x), torch.tensor(np.stack(state)))
        last, ours = (last,), [np.stack(layer.state)]
    np.testing.assert_allclose(h, expected.detach().numpy(), rtol=0, atol=1e-12)
    for mine, theirs in zip(ours, last, strict=True):
        np.testing.assert_allclose(mine, theirs.detach().numpy(), rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", TORCH_HAS_NOT)
def test_outputs_of_what_torch_has_not_are_those_of_the_equations(name: str) -> None:
    rng = np.random.default_rng(1)
    layer = make(name, rng)
    x, state = draw(layer, rng)
    parameters = {name: torch.tensor(array) for name, array in layer.parameters.items()}
    expected, last = unrolled(layer, parameters, torch.tensor(x), [torch.tensor(s) for s in state])
    np.testing.assert_allclose(layer.forward(x, *state), expected.numpy(), rtol=0, atol=1e-12)
    for mine, theirs in zip(layer.state, last, strict=True):
        np.testing.assert_allclose(mine, theirs.numpy(), rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", LAYERS)
def test_every_gradient_is_that_of_autograd(name: str) -> None:
    """Parameters, inputs, initial states; with gradients from above and in the last state."""
    worst = ("", 0.0)
    for seed in range(5):
        rng = np.random.default_rng(seed)
        layer = make(name, rng)
        x, state = draw(layer, rng)
        h = layer.forward(x, *state)
        dh = rng.normal(size=h.shape)
        dstate = [rng.normal(size=s.shape) for s in state]
        dx = layer.backward(dh, *dstate)
        ours = {"x": dx, **layer.gradients}
        ours |= dict(zip(range(len(state)), layer.dstate, strict=True))

        leaves = {"x": torch.tensor(x), **{k: torch.tensor(p) for k, p in layer.parameters.items()}}
        leaves |= {k: torch.tensor(s) for k, s in enumerate(state)}
        for leaf in leaves.values():
            leaf.requires_grad_()
        parameters = {k: leaves[k] for k in layer.parameters}
        y, last = unrolled(layer, parameters, leaves["x"], [leaves[k] for k in range(len(state))])
        loss = (y * torch.tensor(dh)).sum()
        loss = loss + sum((s * torch.tensor(d)).sum() for s, d in zip(last, dstate, strict=True))
        theirs = dict(zip(leaves, torch.autograd.grad(loss, list(leaves.values())), strict=True))

        assert ours.keys() == theirs.keys()
        for key, gradient in theirs.items():
            error = elementwise_error(ours[key], gradient.numpy())
            worst = max(worst, (str(key), error), key=lambda entry: entry[1])
            assert error < 1e-6
    print(f"\n  torch  {name:20} largest relative error of an element {worst[1]:.1e} ({worst[0]})")


def test_torch_layers_own_gradients_agree_too() -> None:
    """Above, the comparison is with the equations; here, with nn.LSTM and nn.GRU themselves."""
    for name in ("LSTM", "GRU", "RNN tanh"):
        rng = np.random.default_rng(2)
        layer = make(name, rng)
        twin, x = torch_layer(layer), rng.normal(size=(B, T, I))
        dh = rng.normal(size=layer.forward(x).shape)
        layer.backward(dh)
        y, _ = twin(torch.tensor(x))
        y.backward(torch.tensor(dh))
        assert relative_error(layer.gradients["W_x"].T, twin.weight_ih_l0.grad.numpy()) < 1e-12
        assert relative_error(layer.gradients["W_h"].T, twin.weight_hh_l0.grad.numpy()) < 1e-12
        assert relative_error(layer.gradients["b"], twin.bias_ih_l0.grad.numpy()) < 1e-12
        if name == "GRU":
            theirs = twin.bias_hh_l0.grad.numpy()[2 * H :]
            assert relative_error(layer.gradients["b_hn"], theirs) < 1e-12


@pytest.mark.parametrize("name", ["RNN tanh", "LSTM", "PeepholeLSTM", "GRU"])
@pytest.mark.parametrize("window", [1, 3])
def test_truncated_bptt_is_autograd_with_the_state_detached(name: str, window: int) -> None:
    rng = np.random.default_rng(3)
    layer = make(name, rng)
    network = Network(layer, 2, rng)
    x, target = rng.normal(size=(B, T, I)), rng.normal(size=(B, T, 2))
    ours = {key: np.zeros_like(array) for key, array in network.parameters.items()}
    for _, share in truncated_bptt(network, x, target, mean_squared_error, window):
        for key, gradient in network.gradients.items():
            ours[key] += share * gradient

    p = {key: torch.tensor(array, requires_grad=True) for key, array in network.parameters.items()}
    cell = {key.removeprefix("recurrent."): leaf for key, leaf in p.items()}
    state = [torch.zeros(B, H, dtype=torch.float64) for _ in layer.state_names]
    squares = torch.zeros((), dtype=torch.float64)
    for x_k, target_k in zip(
        torch.tensor(x).split(window, 1), torch.tensor(target).split(window, 1), strict=True
    ):
        h, state = unrolled(layer, cell, x_k, [s.detach() for s in state])
        squares = squares + ((h @ p["linear.W"] + p["linear.b"] - target_k) ** 2).sum()
    (squares / target.size).backward()
    for key, leaf in p.items():
        assert relative_error(ours[key], leaf.grad.numpy()) < 1e-12


def test_linear() -> None:
    rng = np.random.default_rng(0)
    layer = Linear(H, 2, rng)
    layer.parameters["b"][:] = [0.3, -0.2]
    h, dy = rng.normal(size=(B, T, H)), rng.normal(size=(B, T, 2))
    leaves = [torch.tensor(array, requires_grad=True) for array in (h, *layer.parameters.values())]
    y = leaves[0] @ leaves[1] + leaves[2]
    np.testing.assert_allclose(layer.forward(h), y.detach().numpy(), rtol=0, atol=1e-12)
    y.backward(torch.tensor(dy))
    dh = layer.backward(dy)
    for mine, leaf in zip((dh, *layer.gradients.values()), leaves, strict=True):
        assert relative_error(mine, leaf.grad.numpy()) < 1e-12
