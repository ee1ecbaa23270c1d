"""The one type every network takes and gives: padded sequences with their lengths.

Padding happens here and nowhere else.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from jpseq.errors import DataError
from jpseq.sequences import Ragged


@dataclass(frozen=True)
class Batch:
    """Sequences side by side, batch first.

    >>> batch = Batch.from_ragged(Ragged.from_sequences([[5, 6, 7], [8]]))
    >>> batch.values
    tensor([[5, 6, 7],
            [8, 0, 0]])
    >>> batch.mask
    tensor([[ True,  True,  True],
            [ True, False, False]])

    A batch of dialogues is flat: its B sequences are the utterances of all dialogues in turn, and
    `turns` says how many belong to each.

    Args:
        values: (B, T) int64 ids or (B, T, F) floating-point features.
        lengths: (B,) int64 steps of each sequence; what follows them is padding.
        turns: (D,) int64 utterances of each dialogue, with sum B; None for no dialogues.

    Raises:
        DataError: the shapes do not fit together.
    """

    values: Tensor
    lengths: Tensor
    turns: Tensor | None = None

    def __post_init__(self) -> None:
        if self.values.dim() not in (2, 3) or self.lengths.shape != self.values.shape[:1]:
            raise DataError(
                "a batch needs values (B, T) or (B, T, F) and lengths (B,), got"
                f" {tuple(self.values.shape)} and {tuple(self.lengths.shape)}."
            )

    @classmethod
    def from_ragged(cls, ragged: Ragged, device: torch.device | str = "cpu") -> "Batch":
        """Pad all sequences of a Ragged with zeros; its groups become turns."""
        lengths = ragged.lengths
        longest = int(lengths.max(initial=0))
        flat = ragged.values[ragged.offsets[0] : ragged.offsets[-1]]
        dtype = np.int64 if flat.ndim == 1 else np.float32
        values = np.zeros((len(ragged), longest, *flat.shape[1:]), dtype)
        values[np.arange(longest) < lengths[:, None]] = flat
        turns = None if ragged.groups is None else torch.from_numpy(np.diff(ragged.groups))
        return cls(torch.from_numpy(values), torch.from_numpy(lengths), turns).to(device)

    def to_ragged(self) -> Ragged:
        """Back without the padding."""
        lengths = self.lengths.cpu().numpy()
        values = self.values.detach().cpu().numpy()[self.mask.cpu().numpy()]
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        groups = None
        if self.turns is not None:
            groups = np.concatenate([[0], np.cumsum(self.turns.cpu().numpy())]).astype(np.int64)
        return Ragged(values.astype(np.int32 if values.ndim == 1 else np.float32), offsets, groups)

    @property
    def mask(self) -> Tensor:
        """(B, T) bool: True where there is a step, False where there is padding."""
        steps = torch.arange(self.values.shape[1], device=self.values.device)
        return steps < self.lengths.to(self.values.device)[:, None]

    def replace(self, values: Tensor) -> "Batch":
        """The same sequences with other values, as a layer gives them."""
        return Batch(values, self.lengths, self.turns)

    def to(self, device: torch.device | str, **options: Any) -> "Batch":
        """The same batch on a device (lengths and turns too)."""
        turns = None if self.turns is None else self.turns.to(device, **options)
        return Batch(self.values.to(device, **options), self.lengths.to(device, **options), turns)

    def __len__(self) -> int:
        return len(self.lengths)


def moved(batches: Any, device: torch.device | str) -> Any:
    """A named tuple of batches and tensors, on a device; a part may be None."""
    return type(batches)(*(None if part is None else part.to(device) for part in batches))


def content(batches: Any) -> bytes:
    """The numbers in a named tuple of batches and tensors, so that two can be told apart."""
    if isinstance(batches, Batch):
        return content((batches.values, batches.lengths, batches.turns))
    if isinstance(batches, Tensor):
        return batches.numpy().tobytes()
    if isinstance(batches, tuple | list):
        return b"".join(map(content, batches))
    return repr(batches).encode()
