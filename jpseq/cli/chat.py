"""jpseq chat: talk to a bot; its other verbs are in files of their own."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jpseq.cli.chat_evaluation import evaluate
from jpseq.cli.chat_training import train
from jpseq.cli.notes import note
from jpseq.errors import ConfigurationError, JpseqError

if TYPE_CHECKING:
    from jpseq.dialogue.responder import Responder

app = typer.Typer(help="Talk to a bot, or train one.", invoke_without_command=True)
app.command()(train)
app.command()(evaluate)
OPENING = "こんにちは。"
"""What is said first where two bots talk."""


@app.callback()
def chat(
    context: typer.Context,
    model: Annotated[
        Path | None,
        typer.Option(
            "--model",
            "-m",
            help="A model folder, or the file that --responder is made from; the demo bot without.",
        ),
    ] = None,
    responder: Annotated[
        str | None,
        typer.Option(
            "--responder",
            "-r",
            help="Who answers, by name: mixture, retrieval, scripted ... or one of a plug-in.",
        ),
    ] = None,
    temperature: Annotated[
        float, typer.Option(min=0, max=10, help="0 for the most likely reply, 1 for varied ones.")
    ] = 0.0,
    seed: Annotated[int, typer.Option(min=0, max=10**18, help="Decides what chance decides.")] = 0,
    persona: Annotated[
        str | None,
        typer.Option(
            help="A sentence that the bot has said of itself before all else; it is read while it"
            " is no farther back than the bot reads."
        ),
    ] = None,
    log: Annotated[
        Path | None, typer.Option(help="A file that gets a line of JSON for each reply.")
    ] = None,
    itself: Annotated[
        int | None,
        typer.Option("--self", min=1, max=10_000, help="Let two bots talk for so many turns."),
    ] = None,
) -> None:
    """Talk to a bot. Without a model a small demo bot is trained first (once, about two minutes).

    With a pipe, each line of standard input is answered by one line on standard output.
    """
    if context.invoked_subcommand is not None:
        return
    from jpseq.cli.inputs import stdin_lines
    from jpseq.dialogue.responder import about
    from jpseq.dialogue.session import ChatSession
    from jpseq.dialogue.terminal import answer_lines, talk, talk_together

    def load(path: Path) -> "Responder":
        return _opened(path, responder)

    bot = _demo() if model is None and responder is None else _opened(model, responder)
    name = "The demo bot" if model is None and responder is None else str(model or responder)
    you = ChatSession(bot, temperature, seed, persona=persona, log=log)
    if itself is not None:
        other = ChatSession(
            bot, temperature, seed + 1, speakers=("A", "B"), persona=persona, log=log
        )
        you.speakers = ("B", "A")
        talk_together(other, you, OPENING, itself)
    elif sys.stdin.isatty():
        parts = about(bot).replace("; ", "\n  ")
        talk(you, f"{name}:\n  {parts}\n/help shows the commands, Ctrl-D leaves.", load)
    else:
        answer_lines(you, stdin_lines())


def _opened(path: Path | None, responder: str | None) -> "Responder":
    """A responder by name and path; a path alone is a model folder."""
    if responder is not None:
        from jpseq.dialogue.opening import open_responder

        return open_responder(responder, path)
    if path is None:
        raise ConfigurationError("name a model folder: --model FOLDER.")
    from jpseq.dialogue.chatbot import Chatbot

    return Chatbot.load(path)


def _demo() -> "Responder":
    from jpseq.dialogue.demo import demo, keep_demo, kept_demo, train_demo

    bot = kept_demo()
    if bot is None:
        note("The demo bot learns from the bundled dialogues: about two minutes, once.")
        bot = train_demo("learning")
        if not bot.completed:
            note("Interrupted: the demo bot is not kept, and will be trained next time.")
            raise typer.Exit(130)
        try:
            keep_demo(bot)
        except JpseqError as error:  # no reason not to talk
            note(f"The demo bot is not kept: {error} JPSEQ_CACHE can name another folder.")
    return demo(bot)
