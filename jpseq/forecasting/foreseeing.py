"""The part of a forecaster that foresees: the last rows of a series in, those after them out."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from jpseq.corpora.table import Table
from jpseq.errors import ConfigurationError, DataError
from jpseq.forecasting.conformal import half_widths
from jpseq.forecasting.forecast import Forecast, as_pandas
from jpseq.forecasting.missing import check as check_missing
from jpseq.forecasting.roles import Roles
from jpseq.forecasting.scaler import Scaler
from jpseq.forecasting.tables import VALUE, as_table, is_pandas
from jpseq.forecasting.times import continued, on_grid
from jpseq.forecasting.windows import Origins, Windows, part
from jpseq.model import Model
from jpseq.network.heads import Gaussian, Head, Point, Quantiles

AT_ONCE = 256
"""Windows that are foreseen from at once."""
Numbers = npt.NDArray[np.float64]


class Foreseeing(Model):
    """A model that foresees; what it learns and how is the business of its subclass."""

    # Parameters; the subclass's constructor says what they mean.
    horizon: int
    window: int
    known: Sequence[str]
    past: Sequence[str]
    calendar: Sequence[str]
    every: str | None
    strategy: str
    output: str
    quantiles: Sequence[float]
    loss: str
    missing: str

    def forecast(
        self,
        history: Any,
        *,
        horizon: int | None = None,
        future: Any = None,
        level: float | None = None,
    ) -> Any:
        """The steps after the end of a series: a Forecast, or, for what pandas has, the same.

        Arguments are as with `predict`.
        """
        found = self.predict(history, horizon=horizon, future=future, level=level)
        return as_pandas(found, history) if is_pandas(history) else found

    def predict(
        self,
        history: Any,
        *,
        horizon: int | None = None,
        future: Any = None,
        level: float | None = None,
    ) -> Forecast:
        """The steps after the end of a series.

        Args:
            history: the series until now, in the form it was learnt in; its last `window` rows are
                read.
            horizon: steps to foresee; that of the training where left out. A direct network has
                no more.
            future: the columns `known`, of the steps to come; times, where it has some, are those
                of these steps.
            level: the share that intervals should hold, for instance .9: conformal ones where it
                was calibrated, else those of the output.

        Raises:
            NotFittedError: it has learnt nothing.
            DataError: history is too short, or is not what was learnt from; future is missing,
                or of other times.
            ConfigurationError: the horizon or the level cannot be had.
        """
        self.trained()
        steps = self._checked_horizon(horizon)
        table = self._table(history)
        if len(table) < self.window:
            raise DataError(
                f"the history has {len(table):,} rows, and a window of {self.window:,} is read."
            )
        time = continued(table.time, steps, self.every)
        before = len(table) - self.window
        last = Table(
            table.names,
            table.values[before:],
            None if table.time is None else table.time[before:],
        )
        roles = self.roles
        ahead = roles.future(future, steps, time, self.every)
        rows = np.concatenate([self._numbers(last, before), ahead])
        scaled = single(self._scaler.transform(rows, roles.names, before), roles.names, before)
        windows = self._windows(scaled, 0, horizon=steps)
        origins = windows.origins()
        if not len(origins):
            raise DataError(f"nothing is known of a target in the last {self.window:,} rows.")
        found, bounds = self.foresee(windows, origins, level)
        low, high = (None, None) if bounds is None else (bounds[0][0], bounds[1][0])
        return Forecast(roles.targets, found[0], time, low, high, level)

    def rolling(self, data: Any, test: int, stride: int = 1) -> tuple[Windows, Origins, Table]:
        """The windows whose future lies in the last `test` rows of a series, each stride-th.

        Raises:
            DataError: the test part is shorter than the horizon, or there is too little before it.
        """
        table = self._table(data)
        self.check_test(len(table), test)
        begin = len(table) - test
        values = self._scaler.transform(self._numbers(table), self.roles.names)
        windows = self._windows(single(values, self.roles.names), begin - self.window)
        return windows, windows.origins(stride), table

    def foresee(
        self, windows: Windows, origins: Origins, level: float | None = None
    ) -> tuple[Numbers, tuple[Numbers, Numbers] | None]:
        """(N, H, C) forecasts from (N,) origins, and with a level their lower and upper bounds."""
        parameters = self._parameters(windows, origins)
        point = self.trained().head.point(parameters)
        bounds = None if level is None else self._bounds(parameters, point, level)
        back = self._scaler.inverse_transform
        if bounds is not None:
            low, high = (back(bound.double().numpy()) for bound in bounds)
            return back(point.double().numpy()), (low, high)
        return back(point.double().numpy()), None

    def check_level(self, level: float, calibrated: bool) -> None:
        """See that intervals can be had, before anything is trained for them.

        Raises:
            ConfigurationError: neither a calibration nor the output gives this one.
        """
        if not 0 < level < 1:
            raise ConfigurationError(f"level: a share between 0 and 1, got {level:g}.")
        head = self._head()
        if not calibrated and head.interval(torch.ones(1, head.size), level) is None:
            raise ConfigurationError(
                f"an interval of {level:g} is not known. Calibrate one: fit(...,"
                ' calibration=ROWS), --calibration ROWS; or take output="gaussian", or'
                f' output="quantile" with {(1 - level) / 2:g} and {(1 + level) / 2:g} among the'
                " quantiles."
            )

    def check_test(self, rows: int, test: int, season: int | None = None) -> None:
        """See that a test part can be measured on, before anything is trained for it.

        Args:
            rows: of the series, the test part among them.
            test: rows of the test part.
            season: of the seasonal naive forecast, if it is given.

        Raises:
            DataError: the test part is shorter than the horizon, or there is too little before it.
            ConfigurationError: the season is longer than what is before the test part.
        """
        if test < self.horizon:
            raise DataError(
                f"a test part of {test:,} rows is shorter than the horizon, {self.horizon:,}. Take"
                " more rows for it (test=, --test), or a shorter horizon."
            )
        begin = rows - test
        if begin < self.window:
            raise DataError(
                f"{rows:,} rows are too few: the test part has {test:,}, and a window of"
                f" {self.window:,} is read before it."
            )
        if season is not None and season > begin:
            raise ConfigurationError(
                f"season: {season:,}, but there are {begin:,} rows before the test part."
            )

    def _bounds(
        self, parameters: torch.Tensor, point: torch.Tensor, level: float
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """(N, H, C, P) and the point forecasts (N, H, C) → lower and upper bounds, (N, H, C) each.

        Scaled, as the network has them.
        """
        committee, steps = self.trained(), point.shape[1]
        self.check_level(level, committee.errors is not None)
        if committee.errors is not None:
            if steps > committee.errors.shape[1]:
                raise ConfigurationError(
                    f"intervals are calibrated for {committee.errors.shape[1]:,} steps, not for"
                    f" {steps:,}."
                )
            errors = committee.errors[:, :steps].double().numpy()
            width = half_widths(np.where(errors < 0, np.nan, errors), level)
            return point - torch.from_numpy(width), point + torch.from_numpy(width)
        bounds: tuple[torch.Tensor, torch.Tensor] = committee.head.interval(parameters, level)
        return bounds

    def _parameters(self, windows: Windows, origins: Origins) -> torch.Tensor:
        """(N, H, C, P) what the head says of each of C targets at each of H steps from N origins.

        P numbers for each value: one, or the quantiles, or mean and deviation; see
        jpseq.network.heads.
        """
        committee = self.trained()
        cuts = range(0, len(origins), AT_ONCE)
        return torch.cat([committee.forecast(windows.take(origins[i : i + AT_ONCE])) for i in cuts])

    def _checked_horizon(self, horizon: int | None) -> int:
        steps = self.horizon if horizon is None else horizon
        if steps < 1:
            raise ConfigurationError(f"horizon: 1 step at least, got {steps}.")
        if steps != self.horizon and self.strategy == "direct":
            raise ConfigurationError(
                f"horizon: {steps}, but a direct network was trained for {self.horizon}. Train one"
                ' for it, or one with strategy="recursive", which can go on.'
            )
        return steps

    # Tables → windows

    def _table(self, data: Any) -> Table:
        table = as_table(data)
        names = self.roles.names if self.facts else ()
        if table.names == (VALUE,) and len(names) == 1:  # one column without a name is that one
            table = Table(names, table.values, table.time)
        return table if self.every is None else on_grid(table, self.every)

    def _numbers(self, table: Table, before: int = 0) -> Numbers:
        """(T, F) of a table, by their roles, with nothing missing where nothing may be.

        `before` rows of the series stand before those of the table.
        """
        numbers = self.roles.numbers(table)
        check_missing(self.missing, numbers, self.roles.names, before)  # type: ignore[arg-type]
        return numbers

    @property
    def roles(self) -> Roles:
        """Which columns of what was learnt from are what."""
        targets, known, past = (tuple(self.facts[role]) for role in ("targets", "known", "past"))
        return Roles(targets, known, past, tuple(self.calendar))  # type: ignore[arg-type]

    @property
    def _scaler(self) -> Scaler:
        return Scaler.restore(self.facts["scaler"])

    def _windows(
        self,
        values: npt.NDArray[np.float32],
        begin: int,
        end: int | None = None,
        horizon: int | None = None,
    ) -> Windows:
        rows = part(values, begin, len(values) if end is None else end)
        steps = self.horizon if horizon is None else horizon
        return Windows(rows, self.window, steps, self.roles.columns, self.missing)  # type: ignore[arg-type]

    def _head(self) -> Head:
        if self.output == "quantile":
            return Quantiles(self.quantiles)
        return Gaussian() if self.output == "gaussian" else Point(self.loss)  # type: ignore[arg-type]


def single(values: Numbers, names: Sequence[str], before: int = 0) -> npt.NDArray[np.float32]:
    """Scaled values (T, F) in the precision of the network.

    Args:
        values: nan where there is a gap.
        names: of the columns, for errors.
        before: rows of the series that stand before these, and are counted in errors.

    Raises:
        DataError: one is too large for it.
    """
    with np.errstate(over="ignore"):
        single = values.astype(np.float32)
    large = np.argwhere(np.isinf(single))
    if len(large):
        row, column = large[0]
        raise DataError(
            f"row {before + row + 1:,}, column {names[column]!r}: {values[row, column]:.2g} is too"
            ' large a number for a network. Take scaler="standard", or "log".'
        )
    return single
