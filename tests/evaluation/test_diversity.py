"""How different replies are from one another, by hand."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jpseq.errors import DataError
from jpseq.evaluation.diversity import diversity

REPLIES = [["山", "へ", "行く"], ["はい"], ["山", "へ", "行く"], ["山", "山"], ["はい"], []]


def test_by_hand() -> None:
    found = diversity(REPLIES, data="six")
    # 10 words, 山 4, へ 2, 行く 2, はい 2; pairs 山へ 2, へ行く 2, 山山 1.
    assert found.distinct_1 == 4 / 10
    assert found.distinct_2 == 3 / 5
    assert found.entropy == pytest.approx(0.4 * math.log2(2.5) + 3 * 0.2 * math.log2(5))
    assert found.length == 10 / 6
    assert found.signature == "data:six|replies:6"


def test_of_equally_frequent_replies_the_first_is_told() -> None:
    found = diversity(REPLIES)
    assert (found.most_frequent, found.share) == (("山", "へ", "行く"), 2 / 6)


def test_pairs_do_not_reach_across_replies() -> None:
    assert diversity([["a", "b"], ["c", "d"]]).distinct_2 == 1
    assert diversity([["a"], ["b"], ["a"]]).distinct_2 == 0


@pytest.mark.parametrize("replies", [[[]], [[], []]])
def test_who_says_nothing_is_not_diverse(replies: list[list[str]]) -> None:
    found = diversity(replies)
    assert (found.distinct_1, found.distinct_2, found.entropy, found.length) == (0, 0, 0, 0)
    assert (found.most_frequent, found.share) == ((), 1)
    assert "most frequent 「」 100.0%" in str(found)


def test_one_word_has_no_entropy() -> None:
    found = diversity([["はい"], ["はい"]])
    assert (found.distinct_1, found.entropy, found.share) == (0.5, 0, 1)


def test_no_reply_and_no_words() -> None:
    with pytest.raises(DataError, match="nothing to measure: no reply at all"):
        diversity([])
    text: Any = ["はい"]
    with pytest.raises(DataError, match="a reply is a list of words, got one text: 'はい'"):
        diversity(text)


@given(st.lists(st.lists(st.sampled_from("abc"), max_size=4), min_size=1))
def test_bounds(replies: list[list[str]]) -> None:
    found = diversity(replies)
    assert 0 <= found.distinct_1 <= 1
    assert 0 <= found.distinct_2 <= 1
    assert 1 / len(replies) <= found.share <= 1
    assert 0 <= found.entropy <= math.log2(3) + 1e-12
    again = diversity(replies + replies)  # said twice: half as distinct, all else the same
    assert again.distinct_1 == pytest.approx(found.distinct_1 / 2)
    assert (again.entropy, again.length, again.share) == pytest.approx(
        (found.entropy, found.length, found.share)
    )
