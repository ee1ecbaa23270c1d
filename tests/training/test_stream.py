"""Stream: which rows stand together, and in what order."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jpseq.training.stream import Stream

Rows = npt.NDArray[np.int64]
some_lengths = st.lists(st.integers(0, 30), max_size=60)


def stream(lengths: list[int], bound: int, shuffle: bool = True, seed: int = 0) -> Stream[Rows]:
    return Stream(np.array(lengths, np.int64), lambda rows: rows, bound, shuffle, seed)


def lists(batches: Stream[Rows]) -> list[list[int]]:
    return [rows.tolist() for rows in batches]


@given(some_lengths, st.integers(1, 40), st.booleans(), st.integers(0, 3))
def test_every_row_comes_exactly_once_an_epoch(
    lengths: list[int], bound: int, shuffle: bool, epoch: int
) -> None:
    made = stream(lengths, bound, shuffle)
    batches = made.batches(epoch)
    assert sorted(int(row) for rows in batches for row in rows) == list(range(len(lengths)))
    assert all(len(rows) for rows in batches)
    assert len(batches) == len(made)


@given(some_lengths, st.integers(1, 40))
def test_padded_tokens_stay_within_the_bound(lengths: list[int], bound: int) -> None:
    for rows in stream(lengths, bound):
        longest = max(lengths[row] for row in rows)
        assert len(rows) * longest <= bound or len(rows) == 1


def test_batches_by_hand() -> None:
    # By length, ties in their order: 1 3 | 0 2 4 would be 3 x 3 > 8, so 0 2 | 4 | and 5 alone.
    lengths = [3, 1, 3, 1, 3, 20]
    assert lists(stream(lengths, 8, shuffle=False)) == [[1, 3], [0, 2], [4], [5]]


def test_rows_longer_than_the_bound_stand_alone() -> None:
    assert lists(stream([9, 2, 9, 2], 4, shuffle=False)) == [[1, 3], [0], [2]]


def test_empty_rows_cost_nothing() -> None:
    assert lists(stream([0, 0, 0], 1, shuffle=False)) == [[0, 1, 2]]


def test_no_rows_make_no_batches() -> None:
    empty = stream([], 10)
    assert len(empty) == 0
    assert lists(empty) == []


def test_the_same_seed_gives_the_same_order_and_another_seed_another() -> None:
    lengths = [2] * 30
    first, again, other = (stream(lengths, 8, seed=seed) for seed in (1, 1, 2))
    for _ in range(3):
        order = lists(first)
        assert order == lists(again)
        assert order != lists(other)


def test_each_epoch_has_another_order_in_as_many_batches() -> None:
    made = stream([1 + i % 3 for i in range(40)], 8)
    first, second, third = lists(made), lists(made), lists(made)
    assert len(first) == len(second) == len(third) == len(made)
    assert first != second != third
    assert first == [rows.tolist() for rows in made.batches(0)]
    assert third == [rows.tolist() for rows in made.batches(2)]


def test_both_rows_of_equal_length_and_batches_are_shuffled() -> None:
    made = stream([1] * 10 + [2] * 10, 4)
    batches = lists(made)
    sizes = [1 if rows[0] < 10 else 2 for rows in batches]
    assert sizes != sorted(sizes)
    assert sorted(map(sorted, batches)) != lists(stream([1] * 10 + [2] * 10, 4, shuffle=False))


def test_without_shuffling_every_epoch_is_the_same() -> None:
    made = stream([3, 1, 2], 3, shuffle=False)
    assert lists(made) == lists(made) == [[1], [2], [0]]


@pytest.mark.parametrize("bound", [1, 5, 1000])
def test_batches_are_made_by_the_given_function(bound: int) -> None:
    made = Stream(np.array([2, 1]), lambda rows: f"rows {sorted(rows.tolist())}", bound, seed=0)
    wanted = {"rows [0]", "rows [1]"} if bound == 1 else {"rows [0, 1]"}
    assert set(made) == wanted
