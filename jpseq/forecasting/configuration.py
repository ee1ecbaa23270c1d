"""What the parameters of a Forecaster may be."""

from typing import Annotated, Any, Literal

from pydantic import Field

from jpseq.configuration import Configuration
from jpseq.errors import ConfigurationError
from jpseq.forecasting.times import step

Positive = Annotated[int, Field(ge=1)]
Level = Annotated[float, Field(gt=0, lt=1)]
Names = list[str] | tuple[str, ...]
Cycle = Literal["day", "week", "year"]


class ForecasterConfiguration(Configuration):
    """What the parameters of a Forecaster may be."""

    horizon: Positive
    window: Positive
    target: str | Names | None
    known: Names
    past: Names
    calendar: list[Cycle] | tuple[Cycle, ...]
    every: str | None
    strategy: Literal["direct", "recursive"]
    output: Literal["point", "quantile", "gaussian"]
    quantiles: list[Level] | tuple[Level, ...]
    loss: Literal["mae", "mse"]
    level: Literal["last", "mean", "standard", "none"]
    scaler: Literal["standard", "log", "none"]
    missing: Literal["interpolate", "last", "error"]
    cell: Literal["rnn", "lstm", "gru", "peephole"]
    hidden: Positive
    layers: Positive
    dropout: Annotated[float, Field(ge=0, lt=1)]
    linear: bool
    seeds: Positive
    epochs: Positive
    batch: Positive
    learning_rate: Annotated[float, Field(gt=0, lt=1)]
    training: dict[str, Any] | None
    seed: Annotated[int, Field(ge=0, lt=2**62)]

    def check_together(self) -> None:
        """See that they fit one another.

        Raises:
            ConfigurationError: names what does not.
        """
        targets = [self.target] if isinstance(self.target, str) else list(self.target or ())
        named = [*targets, *self.known, *self.past]
        if self.target is not None and not targets:
            raise ConfigurationError("target: no column is named; name one, or leave it out.")
        if twice := {name for name in named if named.count(name) > 1}:
            raise ConfigurationError(
                f"{', '.join(sorted(twice))}: a column is a target, known beforehand (known) or not"
                " (past), and stands once."
            )
        if self.strategy == "recursive" and self.past:
            raise ConfigurationError(
                f"past: a recursive network reads on beyond what is known, where {self.past[0]!r}"
                ' has no values. Take strategy="direct", make it a target, or, where it is known'
                " beforehand, name it in known."
            )
        if self.strategy == "recursive" and self.output == "quantile":
            raise ConfigurationError(
                "quantiles are not of a path that could be read again: take"
                ' strategy="direct", or output="gaussian".'
            )
        if self.output == "quantile":
            levels = list(self.quantiles)
            if levels != sorted(set(levels)) or 0.5 not in levels:
                raise ConfigurationError(
                    f"quantiles: rising levels with 0.5 among them, which is the point forecast;"
                    f" got {levels}."
                )
        if self.every is not None:
            step(self.every)
