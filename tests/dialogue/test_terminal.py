"""The terminal: commands, piped lines, and the prompt itself through a pipe."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output import DummyOutput

from jpseq.corpora.readers import Turn, read_dialogues
from jpseq.dialogue.commands import HELP, command
from jpseq.dialogue.session import ChatSession
from jpseq.dialogue.terminal import answer_lines, show, talk, talk_together
from jpseq.errors import DataError, JpseqError


class Parrot:
    """Says what it was given: the last turn, how many there were, temperature and seed."""

    def reply(self, history: Sequence[str], *, temperature: float = 0.0, seed: int = 0) -> str:
        return f"{history[-1]}! {len(history)} {temperature:g} {seed}"


class Explaining(Parrot):
    """Says why, and what it is."""

    def why(self, history: Sequence[str], **options: Any) -> dict[str, str]:
        return {"heard": history[-1], "種": str(options["seed"])}

    def about(self) -> str:
        return "a parrot that explains"


def load(path: Path) -> Explaining:
    if path.name != "better":
        raise DataError("no such folder.", path)
    return Explaining()


def said(session: ChatSession, line: str) -> str | None:
    """What a command shows."""
    shown = command(session, line, load)
    return None if shown is None else "".join(shown)


@pytest.fixture
def session() -> ChatSession:
    return ChatSession(Parrot())


def test_help_lists_every_command(session: ChatSession) -> None:
    assert said(session, "/help") == HELP
    names = re.findall(r"^/\w+", HELP, re.MULTILINE)
    assert len(names) == 10
    session.say("猫")
    for name in names:
        try:
            shown = said(session, name)
        except JpseqError as error:  # those after /reset
            shown = str(error)
        assert shown is None if name == "/quit" else "no command" not in str(shown)


def test_reset_forgets(session: ChatSession) -> None:
    session.say("猫")
    assert said(session, "/reset") == "(the conversation is forgotten)"
    assert session.history == []
    assert session.say("猫") == "猫! 1 0 1"


def test_history_shows_who_said_what(session: ChatSession) -> None:
    assert said(session, "/history") == "(nothing was said yet)"
    session.say("猫")
    assert said(session, "/history") == "you: 猫\nbot: 猫! 1 0 1"


@pytest.mark.parametrize("typed", ["/seed 7", "  /seed   7  ", "/seed 007", "/seed ７"])
def test_seed_is_set(session: ChatSession, typed: str) -> None:
    assert said(session, typed) == "(the seed is now 7)"
    assert session.say("猫") == "猫! 1 0 8"


@pytest.mark.parametrize("value", ["", "-1", "1.5", "seven", "²", "9" * 19, "9" * 5000])
def test_a_wrong_seed_changes_nothing(session: ChatSession, value: str) -> None:
    shown = said(session, f"/seed {value}")
    assert shown == "The seed is 0. Type a whole number after it, such as /seed 7."
    assert session.seed == 0


@pytest.mark.parametrize(("typed", "value"), [("0.7", 0.7), ("0", 0.0), ("10", 10.0), ("１", 1.0)])
def test_temperature_is_set(session: ChatSession, typed: str, value: float) -> None:
    assert said(session, f"/temperature {typed}") == f"(the temperature is now {value:g})"
    assert session.say("猫") == f"猫! 1 {value:g} 1"


@pytest.mark.parametrize("value", ["", "-0.1", "10.1", "nan", "inf", "warm"])
def test_a_wrong_temperature_changes_nothing(session: ChatSession, value: str) -> None:
    shown = said(session, f"/temperature {value}")
    assert shown is not None
    assert shown.startswith("The temperature is 0. Type a number from 0 to 10 after it")
    assert session.temperature == 0


@pytest.mark.parametrize("typed", ["/", "/sed 7", "/Quit", "/seed7"])
def test_an_unknown_command_points_to_the_help(session: ChatSession, typed: str) -> None:
    name = typed.split()[0]
    assert said(session, typed) == f"There is no command {name}. /help lists them."
    assert session.history == []


def test_why_and_model_tell_of_the_responder(session: ChatSession) -> None:
    session.say("猫")
    assert said(session, "/why") == "responder: Parrot"
    assert said(session, "/model") == "Parrot"
    refused = said(session, "/model worse")
    assert refused == "worse: no such folder. The bot is the same as before."
    assert type(session.responder) is Parrot
    assert said(session, "/model better") == "a parrot that explains"
    assert said(session, "/why") == "responder: Parrot"  # which gave the last reply
    said(session, "/again")
    assert said(session, "/why") == "heard: 猫\n種:    1000004"
    session.say("犬")
    # A wide character takes two columns, so that the values stand below one another.
    assert said(session, "/why") == "heard: 犬\n種:    3"


def test_again_is_another_reply_in_the_same_place(session: ChatSession) -> None:
    session.say("猫")
    assert said(session, "/again") == "bot> 猫! 1 0.5 1000004"
    assert session.history == ["猫", "猫! 1 0.5 1000004"]
    assert said(session, "/again") == "bot> 猫! 1 0.5 2000007"
    assert session.say("犬") == "犬! 3 0 3"


@pytest.mark.parametrize("typed", ["/why", "/again", "/save talk.jsonl"])
def test_before_anything_was_said(session: ChatSession, typed: str) -> None:
    with pytest.raises(DataError, match="nothing was said yet"):
        said(session, typed)


def test_what_is_saved_can_be_learnt_from(session: ChatSession, tmp_path: Path) -> None:
    file = tmp_path / "talk.jsonl"
    session.say("猫")
    assert said(session, "/save") == "Type a file after it, such as /save talk.jsonl."
    for _ in range(2):
        assert str(said(session, f"/save {file}")).startswith(f"(added to {file}")
    dialogues = list(read_dialogues(file))
    assert dialogues == [[Turn("you", "猫"), Turn("bot", "猫! 1 0 1")]] * 2
    (tmp_path / "folder").mkdir()
    with pytest.raises(DataError, match="folder: cannot be written"):
        said(session, f"/save {tmp_path / 'folder'}")


def test_a_path_from_the_users_folder(
    session: ChatSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    session.say("猫")
    assert str(said(session, "/save ~/talk.jsonl")).startswith("(added to ~/talk.jsonl;")
    assert [file.name for file in (tmp_path / "home").iterdir()] == ["talk.jsonl"]
    assert not (tmp_path / "~").exists()
    refused = f"{tmp_path / 'home' / 'worse'}: no such folder. The bot is the same as before."
    assert said(session, "/model ~/worse") == refused
    with pytest.raises(DataError, match=r"~no-such-user.*: there is no such user's folder"):
        said(session, "/save ~no-such-user/talk.jsonl")


def test_quit_leaves(session: ChatSession) -> None:
    assert said(session, "/quit") is None


def test_piped_lines_get_one_line_each(
    session: ChatSession, capsys: pytest.CaptureFixture[str]
) -> None:
    answer_lines(session, ["猫", "", " 　", "  犬  "])
    assert capsys.readouterr() == ("猫! 1 0 1\n\n\n犬! 3 0 3\n", "")


def test_piped_lines_are_answered_as_they_come(capsys: pytest.CaptureFixture[str]) -> None:
    shown: list[str] = []

    def lines() -> Iterator[str]:
        yield "猫"
        shown.append(capsys.readouterr().out)
        yield "犬"

    answer_lines(ChatSession(Parrot()), lines())
    assert shown == ["猫! 1 0 1\n"]


# The prompt


@pytest.fixture
def keys() -> Iterator[PipeInput]:
    with create_pipe_input() as pipe, create_app_session(input=pipe, output=DummyOutput()):
        yield pipe


CTRL_C, CTRL_D = "\x03", "\x04"


@pytest.mark.parametrize("leave", ["/quit\r", CTRL_C, CTRL_D, "半分だけ" + CTRL_C])
def test_a_talk_until_it_is_left(
    keys: PipeInput, session: ChatSession, capsys: pytest.CaptureFixture[str], leave: str
) -> None:
    keys.send_text("猫\r  \r/seed 5\r犬\r" + leave)
    talk(session, "A parrot.", load)
    assert capsys.readouterr() == (
        "A parrot.\nbot> 猫! 1 0 1\n(the seed is now 5)\nbot> 犬! 3 0 8\n",
        "",
    )


def test_a_line_can_be_edited(keys: PipeInput, session: ChatSession) -> None:
    keys.send_text("猫犬\x7f\r" + CTRL_D)
    talk(session, "", load)
    assert session.history[0] == "猫"


class Stubborn(Parrot):
    def stream(self, history: Sequence[str], **options: Any) -> Iterator[str]:
        yield "ええと、"
        if history[-1] == "C":
            raise KeyboardInterrupt
        if history[-1] == "E":
            raise DataError("no idea.")
        yield "\x1b[31mはい。"


def test_a_reply_may_be_stopped_or_fail_and_the_talk_goes_on(
    keys: PipeInput, capsys: pytest.CaptureFixture[str]
) -> None:
    session = ChatSession(Stubborn())
    keys.send_text("C\rE\r/why\rA\r" + CTRL_D)
    talk(session, "", load)
    assert capsys.readouterr().out == (
        "\nbot> ええと、 (stopped)\nbot> ええと、\nno idea.\nnothing was said yet.\n"
        "bot> ええと、[31mはい。\n"
    )
    assert session.history == ["A", "ええと、\x1b[31mはい。"]


def test_two_bots_talk(capsys: pytest.CaptureFixture[str]) -> None:
    first, second = (
        ChatSession(Parrot(), seed=seed, speakers=names)
        for seed, names in ((0, ("A", "B")), (9, ("B", "A")))
    )
    talk_together(first, second, "猫", 4)
    assert capsys.readouterr().out.splitlines() == [
        "A> 猫",
        "B> 猫! 1 0 1",
        "A> 猫! 1 0 1! 1 0 10",
        "B> 猫! 1 0 1! 1 0 10! 3 0 3",
    ]


def test_line_breaks_are_only_those_of_commands(capsys: pytest.CaptureFixture[str]) -> None:
    show(["a\nb", "\x1b]0;x\x07c"], "> ")
    assert capsys.readouterr().out == "> a\nb]0;xc\n"
