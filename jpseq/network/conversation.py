"""Conversations as networks read them: the utterances of many dialogues in one flat batch."""

from typing import NamedTuple

import torch
from torch import Tensor

from jpseq.batch import Batch


class Talk(NamedTuple):
    """Dialogues side by side."""

    utterances: Batch
    """values (U, T) ids, each utterance from its start id to its end id; turns (D,)."""
    speakers: Tensor
    """(U,) who says each, counted from 0 in each dialogue."""
    heard: Tensor | None = None
    """(U,) how many ids of each, after its start, an encoder reads; None for all."""

    @property
    def places(self) -> Tensor:
        """(U,) the place of each utterance in its dialogue, from 0."""
        turns = turns_of(self.utterances)
        firsts = torch.cumsum(turns, 0) - turns
        numbers = torch.arange(len(self.utterances), device=turns.device)
        return numbers - torch.repeat_interleave(firsts, turns)

    @property
    def read(self) -> Batch:
        """The utterances as an encoder reads them: without the start, which says nothing."""
        batch = self.utterances
        if self.heard is None:
            return Batch(batch.values[:, 1:], batch.lengths - 1, batch.turns)
        longest = int(self.heard.max()) if len(self.heard) else 0
        return Batch(batch.values[:, 1 : longest + 1], self.heard, batch.turns)


def turns_of(batch: Batch) -> Tensor:
    """(D,) utterances of each dialogue of a flat batch."""
    assert batch.turns is not None, "a batch of dialogues says how many utterances each has"
    return batch.turns


def unfold(values: Tensor, turns: Tensor) -> Batch:
    """(U, F) of all utterances → values (D, N, F), a sequence for each dialogue."""
    batch = Batch(values.new_zeros(len(turns), int(turns.max()), values.shape[1]), turns)
    return batch.replace(batch.values.masked_scatter(batch.mask[:, :, None], values))


def take(batch: Batch, rows: Tensor) -> Batch:
    """Some sequences of a batch, (R,) of their numbers, without padding that none of them needs."""
    lengths = batch.lengths.index_select(0, rows.to(batch.lengths.device))
    longest = int(lengths.max()) if len(lengths) else 0
    return Batch(batch.values.index_select(0, rows)[:, :longest], lengths)
