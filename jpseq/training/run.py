"""The folder of a run: whether one has begun in it, and with what."""

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jpseq.errors import ConfigurationError, DataError, TrainingError
from jpseq.training import processes

LAST, FINAL = "last.ckpt", "final.safetensors"


def has_begun(folder: Path, resume: bool) -> bool:
    """Whether there is something to go on with.

    Raises:
        DataError: the folder is a file.
        ConfigurationError: a run has begun there, and is not to be resumed.
        TrainingError: its checkpoint is damaged.
    """
    if folder.exists() and not folder.is_dir():
        raise DataError("is a file; choose another name for the run's folder.", folder)
    if not any((folder / name).exists() for name in (LAST, FINAL)):
        return False
    if not resume:
        raise ConfigurationError(
            f"{folder}: holds a run that has begun. Resume it (resume=True, --resume), or name"
            " another folder."
        )
    last = folder / LAST
    if last.exists() and not zipfile.is_zipfile(last):  # its directory stands at its end
        raise damaged(last)
    return True


def begin(folder: Path, resume: bool, described: Mapping[str, Any]) -> None:
    """Make the folder ready for a run, or see that the run in it is the same.

    Args:
        folder: made where it is missing.
        resume: whether a run in it is gone on with.
        described: what a run must be resumed with.

    Raises:
        DataError: the folder cannot be written.
        ConfigurationError: a run has begun there, with something else or not to be resumed.
        TrainingError: what it has left is damaged.
    """
    path = folder / "run.json"
    if not has_begun(folder, resume):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if processes.is_first():
                path.write_text(json.dumps(described, indent=1) + "\n", encoding="utf-8")
        except OSError as error:
            raise DataError(f"cannot be written ({error.strerror}).", folder) from error
        return
    try:
        before = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise damaged(path) from None
    check_same(folder, before, described)


def check_same(folder: Path, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """See that a run is resumed with the same values.

    Raises:
        ConfigurationError: names all that differ.
    """
    differences = [
        _DIGESTS.get(key) or f"{key} was {before.get(key)!r} and is {now.get(key)!r}"
        for key in sorted({*before, *now})
        if before.get(key) != now.get(key)
    ]
    if differences:
        raise ConfigurationError(
            f"{folder}: this run was begun with something else: {'; '.join(differences)}."
            " Resume it as it was begun, or name another folder."
        )


_DIGESTS = {
    "data": "the data, or how batches are made of them, differ",
    "shapes": "the shapes of the weights differ",
}
"""What is said where only digests are kept."""


def damaged(path: Path) -> TrainingError:
    """What is said of a file that a run needs to go on."""
    return TrainingError(
        f"{path}: missing or damaged, so the run cannot go on. Name another folder, and train"
        " again."
    )
