"""The jpseq command: its groups, and how errors are shown.

Each group's code is loaded when it is called, so that `jpseq --help` is quick.
"""

import os
import sys
from typing import Annotated

import typer

from jpseq import __version__
from jpseq.cli import chat, corpus, doctor, embed, forecast, tokenize, translate, vocab
from jpseq.errors import JpseqError

app = typer.Typer(
    name="jpseq",
    help="From Japanese text, and plain numbers, to trained sequence models.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("tokenize")(tokenize.tokenize)
app.add_typer(vocab.app, name="vocab")
app.add_typer(corpus.app, name="corpus")
app.add_typer(embed.app, name="embed")
app.add_typer(translate.app, name="translate")
app.add_typer(chat.app, name="chat")
app.add_typer(forecast.app, name="forecast")
app.command("doctor")(doctor.doctor)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"jpseq {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """From Japanese text, and plain numbers, to trained sequence models."""


def main() -> None:
    """Run the command line: an error is one paragraph on standard error, never a traceback."""
    # Threads that wait for one another must not spin for long: on two cores that something else
    # uses too, it made training more than ten times slower. Read when torch is loaded.
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # closed by the caller, as `<&-` does
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        # Japanese is written whatever the locale; half a surrogate pair is shown as "?".
        stream.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    try:
        try:
            app()
        finally:
            sys.stdout.flush()
    except JpseqError as error:
        print(f"jpseq: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
    except OSError as error:
        if not isinstance(error, BrokenPipeError):  # as in `jpseq tokenize FILE | head`
            print(f"jpseq: the output cannot be written ({error.strerror}).", file=sys.stderr)
        # What is still in the buffer goes nowhere, or Python would complain of it at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


if __name__ == "__main__":
    main()
