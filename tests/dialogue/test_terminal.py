"""The terminal: commands, piped lines, and the prompt itself through a pipe."""

from collections.abc import Iterator, Sequence

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output import DummyOutput

from jpseq.dialogue.terminal import HELP, Conversation, answer_lines, talk


class Parrot:
    """Says what it was given: the last turn, how many there were, temperature and seed."""

    def reply(self, history: Sequence[str], *, temperature: float = 0.0, seed: int = 0) -> str:
        return f"{history[-1]}! {len(history)} {temperature:g} {seed}"


@pytest.fixture
def conversation() -> Conversation:
    return Conversation(Parrot())


def test_both_sides_are_remembered_and_each_turn_draws_afresh(conversation: Conversation) -> None:
    assert conversation.say("猫") == "猫! 1 0 1"
    assert conversation.say("犬") == "犬! 3 0 3"
    assert conversation.history == ["猫", "猫! 1 0 1", "犬", "犬! 3 0 3"]


def test_the_same_seed_goes_the_same_way() -> None:
    first, second = (Conversation(Parrot(), 0.5, seed=10) for _ in range(2))
    assert [first.say("猫"), first.say("犬")] == [second.say("猫"), second.say("犬")]
    assert first.history[1] == "猫! 1 0.5 11"


def test_help_lists_every_command(conversation: Conversation) -> None:
    assert conversation.command("/help") == HELP
    for name in ("/help", "/reset", "/history", "/seed", "/temperature", "/quit"):
        assert f"\n{name} " in f"\n{HELP}"
        shown = conversation.command(name)
        assert shown is None if name == "/quit" else "no command" not in str(shown)


def test_reset_forgets(conversation: Conversation) -> None:
    conversation.say("猫")
    assert conversation.command("/reset") == "(the conversation is forgotten)"
    assert conversation.history == []
    assert conversation.say("猫") == "猫! 1 0 1"


def test_history_shows_who_said_what(conversation: Conversation) -> None:
    assert conversation.command("/history") == "(nothing was said yet)"
    conversation.say("猫")
    assert conversation.command("/history") == "you: 猫\nbot: 猫! 1 0 1"


@pytest.mark.parametrize("typed", ["/seed 7", "  /seed   7  ", "/seed 007", "/seed ７"])
def test_seed_is_set(conversation: Conversation, typed: str) -> None:
    assert conversation.command(typed) == "(the seed is now 7)"
    assert conversation.say("猫") == "猫! 1 0 8"


@pytest.mark.parametrize("value", ["", "-1", "1.5", "seven", "²", "9" * 19, "9" * 5000])
def test_a_wrong_seed_changes_nothing(conversation: Conversation, value: str) -> None:
    shown = conversation.command(f"/seed {value}")
    assert shown == "The seed is 0. Type a whole number after it, such as /seed 7."
    assert conversation.seed == 0


@pytest.mark.parametrize(("typed", "value"), [("0.7", 0.7), ("0", 0.0), ("10", 10.0), ("１", 1.0)])
def test_temperature_is_set(conversation: Conversation, typed: str, value: float) -> None:
    assert conversation.command(f"/temperature {typed}") == f"(the temperature is now {value:g})"
    assert conversation.say("猫") == f"猫! 1 {value:g} 1"


@pytest.mark.parametrize("value", ["", "-0.1", "10.1", "nan", "inf", "warm"])
def test_a_wrong_temperature_changes_nothing(conversation: Conversation, value: str) -> None:
    shown = conversation.command(f"/temperature {value}")
    assert shown is not None
    assert shown.startswith("The temperature is 0. Type a number from 0 to 10 after it")
    assert conversation.temperature == 0


@pytest.mark.parametrize("typed", ["/", "/sed 7", "/Quit", "/seed7"])
def test_an_unknown_command_points_to_the_help(conversation: Conversation, typed: str) -> None:
    name = typed.split()[0]
    assert conversation.command(typed) == f"There is no command {name}. /help lists them."
    assert conversation.history == []


def test_quit_leaves(conversation: Conversation) -> None:
    assert conversation.command("/quit") is None


def test_piped_lines_get_one_line_each(
    conversation: Conversation, capsys: pytest.CaptureFixture[str]
) -> None:
    answer_lines(conversation, ["猫", "", " 　", "  犬  "])
    assert capsys.readouterr() == ("猫! 1 0 1\n\n\n犬! 3 0 3\n", "")


def test_piped_lines_are_answered_as_they_come(capsys: pytest.CaptureFixture[str]) -> None:
    shown: list[str] = []

    def lines() -> Iterator[str]:
        yield "猫"
        shown.append(capsys.readouterr().out)
        yield "犬"

    answer_lines(Conversation(Parrot()), lines())
    assert shown == ["猫! 1 0 1\n"]


# The prompt


@pytest.fixture
def keys() -> Iterator[PipeInput]:
    with create_pipe_input() as pipe, create_app_session(input=pipe, output=DummyOutput()):
        yield pipe


CTRL_C, CTRL_D = "\x03", "\x04"


@pytest.mark.parametrize("leave", ["/quit\r", CTRL_C, CTRL_D, "半分だけ" + CTRL_C])
def test_a_talk_until_it_is_left(
    keys: PipeInput, conversation: Conversation, capsys: pytest.CaptureFixture[str], leave: str
) -> None:
    keys.send_text("猫\r  \r/seed 5\r犬\r" + leave)
    talk(conversation, "A parrot.")
    assert capsys.readouterr() == (
        "A parrot.\nbot> 猫! 1 0 1\n(the seed is now 5)\nbot> 犬! 3 0 8\n",
        "",
    )


def test_a_line_can_be_edited(keys: PipeInput, conversation: Conversation) -> None:
    keys.send_text("猫犬\x7f\r" + CTRL_D)
    talk(conversation, "")
    assert conversation.history[0] == "猫"
