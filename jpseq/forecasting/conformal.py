"""Split-conformal intervals: as wide as the errors on a block that was not learnt from.

For each step of the horizon the interval is the forecast ± a quantile of the absolute errors there
(Lei et al. 2018, section 2.2). Were those errors and the ones to come drawn alike, it would hold at
least the wanted share. Times series change, so that here it is what is aimed at and not a
guarantee; a backtest says what was reached.
"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from jpseq.errors import ConfigurationError


def half_widths(errors: npt.NDArray[Any], level: float) -> npt.NDArray[np.float64]:
    """(N, H, C) absolute errors → (H, C) the ceil((n + 1) level)-th smallest of each step.

    >>> half_widths(np.arange(1.0, 10.0).reshape(9, 1, 1), 0.8)
    array([[8.]])

    Args:
        errors: nan where nothing came; n counts the others.
        level: the share that the interval should hold.

    Raises:
        ConfigurationError: there are too few errors for this level.
    """
    counts = np.isfinite(errors).sum(axis=0)
    rank = np.array([[math.ceil(round((n + 1) * level, 9)) for n in row] for row in counts], int)
    if (rank > counts).any() or not counts.size:
        least = math.ceil(round(level / (1 - level), 9))
        raise ConfigurationError(
            f"an interval of {level:g} needs {least:,} errors of each step, and the calibration"
            f" block has {int(counts.min(initial=0)):,}. Calibrate on a longer block, or take a"
            " lower level."
        )
    ordered = np.sort(np.asarray(errors, np.float64), axis=0)  # nan come last
    return np.asarray(np.take_along_axis(ordered, rank[None] - 1, axis=0)[0])
