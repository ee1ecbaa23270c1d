"""jpseq forecast: what the commands write, and what they say of bad input."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jpseq import Forecaster

Run = Callable[..., tuple[int, str, str]]
SMALL = [
    *("--horizon", 4, "--window", 12),
    *("--set", "epochs=2", "--set", "hidden=8", "--set", "batch=16", "--set", "learning_rate=0.01"),
]
T = np.arange(120)
VALUES = 20 + 0.05 * T + 5 * np.sin(2 * np.pi * T / 12)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write(tmp_path / "temperatures.csv")


def write(path: Path, change: Callable[[list[str]], Any] | None = None, header: str = "") -> Path:
    """A row a day: date, temperature, humidity, and the weather in words."""
    rows = [
        f"{np.datetime64('2024-01-01') + t},{value:.3f},{t % 7},晴れ"
        for t, value in zip(T, VALUES, strict=True)
    ]
    if change is not None:
        change(rows)
    path.write_text("\n".join([header or "date,気温,湿度,天気", *rows]) + "\n", "utf-8")
    return path


def test_train_run_and_backtest(data: Path, tmp_path: Path, run: Run) -> None:
    model, target = tmp_path / "model", ("--target", "気温")
    code, out, err = run(
        *("forecast", "train", data, *target, *SMALL, "-o", model, "--test", 30),
        *("--calibration", 20, "--level", 0.8),
    )
    assert code == 0, err
    assert out.splitlines()[0].split() == ["気温", "MASE", "MAE", "RMSE", "sMAPE"]
    assert "seasonal naive" in out
    assert "coverage" in out
    assert "time: column 'date'" in err
    assert "MASE" in (model / "README.md").read_text("utf-8")

    picture = tmp_path / "forecast.png"
    code, out, err = run(
        "forecast", "run", data, "--model", model, "--level", 0.8, "--plot", picture
    )
    assert code == 0, err
    rows = list(csv.reader(io.StringIO(out)))
    assert rows[0] == ["time", "気温", "気温_low", "気温_high"]
    assert [row[0] for row in rows[1:]] == [f"2024-04-{day}" for day in (30,)] + [
        f"2024-05-0{day}" for day in (1, 2, 3)
    ]
    assert picture.read_bytes().startswith(b"\x89PNG")

    code, out, err = run("forecast", "run", data, "--model", model, "--json", "--time", "none")
    assert code == 0, err
    lines = [json.loads(line) for line in out.splitlines()]
    assert [line["step"] for line in lines] == ["1", "2", "3", "4"]
    assert lines[0]["気温"] == pytest.approx(float(rows[1][1]), rel=1e-4)

    code, _, err = run("forecast", "run", data, "--model", model, "--horizon", 5)
    assert code == 2
    assert "a direct network was trained for 4" in err

    picture = tmp_path / "backtest.svg"
    code, out, err = run(
        *("forecast", "backtest", data, "--model", model, "--test", 30, "--json"),
        *("--plot", picture, "--season", 6),
    )
    assert code == 0, err
    found = json.loads(out)
    assert found["target"] == "気温"
    assert set(found["scores"]) == {"model", "naive", "drift", "seasonal naive"}
    assert "|season:6|" in found["signature"]
    assert found["winner"] in ("model", "naive", "drift", "seasonal naive", None)
    assert "<svg" in picture.read_text("utf-8")[:500]


def test_without_a_model_one_is_trained_first(data: Path, run: Run) -> None:
    code, out, err = run("forecast", "run", data, "-t", "気温", "-t", "湿度", *SMALL)
    assert code == 0, err
    assert out.splitlines()[0] == "time,気温,湿度"
    assert len(out.splitlines()) == 5
    assert "jpseq forecast backtest" in err
    code, out, err = run("forecast", "backtest", data, "-t", "気温", *SMALL)
    assert code == 0, err
    assert "|origins:21|" in out  # a fifth of 120 rows, and 4 steps


def test_known_columns_come_from_a_file(data: Path, tmp_path: Path, run: Run) -> None:
    future = tmp_path / "future.csv"
    future.write_text("湿度\n1\n2\n3\n4\n", "utf-8")
    options = ("forecast", "run", data, "-t", "気温", "--known", "湿度", *SMALL)
    code, out, err = run(*options, "--future", future)
    assert code == 0, err
    assert len(out.splitlines()) == 5
    code, _, err = run(*options)
    assert code == 1
    assert "湿度 must be known of the 4 steps to come" in err


@pytest.mark.parametrize(
    ("header", "days", "options", "said"),
    [
        ("date", (120, 121, 122, 123), (), ""),
        ("date", (486, 487, 488, 489), (), "row 1 is of 2025-05-01, but that step is 2024-04-30"),
        ("date", (120, 124, 125, 126), (), "row 2 is of 2024-05-04, but that step is 2024-05-01"),
        ("ds", (0, 1, 2, 3), ("--time", "date"), "row 1 is of 2024-01-01, but that step is"),
        ("ds", (0, 1, 2, 3), ("--time", "none"), ""),
        ("when", (0, 1, 2, 3), (), ""),
    ],
)
def test_a_future_of_other_times_is_refused(
    header: str,
    days: Any,
    options: Any,
    said: str,
    data: Path,
    tmp_path: Path,
    run: Run,
    caplog: pytest.LogCaptureFixture,
) -> None:
    future, first = tmp_path / "future.csv", np.datetime64("2024-01-01")
    rows = "".join(f"{first + day},{day % 7}\n" for day in days)
    future.write_text(f"{header},湿度\n{rows}", "utf-8")
    given = ("-t", "気温", "--known", "湿度", *SMALL, "--future", future, *options)
    code, out, err = run("forecast", "run", data, *given)
    assert (code, len(out.splitlines())) == ((1, 0) if said else (0, 5)), err
    assert said in err
    assert bool(caplog.messages) == (not said)  # it is found before the training


def test_missing_rows_are_gaps_from_the_beginning(data: Path, tmp_path: Path, run: Run) -> None:
    holes = write(tmp_path / "holes.csv", lambda rows: rows.__delitem__(slice(100, 110)))
    daily = ("-t", "気温", *SMALL, "--set", 'every="D"', "-o", tmp_path / "model")
    code, out, err = run("forecast", "train", holes, *daily, "--test", 30)
    assert code == 0, err
    assert "|origins:27|" in out
    assert Forecaster.load(tmp_path / "model").facts["until"] == "2024-03-30"  # 30 days before


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("train", "-n", 12, "--test", 5), 1, "a test part of 5 rows is shorter than the horizon"),
        (("backtest", "-n", 25), 1, "temperatures.csv: a test part of 24 rows is shorter than"),
        (("backtest", "--test", 115), 1, "120 rows are too few: the test part has 115"),
        (("train", "--test", 10, "--season", 111), 2, "season: 111, but there are 110 rows before"),
        (("backtest", "--test", 10, "--season", 111), 2, "season: 111, but there are 110 rows"),
    ],
)
def test_what_cannot_be_measured_is_found_before_the_training(
    arguments: tuple[Any, ...],
    code: int,
    said: str,
    data: Path,
    tmp_path: Path,
    run: Run,
    caplog: pytest.LogCaptureFixture,
) -> None:
    command, *options = arguments
    output = ("-o", tmp_path / "model") if command == "train" else ()
    given = ("-t", "気温", *SMALL, *options, *output)
    found, out, err = run("forecast", command, data, *given)
    assert (found, out) == (code, ""), err
    assert said in err
    assert not caplog.messages
    assert not (tmp_path / "model").exists()


def test_a_recipe_and_a_run_that_goes_on(data: Path, tmp_path: Path, run: Run) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(
        'target = "気温"\nhorizon = 4\nwindow = 12\nepochs = 1\nhidden = 8\n', "utf-8"
    )
    options = ("forecast", "train", data, "--config", recipe, "--run", tmp_path / "run")
    assert run(*options, "-o", tmp_path / "one")[0] == 0
    begun_with = (tmp_path / "run" / "config.toml").read_text("utf-8")
    for setting in ("hidden=4", "seed=5"):
        code, _, err = run(*options, "-o", tmp_path / "two", "--set", setting)
        assert code == 2
        assert "Resume it" in err
        assert (tmp_path / "run" / "config.toml").read_text("utf-8") == begun_with
    assert run(*options, "-o", tmp_path / "two", "--resume")[0] == 0
    one, two = (Forecaster.load(tmp_path / name) for name in ("one", "two"))
    assert np.array_equal(one.predict(VALUES).values, two.predict(VALUES).values)
    code, _, err = run(*options, "-o", tmp_path / "two", "--resume", "--set", "hidden=4")
    assert code == 2
    assert "hidden was 8 and is 4" in err
    code, _, err = run("forecast", "train", data, "-t", "気温", "-o", tmp_path / "x", "--resume")
    assert code == 2
    assert "--resume: name the run's folder" in err


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda rows: rows.__setitem__(9, "2024-01-10,雨,1,雨"),
            "line 11: column '気温' holds '雨'",
        ),
        (lambda rows: rows.__setitem__(9, "2024-01-10,inf,1,雨"), "line 11: column '気温' holds"),
        (lambda rows: rows.__setitem__(9, rows[3]), ": row 10: 2024-01-04 comes after 2024-01-09"),
        (lambda rows: rows.__setitem__(9, rows[8]), ": row 10: 2024-01-09 comes twice"),
        (lambda rows: rows.__delitem__(slice(1, None)), "1 rows to learn from are too few"),
        (lambda rows: rows.clear(), "holds no rows"),
        (
            lambda rows: rows.__setitem__(slice(None), [f"{r[:10]},,1,x" for r in rows]),
            "column '気温' has no number",
        ),
    ],
    ids=["text", "infinite", "unsorted", "twice", "one row", "no row", "all missing"],
)
def test_bad_tables(change: Any, said: str, tmp_path: Path, run: Run) -> None:
    data = write(tmp_path / "bad.csv", change)
    code, out, err = run("forecast", "run", data, "-t", "気温", *SMALL)
    assert (code, out) == (1, "")
    assert said in err
    assert "bad.csv" in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["run", "DATA"], 2, "--target COLUMN"),
        (["run", "DATA", "-t", "気温度"], 1, "no column '気温度'. Did you mean '気温'?"),
        (["run", "DATA", "-t", "気温", "--time", "day"], 1, "there is no column 'day'"),
        (["run", "DATA", "-t", "気温", "--set", "cel=1"], 2, "Did you mean 'cell'?"),
        (["run", "DATA", "-t", "気温", "--set", "cell='x'"], 2, "cell: "),
        (["run", "DATA", "-t", "気温", "--plot", "a.gif"], 2, "ends in .png or .svg"),
        (["run", "DATA", "-t", "気温", "--level", "0.9"], 2, "an interval of 0.9 is not known"),
        (["backtest", "DATA", "-t", "気温", "--level", "1.5"], 2, "between 0 and 1"),
        (["run", "DATA", "-t", "気温", "-n", "500"], 1, "a horizon of 500 need"),
        (["run", "NOWHERE.csv", "-t", "気温"], 1, "no such file"),
        (["run", "DATA", "--model", "NOWHERE"], 1, "not a model folder"),
        (["run", "DATA", "--model", "NOWHERE", "--window", "3"], 2, "the model has its own"),
        (["run", "DATA", "-m", "NOWHERE", "--validation", "9"], 2, "--validation: the model has"),
        (["run", "DATA", "-m", "NOWHERE", "--calibration", "9"], 2, "--calibration: the model has"),
        (
            ["backtest", "DATA", "-m", "NOWHERE", "-n", "2", "--validation", "9"],
            2,
            "--horizon, --validation: the model has its own",
        ),
        (["backtest", "DATA", "-t", "気温", "--test", "120"], 1, "nothing is left to learn from"),
        (["train", "DATA", "-t", "気温", "-o", "DATA"], 1, "is a file"),
    ],
)
def test_wrong_use(
    arguments: list[str], code: int, said: str, data: Path, tmp_path: Path, run: Run
) -> None:
    places = {"DATA": str(data), "NOWHERE": str(tmp_path / "x"), "NOWHERE.csv": "x.csv"}
    found, out, err = run("forecast", *(places.get(word, word) for word in arguments))
    assert (found, out) == (code, "")
    assert said in err
    assert "Traceback" not in err


def test_a_model_is_not_measured_on_what_it_knows(data: Path, tmp_path: Path, run: Run) -> None:
    assert run("forecast", "train", data, "-t", "気温", *SMALL, "-o", tmp_path / "m")[0] == 0
    code, _, err = run("forecast", "backtest", data, "--model", tmp_path / "m", "--test", 20)
    assert code == 2
    assert "it would be tested on what it knows" in err
    code, _, err = run("forecast", "run", data, "--model", tmp_path / "m", "-t", "湿度")
    assert code == 2
    assert "the model foresees 気温" in err


def test_what_a_diverged_training_has_learnt_is_saved(data: Path, tmp_path: Path, run: Run) -> None:
    def snow(rows: list[str]) -> None:
        rows[80] = "2024-03-21,1e30,0,雪"

    huge = write(tmp_path / "huge.csv", snow)
    more = ("--set", 'scaler="none"', "--set", 'loss="mse"')
    options = ("-t", "気温", *SMALL, *more, "-o", tmp_path / "model")
    code, _, err = run("forecast", "train", huge, *options)
    assert code == 1
    assert "training has diverged" in err
    assert "They are saved in" in err
    assert np.isfinite(Forecaster.load(tmp_path / "model").predict(VALUES).values).all()


def test_a_future_that_nobody_asks_for(data: Path, run: Run) -> None:
    code, _, err = run("forecast", "run", data, "-t", "気温", *SMALL, "--future", data)
    assert code == 2
    assert "no column whose future is known" in err
