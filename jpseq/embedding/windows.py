"""word2vec's training: windows slide over sentences, and both layers learn from each.

Skip-gram (Mikolov et al. 2013a, section 3.2): each word around predicts the word in the middle.
CBOW (section 3.1): the mean of the words around predicts it. What is predicted is told from words
drawn by chance, the negatives (Mikolov et al. 2013b, section 2.2), or found on its path in a tree
(section 2.1; see huffman). In skip-gram all words of a window share their negatives (Ji et al.
2016), as they share the path, so that the scores are a matrix product; what each of two words
around adds to an output is what it was when its turn came.

A word that is made of n-grams (see ngrams) is the mean of their rows and its own. It is put
together when it comes within reach of the window, learns like any other row, and when it is out of
reach each of its rows takes the whole of what it has learnt, as in fastText (Bojanowski et al.
2017). So it is put together once, and not once for each window that it stands in. CBOW's mean is of
words, each the mean of its rows, where gensim's is of all rows at once.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import float32, int64, njit, uint64

from jpseq.embedding.draws import below, following, negative, upper
from jpseq.embedding.huffman import Paths
from jpseq.embedding.plain_code import OPTIONS, OUTPUTS
from jpseq.embedding.vector_code import WIDTH

if WIDTH:
    from jpseq.embedding import vector_code as code
else:
    from jpseq.embedding import plain_code as code  # type: ignore[no-redef]

compose, distribute, prefetch = code.compose, code.distribute, code.prefetch
dots, mean_dots, learn = code.dots, code.mean_dots, code.learn
update, update_mean = code.update, code.update_mean

SPARE = 16
"""The longest vector: so many values behind the scores may be written over."""
NEVER = float32(-1e9)
"""A score that says of a negative what is known already: nothing is learnt from it."""


class Layers(NamedTuple):
    """Both layers of weights.

    A row has `size` values, a multiple of 16, of which those beyond the dimensions stay 0. The row
    behind those of the V words is for negatives that are not there.
    """

    x: Any
    """(rows * size,) float32, the input layer: the word vectors, and behind them n-grams'."""
    o: Any
    """(rows * size,) float32, the output layer, of words or of a tree's inner nodes."""
    size: int
    hot: int
    """The most frequent words, of which a thread has rows of its own ..."""
    shift: int
    """... which begin at this row."""
    grams: int = 0
    """The row of the input layer at which those of n-grams begin."""


class Options(NamedTuple):
    """What a window is, and what is learnt from it."""

    cbow: bool
    window: int
    """Words on either side at most."""
    dynamic: bool
    """Whether each window's width is drawn from 1 to that, so that near words count more."""
    negatives: int
    hierarchical: bool = False
    """Whether the output layer is a tree, and there are no negatives."""


@njit(**OPTIONS)  # type: ignore[untyped-decorator]
def train(
    ids: Any,
    offsets: Any,
    layers: Layers,
    options: Options,
    chances: Any,
    rates: Any,
    seeds: Any,
) -> Any:
    """Learn from sentences, one after another.

    Args:
        ids: (N,) int32; those of V and above are passed over.
        offsets: (S+1,) int64, where sentences begin in ids.
        layers, options, chances: as above and in draws.
        rates: the learning rate at the first and behind the last of these sentences.
        seeds: two, of words with windows and of negatives.

    Returns:
        the summed loss, and of how many predictions.
    """
    words, noise_state = uint64(seeds[0]), uint64(seeds[1])
    size, most, V = layers.size, 2 * options.window, len(chances.keep)
    paths, longest = chances.paths, options.negatives + 1
    if options.hierarchical:
        longest = np.max(np.diff(paths.begins))
    blocks = (longest + OUTPUTS - 1) // OUTPUTS
    kept = (
        np.empty(np.max(np.diff(offsets)), np.int32) if len(offsets) > 1 else np.empty(0, np.int32)
    )
    # Words made of n-grams that are within reach or come next, by their place in the sentence
    # modulo `span`: as they are now, as they were when they came, and their rows.
    parts, span = chances.parts, most + 2
    spelled = len(parts.begins) > 1
    near = np.zeros(span * size if spelled else 0, np.float32)
    came = np.zeros_like(near)
    rows = np.empty((span, np.max(np.diff(parts.begins)) + 1 if spelled else 0), np.int64)
    sizes = np.zeros(span, np.int64)
    x = near if spelled else layers.x
    at = np.empty(most, np.int64)
    to = np.full((2, blocks, OUTPUTS), int64(V) * size)
    mean = np.empty(size, np.float32)
    scores = np.zeros((blocks, most * OUTPUTS + SPARE), np.float32)
    signs = _signs(most, scores.shape[1])
    turns = np.zeros((blocks, most * OUTPUTS + SPARE), np.float32)
    losses, predictions = np.zeros(SPARE), 0
    whole = max(1, offsets[-1] - offsets[0])
    for s in range(len(offsets) - 1):
        words, count = _keep(ids[offsets[s] : offsets[s + 1]], chances.keep, words, kept)
        rate = float32(rates[0] + (rates[1] - rates[0]) * ((offsets[s] - offsets[0]) / whole))
        if count < 2:
            continue
        noise_state = _outputs(kept[0], layers, options, chances, noise_state, to[0])
        if spelled:
            for j in range(min(count, options.window + 1)):
                sizes[j] = _parts(kept[j], layers, parts, rows[j])
                compose(layers.x, rows[j], sizes[j], near, came, j * size, size)
        for i in range(count):
            # Rows of the next window are brought into the cache while this one is learnt.
            if i + 1 < count:
                noise_state = _outputs(
                    kept[i + 1], layers, options, chances, noise_state, to[(i + 1) & 1]
                )
            coming = i + 1 + options.window
            if coming < count and spelled:
                slot = coming % span
                sizes[slot] = _parts(kept[coming], layers, parts, rows[slot])
                for row in rows[slot, : sizes[slot]]:
                    prefetch(layers.x, row, size)
            elif coming < count:
                prefetch(layers.x, _row(kept[coming], layers), size)
            reach = options.window
            if options.dynamic:
                words = following(words)
                reach = int64(below(words, reach)) + 1
            n = 0
            for j in range(max(0, i - reach), min(count, i + reach + 1)):
                if j != i:
                    at[n] = j % span * size if spelled else _row(kept[j], layers)
                    n += 1
            outputs, m = to[i & 1], 1 if options.cbow else n
            used = blocks
            if options.hierarchical:
                used = _turns(kept[i], paths, m, turns)
            for b in range(used):
                if options.cbow:
                    mean_dots(x, at, n, mean, layers.o, outputs[b], size, scores[b])
                else:
                    dots(x, at, n, layers.o, outputs[b], size, scores[b])
            for b in range(used):
                if options.hierarchical:
                    learn(scores[b], turns[b], m * OUTPUTS, rate, losses)
                else:
                    _forget(scores[b], m, outputs, b, int64(V) * size)
                    learn(scores[b], signs[min(b, 1), m], m * OUTPUTS, rate, losses)
                if options.cbow:
                    update_mean(x, at, n, mean, layers.o, outputs[b], size, scores[b])
                else:
                    update(x, at, n, layers.o, outputs[b], size, scores[b])
            predictions += m
            if spelled and i >= options.window:
                slot = (i - options.window) % span
                distribute(layers.x, rows[slot], sizes[slot], near, came, slot * size, size)
            if spelled and coming < count:
                slot = coming % span
                compose(layers.x, rows[slot], sizes[slot], near, came, slot * size, size)
        if spelled:
            for j in range(max(0, count - options.window), count):
                slot = j % span
                distribute(layers.x, rows[slot], sizes[slot], near, came, slot * size, size)
    return losses.sum(), predictions


