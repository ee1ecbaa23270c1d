"""Fused: reading the padding on a processor gives what packing gives, gradients included."""

from itertools import product

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from jpseq.batch import Batch
from jpseq.network.fused import CELLS, Fused, _turned

FEATURES, HIDDEN = 3, 4

kinds = pytest.mark.parametrize(("cell", "bidirectional"), list(product(CELLS, (False, True))))


def both_ways(layer: Fused, lengths: list[int]) -> list[list[Tensor]]:
    """Outputs, last states and all gradients: of the padded way and of the packed one."""
    torch.manual_seed(1)
    dtype, directions = layer.rnn.weight_ih_l0.dtype, len(layer.rnn.all_weights)
    values = torch.randn(len(lengths), max(lengths), FEATURES, dtype=dtype)
    count = 2 if layer.cell == "lstm" else 1
    state = [torch.randn(directions, len(lengths), HIDDEN, dtype=dtype) for _ in range(count)]
    leaves = [values, *state, *layer.parameters()]
    filled = torch.tensor(lengths) > 0
    found = []
    for read in (layer._padded, layer._packed):
        for leaf in leaves:
            leaf.requires_grad_()
        outputs, last = read(Batch(values, torch.tensor(lengths)), state)
        last = [part[:, filled] for part in last]  # of an empty sequence it means nothing
        results = [outputs, *last]
        torch.manual_seed(2)
        loss = sum((each * torch.randn_like(each.float())).sum() for each in results)
        gradients = torch.autograd.grad(loss, leaves)
        found.append([*results, *gradients])
    return found


@pytest.mark.parametrize("lengths", [[5, 2, 4, 1], [6], [3, 3], [1, 7, 0, 2], [0, 1]])
@kinds
def test_padded_and_packed_are_the_same(cell: str, bidirectional: bool, lengths: list[int]) -> None:
    padded, packed = both_ways(Fused(cell, FEATURES, HIDDEN, bidirectional).double(), lengths)
    for a, b in zip(padded, packed, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-13)


@kinds
def test_in_single_precision_too(cell: str, bidirectional: bool) -> None:
    # On a processor torch reads a padded LSTM of single precision by other code than a packed one.
    padded, packed = both_ways(Fused(cell, FEATURES, HIDDEN, bidirectional), [5, 2, 0, 7, 1])
    for a, b in zip(padded, packed, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=2e-5)


@kinds
def test_under_autocast_both_are_about_the_same(cell: str, bidirectional: bool) -> None:
    layer = Fused(cell, FEATURES, HIDDEN, bidirectional)
    with torch.autocast("cpu", torch.bfloat16):
        padded, packed = both_ways(layer, [5, 2, 0, 7, 1])
    for a, b in zip(padded, packed, strict=True):
        assert (a - b).norm() <= 0.05 * b.norm()


def test_the_memory_of_a_saturated_cell_is_kept_exactly() -> None:
    # Through 200 steps of padding, which would fill or empty it if a gate were a little open.
    layer = Fused("lstm", 1, 2).double()
    values = torch.full((2, 201, 1), 50.0, dtype=torch.float64)
    initial = [torch.zeros(1, 2, 2, dtype=torch.float64) + c for c in (0.5, 30.0)]
    _, (hidden, cell) = layer._padded(Batch(values, torch.tensor([1, 201])), initial)
    _, (own_hidden, own_cell) = layer(
        Batch(values[:1, :1], torch.tensor([1])), [part[:, :1] for part in initial]
    )
    assert torch.equal(hidden[:, :1], own_hidden)
    assert torch.equal(cell[:, :1], own_cell)


@pytest.mark.parametrize(
    ("lengths", "learns", "way"),
    [
        ([5, 5, 5, 5], True, None),
        ([5, 5, 5, 1], True, "_padded"),
        ([5, 5, 5, 1], False, "_packed"),
        ([5, 5, 4, 1], True, "_packed"),
    ],
)
def test_which_way_is_taken(
    lengths: list[int], learns: bool, way: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer, taken = Fused("gru", FEATURES, HIDDEN), []
    for name in ("_padded", "_packed"):
        method = getattr(layer, name)
        monkeypatch.setattr(
            layer, name, lambda *given, n=name, m=method: (taken.append(n), m(*given))[1]
        )
    batch = Batch(torch.randn(4, 5, FEATURES), torch.tensor(lengths))
    with torch.set_grad_enabled(learns):
        layer(batch, [torch.zeros(1, 4, HIDDEN)])
    assert taken == ([way] if way else [])


@given(st.lists(st.integers(0, 6), min_size=1, max_size=5), st.integers(0, 2))
def test_turned_twice_is_as_before(lengths: list[int], more: int) -> None:
    steps = max(lengths) + more
    values = torch.arange(len(lengths) * steps * 2.0).view(len(lengths), steps, 2)
    count = torch.tensor(lengths)
    turned = _turned(values, count)
    assert torch.equal(_turned(turned, count), values)
    for i, length in enumerate(lengths):
        assert torch.equal(turned[i, :length], values[i, :length].flip(0))
        assert torch.equal(turned[i, length:], values[i, length:])
