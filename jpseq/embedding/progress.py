"""What word2vec tells while it learns."""

from collections.abc import Callable
from typing import NamedTuple


class Start(NamedTuple):
    """What is told when words are counted and the first step comes next."""

    words: int
    """Of the corpus."""
    vectors: int
    """Different words that get one."""
    memory: int
    """Bytes that weights and tables take; the rest is the same for any corpus."""


class Moment(NamedTuple):
    """What is told now and then: how far a training is."""

    words: int
    """Learnt so far, those of all epochs."""
    of: int
    seconds: float


class Epoch(NamedTuple):
    """What is told after each epoch."""

    number: int
    """From 1."""
    loss: float
    """Mean over predictions of -log σ(score), a negative's score counted as minus itself: of a
    hierarchical softmax -log p of the word. NaN where nothing was predicted."""
    held_out: float | None
    """The same on sentences that are not learnt from, with the same draws each time."""
    words_per_second: float
    seconds_left: float


Report = Callable[[Start | Moment | Epoch], object]
