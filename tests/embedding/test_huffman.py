"""Huffman's tree: by hand, and the best one there is."""

import heapq

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jpseq.embedding.huffman import Paths, huffman


def paths_of(counts: list[int]) -> list[list[tuple[int, float]]]:
    """Nodes and signs on the way to each word."""
    found = huffman(np.array(counts))
    return [
        list(zip(found.nodes[a:b].tolist(), found.signs[a:b].tolist(), strict=True))
        for a, b in zip(found.begins, found.begins[1:], strict=False)
    ]


def test_a_tree_by_hand() -> None:
    # 1 + 1 = 2 and 2 + 2 = 4, then 4 + 5 = 9. Of two nodes as rare the older one comes first: word
    # 3, then 2; the inner node of both, then word 1.
    assert paths_of([5, 2, 1, 1]) == [
        [(0, -1.0)],
        [(0, 1.0), (1, -1.0)],
        [(0, 1.0), (1, 1.0), (2, -1.0)],
        [(0, 1.0), (1, 1.0), (2, 1.0)],
    ]


def test_two_words_need_one_question() -> None:
    assert paths_of([3, 1]) == [[(0, -1.0)], [(0, 1.0)]]


def test_words_as_frequent_get_a_full_tree() -> None:
    assert [len(path) for path in paths_of([7] * 16)] == [4] * 16


@given(st.lists(st.integers(1, 1000), min_size=2, max_size=60))
def test_no_tree_is_shorter_and_each_word_is_somewhere_else(counts: list[int]) -> None:
    counts.sort(reverse=True)
    paths = paths_of(counts)
    heap = list(counts)
    heapq.heapify(heap)
    shortest = 0
    while len(heap) > 1:
        both = heapq.heappop(heap) + heapq.heappop(heap)
        shortest += both
        heapq.heappush(heap, both)
    assert sum(n * len(path) for n, path in zip(counts, paths, strict=True)) == shortest
    assert sum(2.0 ** -len(path) for path in paths) == 1  # Kraft: nothing is left over
    turns = {tuple(sign for _, sign in path) for path in paths}
    assert len(turns) == len(counts)
    # A node is the same for all words that come by with the same turns.
    nodes = {
        (node, tuple(sign for _, sign in path[:place]))
        for path in paths
        for place, (node, _) in enumerate(path)
    }
    assert len(nodes) == len(counts) - 1
    assert sorted(node for node, _ in nodes) == list(range(len(counts) - 1))


def test_nodes_near_the_root_have_low_numbers() -> None:
    counts = np.sort(np.random.default_rng(0).zipf(1.5, 300))[::-1]
    found: Paths = huffman(counts)
    under = np.zeros(299, np.int64)
    for word, (a, b) in enumerate(zip(found.begins, found.begins[1:], strict=False)):
        under[found.nodes[a:b]] += counts[word]
        assert (np.diff(found.nodes[a:b]) > 0).all()
    assert (np.diff(under) <= 0).all()


def test_a_long_tail_of_words_makes_long_paths() -> None:
    counts = [2**k for k in range(30, -1, -1)]
    assert max(map(len, paths_of(counts))) == pytest.approx(30)
