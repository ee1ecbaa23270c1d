"""Search: from a network that scores the next word to whole sequences."""

from collections.abc import Callable, Collection
from typing import Protocol, TypeVar

import torch
from torch import Tensor

from jpseq.batch import Batch

S = TypeVar("S")


class Step(Protocol[S]):
    """(B,) previous ids and a state → (B, V) scores and the next state."""

    def __call__(self, previous: Tensor, state: S, /) -> tuple[Tensor, S]: ...


Choice = Callable[[Tensor], Tensor]
"""(B, V) scores → (B,) ids."""


def greedy(logits: Tensor) -> Tensor:
    """The word with the highest score (the lowest id where several have it)."""
    return logits.argmax(dim=-1)


def sampled(temperature: float = 1.0, generator: torch.Generator | None = None) -> Choice:
    """Draw from softmax(scores / temperature); low temperatures come near to greedy."""

    def choose(logits: Tensor) -> Tensor:
        # Shifting by the maximum keeps exp finite however small the temperature is; 1e-30 is still
        # more than 0 in single precision.
        shifted = logits.float() - logits.amax(dim=-1, keepdim=True)
        scores = shifted / max(temperature, 1e-30)
        drawn = torch.multinomial(scores.softmax(dim=-1), 1, generator=generator)
        return drawn[:, 0]

    return choose


@torch.no_grad()
def decode(
    step: Step[S],
    state: S,
    *,
    size: int,
    start: int,
    end: int,
    max_length: int,
    choose: Choice = greedy,
    forbidden: Collection[int] = (),
    device: torch.device | str = "cpu",
) -> Batch:
    """Write sequences word by word until each has ended.

    Args:
        step: the network's step.
        state: the state before the first word.
        size: B, how many sequences are written side by side.
        start: the id before the first word.
        end: the id after which a sequence is finished; it is not part of the result.
        max_length: a sequence that has not ended by then is cut.
        choose: how a word is taken from the scores.
        forbidden: ids that are never chosen.

    Returns:
        values (B, T) ids.
    """
    previous = torch.full((size,), start, device=device)
    finished = torch.zeros(size, dtype=torch.bool, device=device)
    lengths = torch.zeros(size, dtype=torch.int64, device=device)
    never = torch.tensor(list(forbidden), dtype=torch.int64, device=device)
    written: list[Tensor] = []
    for _ in range(max_length):
        logits, state = step(previous, state)
        previous = choose(logits.index_fill(1, never, -torch.inf))
        finished |= previous == end
        if bool(finished.all()):
            break
        written.append(previous.masked_fill(finished, 0))
        lengths += ~finished
    values = torch.stack(written, 1) if written else previous.new_zeros(size, 0)
    return Batch(values, lengths)
