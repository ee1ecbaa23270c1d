"""Rows as lines with columns, whatever is as wide as two letters."""

import pytest
from rich.cells import cell_len

from jpseq.columns import columns


def test_the_first_column_stands_left_and_the_others_right() -> None:
    assert columns([["", "n", "share"], ["one", "1", "10%"], ["eleven", "11", "5%"]]) == [
        "         n  share",
        "one      1    10%",
        "eleven  11     5%",
    ]


def test_a_wide_character_takes_two_places() -> None:
    lines = columns([["猫", "値"], ["cats", "1"], ["", "１２"]])
    assert lines == ["猫      値", "cats     1", "      １２"]
    assert [cell_len(line) for line in lines] == [10, 10, 10]


def test_no_line_ends_with_spaces() -> None:
    assert columns([["a", "bb", ""], ["longer", "", ""]]) == ["a       bb", "longer"]


def test_one_column_and_no_rows() -> None:
    assert columns([["a"], ["猫"]]) == ["a", "猫"]
    assert columns([]) == []


def test_rows_are_equally_long() -> None:
    with pytest.raises(ValueError, match="argument 2 is"):
        columns([["a", "b"], ["c"]])
