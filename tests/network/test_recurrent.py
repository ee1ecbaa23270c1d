"""Recurrent: exact lengths, states and gradients, against torch's own layers and by hand."""

import math
from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from jpseq.batch import Batch
from jpseq.network.recurrent import CELLS, Cell, Recurrent, State

LENGTHS = [4, 0, 1, 3, 5, 1, 0]
FEATURES, HIDDEN = 3, 4

kinds = pytest.mark.parametrize(
    ("cell", "layers", "bidirectional"), list(product(CELLS, (1, 2), (False, True)))
)


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def layer(cell: Cell, layers: int, bidirectional: bool) -> Recurrent:
    return Recurrent(cell, FEATURES, HIDDEN, layers, bidirectional).double()


def padded(lengths: list[int], steps: int, padding: float = 7.0) -> Batch:
    """Random sequences whose padding is anything but zero."""
    values = torch.randn(len(lengths), steps, FEATURES, dtype=torch.float64)
    batch = Batch(values, torch.tensor(lengths))
    return batch.replace(values.masked_fill(~batch.mask[:, :, None], padding))


def some_state(network: Recurrent, size: int) -> State:
    shape = (network.layers, size, network.output_size)
    parts = [torch.randn(shape, dtype=torch.float64) for _ in range(2)]
    return State(parts[0], parts[1] if isinstance(network.rnn, nn.LSTM) else None)


def parts(state: State) -> list[Tensor]:
    return [part for part in state if part is not None]


def same(a: Tensor, b: Tensor) -> None:
    torch.testing.assert_close(a, b, rtol=0, atol=1e-14)


@kinds
@pytest.mark.parametrize("given", [False, True])
def test_a_padded_batch_gives_what_each_sequence_alone_gives(
    cell: Cell, layers: int, bidirectional: bool, given: bool
) -> None:
    network = layer(cell, layers, bidirectional)
    batch = padded(LENGTHS, steps=6)
    initial = some_state(network, len(LENGTHS)) if given else None
    outputs, last = network(batch, initial)
    assert outputs.lengths.tolist() == LENGTHS
    assert not outputs.values[~batch.mask].any()
    for i, length in enumerate(LENGTHS):
        alone = Batch(batch.values[i : i + 1, :length], torch.tensor([length]))
        own = State(*(p[:, i : i + 1] for p in parts(initial))) if initial else None
        wanted, state = network(alone, own)
        same(outputs.values[i, :length], wanted.values[0])
        for a, b in zip(parts(last), parts(state), strict=True):
            same(a[:, i], b[:, 0])


@kinds
def test_it_is_torchs_own_layer(cell: Cell, layers: int, bidirectional: bool) -> None:
    network = layer(cell, layers, bidirectional)
    reference = CELLS[cell](
        FEATURES, HIDDEN, layers, batch_first=True, bidirectional=bidirectional
    ).double()
    reference.load_state_dict(network.rnn.state_dict())
    initial = some_state(network, 2)
    values = torch.randn(2, 5, FEATURES, dtype=torch.float64)
    outputs, last = network(Batch(values, torch.tensor([5, 5])), initial)

    # Torch keeps a row for each layer and direction; ours has both directions side by side.
    def rows(part: Tensor) -> Tensor:
        directions = [part[:, :, i : i + HIDDEN] for i in range(0, part.shape[2], HIDDEN)]
        return torch.stack(directions, 1).flatten(0, 1).contiguous()

    first: Any = [rows(part) for part in parts(initial)]
    wanted, final = reference(values, tuple(first) if cell == "lstm" else first[0])
    same(outputs.values, wanted)
    for part, row in zip(parts(last), final if cell == "lstm" else [final], strict=True):
        same(rows(part), row)


@kinds
def test_without_an_initial_state_it_starts_from_zeros(
    cell: Cell, layers: int, bidirectional: bool
) -> None:
    network = layer(cell, layers, bidirectional)
    batch = padded(LENGTHS, steps=5)
    zeros = State(*(torch.zeros_like(part) for part in parts(some_state(network, len(LENGTHS)))))
    assert torch.equal(network(batch)[0].values, network(batch, zeros)[0].values)


