"""Character n-grams: which a word has, and in which buckets they are."""

import numpy as np
import pytest
from gensim.models.fasttext_inner import compute_ngrams_bytes, ft_hash_bytes
from hypothesis import given
from hypothesis import strategies as st

from jpseq.embedding.ngrams import NGrams, Parts, SpelledEmbeddings, composed, parts
from jpseq.errors import ConfigurationError


def test_ngrams_by_hand() -> None:
    # <空> has the characters < 空 >, and the marks alone are no n-grams. FNV-1a of 空, whose bytes
    # are e7 a9 ba, by hand: the first is -25 as a signed number.
    state = 2166136261
    for byte in (0xFFFFFFE7, 0xFFFFFFA9, 0xFFFFFFBA):
        state = (state ^ byte) * 16777619 % 2**32
    assert NGrams(1, 1, 1000).of("空") == [state % 1000]
    assert len(NGrams(1, 3, 1000).of("空")) == 4  # 空, <空, 空>, <空>
    assert len(NGrams(2, 2, 1000).of("夜空")) == 3
    assert NGrams(4, 5, 1000).of("空") == []


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12))
def test_ngrams_and_buckets_are_those_of_fasttext(word: str) -> None:
    wanted = [ft_hash_bytes(gram) % 2000 for gram in compute_ngrams_bytes(word, 2, 4)]
    assert sorted(NGrams(2, 4, 2000).of(word)) == sorted(wanted)


def test_words_are_means() -> None:
    own, buckets = np.array([[1, 0], [0, 1]], np.float32), np.array([[3, 3], [5, 0]], np.float32)
    found = composed(own, buckets, Parts(np.array([0, 2, 2]), np.array([0, 1], np.int32)))
    assert found.tolist() == [[3, 1], [0, 1]]


def test_parts_of_words_stand_one_behind_another() -> None:
    ngrams = NGrams(1, 2, 100)
    found = parts(["夜", "", "夜空"], ngrams)
    assert [found.of(i).tolist() for i in range(3)] == [ngrams.of(w) for w in ("夜", "", "夜空")]


def test_a_word_without_ngrams_has_no_direction() -> None:
    vectors = np.ones((1, 2), np.float32)
    embeddings = SpelledEmbeddings(["夜空"], vectors, NGrams(5, 6, 3), np.ones((3, 2), np.float32))
    assert embeddings["夜"].tolist() == [0, 0]
    assert embeddings.lookup(["夜空", "夜空を見る"], "skip").tolist() == [[1, 1], [1, 1]]
    with pytest.raises(ConfigurationError, match="no rule 'skipp'"):
        embeddings.lookup(["夜"], "skipp")  # type: ignore[arg-type]


def test_an_analogy_of_a_word_that_was_never_read() -> None:
    vectors = np.eye(3, dtype=np.float32)
    embeddings = SpelledEmbeddings(["a", "b", "c"], vectors, NGrams(1, 1, 9), vectors.repeat(3, 0))
    assert "ab" not in embeddings
    found = embeddings.analogy("a", "b", "ab", count=3)
    assert [word for word, _ in found] == ["c"]  # neither "a" nor "b", which were asked with
