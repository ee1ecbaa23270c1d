"""Series → windows, each with the steps that follow it, as batches."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from jpseq.batch import Batch
from jpseq.forecasting.missing import Missing, fill
from jpseq.network.window import Window
from jpseq.sequences import Ragged
from jpseq.training.stream import Stream

Origins = npt.NDArray[np.int64]
"""Places in the values of a Ragged: the first step that is foreseen."""


class Columns(NamedTuple):
    """How many columns of a series are what; they stand in this order."""

    targets: int
    """What is foreseen."""
    known: int = 0
    """What is known of steps to come, too."""
    past: int = 0
    """What is known of steps gone by only."""


class Windows:
    """All windows of series, at every origin where there are enough steps before and after it.

    A window never reaches over the end of its sequence. So whoever is given a part of a series
    sees nothing that comes after it, whatever it does.

    Args:
        series: sequences (T, targets + known + past); nan where there is a gap.
        window: W steps that are read.
        horizon: H steps that follow.
        columns: which columns are what.
        missing: how gaps in what is read are filled.
    """

    def __init__(
        self,
        series: Ragged,
        window: int,
        horizon: int,
        columns: Columns,
        missing: Missing = "interpolate",
    ) -> None:
        self.series = series
        self.window = window
        self.horizon = horizon
        self.columns = columns
        self.missing: Missing = missing

    def origins(self, stride: int = 1) -> Origins:
        """(N,) every stride-th origin whose window knows each target at one step at least."""
        found = [
            np.arange(begin + self.window, end - self.horizon + 1, stride)
            for begin, end in zip(self.series.offsets[:-1], self.series.offsets[1:], strict=True)
        ]
        places = np.concatenate([np.zeros(0, np.int64), *found])
        return places[self._known(places - self.window, places)]

    def to_learn(self) -> Origins:
        """(N,) the origins that are followed by one known target at least."""
        places = self.origins()
        return places[self._known(places, places + self.horizon)]

    def take(self, origins: Origins) -> Window:
        """The windows at some origins."""
        targets, known, _ = self.columns
        read = (origins - self.window)[:, None] + np.arange(self.window)  # (N, W)
        ahead = origins[:, None] + np.arange(self.horizon)  # (N, H)
        after = self.series.values[ahead]  # (N, H, F)
        return Window(
            _batch(fill(self.series.values[read], self.missing)),
            _batch(fill(after[..., targets : targets + known], "last")),
            torch.from_numpy(np.ascontiguousarray(after[..., :targets])),
        )

    def stream(self, origins: Origins, batch: int, shuffle: bool, seed: int = 0) -> Stream[Window]:
        """Batches of so many windows."""
        lengths = np.full(len(origins), self.window + self.horizon)
        return Stream(
            lengths,
            lambda rows: self.take(origins[rows]),
            batch * (self.window + self.horizon),
            shuffle,
            seed,
        )

    def _known(self, begin: Origins, end: Origins) -> npt.NDArray[np.bool_]:
        """(N,) whether each target is known somewhere from begin to end."""
        known = np.isfinite(self.series.values[:, : self.columns.targets])
        counts = np.concatenate([np.zeros((1, known.shape[1]), np.int64), known.cumsum(axis=0)])
        return np.asarray((counts[end] > counts[begin]).all(axis=1))


def _batch(values: npt.NDArray[np.floating[Any]]) -> Batch:
    tensor = torch.from_numpy(np.ascontiguousarray(values, np.float32))
    return Batch(tensor, torch.full((len(tensor),), tensor.shape[1]))


def part(values: npt.NDArray[np.float32], begin: int, end: int) -> Ragged:
    """Rows begin to end as one sequence (a view)."""
    return Ragged(values, np.array([max(begin, 0), end], np.int64))
