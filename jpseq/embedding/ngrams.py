"""Character n-grams: parts of words that share their vectors (Bojanowski et al. 2017).

The vector of a word is the mean of its own row and of the rows of its n-grams, so that a word that
was never read has one, too: that of its n-grams alone. There are too many n-grams for a row each,
and those with the same hash share one (section 3.2 there).
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit, uint32

from jpseq.vectors import Embeddings, Unknown, Vectors, check_unknown


class NGrams(NamedTuple):
    """Which n-grams a word has."""

    shortest: int
    longest: int
    """Characters of an n-gram, the marks < and > at a word's ends among them."""
    buckets: int
    """Rows that the n-grams share."""

    def of(self, word: str) -> list[int]:
        """The buckets of a word's n-grams, from left to right.

        A single < or > is none. The hash is that of fastText: FNV-1a over the bytes of UTF-8, each
        taken as a signed number.
        """
        marked = f"<{word}>"
        return [
            int(_hash(np.frombuffer(gram.encode("utf-8", "surrogatepass"), np.int8))) % self.buckets
            for start in range(len(marked))
            for gram in (
                marked[start : start + length]
                for length in range(self.shortest, min(self.longest, len(marked) - start) + 1)
            )
            if gram not in ("<", ">")
        ]


@njit(cache=True)
def _hash(values: Any) -> Any:
    """FNV-1a of 32 bits."""
    state = uint32(2166136261)
    for value in values:
        state = uint32((state ^ uint32(value)) * uint32(16777619))
    return state


class Parts(NamedTuple):
    """The n-grams of each of V words."""

    begins: npt.NDArray[np.int64]
    """(V+1,) where those of a word begin."""
    buckets: npt.NDArray[np.int32]
    """(N,)"""

    def of(self, word: int) -> npt.NDArray[np.int32]:
        """Those of one word; none where words are not made of n-grams."""
        if len(self.begins) == 1:
            return self.buckets
        return self.buckets[self.begins[word] : self.begins[word + 1]]


NO_PARTS = Parts(np.zeros(1, np.int64), np.zeros(0, np.int32))
"""Where words are not made of n-grams."""


def parts(words: Iterable[str], ngrams: NGrams) -> Parts:
    """The n-grams of words."""
    found = [ngrams.of(word) for word in words]
    begins = np.cumsum([0, *map(len, found)], dtype=np.int64)
    return Parts(begins, np.array([bucket for some in found for bucket in some], np.int32))


def composed(own: Vectors, buckets: Vectors, of: Parts) -> Vectors:
    """The vectors of words.

    Args:
        own: (V, D) the rows of the words themselves.
        buckets: (B, D) those of the n-grams.
        of: the n-grams of the words.

    Returns:
        (V, D) means of a word's row and its n-grams' rows.
    """
    sums = own.astype(np.float32)
    lengths = np.diff(of.begins)
    np.add.at(sums, np.repeat(np.arange(len(own)), lengths), buckets[of.buckets])
    return np.asarray(sums / (1 + lengths)[:, None], np.float32)


class SpelledEmbeddings(Embeddings):
    """Vectors of words, and of any other word by its n-grams.

    Args:
        words, vectors: as in Embeddings.
        ngrams: which n-grams a word has.
        buckets: (B, D) their rows.
    """

    def __init__(
        self, words: Sequence[str], vectors: npt.ArrayLike, ngrams: NGrams, buckets: Vectors
    ) -> None:
        super().__init__(words, vectors)
        self.ngrams = ngrams
        self.buckets = buckets

    def lookup(self, words: Sequence[str], unknown: Unknown = "error") -> Vectors:
        """(N, D) the vectors of words. None is unknown, so the rule is never asked for.

        A word without a row of its own gets the mean of its n-grams' rows, or zero where it has no
        n-gram.
        """
        check_unknown(unknown)
        rows = super().lookup(words, "zero")
        for place, word in enumerate(words):
            if word not in self:
                rows[place] = self._spelled(word)
        return rows

    def first(self, count: int) -> "SpelledEmbeddings":
        words, vectors = self.words[:count], self.vectors[:count]
        return SpelledEmbeddings(words, vectors, self.ngrams, self.buckets)

    def _spelled(self, word: str) -> Vectors:
        found = self.ngrams.of(word)
        if not found:
            return np.zeros(self.dim, np.float32)
        return np.asarray(self.buckets[found].mean(0), np.float32)
