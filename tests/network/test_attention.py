"""Attention by hand: over words, over the regions of an image, with padding, with coverage."""

import math

import pytest
import torch
from torch import Tensor

from jpseq.batch import Batch
from jpseq.errors import ConfigurationError
from jpseq.network.attention import Attention, Score

SCORES: list[Score] = ["additive", "dot", "general"]
each_score = pytest.mark.parametrize("score", SCORES)


def batch(rows: list[list[list[float]]], lengths: list[int]) -> Batch:
    return Batch(torch.tensor(rows, dtype=torch.float64), torch.tensor(lengths))


def read(attention: Attention, query: list[float], memory: Batch) -> tuple[list[float], Tensor]:
    one = torch.tensor([[query]], dtype=torch.float64)
    context, weights = attention.double()(one, attention.remember(memory))
    return weights[0, 0].tolist(), context[0, 0]


WORDS = batch([[[2.0, 0.0], [0.0, 4.0]]], [2])


def test_dot_by_hand() -> None:
    weights, context = read(Attention("dot", 2, 2), [math.log(3) / math.sqrt(2), 0.0], WORDS)
    # The scores are 2 log 3 / sqrt(2) / sqrt(2) = log 3 and 0.
    assert weights == pytest.approx([0.75, 0.25])
    assert context.tolist() == pytest.approx([1.5, 1.0])


def test_general_by_hand() -> None:
    attention = Attention("general", 2, 1)
    attention.key.weight.data = torch.tensor([[0.0, math.log(2) / 4]])
    weights, context = read(attention, [2.0], WORDS)
    assert weights == pytest.approx([0.2, 0.8])  # q W y: 0 and 2 log 2
    assert context.tolist() == pytest.approx([0.4, 3.2])


def additive(coverage: bool = False) -> Attention:
    """v = (1, 2), W = I, U = (1, 0), b = (0, 1)."""
    attention = Attention("additive", 2, 1, size=2, coverage=coverage)
    attention.key.weight.data = torch.eye(2)
    attention.key.bias.data = torch.tensor([0.0, 1.0])
    attention.query.weight.data = torch.tensor([[1.0], [0.0]])
    attention.energy.weight.data = torch.tensor([[1.0, 2.0]])
    return attention


def test_additive_by_hand() -> None:
    weights, _ = read(additive(), [-2.0], WORDS)
    first = math.tanh(2 - 2) + 2 * math.tanh(0 + 1)
    second = math.tanh(0 - 2) + 2 * math.tanh(4 + 1)
    p = 1 / (1 + math.exp(second - first))
    assert weights == pytest.approx([p, 1 - p])


def test_coverage_by_hand() -> None:
    attention = additive(coverage=True).double()
    attention.coverage.data = torch.tensor([0.0, -1.0], dtype=torch.float64)
    coverage = torch.tensor([[2.0, 0.5]], dtype=torch.float64)
    query = torch.tensor([[[-2.0]]], dtype=torch.float64)
    _, weights = attention(query, attention.remember(WORDS), coverage)
    first = math.tanh(0) + 2 * math.tanh(1 - 2.0)
    second = math.tanh(-2) + 2 * math.tanh(5 - 0.5)
    p = 1 / (1 + math.exp(second - first))
    assert weights[0, 0].tolist() == pytest.approx([p, 1 - p])


def test_regions_of_an_image() -> None:
    """2 x 2 regions of (red, green, blue) and their place: a query for red finds the red one."""
    picture = [
        [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]],
        [[0.0, 0.0, 1.0], [1.0, 1.0, 0.0]],
    ]
    regions = batch([[region for row in picture for region in row]], [4])
    attention = Attention("dot", 3, 3)
    heat = 2 * math.log(2) * math.sqrt(3)  # the score of red is 2 log 2
    weights, context = read(attention, [heat, 0.0, 0.0], regions)
    assert weights == pytest.approx([0.4, 0.1, 0.1, 0.4])  # red and yellow, green and blue
    assert context.tolist() == pytest.approx([0.8, 0.5, 0.1])  # z: what is seen is orange
    weights, _ = read(attention, [heat, -heat, 0.0], regions)
    assert weights == pytest.approx([x / 6.25 for x in (4, 0.25, 1, 1)])


