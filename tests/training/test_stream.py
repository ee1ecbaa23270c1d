"""Stream and Course: which rows stand together, in what order, and where one was."""

from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jpseq.errors import DataError
from jpseq.sequences import Ragged
from jpseq.training.stream import Course, Stream, pairs

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


# Rows that are too long


def test_rows_that_are_too_long_are_left_out_and_counted() -> None:
    made = Stream(np.array([2, 9, 3, 4, 10]), lambda rows: rows, 6, shuffle=False, longest=4)
    assert lists(made) == [[0, 2], [3]]
    assert made.left_out == 2
    everything = Stream(np.array([2, 9]), lambda rows: rows, 6, longest=9)
    assert everything.left_out == 0
    nothing = Stream(np.array([2, 9]), lambda rows: rows, 6, longest=1)
    assert (len(nothing), lists(nothing), nothing.left_out) == (0, [], 2)


SOURCE = Ragged.from_sequences([[5], [6, 6, 6, 6], [7, 8, 9], []])
TARGET = Ragged.from_sequences([[1, 5, 2], [1, 2], [1, 7, 8, 9, 2], [1, 2]])


def sides(made: Any) -> list[tuple[list[list[int]], list[list[int]]]]:
    return [(pair.source.to_ragged().tolist(), pair.target.to_ragged().tolist()) for pair in made]


def test_pairs_belong_together() -> None:
    # By the longer side: 2, 3, 4 and 5 tokens.
    made = pairs(SOURCE, TARGET, 6, shuffle=False)
    assert sides(made) == [
        ([[], [5]], [[1, 2], [1, 5, 2]]),
        ([[6, 6, 6, 6]], [[1, 2]]),
        ([[7, 8, 9]], [[1, 7, 8, 9, 2]]),
    ]
    assert made.left_out == 0


def test_pairs_with_a_side_that_is_too_long_are_dropped() -> None:
    made = pairs(SOURCE, TARGET, 100, longest=3, shuffle=False)
    assert sides(made) == [([[], [5]], [[1, 2], [1, 5, 2]])]
    assert made.left_out == 2


def test_or_cut() -> None:
    made = pairs(SOURCE, TARGET, 9, longest=3, too_long="cut", shuffle=False)
    assert sides(made) == [
        ([[], [5], [6, 6, 6]], [[1, 2], [1, 5, 2], [1, 2]]),
        ([[7, 8, 9]], [[1, 7, 8]]),
    ]
    assert made.left_out == 0


def test_as_many_sources_as_targets() -> None:
    with pytest.raises(DataError, match="4 sources but 3 targets; row i of one belongs to row i"):
        pairs(SOURCE, TARGET[:3], 10)


def test_pairs_from_memory_mapped_files_are_the_same(tmp_path: Path) -> None:
    SOURCE.save(tmp_path / "source")
    TARGET.save(tmp_path / "target")
    mapped = [Ragged.load(tmp_path / name) for name in ("source", "target")]
    assert all(isinstance(side.values, np.memmap) for side in mapped)
    assert sides(pairs(*mapped, 6, seed=3)) == sides(pairs(SOURCE, TARGET, 6, seed=3))


def test_another_draw_or_other_data_have_another_fingerprint() -> None:
    rows = np.array([1, 2, 3])
    same = [Stream(rows, list, 6).fingerprint() for _ in range(2)]
    others = [
        Stream(np.array([1, 2, 4]), list, 6),
        Stream(np.array([2, 1, 3]), list, 6),
        Stream(rows[:2], list, 6),
        Stream(rows, list, 7),
        Stream(rows, list, 6, seed=1),
        Stream(rows, list, 6, shuffle=False),
        Stream(np.array([1, 9, 3]), list, 6, longest=5),
        Stream(np.array([1, 3, 9]), list, 6, longest=5),
    ]
    assert len({same[0], *(other.fingerprint() for other in others)}) == 9
    assert same[0] == same[1]
    moved = Stream(rows, list, 6)
    list(moved)  # where one is makes no difference
    assert moved.fingerprint() == same[0]


