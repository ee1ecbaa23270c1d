"""Recurrent: exact lengths, states and gradients, against torch's own layers and by hand."""

import math
from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from jpseq.batch import Batch
from jpseq.errors import ConfigurationError, DataError
from jpseq.network.fused import CELLS
from jpseq.network.recurrent import Cell, Recurrent, State

# Mostly padding, and hardly any: on a processor the two are read by different ways.
LENGTHS = [4, 0, 1, 3, 5, 1, 0]
FULL_LENGTHS = [6, 0, 6, 5, 6, 6, 6]
FEATURES, HIDDEN = 3, 4
ALL_CELLS: tuple[Cell, ...] = ("rnn", "lstm", "gru", "peephole")

kinds = pytest.mark.parametrize(
    ("cell", "layers", "bidirectional"), list(product(ALL_CELLS, (1, 2), (False, True)))
)

fillings = pytest.mark.parametrize("lengths", [LENGTHS, FULL_LENGTHS])


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
    return State(parts[0], parts[1] if network.cell in ("lstm", "peephole") else None)


def parts(state: State) -> list[Tensor]:
    return [part for part in state if part is not None]


def same(a: Tensor, b: Tensor) -> None:
    torch.testing.assert_close(a, b, rtol=0, atol=1e-14)


@kinds
@fillings
@pytest.mark.parametrize("given", [False, True])
def test_a_padded_batch_gives_what_each_sequence_alone_gives(
    cell: Cell, layers: int, bidirectional: bool, lengths: list[int], given: bool
) -> None:
    network = layer(cell, layers, bidirectional)
    batch = padded(lengths, steps=6)
    initial = some_state(network, len(lengths)) if given else None
    outputs, last = network(batch, initial)
    assert outputs.lengths.tolist() == lengths
    assert not outputs.values[~batch.mask].any()
    for i, length in enumerate(lengths):
        alone = Batch(batch.values[i : i + 1, :length], torch.tensor([length]))
        own = State(*(p[:, i : i + 1] for p in parts(initial))) if initial else None
        wanted, state = network(alone, own)
        same(outputs.values[i, :length], wanted.values[0])
        for a, b in zip(parts(last), parts(state), strict=True):
            same(a[:, i], b[:, 0])


@pytest.mark.parametrize(
    ("cell", "layers", "bidirectional"), list(product(CELLS, (1, 2), (False, True)))
)
def test_it_is_torchs_own_layer(cell: Cell, layers: int, bidirectional: bool) -> None:
    network = layer(cell, layers, bidirectional)
    reference = CELLS[cell](
        FEATURES, HIDDEN, layers, batch_first=True, bidirectional=bidirectional
    ).double()
    weights = {
        name.replace("_l0", f"_l{index}"): value
        for index, each in enumerate(network.stack)
        for name, value in each.rnn.state_dict().items()
    }
    reference.load_state_dict(weights)
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
@fillings
def test_the_initial_state_matters_and_an_empty_sequence_returns_it(
    cell: Cell, layers: int, bidirectional: bool, lengths: list[int]
) -> None:
    network = layer(cell, layers, bidirectional)
    batch = padded(lengths, steps=6)
    initial = some_state(network, len(lengths))
    outputs, last = network(batch, initial)
    other = network(batch)[0].values
    for i, length in enumerate(lengths):
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
@fillings
def test_no_gradient_flows_from_padding(
    cell: Cell, layers: int, bidirectional: bool, lengths: list[int]
) -> None:
    network = layer(cell, layers, bidirectional)
    batch = padded(lengths, steps=6)
    values = batch.values.requires_grad_()
    outputs, last = network(batch.replace(values))
    (outputs.values.square().sum() + sum(p.square().sum() for p in parts(last))).backward()
    assert values.grad is not None
    assert not values.grad[~batch.mask].any()
    assert values.grad[batch.mask].all()


@pytest.mark.parametrize("cell", ALL_CELLS)
@fillings
def test_padding_adds_nothing_to_the_gradients_of_weights(cell: Cell, lengths: list[int]) -> None:
    network = layer(cell, 2, True)
    batch = padded(lengths, steps=6)

    def gradients(batches: list[Batch]) -> list[Tensor]:
        network.zero_grad()
        for each in batches:
            network(each)[0].values.square().sum().backward()
        return [p.grad.clone() for p in network.parameters() if p.grad is not None]

    alone = [
        Batch(batch.values[i : i + 1, :n], torch.tensor([n])) for i, n in enumerate(lengths) if n
    ]
    found, wanted = gradients([batch]), gradients(alone)
    assert len(found) == len(wanted) == len(list(network.parameters()))
    for a, b in zip(found, wanted, strict=True):
        same(a, b)


