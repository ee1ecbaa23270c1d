"""Backtests: forecasts from many origins of a test part, each with what was known then.

The model is not trained again on the way (a rolling origin without refit; Tashman 2000).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from jpseq.corpora.table import Table
from jpseq.errors import ConfigurationError
from jpseq.forecasting.baselines import drift, naive, seasonal_naive
from jpseq.forecasting.forecaster import Forecaster
from jpseq.forecasting.season import find_season
from jpseq.forecasting.tables import pick

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Backtest:
    """Forecasts of one column from N origins, H steps each, beside the naive ones."""

    name: str
    """Of the column."""
    origins: npt.NDArray[np.int64]
    """(N,) the rows of the first step foreseen."""
    model: Numbers
    """(N, H)"""
    truth: Numbers
    """(N, H) what came; nan where nothing did."""
    baselines: Mapping[str, Numbers]
    """(N, H) each: "naive", "drift", and "seasonal naive" where there is a season."""
    values: Numbers
    """(T,) the whole column."""
    begin: int
    """The first row of the test part; MASE is scaled by what is before it."""
    stride: int
    season: int | None
    """Of the seasonal naive forecast, in steps."""
    low: Numbers | None = None
    high: Numbers | None = None
    """(N, H) bounds of an interval that should hold a share `level`."""
    level: float | None = None
    time: npt.NDArray[Any] | None = None
    """(T,) when the rows are."""

    @property
    def learnt(self) -> Numbers:
        """The column before the test part."""
        return self.values[: self.begin]


def backtest(
    forecaster: Forecaster,
    data: Any,
    test: int,
    *,
    stride: int = 1,
    season: int | None = None,
    level: float | None = None,
) -> list[Backtest]:
    """Forecasts over the last `test` rows of a series.

    Args:
        forecaster: it has learnt from rows before the test part only.
        data: the series, with the test part at its end.
        test: rows of the test part; every forecast lies in it whole.
        stride: rows from one origin to the next.
        season: of the seasonal naive forecast; read off the rows before the test part where left
            out, and then there may be none.
        level: the share that intervals should hold; None for no intervals.

    Returns:
        one for each target.

    Raises:
        ConfigurationError: the forecaster has seen rows of the test part; stride or season is not
            allowed.
        DataError: the test part is shorter than the horizon, or there is too little before it.
    """
    if stride < 1 or (season is not None and season < 1):
        raise ConfigurationError("stride and season: 1 at least.")
    forecaster.trained()
    windows, origins, table = forecaster.rolling(data, test, stride)
    begin = len(table) - test
    _check_unseen(forecaster, table, begin)
    forecaster.check_test(len(table), test, season)
    values, bounds = forecaster.foresee(windows, origins, level)
    horizon = forecaster.horizon
    targets = pick(table, forecaster.facts["targets"])  # (T, C)
    truth = targets[origins[:, None] + np.arange(horizon)]  # (N, H, C)
    found = []
    for place, name in enumerate(forecaster.facts["targets"]):
        column = targets[:, place : place + 1]  # (T, 1)
        length = season or find_season(column[:begin, 0])
        baselines = {
            "naive": naive(column, origins, horizon)[..., 0],
            "drift": drift(column, origins, horizon)[..., 0],
        }
        if length is not None:
            baselines["seasonal naive"] = seasonal_naive(column, origins, horizon, length)[..., 0]
        low, high = (None, None) if bounds is None else (side[..., place] for side in bounds)
        found.append(
            Backtest(
                name,
                origins,
                values[..., place],
                truth[..., place],
                baselines,
                column[:, 0],
                begin,
                stride,
                length,
                low,
                high,
                level,
                table.time,
            )
        )
    return found


def _check_unseen(forecaster: Forecaster, table: Table, begin: int) -> None:
    until = forecaster.facts.get("until")
    if until is None or table.time is None or table.time.dtype.kind != "M":
        return
    if np.datetime64(until) >= table.time[begin]:
        raise ConfigurationError(
            f"the forecaster has learnt from rows until {until}, and the test part begins at"
            f" {table.time[begin]}: it would be tested on what it knows. Train it on the rows"
            " before the test part."
        )
