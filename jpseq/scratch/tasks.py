"""Tasks that can only be solved by remembering, and binary addition.

All are made from random numbers, so that there is always new data and nothing can be learnt by
heart. The first three are the classics of long memory: what counts comes early, the answer is due
late, and how far apart the two are is a number that can be turned up.
"""

from abc import ABC, abstractmethod

import numpy as np
import numpy.typing as npt

from jpseq.scratch.layer import Array
from jpseq.scratch.losses import (
    Loss,
    Target,
    mean_squared_error,
    sigmoid_cross_entropy,
    softmax_cross_entropy,
)
from jpseq.scratch.network import Network, train
from jpseq.scratch.optimizers import Adam

Right = npt.NDArray[np.bool_]


class Task(ABC):
    """A task: what goes in, what should come out, and when an answer counts as right.

    Attributes:
        inputs, outputs: I and O of a network for it.
        loss: what to train with.
        chance: the fraction that is right without remembering anything.
    """

    inputs: int
    outputs: int
    loss: Loss
    chance: float

    @abstractmethod
    def draw(self, rng: np.random.Generator, B: int) -> tuple[Array, Target]:
        """New data: x (B, T, I) and the target of the last K steps (B, K, ...)."""

    @abstractmethod
    def right(self, y: Array, target: Target) -> Right:
        """Which of the sequences are answered rightly in all steps: y (B, K, O) -> (B,)."""

    def accuracy(self, network: Network, x: Array, target: Target) -> float:
        """The fraction of sequences that the network answers rightly."""
        y = network.forward(x)[:, -target.shape[1] :]
        return float(self.right(y, target).mean())


class Adding(Task):
    """The adding problem (Hochreiter & Schmidhuber 1997, experiment 4).

    Each step has a number from 0 to 1 and a mark. Two steps are marked, one in each half; the
    answer, after the last step, is the sum of the two marked numbers. Right is an error below 0.04
    (as there, where the answers lie in half the range: here it is stricter). Who always answers 1
    has a mean squared error of 1/6.

    x (B, T, 2): number, mark. target (B, 1, 1).
    """

    inputs, outputs, chance = 2, 1, 0.0784  # P(|u + v - 1| < 0.04) = 0.08 - 0.04²
    loss = staticmethod(mean_squared_error)

    def __init__(self, length: int) -> None:
        self.length = length

    def draw(self, rng: np.random.Generator, B: int) -> tuple[Array, Target]:
        half = self.length // 2
        x = np.zeros((B, self.length, 2))
        x[:, :, 0] = rng.random((B, self.length))
        each = np.arange(B)
        first, second = rng.integers(0, half, B), rng.integers(half, self.length, B)
        x[each, first, 1] = x[each, second, 1] = 1
        return x, (x[each, first, 0] + x[each, second, 0])[:, None, None]

    def right(self, y: Array, target: Target) -> Right:
        return np.asarray(np.abs(y - target)[:, 0, 0] < 0.04)


class Copy(Task):
    """The copy task (in the form of Arjovsky et al. 2016): say again what was said long ago.

    `symbols` random symbols out of `kinds`, then a pause of `delay` blank steps, then a bell that
    rings for as many steps as there were symbols, at which they are to be repeated in order.

    x (B, symbols + delay + symbols, kinds + 2), one-hot: the symbols, the blank, the bell.
    target (B, symbols), the symbols.
    """

    loss = staticmethod(softmax_cross_entropy)

    def __init__(self, delay: int, symbols: int = 3, kinds: int = 4) -> None:
        self.delay, self.symbols, self.kinds = delay, symbols, kinds
        self.inputs, self.outputs = kinds + 2, kinds
        self.chance = kinds**-symbols

    def draw(self, rng: np.random.Generator, B: int) -> tuple[Array, Target]:
        said = rng.integers(0, self.kinds, (B, self.symbols))
        blank = np.full((B, self.delay), self.kinds)
        bell = np.full((B, self.symbols), self.kinds + 1)
        return np.eye(self.inputs)[np.concatenate([said, blank, bell], axis=1)], said

    def right(self, y: Array, target: Target) -> Right:
        return np.asarray(np.all(y.argmax(axis=2) == target, axis=1))


