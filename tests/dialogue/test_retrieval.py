"""Answering by looking up, and the single most frequent reply."""

import math
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer

from jpseq.corpora.prepare import prepare
from jpseq.corpora.readers import Turn
from jpseq.dialogue import opening
from jpseq.dialogue.most_frequent import MostFrequent
from jpseq.dialogue.responder import Responder
from jpseq.dialogue.retrieval import Index, Nearest, Retrieval
from jpseq.errors import ConfigurationError, DataError, NotFittedError
from jpseq.sequences import Ragged
from jpseq.text.whitespace import Whitespace

ROOT = Path(__file__).parents[2]

DIALOGUES = [
    ["a b", "one", "c", "two"],
    ["a b", "three"],
    ["d", "one"],
    ["e"],
]


def bot(**params: Any) -> Retrieval:
    return Retrieval(**{"tokenizer": Whitespace(), "turns": 1, **params})


@pytest.fixture(scope="module")
def learnt() -> Retrieval:
    return bot().fit(DIALOGUES)


# The index


def test_cosines_by_hand() -> None:
    # Of two contexts, word 0 is in both, 1 and 2 in one each: log(3/3) + 1 and log(3/2) + 1.
    index = Index.of(Ragged.from_sequences([[0, 1, 1], [0, 2]]), 4)
    rare = math.log(3 / 2) + 1
    assert index.idf.tolist() == pytest.approx([1, rare, rare, 0])
    lengths = math.sqrt(1 + 4 * rare**2), math.sqrt(1 + rare**2)
    assert index.cosines([0]).tolist() == pytest.approx([1 / lengths[0], 1 / lengths[1]])
    assert index.cosines([1, 3]).tolist() == pytest.approx([2 * rare / lengths[0], 0])
    assert index.cosines([3, 3]).tolist() == index.cosines([]).tolist() == [0, 0]


IDS = st.lists(st.integers(0, 7), max_size=6)


@given(st.lists(IDS, min_size=1, max_size=8).filter(any), IDS)
def test_cosines_are_those_of_scikit_learn(contexts: list[list[int]], query: list[int]) -> None:
    theirs = TfidfVectorizer(analyzer=list)
    wanted = (theirs.fit_transform(contexts) @ theirs.transform([query]).T).toarray()[:, 0]
    found = Index.of(Ragged.from_sequences(contexts), 8).cosines(query)
    assert found == pytest.approx(wanted)
    for i, context in enumerate(contexts):  # not nearly: ties go by first occurrence
        assert found[i] == found[contexts.index(context)]


# The nearest


def test_the_reply_to_the_most_similar_turns(learnt: Retrieval) -> None:
    assert learnt.reply(["a c"]) == "two"  # c is rarer than a
    assert learnt.reply(["d unheard"]) == "one"
    assert learnt.nearest(["c c"]) == Nearest(pytest.approx(1), ["c"], "two")


def test_of_equally_similar_ones_the_first(learnt: Retrieval) -> None:
    assert learnt.nearest(["b a"]) == Nearest(pytest.approx(1), ["a b"], "one")


def test_the_last_turns_are_compared() -> None:
    two = bot(turns=2).fit(DIALOGUES)
    assert two.nearest(["x", "one", "c"]) == Nearest(pytest.approx(1), ["one", "c"], "two")
    assert two.nearest(["a b"]) == Nearest(pytest.approx(1), ["a b"], "one")
    three = bot(turns=3).fit(DIALOGUES)
    assert three.nearest(["c"]).context == ["a b", "one", "c"]  # type: ignore[union-attr]
    assert bot().fit(DIALOGUES).reply(["c", "d"]) == "one"  # only d is compared


@pytest.mark.parametrize("history", [["unheard"], [""], ["e"], ["two"]])
def test_where_nothing_is_known(learnt: Retrieval, history: list[str]) -> None:
    # e and two were said, but never answered.
    assert learnt.nearest(history) is None
    assert learnt.reply(history) == "わかりません。"
    assert learnt.reply(history, temperature=1.0) == "わかりません。"


def test_contexts_without_a_word_are_never_found() -> None:
    silent = bot().fit([["", "one"], ["", "two"]])
    assert silent.nearest([""]) is None
    assert bot().fit([["", "one"], ["a", "two"]]).reply(["a"]) == "two"


