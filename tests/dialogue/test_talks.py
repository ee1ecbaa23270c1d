"""From turns to batches of conversations: pieces, speakers, and what stands in a batch."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jpseq.dialogue.talks import in_order, pieces, speakers_of, talk, talks
from jpseq.dialogue.turns import SpokenDialogues, Turns, counted
from jpseq.network.conversation import Talk
from jpseq.vocabulary import Vocabulary

START, END = 1, 2
ENDS: dict[str, Any] = {"start": START, "end": END}
WORDS = Vocabulary(("<unk>", "<s>", "</s>")).fit([list("abcdefg")])  # a is 3, b is 4, ...


def turns(dialogues: list[list[str]], speakers: list[list[int]] | None = None) -> Turns:
    words = [[list(turn) for turn in dialogue] for dialogue in dialogues]
    return Turns.of(words if speakers is None else SpokenDialogues(words, speakers), WORDS)


def shown(batch: Talk) -> list[tuple[str, int]]:
    """The utterances of a batch, with < and > for start and end, and who says them."""
    letters = {START: "<", END: ">", **{i: WORDS.words[i] for i in range(3, len(WORDS))}}
    said = ["".join(letters[i] for i in row) for row in batch.utterances.to_ragged().tolist()]
    return list(zip(said, batch.speakers.tolist(), strict=True))


# Pieces


def bounds(sizes: list[int]) -> tuple[np.ndarray, np.ndarray]:
    ends = np.cumsum(np.array(sizes, np.int64))
    return ends - np.array(sizes, np.int64), ends


@pytest.mark.parametrize(
    ("size", "wanted"),
    [
        (2, [(0, 2), (1, 3), (2, 4), (3, 5), (6, 8)]),
        (3, [(0, 3), (2, 5), (6, 8)]),
        (4, [(0, 4), (3, 5), (6, 8)]),
        (5, [(0, 5), (6, 8)]),
        (99, [(0, 5), (6, 8)]),
    ],
)
def test_pieces_by_hand(size: int, wanted: list[tuple[int, int]]) -> None:
    firsts, ends = pieces(*bounds([5, 1, 2, 0]), size)
    assert list(zip(firsts.tolist(), ends.tolist(), strict=True)) == wanted


@given(st.lists(st.integers(0, 12), max_size=6), st.integers(2, 8))
def test_every_turn_but_the_first_is_a_reply_once(sizes: list[int], size: int) -> None:
    begins, dialogue_ends = bounds(sizes)
    firsts, ends = (bound.tolist() for bound in pieces(begins, dialogue_ends, size))
    replies = [turn for first, end in zip(firsts, ends, strict=True) for turn in range(first, end)]
    for first in firsts:
        replies.remove(first)  # one of its two places, where it was a reply before
    assert replies == turns([["a"] * count for count in sizes]).replies.tolist()
    assert all(2 <= end - first <= size for first, end in zip(firsts, ends, strict=True))
    for (_, end), (first, _) in pairwise(zip(firsts, ends, strict=True)):
        assert first == end - 1 or first in begins
    owner = np.repeat(np.arange(len(sizes)), sizes)
    assert all(owner[first] == owner[end - 1] for first, end in zip(firsts, ends, strict=True))


def test_pieces_of_some_dialogues_out_of_their_order() -> None:
    firsts, ends = pieces(np.array([6, 0]), np.array([9, 2]), 2)
    assert (firsts.tolist(), ends.tolist()) == ([6, 7, 0], [8, 9, 2])


def test_counting_as_far_as_each_count_says() -> None:
    assert counted(np.array([], np.int64)).tolist() == []
    assert counted(np.array([0, 1, 0, 3])).tolist() == [0, 0, 1, 2]


# Speakers


def test_speakers_are_counted_in_the_order_in_which_they_speak() -> None:
    assert in_order(["太郎", "花子", "太郎", "次郎", "花子"]).tolist() == [0, 1, 0, 2, 1]
    assert in_order([]).tolist() == []


def test_speakers_of_a_piece_are_counted_from_its_first_turn() -> None:
    known = turns([["a", "b", "c", "d"]], [[0, 1, 1, 2]])
    assert speakers_of(known, 0, 4).tolist() == [0, 1, 1, 2]
    assert speakers_of(known, 1, 4).tolist() == [0, 0, 1]
    unknown = turns([["a", "b", "c", "d"]])
    assert speakers_of(unknown, 1, 4).tolist() == [0, 1, 0]


# Batches


def test_what_stands_in_a_batch() -> None:
    ids = [[np.array(row, np.int32) for row in dialogue] for dialogue in ([[3], []], [[5, 6, 7]])]
    batch = talk(ids, [np.array([0, 1]), np.array([0])], START, END)
    assert batch.utterances.values.tolist() == [[1, 3, 2, 0, 0], [1, 2, 0, 0, 0], [1, 5, 6, 7, 2]]
    assert batch.utterances.lengths.tolist() == [3, 2, 5]
    assert batch.utterances.turns is not None
    assert batch.utterances.turns.tolist() == [2, 1]
    assert batch.speakers.tolist() == [0, 1, 0]
    assert batch.places.tolist() == [0, 1, 0]


@pytest.mark.parametrize(("longest", "wanted"), [(1, "<a"), (2, "<ab"), (3, "<abc>"), (4, "<abc>")])
def test_an_utterance_that_is_cut_has_no_end(longest: int, wanted: str) -> None:
    said = [[WORDS.transform([list("abc")])[0]]]
    assert shown(talk(said, [np.array([0])], START, END, longest)) == [(wanted, 0)]


@pytest.mark.parametrize(
    ("longest", "history", "wanted"),
    [(None, 1, "a"), (None, 2, "ab"), (None, 3, "abc>"), (2, 2, "ab"), (2, 3, "ab"), (1, 2, "a")],
)
def test_of_a_long_utterance_only_the_first_words_are_read(
    longest: int | None, history: int, wanted: str
) -> None:
    said = [[WORDS.transform([list("abc")])[0]]]
    batch = talk(said, [np.array([0])], START, END, longest, history)
    assert shown(batch._replace(utterances=batch.read)) == [(wanted, 0)]


DIALOGUES = turns(
    [["a", "b", "c", "d"], ["e"], [], ["abcde", ""], ["f", "g"]],
    [[0, 1, 1, 0], [0], [], [0, 1], [0, 0]],
)


def test_a_stream_of_conversations_in_order_of_their_length() -> None:
    stream = talks(DIALOGUES, **ENDS, batch_tokens=18, size=3, shuffle=False)
    # Words with their ends: 9 and 6 of the first, 9 of the fourth, 6 of the last.
    assert [shown(batch) for batch in stream] == [
        [("<c>", 0), ("<d>", 1), ("<f>", 0), ("<g>", 0)],
        [("<a>", 0), ("<b>", 1), ("<c>", 1), ("<abcde>", 0), ("<>", 1)],
    ]


def test_a_cut_counts_in_the_size_of_a_batch() -> None:
    stream = talks(DIALOGUES, **ENDS, batch_tokens=18, size=9, longest=1, shuffle=False)
    assert stream.lengths.tolist() == [12, 5, 6]
    assert shown(next(iter(stream))) == [("<a", 0), ("<>", 1), ("<f>", 0), ("<g>", 0)]


def test_the_order_is_drawn_by_the_seed_and_nothing_is_lost() -> None:
    many = turns([[letter, letter] for letter in "abcdefg" * 3])

    def epochs(seed: int) -> list[list[list[tuple[str, int]]]]:
        stream = talks(many, **ENDS, batch_tokens=12, size=2, seed=seed)
        return [[shown(batch) for batch in stream] for _ in range(2)]

    first, second = epochs(1)
    assert first != second
    assert epochs(1) == [first, second] != epochs(2)
    assert sorted(one for batch in first for one in batch) == sorted(
        (f"<{letter}>", who) for letter in "abcdefg" * 3 for who in (0, 1)
    )


def test_nothing_is_said() -> None:
    stream = talks(turns([["a"], []]), **ENDS, batch_tokens=9, size=5)
    assert (len(stream), list(stream)) == (0, [])
