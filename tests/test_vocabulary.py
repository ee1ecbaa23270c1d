"""Words and ids."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from jpseq import MeCab, Ragged, Tokens, Vocabulary
from jpseq.errors import ConfigurationError, DataError, NotFittedError

ROWS = [["夜", "の", "空"], ["海", "の", "夜", "の", "波"]]  # の 3, 夜 2, then 空 海 波


def test_the_worked_example() -> None:
    tokens = MeCab().transform(["私は普通の日本人です"])
    vocabulary = Vocabulary().fit(tokens)
    assert vocabulary.words == ("私", "は", "普通", "の", "日本", "人", "です")
    (ids,) = vocabulary.transform(tokens)
    assert_array_equal(ids, np.arange(7, dtype=np.int32), strict=True)
    assert_array_equal(vocabulary.one_hot(ids), np.eye(7, dtype=np.float32), strict=True)
    embedding = np.arange(21).reshape(7, 3)
    assert_array_equal(vocabulary.one_hot(ids) @ embedding, embedding[ids])


def test_ids_go_by_frequency_and_ties_by_first_occurrence() -> None:
    vocabulary = Vocabulary().fit(ROWS)
    assert vocabulary.words == ("の", "夜", "空", "海", "波")
    assert vocabulary.counts.tolist() == [3, 2, 1, 1, 1]
    assert [vocabulary.id(word) for word in ("の", "波")] == [0, 4]


def test_specials_come_first_and_are_counted_like_words() -> None:
    vocabulary = Vocabulary(specials=("<pad>", "夜")).fit(ROWS)
    assert vocabulary.words == ("<pad>", "夜", "の", "空", "海", "波")
    assert vocabulary.counts.tolist() == [0, 2, 3, 1, 1, 1]


def test_min_count_and_max_size_bound_the_ids_but_keep_the_counts() -> None:
    assert Vocabulary(min_count=2).fit(ROWS).words == ("の", "夜")
    assert Vocabulary(max_size=3).fit(ROWS).words == ("の", "夜", "空")
    bounded = Vocabulary(specials=("<unk>",), max_size=3).fit(ROWS)
    assert bounded.words == ("<unk>", "の", "夜")
    assert len(bounded) == 3
    assert "夜" in bounded
    assert "空" not in bounded
    assert bounded.set_params(max_size=None).words == ("<unk>", "の", "夜", "空", "海", "波")


@pytest.mark.parametrize("bound", [{"min_count": 0}, {"max_size": 0}])
def test_bounds_below_one_are_refused(bound: dict[str, int]) -> None:
    with pytest.raises(ConfigurationError, match="at least 1"):
        Vocabulary(**bound).fit(ROWS).words  # noqa: B018


@pytest.mark.parametrize("specials", ["<unk>", 5, ("<unk>", 5)])
def test_specials_are_a_list_of_words(specials: object) -> None:
    vocabulary = Vocabulary(specials=specials).fit(ROWS)  # type: ignore[arg-type]
    for use in (len, Vocabulary.hash):
        with pytest.raises(ConfigurationError, match="specials: a list of texts is wanted, got"):
            use(vocabulary)


def test_an_unknown_word_gets_the_id_of_unk() -> None:
    vocabulary = Vocabulary(specials=("<pad>", "<unk>")).fit(ROWS)
    assert vocabulary.id("山") == 1
    assert vocabulary.transform([["山", "の"], []]).tolist() == [[1, 2], []]


def test_an_unknown_word_without_unk_is_an_error_that_says_what_to_do() -> None:
    vocabulary = Vocabulary().fit(ROWS)
    for ask in (lambda: vocabulary.id("山"), lambda: vocabulary.transform([["の", "山"]])):
        with pytest.raises(DataError, match=r"'山' is not in .* 5 words.*specials=\(\"<unk>\",\)"):
            ask()


def test_rows_are_tokens_or_lists_of_words() -> None:
    tokens = Tokens("空 空", [0, 2], [1, 3], ["空", "空"])
    vocabulary = Vocabulary().fit([tokens, ["海"]])
    assert vocabulary.counts.tolist() == [2, 1]
    assert vocabulary.transform([tokens]).tolist() == [[0, 0]]


def test_a_text_instead_of_a_row_of_words_is_refused() -> None:
    with pytest.raises(DataError, match="tokenize it"):
        Vocabulary().fit(["夜の空"])


def test_ids_outside_the_vocabulary_are_refused() -> None:
    vocabulary = Vocabulary().fit(ROWS)
    for ids in ([0, 5], [-1]):
        with pytest.raises(DataError, match="ids run from 0 to 4"):
            vocabulary.inverse_transform([ids])
        with pytest.raises(DataError, match="ids run from 0 to 4"):
            vocabulary.one_hot(ids)


def test_one_hot_rows_keep_the_shape_of_the_ids() -> None:
    vocabulary = Vocabulary().fit([["夜", "空"]])
    assert vocabulary.one_hot([[1], [0]]).tolist() == [[[0, 1]], [[1, 0]]]
    assert vocabulary.one_hot([]).shape == (0, 2)


def test_coverage_counts_tokens_and_types() -> None:
    coverage = Vocabulary().fit(ROWS).coverage([["夜", "山", "山"], ["川", "の"]])
    assert (coverage.tokens, coverage.known) == (5, 2)
    assert (coverage.types, coverage.known_types) == (4, 2)
    assert coverage.missing == [("山", 2), ("川", 1)]
    assert coverage.rate == 0.4


def test_coverage_of_no_words_is_whole() -> None:
    assert Vocabulary().fit(ROWS).coverage([]).rate == 1.0


def test_asking_before_fit_says_so() -> None:
    with pytest.raises(NotFittedError, match=r"call fit\(rows\) or load"):
        Vocabulary().transform([["夜"]])


def test_fit_forgets_and_partial_fit_remembers() -> None:
    vocabulary = Vocabulary().fit([["夜"]])
    assert vocabulary.words == ("夜",)  # looked up before more is learnt
    assert vocabulary.partial_fit([["空", "空"]]).words == ("空", "夜")
    assert vocabulary.fit([["海"]]).words == ("海",)


words = st.lists(st.lists(st.sampled_from("夜空海山川")), max_size=6)


@given(words, words)
def test_counting_in_parts_is_counting_the_whole(first: list, second: list) -> None:
    whole = Vocabulary().fit(first + second)
    parts = Vocabulary().fit(first).merge(Vocabulary().fit(second))
    chunks = Vocabulary().partial_fit(first).partial_fit(second)
    assert parts.words == chunks.words == whole.words
    assert parts.hash() == chunks.hash() == whole.hash()


@given(words)
def test_ids_go_back_to_the_words(rows: list[list[str]]) -> None:
    vocabulary = Vocabulary().fit(rows)
    ids = vocabulary.transform(rows)
    assert isinstance(ids, Ragged)
    assert ids.values.dtype == np.int32
    assert vocabulary.inverse_transform(ids) == rows


def test_a_saved_vocabulary_comes_back_with_all_counts(tmp_path: Path) -> None:
    vocabulary = Vocabulary(specials=("<unk>",), min_count=2, max_size=9).fit(ROWS)
    vocabulary.save(tmp_path / "words.json")
    loaded = Vocabulary.load(tmp_path / "words.json")
    assert loaded.get_params() == vocabulary.get_params()
    assert loaded.words == vocabulary.words == ("<unk>", "の", "夜")
    assert loaded.hash() == vocabulary.hash()
    assert loaded.set_params(min_count=1).counts.tolist() == [0, 3, 2, 1, 1, 1]


def test_the_hash_tells_contents_apart() -> None:
    hashes = {
        vocabulary.hash()
        for vocabulary in (
            Vocabulary().fit(ROWS),
            Vocabulary().fit(ROWS[:1]),
            Vocabulary(min_count=2).fit(ROWS),
            Vocabulary(specials=("<unk>",)).fit(ROWS),
        )
    }
    assert len(hashes) == 4
    assert Vocabulary().fit(ROWS).hash() in hashes


@pytest.mark.parametrize(
    ("vocabulary", "problem"),
    [
        (Vocabulary().fit([["夜", "\ud800"]]), r"the word '\\ud800' cannot be written in UTF-8"),
        (Vocabulary(("\udcff",)).fit([["夜"]]), r"the word '\\udcff' cannot be written in UTF-8"),
        (Vocabulary().fit([[1, 2]]), "the word 1 is of type int; words of a vocabulary are texts"),
    ],
)
def test_words_that_no_file_can_hold_are_named(
    vocabulary: Vocabulary, problem: str, tmp_path: Path
) -> None:
    for write in (lambda: vocabulary.save(tmp_path / "words.json"), vocabulary.hash):
        with pytest.raises(DataError, match=problem):
            write()
    assert list(tmp_path.iterdir()) == []


DAMAGES = {
    "no json": ("{", "not a vocabulary: "),
    "other json": ("[]", "`jpseq vocab build` writes one"),
    "other version": ({"version": 2}, "of format 2; this jpseq reads 1"),
    "a count missing": ({"counts": [3]}, "damaged"),
    "a count of nothing": ({"counts": [3, 0, 1, 1, 1]}, "damaged"),
    "a word twice": ({"words": ["の", "の", "空", "海", "波"]}, "damaged"),
    "a word that is none": ({"words": ["の", 1, "空", "海", "波"]}, "damaged"),
    "no specials": ({"specials": None}, "damaged"),
    "a bound that is no number": ({"min_count": "2"}, "damaged"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_named_and_explained(damage: str, tmp_path: Path) -> None:
    content, problem = DAMAGES[damage]
    path = tmp_path / "words.json"
    if isinstance(content, dict):
        content = json.dumps(json.loads(Vocabulary().fit(ROWS).to_json()) | content)
    path.write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=problem) as caught:
        Vocabulary.load(path)
    assert caught.value.path == path


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="No such file"):
        Vocabulary.load(tmp_path / "words.json")
