"""PeepholeLSTM: against jpseq.scratch, a loop step by step, torch's LSTM, differences, by hand."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import jpseq.scratch
from jpseq.batch import Batch
from jpseq.network.peephole import PeepholeLSTM

FEATURES, HIDDEN = 3, 4
LENGTHS = [4, 0, 1, 6, 4, 1]


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def network(bidirectional: bool = False, dropout: float = 0.0) -> PeepholeLSTM:
    """Its peepholes are open."""
    layer = PeepholeLSTM(FEATURES, HIDDEN, bidirectional, dropout).double()
    for direction in layer.directions:
        nn.init.normal_(direction.peephole)
    return layer


def batch(lengths: list[int]) -> Batch:
    values = torch.randn(len(lengths), max(lengths), FEATURES, dtype=torch.float64)
    return Batch(values, torch.tensor(lengths))


def some_state(directions: int, size: int) -> list[Tensor]:
    return [torch.randn(directions, size, HIDDEN, dtype=torch.float64) for _ in range(2)]


def step_by_step(
    layer: PeepholeLSTM, batch: Batch, initial: list[Tensor], kept: list[Tensor] | None = None
) -> list[Tensor]:
    """Outputs and last state, written out for autograd: a sequence and a step at a time.

    kept: (B, H) factors of h_{t-1} for each direction.
    """
    size, steps, _ = batch.values.shape
    outputs = batch.values.new_zeros(size, steps, len(layer.directions), HIDDEN)
    last = [[part.clone() for part in parts] for parts in initial]
    for d, one in enumerate(layer.directions):
        p_i, p_f, p_o = one.peephole
        for b, length in enumerate(batch.lengths.tolist()):
            h, c = (parts[d, b] for parts in initial)
            for t in range(length)[:: -1 if d else 1]:
                read = h if kept is None else h * kept[d][b]
                a = one.weight_ih @ batch.values[b, t] + one.weight_hh @ read + one.bias
                i, f, g, o = a.chunk(4)
                i, f = torch.sigmoid(i + p_i * c), torch.sigmoid(f + p_f * c)
                c = f * c + i * torch.tanh(g)
                h = torch.sigmoid(o + p_o * c) * torch.tanh(c)
                outputs[b, t, d] = h
            last[0][d][b], last[1][d][b] = h, c
    return [outputs.flatten(2), torch.stack(last[0]), torch.stack(last[1])]


def gradients(results: list[Tensor], leaves: list[Tensor]) -> list[Tensor]:
    torch.manual_seed(5)
    loss = torch.stack(
        [(each * torch.randn(each.shape, dtype=each.dtype)).sum() for each in results]
    ).sum()
    return list(torch.autograd.grad(loss, leaves))


def same(found: list[Tensor], wanted: list[Tensor]) -> None:
    for a, b in zip(found, wanted, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-12)


@pytest.mark.parametrize("lengths", [LENGTHS, [5, 5], [1], [3, 7]])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_outputs_states_and_gradients_are_those_of_a_plain_loop(
    bidirectional: bool, lengths: list[int]
) -> None:
    layer, sequences = network(bidirectional), batch(lengths)
    initial = some_state(len(layer.directions), len(lengths))
    leaves = [sequences.values, *initial, *layer.parameters()]
    for leaf in leaves:
        leaf.requires_grad_()
    outputs, last = layer(sequences, initial)
    wanted = step_by_step(layer, sequences, initial)
    same([outputs, *last], wanted)
    same(gradients([outputs, *last], leaves), gradients(wanted, leaves))


@pytest.mark.parametrize("part", [0, 1, 2])
def test_gradients_of_outputs_alone_and_of_the_last_state_alone(part: int) -> None:
    layer, sequences, initial = network(True), batch(LENGTHS), some_state(2, len(LENGTHS))
    leaves = list(layer.parameters())
    outputs, last = layer(sequences, initial)
    found = gradients([[outputs, *last][part]], leaves)
    same(found, gradients([step_by_step(layer, sequences, initial)[part]], leaves))


def test_gradients_against_differences() -> None:
    layer, sequences = network(bidirectional=True), batch([3, 0, 1])
    initial = some_state(2, 3)
    leaves = [sequences.values, *initial, *layer.parameters()]
    names = [name for name, _ in layer.named_parameters()]

    def run(values: Tensor, h: Tensor, c: Tensor, *weights: Tensor) -> tuple[Tensor, ...]:
        given = dict(zip(names, weights, strict=True))
        arguments = (sequences.replace(values), [h, c])
        outputs, last = torch.func.functional_call(layer, given, arguments)
        return (outputs, *last)

    leaves = [leaf.detach().requires_grad_() for leaf in leaves]
    assert torch.autograd.gradcheck(run, leaves, atol=1e-7, rtol=1e-6)


def test_it_is_the_one_of_scratch() -> None:
    own = jpseq.scratch.PeepholeLSTM(FEATURES, HIDDEN, rng=1)
    rng = np.random.default_rng(2)
    for name in ("p_i", "p_f", "p_o", "b"):
        own.parameters[name][:] = rng.standard_normal(own.parameters[name].shape)
    layer = PeepholeLSTM(FEATURES, HIDDEN).double()
    (direction,) = layer.directions
    peepholes = np.stack([own.parameters[name] for name in ("p_i", "p_f", "p_o")])
    weights = {
        "weight_ih": own.parameters["W_x"].T,
        "weight_hh": own.parameters["W_h"].T,
        "bias": own.parameters["b"],
        "peephole": peepholes,
    }
    direction.load_state_dict({k: torch.tensor(v) for k, v in weights.items()})
    x, h_0, c_0 = (rng.standard_normal(shape) for shape in ((5, 7, FEATURES), *[(5, HIDDEN)] * 2))
    dh, dh_last, dc_last = (
        rng.standard_normal(shape) for shape in ((5, 7, HIDDEN), *[(5, HIDDEN)] * 2)
    )
    h = own.forward(x, h_0, c_0)
    dx = own.backward(dh, dh_last, dc_last)

    values, start = torch.tensor(x, requires_grad=True), [torch.tensor(p)[None] for p in (h_0, c_0)]
    for part in start:
        part.requires_grad_()
    outputs, last = layer(Batch(values, torch.full((5,), 7)), start)
    above = [torch.tensor(dh), torch.tensor(dh_last)[None], torch.tensor(dc_last)[None]]
    torch.autograd.backward([outputs, *last], above)

    same([outputs, *last], [torch.tensor(h), *(torch.tensor(p)[None] for p in own.state)])
    slopes = own.gradients
    pairs = [
        (values.grad, dx),
        *zip((part.grad[0] for part in start), own.dstate, strict=True),
        (direction.weight_ih.grad, slopes["W_x"].T),
        (direction.weight_hh.grad, slopes["W_h"].T),
        (direction.bias.grad, slopes["b"]),
        (direction.peephole.grad, np.stack([slopes[name] for name in ("p_i", "p_f", "p_o")])),
    ]
    same([found for found, _ in pairs], [torch.tensor(wanted) for _, wanted in pairs])


@pytest.mark.parametrize("bidirectional", [False, True])
def test_with_shut_peepholes_it_is_torchs_lstm(bidirectional: bool) -> None:
    layer = PeepholeLSTM(FEATURES, HIDDEN, bidirectional).double()
    lstm = nn.LSTM(FEATURES, HIDDEN, batch_first=True, bidirectional=bidirectional).double()
    for direction, weights in zip(layer.directions, lstm.all_weights, strict=True):
        assert not direction.peephole.any()  # they begin so
        with torch.no_grad():
            direction.weight_ih.copy_(weights[0])
            direction.weight_hh.copy_(weights[1])
            direction.bias.copy_(weights[2] + weights[3])
    sequences, initial = batch([5, 5, 5]), some_state(len(layer.directions), 3)
    outputs, last = layer(sequences, initial)
    wanted, state = lstm(sequences.values, tuple(initial))
    same([outputs, *last], [wanted, *state])
    found = gradients([outputs, *last], list(layer.parameters()))
    theirs = gradients([wanted, *state], list(lstm.parameters()))
    for d in range(len(layer.directions)):
        same(found[4 * d : 4 * d + 3], theirs[4 * d : 4 * d + 3])


def test_one_unit_by_hand() -> None:
    layer = PeepholeLSTM(1, 1).double()
    weights = {
        "weight_ih": torch.tensor([[1.0], [2.0], [3.0], [4.0]]),
        "weight_hh": torch.tensor([[0.5], [0.25], [-0.5], [-0.25]]),
        "bias": torch.tensor([0.1, 0.2, 0.3, 0.4]),
        "peephole": torch.tensor([[2.0], [-1.0], [3.0]]),
    }
    layer.directions[0].load_state_dict(weights)
    x, h, c = 0.5, 0.2, -0.4
    bias = [float(b) for b in weights["bias"]]  # 0.1 of single precision is not that of double

    def sigmoid(a: float) -> float:
        return 1 / (1 + math.exp(-a))

    i = sigmoid(1 * x + 0.5 * h + 2 * c + bias[0])
    f = sigmoid(2 * x + 0.25 * h - 1 * c + bias[1])
    c_1 = f * c + i * math.tanh(3 * x - 0.5 * h + bias[2])
    o = sigmoid(4 * x - 0.25 * h + 3 * c_1 + bias[3])  # sees the new memory
    state = [torch.full((1, 1, 1), part, dtype=torch.float64) for part in (h, c)]
    values = torch.full((1, 1, 1), x, dtype=torch.float64)
    outputs, last = layer(Batch(values, torch.tensor([1])), state)
    assert outputs.item() == pytest.approx(o * math.tanh(c_1), abs=1e-15)
    assert last[0].item() == outputs.item()
    assert last[1].item() == pytest.approx(c_1, abs=1e-15)


def test_h_is_dropped_out_alike_at_all_steps() -> None:
    layer, sequences = network(bidirectional=True, dropout=0.5), batch(LENGTHS)
    initial = some_state(2, len(LENGTHS))
    drawn: list[Tensor] = []
    layer.dropout.register_forward_hook(lambda *given: drawn.append(given[2]))
    outputs, last = layer(sequences, initial)
    assert all(set(mask.unique().tolist()) == {0.0, 2.0} for mask in drawn)
    # Masks are drawn for sequences that are not empty, the longest first.
    order = [3, 0, 4, 2, 5]
    kept = [torch.zeros(len(LENGTHS), HIDDEN, dtype=torch.float64) for _ in drawn]
    for whole, mask in zip(kept, drawn, strict=True):
        whole[order] = mask
    wanted = step_by_step(layer, sequences, initial, kept)
    same([outputs, *last], wanted)
    leaves = list(layer.parameters())
    same(gradients([outputs, *last], leaves), gradients(wanted, leaves))

    outputs, last = layer.eval()(sequences, initial)
    same([outputs, *last], step_by_step(layer, sequences, initial))
    assert len(drawn) == 2


def test_a_batch_of_empty_sequences_gives_zero_gradients() -> None:
    layer = network(bidirectional=True, dropout=0.5)
    sequences = Batch(torch.randn(2, 3, FEATURES, dtype=torch.float64), torch.tensor([0, 0]))
    initial = some_state(2, 2)
    outputs, last = layer(sequences, initial)
    same([outputs, *last], [torch.zeros_like(outputs), *initial])
    assert not any(each.any() for each in gradients([outputs, *last], list(layer.parameters())))


def test_a_graph_that_is_kept_gives_the_same_gradients_again() -> None:
    layer, sequences = network(), batch(LENGTHS)
    outputs, _ = layer(sequences, some_state(1, len(LENGTHS)))
    leaves = list(layer.parameters())
    first = torch.autograd.grad(outputs.sum(), leaves, retain_graph=True)
    same(list(torch.autograd.grad(outputs.sum(), leaves)), list(first))


def test_gradients_of_gradients_are_refused_and_not_wrong() -> None:
    layer, sequences = network(), batch([2, 1])
    sequences.values.requires_grad_()
    outputs, _ = layer(sequences, some_state(1, 2))
    (slope,) = torch.autograd.grad(outputs.square().sum(), sequences.values, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        slope.sum().backward()


def test_under_autocast_states_stay_in_single_precision() -> None:
    layer, sequences = network(bidirectional=True).float(), batch(LENGTHS)
    sequences = sequences.replace(sequences.values.float())
    initial = [part.float() for part in some_state(2, len(LENGTHS))]
    wanted, _ = layer(sequences, initial)
    slopes = gradients([wanted], list(layer.parameters()))
    with torch.autocast("cpu", torch.bfloat16):
        outputs, last = layer(sequences, initial)
        found = gradients([outputs], list(layer.parameters()))  # inside, as some loops do
    assert {part.dtype for part in (outputs, *last, *found)} == {torch.float32}
    torch.testing.assert_close(outputs, wanted, rtol=0, atol=0.03)
    assert not torch.equal(outputs, wanted)  # the products were in bfloat16
    for a, b in zip(found, slopes, strict=True):
        assert (a - b).norm() <= 0.05 * b.norm()
