"""Forecasts of public series: beside the naive ones, beside darts and neuralforecast; one thread.

    export JPSEQ_CORPORA=... OMP_NUM_THREADS=1
    python benchmarks/forecasting.py accuracy [--series NAME ...] [--seeds 3]
    python benchmarks/forecasting.py peers --darts PYTHON --neuralforecast PYTHON [--rounds 3]
    python benchmarks/forecasting.py reaching --darts PYTHON
    python benchmarks/forecasting.py tables

Each PYTHON is the interpreter of an environment with that library (darts 0.48.1 with
pytorch-lightning and tensorboardX; neuralforecast 3.3.0) and the torch that we have.

`accuracy` trains ours with the settings of `SERIES`, chosen on rows before the test part, and
measures them on it, rolling origin with a stride of 1 and no refit; "no linear way" and "no level"
are the same without these. `peers` gives all the same series, window, horizon, epochs, batch,
hidden size (LSTM, one layer) and loss (absolute error): "ours, same" is a plain network as theirs
are ("recursive": beside RNNModel and "recurrent"), "ours, same, level" takes the mean and deviation
of each window away (RevIN without its weights), and "ours" has the settings of `SERIES`. `reaching`
gives darts more epochs. Rows are kept in --work as they come, and what is there is not measured
again; `tables` prints them.
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from jpseq import Forecaster
from jpseq.corpora.table import Table, read_table
from jpseq.evaluation.forecasts import mae, mase, mse, naive_error
from jpseq.forecasting.backtest import backtest
from jpseq.forecasting.report import LEAST, skill
from jpseq.forecasting.times import on_grid

CORPORA = Path(os.environ.get("JPSEQ_CORPORA", "."))
MONTH = 30 * 24


@dataclass(frozen=True)
class Series:
    """A column, how it is split, and the settings of our choice."""

    file: str
    time: str
    column: str
    horizon: int
    window: int
    season: int | None
    test: int | float
    """Rows at the end, or their share."""
    settings: dict[str, Any]
    every: str | None = None
    rows: int | None = None
    """So many from the beginning; None for all."""
    validation: int = 0
    same: dict[str, Any] = field(default_factory=lambda: {"epochs": 20, "batch": 32})
    """Epochs and batch beside the peers."""


def _ett(horizon: int, window: int, **settings: Any) -> Series:
    """12 months to learn from, 4 for validation, 4 to test on, as Zhou et al. 2021."""
    return Series(
        "ett/ETTh1.csv",
        "date",
        "OT",
        horizon,
        window,
        24,
        4 * MONTH,
        {"loss": "mse", "batch": 128, "epochs": 5, **settings},
        rows=20 * MONTH,
        validation=4 * MONTH,
        same={"epochs": 3, "batch": 128},
    )


SERIES = {
    "ETTh1 OT 24": _ett(24, 96),
    "ETTh1 OT 48": _ett(48, 96),
    "ETTh1 OT 168": _ett(168, 168),
    "Seattle": Series(
        "weather/seattle-weather.csv",
        "date",
        "temp_max",
        14,
        60,
        365,
        0.2,
        {"epochs": 10, "calendar": ["year"]},
    ),
    "sunspots": Series(
        "series/sunspots.csv",
        "YEAR",
        "SUNACTIVITY",
        11,
        33,
        11,
        59,
        {"epochs": 20, "hidden": 32, "dropout": 0.2},
    ),
    "CO2": Series(
        "series/co2.csv", "date", "co2", 26, 104, 52, 0.2, {"epochs": 20, "batch": 64}, every="W"
    ),
    "VIX": Series(
        "series/vix-daily.csv", "DATE", "CLOSE", 10, 30, None, 0.2, {"epochs": 10, "batch": 64}
    ),
    "WTI": Series(
        "series/wti-daily.csv", "Date", "Price", 10, 30, None, 0.2, {"epochs": 10, "batch": 64}
    ),
}
PEERED = ("sunspots", "Seattle", "ETTh1 OT 24", "WTI")
VARIANTS: dict[str, dict[str, Any]] = {
    "ours": {},
    "no linear way": {"linear": False},
    "no level": {"level": "none", "linear": False},
}


def load(series: Series) -> tuple[Table, int]:
    """The column, and how many rows are tested on."""
    table = read_table(CORPORA / series.file, time=series.time, columns=[series.column])
    if series.every is not None:
        table = on_grid(table, series.every)
    rows = series.rows or len(table)
    test = int(series.test if series.test > 1 else series.test * rows)
    assert table.time is not None
    return Table(table.names, table.values[:rows], table.time[:rows]), test


def first(table: Table, rows: int) -> Table:
    assert table.time is not None
    return Table(table.names, table.values[:rows], table.time[:rows])


def trained(series: Series, seed: int, **settings: Any) -> tuple[Forecaster, float, float]:
    """A forecaster, and the seconds that its fit took: on the clock, and of the processor."""
    table, test = load(series)
    options = {"horizon": series.horizon, "window": series.window, **series.settings, **settings}
    validation = options.pop("validation", series.validation)
    forecaster = Forecaster(**options, seed=seed)
    import_module("jpseq.training.fit")  # the peers' imports are not timed either
    wall, processor = time.perf_counter(), time.process_time()
    forecaster.fit(first(table, len(table) - test), validation=validation)
    return forecaster, time.perf_counter() - wall, time.process_time() - processor


# Accuracy


def accuracy(given: argparse.Namespace) -> None:
    for name in given.series or SERIES:
        series = SERIES[name]
        table, test = load(series)
        for variant, settings in VARIANTS.items():
            for seed in range(given.seeds):
                key = {"part": "accuracy", "series": name, "variant": variant, "seed": seed}
                if given.rows.has(key):
                    continue
                forecaster, _, seconds = trained(series, seed, **settings)
                own = backtest(forecaster, table, test, season=series.season)[0]
                deviation = unit(series, own.learnt)
                against = skill(own)
                figures = {"seconds": seconds, "winner": against.winner, "best": against.baseline}
                figures["skill"] = [against.value, against.low, against.high]
                for kind, forecast in {"model": own.model, **own.baselines}.items():
                    figures[kind] = measured(forecast, own.truth, own.learnt, deviation)
                given.rows.add(key, figures)


def unit(series: Series, learnt: Any) -> float:
    """The standard deviation of what is learnt from, without the validation part."""
    return float(np.nanstd(learnt[: len(learnt) - series.validation]))


def measured(forecast: Any, truth: Any, learnt: Any, deviation: float) -> dict[str, float]:
    """MASE with m = 1, and the squared error in units of the training part's variance."""
    return {
        "mase": mase(forecast, truth, naive_error(learnt)),
        "mae": mae(forecast, truth),
        "mse": mse(forecast, truth) / deviation**2,
    }


