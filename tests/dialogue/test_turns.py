"""A bot that learns from a prepared corpus learns the same as from the dialogues themselves."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from jpseq import Chatbot, SentencePiece
from jpseq.corpora.prepare import prepare
from jpseq.corpora.prepared import Prepared
from jpseq.corpora.readers import read_dialogues
from jpseq.dialogue.reading import SPECIALS
from jpseq.dialogue.turns import PreparedDialogues, Turns, hold_out
from jpseq.errors import ConfigurationError
from jpseq.text.whitespace import Whitespace
from jpseq.vocabulary import Vocabulary

TEN = Path(__file__).parents[2] / "examples" / "ten_dialogues.jsonl"
SMALL = {"embedding": 8, "hidden": 8, "epochs": 2, "batch_tokens": 100, "min_count": 2}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return prepare(TEN, tmp_path_factory.mktemp("prepared") / "ten", kind="dialogues", workers=1)


def test_replies_and_what_comes_before_them() -> None:
    words = Vocabulary(("<unk>",)).fit([["a", "b"], ["c"], ["d", "e"], ["f"]])
    turns = Turns.of([[["a", "b"], ["c"], ["d", "e"]], [], [["f"]], [["c"], ["f"]]], words)
    assert turns.replies.tolist() == [1, 2, 5]
    assert turns.lengths.tolist() == [1, 2, 1]
    ids = {word: words.id(word) for word in "abcdef"}
    assert [t.tolist() for t in turns.before(1, 9)] == [[ids["a"], ids["b"]], [ids["c"]]]
    assert [t.tolist() for t in turns.before(1, 1)] == [[ids["c"]]]
    assert [t.tolist() for t in turns.before(2, 9)] == [[ids["c"]]]  # not from the dialogue before


def test_marks_that_were_typed_are_unknown_words_however_they_are_learnt(tmp_path: Path) -> None:
    talk = '{"turns": [{"speaker": "A", "text": "a </s>"}, {"speaker": "B", "text": "<s> b"}]}\n'
    (tmp_path / "talk.jsonl").write_text(talk, "utf-8")
    options: dict[str, Any] = {"kind": "dialogues", "tokenizer": Whitespace(), "workers": 1}
    ready = prepare(tmp_path / "talk.jsonl", tmp_path / "talk", **options)
    words = Vocabulary(SPECIALS).fit([["a", "</s>"], ["<s>", "b"]])
    unknown, a, b = words.id("<unk>"), words.id("a"), words.id("b")
    for dialogues in ([[["a", "</s>"], ["<s>", "b"]]], PreparedDialogues.all_of(ready)):
        turns = Turns.of(dialogues, words)
        assert turns[0].tolist() == [a, unknown]
        assert turns[1].tolist() == [unknown, b]
        assert turns[0].dtype == np.int32


def test_the_same_bot_comes_of_both(prepared: Prepared) -> None:
    dialogues = list(read_dialogues(TEN))
    plain = Chatbot(**SMALL).fit(dialogues)
    ready = Chatbot(**SMALL).fit(prepared)
    assert plain.vocabulary.hash() == ready.vocabulary.hash()
    for name, weight in plain.trained().state_dict().items():
        assert torch.equal(weight, ready.trained().state_dict()[name])
    by_text, by_ids = plain.perplexity(dialogues), ready.perplexity(prepared)
    assert by_text.characters == sum(len(turn.text) for talk in dialogues for turn in talk[1:])
    assert by_ids == replace(by_text, characters=None)  # a prepared corpus holds words alone


def test_words_of_held_out_dialogues_are_not_counted(prepared: Prepared) -> None:
    learnt, kept = hold_out(list(read_dialogues(TEN)), 0.3, seed=1)
    ready, ready_kept = hold_out(PreparedDialogues.all_of(prepared), 0.3, seed=1)
    assert len(ready) == len(learnt) == 7
    assert len(ready_kept) == len(kept) == 3
    bot = Chatbot(**SMALL).fit(ready)
    from_text = Chatbot(**SMALL).fit(learnt)
    assert dict(bot.vocabulary.counts_) == dict(from_text.vocabulary.counts_)
    assert bot.perplexity(ready_kept).tokens == from_text.perplexity(kept).tokens
    assert np.array_equal(ready.sizes(), [len(dialogue) for dialogue in learnt])


@pytest.mark.parametrize(("count", "share", "kept"), [(1, 0.5, 1), (2, 0.9, 1), (3, 0.9, 2)])
def test_of_two_or_more_one_is_left_to_learn_from(count: int, share: float, kept: int) -> None:
    learnt, held_out = hold_out([["a", "b"]] * count, share)
    assert (len(learnt), len(held_out)) == (count - kept, kept)


def test_who_speaks_is_not_kept_in_a_prepared_corpus(
    prepared: Prepared, caplog: pytest.LogCaptureFixture
) -> None:
    Chatbot(architecture="hred", hierarchy={"size": 8, "speakers": 2}, **SMALL).fit(prepared)
    assert any("hierarchy.speakers: a prepared corpus does not" in m for m in caplog.messages)
    caplog.clear()
    Chatbot(architecture="hred", hierarchy={"size": 8}, **SMALL).fit(prepared)
    assert not any("hierarchy.speakers" in message for message in caplog.messages)


def test_another_tokenizer_is_refused(prepared: Prepared) -> None:
    with pytest.raises(ConfigurationError, match=r"analysed with MeCab.*tokenizer=prepared"):
        Chatbot(SentencePiece(), **SMALL).fit(prepared)


def test_other_corpora_are_refused(tmp_path: Path) -> None:
    (tmp_path / "prose.txt").write_text("空は青い。\n", encoding="utf-8")
    text = prepare(tmp_path / "prose.txt", tmp_path / "prose", workers=1)
    with pytest.raises(ConfigurationError, match="prepared text, but a bot learns from dialogues"):
        Chatbot(**SMALL).fit(text)


def test_pieces_that_were_learnt_are_saved_with_the_bot(tmp_path: Path) -> None:
    dialogues = list(read_dialogues(TEN))
    pieces = SentencePiece(size=184).fit([turn.text for talk in dialogues for turn in talk])
    bot = Chatbot(pieces, max_unknown=None, **SMALL).fit(dialogues)
    bot.save(tmp_path / "bot")
    again = Chatbot.load(tmp_path / "bot")
    assert again.reply(["こんにちは"]) == bot.reply(["こんにちは"])
    assert str(again.perplexity(dialogues)) == str(bot.perplexity(dialogues))
