"""How a bot reads: the last words as one sequence, or turn by turn."""

import pytest

from jpseq.dialogue.reading import ENDS, FORESEEN, LONGEST, SPECIALS, ByTurn, Flat, Ids
from jpseq.dialogue.turns import SpokenDialogues, Turns
from jpseq.sequences import Ragged
from jpseq.vocabulary import Vocabulary

WORDS = Vocabulary(SPECIALS).fit([list("abcdefg。")])


def ids(*turns: str) -> list[Ids]:
    return list(WORDS.transform([list(turn) for turn in turns]))


def said(batch: Ragged) -> list[str]:
    marks = {"<turn>": "|", "<s>": "<", "</s>": ">"}
    return [
        "".join(marks.get(word, word) for word in row) for row in WORDS.inverse_transform(batch)
    ]


def flat(history: int = 9, turns: int | None = None) -> Flat:
    return Flat(WORDS, history, turns, batch_tokens=100, seed=0)


def by_turn(history: int = 9, turns: int | None = None) -> ByTurn:
    return ByTurn(history, turns, batch_tokens=100, seed=0)


# Flat


@pytest.mark.parametrize(
    ("history", "turns", "reach"), [(9, None, 10), (9, 3, 3), (9, 99, 10), (1, 1, 1), (1, None, 2)]
)
def test_no_more_turns_are_read_than_words_and_marks_can_show(
    history: int, turns: int | None, reach: int
) -> None:
    assert flat(history, turns).reach == reach


def test_the_last_words_are_one_sequence() -> None:
    (batch,) = flat(history=4).before([ids("ab", "c"), ids("abc", "", "d"), ids(""), ids("abcde")])
    assert said(batch.to_ragged()) == ["ab|c", "c||d", "", "bcde"]


def test_a_full_stop_at_the_end_of_a_turn_says_nothing() -> None:
    (batch,) = flat().before([ids("a。", "b。"), ids("。", "。"), ids("a。b", "c。。")])
    assert said(batch.to_ragged()) == ["a|b", "。|。", "a。b|c。"]
    no_stop = Flat(Vocabulary(SPECIALS).fit([["a"]]), 9, None, 100, 0)
    (batch,) = no_stop.before([list(no_stop.vocabulary.transform([["a", "。"]]))])
    assert batch.lengths.tolist() == [2]  # unknown as it is, it may be anything


def test_each_reply_is_learnt_from_with_the_turns_before_it() -> None:
    turns = Turns.of([[list("ab"), list("c"), list("de")], [list("f")]], WORDS)
    (pair,) = flat(turns=1).stream(turns, shuffle=False)
    assert said(pair.source.to_ragged()) == ["ab", "c"]
    assert said(pair.target.to_ragged()) == ["<c>", "<de>"]


def test_too_long_a_reply_is_left_out_of_learning_and_measured_on() -> None:
    turns = Turns.of([[["a"], ["b"] * 99, ["c"]]], WORDS)
    learnt, measured = (flat().stream(turns, shuffle) for shuffle in (True, False))
    assert (len(learnt.lengths), learnt.left_out) == (1, 1)
    assert (measured.lengths.tolist(), measured.left_out) == ([101, 3], 0)


# Turn by turn


def test_so_many_turns_are_read() -> None:
    assert (by_turn().reach, by_turn(turns=3).reach) == (LONGEST, 3)


def test_two_speakers_take_turns_before_a_reply() -> None:
    talk, who = by_turn(history=2).before([ids("ab", "", "cde"), ids("f"), ids("f", "g")])
    assert said(talk.utterances.to_ragged()) == ["<ab>", "<>", "<cd", "<f>", "<f>", "<g>"]
    assert talk.speakers.tolist() == [0, 1, 0, 0, 0, 1]
    assert talk.utterances.turns is not None
    assert talk.utterances.turns.tolist() == [3, 1, 2]
    assert who.tolist() == [1, 1, 0]


def test_pieces_are_as_long_as_what_is_read_and_the_reply() -> None:
    turns = Turns.of(SpokenDialogues([[["a"], ["b"], ["c"], ["d"]]], [[0, 1, 0, 2]]), WORDS)
    (talk,) = by_turn(turns=2).stream(turns, shuffle=False)
    assert said(talk.utterances.to_ragged()) == ["<c>", "<d>", "<a>", "<b>", "<c>"]
    assert talk.speakers.tolist() == [0, 1, 0, 1, 0]


@pytest.mark.parametrize("shuffle", [True, False])
def test_a_turn_is_foreseen_whole_and_read_as_where_it_is_answered(
    shuffle: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns = Turns.of([[list("abc"), list("de"), list("fgab")]], WORDS)

    def both() -> tuple[list[str], list[str]]:
        (talk,) = by_turn(history=2).stream(turns, shuffle)
        return said(talk.utterances.to_ragged()), said(talk.read.to_ragged())

    assert both() == (["<abc>", "<de>", "<fgab>"], ["ab", "de>", "fg"])
    answered, _ = by_turn(history=2).before([[turns[0], turns[1]]])
    assert said(answered.read.to_ragged()) == ["ab", "de>"]
    monkeypatch.setattr(ByTurn, "foreseen", 3)
    assert both() == (["<abc>", "<de>", "<fga"], ["ab", "de>", "fg"])
    assert (FORESEEN, ENDS) == (1000, {"start": 2, "end": 3})
