"""Tokens and Ragged: what they hold, and what they refuse."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from jpseq import Ragged, Token, Tokens
from jpseq.errors import DataError


def columns() -> dict[str, Any]:
    return {
        "text": " 夜の 空へ",
        "start": [1, 2, 4],
        "end": [2, 3, 5],
        "form": ["夜", "の", "空"],
        "lemma": ["夜", "の", "空"],
        "reading": ["ヨル", "ノ", "ソラ"],
        "pos": ["名詞", "助詞", "名詞"],
        "known": [True, True, False],
    }


def example() -> Tokens:
    return Tokens(**columns())


def test_a_token_is_a_row_of_the_columns() -> None:
    assert example()[2] == Token("空", 4, 5, "空", "空", "ソラ", "名詞", False)
    assert example()[-1] == example()[2]
    assert next(iter(example())) == example()[0] == ("夜", 1, 2, "夜", "夜", "ヨル", "名詞", True)


def test_surfaces_and_gaps_in_turn_rebuild_the_text() -> None:
    assert example().surface == ["夜", "の", "空"]
    assert example().gaps == [" ", "", " ", "へ"]
    assert example().rebuild() == " 夜の 空へ"


def test_columns_that_an_analyser_lacks_have_defaults() -> None:
    tokens = Tokens("夜空", [0, 1], [1, 2], ["夜", "空"])
    assert tokens.lemma == ["夜", "空"]
    assert tokens.reading == tokens.pos == ["", ""]
    assert tokens.known == [True, True]
    assert tokens[1] == Token("空", 1, 2, "空", "空", "", "", True)


def test_no_tokens_leave_the_whole_text_in_the_gap() -> None:
    tokens = Tokens("  ", [], [], [])
    assert len(tokens) == 0
    assert list(tokens) == []
    assert tokens.gaps == ["  "]
    assert tokens.rebuild() == "  "


def test_an_index_beyond_the_last_token_is_an_error() -> None:
    with pytest.raises(IndexError):
        example()[3]


def test_take_keeps_the_text_and_every_column() -> None:
    taken = example().take([0, 2])
    assert list(taken) == [example()[0], example()[2]]
    assert taken.gaps == [" ", "の ", "へ"]
    assert taken.rebuild() == example().text


def test_tokens_are_equal_when_text_and_all_columns_are() -> None:
    assert example() == example()
    assert example() != Tokens(" 夜の 空へ", [1, 2, 4], [2, 3, 5], ["夜", "の", "空"])
    assert example() != example().take([0, 1])
    assert example() != Tokens(**{**columns(), "text": " 夜の 空へと"})
    assert example() != "夜"


def test_tokens_survive_pickling() -> None:
    assert pickle.loads(pickle.dumps(example())) == example()


def test_a_ragged_holds_two_arrays() -> None:
    ragged = Ragged.from_sequences([[3, 1], [], [4, 1, 5]])
    assert_array_equal(ragged.values, np.array([3, 1, 4, 1, 5], np.int32), strict=True)
    assert_array_equal(ragged.offsets, np.array([0, 2, 2, 5]), strict=True)
    assert len(ragged) == 3
    assert ragged.tolist() == [sequence.tolist() for sequence in ragged] == [[3, 1], [], [4, 1, 5]]
    assert ragged[-1].tolist() == [4, 1, 5]
    assert repr(ragged) == "Ragged(3 sequences, 5 steps, int32)"


def test_plain_numbers_become_rows_of_one_feature() -> None:
    ragged = Ragged.from_sequences([[0.5, 1.5], [2.5]])
    assert_array_equal(ragged.values, np.array([[0.5], [1.5], [2.5]], np.float32), strict=True)
    assert ragged[1].tolist() == [[2.5]]


def test_numbers_keep_their_features() -> None:
    ragged = Ragged.from_sequences([np.ones((2, 3)), np.zeros((1, 3))])
    assert ragged.values.shape == (3, 3)
    assert ragged.lengths.tolist() == [2, 1]


def test_sequences_with_different_features_are_refused() -> None:
    with pytest.raises(DataError, match=r"got shapes \[\(2,\), \(3,\)\]"):
        Ragged.from_sequences([np.ones((2, 3)), np.ones((2, 2))])


def test_ids_that_do_not_fit_int32_are_refused() -> None:
    assert Ragged.from_sequences([[2**31 - 1]]).tolist() == [[2**31 - 1]]
    with pytest.raises(DataError, match="must fit int32, got 0 to 2147483648"):
        Ragged.from_sequences([[0, 2**31]])


def test_slices_and_sequences_are_views() -> None:
    ragged = Ragged.from_sequences([[3, 1], [], [4, 1, 5]])
    for view in (ragged[2], ragged[1:][1], ragged[:2].values):
        assert np.shares_memory(view, ragged.values)
    assert ragged[1:].tolist() == [[], [4, 1, 5]]
    assert ragged[2:1].tolist() == []
    assert ragged[-2:-1].tolist() == [[]]


def test_a_slice_with_another_step_is_refused() -> None:
    with pytest.raises(DataError, match="use take"):
        Ragged.from_sequences([[1], [2]])[::2]


def test_an_index_beyond_the_last_sequence_is_an_error() -> None:
    with pytest.raises(IndexError):
        Ragged.from_sequences([[1]])[1]


def test_groups_hold_runs_of_sequences() -> None:
    ragged = Ragged.from_groups([[[1], [2, 3]], [], [[4]]])
    assert ragged.groups is not None
    assert ragged.groups.tolist() == [0, 2, 2, 3]
    assert [ragged.group(d).tolist() for d in (0, 1, 2, -1)] == [[[1], [2, 3]], [], [[4]], [[4]]]
    assert np.shares_memory(ragged.group(0).values, ragged.values)
    assert repr(ragged) == "Ragged(3 sequences, 4 steps, int32, 3 groups)"


def test_a_ragged_without_groups_says_how_to_get_them() -> None:
    with pytest.raises(DataError, match="from_groups"):
        Ragged.from_sequences([[1]]).group(0)


@pytest.mark.parametrize(
    ("values", "offsets", "problem"),
    [
        (np.zeros(2, np.int64), [0, 2], "int32 ids or"),
        (np.zeros((2, 1), np.float64), [0, 2], "float32 numbers"),
        (np.zeros(2, np.float32), [0, 2], r"got \(2,\) float32"),
        (np.zeros(2, np.int32), [], "one row of int64"),
        (np.zeros(2, np.int32), [0, 3], "run from 0 to 3, but there are 2 values"),
        (np.zeros(2, np.int32), [-1, 2], "run from -1 to 2"),
        (np.zeros(2, np.int32), [0, 2, 1], "must never decrease"),
    ],
)
def test_arrays_that_do_not_fit_together_are_refused(
    values: np.ndarray, offsets: list[int], problem: str
) -> None:
    with pytest.raises(DataError, match=problem):
        Ragged(values, np.array(offsets, np.int64))


def test_offsets_and_groups_are_int64_within_bounds() -> None:
    values, offsets = np.zeros(2, np.int32), np.array([0, 2])
    with pytest.raises(DataError, match="one row of int64, got"):
        Ragged(values, offsets.astype(np.int32))
    with pytest.raises(DataError, match="groups run from 0 to 2, but there are 1 sequences"):
        Ragged(values, offsets, np.array([0, 2]))


sequences = st.lists(st.lists(st.integers(-(2**31), 2**31 - 1), max_size=5), max_size=8)


@given(sequences)
def test_what_goes_in_comes_out(rows: list[list[int]]) -> None:
    ragged = Ragged.from_sequences(rows)
    assert ragged.tolist() == rows
    assert ragged.lengths.tolist() == [len(row) for row in rows]


@given(st.data())
def test_take_and_slices_do_what_lists_do(data: st.DataObject) -> None:
    rows = data.draw(sequences)
    a, b = (data.draw(st.none() | st.integers(-10, 10)) for _ in range(2))
    ragged = Ragged.from_sequences(rows)
    part = ragged[a:b]
    assert part.tolist() == rows[a:b]
    places = data.draw(st.lists(st.sampled_from(range(len(part))))) if len(part) else []
    assert part.take(places).tolist() == [rows[a:b][i] for i in places]


@pytest.mark.parametrize("mmap", [True, False])
@pytest.mark.parametrize(
    "ragged",
    [
        Ragged.from_groups([[[1], [2, 3]], [], [[]]]),
        Ragged.from_sequences([[0.5, 1.5], [2.5]]),
        Ragged.from_sequences([]),
        Ragged.from_sequences([[9], [1, 2], [3]])[1:2],
    ],
)
def test_a_saved_ragged_comes_back(ragged: Ragged, mmap: bool, tmp_path: Path) -> None:
    ragged.save(tmp_path)
    loaded = Ragged.load(tmp_path, mmap=mmap)
    assert isinstance(loaded.values, np.memmap) is mmap
    assert loaded.values.dtype == ragged.values.dtype
    assert loaded.tolist() == ragged.tolist()
    assert len(loaded.values) == ragged.lengths.sum()
    if ragged.groups is None:
        assert loaded.groups is None
    else:
        assert_array_equal(loaded.groups, ragged.groups)


@pytest.mark.parametrize("many", [1, 10_000])
def test_a_ragged_can_be_saved_where_it_was_loaded_from(many: int, tmp_path: Path) -> None:
    Ragged.from_groups([[[1, 2], [3]] * many]).save(tmp_path)
    loaded = Ragged.load(tmp_path)
    loaded.save(tmp_path)
    assert loaded.tolist() == Ragged.load(tmp_path).tolist() == [[1, 2], [3]] * many
    loaded[1:2].save(tmp_path)
    again = Ragged.load(tmp_path)
    assert again.tolist() == [[3]]
    assert again.groups is None
    assert {path.name for path in tmp_path.iterdir()} == {"values.npy", "offsets.npy"}


def test_a_place_where_no_folder_can_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"file.values\.npy: cannot be written \("):
        Ragged.from_sequences([[1]]).save(tmp_path / "file")


def test_memory_mapped_sequences_are_views_too(tmp_path: Path) -> None:
    Ragged.from_sequences([[1], [2, 3]]).save(tmp_path)
    loaded = Ragged.load(tmp_path)
    assert np.shares_memory(loaded[1], loaded.values)


def test_a_missing_or_damaged_array_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"values\.npy: no such file"):
        Ragged.load(tmp_path)
    Ragged.from_sequences([[1]]).save(tmp_path)
    (tmp_path / "offsets.npy").write_bytes(b"not an array")
    with pytest.raises(DataError, match=r"offsets\.npy: cannot be read as an array"):
        Ragged.load(tmp_path)
    (tmp_path / "offsets.npy").write_bytes(b"")
    with pytest.raises(DataError, match=r"offsets\.npy: cannot be read as an array"):
        Ragged.load(tmp_path)
