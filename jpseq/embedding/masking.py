"""Which words are masked, and what stands in their place (Devlin et al. 2019, section 3.1).

Words are masked whole: a piece that is left would tell the others. Masks are drawn anew in each
epoch (Liu et al. 2019, section 4.1) and from nothing but the seed, the epoch and the place of a
word in the corpus. So they are the same in any batch, in any process and after any interruption.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.int32]
Numbers = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

PAD, START, END, MASK = "<pad>", "<s>", "</s>", "<mask>"
SPECIALS = (PAD, "<unk>", START, END, MASK)
MASK_ID = SPECIALS.index(MASK)
FIRST = len(SPECIALS)
"""The first id that is no special one."""

CHOICE, FATE, WORD = range(3)
"""What a number is drawn for."""


class Masks(NamedTuple):
    """What is read instead of some pieces."""

    read: Ids
    """(P,) ids with masks."""
    chosen: Bools
    """(P,) the pieces that are to be foretold."""


@dataclass(frozen=True)
class Masking:
    """Of some words most are masked, some become others, and some stay, but all are foretold.

    A network that saw nothing but masks where it has to foretell would learn nothing of the words
    that it reads.

    Args:
        size: V; another word is drawn from the ids that are no special ones.
        share: of the pieces of an excerpt that are chosen, rounded to whole words; one word is
            chosen in any case. Unknown words never are.
        masked, replaced: of the chosen words, the share that becomes <mask> and the share that
            becomes other pieces, drawn at random.
        seed: of all draws.
    """

    size: int
    share: float = 0.15
    masked: float = 0.8
    replaced: float = 0.1
    seed: int = 0

    def draw(self, ids: Ids, sizes: Numbers, bounds: Numbers, places: Numbers, epoch: int) -> Masks:
        """Mask some words of some excerpts.

        Args:
            ids: (P,) the pieces of all words, one after another.
            sizes: (W,) how many pieces each word has, at least 1.
            bounds: (S + 1,) the words before each excerpt, and all of them.
            places: (W,) a number for each word of the corpus, which its draws depend on.
            epoch: from 0.
        """
        first = np.cumsum(sizes) - sizes
        known: Bools = np.zeros(0, np.bool_)
        if len(ids):
            known = np.minimum.reduceat(ids, first) >= FIRST
        chosen = self._chosen(known, sizes, bounds, places, epoch)
        fate = uniform(places, self.seed, epoch, FATE)
        masks = np.repeat(chosen & (fate < self.masked), sizes)
        others = chosen & (fate >= self.masked) & (fate < self.masked + self.replaced)
        read = np.where(masks, np.int32(MASK_ID), ids)
        (pieces,) = np.repeat(others, sizes).nonzero()
        within = np.arange(len(ids)) - np.repeat(first, sizes)
        place = np.repeat(places, sizes)[pieces]
        drawn = uniform(place, self.seed, epoch, WORD, within[pieces])
        read[pieces] = FIRST + (drawn * (self.size - FIRST)).astype(np.int32)
        return Masks(read, np.repeat(chosen, sizes))

    def _chosen(
        self, known: Bools, sizes: Numbers, bounds: Numbers, places: Numbers, epoch: int
    ) -> Bools:
        """(W,) In an order drawn at random words are chosen until the share is reached."""
        excerpt = np.repeat(np.arange(len(bounds) - 1), np.diff(bounds))
        draws = np.where(known, uniform(places, self.seed, epoch, CHOICE), 2.0)
        order = np.lexsort((draws, excerpt))
        through = np.concatenate([[0], np.cumsum(sizes[order])])
        begin = through[bounds[:-1]]
        wanted = self.share * (through[bounds[1:]] - begin)
        before = through[:-1] - begin[excerpt]
        # The nearest number of pieces: a word goes in if half of it does.
        enough = before + sizes[order] / 2 > wanted[excerpt]
        chosen: Bools = np.zeros(len(sizes), np.bool_)
        chosen[order] = ~enough | (before == 0)
        return chosen & known


def uniform(numbers: npt.NDArray[np.integer], *keys: int | Numbers) -> npt.NDArray[np.float64]:
    """(N,) numbers in [0, 1), each from one of `numbers` and the keys, in any order and amount.

    Each key is stirred in by the finaliser of SplitMix64 (Steele, Lea & Flood 2014, figure 16).
    """
    state = _mixed(numbers.astype(np.uint64))
    for key in keys:
        state = _mixed(state ^ _mixed(np.asarray(key).astype(np.uint64) + np.uint64(_GAMMA)))
    drawn: npt.NDArray[np.float64] = (state >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return drawn


_GAMMA = 0x9E3779B97F4A7C15


def _mixed(z: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    with np.errstate(over="ignore"):  # products are modulo 2^64
        z = z + np.uint64(_GAMMA)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
