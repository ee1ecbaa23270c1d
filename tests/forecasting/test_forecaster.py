"""Forecaster: what it learns, that it knows no future, what it gives back, and what is wrong."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import torch

from jpseq import Forecaster, Model
from jpseq.corpora.table import Table
from jpseq.errors import ConfigurationError, DataError, ModelError, NotFittedError
from jpseq.forecasting import forecaster as module
from jpseq.forecasting.backtest import backtest
from jpseq.forecasting.forecast import Forecast
from jpseq.forecasting.report import report
from jpseq.forecasting.scaler import Scaler

NAN = np.nan
SMALL: dict[str, Any] = {
    "horizon": 4,
    "window": 12,
    "hidden": 8,
    "epochs": 2,
    "batch": 16,
    "learning_rate": 0.01,
}
T = np.arange(160)
DRAW = np.random.default_rng(0)
WAVE = 20 + 0.05 * T + 5 * np.sin(2 * np.pi * T / 12) + 0.3 * DRAW.normal(size=160)
DAYS = np.datetime64("2024-01-01") + T


def table(*columns: npt.NDArray[Any], time: bool = True) -> Table:
    names = tuple("abc"[: len(columns)])
    return Table(names, np.stack(columns, axis=1), DAYS[: len(columns[0])] if time else None)


def first(rows: int, own: Table) -> Table:
    return Table(own.names, own.values[:rows], None if own.time is None else own.time[:rows])


@pytest.fixture(scope="module")
def learnt() -> Forecaster:
    """On the first 120 rows, 24 of them for intervals."""
    return Forecaster(**{**SMALL, "epochs": 15}).fit(WAVE[:120], calibration=24)


# Learning


def test_it_beats_the_naive_forecasts_where_there_is_something_to_learn(learnt: Forecaster) -> None:
    (own,) = backtest(learnt, WAVE, 40, level=0.8)
    found = report(own, "wave")
    assert own.season == 12
    assert found.skill.winner == "model"
    assert found.skill.baseline == "seasonal naive"
    coverage = found.intervals[0].value
    assert 0.6 < coverage <= 1


def test_and_says_so_where_there_is_nothing() -> None:
    walk = np.random.default_rng(1).normal(size=400).cumsum()
    own = backtest(Forecaster(**{**SMALL, "epochs": 3}).fit(walk[:300]), walk, 100)[0]
    assert own.season is None
    assert report(own).skill.winner in (None, "naive")


@pytest.mark.parametrize(
    ("strategy", "output"),
    [
        ("direct", "point"),
        ("direct", "quantile"),
        ("direct", "gaussian"),
        ("recursive", "point"),
        ("recursive", "gaussian"),
    ],
)
def test_every_output_with_covariates_and_gaps(strategy: str, output: str) -> None:
    gaps = WAVE.copy()
    gaps[[3, 50, 51, 159]] = NAN
    past = [] if strategy == "recursive" else ["c"]
    options = {**SMALL, "strategy": strategy, "output": output, "calendar": ["week"]}
    own = Forecaster(**options, target="a", known=["b"], past=past)
    data = table(gaps, np.cos(T), np.roll(WAVE, 1))
    own.fit(data, validation=20)
    level = None if output == "point" else 0.9
    found = own.predict(data, future=np.cos(np.arange(160, 164)), level=level)
    assert found.values.shape == (4, 1)
    assert np.isfinite(found.values).all()
    assert found.time is not None
    assert [str(moment) for moment in found.time] == [f"2024-06-{day:02}" for day in range(9, 13)]
    if level is not None:
        assert found.low is not None
        assert found.high is not None
        assert (found.low < found.high).all()


def test_several_targets_and_seeds() -> None:
    own = Forecaster(**SMALL, seeds=2).fit(table(WAVE, -3 * WAVE))
    found = own.predict(table(WAVE, -3 * WAVE))
    assert found.names == ("a", "b")
    assert np.allclose(found["b"], -3 * found["a"], rtol=0.2)
    alone = [Forecaster(**SMALL, seed=seed).fit(table(WAVE, -3 * WAVE)) for seed in (0, 1)]
    both = [other.predict(table(WAVE, -3 * WAVE)).values for other in alone]
    assert np.allclose(found.values, np.mean(both, axis=0), rtol=1e-5)
    assert len(backtest(alone[0], table(WAVE, -3 * WAVE, time=False), 20)) == 2


def test_the_best_epoch_is_kept(tmp_path: Path) -> None:
    own = Forecaster(**{**SMALL, "epochs": 3}).fit(WAVE, validation=30, run=tmp_path / "run")
    assert own.completed
    log = next((tmp_path / "run" / "seed-0").glob("log/*/metrics.csv")).read_text()
    assert "validation" in log.splitlines()[0]
    with pytest.raises(ConfigurationError, match="epochs are compared by a figure"):
        Forecaster(**SMALL, training={"patience": 2}).fit(WAVE)


def test_the_same_seed_gives_the_same_forecast() -> None:
    first, second = (Forecaster(**SMALL).fit(WAVE).predict(WAVE).values for _ in range(2))
    assert np.array_equal(first, second)


def test_an_interrupted_training_keeps_the_networks_that_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from jpseq.training import fit as training

    answers, original = iter([True, False]), training.fit
    monkeypatch.setattr(training, "fit", lambda *a, **k: original(*a, **k) and next(answers))
    own = Forecaster(**SMALL, seeds=3).fit(WAVE, calibration=20)
    assert not own.completed
    own.save(tmp_path / "model")
    other = Forecaster.load(tmp_path / "model")
    assert len(other.trained().networks) == 2
    assert np.array_equal(own.predict(WAVE).values, other.predict(WAVE).values)


# No knowledge of the future


def learnt_from(own: Forecaster) -> list[npt.NDArray[Any]]:
    """All that a forecaster has learnt, but for the errors of its calibration."""
    weights = [v.numpy() for k, v in own.trained().state_dict().items() if k != "errors"]
    return [*weights, *map(np.array, own.facts["scaler"].values())]


def peeks() -> bool:
    """Whether what comes after the rows that are learnt from changes what is learnt."""
    other = WAVE.copy()
    other[120:] = DRAW.permutation(other[120:]) * 100
    found = [learnt_from(Forecaster(**SMALL).fit(v, calibration=40)) for v in (WAVE, other)]
    return not all(np.array_equal(a, b) for a, b in zip(*found, strict=True))


def test_what_comes_after_the_training_changes_nothing_that_is_learnt() -> None:
    assert not peeks()


def test_a_scaler_that_has_seen_all_of_the_data_would_be_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Leaky(Scaler):
        @classmethod
        def fit(cls, values: Any, *arguments: Any, **options: Any) -> Scaler:
            whole = values if values.base is None else values.base
            assert len(whole) == 160
            return Scaler.fit(whole, *arguments, **options)

    monkeypatch.setattr(module, "Scaler", Leaky)
    assert peeks()


@pytest.mark.parametrize(
    ("missing", "strategy", "level"),
    [
        ("interpolate", "direct", "last"),
        ("last", "direct", "standard"),
        ("interpolate", "recursive", "mean"),
        ("last", "recursive", "none"),
    ],
)
def test_shuffling_the_future_changes_no_forecast(missing: str, strategy: str, level: str) -> None:
    own = Forecaster(**{**SMALL, "epochs": 1}, missing=missing, strategy=strategy, level=level)
    gaps = WAVE.copy()
    gaps[[125, 130, 131, 140]] = NAN  # some just before an origin
    own.fit(gaps[:120])
    origin = 132
    shuffled = gaps.copy()
    shuffled[origin:] = DRAW.permutation(shuffled[origin:])
    assert not np.array_equal(shuffled, gaps, equal_nan=True)
    found = []
    for values in (gaps, shuffled):
        (one,) = backtest(own, values, 40)
        before = one.origins <= origin
        assert before.sum() == 13
        found.append([one.model[before], *(line[before] for line in one.baselines.values())])
    for ours, theirs in zip(*found, strict=True):
        assert np.array_equal(ours, theirs)
    history = own.predict(gaps[:origin]).values[:, 0]
    place = int(np.flatnonzero(one.origins == origin)[0])
    assert np.allclose(history, found[0][0][place], rtol=1e-5)


def test_a_test_part_that_was_learnt_from_is_refused() -> None:
    own = Forecaster(**SMALL).fit(table(WAVE))
    with pytest.raises(ConfigurationError, match="until 2024-06-08, and the test part begins at"):
        backtest(own, table(WAVE), 40)


# Forecasting


def test_pandas_in_pandas_out() -> None:
    index = pd.date_range("2024-01-01", periods=160, freq="D", name="day")
    series = pd.Series(WAVE, index=index, name="気温")
    own = Forecaster(**SMALL).fit(series, calibration=40)
    found = own.forecast(series)
    assert isinstance(found, pd.Series)
    assert found.name == "気温"
    assert found.index.equals(pd.date_range("2024-06-09", periods=4, freq="D", name="day"))
    frame = own.forecast(series, level=0.9)
    assert list(frame.columns) == ["気温", "気温_low", "気温_high"]
    assert np.array_equal(frame["気温"], found)
    assert np.array_equal(found.to_numpy(), own.predict(series).values[:, 0])
    same = own.forecast(pd.DataFrame(series))
    assert isinstance(same, pd.DataFrame)
    assert np.array_equal(same["気温"], found)


@pytest.mark.parametrize(
    ("index", "wanted"),
    [
        (pd.RangeIndex(100, 260), [260, 261, 262, 263]),
        (pd.Index(np.arange(0, 320, 2)), [320, 322, 324, 326]),
        (pd.period_range("2000-01", periods=160, freq="M"), ["2013-05", "2013-06"]),
        (pd.bdate_range("2024-01-01", periods=160), ["2024-08-12", "2024-08-13"]),
        (pd.date_range("2024-01-01", periods=160, freq="h", tz="Asia/Tokyo"), ["2024-01-07 16"]),
        (pd.Index(DRAW.permutation(160)), [1, 2, 3, 4]),
    ],
    ids=["range", "even", "months", "business", "zone", "unordered"],
)
def test_the_index_goes_on(index: Any, wanted: list[Any]) -> None:
    series = pd.Series(WAVE, index=index, name="x")
    found = Forecaster(**{**SMALL, "epochs": 1}).fit(series).forecast(series).index
    assert len(found) == 4
    for ours, theirs in zip(found, wanted, strict=False):
        assert str(ours).startswith(str(theirs))
    assert getattr(found, "tz", None) == getattr(index, "tz", None)


def test_a_recursive_network_goes_on(learnt: Forecaster) -> None:
    own = Forecaster(**SMALL, strategy="recursive").fit(WAVE)
    far = own.predict(WAVE, horizon=30)
    assert len(far) == 30
    assert np.allclose(far.values[:4], own.predict(WAVE).values, rtol=1e-5)
    with pytest.raises(ConfigurationError, match="a direct network was trained for 4"):
        learnt.predict(WAVE, horizon=5)


def test_only_the_window_is_read(learnt: Forecaster) -> None:
    wanted = learnt.predict(WAVE).values
    assert np.array_equal(learnt.predict(WAVE[-12:]).values, wanted)
    with pytest.raises(DataError, match="the history has 11 rows, and a window of 12 is read"):
        learnt.predict(WAVE[-11:])


def test_missing_rows_with_a_step() -> None:
    kept = np.delete(np.arange(160), [20, 21, 90])
    own = Forecaster(**SMALL, every="D")
    holes = Table(("a",), WAVE[kept, None], DAYS[kept])
    own.fit(holes)
    found = own.predict(holes)
    assert found.time is not None
    assert str(found.time[0]) == "2024-06-09"
    whole = WAVE.copy()
    whole[[20, 21, 90]] = NAN
    same = Forecaster(**SMALL).fit(table(whole)).predict(table(whole))
    assert np.array_equal(found.values, same.values)


def test_a_calendar_of_the_last_days_of_months() -> None:
    ends = (np.datetime64("2010-02") + T).astype("M8[D]") - 1
    kept = np.delete(T, [30, 31])
    own = Forecaster(**{**SMALL, "epochs": 1}, every="M", calendar=["year"])
    holes = Table(("a",), WAVE[kept, None], ends[kept])
    found = own.fit(holes).predict(holes).time
    assert found is not None
    assert [str(moment) for moment in found] == [
        "2023-05-31",
        "2023-06-30",
        "2023-07-31",
        "2023-08-31",
    ]


def test_intervals(learnt: Forecaster) -> None:
    narrow, wide = (learnt.predict(WAVE, level=level) for level in (0.5, 0.9))
    for one in (narrow, wide):
        assert one.low is not None
        assert one.high is not None
        assert np.allclose((one.low + one.high) / 2, one.values)
    assert (wide.high - wide.low > narrow.high - narrow.low).all()  # type: ignore[operator]
    with pytest.raises(ConfigurationError, match=r"an interval of 0.99 needs 99 errors"):
        learnt.predict(WAVE, level=0.99)
    with pytest.raises(ConfigurationError, match="between 0 and 1"):
        learnt.predict(WAVE, level=1.0)
    with pytest.raises(ConfigurationError, match=r"an interval of 0.9 is not known\. Calibrate"):
        Forecaster(**{**SMALL, "epochs": 1}).fit(WAVE).predict(WAVE, level=0.9)


def test_known_columns_must_be_known() -> None:
    own = Forecaster(**{**SMALL, "epochs": 1}, target="a", known=["b"])
    data = table(WAVE, np.cos(T))
    own.fit(data)
    ahead = np.datetime64("2024-06-09") + np.arange(4)
    good = Table(("b",), np.ones((4, 1)), ahead)
    wanted = own.predict(data, future=good).values
    assert np.array_equal(own.predict(data, future=np.ones(6)).values, wanted)
    assert not np.array_equal(own.predict(data, future=-np.ones(4)).values, wanted)
    frame = pd.DataFrame({"x": range(4), "b": 1.0}, index=ahead)
    assert np.array_equal(own.predict(data, future=frame).values, wanted)
    for future, said in (
        (None, "b must be known of the 4 steps to come"),
        (np.ones(3), "4 rows are wanted, got 3"),
        (np.array([1, NAN, 1, 1]), "row 2, column 'b': missing"),
        (np.ones((4, 2)), "1 columns are wanted"),
        (Table(("c",), np.ones((4, 1))), "no column 'b'"),
        (
            Table(("b",), np.ones((4, 1)), ahead + 1),
            r"row 1 is of 2024-06-10, but that step is 2024-06-09\. Give a row for each step from"
            r" 2024-06-09 to 2024-06-12\.",
        ),
        (
            Table(("b",), np.ones((4, 1)), ahead + np.array([0, 0, 3, 3])),
            "row 3 is of 2024-06-14, but that step is 2024-06-11",
        ),
    ):
        with pytest.raises(DataError, match=said):
            own.predict(data, future=future)


def test_what_is_known_of_months_to_come_may_be_of_any_day() -> None:
    months = np.datetime64("2010-01") + T
    own = Forecaster(**{**SMALL, "epochs": 1}, target="a", known=["b"], every="M")
    data = Table(("a", "b"), table(WAVE, np.cos(T)).values, months.astype("M8[D]") + 27)
    own.fit(data)
    ahead = (np.datetime64("2023-05") + np.arange(4)).astype("M8[D]")
    assert len(own.predict(data, future=Table(("b",), np.ones((4, 1)), ahead))) == 4
    with pytest.raises(DataError, match="row 1 is of 2023-06-01, but that step is 2023-05-28"):
        own.predict(data, future=Table(("b",), np.ones((4, 1)), ahead + 31))


# Series that are odd


def test_metrics_are_of_what_was_learnt_last() -> None:
    own = Forecaster(**{**SMALL, "epochs": 1}).fit(WAVE)
    own.metrics = {"MASE": "0.5 (data:x)"}
    assert own.fit(WAVE + 1).metrics == {}


def test_a_constant_series_goes_on_as_it_is() -> None:
    for level in ("last", "standard", "none"):
        own = Forecaster(**SMALL, level=level).fit(np.full(60, 7.0))
        assert np.allclose(own.predict(np.full(60, 7.0)).values, 7, atol=0.5)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ([5.0], "1 rows to learn from are too few: a window of 12 and a horizon of 4 need 16"),
        (WAVE[:15], "15 rows to learn from are too few"),
        (np.full(60, NAN), "column 'value' has no number among the 60 rows"),
        (np.where(T == 30, np.inf, WAVE), "row 31, column 'value': infinite"),
        (np.where(T % 20 == 19, WAVE, NAN), "no window can be learnt from"),
        (["a"] * 60, "is no number"),
    ],
    ids=["one row", "short", "all missing", "infinite", "hardly anything", "text"],
)
def test_what_cannot_be_learnt_from(data: Any, said: str) -> None:
    options = {**SMALL, "window": 4} if "no window" in said else SMALL
    with pytest.raises(DataError, match=said):
        Forecaster(**options).fit(data)


def test_a_number_that_is_too_large_for_a_network(learnt: Forecaster) -> None:
    huge = np.where(T == 30, 1e300, WAVE)
    with pytest.raises(DataError, match=r"row 31, column 'value': 1e\+300 is too large a number"):
        Forecaster(**SMALL, scaler="none").fit(huge)
    with pytest.raises(DataError, match="row 1, column 'value'"):
        learnt.predict(huge[30:42])


@pytest.mark.parametrize(
    ("options", "value", "said"),
    [
        ({"scaler": "log"}, -1, "row 158, column 'value': -1 has no logarithm"),
        ({"scaler": "none"}, 1e300, r"row 158, column 'value': 1e\+300 is too large"),
        ({"missing": "error"}, NAN, "row 158, column 'value': missing"),
    ],
)
def test_rows_are_counted_from_the_beginning_of_the_series(
    options: dict[str, Any], value: float, said: str
) -> None:
    own = Forecaster(**{**SMALL, "epochs": 1}, **options).fit(WAVE)
    with pytest.raises(DataError, match=f"^{said}"):
        own.predict(np.where(T == 157, value, WAVE))


def test_a_long_gap_is_left_out_and_cannot_be_forecast_from(learnt: Forecaster) -> None:
    gap = WAVE.copy()
    gap[60:80] = NAN
    assert np.isfinite(Forecaster(**SMALL).fit(gap).predict(gap).values).all()
    with pytest.raises(DataError, match="nothing is known of a target in the last 12 rows"):
        learnt.predict(gap[:75])
    with pytest.raises(DataError, match=r'row 61, column .value.: missing, and missing="error"'):
        Forecaster(**SMALL, missing="error").fit(gap)


def test_a_horizon_longer_than_the_data(learnt: Forecaster) -> None:
    with pytest.raises(DataError, match="a window of 12 and a horizon of 500 need 512"):
        Forecaster(**{**SMALL, "horizon": 500}).fit(WAVE)
    with pytest.raises(DataError, match="a test part of 3 rows is shorter than the horizon, 4"):
        backtest(learnt, WAVE, 3)
    with pytest.raises(DataError, match="160 rows are too few: the test part has 155"):
        backtest(learnt, WAVE, 155)
    for rows in (2, -4, 5.5, NAN, "9"):
        for part in ("validation", "calibration"):
            with pytest.raises(ConfigurationError, match=f"{part}: {rows} rows; it needs 4 at lea"):
                Forecaster(**SMALL).fit(WAVE, **{part: rows})
    with pytest.raises(DataError, match=r"10 rows to learn from \(160 without 150"):
        Forecaster(**SMALL).fit(WAVE, validation=100, calibration=50)


# Parameters


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"cell": "lstn"}, "cell: "),
        ({"horizon": 0}, "horizon: "),
        ({"window": 2.5}, "window: "),
        ({"level": "first"}, "level: "),
        ({"calendar": ["moon"]}, "calendar"),
        ({"every": "fortnight"}, "every: 'fortnight' is no step"),
        ({"target": "a", "known": ["a"]}, "a: a column is a target"),
        ({"target": []}, "target: no column is named"),
        ({"strategy": "recursive", "past": ["b"]}, "past: a recursive network reads on"),
        ({"strategy": "recursive", "output": "quantile"}, "quantiles are not of a path"),
        ({"output": "quantile", "quantiles": [0.9, 0.5]}, "quantiles: rising levels"),
        ({"output": "quantile", "quantiles": [0.1, 0.9]}, "with 0.5 among them"),
        ({"training": {"epochs": 3}}, "epochs cannot be set there"),
        ({"training": {"patiense": 3}}, "Did you mean 'patience'"),
    ],
)
def test_parameters_that_do_not_fit(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        Forecaster(**{**SMALL, **options}).fit(WAVE)


def test_a_calendar_without_times_is_refused_before_training() -> None:
    with pytest.raises(DataError, match="no times equally far apart"):
        Forecaster(**SMALL, calendar=["day"]).fit(WAVE)


def test_it_is_an_estimator() -> None:
    own = Forecaster(horizon=3, known=["b"])
    assert repr(own) == "Forecaster(horizon=3, known=['b'])"
    assert own.clone().get_params() == own.get_params()
    with pytest.raises(NotFittedError, match="This Forecaster has learnt nothing yet"):
        own.predict(WAVE)
    with pytest.raises(NotFittedError):
        own.save("nowhere")


# The folder


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"seeds": 2, "output": "gaussian", "scaler": "log", "target": "a", "known": ["b"]},
        {"strategy": "recursive", "calendar": ["week"], "cell": "peephole", "target": "a"},
    ],
    ids=["plain", "many", "recursive"],
)
def test_what_is_saved_forecasts_the_same(options: dict[str, Any], tmp_path: Path) -> None:
    data = table(WAVE, np.cos(T)) if options.get("known") else table(WAVE)
    own = Forecaster(**{**SMALL, **options, "epochs": 1}).fit(data, calibration=40)
    own.metrics = {"MASE": "0.5 (data:x)"}
    own.save(tmp_path / "model")
    other = Model.load(tmp_path / "model")
    assert isinstance(other, Forecaster)
    future = np.ones(4) if options.get("known") else None
    ours, theirs = (o.predict(data, level=0.8, future=future) for o in (own, other))
    for part in ("values", "low", "high"):
        assert np.array_equal(getattr(ours, part), getattr(theirs, part))
    assert "MASE: 0.5 (data:x)" in (tmp_path / "model" / "README.md").read_text("utf-8")
    assert not torch.is_grad_enabled() or not any(n.training for n in other.trained().modules())


def test_a_damaged_folder_is_named(learnt: Forecaster, tmp_path: Path) -> None:
    learnt.save(tmp_path / "model")
    path = tmp_path / "model" / "model.json"
    content = json.loads(path.read_text("utf-8"))
    for facts in (None, {}, {**content["facts"], "scaler": {}}, {**content["facts"], "known": [1]}):
        path.write_text(json.dumps({**content, "facts": facts}), "utf-8")
        with pytest.raises(ModelError, match="what it says of the series is damaged"):
            Forecaster.load(tmp_path / "model")


def test_a_forecast_is_a_table() -> None:
    values = np.array([[1.0, 2.0]])
    found = Forecast(("a", "b"), values, None, values - 1, values + 1, 0.9)
    assert found.table().names == ("a", "b", "a_low", "b_low", "a_high", "b_high")
    assert found.table().values.tolist() == [[1, 2, 0, 1, 2, 3]]
    assert found["b"].tolist() == [2]
    assert len(found) == 1