# Beside darts and neuralforecast

DARTS = """
import json, logging, sys, time, warnings
warnings.filterwarnings("ignore")
import numpy as np, torch
from darts import TimeSeries
from darts.models import BlockRNNModel, RNNModel
logging.disable(logging.WARNING)
given = json.loads(sys.argv[1])
values = np.load(given["values"]).astype(np.float32)
series = TimeSeries.from_values(values)
learnt = series[: len(values) - given["test"]]
quiet = {"accelerator": "cpu", "enable_progress_bar": False, "enable_model_summary": False,
         "enable_checkpointing": False, "logger": False}
same = dict(input_chunk_length=given["window"], model="LSTM", hidden_dim=given["hidden"],
            batch_size=given["batch"], n_epochs=given["epochs"], loss_fn=torch.nn.L1Loss(),
            optimizer_kwargs={"lr": given["learning_rate"]}, random_state=given["seed"],
            pl_trainer_kwargs=quiet)
if given["kind"] == "RNNModel":
    model = RNNModel(training_length=given["window"] + given["horizon"] - 1, **same)
else:
    model = BlockRNNModel(output_chunk_length=given["horizon"],
                          use_reversible_instance_norm=given["kind"] == "BlockRNN, RevIN", **same)
wall, processor = time.perf_counter(), time.process_time()
model.fit(learnt)
seconds = time.perf_counter() - wall, time.process_time() - processor
found = model.historical_forecasts(
    series, start=len(values) - given["test"], start_format="position",
    forecast_horizon=given["horizon"], stride=1, retrain=False, last_points_only=False,
    overlap_end=False, show_warnings=False)
np.save(given["output"], np.stack([one.values()[:, 0] for one in found]))
print("seconds", *seconds)
"""
NEURALFORECAST = """
import json, logging, sys, time, warnings
warnings.filterwarnings("ignore")
import numpy as np, pandas as pd
logging.disable(logging.WARNING)
from neuralforecast import NeuralForecast
from neuralforecast.losses.pytorch import MAE
from neuralforecast import models
given = json.loads(sys.argv[1])
values = np.load(given["values"])
frame = pd.DataFrame({"unique_id": "s", "ds": np.arange(len(values)), "y": values})
learnt = frame.iloc[: len(values) - given["test"]]
windows = len(learnt) - given["window"] - given["horizon"] + 1
steps = given["epochs"] * -(-windows // given["batch"])
name, _, way = given["kind"].partition(", ")
model = getattr(models, name)(
    h=given["horizon"], input_size=given["window"], encoder_n_layers=1,
    encoder_hidden_size=given["hidden"], decoder_hidden_size=given["hidden"], decoder_layers=1,
    recurrent=bool(way), h_train=given["horizon"] if way else 1, loss=MAE(), max_steps=steps,
    learning_rate=given["learning_rate"], batch_size=1,
    windows_batch_size=given["batch"], scaler_type="identity", random_seed=given["seed"],
    val_check_steps=10**9, accelerator="cpu", enable_progress_bar=False,
    enable_model_summary=False, enable_checkpointing=False, logger=False)
whole = NeuralForecast(models=[model], freq=1)
wall, processor = time.perf_counter(), time.process_time()
whole.fit(learnt, val_size=0)
seconds = time.perf_counter() - wall, time.process_time() - processor
found = whole.cross_validation(frame, n_windows=None, test_size=given["test"], step_size=1,
                               use_fitted=True)
column = [name for name in found.columns if name.startswith(given["kind"][:3])][0]
found = found.sort_values(["cutoff", "ds"])
np.save(given["output"], found[column].to_numpy().reshape(-1, given["horizon"]))
print("seconds", *seconds)
"""