def test_rnn_of_one_unit_by_hand() -> None:
    # h_t = tanh(0.5 x_t + 2 h_{t-1} + 0.25), from h_0 = 1, over x = 1, -2.
    network = Recurrent("rnn", 1, 1).double()
    weights = {"weight_ih_l0": 0.5, "weight_hh_l0": 2.0, "bias_ih_l0": 0.25, "bias_hh_l0": 0.0}
    for name, value in weights.items():
        nn.init.constant_(network.stack[0].rnn.get_parameter(name), value)
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


@kinds
@fillings
def test_what_stands_in_the_padding_is_never_read(
    cell: Cell, layers: int, bidirectional: bool, lengths: list[int]
) -> None:
    network = layer(cell, layers, bidirectional)
    batch = padded(lengths, steps=6, padding=math.nan)
    outputs, last = network(batch)
    (outputs.values.sum() + sum(p.sum() for p in parts(last))).backward()
    assert all(part.isfinite().all() for part in (outputs.values, *parts(last)))
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())


@kinds
@fillings
def test_in_bfloat16_it_is_about_the_same(
    cell: Cell, layers: int, bidirectional: bool, lengths: list[int]
) -> None:
    network = layer(cell, layers, bidirectional).float()
    batch = padded(lengths, steps=6)
    batch = batch.replace(batch.values.float())
    wanted, state = network(batch)
    gradients = torch.autograd.grad(wanted.values.square().sum(), list(network.parameters()))
    with torch.autocast("cpu", torch.bfloat16):
        outputs, last = network(batch)
    found = torch.autograd.grad(outputs.values.float().square().sum(), list(network.parameters()))
    close = {"rtol": 0, "atol": 0.03, "check_dtype": False}
    torch.testing.assert_close(outputs.values, wanted.values, **close)
    for a, b in zip(parts(last), parts(state), strict=True):
        torch.testing.assert_close(a, b, **close)
    for a, b in zip(found, gradients, strict=True):
        assert (a - b).norm() <= 0.05 * b.norm()


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("cell", ALL_CELLS)
def test_dropout_is_between_layers_and_while_training_only(cell: Cell, layers: int) -> None:
    network = Recurrent(cell, FEATURES, HIDDEN, layers, dropout=0.5).double()
    batch = padded([5, 5], steps=5)
    trained = [network.train()(batch)[0].values for _ in range(2)]
    assert torch.equal(*trained) == (layers == 1)
    assert torch.equal(*[network.eval()(batch)[0].values for _ in range(2)])


def seen_by_layers(network: Recurrent, batch: Batch) -> list[Tensor]:
    """What each layer is given to read."""
    seen: list[Tensor] = []
    hooks = [
        each.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].values))
        for each in network.stack
    ]
    network(batch)
    for hook in hooks:
        hook.remove()
    return seen


@pytest.mark.parametrize("cell", ALL_CELLS)
def test_variational_dropout_drops_the_same_features_at_all_steps(cell: Cell) -> None:
    sizes = (40, 50)
    network = Recurrent(cell, *sizes, layers=2, dropout=0.5, variational=True)
    values = torch.rand(8, 6, sizes[0]) + 1
    batch = Batch(values, torch.full((8,), 6))
    for index, inputs in enumerate(seen_by_layers(network, batch)):
        dropped = inputs == 0
        assert torch.equal(dropped, dropped[:, :1].expand_as(dropped))
        assert not torch.equal(dropped[0], dropped[1])  # of its own for each sequence
        assert 0.35 < dropped.double().mean() < 0.65
        if index == 0:
            kept = ~dropped
            torch.testing.assert_close(inputs[kept], 2 * values[kept])
    assert torch.equal(seen_by_layers(network.eval(), batch)[0], values)


def test_ordinary_dropout_drops_other_features_at_each_step() -> None:
    network = Recurrent("gru", 40, 50, layers=2, dropout=0.5)
    values = torch.rand(8, 6, 40)
    first, second = seen_by_layers(network, Batch(values, torch.full((8,), 6)))
    assert torch.equal(first, values)
    assert not torch.equal(second[:, 0] == 0, second[:, 1] == 0)


