"""Exact nearest neighbours by blocked products."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from jpseq import nearest as module
from jpseq.nearest import Score, cosine, nearest, three_cos_mul
from jpseq.vectors import unit

Floats = npt.NDArray[np.float64]


def lengths_of(vectors: npt.NDArray[np.float32]) -> Floats:
    rows = vectors.astype(np.float64)
    return np.sqrt(np.einsum("nd,nd->n", rows, rows))


def sorted_all(
    vectors: npt.NDArray[np.float32], queries: Floats, exclude: npt.NDArray[np.int64], score: Score
) -> list[list[int]]:
    """All ids by score, ties by id, one query and one vector at a time, in float64."""
    result = []
    for query, left_out in zip(queries, exclude, strict=True):
        scores = []
        for vector in unit(vectors):
            cosines = np.einsum("npd,nd->np", query[None], vector[None])
            scores.append(float(score(cosines[..., None], 0.0)[0, 0]))
        ranked = sorted(range(len(vectors)), key=lambda i: (-scores[i], i))
        result.append([i for i in ranked if i not in left_out])
    return result


@st.composite
def cases(draw: st.DrawFn) -> tuple[npt.NDArray[np.float32], Floats, npt.NDArray[np.int64], int]:
    """Vectors with many duplicates and ties, zeros among them, and queries of three vectors."""
    count, dim, asked = draw(st.integers(1, 40)), draw(st.integers(1, 5)), draw(st.integers(1, 5))
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    scale = draw(st.sampled_from([1, 1e-3, 1e6, 1e20]))
    vectors = (rng.integers(-1, 2, (count, dim)) * scale).astype(np.float32)
    if draw(st.booleans()):  # nearly equal ones, which float32 products cannot tell apart
        vectors *= 1 + rng.integers(0, 3, vectors.shape).astype(np.float32) * 2.0**-22
    queries = unit(rng.normal(size=(asked * 3, dim))).reshape(asked, 3, dim)
    exclude = rng.integers(-1, count, (asked, 2))
    return vectors, queries, exclude, draw(st.integers(1, count))


@pytest.mark.parametrize(("score", "parts"), [(cosine, 1), (three_cos_mul, 3)])
@given(case=cases(), rows=st.sampled_from([1, 3, 7, 64]), chunk=st.sampled_from([1, 2, 64]))
def test_it_is_what_sorting_everything_in_float64_gives(
    score: Score,
    parts: int,
    case: tuple[npt.NDArray[np.float32], Floats, npt.NDArray[np.int64], int],
    rows: int,
    chunk: int,
) -> None:
    vectors, queries, exclude, count = case
    queries = queries[:, :parts]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "ROWS", rows)
        patch.setattr(module, "QUERIES", chunk)
        patch.setattr(module, "PAIRS", 2 * chunk)
        ids, scores = nearest(vectors, lengths_of(vectors), queries, count, exclude, score)
    wanted = sorted_all(vectors, queries, exclude, score)
    for row, best in zip(ids.tolist(), wanted, strict=True):
        assert row == (best + [-1] * count)[:count]
    assert_array_equal(ids < 0, np.isneginf(scores))


def test_blocks_and_machine_do_not_change_a_digit() -> None:
    rng = np.random.default_rng(0)
    vectors = np.repeat(rng.normal(size=(500, 30)), 4, axis=0).astype(np.float32)
    queries = unit(rng.normal(size=(9, 30)))[:, None]
    results = []
    for rows, chunk in [(16_384, 128), (37, 128), (1_000, 2)]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module, "ROWS", rows)
            patch.setattr(module, "QUERIES", chunk)
            results.append(nearest(vectors, lengths_of(vectors), queries, 10))
    for ids, scores in results:
        assert_array_equal(ids, results[0][0])
        assert_array_equal(scores, results[0][1])
        # Each vector stands there four times: the four follow one another by id.
        assert_array_equal(ids[:, :4] - ids[:, :1], [[0, 1, 2, 3]] * 9)


def test_cosines_by_hand() -> None:
    vectors = np.array([[0, 2], [3, 4], [-1, 0], [0, 0]], np.float32)
    query = np.array([[[0.0, 1.0]]])
    ids, scores = nearest(vectors, lengths_of(vectors), query, 4)
    assert_array_equal(ids, [[0, 1, 2, 3]])
    assert_allclose(scores, [[1, 0.8, 0, 0]])


def test_3cosmul_by_hand() -> None:
    # Cosines 0.2, 0.6 and -1 with a, b and c: (0.6 * 0.8 * 0 ...), then with c = 1.
    cosines = np.array([[[0.2, 0.2], [0.6, 0.6], [-1.0, 1.0]]])
    assert_allclose(three_cos_mul(cosines, 0.0), [[0, 0.8 * 1 / 0.601]])
    above, below = three_cos_mul(cosines, 0.1), three_cos_mul(cosines, -0.1)
    assert_allclose(above, [[0.85 * 0.05 / 0.551, 0.85 * 1.05 / 0.551]])
    assert_allclose(below, [[0, 0.75 * 0.95 / 0.651]])
