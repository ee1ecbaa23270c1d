"""Sessions: limits, logs, threads, and a thousand of them that share one bot."""

import json
import random
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from jpseq.corpora.readers import Turn, read_dialogues
from jpseq.dialogue.chatbot import Chatbot
from jpseq.dialogue.mixture import Mixture
from jpseq.dialogue.retrieval import Retrieval
from jpseq.dialogue.session import NOTHING_SAID, ChatSession, printable
from jpseq.errors import ConfigurationError, DataError
from jpseq.text.whitespace import Whitespace


class Parrot:
    """Says what it was given: the last turn, how many there were, temperature and seed."""

    def reply(self, history: Sequence[str], *, temperature: float = 0.0, seed: int = 0) -> str:
        return f"{history[-1]}! {len(history)} {temperature:g} {seed}"


class Heard:
    """Remembers what it was given, and says はい in two pieces."""

    def __init__(self) -> None:
        self.histories: list[list[str]] = []

    def reply(self, history: Sequence[str], *, temperature: float = 0.0, seed: int = 0) -> str:
        return "".join(self.stream(history))

    def stream(self, history: Sequence[str], **options: Any) -> Iterator[str]:
        self.histories.append(list(history))
        yield "は"
        yield "い"


def test_both_sides_are_remembered_and_each_turn_draws_afresh() -> None:
    session = ChatSession(Parrot())
    assert session.say("猫") == "猫! 1 0 1"
    assert session.say("犬") == "犬! 3 0 3"
    assert session.history == ["猫", "猫! 1 0 1", "犬", "犬! 3 0 3"]


def test_the_same_seed_goes_the_same_way() -> None:
    first, second = (ChatSession(Parrot(), 0.5, seed=10) for _ in range(2))
    assert [first.say("猫"), first.say("犬")] == [second.say("猫"), second.say("犬")]
    assert first.history[1] == "猫! 1 0.5 11"


def test_a_session_that_is_reset_goes_the_same_way_again() -> None:
    session = ChatSession(Parrot(), max_turns=2)
    said = [session.say("猫"), session.say("犬")]
    session.reset()
    assert [session.say("猫"), session.say("犬")] == said


# Limits


def test_the_oldest_turns_are_forgotten_in_pairs_and_seeds_go_on() -> None:
    session = ChatSession(Parrot(), max_turns=5)
    for text in "abc":
        session.say(text)
    assert session.history == ["b", "b! 3 0 3", "c", "c! 5 0 5"]
    assert session.say("d") == "d! 5 0 7"
    assert session.turns == 8


def test_characters_are_limited_but_the_last_two_turns_stay() -> None:
    session = ChatSession(Heard(), max_characters=10)
    for text in ("abc", "de", "f"):
        session.say(text)
    assert session.history == ["de", "はい", "f", "はい"]  # 7 characters, and 12 with the first
    session.say("a" * 10)
    assert session.history == ["a" * 10, "はい"]


def test_nothing_and_too_much_are_no_part_of_the_history() -> None:
    session = ChatSession(Heard(), max_characters=5)
    assert session.say(" \t\0\n") == NOTHING_SAID
    assert session.say("あ" * 6) == "すみません、長すぎて読めません（5文字まで）。"
    assert session.history == []
    assert session.say(" あ\x07い\r\nう ") == "はい"
    assert session.history == ["あい  う", "はい"]


@pytest.mark.parametrize("limits", [{"max_turns": 1}, {"max_characters": 0}])
def test_limits_that_are_not_allowed(limits: dict[str, int]) -> None:
    with pytest.raises(ConfigurationError, match=r"is at least \d, got \d"):
        ChatSession(Parrot(), **limits)


def test_the_persona_is_never_forgotten() -> None:
    bot = Heard()
    session = ChatSession(bot, persona=" 犬を\n飼っています。", max_turns=2)
    session.say("a")
    session.say("b")
    session.say("c")
    assert bot.histories[0] == ["犬を 飼っています。", "a"]
    assert bot.histories[2] == ["犬を 飼っています。", "b", "はい", "c"]
    assert session.history == ["c", "はい"]


def test_what_is_printable() -> None:
    assert printable("日本 👨‍👩‍👧 é\u00a0x\u3000y") == "日本 👨‍👩‍👧 é x y"
    assert printable("\ud83d\x1b[2J\x9b\u202eabc\u2028") == "[2Jabc "


# Streams


def test_a_stream_that_is_not_read_to_its_end_was_not_said() -> None:
    session = ChatSession(Heard())
    pieces = session.stream("猫")
    assert next(pieces) == "は"
    with pytest.raises(ConfigurationError, match="the reply before is not finished"):
        session.say("犬")
    pieces.close()  # type: ignore[attr-defined]
    assert session.history == []
    assert list(session.stream("猫")) == ["は", "い"]
    assert session.history == ["猫", "はい"]


class Dice:
    """Says 1 or, now and then, 2."""

    def reply(self, history: Sequence[str], *, temperature: float = 0.0, seed: int = 0) -> str:
        return random.Random(seed).choice("1123")


