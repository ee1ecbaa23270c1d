"""Huffman's tree over words: the fewer questions, the more frequent the word.

In a hierarchical softmax (Morin & Bengio 2005; in word2vec Mikolov et al. 2013b, section 2.1) a
word is told from all others by the turns on the way from the root of a tree to its leaf. Each inner
node has a row of the output layer, and says with σ(h · row) which way to go.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit


class Paths(NamedTuple):
    """The way from the root to each of V words. Inner nodes are numbered from the root, 0, on."""

    begins: npt.NDArray[np.int64]
    """(V+1,) where the path of a word begins."""
    nodes: npt.NDArray[np.int32]
    """(N,) the inner nodes, from 0 to V-2; the more words are under one, the lower its number."""
    signs: npt.NDArray[np.float32]
    """(N,) 1 for a turn to the rarer side, -1 for the other."""


NO_PATHS = Paths(np.zeros(1, np.int64), np.zeros(0, np.int32), np.zeros(0, np.float32))
"""Where there is no tree."""


def huffman(counts: npt.NDArray[np.int64]) -> Paths:
    """The tree in which the mean path, weighted by the words' counts, is the shortest.

    >>> paths = huffman(np.array([5, 2, 1, 1]))
    >>> [paths.nodes[a:b].tolist() for a, b in zip(paths.begins, paths.begins[1:])]
    [[0], [0, 1], [0, 1, 2], [0, 1, 2]]

    Args:
        counts: (V,) of the words, the most frequent first; at least two.
    """
    parents, signs = _tree(counts.astype(np.int64))
    return Paths(*_paths(parents, signs, len(counts)))


@njit(cache=True)
def _tree(counts: Any) -> Any:
    """Join the two rarest nodes until one is left (Huffman 1952).

    Nodes 0 to V-1 are words, the later ones inner nodes, each at least as frequent as those before
    it: so both words and inner nodes come in order, and the two rarest are the next of them.
    """
    V = len(counts)
    sums = np.zeros(2 * V - 1, np.int64)
    sums[:V] = counts
    parents, signs = np.zeros(2 * V - 1, np.int64), np.ones(2 * V - 1, np.float32)
    word, inner = V - 1, V
    for made in range(V, 2 * V - 1):
        for turn in range(2):
            if word >= 0 and (inner >= made or sums[word] < sums[inner]):
                rarest = word
                word -= 1
            else:
                rarest = inner
                inner += 1
            sums[made] += sums[rarest]
            parents[rarest] = made
            signs[rarest] = 1 - 2 * turn
    return parents, signs


@njit(cache=True)
def _paths(parents: Any, signs: Any, V: Any) -> Any:
    root = 2 * V - 2
    depth = np.zeros(2 * V - 1, np.int64)
    for node in range(root - 1, -1, -1):
        depth[node] = depth[parents[node]] + 1
    begins = np.zeros(V + 1, np.int64)
    begins[1:] = np.cumsum(depth[:V])
    nodes, turns = np.zeros(begins[V], np.int32), np.zeros(begins[V], np.float32)
    for word in range(V):
        node = word
        for place in range(begins[word + 1] - 1, begins[word] - 1, -1):
            turns[place] = signs[node]
            node = parents[node]
            nodes[place] = root - node
    return begins, nodes, turns
