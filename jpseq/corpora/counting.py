"""Exact counts of any number of words, in bounded memory.

A table of words in memory is the quick way, until it is full. Then its words are written to disk in
sorted order (a run), and an empty table goes on. At the end the runs are merged as in an external
merge sort (D. Knuth, The Art of Computer Programming 3, section 5.4): a word is met in all runs at
once, so its counts add up to the exact one. Nothing is ever pruned.

Beside the table only a few numbers a word are in memory, never all words.
"""

import heapq
import json
import mmap
from array import array
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import numpy as np
import numpy.typing as npt

from jpseq.vocabulary import Vocabulary


class Counting:
    """Counts words in the order in which they come.

    >>> counting = Counting(Path(), limit=1000)
    >>> run, places = counting.add(["海", "空"], np.array([1, 5]))
    >>> ranking = counting.rank()
    >>> ranking.ids[run][places], ranking.counts
    (array([1, 0], dtype=int32), array([5, 1]))

    Args:
        folder: where runs are written, if there are any.
        limit: how many different words the table holds before it is written out. It can grow beyond
            that by the words of one `add`.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        self.folder = folder
        self.limit = limit
        self.runs: list[npt.NDArray[np.int64]] = []
        """The counts in each run that was written."""
        self._begin()

    def _begin(self) -> None:
        self._table: defaultdict[str, int] = defaultdict()
        self._table.default_factory = self._table.__len__  # a new word gets the next place
        self._counts = np.zeros(1024, np.int64)

    def add(
        self, words: list[str], counts: npt.NDArray[np.int64]
    ) -> tuple[int, npt.NDArray[np.int32]]:
        """Count words, all different, in the order of their first occurrence.

        Returns:
            the run, and the place of each word in it: what Ranking.ids is asked.
        """
        if len(self._table) >= self.limit:
            self._spill()
        places = np.fromiter(map(self._table.__getitem__, words), np.int32, len(words))
        if len(self._table) > len(self._counts):
            self._counts = np.pad(self._counts, (0, len(self._table)))  # at least doubled
        self._counts[places] += counts
        return len(self.runs), places

    def rank(self) -> "Ranking":
        """The ids of all words: by frequency, ties by first occurrence. It ends the counting."""
        if self.runs:
            self._spill()
            return self._merge()
        words = list(self._table)
        counts = self._counts[: len(words)]
        order = np.argsort(-counts, kind="stable")
        return Ranking(
            lambda: (_encode(words[place]) for place in order), counts[order], [_inverse(order)]
        )

    def _spill(self) -> None:
        with self._file(len(self.runs)).open("w", encoding="utf-8") as file:
            for word in sorted(self._table):
                file.write(f"{self._table[word]} {_encode(word)}\n")
        self.runs.append(self._counts[: len(self._table)])
        self._begin()

    def _merge(self) -> "Ranking":
        """Number all words in sorted order, then rank these numbers."""
        numbers = [np.zeros(len(run), np.int32) for run in self.runs]
        ends = array("q", [0])
        runs = [_read_run(self._file(run), run) for run in range(len(self.runs))]
        merged = groupby(heapq.merge(*runs, key=itemgetter(0)), key=itemgetter(0))
        path = self.folder / "words"
        with path.open("wb") as file:
            for number, (word, same) in enumerate(merged):
                ends.append(ends[-1] + file.write(_encode(word).encode()))
                for _, run, place in same:
                    numbers[run][place] = number
        counts = np.zeros(len(ends) - 1, np.int64)
        first = np.zeros(len(ends) - 1, np.int64)
        begin = sum(map(len, self.runs))
        # Backwards, so that of the places of a word the one in its earliest run remains.
        for numbered, run_counts in zip(reversed(numbers), reversed(self.runs), strict=True):
            begin -= len(run_counts)
            counts[numbered] += run_counts
            first[numbered] = np.arange(begin, begin + len(run_counts))
        order = np.lexsort((first, -counts))
        ids = _inverse(order)
        return Ranking(
            lambda: _read_words(path, np.frombuffer(ends, np.int64), order),
            counts[order],
            [ids[numbered] for numbered in numbers],
        )

    def _file(self, run: int) -> Path:
        return self.folder / f"run-{run}"


@dataclass(frozen=True)
class Ranking:
    """All words by their ids."""

    encoded: Callable[[], Iterator[str]]
    """The words, each as JSON, in the order of their ids."""
    counts: npt.NDArray[np.int64]
    """(words,) how often each was counted."""
    ids: list[npt.NDArray[np.int32]]
    """Of each run the ids of its words, by their places."""

    def save(self, path: Path) -> None:
        """Write the file that Vocabulary.save would write, word by word."""
        empty = Vocabulary()
        empty.counts_ = Counter()
        head, rest = empty.to_json().split('"words": []')
        between, end = rest.split('"counts": []')
        with path.open("w", encoding="utf-8") as file:
            file.write(f'{head}"words": [')
            _write_items(file.write, self.encoded())
            file.write(f'\n]{between}"counts": [')
            _write_items(file.write, (str(count) for count in self.counts))
            file.write(f"\n]{end}")


_encode = json.JSONEncoder(ensure_ascii=False).encode


def _inverse(order: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
    """The rank of each place."""
    ranks = np.empty(len(order), np.int32)
    ranks[order] = np.arange(len(order), dtype=np.int32)
    return ranks


def _read_run(path: Path, run: int) -> Iterator[tuple[str, int, int]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            place, _, word = line.partition(" ")
            yield json.loads(word), run, int(place)


def _read_words(
    path: Path, ends: npt.NDArray[np.int64], order: npt.NDArray[np.int64]
) -> Iterator[str]:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as words:
        for number in order:
            yield words[ends[number] : ends[number + 1]].decode()


def _write_items(write: Callable[[str], object], items: Iterator[str]) -> None:
    comma = ""
    for item in items:
        write(f"{comma}\n{item}")
        comma = ","
