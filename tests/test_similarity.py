"""Vectors against human judgements: rank correlation, word pairs, sentence pairs."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from scipy import stats

from jpseq import Whitespace
from jpseq.errors import DataError
from jpseq.evaluation.correlation import Correlation, correlate, ranks, spearman
from jpseq.evaluation.similarity import (
    Judgements,
    Pair,
    evaluate_overlap,
    evaluate_sentences,
    evaluate_words,
    read_sentence_pairs,
    read_word_pairs,
)
from jpseq.vectors import Embeddings

# Correlation


@given(st.lists(st.integers(-3, 3), min_size=1))
def test_ranks_are_those_of_scipy(values: list[int]) -> None:
    assert_array_equal(ranks(values), stats.rankdata(values))


@given(st.lists(st.tuples(st.integers(-3, 3), st.floats(-1, 1)), min_size=2))
def test_spearman_is_that_of_scipy(pairs: list[tuple[int, float]]) -> None:
    a, b = zip(*pairs, strict=True)
    value = spearman(a, b)
    if len({*a}) == 1 or len({*b}) == 1:
        assert math.isnan(value)
    else:
        assert value == pytest.approx(stats.spearmanr(a, b).statistic, abs=1e-12)


def test_spearman_by_hand() -> None:
    # Without ties 1 - 6 sum(d²) / (n (n² - 1)); d = 0, 1, 1, 0: 1 - 12 / 60.
    assert spearman([1, 2, 3, 4], [10, 30, 20, 40]) == pytest.approx(0.8)
    assert spearman([1, 2, 3], [3, 2, 1]) == pytest.approx(-1)


@pytest.mark.parametrize("values", [([], []), ([1], [2]), ([1, 1], [1, 2])])
def test_where_it_is_not_defined(values: tuple[list[int], list[int]]) -> None:
    result = correlate(*values)
    assert all(math.isnan(value) for value in (result.value, result.low, result.high))
    assert str(result) == "not defined"


def test_the_bootstrap_interval_is_that_of_scipy() -> None:
    rng = np.random.default_rng(0)
    a = rng.normal(size=200)
    b = a + rng.normal(size=200)
    ours = correlate(a, b, samples=1000)
    theirs = stats.bootstrap(
        (a, b), spearman, n_resamples=1000, paired=True, vectorized=False, method="percentile"
    ).confidence_interval
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.02)
    assert ours.low < ours.value < ours.high
    assert correlate(a, b) == correlate(a, b)  # the same seed, the same interval
    assert correlate(a, b) != correlate(a, b, seed=1)


def test_two_pairs_have_an_interval_of_the_draws_that_have_one() -> None:
    assert correlate([1, 2], [3, 5]) == Correlation(1.0, 1.0, 1.0)


# Word pairs

JWSD = (
    "word1,word2,mean(remove_extreme_annotator),ano1,ano2,mean\r\n"
    "夜,晩,9,9,8,8.5\r\n"
    '"空","海",2.5,1,4,2.5\r\n'
)


@pytest.mark.parametrize(
    ("content", "score", "name", "scores"),
    [
        (JWSD, None, "mean", [8.5, 2.5]),
        (JWSD, "ano2", "ano2", [8, 4]),
        (JWSD, "3", "mean(remove_extreme_annotator)", [9, 2.5]),
        ("Word 1,Word 2,Human (mean)\n夜,晩,8.5\n空,海,2.5\n", None, "Human (mean)", [8.5, 2.5]),
        (
            "word1\tword2\tPOS\tSimLex999\n夜\t晩\tN\t8.5\n空\t海\tN\t3\n",
            "SimLex999",
            "SimLex999",
            [8.5, 3],
        ),
        ("夜 晩 8.5\n\n空  海 2.5\n", None, "3", [8.5, 2.5]),
        ("\ufeff夜\t晩\t8.5\n空\t海\t-2e0\n", None, "3", [8.5, -2]),
        ("夜,晩,N,8.5\n空,海,N,2\n", "4", "4", [8.5, 2]),
    ],
)
def test_word_pairs_in_the_forms_there_are(
    content: str, score: str | None, name: str, scores: list[float], tmp_path: Path
) -> None:
    path = tmp_path / "pairs.csv"
    path.write_text(content, "utf-8")
    wanted = [Pair("夜", "晩", scores[0]), Pair("空", "海", scores[1])]
    assert read_word_pairs(path, score) == Judgements(f"pairs.csv[{name}]", wanted)


@pytest.mark.parametrize(
    ("content", "score", "problem"),
    [
        ("\n", None, ": holds no pairs."),
        ("a,b,mean\n", None, ": holds no pairs, only the names of columns."),
        ("夜,晩\n", None, ", line 1: 2 columns; a pair is two words and a score"),
        ("a,b,x,y\n夜,晩,1,2\n", None, ", line 1: which column is the score? Give one by its name"),
        ("夜 晩 朝 昼\n", None, ", line 1: which column is the score? Give one by its name"),
        (JWSD, "men", ", line 1: there is no column 'men'. Did you mean 'mean'?"),
        (
            JWSD,
            "2",
            ", line 1: there is no column '2'. Give one by its name or its number, 3 to",
        ),
        (JWSD, "7", ", line 1: there is no column '7'."),
        (JWSD + "夜,晩,1,1,1\n", None, ", line 4: not two words and, in column 6, a number."),
        (JWSD + "夜,,1,1,1,1\n", None, ", line 4: not two words"),
        (JWSD + "夜,晩,1,1,1,?\n", None, ", line 4: not two words"),
        (JWSD + "夜,晩,1,1,1,nan\n", None, ", line 4: not two words"),
        (
            JWSD + '夜,"晩,1,1,1,1\n',
            None,
            ", line 4: not a line of a table (unexpected end",
        ),
    ],
)
def test_spoilt_word_pairs_name_their_line(
    content: str, score: str | None, problem: str, tmp_path: Path
) -> None:
    path = tmp_path / "pairs.csv"
    path.write_text(content, "utf-8")
    with pytest.raises(DataError) as caught:
        read_word_pairs(path, score)
    assert str(caught.value).startswith(f"{path}{problem}")


EMBEDDINGS = Embeddings(["夜", "晩", "空", "海", "無"], [[1, 0], [2, 0], [0, 1], [1, 1], [0, 0]])
# Cosines: 1, sqrt(1/2), 0, and none for 夜 and 星空 (by parts 空: 0).
PAIRS = Judgements(
    "few",
    [Pair("夜", "晩", 9), Pair("夜", "海", 5), Pair("夜", "空", 6), Pair("夜", "星空", 1)],
)


def test_words_by_hand() -> None:
    result = evaluate_words(EMBEDDINGS, PAIRS)
    assert result.spearman.value == pytest.approx(0.5)  # ranks 3 2 1 and 3 1 2
    assert (result.pairs, result.scored, result.coverage) == (4, 3, 0.75)
    assert result.signature == (
        "data:few|pairs:4|unknown:skip|vectors:5x2|interval:95% bootstrap 1000 seed 0"
    )
    assert str(result).startswith("Spearman .500 [")
    assert str(result).endswith("], 3 of 4 pairs, coverage 75.0%")


@pytest.mark.parametrize("unknown", ["zero", "parts"])
def test_words_with_a_rule_that_leaves_no_pair_out(unknown: str) -> None:
    result = evaluate_words(EMBEDDINGS, PAIRS, unknown)  # type: ignore[arg-type]
    # Ranks of cosines 4, 3, 1.5, 1.5; of scores 4, 2, 3, 1: 3 / sqrt(4.5 * 5).
    assert result.spearman.value == pytest.approx(3 / math.sqrt(4.5 * 5))
    assert (result.scored, result.coverage) == (4, 0.75)
    assert f"|unknown:{unknown}|" in result.signature


def test_words_with_the_rule_error() -> None:
    with pytest.raises(DataError, match="'星空' has no vector"):
        evaluate_words(EMBEDDINGS, PAIRS, "error")


def test_no_known_word_is_not_defined() -> None:
    result = evaluate_words(EMBEDDINGS, Judgements("none", [Pair("山", "川", 1.0)]))
    assert (result.scored, result.coverage) == (0, 0.0)
    assert str(result) == "Spearman not defined, 0 of 1 pairs, coverage 0.0%"


# Sentence pairs


def write_sentences(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return path


def pair(a: object, b: object, label: object) -> dict[str, object]:
    return {"sentence_pair_id": "0", "sentence1": a, "sentence2": b, "label": label}


def test_sentences_by_hand(tmp_path: Path) -> None:
    path = write_sentences(
        tmp_path / "pairs.json",
        pair("夜 空", "海", 5.0),  # (1/2, 1/2) and (1, 1): 1
        pair("夜 星", "晩", 3),  # 星 is skipped: 1
        pair("夜", "海 空", 1.5),  # (1, 0) and (1/2, 1): sqrt(1/5)
        pair("星", "", 0),  # nothing known: 0
    )
    judgements = read_sentence_pairs(path)
    assert judgements.name == "pairs.json"
    assert judgements.pairs[1] == Pair("夜 星", "晩", 3.0)
    result = evaluate_sentences(EMBEDDINGS, judgements, Whitespace())
    # Ranks of cosines 3.5, 3.5, 2, 1; of labels 4, 3, 2, 1: 4.5 / sqrt(4.5 * 5).
    assert result.spearman.value == pytest.approx(4.5 / math.sqrt(4.5 * 5))
    assert (result.pairs, result.scored, result.coverage) == (4, 4, 8 / 10)
    assert result.signature == (
        "data:pairs.json|pairs:4|sentence:mean of words|tok:Whitespace()|unknown:skip"
        "|vectors:5x2|interval:95% bootstrap 1000 seed 0"
    )
    # With zero, 夜 星 is (1/2, 0): the same directions, so the same figure.
    zero = evaluate_sentences(EMBEDDINGS, judgements, Whitespace(), "zero")
    assert zero.spearman == result.spearman
    with pytest.raises(DataError, match="星"):
        evaluate_sentences(EMBEDDINGS, judgements, Whitespace(), "error")


def test_character_overlap_by_hand() -> None:
    # {夜空} {空海}: 1/3; {夜} {夜}: 1; {} {}: 0; {海海} {空}: 0
    pairs = [Pair("夜空", "空海", 2), Pair("夜夜", "夜", 3), Pair("", "", 0), Pair("海海", "空", 1)]
    result = evaluate_overlap(Judgements("few", pairs))
    assert result.spearman.value == pytest.approx(4.5 / math.sqrt(4.5 * 5))  # ranks 3 4 1.5 1.5
    assert result.signature == (
        "data:few|pairs:4|sentence:set of characters|interval:95% bootstrap 1000 seed 0"
    )


@pytest.mark.parametrize(
    "row",
    [
        [],
        {},
        pair(None, "夜", 1),
        pair("夜", 1, 1),
        pair("夜", "空", "1"),
        pair("夜", "空", True),
        pair("夜", "空", None),
        pair("夜", "空", math.nan),
        pair("夜", "空", 10**400),
    ],
)
def test_spoilt_sentence_pairs_name_their_line(row: object, tmp_path: Path) -> None:
    path = write_sentences(tmp_path / "pairs.json", pair("夜", "空", 1), row)
    with pytest.raises(DataError, match=r'pairs\.json, line 2: no sentence pair: \{"sentence1"'):
        read_sentence_pairs(path)


def test_sentence_files_that_are_none(tmp_path: Path) -> None:
    path = tmp_path / "pairs.json"
    for content, problem in [("\n", ": holds no pairs"), ("{\n", ", line 1: not JSON")]:
        path.write_text(content)
        with pytest.raises(DataError, match=f"{path.name}{problem}"):
            read_sentence_pairs(path)


def test_the_real_data_can_be_read(corpora: Path) -> None:
    nouns = read_word_pairs(corpora / "jwsd" / "score_noun.csv")
    assert nouns.name == "score_noun.csv[mean]"
    assert len(nouns.pairs) == 1103
    assert len(read_word_pairs(corpora / "jwsd" / "score_adv.csv").pairs) == 902
    sentences = read_sentence_pairs(corpora / "jsts" / "valid-v1.3.json")
    assert len(sentences.pairs) == 1457
    assert evaluate_overlap(sentences).spearman.value == pytest.approx(0.700, abs=5e-4)
