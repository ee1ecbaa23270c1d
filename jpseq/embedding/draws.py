"""What chance decides in word2vec: which words are left out, how wide a window is, negatives.

All of it comes from two sequences of random numbers, one for words and windows and one for
negatives, each begun from a seed. So the same seed gives the same draws everywhere, and
`reference.py` makes them, too.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit, uint32, uint64

from jpseq.embedding.huffman import NO_PATHS, Paths, huffman
from jpseq.embedding.ngrams import NO_PARTS, Parts

ALWAYS = 2**32 - 1
"""The threshold that every number of 32 bits passes."""
MULTIPLIER, INCREMENT = 6364136223846793005, 1442695040888963407
"""Of the linear congruential generator modulo 2^64 (Knuth's MMIX; TAOCP 2, 3.3.4)."""
MIX = 0xBF58476D1CE4E5B9

Thresholds = npt.NDArray[np.uint32]


class Chances(NamedTuple):
    """The tables that draws are made from, for V words."""

    keep: Thresholds
    """(V,) a word is kept if a number of 32 bits is at most this."""
    noise: Thresholds
    """(V, 2) for negatives: threshold and other word of each (Walker's alias method)."""
    paths: Paths = NO_PATHS
    """Of a hierarchical softmax, which draws no negatives."""
    parts: Parts = NO_PARTS
    """Of words that are made of n-grams."""


def chances(
    counts: npt.NDArray[np.int64], sample: float, exponent: float, hierarchical: bool = False
) -> Chances:
    """The tables for words with these counts.

    Args:
        counts: (V,) each at least 1.
        sample: frequent words are left out so that those with this share of the text are kept with
            certainty no longer (Mikolov et al. 2013b, section 2.3, as in their program); 0 keeps
            all.
        exponent: negatives are drawn in proportion to counts to this power; 0.75 there, section
            2.2.
        hierarchical: whether the paths of a tree are wanted; then counts are sorted.
    """
    keep = np.ones(len(counts))
    if sample:
        share = counts / counts.sum()
        keep = np.minimum(1, (np.sqrt(share / sample) + 1) * sample / share)
    weights = counts.astype(np.float64) ** exponent
    chance, other = _alias(weights / weights.sum())
    noise = np.column_stack([_thresholds(chance), other.astype(np.uint32)])
    paths = huffman(counts) if hierarchical else NO_PATHS
    return Chances(_thresholds(keep), np.ascontiguousarray(noise), paths)


def _thresholds(probabilities: npt.NDArray[np.float64]) -> Thresholds:
    return np.minimum(probabilities * 2**32, ALWAYS).astype(np.uint32)


@njit(cache=True)
def _alias(probabilities: Any) -> Any:
    """Walker's table, made as Vose (1991) does: column i is word i or one other."""
    count = len(probabilities)
    chance, other = probabilities * count, np.arange(count)
    small, large = (
        [i for i in range(count) if chance[i] < 1],
        [i for i in range(count) if chance[i] >= 1],
    )
    while small and large:
        less, more = small.pop(), large[-1]
        other[less] = more
        chance[more] -= 1 - chance[less]
        if chance[more] < 1:
            small.append(large.pop())
    for i in small + large:  # 1 but for rounding
        chance[i] = 1
    return chance, other


# Within numba's code


@njit(inline="always")
def following(state: Any) -> Any:
    """The next state."""
    return state * uint64(MULTIPLIER) + uint64(INCREMENT)


@njit(inline="always")
def upper(state: Any) -> Any:
    """The 32 upper bits, which are the more random ones."""
    return uint32(state >> uint64(32))


@njit(inline="always")
def below(state: Any, bound: Any) -> Any:
    """A number from 0 to bound - 1."""
    return ((state >> uint64(32)) * uint64(bound)) >> uint64(32)


@njit(inline="always")
def negative(state: Any, noise: Any) -> Any:
    """The next state, and a word drawn from the noise."""
    state = following(state)
    word = below(state, len(noise))
    coin = (state ^ (state >> uint64(29))) * uint64(MIX)  # the column has used the upper bits
    other = uint64(noise[word, 1])  # read in any case: a choice is quicker than a branch
    return state, other if upper(coin) > noise[word, 0] else word
