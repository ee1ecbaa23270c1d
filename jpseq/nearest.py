"""Exact nearest neighbours by cosine, by blocked matrix products.

The vectors are read once, a block of rows at a time, and multiplied with many queries in one
float32 product. Rounding may exchange two neighbours that are almost equally near, and by how much
depends on the machine. So everything that could belong to the result within the rounding error is
scored again in float64: the result is the same everywhere, and ties go by id.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]
Score = Callable[[Floats, float], Floats]

ROWS = 16_384  # a block of vectors: some megabytes, so that a product stays in the cache
QUERIES = 128
PAIRS = 65_536  # scored again in float64 at a time
EPSILON = 0.001  # Levy & Goldberg 2014, section 6; against division by zero


def cosine(cosines: Floats, slack: float) -> Floats:
    """(Q, 1, N) cosines → (Q, N) scores: the cosine itself."""
    scores: Floats = cosines[:, 0] + slack
    return scores


def three_cos_mul(cosines: Floats, slack: float) -> Floats:
    """(Q, 3, N) cosines with a, b, c → (Q, N) scores cos(b) cos(c) / (cos(a) + ε).

    3CosMul of Levy & Goldberg 2014 (equation 4), cosines moved to 0 ... 1 as there (footnote 7).
    """
    a, b, c = np.moveaxis((1 + cosines) / 2, 1, 0)
    half = slack / 2
    near = np.maximum(b + half, 0) * np.maximum(c + half, 0)
    scores: Floats = near / (np.maximum(a - half, 0) + EPSILON)
    return scores


def nearest(
    vectors: npt.NDArray[np.float32],
    lengths: npt.NDArray[np.float64],
    queries: npt.NDArray[np.float64],
    count: int,
    exclude: npt.NDArray[np.int64] | None = None,
    score: Score = cosine,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """The `count` vectors of the highest score for each query.

    Args:
        vectors: (V, D), in memory or memory-mapped.
        lengths: (V,) their Euclidean lengths, each 0 (the cosine is then 0) or 1e-30 ... 1e38.
        queries: (Q, P, D), each of length 1 or 0: the P vectors whose cosines the score combines.
        count: K, how many.
        exclude: (Q, E) ids that are never found; -1 for none.
        score: (cosines, slack) → scores. The more slack, the higher: with a slack by which every
            cosine may be wrong it gives a bound from above, with its negative one from below.

    Returns:
        (Q, K) ids, best first, ties by id, and (Q, K) scores. Where fewer than K vectors are left,
        ids end with -1 and scores with -inf.
    """
    dim = vectors.shape[1]
    ids = np.full((len(queries), count), -1, np.int64)
    scores = np.full((len(queries), count), -np.inf)
    slack = (dim + 8) * 2.0**-24  # a float32 product of unit vectors is at most so far off
    for start in range(0, len(vectors), ROWS):
        block = vectors[start : start + ROWS]
        length = lengths[start : start + ROWS]
        inverse = np.divide(1, length, out=np.zeros_like(length), where=length > 0)
        for first in range(0, len(queries), QUERIES):
            part = slice(first, first + QUERIES)
            asked = queries[part]
            flat = asked.reshape(-1, dim).astype(np.float32)
            cosines = (flat @ block.T * inverse.astype(np.float32)).reshape(*asked.shape[:2], -1)
            high = score(cosines, slack)
            if exclude is not None:
                places = exclude[part] - start
                row, column = np.nonzero((places >= 0) & (places < len(block)))
                high[row, places[row, column]] = -np.inf
            floor = scores[part, -1]
            if np.isneginf(floor).any() and count <= len(block):
                low = np.where(np.isneginf(high), high, score(cosines, -slack))
                floor = np.maximum(floor, np.partition(low, -count, axis=1)[:, -count])
            query, place = np.nonzero((high >= floor[:, None]) & (high > -np.inf))
            if len(query):
                exact = _exact(asked, block, length, query, place, score)
                _merge(ids[part], scores[part], query, place + start, exact)
    return ids, scores


def _exact(
    queries: npt.NDArray[np.float64],
    block: npt.NDArray[np.float32],
    lengths: npt.NDArray[np.float64],
    query: npt.NDArray[np.int64],
    place: npt.NDArray[np.int64],
    score: Score,
) -> npt.NDArray[np.float64]:
    """(N,) scores of pairs in float64, each computed alone: equal vectors get equal scores."""
    scores = np.empty(len(query))
    for start in range(0, len(query), PAIRS):
        some = slice(start, start + PAIRS)
        rows = block[place[some]].astype(np.float64)
        length = lengths[place[some], None]
        units = np.divide(rows, length, out=np.zeros_like(rows), where=length > 0)
        cosines = np.einsum("npd,nd->np", queries[query[some]], units)
        scores[some] = score(cosines[..., None], 0.0)[:, 0]
    return scores


def _merge(
    ids: npt.NDArray[np.int64],
    scores: npt.NDArray[np.float64],
    query: npt.NDArray[np.int64],
    found: npt.NDArray[np.int64],
    exact: npt.NDArray[np.float64],
) -> None:
    """Put what was found, (N,) each, among the best so far, (Q, K) each, in place."""
    asked, count = ids.shape
    query = np.concatenate([np.repeat(np.arange(asked), count), query])
    found = np.concatenate([ids.ravel(), found])
    exact = np.concatenate([scores.ravel(), exact])
    order = np.lexsort((found, -exact, query))
    begin = np.searchsorted(query[order], np.arange(asked))
    best = order[begin[:, None] + np.arange(count)]  # each query has at least its old `count`
    ids[:], scores[:] = found[best], exact[best]