OWN = ("ours", "ours, same", "ours, same, bf16", "ours, same, level", "ours, same, recursive")
TIMES = (1, 3, 10)
"""How often as many epochs a peer gets to come as far as ours."""


def peers(given: argparse.Namespace) -> None:
    kinds = {
        **darts(given),
        "neuralforecast LSTM": (given.neuralforecast, NEURALFORECAST, "LSTM"),
        "neuralforecast GRU": (given.neuralforecast, NEURALFORECAST, "GRU"),
        "neuralforecast LSTM, recurrent": (given.neuralforecast, NEURALFORECAST, "LSTM, recurrent"),
    }
    for seed in range(given.rounds):
        for name in given.series or PEERED:
            series = SERIES[name]
            for kind in (*OWN, *kinds):
                key = {"part": "peers", "series": name, "kind": kind, "seed": seed}
                if given.rows.has(key) or (kind in kinds and kinds[kind][0] is None):
                    continue
                if kind in kinds:
                    figures = _peer(series, seed, *kinds[kind])
                else:
                    figures = _own(series, seed, kind)
                given.rows.add(key, figures)


def darts(given: argparse.Namespace) -> dict[str, tuple[str, str, str]]:
    names = ("BlockRNN", "BlockRNN, RevIN", "RNNModel")
    return {f"darts {name}": (given.darts, DARTS, name) for name in names}


def reaching(given: argparse.Namespace) -> None:
    """Ours with the settings of `SERIES`, and darts with more and more epochs."""
    for name in given.series or ("sunspots", "Seattle"):
        series = SERIES[name]
        for kind, peer in darts(given).items():
            for times in TIMES:
                key = {"part": "reaching", "series": name, "kind": kind, "times": times, "seed": 0}
                if not given.rows.has(key):
                    epochs = times * series.same["epochs"]
                    figures = _peer(series, 0, *peer, epochs=epochs)
                    given.rows.add(key, {**figures, "epochs": epochs})


def _own(series: Series, seed: int, kind: str) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    if kind != "ours":
        settings = {
            "linear": False,
            "level": "standard" if "level" in kind else "none",
            "strategy": "recursive" if "recursive" in kind else "direct",
            "loss": "mae",
            "learning_rate": 1e-3,
            "training": {"cooldown": 0.0, "precision": "bf16" if "bf16" in kind else "fp32"},
            "calendar": [],
            "hidden": 64,
            "dropout": 0.0,
            "validation": 0,
            **series.same,
        }
    forecaster, wall, processor = trained(series, seed, **settings)
    table, test = load(series)
    own = backtest(forecaster, table, test, season=series.season)[0]
    deviation = unit(series, own.learnt)
    figures = measured(own.model, own.truth, own.learnt, deviation)
    return {**figures, "wall": wall, "processor": processor}


