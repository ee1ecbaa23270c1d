"""jpseq chat: who answers, and what its options do."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jpseq.dialogue import terminal

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    file = tmp_path / "rules.toml"
    file.write_text(
        "[[rule]]\nto = ['こんにちは']\nsay = ['元気？']\n"
        "[[rule]]\nto = ['元気.*']\nsay = ['うん。元気？']\n"
        "[[rule]]\nto = ['うん.*']\nsay = ['はい。', 'ええ。']\n",
        "utf-8",
    )
    return file


def pipe(monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    class Stdin:
        buffer = tuple(f"{line}\n".encode() for line in lines)

        def isatty(self) -> bool:
            return not lines

    monkeypatch.setattr("sys.stdin", Stdin())


def test_a_responder_by_name_and_a_log(
    rules: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe(monkeypatch, "こんにちは", "", "謎")
    log = tmp_path / "log.jsonl"
    code, out, err = run("chat", "-r", "scripted", "-m", rules, "--log", log, "--seed", 5)
    assert (code, out, err) == (0, "元気？\n\nわかりません。\n", "")
    rows = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    assert [row["seed"] for row in rows] == [6, 8]
    assert rows[1]["turns"][1] == {"speaker": "bot", "text": "わかりません。"}


def test_two_bots_talk(rules: Path, tmp_path: Path, run: Run) -> None:
    log = tmp_path / "log.jsonl"
    code, out, err = run("chat", "-r", "scripted", "-m", rules, "--self", 5, "--log", log)
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "A> こんにちは。",
        "B> 元気？",
        "A> うん。元気？",
        "B> はい。",
        "A> わかりません。",
    ]
    rows = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    assert [[(turn["speaker"], turn["text"]) for turn in row["turns"]] for row in rows] == [
        [("A", "こんにちは。"), ("B", "元気？")],
        [("B", "元気？"), ("A", "うん。元気？")],
        [("A", "うん。元気？"), ("B", "はい。")],
        [("B", "はい。"), ("A", "わかりません。")],
    ]


def test_what_answers_stands_at_the_start(
    rules: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe(monkeypatch)
    seen: list[Any] = []
    monkeypatch.setattr(terminal, "talk", lambda *given: seen.extend(given))
    options = ("--persona", "犬です。", "--temperature", 0.5)
    assert run("chat", "-r", "scripted", "-m", rules, *options) == (0, "", "")
    session, greeting, load = seen
    assert greeting == (
        f"{rules}:\n  scripted (3 rules of rules.toml)\n/help shows the commands, Ctrl-D leaves."
    )
    assert (session.persona, session.temperature) == ("犬です。", 0.5)
    assert load(rules).about() == "scripted (3 rules of rules.toml)"


@pytest.mark.parametrize(
    ("options", "code", "problem"),
    [
        (("-r", "scriptd"), 2, "There is no responder 'scriptd'. Did you mean 'scripted'?"),
        (("-r", "scripted"), 2, "'scripted' cannot be made without a path"),
        (("-r", "scripted", "-m", "NONE"), 1, "NONE: no such file"),
        (("-r", "seq2seq", "-m", "RULES"), 1, "A model is a folder that holds model.json"),
        (("-r", "scripted", "-m", "RULES", "--log", "FOLDER"), 1, "cannot be written"),
        (("-r", "scripted", "-m", "RULES", "--self", "0"), 2, "'--self'"),
    ],
)
def test_what_is_refused(
    rules: Path,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    options: tuple[str, ...],
    code: int,
    problem: str,
) -> None:
    pipe(monkeypatch, "こんにちは")
    places = {"RULES": rules, "FOLDER": rules.parent}
    found, out, err = run("chat", *(places.get(option, option) for option in options))
    assert (found, out) == (code, "")
    assert problem in err
    assert "Traceback" not in err
