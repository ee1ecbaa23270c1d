"""A translation, with what can be told of it."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt


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
