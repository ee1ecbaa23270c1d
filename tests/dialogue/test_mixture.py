"""Who speaks in a mixture, and responders by name."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from jpseq.dialogue.chatbot import Chatbot
from jpseq.dialogue.mixture import Mixture
from jpseq.dialogue.opening import open_responder
from jpseq.dialogue.responder import DONT_KNOW, Responder, about, refusal, stream, why
from jpseq.dialogue.retrieval import Retrieval
from jpseq.errors import ConfigurationError, DataError, JpseqError, PluginError
from jpseq.text.whitespace import Whitespace


class Says:
    """Answers what it knows."""

    def __init__(self, known: str, reply: str, otherwise: str = DONT_KNOW) -> None:
        self.known, self.answer, self.otherwise = known, reply, otherwise

    def reply(self, history: Sequence[str], *, temperature: float = 0.0, seed: int = 0) -> str:
        return f"{self.answer}{temperature:g}{seed}"

    def refusal(self, history: Sequence[str]) -> str | None:
        return None if self.known in history[-1] else self.otherwise

    def why(self, history: Sequence[str], **options: Any) -> dict[str, str]:
        return {"responder": "says", "known": self.known}

    def about(self) -> str:
        return f"knows {self.known}"


class Plain:
    def reply(self, history: Sequence[str], *, temperature: float = 0.0, seed: int = 0) -> str:
        return "うん"


class Letters(Plain):
    def stream(self, history: Sequence[str], **options: Any) -> Iterator[str]:
        yield from "うん"


MIXTURE = Mixture(
    {
        "first": Says("a", "A"),
        "second": Says("b", "B", "「b」がありません。"),
        "third": Says("c", "C"),
    }
)


def test_the_first_that_knows_speaks() -> None:
    assert isinstance(MIXTURE, Responder)
    assert MIXTURE.reply(["x", "abc"]) == "A00"
    assert MIXTURE.reply(["bc"], temperature=0.5, seed=7) == "B0.57"
    assert MIXTURE.reply(["a", "c"]) == "C00"
    assert Mixture({"plain": Plain(), "never": Says("a", "A")}).reply(["a"]) == "うん"


def test_the_last_resort_is_the_refusal_that_says_most() -> None:
    assert MIXTURE.reply(["x"]) == MIXTURE.refusal(["x"]) == "「b」がありません。"
    assert Mixture({"one": Says("a", "A")}).reply(["x"]) == "わかりません。"
    assert MIXTURE.refusal(["b"]) is None


def test_why_tells_who_spoke_and_who_did_not() -> None:
    assert MIXTURE.why(["c"]) == {"responder": "third", "known": "c", "no answer": "first, second"}
    assert MIXTURE.why(["a"]) == {"responder": "first", "known": "a"}
    assert MIXTURE.why(["x"]) == {"responder": "none", "no answer": "first, second, third"}
    assert MIXTURE.about() == "knows a; knows b; knows c"


def test_a_mixture_streams_as_its_parts_do() -> None:
    assert list(Mixture({"letters": Letters()}).stream(["a"])) == ["う", "ん"]
    assert list(Mixture({"plain": Plain()}).stream(["a"])) == ["うん"]
    assert list(MIXTURE.stream(["x"])) == ["「b」がありません。"]


def test_mixtures_may_stand_in_one_another() -> None:
    inner = Mixture({"inner": Says("b", "B")})
    assert Mixture({"a": Says("a", "A"), "rest": inner, "plain": Plain()}).reply(["c"]) == "うん"


def test_a_mixture_of_nothing() -> None:
    with pytest.raises(ConfigurationError, match="at least one responder"):
        Mixture({})
    with pytest.raises(DataError, match="the history is empty"):
        MIXTURE.reply([])


def test_a_responder_needs_no_more_than_reply() -> None:
    plain = Plain()
    assert list(stream(plain, ["a"])) == ["うん"]
    assert refusal(plain, ["a"]) is None
    assert why(plain, ["a"]) == {"responder": "Plain"}
    assert about(plain) == "Plain"


# Retrieval in a mixture


def test_retrieval_that_is_not_near_enough_does_not_know() -> None:
    near = Retrieval(Whitespace(), turns=1, least=0.8).fit([["a b", "one"], ["c d e", "two"]])
    assert near.reply(["a b"]) == "one"
    assert near.refusal(["a b"]) is None
    assert near.refusal(["a c"]) == near.reply(["a c"]) == "わかりません。"
    assert near.why(["a b"]) == {"responder": "retrieval", "found": "a b", "cosine": "1.00"}
    assert near.why(["x"]) == {"responder": "retrieval", "found": "nothing near"}
    assert near.about() == "retrieval (among 2 replies)"
    with pytest.raises(ConfigurationError, match=r"least: Input should be less than .* 1, got 2"):
        Retrieval(least=2).fit([["a", "b"]])


def test_what_was_said_in_the_conversation_is_not_said_again() -> None:
    bot = Retrieval(Whitespace(), turns=1, repeats=False)
    bot.fit([["a", "one"], ["a", "one"], ["a", "two"], ["b", "one"]])
    assert bot.reply(["a"]) == "one"
    assert bot.reply(["a", "one", "a"]) == "two"
    assert bot.reply(["a", "one", "a", "two", "a"]) == "わかりません。"
    assert {bot.reply(["a", "one", "a"], temperature=9, seed=seed) for seed in range(9)} == {"two"}


def test_a_reply_that_was_said_and_stands_in_many_places_hides_no_other() -> None:
    bot = Retrieval(Whitespace(), turns=1, repeats=False)
    bot.fit([["a", "one"]] * 5 + [["a b", "two"]])
    assert bot.reply(["a", "one", "a"]) == "two"
    assert bot.reply(["one", "a", "x", "a"]) == "two"
    assert bot.reply(["a", "one", "a", "two", "a"]) == "わかりません。"


# By name


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("place")
    (folder / "rules.toml").write_text("[[rule]]\nto = ['やあ']\nsay = ['どうも。']\n", "utf-8")
    turn = '{"turns": [{"speaker": "A", "text": "山へ行く？"}, {"speaker": "B", "text": "はい"}]}\n'
    (folder / "logs.jsonl").write_text(turn * 2, "utf-8")
    Chatbot(architecture="hred", embedding=2, hidden=2, epochs=1).fit(
        [["山へ行く？", "はい"], ["海へ行く？", "いいえ"]]
    ).save(folder / "bot")
    (folder / "mixture.toml").write_text(
        """
