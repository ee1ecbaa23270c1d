"""Processes that learn the same vectors, each from its share of the text.

Each has all weights and learns from every n-th piece, and now and then they meet: what a row has
changed by is averaged over the processes in which it has changed. So a row that only one of them
has met takes its whole step, and a frequent one, which all have moved the same way, is not moved n
times as far; with sums in place of means four processes diverge. (Averages at intervals: McDonald
et al. 2010, section 3; of word vectors Ji et al. 2016, section 3.4.)

They meet after a million words of each, and at least fifty times in an epoch: less often costs more
loss than it saves time. A meeting costs what all weights take, (V + V + B) D float32, sent and
received twice by a ring.
"""

from collections.abc import Iterator

import numpy as np

from jpseq.embedding.hogwild import Matrix, Weights
from jpseq.training.processes import rank, start, world_size

PIECES, MEETINGS = 20, 50
"""A process learns from so many pieces, a million words, between two meetings at most; and so many
meetings are in an epoch at least, as far as there are pieces."""
_ROWS = 65_536  # exchanged at a time


def rounds(pieces: int) -> Iterator[range]:
    """The pieces of this process, from one meeting to the next: as many rounds for each process.

    >>> list(rounds(50))
    [range(0, 50)]
    """
    processes = world_size()
    if processes == 1:
        yield range(pieces)
        return
    step = processes * max(1, min(PIECES, pieces // (MEETINGS * processes)))
    for first in range(0, pieces, step):
        yield range(first + rank(), min(first + step, pieces), processes)


class Meeting:
    """What processes have agreed upon, to which they add what they have learnt since.

    Args:
        weights: as all have them at the beginning.
    """

    def __init__(self, weights: Weights) -> None:
        self.weights = weights
        self.alone = world_size() == 1
        if not self.alone:
            start()
            self.agreed = [layer.copy() for layer in weights.all]

    def meet(self) -> None:
        """Wait for all others, if there are any; then the weights of all are the same."""
        if self.alone:
            return
        for layer, agreed in zip(self.weights.all, self.agreed, strict=True):
            for first in range(0, len(layer), _ROWS):
                rows = slice(first, first + _ROWS)
                agreed[rows] += _mean_change(layer[rows] - agreed[rows])
                layer[rows] = agreed[rows]


def _mean_change(change: Matrix) -> Matrix:
    """(N, D) by how much rows have changed here → the mean over processes in which they have."""
    import torch

    changed = torch.from_numpy((change != 0).any(1).astype(np.float32))
    summed = torch.from_numpy(np.ascontiguousarray(change))
    for tensor in (changed, summed):
        torch.distributed.all_reduce(tensor)
    return (summed / changed.clamp(min=1)[:, None]).numpy()