@pytest.mark.parametrize("cell", ALL_CELLS)
def test_added_directions_are_the_sum_of_the_two_halves(cell: Cell) -> None:
    beside = Recurrent(cell, FEATURES, HIDDEN, bidirectional=True).double()
    added = Recurrent(cell, FEATURES, HIDDEN, bidirectional=True, merge="add").double()
    added.load_state_dict(beside.state_dict())
    assert (beside.output_size, added.output_size) == (2 * HIDDEN, HIDDEN)
    batch = padded(LENGTHS, steps=6)
    start = some_state(added, len(LENGTHS))
    twice = State(*(torch.cat([part, part], 2) for part in parts(start)))
    halves, last = beside(batch, twice)
    outputs, state = added(batch, start)
    assert torch.equal(outputs.values, halves.values[..., :HIDDEN] + halves.values[..., HIDDEN:])
    for a, b, before in zip(parts(state), parts(last), parts(start), strict=True):
        for i, length in enumerate(LENGTHS):
            wanted = b[:, i, :HIDDEN] + b[:, i, HIDDEN:] if length else before[:, i]
            assert torch.equal(a[:, i], wanted)


@pytest.mark.parametrize("cell", ALL_CELLS)
def test_layers_stand_on_added_directions(cell: Cell) -> None:
    network = Recurrent(cell, FEATURES, HIDDEN, 3, bidirectional=True, merge="add").double()
    batch = padded(LENGTHS, steps=6)
    inputs = seen_by_layers(network, batch)
    assert [each.shape[2] for each in inputs] == [FEATURES, HIDDEN, HIDDEN]
    outputs, last = network(batch)
    assert outputs.values.shape == (len(LENGTHS), 6, HIDDEN)
    assert last.hidden.shape == (3, len(LENGTHS), HIDDEN)
    alone, state = network(Batch(batch.values[:1, :4], torch.tensor([4])))
    same(outputs.values[:1, :4], alone.values)
    same(last.hidden[:, :1], state.hidden)


@pytest.mark.parametrize("cell", ALL_CELLS)
def test_normalised_outputs_have_mean_0_and_variance_1(cell: Cell) -> None:
    network = Recurrent(cell, FEATURES, HIDDEN, 2, bidirectional=True, normalize=True).double()
    for norm in network.norms:
        norm.eps = 0.0
    batch = padded(LENGTHS, steps=6)
    _, inputs = seen_by_layers(network, batch)
    outputs, last = network(batch)
    for values in (inputs, outputs.values):
        steps = values[batch.mask]
        same(steps.mean(1), torch.zeros(len(steps), dtype=torch.float64))
        torch.testing.assert_close(steps.var(1, correction=0), torch.ones_like(steps[:, 0]))
    # Its shift and scale do not reach the padding, nor the state.
    nn.init.constant_(network.norms[1].bias, 5.0)
    shifted, unchanged = network(batch)
    same(shifted.values[batch.mask], outputs.values[batch.mask] + 5)
    assert not shifted.values[~batch.mask].any()
    assert all(map(torch.equal, parts(unchanged), parts(last)))


def test_a_state_is_carried_from_batch_to_batch_whatever_is_normalised() -> None:
    network = Recurrent("gru", FEATURES, HIDDEN, 2, normalize=True).double()
    batch = padded([6], steps=6)
    whole, last = network(batch)
    head, state = network(Batch(batch.values[:, :2], torch.tensor([2])))
    tail, end = network(Batch(batch.values[:, 2:], torch.tensor([4])), state)
    same(torch.cat([head.values, tail.values], 1), whole.values)
    same(end.hidden, last.hidden)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cell": "lstn"}, "cell is 'lstn'; it must be one of rnn, lstm, .* mean 'lstm'"),
        ({"cell": "gru", "merge": "sum"}, "merge is 'sum'; .* concatenate, add"),
        ({"cell": "gru", "dropout": 1.0}, r"dropout is 1\.0; .* below 1"),
        ({"cell": "gru", "dropout": -0.1}, r"dropout is -0\.1"),
    ],
)
def test_what_is_not_allowed_is_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        Recurrent(input_size=2, hidden_size=3, **options)


@pytest.mark.parametrize("cell", ALL_CELLS)
def test_shapes_that_do_not_fit_are_named(cell: Cell) -> None:
    network = layer(cell, 2, True)
    batch = padded([3, 2], steps=3)
    right = some_state(network, 2)
    wrong = right._replace(hidden=right.hidden[:, :1])
    with pytest.raises(DataError, match=r"hidden \(2, 2, 8\), got \(2, 1, 8\)"):
        network(batch, wrong)
    with pytest.raises(DataError, match=r"values \(B, T, 3\), got \(2, 3, 2\)"):
        network(batch.replace(batch.values[:, :, :2]))
    if right.cell is not None:
        with pytest.raises(DataError, match=r"cell \(2, 2, 8\), got none"):
            network(batch, State(right.hidden))
