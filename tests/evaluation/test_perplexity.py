"""Perplexity of tokens, and what a character costs."""

import math

import pytest

from jpseq.evaluation.perplexity import Perplexity


def test_a_character_costs_its_share_of_all_nats() -> None:
    # Three tokens of ln 4 nats each are ln 64; over six characters ln 2 each.
    measured = Perplexity(math.log(4), 3, "data:x", characters=6)
    assert measured.per_character == pytest.approx(math.log(2))
    assert measured.value == pytest.approx(4)
    assert str(measured) == "perplexity 4.0 (3 tokens; 0.693 nats a character; data:x)"


def test_one_text_cut_in_two_ways_costs_the_same_a_character() -> None:
    words = Perplexity(math.log(64), 2, "", characters=12)
    pieces = Perplexity(math.log(8), 4, "", characters=12)
    assert words.value == pytest.approx(8 * pieces.value)
    assert words.per_character == pytest.approx(pieces.per_character)


@pytest.mark.parametrize("characters", [None, 0])
def test_without_characters_there_is_no_cost_of_one(characters: int | None) -> None:
    measured = Perplexity(math.log(4), 1234, "data:x", characters)
    assert measured.per_character is None
    assert str(measured) == "perplexity 4.0 (1,234 tokens; data:x)"
