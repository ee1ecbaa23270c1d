"""The turns of dialogues as ids, and the pairs that a bot learns from: turns so far, reply."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from jpseq.corpora.prepared import Prepared
from jpseq.corpora.readers import Dialogue, Turn
from jpseq.errors import ConfigurationError, DataError
from jpseq.sequences import Ragged
from jpseq.vocabulary import UNKNOWN, Vocabulary


@dataclass(frozen=True)
class PreparedDialogues:
    """Some of the dialogues of a prepared corpus; they stay on disk."""

    prepared: Prepared
    chosen: npt.NDArray[np.int64]
    """(D,) numbers of the dialogues."""

    @classmethod
    def all_of(cls, prepared: Prepared) -> Self:
        """Every dialogue of a corpus.

        Raises:
            ConfigurationError: it was made of something else.
        """
        if prepared.kind != "dialogues" or prepared.ids.groups is None:
            raise ConfigurationError(
                f"{prepared.folder}: prepared {prepared.kind}, but a bot learns from dialogues:"
                " `jpseq corpus prepare FILES --kind dialogues`."
            )
        return cls(prepared, np.arange(len(prepared.ids.groups) - 1))

    def __len__(self) -> int:
        return len(self.chosen)

    def sizes(self) -> npt.NDArray[np.int64]:
        """(D,) turns of each dialogue."""
        groups = self.prepared.ids.groups
        assert groups is not None
        return groups[self.chosen + 1] - groups[self.chosen]

    def take(self, places: Iterable[int]) -> Self:
        """The dialogues at these places."""
        return replace(self, chosen=self.chosen[np.asarray(list(places), np.int64)])

    def counts(self) -> Counter[str]:
        """The words of these dialogues, in the order of the corpus's ids."""
        ids = self.prepared.ids
        groups = ids.groups
        assert groups is not None
        words = self.prepared.vocabulary.words
        counted = np.zeros(len(words), np.int64)
        for some in np.array_split(self.chosen, 1 + len(self.chosen) // 1000):
            bounds = zip(ids.offsets[groups[some]], ids.offsets[groups[some + 1]], strict=True)
            parts = [ids.values[first:last] for first, last in bounds]
            if parts:
                counted += np.bincount(np.concatenate(parts), minlength=len(words))
        found = np.flatnonzero(counted).tolist()
        return Counter({words[i]: int(counted[i]) for i in found})


Dialogues = Iterable[Dialogue | Sequence[str]] | Prepared | PreparedDialogues
"""What a bot learns from: Turns or texts, or a prepared corpus."""


def turns_of(dialogue: Dialogue | Sequence[str]) -> list[Turn]:
    """The turns of a dialogue; texts without speakers are said by two in turn.

    Raises:
        DataError: it is no list of texts or turns.
    """
    if isinstance(dialogue, str):
        raise DataError("a dialogue is a list of turns, got one text; put it in a list.")
    turns = []
    said: Any
    for place, said in enumerate(dialogue):
        turn = said if isinstance(said, Turn) else Turn(str(place % 2), said)
        if not isinstance(turn.text, str):
            raise DataError(f"a turn is a text (str) or a Turn, got {type(turn.text).__name__}.")
        turns.append(turn)
    return turns


def texts_of(dialogue: Dialogue | Sequence[str]) -> list[str]:
    """The texts of a dialogue.

    Raises:
        DataError: as turns_of.
    """
    return [turn.text for turn in turns_of(dialogue)]


def all_texts(dialogues: Dialogues) -> Iterator[list[str]]:
    """The texts of the turns of each dialogue, for what has to say again what was said.

    Raises:
        ConfigurationError: a prepared corpus; it has the words and not the texts.
        DataError: as texts_of.
    """
    if isinstance(dialogues, Prepared | PreparedDialogues):
        raise ConfigurationError(
            "a prepared corpus holds words and not the texts that were said. Give the dialogues"
            " themselves: read_dialogues(FILES)."
        )
    return map(texts_of, dialogues)


def check_replies(there: bool, aim: str) -> None:
    """See that there is a turn that answers one before it.

    Args:
        there: whether there is.
        aim: what it is needed for, for the message.

    Raises:
        DataError: there is none.
    """
    if not there:
        raise DataError(f"to {aim}, at least one dialogue of two turns or more is needed.")


def counted(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """0, 1, 2, ... as far as each count says, one after another.

    >>> counted(np.array([2, 0, 3])).tolist()
    [0, 1, 0, 1, 2]
    """
    numbers: npt.NDArray[np.int64] = np.arange(counts.sum())
    return numbers - np.repeat(np.cumsum(counts) - counts, counts)


@dataclass(frozen=True)
class SpokenDialogues:
    """Dialogues of words, with who said them."""

    words: list[list[list[str]]]
    """Dialogues of turns of words."""
    speakers: list[list[int]]
    """Who says each turn, counted from 0 in each dialogue in order of their first turns."""

    def __len__(self) -> int:
        return len(self.words)

    def sizes(self) -> npt.NDArray[np.int64]:
        """(D,) turns of each dialogue."""
        return np.array([len(dialogue) for dialogue in self.words], np.int64)

    def take(self, places: Iterable[int]) -> Self:
        """The dialogues at these places."""
        chosen = list(places)
        return replace(
            self,
            words=[self.words[i] for i in chosen],
            speakers=[self.speakers[i] for i in chosen],
        )

    def __iter__(self) -> Iterator[list[list[str]]]:
        return iter(self.words)


@dataclass(frozen=True)
class Turns:
    """The turns of dialogues as ids of one vocabulary."""

    ids: Ragged
    """A sequence for each turn."""
    begins: npt.NDArray[np.int64]
    """(D,) the first turn of each dialogue."""
    ends: npt.NDArray[np.int64]
    """(D,) the turn after its last."""
    speakers: npt.NDArray[np.int64] | None = None
    """(turns,) who says each, from 0 in each dialogue; None where nothing is known of it."""
    table: npt.NDArray[np.int32] | None = None
    """From the ids of a prepared corpus to those of the vocabulary."""

    @classmethod
    def of(
        cls,
        dialogues: "SpokenDialogues | PreparedDialogues | Sequence[Sequence[Sequence[str]]]",
        words: Vocabulary,
    ) -> Self:
        """The turns of dialogues of words, or of prepared ones."""
        if isinstance(dialogues, PreparedDialogues):
            ids, chosen, speakers = dialogues.prepared.ids, dialogues.chosen, None
            known = dialogues.prepared.vocabulary.words
            table = _said(np.array([words.id(word) for word in known], np.int32), words)
        else:
            ids = Ragged.from_groups(ids_of(dialogue, words) for dialogue in dialogues)
            chosen, table, speakers = np.arange(len(dialogues)), None, None
            if isinstance(dialogues, SpokenDialogues):
                speakers = np.array([who for talk in dialogues.speakers for who in talk], np.int64)
        assert ids.groups is not None
        return cls(ids, ids.groups[chosen], ids.groups[chosen + 1], speakers, table)

    @cached_property
    def first(self) -> npt.NDArray[np.int64]:
        """(R,) the first turn of the dialogue of each reply."""
        return np.repeat(self.begins, np.maximum(0, self.ends - self.begins - 1))

    @cached_property
    def replies(self) -> npt.NDArray[np.int64]:
        """(R,) the turns that answer one before them."""
        sizes = np.maximum(0, self.ends - self.begins - 1)
        return self.first + 1 + counted(sizes)

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """(R,) words of each reply."""
        return self.ids.offsets[self.replies + 1] - self.ids.offsets[self.replies]

    def __getitem__(self, turn: int) -> npt.NDArray[np.int32]:
        ids = self.ids[turn]
        return ids if self.table is None else self.table[ids]

    def before(self, row: int, reach: int) -> list[npt.NDArray[np.int32]]:
        """The turns before a reply, at most so many."""
        reply = int(self.replies[row])
        return [self[turn] for turn in range(max(int(self.first[row]), reply - reach), reply)]


def ids_of(rows: Iterable[Sequence[str]], words: Vocabulary) -> Ragged:
    """The ids of rows of words that were said.

    A word that is spelt like a special one, such as "</s>", is an unknown word: what people type
    must not end a turn, or begin another.
    """
    ids = words.transform(rows)
    return Ragged(_said(ids.values, words), ids.offsets)


def _said(ids: npt.NDArray[Any], words: Vocabulary) -> npt.NDArray[np.int32]:
    """Ids with that of an unknown word in the place of the special ones."""
    return np.where(ids < len(words.specials), np.int32(words.id(UNKNOWN)), ids)


def hold_out(
    dialogues: Sequence[Dialogue] | PreparedDialogues, share: float = 0.05, seed: int = 0
) -> tuple[Any, Any]:
    """Dialogues to learn from and, drawn by the seed, at least one to measure on; of two or more
    one is left to learn from."""
    count = max(1, min(round(len(dialogues) * share), len(dialogues) - 1))
    chosen = set(np.random.default_rng(seed).permutation(len(dialogues))[:count].tolist())
    parts = (
        [i for i in range(len(dialogues)) if i not in chosen],
        [i for i in range(len(dialogues)) if i in chosen],
    )
    if isinstance(dialogues, PreparedDialogues):
        learnt, kept = (dialogues.take(part) for part in parts)
        return learnt, kept
    return [dialogues[i] for i in parts[0]], [dialogues[i] for i in parts[1]]
