"""From turns to batches of whole conversations, for networks that read them turn by turn."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from jpseq.batch import Batch
from jpseq.dialogue.turns import Turns, counted
from jpseq.network.conversation import Talk
from jpseq.sequences import Ragged
from jpseq.training.stream import Rows, Stream


def talks(
    turns: Turns,
    *,
    start: int,
    end: int,
    batch_tokens: int,
    size: int,
    longest: int | None = None,
    history: int | None = None,
    shuffle: bool = True,
    seed: int = 0,
) -> Stream[Talk]:
    """A stream of conversations.

    Args:
        turns: of all dialogues.
        start, end: the ids that each utterance is put between.
        batch_tokens: at most so many words in a batch, ends included.
        size: a longer dialogue is read in pieces of so many turns, of which each begins with the
            last turn of the one before: every turn but the first is a reply once. At least 2.
        longest: an utterance is cut after so many words, and has no end then; None for not.
        history: of an utterance of more words than this only the first so many are read, while all
            of it is foreseen; None for not.
        shuffle, seed: as in Stream.
    """
    firsts, ends = pieces(turns.begins, turns.ends, size)
    words = turns.ids.lengths if longest is None else np.minimum(turns.ids.lengths, longest)
    before = np.concatenate([[0], np.cumsum(words + 2)])

    def make(rows: Rows) -> Talk:
        bounds = list(zip(firsts[rows].tolist(), ends[rows].tolist(), strict=True))
        said = [[turns[turn] for turn in range(*piece)] for piece in bounds]
        speakers = [speakers_of(turns, *piece) for piece in bounds]
        return talk(said, speakers, start, end, longest, history)

    return Stream(before[ends] - before[firsts], make, batch_tokens, shuffle, seed)


def talk(
    said: Sequence[Sequence[npt.NDArray[np.int32]]],
    speakers: Sequence[npt.NDArray[np.int64]],
    start: int,
    end: int,
    longest: int | None = None,
    history: int | None = None,
) -> Talk:
    """Conversations as one batch; arguments as in `talks`, and who says each turn."""

    def framed(ids: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
        kept: list[npt.ArrayLike] = [[start], ids[:longest]]
        if longest is None or len(ids) <= longest:
            kept.append([end])
        return np.concatenate(kept).astype(np.int32)

    utterances = Ragged.from_groups([framed(ids) for ids in turns] for turns in said)
    batch = Batch.from_ragged(utterances)
    heard = None
    if history is not None:
        words = torch.tensor([len(ids) for turns in said for ids in turns])
        whole = batch.lengths - 1
        heard = torch.where(words > history, whole.clamp(max=history), whole)
    return Talk(batch, torch.from_numpy(np.concatenate(speakers)), heard)


def pieces(begins: Rows, ends: Rows, size: int) -> tuple[Rows, Rows]:
    """First turns and ends of the pieces of dialogues of two turns or more."""
    sizes = ends - begins
    step = size - 1
    counts = np.where(sizes > 1, -(-(sizes - 1) // step), 0)
    firsts = np.repeat(begins, counts) + step * counted(counts)
    return firsts, np.minimum(firsts + size, np.repeat(ends, counts))


def speakers_of(turns: Turns, first: int, end: int) -> npt.NDArray[np.int64]:
    """Who says each turn of a piece, counted from 0 in it; in turn where nothing is known."""
    if turns.speakers is None:
        return np.arange(end - first) % 2
    return in_order(turns.speakers[first:end].tolist())


def in_order(names: Sequence[object]) -> npt.NDArray[np.int64]:
    """Names as numbers from 0, in the order in which they first appear."""
    numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
    return np.array([numbers[name] for name in names], np.int64)