[[responder]]
name = "scripted"
from = "rules.toml"
[[responder]]
name = "retrieval"
from = "logs.jsonl"
least = 0.9
[[responder]]
name = "hred"
from = "bot"
rerank = { candidates = 2 }
[[responder]]
name = "retrieval"
from = "logs.jsonl"
""",
        "utf-8",
    )
    return folder


def test_ours_are_opened_by_name(place: Path) -> None:
    assert open_responder("scripted", place / "rules.toml").reply(["やあ"]) == "どうも。"
    assert open_responder("retrieval", place / "logs.jsonl", turns=1).reply(["山"]) == "はい"
    bot = open_responder("hred", place / "bot")
    assert isinstance(bot, Chatbot)
    assert bot.architecture == "hred"
    mixture = open_responder("mixture", place / "mixture.toml")
    assert isinstance(mixture, Mixture)
    assert list(mixture.responders) == ["scripted", "retrieval", "hred", "retrieval 4"]
    assert mixture.choose(["やあ"])[0] == "scripted"
    assert mixture.choose(["山へ行く？"])[0] == "retrieval"
    assert mixture.choose(["海へ行く？"])[0] == "hred"
    assert mixture.choose(["謎の山、謎の川？"])[0] == "retrieval 4"
    inner = mixture.responders["hred"]
    assert isinstance(inner, Chatbot)
    assert inner.rerank == {"candidates": 2}


@pytest.mark.parametrize(
    ("name", "source", "options", "problem"),
    [
        ("scriptd", None, {}, "There is no responder 'scriptd'. Did you mean 'scripted'?"),
        (
            "scripted",
            None,
            {},
            "cannot be made without a path: missing a required argument: 'file'",
        ),
        ("retrieval", "logs.jsonl", {"lest": 1}, "unexpected keyword argument 'lest'"),
        ("retrieval", "logs.jsonl", {"turns": 0}, "turns: Input should be greater than or"),
        ("retrieval", "logs.jsonl", {"turns": 1.5}, "turns: Input should be a valid integer"),
        ("retrieval", "logs.jsonl", {"least": "high"}, "least: Input should be a valid number"),
        ("retrieval", "logs.jsonl", {"least": float("nan")}, "least: Input should be"),
        ("retrieval", "logs.jsonl", {"candidates": "x"}, "candidates: Input should be a valid"),
        ("retrieval", "logs.jsonl", {"repeats": "no"}, "repeats: Input should be a valid boolean"),
        ("retrieval", "logs.jsonl", {"source": "d"}, "unexpected keyword argument 'source'"),
        ("retrieval", "logs.jsonl", {"name": "d"}, "unexpected keyword argument 'name'"),
        ("retrieval", "logs.jsonl", {"dialogues": "d"}, "multiple values for argument 'dialogues'"),
        ("vhred", "bot", {}, "bot: is a hred, and a vhred is wanted; take the responder 'hred'"),
        ("hred", "bot", {"hidden": 4}, "hidden: of a bot that is trained only rerank"),
        ("hred", "bot", {"rerank": {"candidates": 0}}, "rerank: candidates: Input should be"),
        ("hred", "nowhere", {}, "not a model folder"),
        ("mixture", "rules.toml", {}, "is no list of responders"),
    ],
)
def test_what_cannot_be_opened(
    place: Path, name: str, source: str | None, options: dict[str, Any], problem: str
) -> None:
    with pytest.raises(JpseqError) as caught:
        open_responder(name, None if source is None else place / source, **options)
    assert problem in str(caught.value)
    assert isinstance(caught.value, PluginError | ConfigurationError | DataError) or name == "hred"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is no list of responders"),
        ("[[responder]]\nfrom = 'x'", 'responder 1 has no "name"'),
        ("[[responder]]\nname = 'retrieval'\nfrom = 3", 'responder 1: "from" is a path, got 3'),
        ("[[responder]]\nname = 'scripted'\nfrom = 'none.toml'", "responder 1: "),
        ("[[responder]]\nname = 'retrieval'\nsource = 'd.jsonl'", 'in a mixture from = "PATH"'),
    ],
)
def test_a_wrong_list_of_responders(tmp_path: Path, text: str, problem: str) -> None:
    file = tmp_path / "mixture.toml"
    file.write_text(text, "utf-8")
    with pytest.raises(DataError) as caught:
        open_responder("mixture", file)
    assert str(caught.value).startswith(f"{file}: ")
    assert problem in str(caught.value)
