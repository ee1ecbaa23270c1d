"""What is foreseen, with its times and its interval."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from jpseq.corpora.table import Table

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Forecast:
    """H steps of C columns."""

    names: tuple[str, ...]
    values: Numbers
    """(H, C) the point forecast."""
    time: npt.NDArray[Any] | None = None
    """(H,) when they are; None where the rows of the series had no times equally far apart."""
    low: Numbers | None = None
    high: Numbers | None = None
    """(H, C) the interval that should hold a share `level` of what comes; None where not asked."""
    level: float | None = None

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, name: str) -> Numbers:
        """(H,) the point forecast of one column."""
        return self.values[:, self.names.index(name)]

    def table(self) -> Table:
        """The same as columns: NAME, and with an interval NAME_low and NAME_high."""
        names, columns = list(self.names), [self.values]
        for suffix, bound in (("low", self.low), ("high", self.high)):
            if bound is not None:
                names += [f"{name}_{suffix}" for name in self.names]
                columns.append(bound)
        return Table(tuple(names), np.concatenate(columns, axis=1), self.time)


def as_pandas(forecast: Forecast, data: Any) -> Any:
    """A Series where a Series was given and no interval is asked for, else a DataFrame.

    Its index goes on where that of the data ends, if one can tell how; else it counts from 1.
    """
    import pandas as pd

    table = forecast.table()
    frame = pd.DataFrame(table.values, _index(data.index, forecast), list(table.names))
    if data.ndim == 1 and forecast.low is None:
        return frame.iloc[:, 0].rename(data.name)
    return frame


def _index(index: Any, forecast: Forecast) -> Any:
    import pandas as pd

    horizon = len(forecast)
    if isinstance(index, pd.PeriodIndex):
        return pd.period_range(index[-1] + 1, periods=horizon, freq=index.freq, name=index.name)
    if isinstance(index, pd.DatetimeIndex):
        frequency = index.freq or (pd.infer_freq(index) if len(index) > 2 else None)
        if frequency is not None:
            moments = pd.date_range(index[-1], periods=horizon + 1, freq=frequency)
            return moments[1:].rename(index.name)
        if forecast.time is not None:
            moments = pd.DatetimeIndex(forecast.time, name=index.name)
            return moments if index.tz is None else moments.tz_localize("UTC").tz_convert(index.tz)
    elif pd.api.types.is_integer_dtype(index.dtype) and len(index) > 1:
        step = index[1] - index[0]
        if step and (np.diff(index) == step).all():
            first = index[-1] + step
            return pd.RangeIndex(first, first + horizon * step, step, name=index.name)
    return pd.RangeIndex(1, horizon + 1)
