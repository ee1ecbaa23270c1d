"""Masking: which words, exactly; whole words; shares; what is never masked."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jpseq.embedding.masking import (
    CHOICE,
    FATE,
    FIRST,
    MASK_ID,
    SPECIALS,
    WORD,
    Masking,
    Masks,
    uniform,
)

UNKNOWN = SPECIALS.index("<unk>")
BITS = 2**64 - 1


def mixed(z: int) -> int:
    """SplitMix64, one number at a time."""
    z = (z + 0x9E3779B97F4A7C15) & BITS
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & BITS
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & BITS
    return z ^ (z >> 31)


def drawn(number: int, *keys: int) -> float:
    state = mixed(number)
    for key in keys:
        state = mixed(state ^ mixed((key + 0x9E3779B97F4A7C15) & BITS))
    return (state >> 11) / 2**53


def mask(
    masking: Masking, excerpts: list[list[list[int]]], epoch: int = 0, first: int = 0
) -> Masks:
    """Masks in excerpts of words of pieces; the first word stands at a place of the corpus."""
    words = [word for excerpt in excerpts for word in excerpt]
    return masking.draw(
        np.array([piece for word in words for piece in word], np.int32),
        np.array([len(word) for word in words], np.int64),
        np.cumsum([0, *map(len, excerpts)]),
        np.arange(first, first + len(words)),
        epoch,
    )


def test_the_generator_begins_as_published() -> None:
    assert mixed(0) == 0xE220A8397B1DCDAF  # the first number of SplitMix64 with seed 0
    found = uniform(np.array([0, 5, 2**40]), 7, 1)
    assert found.tolist() == [drawn(number, 7, 1) for number in (0, 5, 2**40)]


@pytest.mark.parametrize(
    ("seed", "places", "instead"),
    [
        (0, [0, 1], [MASK_ID, 11]),  # one masked, one kept
        (2, [11], [MASK_ID]),  # the next one in the order is the long word, of which half fits not
        (4, [2, 3, 4], [MASK_ID] * 3),
        (5, [7, 12], [29, MASK_ID]),
        (18, [2, 3, 4], [12, 13, 14]),
    ],
)
def test_by_hand(seed: int, places: list[int], instead: list[int]) -> None:
    """Ten words of one piece and one of three: 15 % of 13 pieces are 1.95."""
    words = [[10], [11], [12, 13, 14], [15], [16], [17], [18], [19], [20], [21], [22]]
    masking = Masking(size=30, seed=seed)
    order = sorted(range(len(words)), key=lambda word: drawn(word, seed, 0, CHOICE))
    # The first in any case, a further one if half of it fits.
    chosen, pieces = [], 0
    for word in order:
        if pieces and pieces + len(words[word]) / 2 > 0.15 * 13:
            break
        chosen.append(word)
        pieces += len(words[word])
    read: list[int] = []
    for word, own in enumerate(words):
        fate = drawn(word, seed, 0, FATE)
        if word not in chosen or fate >= 0.9:
            read += own
        elif fate < 0.8:
            read += [MASK_ID] * len(own)
        else:
            read += [
                FIRST + int((30 - FIRST) * drawn(word, seed, 0, WORD, k)) for k in range(len(own))
            ]
    found = mask(masking, [words])
    assert found.read.tolist() == read
    assert found.chosen.nonzero()[0].tolist() == places
    assert found.read[places].tolist() == instead


def test_words_are_masked_whole() -> None:
    draw = np.random.default_rng(0)
    excerpts = [[[9] * n for n in draw.integers(1, 5, 20)] for _ in range(200)]
    found = mask(Masking(100), excerpts)
    place = 0
    fates = set()
    for excerpt in excerpts:
        for word in excerpt:
            own = slice(place, place + len(word))
            place += len(word)
            assert len(set(found.chosen[own].tolist())) == 1
            masks = {piece == MASK_ID for piece in found.read[own].tolist()}
            assert len(masks) == 1
            fates |= masks
    assert fates == {True, False}


def test_the_shares_are_80_10_10_of_15() -> None:
    words = 200
    excerpts = [[[50]] * words for _ in range(500)]
    found = mask(Masking(size=1005), excerpts)
    assert [int(some.sum()) for some in np.split(found.chosen, 500)] == [30] * 500
    read = found.read[found.chosen]
    chosen = len(read)
    counts = [
        (read == MASK_ID).sum() / chosen,
        ((read != MASK_ID) & (read != 50)).sum() / chosen,
        (read == 50).sum() / chosen,
    ]
    # Three standard deviations of 15,000 draws are below 0.01; of 1,000 ids one is the word itself.
    assert counts == pytest.approx([0.8, 0.1, 0.1], abs=0.01)
    assert (found.read[~found.chosen] == 50).all()
    others = read[(read != MASK_ID) & (read != 50)]
    assert others.min() >= FIRST
    assert others.max() < 1005
    assert len(set(others.tolist())) > 500


def test_another_epoch_another_mask_and_the_same_again() -> None:
    excerpts = [[[piece] for piece in range(10, 40)]] * 3
    masking = Masking(100, seed=1)
    first, again, second = (mask(masking, excerpts, epoch) for epoch in (0, 0, 1))
    np.testing.assert_array_equal(first.read, again.read)
    assert (first.chosen != second.chosen).any()
    other = mask(Masking(100, seed=2), excerpts)
    assert (first.chosen != other.chosen).any()


def test_masks_depend_on_the_place_and_not_on_the_batch() -> None:
    excerpts = [[[piece] for piece in range(10, 30)] for _ in range(4)]
    together = mask(Masking(100), excerpts)
    for i, excerpt in enumerate(excerpts):
        alone = mask(Masking(100), [excerpt], first=20 * i)
        np.testing.assert_array_equal(alone.read, together.read[20 * i : 20 * i + 20])
        np.testing.assert_array_equal(alone.chosen, together.chosen[20 * i : 20 * i + 20])


def test_unknown_words_and_other_specials_are_never_masked_or_drawn() -> None:
    excerpts = [[[UNKNOWN], [7], [8, UNKNOWN]], [[UNKNOWN], [3]]]
    for epoch in range(200):
        found = mask(Masking(9, share=0.9), excerpts, epoch)
        assert found.chosen.nonzero()[0].tolist() == [1]
        assert found.read[[0, 2, 3, 4, 5]].tolist() == [UNKNOWN, 8, UNKNOWN, UNKNOWN, 3]
        assert found.read[1] == MASK_ID or found.read[1] >= FIRST


def test_nothing_gives_nothing() -> None:
    assert mask(Masking(9), []).read.tolist() == []
    assert mask(Masking(9), [[], []]).read.tolist() == []


@given(
    st.lists(
        st.lists(st.lists(st.integers(0, 20), min_size=1, max_size=4), max_size=8), max_size=5
    ),
    st.integers(0, 2**62),
    st.floats(0.01, 0.99),
)
def test_of_each_excerpt_about_the_share_is_chosen(
    excerpts: list[list[list[int]]], seed: int, share: float
) -> None:
    found = mask(Masking(21, share, seed=seed), excerpts)
    place = 0
    for excerpt in excerpts:
        size = sum(map(len, excerpt))
        own = found.chosen[place : place + size]
        known = sum(len(word) for word in excerpt if min(word) >= FIRST)
        if known:
            assert 1 <= own.sum() <= max(4, share * size + 2)
            assert own.sum() >= min(known, share * size - 2)
        else:
            assert not own.any()
        place += size
    np.testing.assert_array_equal(
        found.read[~found.chosen],
        np.array([p for e in excerpts for w in e for p in w], np.int32)[~found.chosen],
    )
