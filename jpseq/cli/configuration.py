"""Options from a TOML file, and those of the command line that stand above it."""

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import tomli_w
import typer

from jpseq.corpora.toml import read_toml
from jpseq.errors import ConfigurationError, DataError
from jpseq.training.processes import is_first
from jpseq.training.run import check_same, has_begun

CONFIG = "config.toml"
"""The file in a run's folder with what it was begun with."""


def write_toml(path: Path, values: Mapping[str, Any]) -> None:
    """Write values as TOML; what is None is left out, since TOML has no word for it.

    Raises:
        DataError: the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(tomli_w.dumps(without_none(values)), encoding="utf-8")
    except OSError as error:
        raise DataError(f"cannot be written ({error.strerror}).", path) from error


def given(context: typer.Context, names: Iterable[str]) -> dict[str, Any]:
    """The options that were typed, as opposed to their defaults."""
    return {
        name: context.params[name]
        for name in names
        if (source := context.get_parameter_source(name)) and source.name == "COMMANDLINE"
    }


def override(values: Mapping[str, Any], settings: Iterable[str]) -> dict[str, Any]:
    """Values with settings like `training.patience=3` put over them.

    Raises:
        ConfigurationError: a setting has another form.
    """
    changed = dict(values)
    for setting in settings:
        key, separator, text = setting.partition("=")
        try:
            if not separator:
                raise ValueError
            value = tomllib.loads(f"value = {text}")["value"]
        except ValueError:
            raise ConfigurationError(
                f"--set {setting}: a setting is NAME=VALUE, its value as in TOML: --set epochs=5,"
                " --set training.patience=3, --set cell='\"lstm\"'."
            ) from None
        *tables, name = key.strip().split(".")
        table = changed
        for part in tables:
            inner = table.get(part)
            table[part] = dict(inner) if isinstance(inner, Mapping) else {}
            table = table[part]
        table[name] = value
    return changed


def is_begun(run: Path | None, resume: bool, params: Mapping[str, Any]) -> bool:
    """Whether there is a run to go on with, and one that was begun with the same parameters.

    Raises:
        ConfigurationError: no run is named to resume; the run must not be resumed, or was begun
            with something else.
        DataError, TrainingError: as has_begun.
    """
    if run is None:
        if resume:
            raise ConfigurationError("--resume: name the run's folder: --run FOLDER.")
        return False
    if not has_begun(run, resume):
        return False
    if (run / CONFIG).exists():
        check_same(run, read_toml(run / CONFIG), without_none(params))
    return True


def keep(run: Path | None, begun: bool, params: Mapping[str, Any]) -> None:
    """Write what a run begins with into its folder; the first of several processes does."""
    if run is not None and not begun and is_first():
        write_toml(run / CONFIG, params)


def without_none(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as they come back from a file."""
    return {
        key: without_none(value) if isinstance(value, Mapping) else value
        for key, value in values.items()
        if value is not None
    }
