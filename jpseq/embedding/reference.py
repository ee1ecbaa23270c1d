"""word2vec in NumPy, window by window: slow, to be read, and what the kernels are tested against.

It makes the same draws as `windows.py` and takes the same steps, in double precision.
"""

import numpy as np
import numpy.typing as npt

from jpseq.embedding.draws import INCREMENT, MIX, MULTIPLIER, Chances
from jpseq.embedding.plain_code import OUTPUTS
from jpseq.embedding.windows import Options

Matrix = npt.NDArray[np.float64]
WORD = 2**64


class Random:
    """The random numbers of `draws.py`."""

    def __init__(self, seed: int) -> None:
        self.state = seed % WORD

    def upper(self) -> int:
        """The next 32 bits."""
        self.state = (self.state * MULTIPLIER + INCREMENT) % WORD
        return self.state >> 32

    def below(self, bound: int) -> int:
        """The next number from 0 to bound - 1."""
        return self.upper() * bound >> 32

    def negative(self, noise: npt.NDArray[np.uint32]) -> int:
        """The next word drawn from the noise."""
        word = self.below(len(noise))
        coin = (self.state ^ self.state >> 29) * MIX % WORD >> 32
        threshold, other = noise[word].tolist()
        return int(other) if coin > threshold else word


def train(
    sentences: list[list[int]],
    x: Matrix,
    o: Matrix,
    options: Options,
    chances: Chances,
    rates: tuple[float, float],
    seeds: tuple[int, int],
) -> tuple[float, int]:
    """Learn from sentences of ids, changing x and o in place; as `windows.train`.

    Args:
        x: (V, D) the input layer; where words are made of n-grams (V + B, D), theirs behind.
        o: (V, D) the output layer, of words or of a tree's inner nodes.
    """
    words, noise = Random(seeds[0]), Random(seeds[1])
    loss, predictions, before = 0.0, 0, 0
    whole, spelled = max(1, sum(map(len, sentences))), len(x) > len(o)
    for sentence in sentences:
        rate = rates[0] + (rates[1] - rates[0]) * before / whole
        before += len(sentence)
        known = [word for word in sentence if word < len(o)]
        kept = [word for word in known if words.upper() <= chances.keep[word]]
        if len(kept) < 2:
            continue
        rows = [[word, *(len(o) + chances.parts.of(word))] for word in kept]
        near, came = np.zeros((2, len(kept), x.shape[1]))
        for i, word in enumerate(kept):
            if spelled:
                if (gone := i - 1 - options.window) >= 0:
                    np.add.at(x, rows[gone], near[gone] - came[gone])
                for j in range(i + options.window if i else 0, i + options.window + 1):
                    if j < len(kept):
                        near[j] = came[j] = x[rows[j]].mean(0)
            if options.hierarchical:
                path = slice(*chances.paths.begins[word : word + 2])
                outputs = chances.paths.nodes[path].tolist()
                sign = chances.paths.signs[path].astype(np.float64)
            else:
                drawn = [noise.negative(chances.noise) for _ in range(options.negatives)]
                outputs = [word, *drawn]
                sign = np.array([1.0, *(0.0 if other == word else -1.0 for other in drawn)])
            reach = words.below(options.window) + 1 if options.dynamic else options.window
            places = [*range(max(0, i - reach), i), *range(i + 1, min(len(kept), i + reach + 1))]
            around = places if spelled else [kept[j] for j in places]
            learn = _cbow if options.cbow else _skip_gram
            loss += learn(near if spelled else x, o, around, outputs, sign, rate)
            predictions += 1 if options.cbow else len(around)
        if spelled:
            for j in range(max(0, len(kept) - 1 - options.window), len(kept)):
                np.add.at(x, rows[j], near[j] - came[j])
    return loss, predictions


def _skip_gram(
    x: Matrix, o: Matrix, around: list[int], outputs: list[int], sign: Matrix, rate: float
) -> float:
    """One window; its loss."""
    scores = x[around] @ o[outputs].T
    steps, loss = _steps(scores, sign, rate)
    for first in range(0, len(outputs), OUTPUTS):
        block = slice(first, first + OUTPUTS)
        rows, changes = o[outputs[block]], np.zeros((len(outputs[block]), x.shape[1]))
        for c, word in enumerate(around):  # in turn: a word may stand there twice
            changes += np.outer(steps[c, block], x[word])
            x[word] += steps[c, block] @ rows
        np.add.at(o, outputs[block], changes)
    return loss


def _cbow(
    x: Matrix, o: Matrix, around: list[int], outputs: list[int], sign: Matrix, rate: float
) -> float:
    """One window; its loss."""
    mean = x[around].mean(0)
    steps, loss = _steps(mean @ o[outputs].T, sign, rate)
    for first in range(0, len(outputs), OUTPUTS):
        block = slice(first, first + OUTPUTS)
        np.add.at(x, around, steps[block] @ o[outputs[block]])
        np.add.at(o, outputs[block], np.outer(steps[block], mean))
    return loss


def _steps(scores: Matrix, sign: Matrix, rate: float) -> tuple[Matrix, float]:
    """rate (wanted - σ(score)), and the summed -log σ: (..., K) scores of K outputs, of which sign
    (K,) says whether a high score is wanted (1) or a low one (-1), or nothing (0)."""
    t = sign * scores
    steps = sign * rate / (1 + np.exp(t))
    return steps, float((np.abs(sign) * np.logaddexp(0, -t)).sum())
