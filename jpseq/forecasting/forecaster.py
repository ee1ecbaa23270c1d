"""A forecaster that learns from series of numbers: what was, and what will be."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import torch

from jpseq.corpora.table import Table
from jpseq.errors import ConfigurationError, DataError, ModelError
from jpseq.forecasting.configuration import ForecasterConfiguration
from jpseq.forecasting.conformal import half_widths
from jpseq.forecasting.forecast import Forecast, as_pandas
from jpseq.forecasting.missing import check as check_missing
from jpseq.forecasting.roles import Roles
from jpseq.forecasting.scaler import Scaler
from jpseq.forecasting.tables import VALUE, as_table, is_pandas
from jpseq.forecasting.times import continued, on_grid
from jpseq.forecasting.windows import Origins, Windows, part
from jpseq.model import Model
from jpseq.network.committee import Committee
from jpseq.network.direct import Direct
from jpseq.network.heads import Gaussian, Head, Point, Quantiles
from jpseq.network.recursive import Recursive
from jpseq.training.configuration import TrainingConfiguration
from jpseq.vocabulary import Vocabulary

LOG = logging.getLogger("jpseq.forecasting")

AT_ONCE = 256
"""Windows that are foreseen from at once."""
Numbers = npt.NDArray[np.float64]


class Forecaster(Model):
    """A recurrent network that reads a window of a series and foresees the steps after it.

    Args:
        horizon: steps to foresee.
        window: steps that are read.
        target: the column to foresee, or several; None for all that are named nowhere else.
        known: columns whose future is known, for instance holidays.
        past: columns that help and whose future is not known.
        calendar: what the clock says of each step, known beforehand, too: "day" (the place in the
            day), "week", "year".
        every: the step between rows, as "h" or "15m" or "D": rows that are missing become gaps.
            None takes rows to be equally far apart, whatever their times say.
        strategy: "direct" foresees all steps at once, "recursive" one after another, reading what
            it has foreseen; it can go on beyond the horizon it was trained with.
        output: "point"; "quantile", with the quantiles below; or "gaussian".
        quantiles: rising, with .5 among them.
        loss: of a point forecast: "mae" makes it the median, "mse" the mean.
        level: what of each window is taken away before it is read and given back afterwards:
            "last" (its last value), "mean", "standard" (its mean, and its deviation is divided by)
            or "none". It matters more than the cell.
        scaler: "standard" (mean 0, deviation 1 in what is learnt from), "log" (the same of the
            targets' logarithms) or "none".
        missing: how a gap in a window is filled: "interpolate", "last", or "error"; see
            jpseq.forecasting.missing. What is missing in the future is never learnt.
        cell: "rnn", "lstm", "gru" or "peephole".
        hidden: features of the state.
        layers: recurrent layers on one another.
        dropout: share of features dropped while training.
        linear: whether a linear map goes past the recurrent layers, see Direct and Recursive.
        seeds: networks to train, whose forecasts are averaged.
        epochs: how often the windows are gone through.
        batch: windows in a step of training.
        learning_rate: of the first step, falling to zero with the last.
        training: more settings of the training, by their names in TrainingConfiguration.
        seed: of the first weights and of the order of batches; the next network has the next one.
    """

    name: ClassVar[str] = "forecaster"

    def __init__(
        self,
        horizon: int = 12,
        window: int = 48,
        target: str | Sequence[str] | None = None,
        known: Sequence[str] = (),
        past: Sequence[str] = (),
        calendar: Sequence[str] = (),
        every: str | None = None,
        strategy: str = "direct",
        output: str = "point",
        quantiles: Sequence[float] = (0.05, 0.25, 0.5, 0.75, 0.95),
        loss: str = "mae",
        level: str = "last",
        scaler: str = "standard",
        missing: str = "interpolate",
        cell: str = "lstm",
        hidden: int = 64,
        layers: int = 1,
        dropout: float = 0.0,
        linear: bool = True,
        seeds: int = 1,
        epochs: int = 30,
        batch: int = 32,
        learning_rate: float = 3e-3,
        training: dict[str, Any] | None = None,
        seed: int = 0,
    ) -> None:
        self.horizon = horizon
        self.window = window
        self.target = target
        self.known = known
        self.past = past
        self.calendar = calendar
        self.every = every
        self.strategy = strategy
        self.output = output
        self.quantiles = quantiles
        self.loss = loss
        self.level = level
        self.scaler = scaler
        self.missing = missing
        self.cell = cell
        self.hidden = hidden
        self.layers = layers
        self.dropout = dropout
        self.linear = linear
        self.seeds = seeds
        self.epochs = epochs
        self.batch = batch
        self.learning_rate = learning_rate
        self.training = training
        self.seed = seed
        self.metrics: Mapping[str, str] = {}
        self.facts = {}

    # Learning

    def fit(
        self,
        data: Any,
        title: str = "training",
        *,
        validation: int = 0,
        calibration: int = 0,
        run: Path | str | None = None,
        resume: bool = False,
    ) -> Self:
        """Learn from a series: (T,) or (T, F) numbers, a Table, or what pandas has.

        The rows are used in their order: the last `calibration` rows for intervals, those before
        them for validation, and all before that are learnt from. The scaler is fitted on these
        alone. After Ctrl-C `completed` is False and what was learnt until then is kept.

        Args:
            data: the series; nan are gaps.
            title: what stands before the progress bar.
            validation: rows to measure the loss on after each epoch; training ends with the
                weights of the best one.
            calibration: rows whose errors make conformal intervals, see
                jpseq.forecasting.conformal.
            run, resume: a folder for checkpoints and logs, and whether to go on in it; see
                jpseq.training.fit.fit. Each network has its own folder in it.

        Raises:
            ConfigurationError: a parameter is not allowed.
            DataError: the series is not numbers, or too short; see as_table.
            TrainingError: the loss is no longer finite.
        """
        from jpseq.training.fit import evaluate as evaluate_loss
        from jpseq.training.fit import fit

        self.check()
        self.facts = {}
        table = self._table(data)
        roles = Roles.of(table, self.target, self.known, self.past, self.calendar)  # type: ignore[arg-type]
        self.facts = {"targets": roles.targets, "known": roles.known, "past": roles.past}
        if self.calendar:  # what cannot be forecast with need not be learnt
            Roles(("",), calendar=roles.calendar).future(None, 1, continued(table.time, 1))
        learnt = len(table) - validation - calibration
        self._check_length(len(table), learnt, validation, calibration)
        numbers = self._numbers(table)
        kind: Any = self.scaler
        scaler = Scaler.fit(numbers[:learnt], roles.names, kind, len(roles.targets))
        self.facts = {
            **self.facts,
            "scaler": scaler.facts(),
            "errors": 0,
            "networks": 0,
            "until": None if table.time is None else str(table.time[-1]),
        }
        values = _single(scaler.transform(numbers, roles.names), roles.names)
        windows = self._windows(values, 0, learnt)
        origins = windows.to_learn()
        if not len(origins):
            raise DataError(
                "no window can be learnt from: in each, nothing is known of a target, or of what"
                " comes after it."
            )
        held_out, judged = None, np.zeros(0, np.int64)
        if validation:
            held_out = self._windows(values, learnt - self.window, learnt + validation)
            judged = held_out.to_learn()
        networks = []
        self.completed = True
        for number in range(self.seeds):
            seed = self.seed + number
            torch.manual_seed(seed)
            network = self._network()
            measure = None
            if held_out is not None and len(judged):
                stream = held_out.stream(judged, AT_ONCE, shuffle=False)
                measure = _measure(network, stream, evaluate_loss)
            networks.append(network)
            self.network = Committee(networks)
            self.facts = {**self.facts, "networks": len(networks)}
            done = fit(
                network,
                windows.stream(origins, self.batch, shuffle=True, seed=seed),
                measure=measure,
                run=None if run is None else Path(run) / f"seed-{seed}",
                resume=resume,
                title=title if self.seeds == 1 else f"{title} {number + 1}/{self.seeds}",
                **self._settings(),
            )
            if not done:
                self.completed = False
                break
        if calibration:
            self._calibrate(self._windows(values, len(values) - calibration - self.window))
        self.trained().eval()
        return self

    def check(self) -> None:
        """See that all parameters are allowed.

        Raises:
            ConfigurationError: names every one that is not.
        """
        ForecasterConfiguration.check(self.get_params(deep=False)).check_together()
        self._settings()

    def build(self) -> Committee:
        count = self.facts["errors"]
        errors = torch.zeros(count, self.horizon, len(self.facts["targets"])) if count else None
        return Committee([self._network() for _ in range(self.facts["networks"])], errors)

    def _network(self) -> Direct | Recursive:
        targets, known, past = self.roles.columns
        options: dict[str, Any] = {
            "head": self._head(),
            "cell": self.cell,
            "hidden_size": self.hidden,
            "layers": self.layers,
            "dropout": self.dropout,
            "level": self.level,
            "linear": self.linear,
        }
        if self.strategy == "recursive":
            return Recursive(targets, known, **options)
        return Direct(self.horizon, self.window, targets, known, past, **options)

    def _head(self) -> Head:
        if self.output == "quantile":
            return Quantiles(self.quantiles)
        return Gaussian() if self.output == "gaussian" else Point(self.loss)  # type: ignore[arg-type]

    def _settings(self) -> dict[str, Any]:
        return TrainingConfiguration.settings(
            self.training, "forecaster", epochs=self.epochs, learning_rate=self.learning_rate
        )

    def _calibrate(self, windows: Windows) -> None:
        origins = windows.to_learn()
        said = self._said(windows, origins)
        committee = self.trained()
        came = windows.take(origins).target
        errors = (committee.head.point(said) - came).abs()
        committee.errors = torch.where(torch.isfinite(errors), errors, torch.tensor(-1.0))
        self.facts = {**self.facts, "errors": len(origins)}

    # Forecasting

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
            future: the columns `known`, of the steps to come.
            level: the share that intervals should hold, for instance .9: conformal ones where it
                was calibrated, else those of the output.

        Raises:
            NotFittedError: it has learnt nothing.
            DataError: history is too short, or is not what was learnt from; future is missing.
            ConfigurationError: the horizon or the level cannot be had.
        """
        self.trained()
        steps = self._checked_horizon(horizon)
        table = self._table(history)
        if len(table) < self.window:
            raise DataError(
                f"the history has {len(table):,} rows, and a window of {self.window:,} is read."
            )
        time = continued(table.time, steps)
        last = Table(
            table.names,
            table.values[-self.window :],
            None if table.time is None else table.time[-self.window :],
        )
        roles = self.roles
        rows = np.concatenate([self._numbers(last), roles.future(future, steps, time)])
        values = self._scaler.transform(rows, roles.names)
        windows = self._windows(_single(values, roles.names), 0, horizon=steps)
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
        begin = len(table) - test
        if test < self.horizon:
            raise DataError(
                f"a test part of {test:,} rows is shorter than the horizon, {self.horizon:,}."
            )
        if begin < self.window:
            raise DataError(
                f"{len(table):,} rows are too few: the test part has {test:,}, and a window of"
                f" {self.window:,} is read before it."
            )
        values = self._scaler.transform(self._numbers(table), self.roles.names)
        windows = self._windows(_single(values, self.roles.names), begin - self.window)
        return windows, windows.origins(stride), table

    def foresee(
        self, windows: Windows, origins: Origins, level: float | None = None
    ) -> tuple[Numbers, tuple[Numbers, Numbers] | None]:
        """(N, H, C) forecasts from some origins, and with a level their lower and upper bounds."""
        said = self._said(windows, origins)
        committee = self.trained()
        point = committee.head.point(said)
        bounds = None if level is None else self._bounds(said, point, level)
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

    def _bounds(
        self, said: torch.Tensor, point: torch.Tensor, level: float
    ) -> tuple[torch.Tensor, torch.Tensor]:
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
        bounds: tuple[torch.Tensor, torch.Tensor] = committee.head.interval(said, level)
        return bounds

    def _said(self, windows: Windows, origins: Origins) -> torch.Tensor:
        """(N, H, C, P)"""
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

    def _numbers(self, table: Table) -> Numbers:
        """(T, F) of a table, by their roles, with nothing missing where nothing may be."""
        numbers = self.roles.numbers(table)
        check_missing(self.missing, numbers, self.roles.names)  # type: ignore[arg-type]
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

    def _check_length(self, rows: int, learnt: int, validation: int, calibration: int) -> None:
        for name, block in (("validation", validation), ("calibration", calibration)):
            if block < 0 or 0 < block < self.horizon:
                raise ConfigurationError(
                    f"{name}: {block} rows; it needs {self.horizon} at least, the horizon, or none."
                )
        least = self.window + self.horizon
        if learnt < least:
            without = validation + calibration
            raise DataError(
                f"{max(learnt, 0):,} rows to learn from"
                + f" ({rows:,} without {without:,} for validation and calibration)" * bool(without)
                + f" are too few: a window of {self.window:,} and a horizon of {self.horizon:,}"
                f" need {least:,}, and many more to learn well. Take a shorter window or horizon,"
                " or more rows."
            )

    # The folder

    @property
    def vocabularies(self) -> dict[str, Vocabulary]:
        return {}

    def restore(self, vocabularies: dict[str, Vocabulary]) -> None:
        self.check()

    def load_weights(self, path: Path) -> None:
        try:
            scaler = self._scaler
            sound = sum(self.roles.columns) == len(scaler.mean) == len(scaler.deviation)
        except (KeyError, TypeError, ValueError):
            sound = False
        if not sound:
            raise ModelError(
                f"{path.with_name('model.json')}: what it says of the series is damaged. Copy the"
                " model folder again, or train it again."
            )
        super().load_weights(path)

    def card(self) -> str:
        measured = "".join(f"- {name}: {figure}\n" for name, figure in self.metrics.items())
        targets = ", ".join(self.facts["targets"])
        until = self.facts.get("until")
        return (
            "# A jpseq forecaster\n\n"
            f"It foresees {targets}, {self.horizon} steps ({self.strategy}), from a window of"
            f" {self.window}: {self.facts['networks']} network(s), {self.cell}, {self.hidden}"
            f" features, output {self.output}."
            f"{f' It has seen the series until {until}.' if until else ''} It goes on as what it"
            " has learnt from did, and knows nothing of the world.\n\n"
            f"## Metrics\n\n{measured or 'None were taken.' + chr(10)}\n"
            "## Use\n\n```\njpseq forecast run SERIES.csv --model THIS_FOLDER\n```\n\n"
            "```python\nfrom jpseq import Forecaster\n\n"
            'forecaster = Forecaster.load("THIS_FOLDER")\n```\n'
        )


def _measure(network: Any, stream: Any, evaluate_loss: Any) -> Any:
    return lambda: {"validation": evaluate_loss(network, stream)[0]}


def _single(values: Numbers, names: Sequence[str]) -> npt.NDArray[np.float32]:
    """Scaled values in the precision of the network.

    Raises:
        DataError: one is too large for it.
    """
    with np.errstate(over="ignore"):
        single = values.astype(np.float32)
    large = np.argwhere(np.isinf(single))
    if len(large):
        row, column = large[0]
        raise DataError(
            f"row {row + 1:,}, column {names[column]!r}: {values[row, column]:.2g} is too large a"
            ' number for a network. Take scaler="standard", or "log".'
        )
    return single
