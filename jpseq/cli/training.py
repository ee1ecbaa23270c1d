"""What the commands that train have in common: options, known parameters, how a training ends."""

import logging
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jpseq.cli.notes import note

if TYPE_CHECKING:
    from jpseq.model import Model

Output = Annotated[Path, typer.Option("--output", "-o", help="The model folder to write.")]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", help='Over the file, for instance --set "training.patience=3".'),
]
Run = Annotated[Path | None, typer.Option(help="A folder for checkpoints, log and configuration.")]
Resume = Annotated[
    bool, typer.Option("--resume", help="Go on with the run in that folder, if there is one.")
]

PREPARE_AGAIN = (
    "Leave the tokenizer out, or prepare the corpus again: `jpseq corpus prepare FILES --tokenizer"
    " NAME -o FOLDER`."
)
"""What to do where another tokenizer is asked for than that of a prepared corpus."""


def check_known(params: Collection[str], known: Collection[str]) -> None:
    """See that all parameters are such as there are.

    Raises:
        ConfigurationError: names the first one that is not, and those that there are.
    """
    from jpseq.errors import ConfigurationError, did_you_mean

    if unknown := next((name for name in params if name not in known), None):
        raise ConfigurationError(
            f"there is no parameter {unknown!r}.{did_you_mean(unknown, known)}"
            f" There are: {', '.join(known)}."
        )


def show_log() -> None:
    """Let what a training says of itself be seen on standard error."""
    logging.basicConfig(format="%(message)s")
    logging.getLogger("jpseq").setLevel(logging.INFO)


def learn(
    model: "Model", output: Path, fit: Callable[[], object], tell: Callable[[], None]
) -> None:
    """Let a model learn, and save what it has learnt, however that ends.

    Args:
        output: the model folder to write.
        fit: learns. Of several processes the first one goes on afterwards.
        tell: measures what was learnt and prints it.

    Raises:
        TrainingError: the training has diverged; what was learnt before is saved.
        typer.Exit: it was interrupted, and what was learnt until then is saved; or another process
            goes on.
    """
    from jpseq.errors import TrainingError
    from jpseq.training.processes import is_first

    show_log()
    diverged: TrainingError | None = None
    try:
        fit()
    except TrainingError as error:
        diverged = error
        model.completed = False
    if not is_first():
        raise typer.Exit
    model.save(output)  # at once: measuring takes its time, and a second Ctrl-C may come
    tell()
    if diverged is not None:
        raise TrainingError(f"{diverged} They are saved in {output}.")
    if not model.completed:
        note(f"Interrupted: what was learnt until then is saved in {output}.")
        raise typer.Exit(130)