def test_a_draw_is_by_similarity_temperature_and_seed() -> None:
    drawing = bot(candidates=2).fit([["a", "one"], ["a b", "two"], ["a b c", "three"]])
    best = drawing.nearest(["a"])
    assert best is not None
    assert best.reply == "one"
    cosines = drawing._learnt[3].cosines([drawing._learnt[2].id("a")])
    draws = [drawing.reply(["a"], temperature=0.5, seed=seed) for seed in range(1000)]
    assert {*draws} == {"one", "two"}  # of three, the two nearest
    p = 1 / (1 + math.exp(5 * (cosines[1] - cosines[0]) / 0.5))
    assert draws.count("one") / 1000 == pytest.approx(p, abs=0.064)  # four standard deviations
    assert draws == [drawing.reply(["a"], temperature=0.5, seed=seed) for seed in range(1000)]
    cold = {drawing.reply(["a"], temperature=1e-3, seed=seed) for seed in range(100)}
    assert cold == {"one"}


@pytest.mark.parametrize("how", [{"temperature": math.nan}, {"temperature": 1.0, "seed": -1}])
def test_a_draw_that_is_not_allowed_is_named(learnt: Retrieval, how: dict[str, Any]) -> None:
    for ask in (learnt.reply, learnt.why):
        with pytest.raises(ConfigurationError, match=r"is (nan|-1); it must be"):
            ask(["a"], **how)


def test_many_histories(learnt: Retrieval) -> None:
    histories = [["c"], ["unheard"], ["c", "a"]]
    assert learnt.replies(iter(histories)) == ["two", "わかりません。", "one"]
    assert learnt.replies([]) == []


def test_turns_texts_and_generators_are_the_same_dialogues(learnt: Retrieval) -> None:
    turns = ([Turn("A", text) for text in dialogue] for dialogue in DIALOGUES)
    again = bot().fit(turns)
    assert again.nearest(["a c"]) == learnt.nearest(["a c"])
    assert again.fit([["a", "new"]]).reply(["c a"]) == "new"  # what was before is forgotten


def test_japanese_is_read_by_mecab() -> None:
    dialogues = [["雨が降りそうですね", "傘を持って行きましょう。"], ["犬が走った", "速いね。"]]
    assert Retrieval().fit(dialogues).reply(["また雨か"]) == "傘を持って行きましょう。"


# Both responders


BOTH = pytest.mark.parametrize("make", [bot, MostFrequent], ids=["retrieval", "most_frequent"])


@BOTH
def test_both_are_responders(make: Any) -> None:
    assert isinstance(make(), Responder)


@BOTH
@pytest.mark.parametrize("dialogues", [[], [[]], [["a"]], [["a"], [], ["b"]]])
def test_nothing_to_learn_from(make: Any, dialogues: list[list[str]]) -> None:
    with pytest.raises(DataError, match="at least one dialogue of two turns or more is needed"):
        make().fit(dialogues)


@BOTH
def test_what_is_no_dialogue_or_history(make: Any) -> None:
    with pytest.raises(DataError, match="a dialogue is a list of turns, got one text"):
        make().fit(["おはよう"])
    with pytest.raises(DataError, match=r"a turn is a text \(str\) or a Turn, got int"):
        make().fit([["a", 1]])
    with pytest.raises(NotFittedError, match="has learnt nothing yet: call fit"):
        make().reply(["a"])
    ready = make().fit(DIALOGUES)
    with pytest.raises(DataError, match="the history is a list of turns, got one text"):
        ready.reply("a")
    with pytest.raises(DataError, match="the history is empty"):
        ready.reply([])


@BOTH
def test_a_prepared_corpus_has_no_texts(make: Any, tmp_path: Path) -> None:
    ten = ROOT / "examples" / "ten_dialogues.jsonl"
    prepared = prepare(ten, tmp_path / "ten", kind="dialogues", workers=1)
    with pytest.raises(ConfigurationError, match=r"not the texts.*read_dialogues\(FILES\)"):
        make().fit(prepared)


@pytest.mark.parametrize("name", ["turns", "candidates"])
def test_a_parameter_that_is_not_allowed(name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{name}: Input should be .* 1, got 0"):
        bot(**{name: 0}).fit(DIALOGUES)


def test_the_most_frequent_reply() -> None:
    assert MostFrequent().fit(DIALOGUES).reply(["z"], temperature=2.0, seed=1) == "one"
    # What only begins dialogues is no reply; of equally frequent ones the first.
    assert MostFrequent().fit([["a", "b"], ["a", "c"], ["a"]]).reply(["z"]) == "b"


def test_retrieval_is_registered() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    target = project["entry-points"]["jpseq.responders"]["retrieval"]
    assert EntryPoint("retrieval", target, "jpseq.responders").load() is opening.retrieval


def test_parameters_are_what_the_constructor_got() -> None:
    assert repr(bot(turns=3)) == "Retrieval(tokenizer=Whitespace(), turns=3)"
    copy = bot(candidates=4).fit(DIALOGUES).clone()
    assert copy.candidates == 4
    with pytest.raises(NotFittedError):
        copy.nearest(["a"])
