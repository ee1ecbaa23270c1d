"""Streams of batches: sequences of about the same length together, in an order drawn anew each
epoch."""

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

B = TypeVar("B")


class Stream(Generic[B]):
    """Batches of rows, about equally many tokens in each.

    Args:
        lengths: (N,) tokens of each row.
        make: makes the batch of some rows, given as (n,) int64 numbers.
        batch_tokens: at most so many tokens with padding in a batch (a single longer row is a
            batch of its own).
        shuffle: draw rows of equal length, and the order of batches, anew each epoch.
        seed: with the epoch it decides that draw.
    """

    def __init__(
        self,
        lengths: npt.NDArray[np.int64],
        make: Callable[[npt.NDArray[np.int64]], B],
        batch_tokens: int,
        shuffle: bool = True,
        seed: int = 0,
    ) -> None:
        self.lengths = lengths
        self.make = make
        self.batch_tokens = batch_tokens
        self.shuffle = shuffle
        self.seed = seed
        self.epoch = 0
        # Rows of equal length may change places, so the cuts are the same in every epoch.
        self.cuts = _cuts(np.sort(lengths).tolist(), batch_tokens)

    def batches(self, epoch: int) -> list[npt.NDArray[np.int64]]:
        """The rows of each batch of an epoch; their number is the same in every epoch."""
        rows = np.arange(len(self.lengths))
        draw = np.random.default_rng((self.seed, epoch))
        if self.shuffle:
            rows = draw.permutation(rows)
        rows = rows[np.argsort(self.lengths[rows], kind="stable")]
        batches = np.split(rows, self.cuts) if len(rows) else []
        if self.shuffle:
            batches = [batches[i] for i in draw.permutation(len(batches))]
        return batches

    def __len__(self) -> int:
        return len(self.cuts) + 1 if len(self.lengths) else 0

    def __iter__(self) -> Iterator[B]:
        epoch, self.epoch = self.epoch, self.epoch + 1
        for rows in self.batches(epoch):
            yield self.make(rows)


def _cuts(lengths: list[int], batch_tokens: int) -> list[int]:
    """Where to cut rows in order of their lengths, so that no batch with padding is too large."""
    cuts: list[int] = []
    first = 0
    for i, length in enumerate(lengths):
        if i > first and (i - first + 1) * length > batch_tokens:
            cuts.append(i)
            first = i
    return cuts
