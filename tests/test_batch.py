"""Batch: padding, masks, and the way there and back."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from jpseq.batch import Batch
from jpseq.errors import DataError
from jpseq.sequences import Ragged

ids = st.lists(st.lists(st.integers(-(2**31), 2**31 - 1), max_size=6), max_size=6)


def test_ids_are_padded_with_zeros_on_the_right() -> None:
    batch = Batch.from_ragged(Ragged.from_sequences([[5, 6, 7], [], [8]]))
    assert batch.values.tolist() == [[5, 6, 7], [0, 0, 0], [8, 0, 0]]
    assert batch.values.dtype == torch.int64
    assert batch.lengths.tolist() == [3, 0, 1]
    assert batch.mask.tolist() == [[True] * 3, [False] * 3, [True, False, False]]
    assert batch.turns is None
    assert len(batch) == 3


def test_features_keep_their_axis() -> None:
    batch = Batch.from_ragged(Ragged.from_sequences([[[1.5, 2.5]], [[3.5, 4.5], [5.5, 6.5]]]))
    assert batch.values.tolist() == [[[1.5, 2.5], [0, 0]], [[3.5, 4.5], [5.5, 6.5]]]
    assert batch.values.dtype == torch.float32


def test_groups_become_turns() -> None:
    batch = Batch.from_ragged(Ragged.from_groups([[[1], [2, 3]], [], [[4]]]))
    assert batch.turns is not None
    assert batch.turns.tolist() == [2, 0, 1]
    assert batch.values.tolist() == [[1, 0], [2, 3], [4, 0]]


def test_a_slice_of_a_ragged_is_padded_by_its_own_longest() -> None:
    ragged = Ragged.from_sequences([[1, 2, 3, 4], [5], [6, 7]])
    assert Batch.from_ragged(ragged[1:]).values.tolist() == [[5, 0], [6, 7]]


@pytest.mark.parametrize(("sequences", "shape"), [([], (0, 0)), ([[]], (1, 0)), ([[], []], (2, 0))])
def test_nothing_has_no_steps(sequences: list[list[int]], shape: tuple[int, int]) -> None:
    batch = Batch.from_ragged(Ragged.from_sequences(sequences))
    assert tuple(batch.values.shape) == shape
    assert batch.to_ragged().tolist() == sequences


@given(ids)
def test_ids_come_back_as_they_were(sequences: list[list[int]]) -> None:
    back = Batch.from_ragged(Ragged.from_sequences(sequences)).to_ragged()
    assert back.tolist() == sequences
    assert back.values.dtype == np.int32


@given(st.lists(st.lists(st.tuples(st.floats(width=32), st.floats(width=32)), max_size=4)))
def test_features_come_back_as_they_were(sequences: list[list[tuple[float, float]]]) -> None:
    ragged = Ragged.from_sequences(sequences)
    back = Batch.from_ragged(ragged).to_ragged()
    np.testing.assert_array_equal(back.values, ragged.values)  # NaN equals NaN here
    np.testing.assert_array_equal(back.offsets, ragged.offsets)


@given(st.lists(ids, max_size=4))
def test_dialogues_come_back_as_they_were(dialogues: list[list[list[int]]]) -> None:
    ragged = Ragged.from_groups(dialogues)
    back = Batch.from_ragged(ragged).to_ragged()
    assert [back.group(d).tolist() for d in range(len(dialogues))] == dialogues


def test_what_stands_in_the_padding_is_dropped() -> None:
    batch = Batch(torch.tensor([[1, 9], [2, 3]]), torch.tensor([1, 2]))
    assert batch.to_ragged().tolist() == [[1], [2, 3]]


def test_replace_keeps_lengths_and_turns() -> None:
    batch = Batch(torch.tensor([[1, 0], [2, 3]]), torch.tensor([1, 2]), torch.tensor([2]))
    other = batch.replace(torch.ones(2, 2, 5))
    assert tuple(other.values.shape) == (2, 2, 5)
    assert other.lengths is batch.lengths
    assert other.turns is batch.turns


def test_to_moves_all_parts() -> None:
    batch = Batch(torch.zeros(1, 2), torch.tensor([2]), torch.tensor([1])).to("meta")
    assert batch.turns is not None
    assert {part.device.type for part in (batch.values, batch.lengths, batch.turns)} == {"meta"}


@pytest.mark.parametrize(
    ("values", "lengths", "said"),
    [((3,), (3,), r"\(3,\) and \(3,\)"), ((2, 3), (3,), r"\(2, 3\) and \(3,\)")],
)
def test_shapes_that_do_not_fit_are_refused(
    values: tuple[int, ...], lengths: tuple[int, ...], said: str
) -> None:
    with pytest.raises(DataError, match=said):
        Batch(torch.zeros(values), torch.zeros(lengths, dtype=torch.int64))
