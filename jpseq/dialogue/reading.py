"""How the networks of a bot read a conversation: as one sequence of words, or turn by turn."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

import numpy as np
import numpy.typing as npt
import torch

from jpseq.batch import Batch
from jpseq.dialogue.talks import talk, talks
from jpseq.dialogue.turns import Turns
from jpseq.network.conversation import Talk
from jpseq.network.seq2seq import Pair
from jpseq.sequences import Ragged
from jpseq.training.stream import Rows, Stream
from jpseq.vocabulary import UNKNOWN, Vocabulary

PAD, START, END, TURN = "<pad>", "<s>", "</s>", "<turn>"
SPECIALS = (PAD, UNKNOWN, START, END, TURN)
ENDS: dict[str, Any] = {"start": SPECIALS.index(START), "end": SPECIALS.index(END)}
NEVER = [SPECIALS.index(special) for special in (PAD, UNKNOWN, START, TURN)]
"""What is never written."""

Ids = npt.NDArray[np.int32]
Word = TypeVar("Word")
LONGEST = 100
"""Turns that are read turn by turn where nothing else is said."""
FORESEEN = 1000
"""Words of a turn that are foreseen where it is read turn by turn: all turns of a dialogue are
padded to the longest of them."""


@dataclass(frozen=True)
class Flat:
    """The last words said as one sequence, with a mark between turns; for seq2seq."""

    vocabulary: Vocabulary
    history: int
    turns: int | None
    batch_tokens: int
    seed: int

    foreseen: ClassVar[int | None] = None
    """How many words of a turn are foreseen; None for all."""

    @property
    def reach(self) -> int:
        """How many of the last turns can be read. Even empty ones have a mark between them."""
        return min(self.turns or self.history + 1, self.history + 1)

    def heard(self, turn: Sequence[Word]) -> Sequence[Word]:
        """Those words of a turn that are read."""
        return turn[-self.history :]

    def before(self, histories: Sequence[Sequence[Ids]]) -> tuple[Batch]:
        """What the network encodes before it replies to each history."""
        sources = [self._source(turns) for turns in histories]
        return (Batch.from_ragged(Ragged.from_sequences(sources)),)

    def stream(self, turns: Turns, shuffle: bool) -> Stream[Any]:
        """Each reply with what was said before it."""
        start, end = (np.array([id], np.int32) for id in ENDS.values())

        def make(rows: Rows) -> Pair:
            sources = [self._source(turns.before(row, self.reach)) for row in rows.tolist()]
            targets = [
                np.concatenate([start, turns[turn], end]) for turn in turns.replies[rows].tolist()
            ]
            return Pair(*(Batch.from_ragged(Ragged.from_sequences(s)) for s in (sources, targets)))

        # A turn that alone is more than a batch should be is not learnt from; it is measured on.
        longest = self.batch_tokens if shuffle else None
        return Stream(turns.lengths + 2, make, self.batch_tokens, shuffle, self.seed, longest)

    def _source(self, turns: Iterable[Ids]) -> Ids:
        """The last `history` ids of turns, with the mark between turns.

        A full stop before the mark says nothing, and who types at a prompt leaves it out.
        """
        mark = np.array([SPECIALS.index(TURN)], np.int32)
        stop = self.vocabulary.id("。") if "。" in self.vocabulary else None
        parts = [
            part
            for turn in turns
            for part in (mark, turn[:-1] if len(turn) > 1 and turn[-1] == stop else turn)
        ][1:]
        return np.concatenate(parts)[-self.history :]


@dataclass(frozen=True)
class ByTurn:
    """Turn by turn; for hred and vhred."""

    history: int
    turns: int | None
    batch_tokens: int
    seed: int

    foreseen: ClassVar[int | None] = FORESEEN
    """As of Flat."""

    @property
    def reach(self) -> int:
        """How many of the last turns are read."""
        return self.turns or LONGEST

    def heard(self, turn: Sequence[Word]) -> Sequence[Word]:
        """As of Flat."""
        return turn[: self.history]

    def before(self, histories: Sequence[Sequence[Ids]]) -> tuple[Talk, torch.Tensor]:
        """What the network encodes before it replies to each history; two speakers take turns."""
        speakers = [np.arange(len(turns)) % 2 for turns in histories]
        said = talk(histories, speakers, **ENDS, longest=self.history)
        return said, torch.tensor([len(turns) % 2 for turns in histories])

    def stream(self, turns: Turns, shuffle: bool) -> Stream[Any]:
        """The conversations. Of a turn as much is read as where it is answered; it is foreseen
        whole, but for very long ones."""
        return talks(
            turns,
            **ENDS,
            batch_tokens=self.batch_tokens,
            size=self.reach + 1,
            longest=self.foreseen,
            history=self.history,
            shuffle=shuffle,
            seed=self.seed,
        )


Reading = Flat | ByTurn
