"""Columns of any units → numbers around 0, and back."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from jpseq.errors import DataError

Scale = Literal["standard", "log", "none"]
Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Scaler:
    """(x - mean) / deviation of each column, or of its logarithm.

    Fit it on what is learnt from and on nothing after it: the mean of a future is knowledge of it.

    >>> scaler = Scaler.fit(np.array([[1.0], [3.0], [np.nan]]), names=["rain"])
    >>> scaler.transform(np.array([[3.0]])), scaler.inverse_transform(np.array([[-1.0]]))
    (array([[1.]]), array([[1.]]))
    """

    mean: Numbers
    """(F,)"""
    deviation: Numbers
    """(F,) 1 where a column is constant."""
    log: npt.NDArray[np.bool_]
    """(F,) whether the logarithm is taken first."""

    @classmethod
    def fit(
        cls,
        values: Numbers,
        names: Sequence[str],
        scale: Scale = "standard",
        logarithms: int | None = None,
    ) -> "Scaler":
        """Mean and deviation of each column, gaps left out.

        Args:
            values: (T, F) with nan where there is a gap.
            names: of the columns, for errors.
            scale: "standard"; "log" takes logarithms of the first columns before; "none" leaves all
                as it is.
            logarithms: how many columns that is; None for all.

        Raises:
            DataError: a column has no number, or one that has no logarithm.
        """
        empty = ~np.isfinite(values).any(axis=0)
        if empty.any():
            raise DataError(
                f"column {names[int(empty.argmax())]!r} has no number among the {len(values):,}"
                " rows that are learnt from."
            )
        width = values.shape[1]
        log = np.zeros(width, bool)
        if scale == "log":
            log[: width if logarithms is None else logarithms] = True
        bare = cls(np.zeros(width), np.ones(width), log)
        if scale == "none":
            return bare
        numbers = bare.transform(values, names)
        mean, deviation = np.nanmean(numbers, axis=0), np.nanstd(numbers, axis=0)
        # What rounding leaves of a constant column is no deviation.
        constant = deviation <= 1e-12 * np.maximum(1, np.abs(mean))
        return cls(mean, np.where(constant, 1.0, deviation), log)

    def transform(self, values: Numbers, names: Sequence[str] = (), before: int = 0) -> Numbers:
        """(T, F) → (T, F).

        Args:
            values: nan where there is a gap.
            names: of the columns, for errors.
            before: rows of the series that stand before these, and are counted in errors.

        Raises:
            DataError: a number has no logarithm.
        """
        numbers = np.array(values, np.float64)
        bad = (numbers <= 0) & self.log
        if bad.any():
            row, column = (int(place) for place in np.argwhere(bad)[0])
            name = names[column] if column < len(names) else str(column)
            raise DataError(
                f"row {before + row + 1:,}, column {name!r}: {numbers[row, column]:g} has no"
                ' logarithm. Take scaler="standard".'
            )
        numbers[:, self.log] = np.log(numbers[:, self.log])
        return (numbers - self.mean) / self.deviation

    def inverse_transform(self, values: npt.NDArray[Any]) -> Numbers:
        """(..., C) → (..., C): the way back, of the first C columns."""
        width = values.shape[-1]
        unscaled = values * self.deviation[:width] + self.mean[:width]
        log = self.log[:width]
        unscaled[..., log] = np.exp(unscaled[..., log])
        return np.asarray(unscaled, np.float64)

    def facts(self) -> dict[str, list[float]]:
        """As JSON, exactly."""
        return {
            "mean": self.mean.tolist(),
            "deviation": self.deviation.tolist(),
            "log": self.log.tolist(),
        }

    @classmethod
    def restore(cls, facts: dict[str, list[float]]) -> "Scaler":
        """Back from `facts`."""
        return cls(
            np.array(facts["mean"], np.float64),
            np.array(facts["deviation"], np.float64),
            np.array(facts["log"], bool),
        )
