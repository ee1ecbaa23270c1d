"""Words as provisional ids: numbered in the order of their first occurrence."""

from array import array
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

AT_ONCE = 20_000
"""Words that are looked up together. Between two lines an analyser's dictionary pushes the table
out of the processor's cache, and looking up the words of one line takes three times as long. Many
more at once gain nothing, and as texts they take ten times as much memory as their ids do."""


class Words:
    """The sequences of words of a block, or of a corpus in memory.

    >>> words = Words()
    >>> words.add(["海", "と", "空", "と"])
    >>> words.ids(), words.different(), words.tokens
    (array([0, 1, 2, 1], dtype=int32), ['海', 'と', '空'], 4)
    """

    def __init__(self) -> None:
        self.lengths = array("q")
        """Of each sequence."""
        self._ids = array("i")
        self._waiting: list[str] = []
        self._table: defaultdict[str, int] = defaultdict()
        self._table.default_factory = self._table.__len__  # a new word gets the next id

    def add(self, words: Sequence[str]) -> None:
        """Append a sequence."""
        self._waiting += words
        self.lengths.append(len(words))
        if len(self._waiting) > AT_ONCE:
            self._look_up()

    def ids(self) -> npt.NDArray[np.int32]:
        """The provisional ids of all words."""
        self._look_up()
        return np.frombuffer(self._ids, np.int32)

    def different(self) -> list[str]:
        """The different words, by their provisional ids."""
        self._look_up()
        return list(self._table)

    @property
    def tokens(self) -> int:
        """How many words there are."""
        return len(self._ids) + len(self._waiting)

    def _look_up(self) -> None:
        numbers = map(self._table.__getitem__, self._waiting)
        self._ids.frombytes(np.fromiter(numbers, np.int32, len(self._waiting)).tobytes())
        self._waiting.clear()