@each_score
def test_padding_gets_exactly_nothing_and_changes_nothing(score: Score) -> None:
    torch.manual_seed(0)
    attention = Attention(score, 3, 3).double()
    values = torch.randn(3, 4, 3, dtype=torch.float64)
    lengths = torch.tensor([4, 2, 0])
    query = torch.randn(3, 2, 3, dtype=torch.float64)
    context, weights = attention(query, attention.remember(Batch(values, lengths)))
    assert torch.equal(weights > 0, (torch.arange(4) < lengths[:, None])[:, None].expand(3, 2, 4))
    assert weights.sum(dim=2).tolist() == [pytest.approx([n, n]) for n in (1, 1, 0)]
    assert context[2].tolist() == [[0, 0, 0]] * 2  # nothing is read of nothing
    torch.testing.assert_close(context, torch.einsum("bts,bsm->btm", weights, values))
    shorter = attention.remember(Batch(values[1:2, :2], lengths[1:2]))
    alone, alone_weights = attention(query[1:2], shorter)
    torch.testing.assert_close(alone, context[1:2])
    torch.testing.assert_close(alone_weights, weights[1:2, :, :2])
    loud = values.masked_fill(torch.arange(4)[None, :, None] >= lengths[:, None, None], 1e9)
    again, _ = attention(query, attention.remember(Batch(loud, lengths)))
    assert torch.equal(again, context)


@each_score
def test_gradients_against_differences_even_of_an_empty_memory(score: Score) -> None:
    torch.manual_seed(1)
    attention = Attention(score, 2, 2).double()
    lengths = torch.tensor([3, 0])

    def context(query: Tensor, values: Tensor) -> Tensor:
        read, weights = attention(query, attention.remember(Batch(values, lengths)))
        return read.sum(dim=1) + weights.square().sum()

    query = torch.randn(2, 2, 2, dtype=torch.float64, requires_grad=True)
    values = torch.randn(2, 3, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(context, (query, values))


@each_score
def test_a_memory_without_places(score: Score) -> None:
    attention = Attention(score, 2, 2)
    memory = Batch(torch.zeros(2, 0, 2), torch.zeros(2, dtype=torch.int64))
    context, weights = attention(torch.ones(2, 1, 2), attention.remember(memory))
    assert context.tolist() == [[[0, 0]]] * 2
    assert tuple(weights.shape) == (2, 1, 0)


@each_score
def test_huge_scores_stay_finite(score: Score) -> None:
    attention = Attention(score, 2, 2)
    memory = attention.remember(Batch(torch.tensor([[[1e18, 0.0], [0.0, 1.0]]]), torch.tensor([2])))
    _, weights = attention(torch.tensor([[[1e18, 0.0]]]), memory)
    assert weights.sum().item() == pytest.approx(1)


def test_weights_are_single_precision_under_autocast() -> None:
    attention = Attention("general", 4, 4)
    with torch.autocast("cpu", torch.bfloat16):
        memory = attention.remember(Batch(torch.randn(1, 5, 4), torch.tensor([5])))
        _, weights = attention(torch.randn(1, 1, 4), memory)
    assert weights.dtype == torch.float32
    assert weights.sum().item() == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("addative", 2, 2), "one of additive, dot, general. Did you mean 'additive'?"),
        (("dot", 2, 3), 'a memory of 2 features with a query of 3; .* or take "general"'),
        (("general", 2, 2, None, True), 'coverage is a part of the score "additive"'),
    ],
)
def test_what_cannot_be_is_named(arguments: tuple[object, ...], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        Attention(*arguments)  # type: ignore[arg-type]