def test_other_numbers_of_equal_lengths_have_another_fingerprint() -> None:
    def found(*words: list[int]) -> str:
        return pairs(SOURCE, Ragged.from_sequences([*words]), 6, seed=3).fingerprint()

    targets = [row.tolist() for row in TARGET]
    assert found(*targets) == pairs(SOURCE, TARGET, 6, seed=3).fingerprint()
    for row, target in enumerate(targets):
        if target:
            assert found(*targets[:row], [*target[:-1], 9999], *targets[row + 1 :]) != found(
                *targets
            )


# A course


def shares(course: Course[Rows]) -> list[list[int]]:
    return [rows.tolist() for rows in course]


def test_a_course_is_all_epochs_of_its_stream() -> None:
    made = stream([1 + i % 3 for i in range(40)], 8)
    course = Course(made, 3)
    assert len(course) == 3 * len(made)
    ends = []
    batches = []
    for rows in course:
        batches.append(rows.tolist())
        ends.append(course.at_end_of_epoch)
    assert batches == [rows.tolist() for epoch in range(3) for rows in made.batches(epoch)]
    assert [i for i, end in enumerate(ends) if end] == [len(made) * k - 1 for k in (1, 2, 3)]
    assert shares(course) == []  # it is over
    assert made.epoch == 0


@given(some_lengths, st.integers(1, 40), st.integers(1, 3), st.integers(0, 60))
def test_a_course_goes_on_exactly_where_it_was(
    lengths: list[int], bound: int, epochs: int, given_before: int
) -> None:
    whole = shares(Course(stream(lengths, bound), epochs))
    first = Course(stream(lengths, bound), epochs)
    begun = [rows.tolist() for _, rows in zip(range(given_before), first, strict=False)]
    again = Course(stream(lengths, bound), epochs)
    again.load_state_dict(first.state_dict())
    assert begun + shares(again) == whole


def test_an_empty_course() -> None:
    assert shares(Course(stream([], 10), 5)) == []


@given(st.lists(st.integers(0, 30), min_size=3, max_size=60), st.integers(1, 40))
@pytest.mark.parametrize("processes", [2, 3])
def test_processes_share_each_batch(processes: int, lengths: list[int], bound: int) -> None:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("WORLD_SIZE", str(processes))
        whole = [
            rows.tolist() for epoch in (0, 1) for rows in stream(lengths, bound).batches(epoch)
        ]
        parts = []
        for rank in range(processes):
            environment.setenv("RANK", str(rank))
            parts.append(shares(Course(stream(lengths, bound), 2)))
    for batch, *shared in zip(whole, *parts, strict=True):
        assert all(shared)
        assert sorted(row for part in shared for row in part) == sorted(batch)
        assert max(map(len, shared)) - min(map(len, shared)) <= 1


def test_one_process_or_three_take_the_same_batches() -> None:
    lengths = [1 + i % 3 for i in range(72)]
    alone = shares(Course(stream(lengths, 12), 2))
    assert min(map(len, alone)) > 3
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("WORLD_SIZE", "3")
        together = []
        for rank in "012":
            environment.setenv("RANK", rank)
            together.append(shares(Course(stream(lengths, 12), 2)))
    assert [sorted(chain(*parts)) for parts in zip(*together, strict=True)] == [
        sorted(batch) for batch in alone
    ]


def test_fewer_rows_than_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "3")
    with pytest.raises(DataError, match="2 rows cannot be shared between 3 processes; start fewer"):
        stream([4, 5], 10)
    with pytest.raises(DataError, match="2 rows"):
        Stream(np.array([1, 1, 9]), list, 10, longest=5)
    assert len(stream([4, 5, 6], 1)) == 1  # larger than the bound, but each has a row
