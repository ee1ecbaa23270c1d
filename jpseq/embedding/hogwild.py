"""Several threads that learn into the same weights without waiting for one another.

Hogwild (Recht et al. 2011) lets threads write where they like: with many rows they seldom meet. In
word2vec they do, because every window holds frequent words, and a line of the cache that two cores
write to travels between them each time. So each thread has rows of its own for the most frequent
words, and after every piece adds what it has learnt there to the common ones.
"""

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from jpseq.embedding.draws import Chances
from jpseq.embedding.plain_code import OPTIONS
from jpseq.embedding.sentences import Pieces
from jpseq.embedding.windows import Layers, Options, train

LINE = 16
"""float32 values in a line of the cache, and in the longest vector."""
HOT = 1024
"""Words of which each thread has rows of its own: they are a good half of a text. Of a tree they
are the inner nodes nearest to the root."""

Matrix = npt.NDArray[np.float32]


class Weights:
    """Both layers, and the rows that threads have of their own.

    Each layer is one block of rows (H = 0 with one thread; n-grams are in the input layer alone)::

        V words | 1 spare | H of thread 0 | H of thread 1 | ... | B n-grams

    The spare row is learnt into where there is no negative, so that no loop has to ask. A row has
    `size` values, the dimensions rounded up to whole lines of the cache.

    Args:
        words: V.
        dim: D.
        threads: how many will learn at once.
        buckets: B, rows that n-grams share.
    """

    def __init__(self, words: int, dim: int, threads: int, buckets: int = 0) -> None:
        self.words = words
        self.dim = dim
        self.hot = min(HOT, words) if threads > 1 else 0
        self.size = -(-dim // LINE) * LINE
        self.threads = threads
        rows = words + 1 + threads * self.hot
        self._x, self._o = (_aligned((rows + more) * self.size) for more in (buckets, 0))
        self.x, self.o = (flat.reshape(-1, self.size)[:words, :dim] for flat in (self._x, self._o))
        """(V, D) views of the input and the output layer."""
        self.grams = self._x.reshape(-1, self.size)[rows:, :dim]
        """(B, D) view of the rows of n-grams."""
        self.lock = threading.Lock()

    @property
    def all(self) -> tuple[Matrix, Matrix, Matrix]:
        """The input layer, the output layer, and the rows of n-grams."""
        return self.x, self.o, self.grams

    @property
    def memory(self) -> int:
        """Bytes."""
        return self._x.nbytes + self._o.nbytes

    def layers(self, thread: int) -> Layers:
        """As a thread sees them."""
        first = self.words + 1
        own, grams = first + thread * self.hot, first + self.threads * self.hot
        return Layers(self._x, self._o, self.size, self.hot, own, grams)

    def own_rows(self, thread: int) -> "Own":
        """Copies of the frequent words' rows for a thread."""
        return Own(self, thread)


class Own:
    """The rows of the most frequent words that one thread learns into."""

    def __init__(self, weights: Weights, thread: int) -> None:
        self.lock = weights.lock
        hot, shift = weights.hot * weights.size, weights.layers(thread).shift * weights.size
        flats = (weights._x, weights._o)
        self.common = [flat[:hot] for flat in flats]
        self.own = [flat[shift : shift + hot] for flat in flats]
        with self.lock:
            for own, common in zip(self.own, self.common, strict=True):
                own[:] = common
        self.before = [own.copy() for own in self.own]

    def share(self) -> None:
        """Add to the common rows what was learnt here, and take what others have added."""
        with self.lock:
            for common, own, before in zip(self.common, self.own, self.before, strict=True):
                _share(common, own, before)


@njit(**OPTIONS)  # type: ignore[untyped-decorator]
def _share(common: Any, own: Any, before: Any) -> None:
    for i in range(len(common)):
        now = common[i] + (own[i] - before[i])
        common[i] = own[i] = before[i] = now


def train_epoch(
    pieces: Pieces,
    weights: Weights,
    options: Options,
    chances: Chances,
    rate: Callable[[int], float],
    seed: tuple[int, ...],
    done: Callable[[int], None] = lambda _: None,
    numbers: Iterable[int] | None = None,
) -> tuple[float, int]:
    """Go through all pieces once.

    With one thread the result depends on nothing but the arguments. With several it also depends on
    who comes first; draws and learning rates do not.

    Args:
        rate: the learning rate after so many words of this epoch.
        seed: of this epoch.
        done: is told of words whenever a piece of them is learnt, by the calling thread.
        numbers: of the pieces; None for all.

    Returns:
        the summed loss, and of how many predictions.
    """
    bounds, words = pieces.bounds(), pieces.words_before()
    turn, stop = iter(range(len(bounds) - 1) if numbers is None else numbers), threading.Event()
    totals = np.zeros((weights.threads, 2))
    finished: list[int] = []

    def learn(thread: int, tell: Callable[[int], None]) -> None:
        own = weights.own_rows(thread)
        layers = weights.layers(thread)
        while not stop.is_set():
            with weights.lock:
                number = next(turn, None)
            if number is None:
                return
            piece = pieces.piece(int(bounds[number]), int(bounds[number + 1]))
            rates = rate(int(words[number])), rate(int(words[number + 1]))
            seeds = np.random.SeedSequence((*seed, number)).generate_state(2, np.uint64)
            totals[thread] += train(*piece, layers, options, chances, rates, seeds)
            own.share()
            tell(int(words[number + 1] - words[number]))

    if weights.threads == 1:
        learn(0, done)
    else:
        with ThreadPoolExecutor(weights.threads) as pool:
            futures = [
                pool.submit(learn, thread, finished.append) for thread in range(weights.threads)
            ]
            try:
                while wait(futures, timeout=0.1, return_when=FIRST_EXCEPTION).not_done:
                    while finished:
                        done(finished.pop())
                    if any(future.done() and future.exception() for future in futures):
                        break
            finally:
                stop.set()
            for future in futures:
                future.result()
        while finished:
            done(finished.pop())
    loss, predictions = totals.sum(0)
    return float(loss), int(predictions)


def _aligned(count: int) -> Matrix:
    """Zeros that begin with a line of the cache."""
    whole = np.zeros(count + LINE, np.float32)
    first = -whole.ctypes.data % (4 * LINE) // 4
    return whole[first : first + count]
