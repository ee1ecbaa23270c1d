"""jpseq forecast: foresee a column of a table, and say whether that beats the naive forecasts."""

import csv
import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from jpseq.cli import forecast_inputs as inputs
from jpseq.cli.notes import note
from jpseq.cli.training import Output, Resume, Run, learn

app = typer.Typer(
    help="Forecast columns of numbers, beside the naive forecasts.", no_args_is_help=True
)
Data = Annotated[Path, typer.Argument(help="A CSV file: a header, and a row for each step.")]
Target = Annotated[
    list[str] | None,
    typer.Option("--target", "-t", help="The column to foresee. May be repeated."),
]
Horizon = Annotated[int | None, typer.Option("--horizon", "-n", min=1, help="Steps to foresee.")]
WindowOption = Annotated[int | None, typer.Option("--window", min=1, help="Steps that are read.")]
Known = Annotated[
    list[str] | None, typer.Option(help="A column whose future is known. May be repeated.")
]
Past = Annotated[
    list[str] | None,
    typer.Option(help="A column that helps, its future not known. May be repeated."),
]
Time = Annotated[
    str | None,
    typer.Option(
        help='The column that says when; else one called "date", "time", "year" or the like.'
        ' "none" for none.'
    ),
]
ModelOption = Annotated[
    Path | None, typer.Option("--model", "-m", help="A model folder; else one is trained first.")
]
Config = Annotated[
    Path | None,
    typer.Option(help="A recipe: a TOML file with parameters of Forecaster, see recipes/."),
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", help="Over the recipe, for instance --set seeds=3 --set 'cell=\"gru\"'."),
]
Validation = Annotated[
    int, typer.Option(min=0, help="Last rows of the training to choose the best epoch on.")
]
Calibration = Annotated[
    int, typer.Option(min=0, help="Rows after the training whose errors make intervals.")
]
LevelOption = Annotated[
    float | None, typer.Option("--level", help="The share that intervals should hold, as 0.9.")
]
Season = Annotated[
    int | None,
    typer.Option(min=1, help="Steps of a season, for the seasonal naive forecast; else found."),
]
Stride = Annotated[int, typer.Option(min=1, help="Steps from one origin to the next.")]
Plot = Annotated[
    Path | None, typer.Option("--plot", "-p", help="A picture to write: .png or .svg.")
]
Json = Annotated[bool, typer.Option("--json", help="JSON, an object a line.")]


@app.command()
def train(
    data: Data,
    output: Output,
    target: Target = None,
    horizon: Horizon = None,
    window: WindowOption = None,
    known: Known = None,
    past: Past = None,
    time: Time = None,
    validation: Validation = 0,
    calibration: Calibration = 0,
    test: Annotated[
        int, typer.Option(min=0, help="Last rows, not learnt from, to measure on.")
    ] = 0,
    season: Season = None,
    stride: Stride = 1,
    level: LevelOption = None,
    config: Config = None,
    settings: Settings = None,
    run: Run = None,
    resume: Resume = False,
) -> None:
    """Train a forecaster on the rows of a table.

    The rows are used in their order: those to learn from, then --validation, --calibration and
    --test rows at the end. After Ctrl-C what was learnt until then is saved.
    """
    from jpseq.folders import check_replaceable

    check_replaceable(output, "model.json")
    forecaster = inputs.new_forecaster(config, settings, target, horizon, window, known, past)
    time = inputs.column_of_times(data, forecaster, time)
    table = inputs.read(data, forecaster, time)
    learnt = inputs.first(table, len(table) - test)
    if test:
        with inputs.told_with(data):
            forecaster.check_test(len(table), test, season)
    inputs.note_run(run, resume, forecaster)
    if level is not None:
        forecaster.check_level(level, calibration > 0)

    def fit() -> None:
        with inputs.told_with(data):
            forecaster.fit(
                learnt, validation=validation, calibration=calibration, run=run, resume=resume
            )

    def tell() -> None:
        if not test or not forecaster.completed:
            return
        from jpseq.forecasting.report import report

        for column in inputs.backtest(forecaster, data, table, test, stride, season, level):
            figures = report(column, data.name)
            print(figures)
            forecaster.metrics = {
                **forecaster.metrics,
                **{f"{column.name} {score.name}": str(score) for score in figures.rows["model"]},
                column.name: str(figures.skill),
            }
        forecaster.save(output)

    learn(forecaster, output, fit, tell)
    note(f"Forecast: jpseq forecast run {data} --model {output}")


