"""Replies against references by word vectors: embedding average, greedy matching, vector extrema.

The three metrics of Liu et al. 2016 (section 3.2). They see whether a reply is about the same as
the reference, in whatever words; with what people judge they correlate weakly, as is found there.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from jpseq.errors import DataError
from jpseq.vectors import Embeddings, unit

Vectors = npt.NDArray[np.floating]


@dataclass(frozen=True)
class Estimate:
    """A mean with its 95% interval.

    >>> print(estimate([0.5, 0.6, 0.7]))
    0.600 ± 0.113
    """

    value: float
    """NaN where it is the mean of nothing."""
    half_width: float
    """1.96 s / sqrt(n), s with n - 1; NaN for fewer than two."""

    def __str__(self) -> str:
        if math.isnan(self.value):
            return "not defined"
        interval = "" if math.isnan(self.half_width) else f" ± {self.half_width:.3f}"
        return f"{self.value:.3f}{interval}"


def estimate(values: npt.ArrayLike) -> Estimate:
    """(N,) values → their mean and interval, by the normal approximation."""
    scores = np.asarray(values, np.float64)
    count = len(scores)
    value = float(scores.mean()) if count else math.nan
    spread = float(scores.std(ddof=1)) if count > 1 else math.nan
    return Estimate(value, 1.96 * spread / math.sqrt(max(1, count)))


@dataclass(frozen=True)
class EmbeddingMetrics:
    """How near replies are to references: -1 to 1 each, 1 where their words are the same."""

    average: Estimate
    greedy: Estimate
    extrema: Estimate
    pairs: int
    scored: int
    """Pairs that were compared; in the others one side, or both, has no word with a vector."""
    signature: str

    def __str__(self) -> str:
        return (
            f"average {self.average}, greedy {self.greedy}, extrema {self.extrema},"
            f" {self.scored:,} of {self.pairs:,} pairs ({self.signature})"
        )


def embedding_metrics(
    replies: Sequence[Sequence[str]],
    references: Sequence[Sequence[str]],
    embeddings: Embeddings,
    data: str = "given",
) -> EmbeddingMetrics:
    """Compare each reply with its reference, in the three ways.

    Words without a vector are passed over. A pair of which one side has no word left is left out
    and counted, for all three metrics alike: look at `scored` before you compare, for a bot that
    often says nothing known is judged by its other replies.

    The program published with Serban et al. 2017 differs: what it prints after +/- is the standard
    deviation and no interval, since it is not divided by sqrt(n); it matches greedily by inner
    products, never below zero, and not by cosines; a reply without known words counts as 0.

    Args:
        replies: the words of each.
        references: the words of what was really said, as many.
        embeddings: vectors of words cut in the same way.
        data: the name of the references, for the signature.

    Raises:
        DataError: not as many replies as references, or none; a text that is not cut into words.
    """
    if len(replies) != len(references):
        raise DataError(f"{len(replies):,} replies but {len(references):,} references.")
    if not references:
        raise DataError("there is nothing to compare: no reply at all.")
    sides = (
        (embeddings.lookup(reply, "skip"), embeddings.lookup(reference, "skip"))
        for reply, reference in zip(replies, references, strict=True)
    )
    scores = [(average(a, b), greedy(a, b), extrema(a, b)) for a, b in sides if len(a) and len(b)]
    columns = np.reshape(scores, (-1, 3)).T
    return EmbeddingMetrics(
        average=estimate(columns[0]),
        greedy=estimate(columns[1]),
        extrema=estimate(columns[2]),
        pairs=len(references),
        scored=len(scores),
        signature=f"data:{data}|pairs:{len(references)}|unknown:skip"
        f"|vectors:{len(embeddings)}x{embeddings.dim}|interval:95% normal",
    )


def average(a: Vectors, b: Vectors) -> float:
    """(M, D), (N, D) → the cosine of the means of the vectors of two texts; 0 if one is zero."""
    return _cosine(a.mean(0, np.float64), b.mean(0, np.float64))


def greedy(a: Vectors, b: Vectors) -> float:
    """(M, D), (N, D) → the mean cosine of each word with the nearest word of the other text.

    It is taken from a to b and from b to a, and of both the mean (Rus & Lintean 2012), so that it
    is symmetric.
    """
    cosines = unit(a) @ unit(b).T
    return float(cosines.max(1).mean() + cosines.max(0).mean()) / 2


def extrema(a: Vectors, b: Vectors) -> float:
    """(M, D), (N, D) → the cosine of the most extreme values of each dimension (Forgues 2014)."""
    return _cosine(_extreme(a), _extreme(b))


def _extreme(vectors: Vectors) -> Vectors:
    """(N, D) → (D,) the value farthest from zero of each dimension; of -x and x the positive."""
    high, low = vectors.max(0), vectors.min(0)
    farthest: Vectors = np.where(-low > high, low, high)
    return farthest


def _cosine(a: Vectors, b: Vectors) -> float:
    return float(unit(a[None])[0] @ unit(b[None])[0])
