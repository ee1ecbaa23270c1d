"""What the forecast commands begin with: a model, new or loaded, and the columns of a table."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jpseq.cli.notes import note

if TYPE_CHECKING:
    from jpseq.corpora.table import Table
    from jpseq.forecasting.backtest import Backtest
    from jpseq.forecasting.forecaster import Forecaster

TIMES = (
    "date",
    "time",
    "datetime",
    "timestamp",
    "ds",
    "year",
    "month",
    "日付",
    "日時",
    "時刻",
    "年",
)
"""What a column of times is called."""


def new_forecaster(
    config: Path | None,
    settings: list[str] | None,
    target: list[str] | None,
    horizon: int | None,
    window: int | None,
    known: list[str] | None,
    past: list[str] | None,
) -> "Forecaster":
    """A new forecaster from a recipe, what was set over it, and the options."""
    from jpseq.cli.configuration import override
    from jpseq.cli.training import check_known
    from jpseq.corpora.toml import read_toml
    from jpseq.errors import ConfigurationError
    from jpseq.forecasting.forecaster import Forecaster

    params = override(read_toml(config) if config is not None else {}, settings or [])
    given = {"target": target, "horizon": horizon, "window": window, "known": known, "past": past}
    params |= {name: value for name, value in given.items() if value}
    check_known(params, Forecaster().get_params(deep=False))
    if "target" not in params:
        raise ConfigurationError("--target COLUMN: which column is to be foreseen?")
    forecaster = Forecaster(**params)
    forecaster.check()
    return forecaster


def model_or_new(model: Path | None, *given: Any, **learning: int | None) -> "Forecaster":
    """The model, or a new forecaster, `given` what `new_forecaster` takes.

    Args:
        learning: other options that are for a new one only, by their names.
    """
    from jpseq.errors import ConfigurationError
    from jpseq.forecasting.forecaster import Forecaster

    if model is None:
        return new_forecaster(*given)
    config, settings, target, _, window, known, past = given
    names = {"config": config, "set": settings, "window": window, "known": known, "past": past}
    names |= learning
    if typed := [f"--{name}" for name, value in names.items() if value]:
        raise ConfigurationError(
            f"{', '.join(typed)}: the model has its own; leave that out, or leave --model out to"
            " train another."
        )
    forecaster = Forecaster.load(model)
    if target and list(target) != list(forecaster.roles.targets):
        raise ConfigurationError(
            f"--target {', '.join(target)}: the model foresees"
            f" {', '.join(forecaster.roles.targets)}."
        )
    return forecaster


def fit(
    forecaster: "Forecaster",
    path: Path,
    table: "Table",
    validation: int,
    calibration: int,
) -> None:
    """Let a forecaster learn that is used at once, and not saved."""
    from jpseq.cli.training import show_log

    show_log()
    with told_with(path):
        forecaster.fit(table, validation=validation, calibration=calibration)


def note_run(run: Path | None, resume: bool, forecaster: "Forecaster") -> None:
    """Keep what a run is begun with, or see that it goes on with the same."""
    from jpseq.cli.configuration import CONFIG, without_none, write_toml
    from jpseq.corpora.toml import read_toml
    from jpseq.errors import ConfigurationError
    from jpseq.training.run import check_same, has_begun

    if run is None:
        if resume:
            raise ConfigurationError("--resume: name the run's folder: --run FOLDER.")
        return
    for folder in sorted(run.glob("seed-*")):  # each network has its own
        has_begun(folder, resume)
    params = json.loads(json.dumps(forecaster.get_params(deep=False)))  # tuples become lists
    if resume and (run / CONFIG).exists():
        check_same(run, read_toml(run / CONFIG), without_none(params))
    else:
        write_toml(run / CONFIG, params)


def backtest(
    forecaster: "Forecaster",
    path: Path,
    table: "Table",
    test: int,
    stride: int,
    season: int | None,
    level: float | None,
) -> "list[Backtest]":
    """A backtest over the last rows of a table, its errors told with the file's name."""
    from jpseq.forecasting import backtest

    with told_with(path):
        return backtest.backtest(forecaster, table, test, stride=stride, season=season, level=level)


def read(path: Path, forecaster: "Forecaster", time: str | None) -> "Table":
    """The columns that the forecaster needs, and when the rows are; gaps where rows are missing.

    Args:
        time: the column that says when, as `column_of_times` gives it.
    """
    from jpseq.corpora.table import read_table
    from jpseq.forecasting.tables import as_table
    from jpseq.forecasting.times import on_grid

    table = read_table(path, time=time, columns=_columns(forecaster))
    with told_with(path):
        table = as_table(table)
        return table if forecaster.every is None else on_grid(table, forecaster.every)


def read_future(path: Path, forecaster: "Forecaster", time: str | None) -> "Table":
    """What is known of the steps to come, and when they are, if the file says so.

    Args:
        time: the column that says so in the series, which the file need not have.
    """
    from jpseq.corpora.table import read_table
    from jpseq.errors import ConfigurationError

    if not forecaster.known:
        raise ConfigurationError(
            f"--future {path}: the forecaster has no column whose future is known; name it when it"
            " is trained: --known COLUMN."
        )
    columns = list(forecaster.known)
    if time is not None and time not in _header(path):
        time = _named_as_times(path, columns)
    return read_table(path, time=time, columns=columns)


def column_of_times(path: Path, forecaster: "Forecaster", named: str | None) -> str | None:
    """The column that says when: what was named, else one that is called so; None for none."""
    if named is not None:
        return None if named == "none" else named
    time = _named_as_times(path, _columns(forecaster))
    if time is not None:
        note(f"time: column {time!r} (--time NAME names another, --time none takes none)")
    return time


def _columns(forecaster: "Forecaster") -> list[str]:
    """Of the numbers that the forecaster needs."""
    facts = forecaster.facts
    target = facts["targets"] if facts else forecaster.target
    targets = [target] if isinstance(target, str) else list(target or ())
    return [*targets, *forecaster.known, *forecaster.past]


def _named_as_times(path: Path, columns: Sequence[str]) -> str | None:
    return next((n for n in _header(path) if n.lower() in TIMES and n not in columns), None)


def _header(path: Path) -> list[str]:
    import csv

    from jpseq.corpora.files import find_files
    from jpseq.corpora.readers import read_lines
    from jpseq.corpora.table import SUFFIXES

    first = next(iter(read_lines(find_files(path, SUFFIXES)[0])), "")
    return [name.strip() for name in next(csv.reader([first]), [])]


def first(table: "Table", rows: int) -> "Table":
    from jpseq.corpora.table import Table
    from jpseq.errors import DataError

    if rows < 1:
        raise DataError(
            f"nothing is left to learn from: the table has {len(table):,} rows, and as many or more"
            " are to be measured on. Take a smaller --test."
        )
    time = None if table.time is None else table.time[:rows]
    return Table(table.names, table.values[:rows], time)


@contextmanager
def told_with(path: Path) -> Iterator[None]:
    """What is wrong with the numbers of a file is told with its name."""
    from jpseq.errors import DataError

    try:
        yield
    except DataError as error:
        if error.path is not None:
            raise
        raise DataError(error.problem, path) from error
