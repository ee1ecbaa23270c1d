"""Several forecasting networks, heard together."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from jpseq.network.direct import Direct
from jpseq.network.heads import Head
from jpseq.network.recursive import Recursive
from jpseq.network.window import Window


class Committee(nn.Module):
    """The mean forecast of networks that differ in their first weights.

    What each has learnt by chance averages out (Hansen & Salamon 1990).

    Args:
        networks: with the same head.
        errors: (N, H, C) absolute errors on a block that was not learnt from, in the units of the
            scaled series, for conformal intervals; -1 where nothing came. None for no such block.
    """

    errors: Tensor | None

    def __init__(
        self, networks: Sequence[Direct | Recursive], errors: Tensor | None = None
    ) -> None:
        super().__init__()
        self.networks = nn.ModuleList(networks)
        self.head: Head = networks[0].head
        self.register_buffer("errors", errors)

    @torch.no_grad()
    def forecast(self, window: Window) -> Tensor:
        """(B, H, C, P) what the head says of each value."""
        said = [network.forecast(window) for network in self.networks]  # type: ignore[operator]
        return self.head.together(torch.stack(said)) if len(said) > 1 else said[0]
