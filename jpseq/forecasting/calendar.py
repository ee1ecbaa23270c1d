"""What the clock says of a step, as covariates that are known of every step to come."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from jpseq.errors import DataError

Cycle = Literal["day", "week", "year"]


def cycles(names: Sequence[Cycle], time: npt.NDArray[Any] | None) -> npt.NDArray[np.float64]:
    """(T, 2 n) sine and cosine of the place in the day, the week and the year.

    So the last hour of a day is next to the first one.

    Raises:
        DataError: there are no times.
    """
    if not names:
        return np.zeros((0 if time is None else len(time), 0))
    if time is None or time.dtype.kind != "M":
        raise DataError(
            "calendar: the rows have no dates. Name the column of the time, or leave calendar out."
        )
    columns = []
    for name in names:
        phase = 2 * np.pi * _phase(name, time)
        columns += [np.sin(phase), np.cos(phase)]
    return np.stack(columns, axis=1)


def _phase(name: Cycle, time: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    day = time.astype("M8[D]")
    within = (time.astype("M8[s]") - day.astype("M8[s]")).astype(np.float64) / 86_400
    if name == "day":
        return np.asarray(within)
    if name == "week":  # 1970-01-01 was a Thursday
        return np.asarray(((day.astype(np.int64) + 3) % 7 + within) / 7)
    year = day.astype("M8[Y]").astype("M8[D]")
    return np.asarray(((day - year).astype(np.float64) + within) / 365.25)
