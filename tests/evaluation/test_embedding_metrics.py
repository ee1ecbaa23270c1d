"""Embedding average, greedy matching and vector extrema, by hand."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from jpseq.errors import DataError
from jpseq.evaluation.embedding_metrics import (
    Estimate,
    average,
    embedding_metrics,
    estimate,
    extrema,
    greedy,
)
from jpseq.vectors import Embeddings

EMBEDDINGS = Embeddings(
    ["東", "北", "西", "遠い東", "無"], [[1, 0], [0, 1], [-1, 0], [3, 0], [0, 0]]
)
ROOT = math.sqrt(0.5)


def vectors(*words: str) -> Any:
    return EMBEDDINGS.lookup(words)


def test_the_average_by_hand() -> None:
    assert average(vectors("東", "北"), vectors("東")) == pytest.approx(ROOT)
    # (3, 1) / 2 against (1, 0): long vectors weigh more.
    assert average(vectors("遠い東", "北"), vectors("東")) == pytest.approx(3 / math.sqrt(10))
    assert average(vectors("東", "西"), vectors("東")) == 0  # their mean has no direction


def test_greedy_by_hand() -> None:
    # 東 and 北 find 東 with 1 and 0; 東 finds 東 with 1.
    assert greedy(vectors("東", "北"), vectors("東")) == pytest.approx((1 / 2 + 1) / 2)
    assert greedy(vectors("東", "東", "北"), vectors("東")) == pytest.approx((2 / 3 + 1) / 2)
    assert greedy(vectors("遠い東"), vectors("東")) == pytest.approx(1)  # cosines, not products
    assert greedy(vectors("東"), vectors("西")) == pytest.approx(-1)  # not stopped at zero


def test_extrema_by_hand() -> None:
    # (3, 1) and (1, 0); then -1 against 3: the first dimension is 3.
    assert extrema(vectors("遠い東", "北"), vectors("東")) == pytest.approx(3 / math.sqrt(10))
    assert extrema(vectors("西", "遠い東"), vectors("東")) == pytest.approx(1)
    a = np.array([[0.5, -0.2], [-2.0, -0.1]])  # the farthest from zero: -2 and -0.2
    assert extrema(a, np.array([[-10.0, -1.0]])) == pytest.approx(1)
    assert extrema(vectors("東", "西"), vectors("東")) == pytest.approx(1)  # -1 and 1: 1


def test_pairs_by_hand() -> None:
    replies = [["東", "北"], ["東", "未知"], ["未知"], []]
    references = [["東"], ["西"], ["東"], ["東"]]
    found = embedding_metrics(replies, references, EMBEDDINGS, data="four")
    # Two values x and y have s = |x - y| / sqrt(2), so half the width is 0.98 |x - y|.
    for name, first in {"average": ROOT, "greedy": 0.75, "extrema": ROOT}.items():
        measured = getattr(found, name)
        assert measured.value == pytest.approx((first - 1) / 2)
        assert measured.half_width == pytest.approx(0.98 * (first + 1))
    assert (found.pairs, found.scored) == (4, 2)
    assert found.signature == "data:four|pairs:4|unknown:skip|vectors:5x2|interval:95% normal"
    assert str(found).startswith("average -0.146 ± 1.673, greedy -0.125 ± 1.715, extrema")
    assert f"2 of 4 pairs ({found.signature})" in str(found)


def test_a_vector_of_zeros_is_near_nothing() -> None:
    found = embedding_metrics([["無"]], [["東"]], EMBEDDINGS)
    assert (found.average.value, found.greedy.value, found.extrema.value) == (0, 0, 0)
    assert found.scored == 1


def test_nothing_known() -> None:
    found = embedding_metrics([["未知"], ["東"]], [["東"], []], EMBEDDINGS)
    assert found.scored == 0
    assert math.isnan(found.greedy.value)
    assert "greedy not defined" in str(found)


def test_estimates() -> None:
    assert estimate([1, 2, 3, 4]).half_width == pytest.approx(1.96 * math.sqrt(5 / 3) / 2)
    one = estimate([0.5])
    assert one.value == 0.5
    assert math.isnan(one.half_width)
    assert str(one) == "0.500"
    assert str(estimate([])) == "not defined"
    assert str(Estimate(-0.25, 0.0)) == "-0.250 ± 0.000"


def test_what_does_not_fit_together() -> None:
    with pytest.raises(DataError, match="1 replies but 2 references"):
        embedding_metrics([["東"]], [["東"], ["北"]], EMBEDDINGS)
    with pytest.raises(DataError, match="nothing to compare"):
        embedding_metrics([], [], EMBEDDINGS)
    text: Any = ["東"]
    with pytest.raises(DataError, match="a list of words is wanted, got one text"):
        embedding_metrics(text, [["東"]], EMBEDDINGS)


TEXTS = arrays(np.float64, st.tuples(st.integers(1, 4), st.just(3)), elements=st.floats(-9, 9))


@given(TEXTS, TEXTS)
def test_all_are_symmetric_and_bounded(a: Any, b: Any) -> None:
    for metric in (average, greedy, extrema):
        assert metric(a, b) == pytest.approx(metric(b, a), abs=1e-12)
        assert -1 - 1e-9 <= metric(a, b) <= 1 + 1e-9


@given(TEXTS)
def test_a_text_is_like_itself_in_any_order(a: Any) -> None:
    rows = np.where(np.abs(a) < 0.1, 1.0, a)  # no zero vector
    assert greedy(rows, rows[::-1]) == pytest.approx(1)
    assert extrema(rows, rows[::-1]) == pytest.approx(1)
