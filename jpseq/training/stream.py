"""Streams of batches: sequences of about the same length together, in an order drawn anew each
epoch."""

import hashlib
from collections.abc import Callable, Iterator
from typing import Generic, Literal, TypeVar

import numpy as np
import numpy.typing as npt

from jpseq.batch import Batch, content
from jpseq.errors import DataError
from jpseq.network.seq2seq import Pair
from jpseq.sequences import Ragged
from jpseq.training import processes

B = TypeVar("B")
Rows = npt.NDArray[np.int64]


class Stream(Generic[B]):
    """Batches of rows, about equally many tokens in each.

    The source of the rows may be memory-mapped: what a stream holds itself is one number a row.

    Args:
        lengths: (N,) tokens of each row.
        make: makes the batch of some rows, given as (n,) int64 numbers.
        batch_tokens: at most so many tokens with padding in a batch.
        shuffle: draw rows of equal length, and the order of batches, anew each epoch.
        seed: with the epoch it decides that draw.
        longest: rows with more tokens are left out, and counted in `left_out`. Without it a row
            longer than batch_tokens is a batch of its own, and memory is as large as that needs.

    Raises:
        DataError: there are fewer rows than processes.
    """

    def __init__(
        self,
        lengths: Rows,
        make: Callable[[Rows], B],
        batch_tokens: int,
        shuffle: bool = True,
        seed: int = 0,
        longest: int | None = None,
    ) -> None:
        kept = np.arange(len(lengths)) if longest is None else np.flatnonzero(lengths <= longest)
        self.rows = kept
        self.lengths = lengths[kept]
        self.longest = longest
        self.left_out = len(lengths) - len(kept)
        self.make = make
        self.batch_tokens = batch_tokens
        self.shuffle = shuffle
        self.seed = seed
        self.epoch = 0
        if 0 < len(kept) < processes.world_size():
            raise DataError(
                f"{len(kept)} rows cannot be shared between {processes.world_size()} processes;"
                " start fewer."
            )
        # Rows of equal length may change places, so the cuts are the same in every epoch.
        self.cuts = _cuts(np.sort(self.lengths).tolist(), batch_tokens, processes.world_size())

    def batches(self, epoch: int) -> list[Rows]:
        """The rows of each batch of an epoch; their number is the same in every epoch."""
        rows = np.arange(len(self.lengths))
        draw = np.random.default_rng((self.seed, epoch))
        if self.shuffle:
            rows = draw.permutation(rows)
        rows = rows[np.argsort(self.lengths[rows], kind="stable")]
        batches = np.split(self.rows[rows], self.cuts) if len(rows) else []
        if self.shuffle:
            batches = [batches[i] for i in draw.permutation(len(batches))]
        return batches

    def __len__(self) -> int:
        return len(self.cuts) + 1 if len(self.lengths) else 0

    def __iter__(self) -> Iterator[B]:
        """The batches of an epoch; the next call gives those of the next epoch."""
        epoch, self.epoch = self.epoch, self.epoch + 1
        for rows in self.batches(epoch):
            yield self.batch(rows, epoch)

    def batch(self, rows: Rows, epoch: int) -> B:
        """The batch of some rows; in a stream that draws more than the order, that of an epoch."""
        return self.make(rows)

    def fingerprint(self) -> str:
        """A digest of what decides the batches and of what stands in some of them, so that a run is
        not resumed on other data."""
        digest = hashlib.sha256(self.rows.tobytes() + self.lengths.tobytes())
        digest.update(repr((self.batch_tokens, self.shuffle, self.seed)).encode())
        batches = self.batches(0)
        for rows in batches[:: -(-len(batches) // _COMPARED) or 1]:
            digest.update(content(self.batch(rows, 0)))
        return digest.hexdigest()


_COMPARED = 16
"""Batches that are looked into. All of a large corpus would take too long."""


class Course(Generic[B]):
    """All epochs of a stream as one sequence of batches, with a position to go on from.

    Where several processes train together, a batch is formed first and then shared out between
    them, so that a step is the same however many there are.

    Args:
        stream: the batches of an epoch. Its own count of epochs is left alone.
        epochs: how often it is gone through.
    """

    def __init__(self, stream: Stream[B], epochs: int) -> None:
        self.stream = stream
        self.epochs = epochs
        self.epoch = 0
        self.batch = 0
        """Batches of this epoch that have been given."""

    @property
    def at_end_of_epoch(self) -> bool:
        """Whether the last batch given was the last of its epoch."""
        return self.batch == len(self.stream)

    def __len__(self) -> int:
        return self.epochs * len(self.stream)

    def __iter__(self) -> Iterator[B]:
        """The batches from the position on; this process's share of each."""
        while self.epoch < self.epochs:
            batches = self.stream.batches(self.epoch)
            while self.batch < len(batches):
                rows = batches[self.batch]
                self.batch += 1
                share = rows[processes.rank() :: processes.world_size()]
                yield self.stream.batch(share, self.epoch)
            self.epoch, self.batch = self.epoch + 1, 0

    def state_dict(self) -> dict[str, int]:
        """The position."""
        return {"epoch": self.epoch, "batch": self.batch}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go on from a position."""
        self.epoch, self.batch = state["epoch"], state["batch"]


def pairs(
    source: Ragged,
    target: Ragged,
    batch_tokens: int,
    *,
    longest: int | None = None,
    too_long: Literal["drop", "cut"] = "drop",
    shuffle: bool = True,
    seed: int = 0,
) -> Stream[Pair]:
    """A stream of sources with their targets, for networks from sequence to sequence.

    Args:
        source: S sequences of ids.
        target: S sequences of ids, each with its start and end ids.
        batch_tokens: at most so many tokens with padding on either side of a batch.
        longest: how many tokens a sequence may have.
        too_long: what happens with a pair of which one side is longer: it is dropped, and counted
            in the stream's `left_out`, or cut after `longest` tokens.
        shuffle, seed: as in Stream.

    Raises:
        DataError: there are not as many sources as targets.
    """
    if len(source) != len(target):
        raise DataError(
            f"{len(source):,} sources but {len(target):,} targets; row i of one belongs to row i of"
            " the other."
        )
    cut = longest if too_long == "cut" else None

    def make(rows: Rows) -> Pair:
        sides = (side.take(rows, cut) for side in (source, target))
        return Pair(*map(Batch.from_ragged, sides))

    lengths = np.maximum(source.lengths, target.lengths)
    if cut is not None:
        lengths = np.minimum(lengths, cut)
    return Stream(lengths, make, batch_tokens, shuffle, seed, longest)


def _cuts(lengths: list[int], batch_tokens: int, least: int) -> list[int]:
    """Where to cut rows in order of their lengths, so that no batch with padding is too large.

    Every batch has at least a row for each process (least).
    """
    cuts: list[int] = []
    first = 0
    for i, length in enumerate(lengths):
        if i - first >= least and (i - first + 1) * length > batch_tokens:
            cuts.append(i)
            first = i
    if cuts and len(lengths) - cuts[-1] < least:
        cuts.pop()
    return cuts
