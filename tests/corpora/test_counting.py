"""Exact counts, in memory and over runs on disk."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jpseq import Vocabulary
from jpseq.corpora.counting import Counting

TEXTS = st.lists(st.lists(st.text('ab夜\n"\\\u2028 ', max_size=3), max_size=8), max_size=6)


def count(texts: list[list[str]], folder: Path, limit: int) -> tuple[Counting, list[list[int]]]:
    """The counting, and final ids of each text."""
    counting = Counting(folder, limit)
    added = []
    for text in texts:
        counts = Counter(text)
        added.append(counting.add(list(counts), np.array([*counts.values()], np.int64)))
    ranking = counting.rank()
    ranking.save(folder / "vocabulary.json")
    ids = []
    for text, (run, places) in zip(texts, added, strict=True):
        local = {word: i for i, word in enumerate(Counter(text))}
        ids.append([int(ranking.ids[run][places[local[word]]]) for word in text])
    return counting, ids


def test_ids_go_by_frequency_then_by_first_occurrence(tmp_path: Path) -> None:
    texts = [["海", "空", "空"], ["山", "海", "川", "山"]]
    counting, ids = count(texts, tmp_path, limit=100)
    assert counting.runs == []
    assert ids == [[0, 1, 1], [2, 0, 3, 2]]


def test_runs_on_disk_give_the_same(tmp_path: Path) -> None:
    texts = [["海", "空", "空"], ["山", "海", "川", "山"], ["空"]]
    counting, ids = count(texts, tmp_path, limit=1)
    assert [run.tolist() for run in counting.runs] == [[1, 2], [2, 1, 1], [1]]
    assert ids == [[1, 0, 0], [2, 1, 3, 2], [0]]


@given(TEXTS, st.integers(1, 8))
def test_any_texts_and_limits_give_what_a_vocabulary_learns(
    tmp_path_factory: pytest.TempPathFactory, texts: list[list[str]], limit: int
) -> None:
    folder = tmp_path_factory.mktemp("counting")
    _, ids = count([text for text in texts if text] or [["夜"]], folder, limit)
    wanted = Vocabulary().fit([text for text in texts if text] or [["夜"]])
    assert (folder / "vocabulary.json").read_text("utf-8") == wanted.to_json()
    rows = wanted.transform([text for text in texts if text] or [["夜"]]).tolist()
    assert ids == rows