@kinds
def test_the_initial_state_matters_and_an_empty_sequence_returns_it(
    cell: Cell, layers: int, bidirectional: bool
) -> None:
    network = layer(cell, layers, bidirectional)
    batch = padded(LENGTHS, steps=5)
    initial = some_state(network, len(LENGTHS))
    outputs, last = network(batch, initial)
    other = network(batch)[0].values
    for i, length in enumerate(LENGTHS):
        assert torch.equal(outputs.values[i], other[i]) == (length == 0)
        for before, after in zip(parts(initial), parts(last), strict=True):
            assert torch.equal(before[:, i], after[:, i]) == (length == 0)


@kinds
@pytest.mark.parametrize(("size", "steps"), [(0, 0), (0, 3), (2, 0), (2, 3)])
def test_a_batch_of_nothing(
    cell: Cell, layers: int, bidirectional: bool, size: int, steps: int
) -> None:
    network = layer(cell, layers, bidirectional)
    initial = some_state(network, size)
    outputs, last = network(padded([0] * size, steps), initial)
    assert torch.equal(
        outputs.values, torch.zeros(size, steps, network.output_size, dtype=torch.float64)
    )
    for before, after in zip(parts(initial), parts(last), strict=True):
        assert torch.equal(before, after)


@kinds
def test_no_gradient_flows_from_padding(cell: Cell, layers: int, bidirectional: bool) -> None:
    network = layer(cell, layers, bidirectional)
    batch = padded(LENGTHS, steps=6)
    values = batch.values.requires_grad_()
    outputs, last = network(batch.replace(values))
    (outputs.values.square().sum() + sum(p.square().sum() for p in parts(last))).backward()
    assert values.grad is not None
    assert not values.grad[~batch.mask].any()
    assert values.grad[batch.mask].all()


def test_padding_adds_nothing_to_the_gradients_of_weights() -> None:
    network = layer("gru", 2, True)
    batch = padded([3, 0, 1], steps=4)

    def gradients(batches: list[Batch]) -> list[Tensor]:
        network.zero_grad()
        for each in batches:
            network(each)[0].values.square().sum().backward()
        return [p.grad.clone() for p in network.parameters() if p.grad is not None]

    alone = [
        Batch(batch.values[i : i + 1, :n], torch.tensor([n])) for i, n in enumerate([3, 0, 1]) if n
    ]
    found, wanted = gradients([batch]), gradients(alone)
    assert len(found) == len(wanted) == 16
    for a, b in zip(found, wanted, strict=True):
        same(a, b)


def test_rnn_of_one_unit_by_hand() -> None:
    # h_t = tanh(0.5 x_t + 2 h_{t-1} + 0.25), from h_0 = 1, over x = 1, -2.
    network = Recurrent("rnn", 1, 1).double()
    weights = {"weight_ih_l0": 0.5, "weight_hh_l0": 2.0, "bias_ih_l0": 0.25, "bias_hh_l0": 0.0}
    for name, value in weights.items():
        nn.init.constant_(network.rnn.get_parameter(name), value)
    values = torch.tensor([[[1.0], [-2.0]]], dtype=torch.float64)
    initial = State(torch.ones(1, 1, 1, dtype=torch.float64))
    outputs, last = network(Batch(values, torch.tensor([2])), initial)
    first = math.tanh(0.5 * 1 + 2 * 1 + 0.25)
    second = math.tanh(0.5 * -2 + 2 * first + 0.25)
    assert outputs.values.flatten().tolist() == pytest.approx([first, second], abs=1e-15)
    assert last.hidden.item() == outputs.values[0, -1].item()


def test_directions_stand_side_by_side_forward_first() -> None:
    network = layer("gru", 1, True)
    values = torch.randn(1, 3, FEATURES, dtype=torch.float64)
    outputs, last = network(Batch(values, torch.tensor([3])))
    assert torch.equal(last.hidden[0, 0, :HIDDEN], outputs.values[0, -1, :HIDDEN])
    assert torch.equal(last.hidden[0, 0, HIDDEN:], outputs.values[0, 0, HIDDEN:])


@pytest.mark.parametrize("layers", [1, 2])
def test_dropout_is_between_layers_and_while_training_only(layers: int) -> None:
    network = Recurrent("gru", FEATURES, HIDDEN, layers, dropout=0.5).double()
    batch = padded([5, 5], steps=5)
    trained = [network.train()(batch)[0].values for _ in range(2)]
    assert torch.equal(*trained) == (layers == 1)
    assert torch.equal(*[network.eval()(batch)[0].values for _ in range(2)])
