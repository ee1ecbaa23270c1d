"""Excerpts: sequences of words as pieces, none too long, and the batches of masks in them."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from jpseq.batch import Batch
from jpseq.embedding.masking import END, SPECIALS, START, Masking
from jpseq.network.masked_lm import Masked
from jpseq.sequences import Ragged, framed
from jpseq.training.stream import Rows, Stream

Numbers = npt.NDArray[np.int64]
AT_ONCE = 1_000_000
"""Words that are measured at once."""
FRAME = 2
"""The ids before and after an excerpt."""


class Written(NamedTuple):
    """Some excerpts in pieces.

    Of the excerpts 新 桜 | 月, words 7, 8 and 20 of the corpus, where 新 is spelt ▁ 新 and each of
    the others is one piece, `pieces` has the rows [▁ 新] [桜] [月], `bounds` is [0, 2, 3] and
    `places` [7, 8, 20].
    """

    pieces: Ragged
    """W words, each a row of its pieces."""
    bounds: Numbers
    """(S + 1,) the words before each excerpt, and all of them."""
    places: Numbers
    """(W,) where each word stands in the corpus."""

    def words_at(self, pieces: Numbers) -> Numbers:
        """(N,) which words some pieces are of."""
        return np.searchsorted(self.pieces.offsets, pieces, "right") - 1


class Excerpts:
    """A corpus as excerpts: whole sequences, or about equal parts of those that are too long.

    The words may be memory-mapped: what is held besides is three numbers an excerpt and the pieces
    of each word. (What draws batches of them holds a few more.)

    Args:
        words: S sequences of ids of words.
        spelling: (V rows) the pieces of each word, none with more than `longest`.
        longest: pieces of an excerpt.
    """

    def __init__(self, words: Ragged, spelling: Ragged, longest: int) -> None:
        self.spelling = spelling
        sizes = spelling.lengths
        bounds, lengths, sequences = [words.offsets[:1]], [], []
        for first, last in _parts(words.offsets):
            offsets = np.array(words.offsets[first : last + 1])
            through = np.zeros(offsets[-1] - offsets[0] + 1, np.int64)
            np.cumsum(sizes[words.values[offsets[0] : offsets[-1]]], out=through[1:])
            ends = _ends(through, offsets - offsets[0], longest)
            lengths.append(np.diff(through[np.concatenate([[0], ends])]))
            bounds.append(offsets[0] + ends)
            sequences.append(first + np.searchsorted(offsets[1:], bounds[-1]))
        self.words = Ragged(words.values, np.concatenate(bounds))
        """(E excerpts) of ids of words."""
        self.lengths = np.concatenate([*lengths, np.zeros(0, np.int64)])
        """(E,) pieces."""
        self.sequence = np.concatenate([*sequences, np.zeros(0, np.int64)])
        """(E,) the sequence that each is of; the first one of several that end at one place."""

    def __len__(self) -> int:
        return len(self.words)

    def has(self, piece: int) -> npt.NDArray[np.bool_]:
        """(V,) of which words an id is a piece."""
        found = np.zeros(len(self.spelling), np.bool_)
        words = np.repeat(np.arange(len(self.spelling)), self.spelling.lengths)
        found[words[self.spelling.values == piece]] = True
        return found

    def take(self, rows: Rows) -> Written:
        """Some excerpts in pieces."""
        words = self.words.take(rows)
        first = self.words.offsets[rows]
        places = np.repeat(first - words.offsets[:-1], words.lengths) + np.arange(words.offsets[-1])
        return Written(self.spelling.take(words.values), words.offsets, places)


def _parts(offsets: Numbers) -> list[tuple[int, int]]:
    """Runs of sequences of about AT_ONCE words."""
    wanted = np.arange(offsets[0], offsets[-1], AT_ONCE)
    cuts = np.unique([*np.searchsorted(offsets, wanted).tolist(), 0, len(offsets) - 1]).tolist()
    return list(pairwise(cuts))


def _ends(through: Numbers, offsets: Numbers, longest: int) -> Numbers:
    """Where excerpts end, in words.

    Args:
        through: (W + 1,) the pieces before each word.
        offsets: (S + 1,) the words before each sequence.
    """
    (long,) = np.nonzero(np.diff(through[offsets]) > longest)
    more: list[int] = []
    for row in long.tolist():
        start, end = offsets[row : row + 2].tolist()
        while (left := through[end] - through[start]) > longest:
            parts = -(-left // longest)
            wanted = through[start] + -(-left // parts)  # so that the last one is no scrap
            start = max(start + 1, int(np.searchsorted(through, wanted, "right")) - 1)
            more.append(start)
    return np.sort(np.concatenate([offsets[1:], np.array(more, np.int64)]))


def framed_batch(written: Written, ids: npt.NDArray[np.int32]) -> Batch:
    """Excerpts with the start id before and the end id behind each, as a batch.

    Args:
        written: what they are.
        ids: (P,) their pieces, or what is read instead.
    """
    rows = Ragged(ids, written.pieces.offsets[written.bounds])
    return Batch.from_ragged(framed(rows, SPECIALS.index(START), SPECIALS.index(END)))


def inner_places(batch: Batch) -> npt.NDArray[np.int64]:
    """(P,) where the pieces of framed excerpts stand in the flat (B * T) batch."""
    lengths = batch.lengths.numpy()
    steps = np.arange(batch.values.shape[1])
    inside = (steps > 0) & (steps < lengths[:, None] - 1)
    return np.flatnonzero(inside)


class MaskedStream(Stream[Masked]):
    """Batches of excerpts with masks; with `shuffle` they are drawn anew each epoch.

    Args:
        excerpts: of a corpus.
        rows: the excerpts that are taken.
        masking: chooses words.
        batch_tokens, shuffle: as in Stream.
    """

    def __init__(
        self,
        excerpts: Excerpts,
        rows: Rows,
        masking: Masking,
        batch_tokens: int,
        shuffle: bool = True,
    ) -> None:
        self.excerpts = excerpts
        self.chosen = rows[excerpts.lengths[rows] > 0]
        self.masking = masking
        lengths = excerpts.lengths[self.chosen] + FRAME
        super().__init__(lengths, self._first, batch_tokens, shuffle, masking.seed)

    def batch(self, rows: Rows, epoch: int) -> Masked:
        written = self.excerpts.take(self.chosen[rows])
        ids = np.asarray(written.pieces.values, np.int32)
        drawn = self.masking.draw(
            ids,
            written.pieces.lengths,
            written.bounds,
            written.places,
            epoch if self.shuffle else 0,
        )
        batch = framed_batch(written, drawn.read)
        places = inner_places(batch)[drawn.chosen]
        targets = ids[drawn.chosen].astype(np.int64)
        return Masked(batch, torch.from_numpy(places), torch.from_numpy(targets))

    def _first(self, rows: Rows) -> Masked:
        return self.batch(rows, 0)

    def fingerprint(self) -> str:
        return f"{super().fingerprint()} {self.masking}"
