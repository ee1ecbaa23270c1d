"""How much a head of attention looks at steps so far before or behind: what it knows of order."""

import torch
from torch import Tensor, nn


class DistanceBias(nn.Module):
    """For each head and each distance a learnt number that is added to attention's scores, the
    same in all layers (Raffel et al. 2020, section 2.1; without buckets).

    Attention alone does not know what stands where. With learnt vectors for positions it has to
    find out first that neighbours matter, which takes it longer than all the rest. So the heads
    begin with looking near, as far as their slopes let them (Press et al. 2022), one to the right,
    the next one to the left and so on; all of that may change as they learn.

    Args:
        heads: of attention.
        longest: steps of a sequence at most.
    """

    def __init__(self, heads: int, longest: int) -> None:
        super().__init__()
        self.longest = longest
        distance = torch.arange(1 - longest, longest).float()  # of the step looked at, to the right
        head = torch.arange(heads)[:, None]
        slope = 0.5 * 4.0 ** -(head // 2)
        behind = torch.where(head % 2 == 0, distance < 0, distance > 0)
        self.bias = nn.Parameter(-slope * distance.abs() - _BEHIND * behind)

    def forward(self, steps: int) -> Tensor:
        """(heads, steps, steps) what is added to the score of each step (row) for each (column)."""
        step = torch.arange(steps, device=self.bias.device)
        return self.bias[:, step - step[:, None] + self.longest - 1]


_BEHIND = 2.0
"""What a score has less at the beginning on the side that a head does not look to."""
