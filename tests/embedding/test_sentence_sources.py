"""What is learnt from: forms of a corpus, pieces of it, sentences left out."""

import itertools
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jpseq import MeCab, Ragged, Tokens, Vocabulary
from jpseq.corpora.prepare import prepare
from jpseq.embedding.sentences import NOWHERE, Pieces, drawn, opened, renamed
from jpseq.errors import DataError

Rows = st.lists(st.lists(st.sampled_from("春夏秋冬朝昼夜"), max_size=6), max_size=20)


@given(Rows)
def test_lists_of_words_are_counted_and_numbered_by_frequency(rows: list[list[str]]) -> None:
    with opened(rows) as (ids, vocabulary):
        fitted = Vocabulary().fit(rows)
        assert vocabulary.words == fitted.words
        assert vocabulary.counts_ == fitted.counts_
        assert vocabulary.inverse_transform(ids) == rows


def test_rows_may_be_tokens_and_come_once_only() -> None:
    texts = ["海は広い", "空は高い"]
    tokenizer = MeCab()
    with opened(iter(tokenizer.transform(texts))) as (ids, vocabulary):
        assert vocabulary.inverse_transform(ids) == [tokenizer.words(text) for text in texts]
    assert isinstance(tokenizer.tokenize(texts[0]), Tokens)


def test_files_and_prepared_corpora_hold_the_same(tmp_path: Path) -> None:
    file = tmp_path / "sky.txt"
    file.write_text("海は広い\n\n空は高い\n海は青い\n", encoding="utf-8")
    prepared = prepare(file, tmp_path / "prepared", workers=1)
    contents = []
    for corpus in (file, str(file), prepared, prepared.folder, str(prepared.folder)):
        with opened(corpus, workers=1) as (ids, vocabulary):
            contents.append((ids.tolist(), vocabulary.words, Counter(vocabulary.counts_)))
    assert all(content == contents[0] for content in contents)


@pytest.mark.parametrize("rows", [["海は広い"], [["海"], "空"]])
def test_texts_are_no_rows_of_words(rows: list[object]) -> None:
    with pytest.raises(DataError, match="got a text"), opened(rows):  # type: ignore[arg-type]
        pass


@pytest.mark.parametrize("rows", [[3, 4], 5, [[1, 2]]])
def test_what_holds_no_words_is_refused(rows: object) -> None:
    with pytest.raises(DataError, match="rows of words"), opened(rows):  # type: ignore[arg-type]
        pass


@given(st.lists(st.integers(0, 9), max_size=30), st.integers(1, 12))
def test_pieces_hold_every_sentence_once_and_in_order(lengths: list[int], size: int) -> None:
    rows = [[i] * length for i, length in enumerate(lengths)]
    pieces = Pieces(Ragged.from_sequences(rows), np.arange(99, dtype=np.int32), size=size)
    bounds = pieces.bounds().tolist()
    found = []
    for first, last in itertools.pairwise(bounds):
        piece = pieces.piece(first, last)
        ragged = Ragged(piece.ids, piece.offsets)
        found += ragged.tolist()
        # A piece is as large as wanted, or one sentence longer.
        assert len(piece.ids) < size + max(lengths)
    assert found == rows
    assert pieces.words_before().tolist() == [sum(lengths[:bound]) for bound in bounds]


def test_words_are_renamed_and_sentences_left_out() -> None:
    ids = Ragged.from_sequences([[0, 1], [2], [1, 0]])
    names = np.array([5, NOWHERE, 7], np.int32)
    pieces = Pieces(ids, names, np.array([False, True, False]))
    piece = pieces.piece(0, 3)
    assert piece.ids.tolist() == [5, NOWHERE, NOWHERE, NOWHERE, 5]
    assert piece.offsets.tolist() == [0, 2, 3, 5]
    later = pieces.piece(1, 3)
    assert later.ids.tolist() == [NOWHERE, NOWHERE, 5]
    assert later.offsets.tolist() == [0, 1, 3]
    assert ids.values.tolist() == [0, 1, 2, 1, 0]  # the corpus itself stays


def test_names_of_words_in_another_vocabulary() -> None:
    there = Vocabulary().fit([["海", "海", "空", "山"]])
    here = Vocabulary(min_count=2).fit([["空", "空", "空", "海", "海", "山"]])
    assert renamed(there, here).tolist() == [1, 0, NOWHERE]


@given(st.integers(0, 50), st.floats(0, 0.99), st.integers(0, 5))
def test_a_share_is_drawn_and_never_all(sentences: int, share: float, seed: int) -> None:
    chosen = drawn(sentences, share, seed)
    np.testing.assert_array_equal(chosen, drawn(sentences, share, seed))
    if share == 0:
        assert not chosen.any()
    elif sentences > 1:
        assert chosen.sum() == min(sentences - 1, max(1, round(sentences * share)))
