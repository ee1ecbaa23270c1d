"""A translation, with what can be told of it."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from jpseq.vocabulary import UNKNOWN


class Translation(NamedTuple):
    """One translation of a text."""

    text: str
    words: list[str]
    source: list[str]
    """The words that were read."""
    score: float
    """What translations of one text are ordered by, see Scoring."""
    log_p: float
    """The log probability of the words."""
    weights: npt.NDArray[np.float32] | None
    """(words, source words) attention weights; None without attention."""


def replaced(
    words: Sequence[str], source: Sequence[str], weights: npt.NDArray[np.float32]
) -> list[str]:
    """Words written, with the source word that was looked at most for each unknown one.

    >>> replaced(["<unk>", "さん"], ["Mr", "Oku"], np.array([[0.2, 0.8], [0.9, 0.1]], np.float32))
    ['Oku', 'さん']
    """
    return [
        source[int(row.argmax())] if word == UNKNOWN and source else word
        for word, row in zip(words, weights, strict=True)
    ]
