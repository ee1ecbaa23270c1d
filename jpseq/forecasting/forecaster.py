"""A forecaster that learns from series of numbers: what was, and what will be."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch

from jpseq.errors import ConfigurationError, DataError, ModelError
from jpseq.forecasting.configuration import ForecasterConfiguration
from jpseq.forecasting.foreseeing import AT_ONCE, Foreseeing, single
from jpseq.forecasting.roles import Roles
from jpseq.forecasting.scaler import Scaler
from jpseq.forecasting.times import continued
from jpseq.forecasting.windows import Windows
from jpseq.network.committee import Committee
from jpseq.network.direct import Direct
from jpseq.network.recursive import Recursive
from jpseq.training.configuration import TrainingConfiguration
from jpseq.vocabulary import Vocabulary


class Forecaster(Foreseeing):
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
            ConfigurationError: a parameter, or validation or calibration, is not allowed.
            DataError: the series is not numbers, or too short; see as_table.
            TrainingError: the loss is no longer finite.
        """
        from jpseq.training.fit import evaluate as evaluate_loss
        from jpseq.training.fit import fit

        self.check()
        self._check_parts(validation=validation, calibration=calibration)
        self.facts, self.metrics = {}, {}
        table = self._table(data)
        roles = Roles.of(table, self.target, self.known, self.past, self.calendar)  # type: ignore[arg-type]
        self.facts = {"targets": roles.targets, "known": roles.known, "past": roles.past}
        if self.calendar:  # what cannot be forecast with need not be learnt
            time = continued(table.time, 1, self.every)
            Roles(("",), calendar=roles.calendar).future(None, 1, time)
        learnt = len(table) - validation - calibration
        self._check_length(len(table), learnt)
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
        values = single(scaler.transform(numbers, roles.names), roles.names)
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

    def _settings(self) -> dict[str, Any]:
        return TrainingConfiguration.settings(
            self.training, "forecaster", epochs=self.epochs, learning_rate=self.learning_rate
        )

    def _calibrate(self, windows: Windows) -> None:
        origins = windows.to_learn()
        committee = self.trained()
        point = committee.head.point(self._parameters(windows, origins))
        errors = (point - windows.take(origins).target).abs()  # (N, H, C)
        committee.errors = torch.where(torch.isfinite(errors), errors, torch.tensor(-1.0))
        self.facts = {**self.facts, "errors": len(origins)}

    def _check_parts(self, **parts: int) -> None:
        for name, rows in parts.items():
            if not isinstance(rows, int | np.integer) or (rows and rows < self.horizon):
                raise ConfigurationError(
                    f"{name}: {rows} rows; it needs {self.horizon} at least, the horizon, or none"
                    " (0), and a whole number."
                )

    def _check_length(self, rows: int, learnt: int) -> None:
        least = self.window + self.horizon
        if learnt < least:
            without = rows - learnt
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