@njit(**OPTIONS)  # type: ignore[untyped-decorator]
def _signs(most: Any, size: Any) -> Any:
    """(2, most + 1, size) what is wanted of the scores of n rows: the first output of the first
    block, and none of others."""
    signs = np.zeros((2, most + 1, size), np.float32)
    for n in range(most + 1):
        signs[:, n, : n * OUTPUTS] = -1
        signs[0, n, : n * OUTPUTS : OUTPUTS] = 1
    return signs


@njit(inline="always")
def _row(word: Any, layers: Layers) -> Any:
    """Where the row of a word begins."""
    number = int64(word)
    if number < layers.hot:
        number += layers.shift
    return number * layers.size


@njit(inline="always")
def _parts(word: Any, layers: Layers, parts: Any, rows: Any) -> Any:
    """The rows that a word is made of, its own first, into rows; how many they are."""
    first, count = parts.begins[word], parts.begins[word + 1] - parts.begins[word]
    rows[0] = _row(word, layers)
    for n in range(count):
        rows[n + 1] = (layers.grams + int64(parts.buckets[first + n])) * layers.size
    return count + 1


@njit(**OPTIONS)  # type: ignore[untyped-decorator]
def _keep(sentence: Any, keep: Any, state: Any, kept: Any) -> Any:
    """The words of a sentence that are not left out, into kept; the state, and how many."""
    count = 0
    for word in sentence:
        if word < len(keep):
            state = following(state)
            if upper(state) <= keep[word]:
                kept[count] = word
                count += 1
    return state, count


@njit(**OPTIONS)  # type: ignore[untyped-decorator]
def _turns(word: Any, paths: Paths, n: Any, turns: Any) -> Any:
    """What is wanted of the scores of n rows at each node of a word's path, into turns (blocks, n
    OUTPUTS and more): 0 behind its end. How many blocks the path takes."""
    first, length = paths.begins[word], paths.begins[word + 1] - paths.begins[word]
    used = (length + OUTPUTS - 1) // OUTPUTS
    for b in range(used):
        turns[b] = 0
        for m in range(min(OUTPUTS, length - b * OUTPUTS)):
            turns[b, m : n * OUTPUTS : OUTPUTS] = paths.signs[first + b * OUTPUTS + m]
    return used


@njit(**OPTIONS)  # type: ignore[untyped-decorator]
def _outputs(word: Any, layers: Layers, options: Options, chances: Any, state: Any, to: Any) -> Any:
    """Rows of a word and its negatives, or of the nodes on its path, into to; the state."""
    if options.hierarchical:
        paths = chances.paths
        first, last = paths.begins[word], paths.begins[word + 1]
        for k in range(-(-(last - first) // OUTPUTS) * OUTPUTS):
            place = int64(len(paths.begins) - 1) * layers.size  # the row that is of nothing
            if first + k < last:
                place = _row(paths.nodes[first + k], layers)
                prefetch(layers.o, place, layers.size)
            to[k // OUTPUTS, k % OUTPUTS] = place
        return state
    to[0, 0] = _row(word, layers)
    prefetch(layers.o, to[0, 0], layers.size)
    for k in range(1, options.negatives + 1):
        state, drawn = negative(state, chances.noise)
        place = _row(drawn, layers)
        to[k // OUTPUTS, k % OUTPUTS] = place
        prefetch(layers.o, place, layers.size)
    return state


@njit(inline="always")
def _forget(scores: Any, n: Any, outputs: Any, block: Any, missing: Any) -> None:
    """Nothing is learnt from a negative that is the word itself, or that is missing."""
    for m in range(OUTPUTS):
        place = outputs[block, m]
        if (place == outputs[0, 0] and (m or block)) or place == missing:
            for c in range(n):
                scores[c * OUTPUTS + m] = NEVER
