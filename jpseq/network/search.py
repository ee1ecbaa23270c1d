"""Search: from a network that scores the next word to whole sequences, one word after another."""

from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor

from jpseq.batch import Batch

S = TypeVar("S")


class Step(Protocol[S]):
    """(B,) previous ids and a state → (B, V) scores and the next state.

    A state is a tensor (B, ...), or has `select(rows)`, or is None where there is none.
    """

    def __call__(self, previous: Tensor, state: S, /) -> tuple[Tensor, S]: ...


Choice = Callable[[Tensor], Tensor]
"""(B, V) scores → (B,) ids."""


def greedy(logits: Tensor) -> Tensor:
    """The word with the highest score (the lowest id where several have it)."""
    return logits.argmax(dim=-1)


@torch.no_grad()
def decode(
    step: Step[S],
    state: S,
    *,
    size: int,
    start: int,
    end: int,
    max_length: int | Sequence[int],
    choose: Choice = greedy,
    forbidden: Collection[int] = (),
    min_length: int = 0,
    no_repeat: int = 0,
    device: torch.device | str = "cpu",
) -> Batch:
    """Write sequences word by word until each has ended; what has ended leaves the batch.

    Args:
        step: the network's step.
        state: the state before the first word.
        size: B, how many sequences are written side by side.
        start: the id before the first word.
        end: the id after which a sequence is finished; it is not part of the result.
        max_length: a sequence that has not ended by then is cut; one number, or one for each.
        choose: how a word is taken from the scores.
        forbidden: ids that are never chosen.
        min_length: before so many words no sequence ends, unless nothing else may follow.
        no_repeat: no run of so many words comes twice in a sequence; 0 for no such rule.

    Returns:
        values (B, T) ids.
    """
    steps = decoding(
        step,
        state,
        size=size,
        start=start,
        end=end,
        max_length=max_length,
        choose=choose,
        forbidden=forbidden,
        min_length=min_length,
        no_repeat=no_repeat,
        device=device,
    )
    last = deque(steps, maxlen=1)
    if not last:
        ids = torch.zeros(size, 0, dtype=torch.int64, device=device)
        return Batch(ids, ids.sum(dim=1))
    written, lengths = last[0]
    return Batch(written[:, : int(lengths.max())], lengths)


@torch.no_grad()
def decoding(
    step: Step[S],
    state: S,
    *,
    size: int,
    start: int,
    end: int,
    max_length: int | Sequence[int],
    choose: Choice = greedy,
    forbidden: Collection[int] = (),
    min_length: int = 0,
    no_repeat: int = 0,
    device: torch.device | str = "cpu",
) -> Iterator[tuple[Tensor, Tensor]]:
    """What `decode` does, seen word by word; the arguments are the same.

    Yields:
        after each word that was added: (B, max_length) ids so far, which the next step goes on
        with, and (B,) how many of them there are.
    """
    rules = Rules(end, forbidden, min_length, no_repeat, device)
    limits = limits_of(max_length, size, device)
    written = torch.zeros(size, int(limits.max()) if size else 0, dtype=torch.int64, device=device)
    lengths = torch.zeros(size, dtype=torch.int64, device=device)
    going = torch.arange(size, device=device)
    previous = torch.full((size,), start, device=device)
    for t in range(written.shape[1]):
        stays = limits[going] > t
        if not bool(stays.all()):
            state, going, previous = select(state, stays), going[stays], previous[stays]
        if not len(going):
            return
        scores, state = step(previous, state)
        previous = choose(rules.applied(scores, written[going, :t]))
        stays = previous != end
        if not bool(stays.all()):
            state, going, previous = select(state, stays), going[stays], previous[stays]
        written[going, t] = previous
        lengths[going] = t + 1
        if len(going):
            yield written, lengths


@torch.no_grad()
def forced(step: Step[S], state: S, sequences: Batch, *, start: int, end: int) -> Tensor:
    """How likely sequences are that are there already.

    Args:
        step, state, start, end: as in decode, the state of B sequences.
        sequences: values (B, T) ids, without start and end.

    Returns:
        (B,) log p of the ids and the end, in nats.
    """
    lengths = sequences.lengths.to(sequences.values.device)
    log_p = torch.zeros(len(sequences), device=sequences.values.device)
    going = torch.arange(len(sequences), device=sequences.values.device)
    previous = torch.full_like(going, start)
    for t in range(sequences.values.shape[1] + 1):
        stays = lengths[going] >= t
        if not bool(stays.all()):
            state, going, previous = select(state, stays), going[stays], previous[stays]
        if not len(going):
            break
        scores, state = step(previous, state)
        ended = lengths[going] == t
        word = torch.full_like(going, end)
        if t < sequences.values.shape[1]:
            word = torch.where(ended, word, sequences.values[going, t])
        log_p[going] += scores.float().log_softmax(dim=1).gather(1, word[:, None])[:, 0]
        previous = word
    return log_p


def select(state: Any, rows: Tensor) -> Any:
    """The state of some sequences: rows is (R,) of their numbers, or (B,) bool."""
    if rows.dtype == torch.bool:
        rows = rows.nonzero()[:, 0]
    if state is None:
        return None
    return state[rows] if isinstance(state, Tensor) else state.select(rows)


def limits_of(max_length: int | Sequence[int], size: int, device: torch.device | str) -> Tensor:
    """(B,) the longest that each sequence may become."""
    limits = [max_length] * size if isinstance(max_length, int) else list(max_length)
    return torch.tensor(limits, dtype=torch.int64, device=device)


class Rules:
    """Which words may follow what has been written.

    Args:
        end: the id that ends a sequence.
        forbidden: ids that never may.
        min_length: before so many words the end may not.
        no_repeat: n; a word may not complete a run of n words that stands there already.
    """

    def __init__(
        self,
        end: int,
        forbidden: Collection[int],
        min_length: int,
        no_repeat: int,
        device: torch.device | str = "cpu",
    ) -> None:
        self.end = end
        self.never = torch.tensor(list(forbidden), dtype=torch.int64, device=device)
        self.min_length = min_length
        self.no_repeat = no_repeat

    def applied(self, scores: Tensor, written: Tensor) -> Tensor:
        """(R, V) scores after (R, t) words → the same, but -inf for each word that may not follow.

        Where no word may follow, the end may.
        """
        t, n = written.shape[1], self.no_repeat
        ending = scores[:, self.end]
        scores = scores.index_fill(1, self.never, -torch.inf)
        if t < self.min_length:
            scores[:, self.end] = -torch.inf
        if n and t >= n:
            runs = written.unfold(1, n, 1)  # (R, t - n + 1, n)
            last = written[:, t - n + 1 :]
            row, place = (runs[:, :, :-1] == last[:, None]).all(dim=2).nonzero(as_tuple=True)
            scores[row, runs[row, place, -1]] = -torch.inf
        if n or t < self.min_length:
            none = ~scores.isfinite().any(dim=1)
            scores[none, self.end] = ending[none]
        return scores
