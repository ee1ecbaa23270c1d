"""Which column of a series is what, and a table's numbers in that order."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from jpseq.corpora.table import Table
from jpseq.errors import ConfigurationError, DataError
from jpseq.forecasting.calendar import Cycle, cycles
from jpseq.forecasting.tables import as_table, is_pandas, pick
from jpseq.forecasting.times import other_than
from jpseq.forecasting.windows import Columns

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Roles:
    """The columns by their roles; numbers are in this order: targets, known, calendar, past."""

    targets: tuple[str, ...]
    """What is foreseen."""
    known: tuple[str, ...] = ()
    """What is known of steps to come, too."""
    past: tuple[str, ...] = ()
    """What is known of steps gone by only."""
    calendar: tuple[Cycle, ...] = ()
    """What the clock says, known of steps to come, too."""

    @classmethod
    def of(
        cls,
        table: Table,
        target: str | Sequence[str] | None,
        known: Sequence[str],
        past: Sequence[str],
        calendar: Sequence[Cycle],
    ) -> "Roles":
        """The roles in a table, in which a target of None is all that is named nowhere else.

        Raises:
            DataError: there is no such column.
            ConfigurationError: there is nothing left to foresee.
        """
        targets = [target] if isinstance(target, str) else list(target or ())
        if target is None:
            targets = [name for name in table.names if name not in (*known, *past)]
        pick(table, [*targets, *known, *past])
        if not targets:
            raise ConfigurationError("there is no column left to foresee.")
        return cls(tuple(targets), tuple(known), tuple(past), tuple(calendar))

    @property
    def columns(self) -> Columns:
        """How many there are of each."""
        return Columns(len(self.targets), len(self.known) + 2 * len(self.calendar), len(self.past))

    @property
    def names(self) -> tuple[str, ...]:
        """(F,) of all columns."""
        clock = [f"{part} of the {name}" for name in self.calendar for part in ("sine", "cosine")]
        return (*self.targets, *self.known, *clock, *self.past)

    def numbers(self, table: Table) -> Numbers:
        """(T, F) of a table.

        Raises:
            DataError: it lacks a column, or has no dates and there is a calendar.
        """
        clock = np.zeros((len(table), 0))
        if self.calendar:
            clock = cycles(self.calendar, table.time)
        first = pick(table, [*self.targets, *self.known])
        return np.concatenate([first, clock, pick(table, self.past)], axis=1)

    def future(
        self,
        given: Any,
        steps: int,
        time: npt.NDArray[Any] | None,
        every: str | None = None,
    ) -> Numbers:
        """(steps, F) of the steps to come: nan but for what is known of them.

        Args:
            given: the known columns of the steps to come, in any form that a series has; an array
                has them in their order.
            time: (steps,) when they are; None where nobody can tell.
            every: the step between rows, where it is known.

        Raises:
            DataError: what must be known is missing, or is of other times.
        """
        rows = np.full((steps, len(self.names)), np.nan)
        begin, end = len(self.targets), len(self.targets) + len(self.known)
        if self.known:
            rows[:, begin:end] = self._known(given, steps, time, every)
        if self.calendar:
            if time is None:
                raise DataError(
                    "calendar: the rows have no times equally far apart, so that nobody knows those"
                    ' of the steps to come. Name the step: every="D".'
                )
            rows[:, end : end + 2 * len(self.calendar)] = cycles(self.calendar, time)
        return rows

    def _known(
        self, given: Any, steps: int, time: npt.NDArray[Any] | None, every: str | None
    ) -> Numbers:
        if given is None:
            raise DataError(
                f"{', '.join(self.known)} must be known of the {steps} steps to come: give"
                " future=, --future FILE."
            )
        table = as_table(given)
        if not isinstance(given, Table) and not is_pandas(given):
            if len(table.names) != len(self.known):
                raise DataError(
                    f"future: {len(self.known)} columns are wanted ({', '.join(self.known)}), got"
                    f" {len(table.names)}."
                )
            table = Table(self.known, table.values)
        found = pick(table, self.known)[:steps]
        if len(found) < steps:
            raise DataError(f"future: {steps} rows are wanted, got {len(found)}.")
        if time is not None and table.time is not None:
            row = other_than(table.time[:steps], time, every)
            if row is not None:
                raise DataError(
                    f"future: row {row + 1} is of {table.time[row]}, but that step is"
                    f" {time[row]}. Give a row for each step from {time[0]} to {time[-1]}."
                )
        gaps = np.argwhere(np.isnan(found))
        if len(gaps):
            row, column = gaps[0]
            raise DataError(f"future: row {row + 1}, column {self.known[column]!r}: missing.")
        return found