def _peer(
    series: Series, seed: int, python: str, program: str, kind: str, **options: Any
) -> dict[str, Any]:
    """Theirs, on values that are scaled as ours are."""
    table, test = load(series)
    column = table.values[:, 0]
    learnt = column[: len(column) - test]
    mean, deviation = learnt.mean(), learnt.std()
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / "values.npy", (column - mean) / deviation)
        told = {
            "values": str(Path(folder) / "values.npy"),
            "output": str(Path(folder) / "output.npy"),
            "kind": kind,
            "test": test,
            "window": series.window,
            "horizon": series.horizon,
            "hidden": 64,
            "learning_rate": 1e-3,
            "seed": seed,
            **series.same,
            **options,
        }
        done = subprocess.run(
            [python, "-c", program, json.dumps(told)], capture_output=True, text=True, cwd=folder
        )
        if done.returncode:
            raise SystemExit(done.stderr[-3000:])
        said = next(line for line in done.stdout.splitlines() if line.startswith("seconds"))
        wall, processor = map(float, said.split()[1:])
        forecast = np.load(Path(folder) / "output.npy") * deviation + mean
    origins = np.arange(len(column) - test, len(column) - series.horizon + 1)
    truth = column[origins[:, None] + np.arange(series.horizon)]
    figures = measured(forecast, truth, learnt, unit(series, learnt))
    return {**figures, "wall": wall, "processor": processor}


# Rows


class Rows:
    """Measurements in a file, a JSON object a line."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.all: list[dict[str, Any]] = []
        if path.exists():
            self.all = [json.loads(line) for line in path.read_text("utf-8").splitlines()]

    def has(self, key: dict[str, Any]) -> bool:
        return any(key.items() <= row.items() for row in self.all)

    def add(self, key: dict[str, Any], figures: dict[str, Any]) -> None:
        row = {**key, **figures}
        self.all.append(row)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        print(json.dumps(row), file=sys.stderr, flush=True)


def tables(given: argparse.Namespace) -> None:
    rows = given.rows.all
    print("| series | forecast | MASE | MSE | s | against the best naive one |")
    print("|---|---|---|---|---|---|")
    for name in SERIES:
        own = [row for row in rows if row["part"] == "accuracy" and row["series"] == name]
        for kind in ("naive", "drift", "seasonal naive"):
            if own and kind in own[0]:
                print(f"| {name} | {kind} | {own[0][kind]['mase']:.3f} |", end="")
                print(f" {own[0][kind]['mse']:.4f} | | |")
        for variant in VARIANTS:
            some = [row for row in own if row["variant"] == variant]
            if some:
                shares = [f"{row['skill'][0]:+.0%}" for row in some]
                wins = sum(row["skill"][1] > 0 and row["skill"][0] >= LEAST for row in some)
                print(
                    f"| {name} | {variant} | {spread([r['model']['mase'] for r in some])} |"
                    f" {spread([r['model']['mse'] for r in some], 4)} |"
                    f" {statistics.median(r['seconds'] for r in some):.1f} |"
                    f" {', '.join(shares)}; wins {wins} of {len(some)} |"
                )
    print("\n| series | model | MASE | MSE | processor s | / darts BlockRNN |")
    print("|---|---|---|---|---|---|")
    for name in SERIES:
        own = [row for row in rows if row["part"] == "peers" and row["series"] == name]
        base = {row["seed"]: row["processor"] for row in own if row["kind"] == "darts BlockRNN"}
        for kind in dict.fromkeys(row["kind"] for row in own):
            some = [row for row in own if row["kind"] == kind]
            seconds = [row["processor"] for row in some]
            both = [base[row["seed"]] / row["processor"] for row in some if row["seed"] in base]
            ratio = statistics.median(both) if both else math.nan
            print(
                f"| {name} | {kind} | {spread([row['mase'] for row in some])} |"
                f" {spread([row['mse'] for row in some], 4)} |"
                f" {statistics.median(seconds):.1f} ({min(seconds):.1f} - {max(seconds):.1f}) |"
                f" {ratio:.2f} |"
            )
    print("\n| series | model | epochs | MASE | processor s |\n|---|---|---|---|---|")
    for row in [row for row in rows if row["part"] == "reaching"]:
        print(f"| {row['series']} | {row['kind']} | {row['epochs']} |", end="")
        print(f" {row['mase']:.3f} | {row['processor']:.1f} |")


def spread(values: list[float], digits: int = 3) -> str:
    """Mean ± standard deviation over seeds."""
    if len(values) < 2:
        return f"{values[0]:.{digits}f}"
    return f"{statistics.mean(values):.{digits}f} ± {statistics.stdev(values):.{digits}f}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("part", choices=["accuracy", "peers", "reaching", "tables"])
    parser.add_argument("--series", nargs="*", choices=list(SERIES))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--darts")
    parser.add_argument("--neuralforecast")
    parser.add_argument("--work", type=Path, default=Path("forecasting-rows"))
    arguments = parser.parse_args()
    arguments.rows = Rows(arguments.work / "rows.jsonl")
    parts = {"accuracy": accuracy, "peers": peers, "reaching": reaching, "tables": tables}
    parts[arguments.part](arguments)