def test_again_looks_for_a_reply_that_was_not_given() -> None:
    session = ChatSession(Dice())
    said = [session.say("?")] + ["".join(session.again()) for _ in range(2)]
    assert sorted(said) == ["1", "2", "3"]
    assert "".join(session.again()) in said  # there is no other
    assert len(session.history) == 2
    assert session.say("?") in said  # a new turn may be answered with what was said before
    heard = ChatSession(Heard())
    heard.say("猫")
    assert list(heard.again()) == ["は", "い"]  # it has no other


def test_threads_that_share_a_session_are_answered_one_after_another() -> None:
    session = ChatSession(Heard(), max_turns=1000)
    threads = [
        threading.Thread(target=lambda n=n: [session.say(f"{n}") for _ in range(50)])  # type: ignore[misc]
        for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(session.history) == session.turns == 400
    assert session.history[1::2] == ["はい"] * 200
    assert sorted(session.history[::2]) == sorted("0123" * 50)


def test_threads_that_share_an_analyser_get_the_same_words() -> None:
    dialogues = [["雨が降りそうですね", "傘を持って行きましょう。"], ["犬が走った", "速いね。"]]
    near = Retrieval(turns=1).fit(dialogues)
    texts = [f"{n}日は雨が降る" if n % 2 else f"{n}匹の犬が走る" for n in range(300)]
    found: dict[int, list[str]] = {}

    def work(number: int) -> None:
        found[number] = [ChatSession(near).say(text) for text in texts]

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {n: ["速いね。", "傘を持って行きましょう。"] * 150 for n in range(4)}


# The log


def test_a_log_that_sessions_share_can_be_learnt_from(tmp_path: Path) -> None:
    log = tmp_path / "new" / "log.jsonl"
    first, second = (ChatSession(Parrot(), 0.5, seed, log=log, name=f"s{seed}") for seed in (0, 7))
    first.say("猫")
    second.say("犬")
    list(first.again())
    rows = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    assert [(row["session"], row["turn"], row["seed"]) for row in rows] == [
        ("s0", 2, 1),
        ("s7", 2, 8),
        ("s0", 2, 1_000_004),
    ]
    assert all(row["temperature"] == 0.5 and row["time"].endswith("+00:00") for row in rows)
    assert list(read_dialogues(log))[1] == [Turn("you", "犬"), Turn("bot", "犬! 1 0.5 8")]


def test_a_log_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be written"):
        ChatSession(Parrot(), log=tmp_path)


# Many


WORDS = ["山", "川", "海", "猫", "犬", "何", "好き", "行く", "食べる", "か", "よ", "ね"]


@pytest.fixture(scope="module")
def bot() -> Mixture:
    """What was said before, and a network that draws its words; both look at the history."""
    draw = random.Random(0)
    dialogues = [
        [" ".join(draw.choices(WORDS, k=draw.randint(1, 4))) for _ in range(4)] for _ in range(30)
    ]
    sizes: dict[str, Any] = {"embedding": 4, "hidden": 4, "max_reply": 3, "epochs": 1}
    network = Chatbot(Whitespace(), batch_tokens=100, turns=4, **sizes).fit(dialogues)
    near = Retrieval(Whitespace(), least=0.55, repeats=False).fit(dialogues)
    return Mixture({"retrieval": near, "seq2seq": network})


def test_a_thousand_interleaved_sessions_are_each_its_replay_alone(bot: Mixture) -> None:
    draw = random.Random(1)
    sessions = [ChatSession(bot, 1.0, seed=seed, max_turns=4) for seed in range(1000)]
    scripts: list[list[str]] = [[] for _ in sessions]
    replies: list[list[str]] = [[] for _ in sessions]
    plan = [number for number in range(1000) for _ in range(2)]
    draw.shuffle(plan)

    def work(some: Sequence[int]) -> None:
        for number in some:
            text = " ".join(draw.choices(WORDS, k=2))
            scripts[number].append(text)
            replies[number].append(sessions[number].say(text))

    # Two threads, and every session in one of them, so that its turns have an order.
    threads = [
        threading.Thread(target=work, args=([n for n in plan if n % 2 == half],))
        for half in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({tuple(some) for some in replies}) > 500
    speakers = Counter(bot.choose([script[0]])[0] for script in scripts)
    assert min(speakers.values()) > 100
    for seed in range(1000):
        alone = ChatSession(bot, 1.0, seed=seed, max_turns=4)
        assert [alone.say(text) for text in scripts[seed]] == replies[seed]


@pytest.mark.parametrize(
    "text",
    [
        "あ" * 10_000,
        "😀🎉",
        "Guten Tag, wie geht's?",
        "\x00\x1b[2J\ud83d",
        "안녕하세요",
        "？！…",
        "؟مرحبا",
    ],
    ids=["10,000 characters", "emoji", "German", "controls", "Korean", "marks", "Arabic"],
)
def test_whatever_is_said_is_answered(bot: Mixture, text: str) -> None:
    session = ChatSession(bot)
    reply = session.say(text)
    assert reply
    assert printable(reply) == reply
    again = ChatSession(bot)
    assert "".join(again.stream(text)) == reply


def test_ten_thousand_turns_are_not_kept(bot: Mixture) -> None:
    session = ChatSession(bot, seed=3)
    session.history = ["山", "川"] * 5_000
    session.say("海 か")
    assert len(session.history) == 100
    short = ChatSession(bot, seed=3)
    short.history = ["山", "川"] * 50
    assert short.say("海 か") == session.history[-1]
