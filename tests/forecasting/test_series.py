"""Series of numbers on their way to a network: tables, times, calendar, gaps, scaler, windows."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from jpseq.corpora.table import Table
from jpseq.errors import ConfigurationError, DataError
from jpseq.forecasting.calendar import cycles
from jpseq.forecasting.missing import fill
from jpseq.forecasting.roles import Roles
from jpseq.forecasting.scaler import Scaler
from jpseq.forecasting.tables import as_table
from jpseq.forecasting.times import continued, on_grid, step, step_of
from jpseq.forecasting.windows import Columns, Windows, part

NAN = np.nan


def times(*moments: str, unit: str = "D") -> npt.NDArray[Any]:
    return np.array(moments, f"M8[{unit}]")


# Tables


def test_what_a_series_can_be() -> None:
    one = as_table([1, None, 3])
    assert one.names == ("value",)
    assert np.array_equal(one.values, [[1], [NAN], [3]], equal_nan=True)
    assert as_table(np.ones((3, 2), np.int64)).names == ("0", "1")
    assert as_table(one) is one
    dates = pd.date_range("2024-01-01", periods=3)
    frame = as_table(pd.DataFrame({"a": [1, 2, 3], "b": [True, False, True]}, index=dates))
    assert frame.names == ("a", "b")
    assert frame.values.tolist() == [[1, 1], [2, 0], [3, 1]]
    assert frame.time is not None
    assert frame.time[0] == np.datetime64("2024-01-01")
    assert as_table(pd.Series([1.0, NAN], name="x")).names == ("x",)
    assert as_table(pd.Series([1.0, 2.0])).time is None
    for kind in ("Int64", object):
        gap = as_table(pd.Series([1, None], dtype=kind)).values
        assert np.array_equal(gap, [[1], [NAN]], equal_nan=True)
    zone = pd.Series([1.0, 2.0], index=pd.date_range("2024-01-01", periods=2, tz="Asia/Tokyo"))
    moments = as_table(zone).time
    assert moments is not None
    assert moments[0] == np.datetime64("2023-12-31T15")
    months = pd.Series([1.0, 2.0], index=pd.period_range("2024-01", periods=2, freq="M"))
    assert step_of(as_table(months).time) == np.timedelta64(1, "M")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (["1", "x"], "holds '1', which is no number"),
        ([1.0, "雨"], "the series holds"),
        (pd.DataFrame({"a": [1.0], "天気": ["雨"]}), "column '天気' holds '雨'"),
        ([[1.0, np.inf], [2.0, 3.0]], "row 1, column '1': infinite"),
        ([1.0, -np.inf], "row 2, column 'value': infinite"),
        ([], "there are no numbers"),
        ([[1, 2], [3]], r"the series has rows of different lengths\. It is \(T,\) or \(T, F\)"),
        (pd.DataFrame({"a": []}), "there are no numbers"),
        (np.zeros((2, 2, 2)), r"got \(2, 2, 2\)"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "two columns have the same name"),
    ],
)
def test_what_a_series_cannot_be(data: Any, said: str) -> None:
    with pytest.raises(DataError, match=said):
        as_table(data)


@pytest.mark.parametrize(
    ("moments", "said"),
    [
        (("2024-01-01", "2024-01-03", "2024-01-02"), "row 3: 2024-01-02 comes after 2024-01-03"),
        (("2024-01-01", "2024-01-01", "2024-01-02"), "row 2: 2024-01-01 comes twice"),
        (("2024-01-01", "NaT", "2024-01-02"), "row 2: there is no time"),
    ],
)
def test_times_must_rise(moments: tuple[str, ...], said: str) -> None:
    with pytest.raises(DataError, match=said):
        as_table(Table(("a",), np.ones((3, 1)), times(*moments)))


# Times


def test_steps() -> None:
    assert step("15m") == np.timedelta64(15, "m")
    assert step("D") == np.timedelta64(1, "D")
    for wrong in ("", "x", "0h", "1.5h", "min"):
        with pytest.raises(ConfigurationError, match="is no step between rows"):
            step(wrong)
    assert step_of(times("2024-01-01", "2024-01-02", "2024-01-04")) is None
    assert step_of(times("2024-01-01")) is None
    assert step_of(np.array(["a", "b"])) is None
    years = times("1700", "1701", "1702", unit="Y")
    assert step_of(years) == np.timedelta64(1, "Y")


@pytest.mark.parametrize(
    ("moments", "after"),
    [
        (("2024-02-28", "2024-02-29"), ["2024-03-01", "2024-03-02"]),
        (("2024-01-01", "2024-02-01", "2024-03-01"), ["2024-04-01", "2024-05-01"]),
        (("2020-05-09", "2021-05-09", "2022-05-09"), ["2023-05-09", "2024-05-09"]),
        (("2024-01-31", "2024-02-29", "2024-03-31"), ["2024-04-30", "2024-05-31"]),
        (("2024-02-29", "2024-03-31", "2024-04-30"), ["2024-05-31", "2024-06-30"]),
        (("2022-12-30", "2023-01-30", "2023-02-28"), ["2023-03-30", "2023-04-30"]),
        (("2024-02-29", "2025-02-28"), ["2026-02-28", "2027-02-28"]),
    ],
)
def test_what_comes_next(moments: tuple[str, ...], after: list[str]) -> None:
    found = continued(times(*moments), 2)
    assert found is not None
    assert [str(moment) for moment in found] == after


@pytest.mark.parametrize(
    ("moments", "unit", "every", "wanted", "after"),
    [
        (
            ("2024-01-31", "2024-02-29", "2024-03-31", "2024-05-31", "2024-06-30"),
            *("D", "M"),
            ["2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30", "2024-05-31", "2024-06-30"],
            "2024-07-31",
        ),
        (
            ("2023-12-30", "2024-03-30"),
            *("D", "M"),
            ["2023-12-30", "2024-01-30", "2024-02-29", "2024-03-30"],
            "2024-04-30",
        ),
        (
            ("2024-01-31T09:30", "2024-03-31T09:30"),
            *("m", "M"),
            ["2024-01-31T09:30", "2024-02-29T09:30", "2024-03-31T09:30"],
            "2024-04-30T09:30",
        ),
        (("2024-02-29", "2025-02-28"), "D", "Y", ["2024-02-29", "2025-02-28"], "2026-02-28"),
        (("2023", "2024"), "Y", "6M", ["2023-01", "2023-07", "2024-01"], "2024-07"),
        (
            ("2024-01-01", "2024-01-02"),
            *("D", "12h"),
            ["2024-01-01T00", "2024-01-01T12", "2024-01-02T00"],
            "2024-01-02T12",
        ),
        (("2024-02-29",), "D", "M", ["2024-02-29"], "2024-03-31"),
    ],
)
def test_the_times_of_a_grid(
    moments: tuple[str, ...], unit: str, every: str, wanted: list[str], after: str
) -> None:
    table = Table(("a",), np.ones((len(moments), 1)), times(*moments, unit=unit))
    grid = on_grid(table, every)
    assert grid.time is not None
    assert [str(moment) for moment in grid.time] == wanted
    (found,) = continued(grid.time, 1, every)  # type: ignore[misc]
    assert str(found) == after


def test_missing_rows_become_gaps_on_a_grid() -> None:
    table = Table(
        ("a",), np.array([[1.0], [2.0], [3.0]]), times("2024-01-01", "2024-01-02", "2024-01-05")
    )
    grid = on_grid(table, "D")
    assert np.array_equal(grid["a"], [1, 2, NAN, NAN, 3], equal_nan=True)
    assert grid.time is not None
    assert [str(moment) for moment in grid.time] == [f"2024-01-0{day}" for day in range(1, 6)]
    months = Table(("a",), np.ones((2, 1)), times("2024-01-31", "2024-03-31"))
    assert np.array_equal(on_grid(months, "M")["a"], [1, NAN, 1], equal_nan=True)
    with pytest.raises(DataError, match=r"row 2: 2024-01-02 is no multiple of '2D'"):
        on_grid(table, "2D")
    with pytest.raises(DataError, match="row 2: 2024-01-02 lies in the same step of 'M'"):
        on_grid(table, "M")
    with pytest.raises(DataError, match="needs the time of each row"):
        on_grid(Table(("a",), np.ones((2, 1))), "D")
    far = Table(("a",), np.ones((2, 1)), times("1000-01-01", "2024-01-01"))
    with pytest.raises(DataError, match="take a coarser step"):
        on_grid(far, "m")


def test_the_clock_goes_round() -> None:
    hours = np.arange("2024-01-01T00", "2024-01-09T00", dtype="M8[h]")
    day, week = cycles(["day"], hours), cycles(["week"], hours)
    assert np.allclose(day[0], day[24])
    assert np.allclose(day[6], [1, 0])
    assert np.allclose(week[0], [0, 1])  # 2024-01-01 was a Monday
    assert np.allclose(week[0], week[7 * 24])
    days = times("2024-01-01", "2024-07-01", "2025-01-01")
    assert cycles(["year"], days)[1, 1] == pytest.approx(-1, abs=0.01)
    assert cycles(["day", "week", "year"], hours).shape == (192, 6)
    with pytest.raises(DataError, match="the rows have no dates"):
        cycles(["day"], None)


# Gaps


series = arrays.arrays(
    np.float64, (9, 2), elements=st.one_of(st.just(NAN), st.floats(-100, 100, width=32))
)


@given(series, st.sampled_from(["interpolate", "last"]), st.integers(1, 9))
def test_what_is_filled(values: npt.NDArray[Any], rule: Any, first: int) -> None:
    filled = fill(values, rule)
    known = np.isfinite(values)
    assert np.isfinite(filled).all()
    assert np.array_equal(filled[known], values[known])
    for column in range(2):
        own = values[known[:, column], column]
        if not len(own):
            assert (filled[:, column] == 0).all()
            continue
        assert own.min() - 1e-9 <= filled[:, column].min()
        assert filled[:, column].max() <= own.max() + 1e-9
        places = np.flatnonzero(known[:, column])
        if rule == "interpolate":
            wanted = np.interp(np.arange(9), places, own)
        else:
            before = np.searchsorted(places, np.arange(9), side="right") - 1
            wanted = own[np.maximum(before, 0)]
        assert np.allclose(filled[:, column], wanted)
    if rule == "last" and known[:first].any(axis=0).all():  # what comes later changes nothing
        assert np.array_equal(fill(values[:first], rule), filled[:first])


# Scaler


def test_scaler_by_hand_and_back() -> None:
    values = np.array([[1.0, 5.0], [3.0, 5.0], [NAN, 5.0]])
    scaler = Scaler.fit(values, ["a", "b"])
    assert scaler.mean.tolist() == [2, 5]
    assert scaler.deviation.tolist() == [1, 1]  # a constant column is not divided by nothing
    assert np.array_equal(scaler.transform(values), [[-1, 0], [1, 0], [NAN, 0]], equal_nan=True)
    assert Scaler.fit(values, ["a", "b"], "none").transform(values)[0].tolist() == [1, 5]
    again = Scaler.restore(scaler.facts())
    assert np.array_equal(again.transform(values), scaler.transform(values), equal_nan=True)
    with pytest.raises(DataError, match="column 'b' has no number among the 2 rows"):
        Scaler.fit(np.array([[1.0, NAN], [2.0, NAN]]), ["a", "b"])


def test_logarithms_are_of_targets_only() -> None:
    values = np.array([[1.0, -1.0], [np.e**2, 1.0]])
    scaler = Scaler.fit(values, ["a", "b"], "log", logarithms=1)
    assert np.allclose(scaler.transform(values), [[-1, -1], [1, 1]])
    with pytest.raises(DataError, match="row 1, column 'a': 0 has no logarithm"):
        Scaler.fit(np.array([[0.0], [1.0]]), ["a"], "log")


@given(
    arrays.arrays(np.float64, (5, 3), elements=st.floats(0.01, 1e6)),
    st.sampled_from(["standard", "log", "none"]),
)
def test_the_way_back(values: npt.NDArray[Any], scale: Any) -> None:
    scaler = Scaler.fit(values, "abc", scale)
    assert np.allclose(scaler.inverse_transform(scaler.transform(values)), values, rtol=1e-6)


# Windows


def windows(values: list[Any], columns: Columns, **options: Any) -> Windows:
    rows = np.array(values, np.float32)
    rows = rows[:, None] if rows.ndim == 1 else rows
    return Windows(part(rows, 0, len(rows)), 2, 2, columns, **options)


def test_windows_by_hand() -> None:
    own = windows([[t, 10 * t, 100 * t] for t in range(5)], Columns(1, 1, 1))
    origins = own.origins()
    assert origins.tolist() == [2, 3]
    batch = own.take(origins)
    assert batch.past.values.tolist() == [
        [[0, 0, 0], [1, 10, 100]],
        [[1, 10, 100], [2, 20, 200]],
    ]
    assert batch.future.values.tolist() == [[[20], [30]], [[30], [40]]]
    assert batch.target.tolist() == [[[2], [3]], [[3], [4]]]
    assert own.origins(stride=2).tolist() == [2]


def test_a_window_never_leaves_its_sequence() -> None:
    from jpseq.sequences import Ragged

    rows = np.arange(20, dtype=np.float32)[:, None]
    both = Windows(Ragged(rows, np.array([3, 8, 8, 10, 15], np.int64)), 2, 2, Columns(1))
    assert both.origins().tolist() == [5, 6, 12, 13]


def test_windows_of_which_nothing_is_known_are_left_out() -> None:
    own = windows([1, 2, NAN, NAN, 5, 6], Columns(1))
    assert own.origins().tolist() == [2, 3]  # before 4 nothing is known
    assert own.to_learn().tolist() == [3]  # after 2 nothing is
    assert own.take(np.array([3])).past.values.flatten().tolist() == [2, 2]


# Roles


def test_roles() -> None:
    table = Table(("a", "b", "c"), np.arange(6.0).reshape(2, 3))
    roles = Roles.of(table, None, ["c"], [], [])
    assert roles.targets == ("a", "b")
    assert roles.columns == Columns(2, 1, 0)
    assert roles.numbers(table).tolist() == [[0, 1, 2], [3, 4, 5]]
    assert Roles.of(table, "b", ["a"], ["c"], []).numbers(table).tolist() == [[1, 0, 2], [4, 3, 5]]
    with pytest.raises(DataError, match=r"no column 'A'. Did you mean|no column 'A'. The columns"):
        Roles.of(table, "A", [], [], [])
    with pytest.raises(ConfigurationError, match="no column left"):
        Roles.of(table, None, ["a", "b"], ["c"], [])
