"""Errors of forecasts, by hand."""

import math

import numpy as np
import pytest

from jpseq.errors import DataError
from jpseq.evaluation.forecasts import (
    ForecastScore,
    coverage,
    errors,
    mae,
    mase,
    mse,
    naive_error,
    pinball,
    rmse,
    smape,
)

FORECAST = np.array([[1.0, 2.0], [4.0, 8.0]])
TRUTH = np.array([[2.0, 2.0], [1.0, np.nan]])


def test_what_did_not_come_does_not_count() -> None:
    assert mae(FORECAST, TRUTH) == pytest.approx(4 / 3)
    assert mse(FORECAST, TRUTH) == pytest.approx(10 / 3)
    assert rmse(FORECAST, TRUTH) == pytest.approx(math.sqrt(10 / 3))
    assert smape(FORECAST, TRUTH) == pytest.approx(200 * (1 / 3 + 0 + 3 / 5) / 3)


def test_mase() -> None:
    learnt = [1.0, 3.0, 2.0, 6.0, np.nan, 7.0]
    assert naive_error(learnt) == pytest.approx((2 + 1 + 4) / 3)
    assert naive_error(learnt, 2) == pytest.approx((1 + 3 + 1) / 3)
    assert mase(FORECAST, TRUTH, 0.5) == pytest.approx(8 / 3)
    assert math.isnan(naive_error([4.0, 4.0, 4.0]))
    assert math.isnan(naive_error([4.0]))


def test_pinball_of_the_median_is_half_the_absolute_error() -> None:
    assert pinball(FORECAST, TRUTH, 0.5) == pytest.approx(mae(FORECAST, TRUTH) / 2)
    assert pinball([[0.0]], [[1.0]], 0.9) == pytest.approx(0.9)
    assert pinball([[1.0]], [[0.0]], 0.9) == pytest.approx(0.1)


def test_coverage_counts_the_bounds() -> None:
    low, high = np.zeros((1, 4)), np.ones((1, 4))
    assert coverage(low, high, np.array([[0.0, 1.0, 1.1, np.nan]])) == pytest.approx(2 / 3)


def test_what_cannot_be_measured() -> None:
    with pytest.raises(DataError, match=r"forecasts are \(2, 2\), and what came is \(1, 2\)"):
        errors(FORECAST, TRUTH[:1])
    with pytest.raises(DataError, match="all of it is missing"):
        errors(FORECAST, np.full((2, 2), np.nan))
    with pytest.raises(DataError, match="no number"):
        errors(np.full((2, 2), np.nan), FORECAST)


def test_a_score_says_how_it_was_measured() -> None:
    assert str(ForecastScore("MASE", 0.12345, "data:x|m=1")) == "MASE 0.1235 (data:x|m=1)"