@app.command(name="run")
def run_model(
    data: Data,
    target: Target = None,
    horizon: Horizon = None,
    window: WindowOption = None,
    known: Known = None,
    past: Past = None,
    time: Time = None,
    model: ModelOption = None,
    future: Annotated[
        Path | None, typer.Option(help="A CSV file with the known columns of the steps to come.")
    ] = None,
    level: LevelOption = None,
    validation: Validation = 0,
    calibration: Calibration = 0,
    config: Config = None,
    settings: Settings = None,
    season: Season = None,
    plot: Plot = None,
    as_json: Json = False,
) -> None:
    """Foresee the steps after the end of a table, as CSV on standard output.

    With --model nothing is learnt; else a forecaster is trained on the table first.
    """
    from jpseq.forecasting.roles import Roles
    from jpseq.forecasting.times import continued

    given = config, settings, target, horizon, window, known, past
    learning = {"validation": validation, "calibration": calibration}
    forecaster = inputs.model_or_new(model, *given, **learning)
    _check_picture(plot)
    time = inputs.column_of_times(data, forecaster, time)
    table = inputs.read(data, forecaster, time)
    ahead = None if future is None else inputs.read_future(future, forecaster, time)
    if model is None:
        # What can be wrong is found before the long part begins.
        steps, every = forecaster.horizon, forecaster.every
        times = continued(table.time, steps, every)
        Roles(("",), tuple(forecaster.known)).future(ahead, steps, times, every)
        if level is not None:
            forecaster.check_level(level, calibration > 0)
        inputs.fit(forecaster, data, table, validation, calibration)
        if not forecaster.completed:
            note("Interrupted: the forecast is that of what was learnt until then.")
    with inputs.told_with(data):
        found = forecaster.predict(table, horizon=horizon, future=ahead, level=level)
    rows = found.table()
    when = [
        str(moment) for moment in (rows.time if rows.time is not None else range(1, len(rows) + 1))
    ]
    head = "step" if rows.time is None else "time"
    if as_json:
        for moment, row in zip(when, rows.values.tolist(), strict=True):
            record = {head: moment, **dict(zip(rows.names, row, strict=True))}
            print(json.dumps(record, ensure_ascii=False))
    else:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow([head, *rows.names])
        writer.writerows(
            [moment, *(f"{value:.6g}" for value in row)]
            for moment, row in zip(when, rows.values.tolist(), strict=True)
        )
    if plot is not None:
        from jpseq.cli import forecast_pictures as pictures

        pictures.draw_forecast(forecaster, table, found, season, plot)
    if model is None:
        note(
            f"Whether it beats the naive forecasts: jpseq forecast backtest {data} --test ROWS ..."
        )


@app.command()
def backtest(
    data: Data,
    target: Target = None,
    horizon: Horizon = None,
    window: WindowOption = None,
    known: Known = None,
    past: Past = None,
    time: Time = None,
    model: ModelOption = None,
    test: Annotated[
        int | None,
        typer.Option(min=1, help="Last rows to measure on; a fifth of the table where left out."),
    ] = None,
    stride: Stride = 1,
    season: Season = None,
    level: LevelOption = None,
    validation: Validation = 0,
    calibration: Calibration = 0,
    config: Config = None,
    settings: Settings = None,
    plot: Plot = None,
    as_json: Json = False,
) -> None:
    """Forecast from each step of the last rows, and compare with the naive forecasts.

    With --model that model is measured, which must not have seen the rows; else a forecaster is
    trained on the rows before them first.
    """
    from jpseq.forecasting.report import report

    given = config, settings, target, horizon, window, known, past
    learning = {"horizon": horizon, "validation": validation, "calibration": calibration}
    forecaster = inputs.model_or_new(model, *given, **learning)
    _check_picture(plot)
    time = inputs.column_of_times(data, forecaster, time)
    table = inputs.read(data, forecaster, time)
    rows = len(table) // 5 if test is None else test
    if model is None:
        if level is not None:
            forecaster.check_level(level, calibration > 0)
        learnt = inputs.first(table, len(table) - rows)
        with inputs.told_with(data):
            forecaster.check_test(len(table), rows, season)
        inputs.fit(forecaster, data, learnt, validation, calibration)
        if not forecaster.completed:
            raise typer.Exit(130)
    found = inputs.backtest(forecaster, data, table, rows, stride, season, level)
    for column in found:
        figures = report(column, data.name)
        print(json.dumps(figures.facts(), ensure_ascii=False) if as_json else figures)
    if plot is not None:
        from jpseq.cli import forecast_pictures as pictures

        pictures.draw_backtest(found[0], plot)


def _check_picture(path: Path | None) -> None:
    """What can be wrong with its name is found before the long part begins."""
    from jpseq.errors import ConfigurationError

    if path is not None and path.suffix.lower() not in (".png", ".svg"):
        raise ConfigurationError(f"--plot {path}: a picture's name ends in .png or .svg.")
