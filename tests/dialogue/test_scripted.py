"""Answering by rules, and what is wrong with a file of them."""

import math
from pathlib import Path

import pytest

from jpseq.corpora.bundled import bundled
from jpseq.dialogue.responder import Responder
from jpseq.dialogue.scripted import LONGEST, Scripted
from jpseq.errors import ConfigurationError, DataError

RULES = """
[[rule]]
to = ['おはよう(ございます)?', "やあ"]
say = ["おはようございます。", "おはよう。"]

[[rule]]
to = ['(?P<name>[^が]+)が好き(?P<how>です)?']
say = ["{name}ですか{how}。{{笑}}"]

[[rule]]
to = ['.*[0-9]+.*']
say = ["数ですね。"]

[[rule]]
to = ["コーヒー", "カレー"]
say = ["いいですね。"]
"""


def write(folder: Path, text: str) -> Path:
    (folder / "rules.toml").write_text(text, "utf-8")
    return folder / "rules.toml"


@pytest.fixture
def bot(tmp_path: Path) -> Scripted:
    return Scripted(write(tmp_path, RULES))


def test_it_is_a_responder(bot: Scripted) -> None:
    assert isinstance(bot, Responder)
    assert bot.about() == "scripted (4 rules of rules.toml)"


@pytest.mark.parametrize(
    ("said", "reply"),
    [
        ("おはよう", "おはようございます。"),
        ("おはようございます！！", "おはようございます。"),
        (" やあ…", "おはようございます。"),
        ("やあー！", "おはようございます。"),
        ("やあ〜", "おはようございます。"),
        ("やあやあ", "わかりません。"),
        ("コーヒー", "いいですね。"),
        ("カレーー〜！", "いいですね。"),
        ("コーヒ", "わかりません。"),
        ("サッカーが好き", "サッカーですか。{笑}"),
        ("ﾄﾏﾄが好きです。", "トマトですかです。{笑}"),
        ("トマトが好き", "トマトですか。{笑}"),
        ("電話は１２３です", "数ですね。"),
        ("", "わかりません。"),
        ("？！", "わかりません。"),
        ("ー！", "わかりません。"),
        ("1" * LONGEST, "数ですね。"),
        ("1" * (LONGEST + 1), "わかりません。"),
    ],
)
def test_replies(bot: Scripted, said: str, reply: str) -> None:
    assert bot.reply(["数1", "はい", said]) == reply
    assert bot.refusal([said]) == (reply if reply == "わかりません。" else None)


def test_the_seed_draws_only_at_a_temperature(bot: Scripted) -> None:
    assert {bot.reply(["やあ"], seed=seed) for seed in range(20)} == {"おはようございます。"}
    drawn = [bot.reply(["やあ"], temperature=0.1, seed=seed) for seed in range(20)]
    assert {*drawn} == {"おはようございます。", "おはよう。"}
    assert drawn == [bot.reply(["やあ"], temperature=2, seed=seed) for seed in range(20)]


def test_a_draw_that_is_not_allowed_is_named(bot: Scripted) -> None:
    with pytest.raises(ConfigurationError, match="temperature is nan; it must be 0"):
        bot.reply(["やあ"], temperature=math.nan)
    with pytest.raises(ConfigurationError, match="the seed is -1; it must be from 0"):
        bot.reply(["やあ"], temperature=1.0, seed=-1)


def test_why_names_the_rule(bot: Scripted) -> None:
    assert bot.why(["3個"]) == {
        "responder": "scripted",
        "rule": "rules.toml, rule 3 (line 10)",
        "pattern": ".*[0-9]+.*",
    }
    assert bot.why(["謎"]) == {"responder": "scripted", "rule": "none fits"}


def test_an_empty_history(bot: Scripted) -> None:
    with pytest.raises(DataError, match="the history is empty"):
        bot.reply([])


GOOD = '[[rule]]\nto = ["a"]\nsay = ["b"]\n'


@pytest.mark.parametrize(
    ("text", "where", "problem"),
    [
        ("", "", "holds no rules"),
        ("rule = []", "", "holds no rules"),
        ("[[rules]]\n", "", "there is no 'rules'. Did you mean 'rule'?"),
        ("[[rule]\n", "", "not TOML"),
        (GOOD + "[[rule]]\nto = ['a']\n", ", line 4", "rule 2: say: Field required"),
        (
            GOOD + "\n[[rule]]\nto = 'a'\nsay = ['b']",
            ", line 5",
            "to: Input should be a valid list",
        ),
        ("[[rule]]\nto = ['a']\nsay = ['b']\nsays = 1", ", line 1", "no parameter 'says'. Did you"),
        ("[[rule]]\nto = []\nsay = ['b']", ", line 1", "to needs a text"),
        ("[[rule]]\nto = ['a']\nsay = [' ']", ", line 1", "say needs a text"),
        ("[[rule]]\nto = ['a(']\nsay = ['b']", ", line 1", "'a(' is no regular expression"),
        (
            "[[rule]]\nto = ['a{99999999999}']\nsay = ['b']",
            ", line 1",
            "'a{99999999999}' is no regular expression",
        ),
        ("[[rule]]\nto = ['a']\nsay = ['{x}']", ", line 1", "takes {x}, which not every pattern"),
        ("[[rule]]\nto = ['(?P<x>a)', 'b']\nsay = ['{x}']", ", line 1", "(?P<x>...)"),
        ("[[rule]]\nto = ['(?P<x>a)']\nsay = ['{x.y}']", ", line 1", "takes {x.y}"),
        ("[[rule]]\nto = ['(?P<x>a)']\nsay = ['{x!r}']", ", line 1", "takes {x}"),
        ("[[rule]]\nto = ['a']\nsay = ['{']", ", line 1", "a brace itself is {{ or }}"),
        ("rule = [{to = ['a'], say = ['b']}, 3]", "", "rule 2: is no table"),
    ],
)
def test_a_wrong_file(tmp_path: Path, text: str, where: str, problem: str) -> None:
    file = write(tmp_path, text)
    with pytest.raises(DataError) as caught:
        Scripted(file)
    assert str(caught.value).startswith(f"{file}{where}: ")
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        Scripted(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("said", "reply"),
    [
        ("お名前は？", "ジェイです。会話をする小さなプログラムです。"),
        ("人間ですか", "人間ではありません。ジェイという小さなプログラムです。"),
        ("はじめまして、田中です", "田中さん、はじめまして。ジェイです。"),
        ("私は佐藤といいます", "佐藤さんですね。よろしくお願いします。"),
        ("今何時ですか", "すみません、時計も暦も持っていないんです。"),
        ("2＋3は？", "計算はできないんです。電卓のほうが頼りになりますよ。"),
        ("Hello!", "すみません、日本語しかわかりません。"),
        ("へー！", "はい。ほかに聞きたいことはありますか。"),
        ("今日は暑いですね", "わかりません。"),
    ],
)
def test_the_rules_of_the_demo_bot(said: str, reply: str) -> None:
    assert Scripted(bundled("rules") / "demo.toml").reply([said]) == reply
