"""The pictures of the forecast commands."""

from pathlib import Path

import numpy as np

from jpseq import plots
from jpseq.cli.notes import note
from jpseq.corpora.table import Table
from jpseq.forecasting.backtest import Backtest
from jpseq.forecasting.baselines import naive, seasonal_naive
from jpseq.forecasting.forecast import Forecast
from jpseq.forecasting.forecaster import Forecaster
from jpseq.forecasting.season import find_season

SHOWN = 5
"""Horizons of history in a picture."""


def draw_forecast(
    forecaster: Forecaster, table: Table, found: Forecast, season: int | None, path: Path
) -> None:
    """A series and its forecast, beside naive ones."""
    name = found.names[0]
    column, origin, steps = table[name][:, None], np.array([len(table)]), len(found)
    lines = {"naive": naive(column, origin, steps)[0, :, 0]}
    length = season or find_season(column[:, 0])
    if length is not None and length <= len(column):
        lines["seasonal naive"] = seasonal_naive(column, origin, steps, length)[0, :, 0]
    shown = max(SHOWN * steps, forecaster.window)
    time = None if found.time is None or table.time is None else (table.time[-shown:], found.time)
    figure = plots.forecast(
        column[-shown:, 0],
        found.values[:, 0],
        low=None if found.low is None else found.low[:, 0],
        high=None if found.high is None else found.high[:, 0],
        level=found.level,
        baselines=lines,
        time=time,
        title=f"{name} の予測",
        name=name,
    )
    plots.save(figure, path)
    note(f"written to {path}")


def draw_backtest(backtest: Backtest, path: Path) -> None:
    """The last forecast of a backtest, with what came."""
    origin, steps = int(backtest.origins[-1]), backtest.truth.shape[1]
    begin = max(0, origin - SHOWN * steps)
    time = None
    if backtest.time is not None:
        time = backtest.time[begin:origin], backtest.time[origin : origin + steps]
    figure = plots.forecast(
        backtest.values[begin:origin],
        backtest.model[-1],
        low=None if backtest.low is None else backtest.low[-1],
        high=None if backtest.high is None else backtest.high[-1],
        level=backtest.level,
        baselines={name: line[-1] for name, line in backtest.baselines.items() if name != "drift"},
        truth=backtest.truth[-1],
        time=time,
        title=f"{backtest.name} の予測と実際",
        name=backtest.name,
    )
    plots.save(figure, path)
    note(f"written to {path}")
