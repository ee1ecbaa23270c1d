"""Whether the kernel and the NumPy reference take the same steps; prints how far they differ.

A script, so that numba can be told to compile for another processor (NUMBA_CPU_NAME).
"""

import itertools
import sys

import numpy as np

from jpseq.embedding import reference, windows
from jpseq.embedding.draws import chances
from jpseq.embedding.ngrams import Parts
from jpseq.embedding.vector_code import WIDTH

WORDS = 60


def difference(
    cbow: bool, negatives: int, dim: int, dynamic: bool = True, buckets: int = 0
) -> float:
    """Of weights and losses after some 1,000 windows, relative to the largest weight.

    Args:
        negatives: of a word; 0 for a hierarchical softmax.
        buckets: of n-grams, of which a word has up to four; 0 for none.
    """
    draw = np.random.default_rng(negatives * 1000 + dim)
    counts = np.sort(draw.integers(5, 500, WORDS))[::-1].copy()
    tables = chances(counts, sample=0.01, exponent=0.75, hierarchical=not negatives)
    if buckets:
        begins = np.cumsum([0, *draw.integers(0, 5, WORDS)])
        some = draw.integers(0, buckets, begins[-1]).astype(np.int32)
        tables = tables._replace(parts=Parts(begins, some))
    # Words 60 to 64 are beyond the vocabulary; some sentences are empty.
    sentences = [draw.integers(0, WORDS + 5, draw.integers(0, 40)).tolist() for _ in range(75)]
    ids = np.array(list(itertools.chain(*sentences)), np.int32)
    offsets = np.cumsum([0, *map(len, sentences)])
    size = -(-dim // 16) * 16
    layers = [np.zeros((WORDS + 1 + more, size), np.float32) for more in (buckets, 0)]
    for layer in layers:
        layer[:, :dim] = draw.normal(0, 0.3, (len(layer), dim))
        layer[WORDS] = 0
    exact = [np.delete(layer, WORDS, 0).astype(np.float64) for layer in layers]
    begun = [layer.copy() for layer in exact]
    options = windows.Options(cbow, 5, dynamic, negatives, not negatives)
    seen = windows.Layers(layers[0].ravel(), layers[1].ravel(), size, 0, 0, WORDS + 1)
    rates, seeds = (0.05, 0.01), np.array([3, 4], np.uint64)
    loss, count = windows.train(ids, offsets, seen, options, tables, rates, seeds)
    wanted, times = reference.train(sentences, *exact, options, tables, rates, (3, 4))
    assert count == times
    assert count > 900
    assert all(not layer[WORDS].any() and not layer[:, dim:].any() for layer in layers)
    assert all(np.abs(a - b).max() > 0.01 for a, b in zip(exact, begun, strict=True))  # it learnt
    return max(
        abs(loss / wanted - 1),
        *(
            float(np.abs(np.delete(layer, WORDS, 0) - right).max() / np.abs(right).max())
            for layer, right in zip(layers, exact, strict=True)
        ),
    )


if __name__ == "__main__":
    cases = [(cbow, *case) for cbow in (False, True) for case in ((5, 20), (12, 16), (0, 20))]
    spelled = [difference(cbow, 5, 20, buckets=7) for cbow in (False, True)]
    print(WIDTH, max(*spelled, *(difference(*case) for case in cases)))
    sys.exit()
