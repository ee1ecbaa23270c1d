"""Naive forecasts, seasons, conformal intervals, and the report that says who wins."""

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jpseq.errors import ConfigurationError
from jpseq.forecasting.backtest import Backtest
from jpseq.forecasting.baselines import drift, naive, seasonal_naive
from jpseq.forecasting.conformal import half_widths
from jpseq.forecasting.report import report, skill
from jpseq.forecasting.season import find_season

NAN = np.nan


def column(*values: float) -> Any:
    return np.array(values)[:, None]


# Naive forecasts


def test_naive_forecasts_by_hand() -> None:
    own, origins = column(1, 2, 4, 8, 16, 32), np.array([3, 5])
    assert naive(own, origins, 2)[..., 0].tolist() == [[4, 4], [16, 16]]
    assert drift(own, origins, 2)[..., 0].tolist() == [[5.5, 7], [19.75, 23.5]]
    assert seasonal_naive(own, origins, 3, 2)[..., 0].tolist() == [[2, 4, 2], [8, 16, 8]]


def test_naive_forecasts_over_gaps() -> None:
    own, origin = column(NAN, 2, 4, NAN, NAN), np.array([5])
    assert naive(own, origin, 1).item() == 4
    # From 2 at step 1 to 4, which still stands at step 4: two thirds a step.
    assert drift(own, origin, 3)[0, :, 0] == pytest.approx([4 + 2 / 3, 4 + 4 / 3, 6])
    assert seasonal_naive(column(1, 2, 3, NAN), np.array([4]), 2, 2)[0, :, 0].tolist() == [3, 2]
    assert seasonal_naive(column(1, NAN, 3, NAN), np.array([4]), 2, 2)[0, :, 0].tolist() == [3, 3]


@given(st.lists(st.floats(-9, 9) | st.just(NAN), min_size=8, max_size=8), st.integers(1, 3))
def test_naive_forecasts_know_no_future(values: list[float], season: int) -> None:
    own, origins = column(1.0, 2.0, *values), np.array([3, 6])
    other = own.copy()
    other[6:] = 100
    for made in (
        lambda v: naive(v, origins, 3),
        lambda v: drift(v, origins, 3),
        lambda v: seasonal_naive(v, origins, 3, season),
    ):
        assert np.array_equal(made(own), made(other))


def test_seasons() -> None:
    t = np.arange(300)
    wave = np.sin(2 * np.pi * t / 24)
    noise = np.random.default_rng(0).normal(size=300)
    assert find_season(wave + 0.5 * noise) == 24
    assert find_season(wave + 0.05 * t + 7) == 24
    gaps = wave.copy()
    gaps[::7] = NAN
    assert find_season(gaps) == 24
    assert find_season(noise) is None
    assert find_season(noise.cumsum()) is None
    for nothing in ([1.0], [2.0] * 50, [NAN] * 50, list(range(50))):
        assert find_season(np.array(nothing, float)) is None


# Conformal intervals


def test_half_widths_by_hand() -> None:
    errors = np.array([[[3.0]], [[1.0]], [[2.0]], [[NAN]]])
    assert half_widths(errors, 0.5).item() == 2  # ceil(4 * .5) = 2nd of three
    assert half_widths(errors, 0.75).item() == 3
    with pytest.raises(ConfigurationError, match=r"an interval of 0\.9 needs 9 errors"):
        half_widths(errors, 0.9)


def test_conformal_intervals_hold_what_they_should_where_errors_are_drawn_alike() -> None:
    draw = np.random.default_rng(0)
    held = []
    for _ in range(400):
        width = half_widths(np.abs(draw.normal(size=(19, 1, 1))), 0.8).item()
        held.append((np.abs(draw.normal(size=100)) <= width).mean())
    assert 0.79 < np.mean(held) < 0.83  # at least .8, and at most .8 + 1 / 20


# Reports


def made(model: Any, truth: Any, **options: Any) -> Backtest:
    truth = np.asarray(truth, float)
    baselines = {"naive": np.zeros_like(truth), "drift": np.full_like(truth, 50.0)}
    learnt = np.array([0.0, 2.0, 0.0, 2.0])
    return Backtest(
        "a",
        4 + np.arange(len(truth)),
        np.asarray(model, float),
        truth,
        baselines,
        np.concatenate([learnt, truth[:, 0]]),
        4,
        1,
        None,
        **options,
    )


def test_a_report_by_hand() -> None:
    found = report(made(np.full((20, 2), 3.0), np.full((20, 2), 4.0)), "toy")
    assert [score.value for score in found.rows["model"]] == pytest.approx([0.5, 1, 1, 200 / 7])
    assert [score.value for score in found.rows["naive"]] == pytest.approx([2, 4, 4, 200])
    assert found.skill.baseline == "naive"
    assert found.skill.value == found.skill.low == found.skill.high == 0.75
    signature = found.rows["model"][0].signature
    assert signature == (
        "data:toy|target:a|horizon:2|origins:20|stride:1|refit:no|season:none"
        "|MASE:m=1, rows before the test part"
    )
    lines = str(found).splitlines()
    assert lines[0].split() == ["a", "MASE", "MAE", "RMSE", "sMAPE"]
    assert [line.split()[0] for line in lines[1:4]] == ["model", "naive", "drift"]
    assert lines[-1].startswith("The model wins: its MAE is 75.0% below that of naive")
    facts = json.loads(json.dumps(found.facts()))
    assert facts["winner"] == "model"
    assert facts["scores"]["naive"]["MAE"] == 4


def test_it_says_plainly_who_wins() -> None:
    draw = np.random.default_rng(0)
    truth = draw.normal(size=(50, 3))
    worse = skill(made(truth + 5, truth))
    assert worse.winner == "naive"
    assert str(worse).startswith("The model loses: ")
    assert str(worse).endswith("Use naive.")
    same = skill(made(draw.normal(size=(50, 3)) / 10, truth))
    assert same.winner is None
    assert str(same).startswith("Neither wins: the model's MAE is ")
    little = skill(made(np.full((9, 2), 0.05), np.full((9, 2), 10.0)))
    assert (little.value, little.winner) == (pytest.approx(0.005), None)
    assert "0.5% below that of naive, the best naive forecast, and that is next to" in str(little)
    perfect = skill(made(truth, np.zeros_like(truth)))
    assert perfect.value == -math.inf  # the naive forecast has no error at all
    assert perfect.winner == "naive"
    both = skill(made(np.zeros((5, 2)), np.zeros((5, 2))))
    assert (both.value, both.winner) == (0, None)


def test_a_constant_series_has_no_mase() -> None:
    own = made(np.ones((9, 2)), np.ones((9, 2)))
    own = Backtest(**{**own.__dict__, "values": np.ones(13)})
    found = report(own)
    assert math.isnan(found.rows["model"][0].value)
    assert str(found).splitlines()[1].split()[1] == "-"
    assert found.facts()["scores"]["model"]["MASE"] is None


def test_intervals_are_measured() -> None:
    truth = np.array([[1.0, 2.0], [3.0, 4.0]])
    own = made(truth, truth, low=truth - [[0, 0], [0, 3]], high=truth - [[0, 0], [0, 1]], level=0.8)
    coverage, low, high = report(own).intervals
    assert (coverage.name, coverage.value, coverage.signature) == ("coverage", 0.75, "wanted:0.8")
    assert low.value == pytest.approx(0.1 * 3 / 4)
    assert high.value == pytest.approx(0.9 * 1 / 4)
    assert low.signature == "quantile:0.1"
