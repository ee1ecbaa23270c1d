"""What a forecasting network reads: a stretch of series, and what is known of the steps after."""

from typing import NamedTuple

from torch import Tensor

from jpseq.batch import Batch


class Window(NamedTuple):
    """Stretches of W steps, each with the H steps that follow it.

    C columns are foreseen (targets), K are known beforehand and P are not.
    """

    past: Batch
    """(B, W, C + K + P): targets, then what is known of the future, then the rest; no gaps."""
    future: Batch
    """(B, H, K): what is known of the steps to come, for instance the hour."""
    target: Tensor
    """(B, H, C): what came; nan where nobody knows, which is never learnt."""
