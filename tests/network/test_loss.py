"""linear_cross_entropy: the loss and gradients of all rows at once, without all their scores."""

from collections.abc import Iterator
from math import log

import pytest
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, linear
from torch.utils._python_dispatch import TorchDispatchMode

from jpseq.network.loss import CHUNK, Loss, linear_cross_entropy, linear_log_likelihood

FEATURES, WORDS = 7, 1100  # more words than rows in a chunk, so that shapes tell them apart


def inputs(rows: int, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """hidden, weight, bias and targets."""
    draw = torch.Generator().manual_seed(rows)
    shapes = ((rows, FEATURES), (WORDS, FEATURES), (WORDS,))
    hidden, weight, bias = (
        torch.randn(shape, generator=draw, dtype=dtype).requires_grad_() for shape in shapes
    )
    return hidden, weight, bias, torch.randint(WORDS, (rows,), generator=draw)


def at_once(hidden: Tensor, weight: Tensor, bias: Tensor, targets: Tensor, s: float) -> Tensor:
    scores = linear(hidden, weight, bias)
    return cross_entropy(scores, targets, reduction="sum", label_smoothing=s)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("rows", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 600])
def test_it_is_the_cross_entropy_of_all_rows(rows: int, smoothing: float) -> None:
    *learnt, targets = inputs(rows)
    value = linear_cross_entropy(*learnt, targets, smoothing)
    wanted = at_once(*learnt, targets, smoothing)
    assert value.item() == pytest.approx(wanted.item(), rel=1e-12)
    # Of three times the loss, as it is when a step gathers several batches.
    gradients = torch.autograd.grad(3 * value, learnt)
    for gradient, right in zip(gradients, torch.autograd.grad(3 * wanted, learnt), strict=True):
        torch.testing.assert_close(gradient, right, rtol=1e-12, atol=1e-12)


def test_by_hand() -> None:
    # Scores 0 and ln 3, so probabilities 1/4 and 3/4; with smoothing 1/2 the target is 3/4 and 1/4.
    hidden = torch.ones(1, 1, dtype=torch.float64, requires_grad=True)
    weight = torch.tensor([[0.0], [log(3)]], dtype=torch.float64, requires_grad=True)
    bias = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    loss = linear_cross_entropy(hidden, weight, bias, torch.tensor([0]))
    assert loss.item() == pytest.approx(log(4), rel=1e-12)
    d_hidden, d_weight, d_bias = torch.autograd.grad(loss, (hidden, weight, bias))
    assert d_hidden.item() == pytest.approx(0.75 * log(3), rel=1e-12)
    assert d_weight.flatten().tolist() == pytest.approx([-0.75, 0.75], rel=1e-12)
    assert d_bias.tolist() == pytest.approx([-0.75, 0.75], rel=1e-12)
    smooth = linear_cross_entropy(hidden, weight, bias, torch.tensor([0]), 0.5)
    assert smooth.item() == pytest.approx(0.75 * log(4) + 0.25 * log(4 / 3), rel=1e-12)


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_gradients_against_finite_differences(smoothing: float) -> None:
    draw = torch.Generator().manual_seed(0)
    learnt = [
        torch.randn(shape, generator=draw, dtype=torch.float64).requires_grad_()
        for shape in ((5, 3), (4, 3), (4,))
    ]
    targets = torch.tensor([0, 3, 3, 1, 2])
    assert torch.autograd.gradcheck(
        lambda *parts: linear_cross_entropy(*parts, targets, smoothing), learnt
    )


def test_going_backward_twice_gives_the_same_gradient_twice() -> None:
    *learnt, targets = inputs(3)
    double = 2 * linear_cross_entropy(*learnt, targets)
    first = [g.clone() for g in torch.autograd.grad(double, learnt, retain_graph=True)]
    for before, again in zip(first, torch.autograd.grad(double, learnt), strict=True):
        assert torch.equal(before, again)


def test_only_some_of_it_learns() -> None:
    hidden, weight, bias, targets = inputs(5)
    weight, bias = weight.detach(), bias.detach()
    value = linear_cross_entropy(hidden, weight, bias, targets)
    (gradient,) = torch.autograd.grad(value, hidden)
    (right,) = torch.autograd.grad(at_once(hidden, weight, bias, targets, 0.0), hidden)
    torch.testing.assert_close(gradient, right, rtol=1e-12, atol=1e-12)


class Results(TorchDispatchMode):
    """Notes whatever is computed, its shape, and the shape of sums of two types."""

    def __init__(self) -> None:
        super().__init__()
        self.shapes: list[tuple[int, ...]] = []
        self.kept: list[Tensor] = []
        self.mixed: list[tuple[int, ...]] = []

    def __torch_dispatch__(self, function, types, arguments=(), keywords=None):  # type: ignore[no-untyped-def]
        result = function(*arguments, **(keywords or {}))
        for part in result if isinstance(result, tuple | list) else [result]:
            if isinstance(part, Tensor):
                self.shapes.append(tuple(part.shape))
                self.kept.append(part)
        if function is torch.ops.aten.add_.Tensor and arguments[0].dtype != arguments[1].dtype:
            self.mixed.append(tuple(result.shape))
        return result


