"""Talking to a responder: at a terminal with a prompt, through pipes, or two of them together."""

from collections.abc import Callable, Iterable
from pathlib import Path

from jpseq.dialogue.commands import command
from jpseq.dialogue.responder import Responder
from jpseq.dialogue.session import ChatSession, printable
from jpseq.errors import JpseqError


def answer_lines(session: ChatSession, lines: Iterable[str]) -> None:
    """Print one reply a line to standard output for each line; an empty line for an empty one."""
    for line in lines:
        print(printable(session.say(line)) if line.strip() else "", flush=True)


def talk(session: ChatSession, greeting: str, load: Callable[[Path], Responder]) -> None:
    """A prompt with line editing until /quit, Ctrl-C or Ctrl-D; Ctrl-C while the bot speaks only
    stops the reply.

    Args:
        session: the conversation.
        greeting: what is shown first.
        load: gives the responder of a path, for /model.
    """
    from prompt_toolkit import PromptSession
    from prompt_toolkit.formatted_text import FormattedText

    you, bot = session.speakers
    print(greeting)
    prompt: PromptSession[str] = PromptSession(FormattedText([("ansigreen", f"{you}>"), ("", " ")]))
    while True:
        try:
            text = prompt.prompt().strip()
        except (EOFError, KeyboardInterrupt):
            return
        if not text:
            continue
        try:
            if text.startswith("/"):
                shown = command(session, text, load)
                if shown is None:
                    return
                show(shown)
            else:
                show(session.stream(text), f"{bot}> ")
        except KeyboardInterrupt:
            print(" (stopped)")
        except JpseqError as error:
            print(f"{error}")


def show(pieces: Iterable[str], label: str = "") -> None:
    """Print pieces as they come, and end the line."""
    begun = False
    try:
        for piece in pieces:
            # A reply has no line breaks; what a command shows may have.
            lines = "\n".join(map(printable, piece.split("\n")))
            print(lines if begun else label + lines, end="", flush=True)
            begun = True
    except JpseqError:
        if begun:
            print(flush=True)
        raise
    print("" if begun else label, flush=True)


def talk_together(first: ChatSession, second: ChatSession, opening: str, turns: int) -> None:
    """Let two bots talk: each hears what the other says.

    Args:
        first, second: their sessions; the first one answers the opening.
        opening: what the second one is said to have said.
        turns: how many there are, the opening included.
    """
    names = (second.speakers[1], first.speakers[1])
    print(f"{names[0]}> {opening}", flush=True)
    said = opening
    for turn in range(1, turns):
        session = (second, first)[turn % 2]
        pieces = []
        label = f"{names[turn % 2]}> "
        for piece in session.stream(said):
            print(label + printable(piece), end="", flush=True)
            pieces.append(piece)
            label = ""
        print(flush=True)
        said = "".join(pieces)