class TemporalOrder(Task):
    """The temporal order problem (Hochreiter & Schmidhuber 1997, experiment 6a).

    Somewhere in the second tenth of the sequence stands an X or a Y, and another one in the sixth
    tenth; everything else is one of four letters that mean nothing. Which came first? The answer,
    after the last step, is one of XX, XY, YX, YY. (There the length varies from 100 to 110, and
    the beginning and the end have letters of their own.)

    x (B, T, 6), one-hot: X, Y, a, b, c, d. target (B, 1).
    """

    inputs, outputs, chance = 6, 4, 0.25
    loss = staticmethod(softmax_cross_entropy)

    def __init__(self, length: int) -> None:
        self.length = length

    def draw(self, rng: np.random.Generator, B: int) -> tuple[Array, Target]:
        T, each = self.length, np.arange(B)
        letters = rng.integers(2, 6, (B, T))
        first, second = rng.integers(0, 2, (2, B))
        letters[each, rng.integers(T // 10, T // 5, B)] = first
        letters[each, rng.integers(T // 2, T * 6 // 10, B)] = second
        return np.eye(6)[letters], (2 * first + second)[:, None]

    def right(self, y: Array, target: Target) -> Right:
        return np.asarray(np.all(y.argmax(axis=2) == target, axis=1))


class BinaryAddition(Task):
    """The sum of two binary numbers, as on paper: from the lowest digit, with a carry.

    All there is to remember is one bit, whether something is carried; but it must be remembered
    rightly at every step. One step more than there are bits, for the last carry.

    x (B, bits + 1, 2): the digits of both numbers, the lowest first. target (B, bits + 1, 1).
    """

    inputs, outputs = 2, 1
    loss = staticmethod(sigmoid_cross_entropy)

    def __init__(self, bits: int) -> None:
        self.bits = bits
        self.chance = 0.5 ** (bits + 1)

    def draw(self, rng: np.random.Generator, B: int) -> tuple[Array, Target]:
        return self.sums(*rng.integers(0, 2**self.bits, (2, B)))

    def sums(self, p: npt.NDArray[np.int64], q: npt.NDArray[np.int64]) -> tuple[Array, Target]:
        """These sums p + q, p and q (B,): x and target as above."""
        return np.stack([self._digits(p), self._digits(q)], axis=2), self._digits(p + q)[:, :, None]

    def all_sums(self) -> tuple[Array, Target]:
        """All 4^bits of them: 65,536 for 8 bits."""
        p, q = np.divmod(np.arange(4**self.bits), 2**self.bits)
        return self.sums(p, q)

    def _digits(self, n: npt.NDArray[np.int64]) -> Array:
        return (n[:, None] >> np.arange(self.bits + 1) & 1).astype(np.float64)

    def right(self, y: Array, target: Target) -> Right:
        # y is a logit: above 0 the sigmoid is above 1/2.
        return np.asarray(np.all((y > 0) == (target > 0.5), axis=(1, 2)))


def practise(
    network: Network,
    task: Task,
    steps: int,
    learning_rate: float = 0.003,
    max_norm: float = 1.0,
    batch: int = 32,
    every: int = 100,
    seed: int = 0,
) -> Array:
    """Train with Adam on new data all the time; stop early when nothing is wrong any more.

    Args:
        steps: the most steps; `every` so many, 1,000 new sequences are asked. Done is when 99 % of
            them are right twice in succession.

    Returns:
        (N, 3): after how many steps, the mean loss since the last row, the fraction that is right.
    """
    rng, exam = np.random.default_rng(seed), np.random.default_rng([seed, 1])
    optimizer = Adam(learning_rate)
    rows: list[tuple[float, float, float]] = []
    for done in range(every, steps + 1, every):
        batches = (task.draw(rng, batch) for _ in range(every))
        losses = train(network, batches, task.loss, optimizer, max_norm)
        right = task.accuracy(network, *task.draw(exam, 1000))
        rows.append((done, float(np.mean(losses)), right))
        if len(rows) > 1 and min(rows[-1][2], rows[-2][2]) >= 0.99:
            break
    return np.array(rows)