@pytest.fixture
def results() -> Iterator[Results]:
    with Results() as noted:
        yield noted


@pytest.mark.parametrize("bf16", [False, True])
def test_the_scores_are_never_held_whole(results: Results, bf16: bool) -> None:
    *learnt, targets = inputs(2 * CHUNK + 10, torch.float32)
    results.shapes.clear()
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        linear_cross_entropy(*learnt, targets, 0.1).backward()
    rows = {shape[0] for shape in results.shapes if len(shape) == 2 and shape[1] == WORDS}
    rows |= {shape[1] for shape in results.shapes if len(shape) == 2 and shape[0] == WORDS}
    assert rows - {FEATURES} == {CHUNK, 10}
    results.shapes.clear()
    at_once(*learnt, targets, 0.1)  # the measurement sees them where they are
    assert (len(targets), WORDS) in results.shapes


def test_chunks_share_what_is_as_large_as_the_table(results: Results) -> None:
    def tables(rows: int) -> int:
        """Different ones of the output layer's shape, gradients included."""
        *learnt, targets = inputs(rows, torch.float32)
        results.kept.clear()
        with torch.autocast("cpu", torch.bfloat16):
            linear_cross_entropy(*learnt, targets).backward()
        large = [part for part in results.kept if part.numel() == WORDS * FEATURES]
        return len({part.untyped_storage().data_ptr() for part in large})

    assert tables(5 * CHUNK) == tables(1)
    assert results.mixed == []  # within such a sum torch makes one more table


def test_nothing_is_computed_for_gradients_that_nobody_wants(results: Results) -> None:
    *learnt, targets = inputs(CHUNK + 1)
    results.shapes.clear()
    with torch.no_grad():
        value = linear_cross_entropy(*learnt, targets, 0.1)
    assert not value.requires_grad
    assert (WORDS, FEATURES) not in results.shapes
    assert (CHUNK, WORDS) in results.shapes
    assert value.item() == pytest.approx(at_once(*learnt, targets, 0.1).item(), rel=1e-12)


def test_bf16_rounds_the_products_only() -> None:
    *learnt, targets = inputs(600, torch.float32)
    with torch.autocast("cpu", torch.bfloat16):
        value = linear_cross_entropy(*learnt, targets)
    assert value.dtype == torch.float32
    gradients = torch.autograd.grad(value, learnt)
    exact = at_once(*(part.double() for part in learnt), targets, 0.0)
    right = torch.autograd.grad(exact, learnt)
    assert value.item() == pytest.approx(exact.item(), rel=1e-3)
    for gradient, wanted in zip(gradients, right, strict=True):
        assert gradient.dtype == torch.float32
        assert float((gradient - wanted).norm() / wanted.norm()) < 1e-2


def test_targets_that_are_no_word() -> None:
    hidden, weight, bias, _ = inputs(1)
    with pytest.raises(RuntimeError, match="out of bounds"):
        linear_cross_entropy(hidden, weight, bias, torch.tensor([WORDS]))


def test_a_mean_is_per_prediction() -> None:
    assert Loss(torch.tensor(6.0), torch.tensor(4)).mean.item() == 1.5
    assert Loss(torch.tensor(0.0), torch.tensor(0)).mean.item() == 0


@pytest.mark.parametrize("rows", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 600])
def test_log_likelihoods_are_those_of_the_softmax(rows: int) -> None:
    hidden, weight, bias, targets = inputs(rows)
    found = linear_log_likelihood(hidden, weight, bias, targets)
    wanted = linear(hidden, weight, bias).log_softmax(1)[torch.arange(rows), targets]
    assert tuple(found.shape) == (rows,)
    assert not found.requires_grad
    torch.testing.assert_close(found, wanted.detach())
    total = linear_cross_entropy(hidden, weight, bias, targets)
    assert found.sum().item() == pytest.approx(-total.item(), rel=1e-12)


def test_log_likelihoods_by_hand() -> None:
    # Probabilities 1/4 and 3/4.
    hidden, weight, bias = torch.ones(2, 1), torch.zeros(2, 1), torch.tensor([0.0, log(3)])
    found = linear_log_likelihood(hidden, weight, bias, torch.tensor([0, 1]))
    assert found.tolist() == pytest.approx([-log(4), -log(4 / 3)])


@pytest.mark.parametrize("rows", [0, 3])
def test_log_likelihoods_of_rounded_products_are_in_single_precision(rows: int) -> None:
    hidden, weight, bias, targets = inputs(rows, torch.float32)
    exact = linear_log_likelihood(hidden, weight, bias, targets)
    with torch.autocast("cpu", torch.bfloat16):
        found = linear_log_likelihood(hidden.bfloat16(), weight, bias, targets)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, exact, rtol=0.02, atol=0.05)


def test_the_scores_of_log_likelihoods_are_never_held_whole(results: Results) -> None:
    *learnt, targets = inputs(2 * CHUNK + 10, torch.float32)
    results.shapes.clear()
    linear_log_likelihood(*learnt, targets)
    shapes = [shape for shape in results.shapes if len(shape) == 2 and shape[1] == WORDS]
    assert {rows for rows, _ in shapes} - {FEATURES} == {CHUNK, 10}
