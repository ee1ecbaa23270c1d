"""A Transformer encoder over a Batch: every step looks at all steps of its sequence."""

from contextlib import nullcontext

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from jpseq.batch import Batch
from jpseq.errors import ConfigurationError, DataError
from jpseq.network.distance_bias import DistanceBias
from jpseq.network.dropout import Dropout


class Transformer(nn.Module):
    """Self-attention layers (Vaswani et al. 2017) that know how far apart steps are (DistanceBias).

    Each layer normalises what it reads and not what it writes, and the last outputs are normalised:
    then it learns with few steps of warm-up, or none (Xiong et al. 2020).

    A sequence gives the same outputs in a padded batch as alone, but for rounding.

    Args:
        input_size: features of a step; others than hidden_size are projected.
        hidden_size: features of the outputs, and between the layers.
        layers: how many stand on one another.
        heads: of attention; they share the features, so hidden_size is a multiple of them.
        longest: steps of a sequence at most.
        dropout: share of features, and of attention weights, dropped while training.

    Raises:
        ConfigurationError: hidden_size is no multiple of heads.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        layers: int,
        heads: int,
        longest: int,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if hidden_size % heads:
            raise ConfigurationError(
                f"hidden is {hidden_size}, and must be a multiple of heads, {heads}."
            )
        self.output_size = hidden_size
        self.projection = (
            nn.Identity() if input_size == hidden_size else nn.Linear(input_size, hidden_size)
        )
        self.distances = DistanceBias(heads, longest)
        self.dropout = Dropout(dropout)
        layer = nn.TransformerEncoderLayer(
            hidden_size,
            heads,
            4 * hidden_size,
            dropout,
            activation=_gelu,
            batch_first=True,
            norm_first=True,
        )
        norm = nn.LayerNorm(hidden_size)
        self.stack = nn.TransformerEncoder(layer, layers, norm, enable_nested_tensor=False)
        self._start()

    def _start(self) -> None:
        # torch copies one layer, so that all of them would begin alike.
        for parameter in self.stack.parameters():
            if parameter.dim() > 1:
                nn.init.xavier_uniform_(parameter)

    def forward(self, batch: Batch) -> Batch:
        """Read the sequences.

        Args:
            batch: values (B, T, input_size).

        Returns:
            values (B, T, hidden_size), zero where there is padding.

        Raises:
            DataError: a sequence is longer than `longest`.
        """
        steps = batch.values.shape[1]
        if steps > self.distances.longest:
            raise DataError(
                f"a sequence has {steps} steps; at most {self.distances.longest} are read."
            )
        if not batch.values.numel():
            return batch.replace(batch.values.new_zeros(*batch.values.shape[:2], self.output_size))
        mask = batch.mask
        padding = None if bool(mask.all()) else ~mask
        read = self.dropout(self.projection(batch.values))
        if padding is None:
            return batch.replace(self._attended(read))
        # A sequence without a step attends to its padding: to nothing there is no softmax.
        attended = padding & mask.any(dim=1, keepdim=True)
        outputs = self._attended(read, attended)
        return batch.replace(outputs.masked_fill(padding[:, :, None], 0))

    def _attended(self, read: Tensor, padding: Tensor | None = None) -> Tensor:
        """(B, T, hidden_size) what comes out of the layers."""
        bias = self.distances(read.shape[1]).expand(len(read), -1, -1, -1)  # (B, heads, T, T)
        if padding is not None:
            bias = bias.masked_fill(padding[:, None, None, :], float("-inf"))
        # In bf16 torch's fused attention takes far longer on a processor, backwards most of all,
        # than the products that it is made of.
        plain = read.device.type == "cpu" and torch.is_autocast_enabled("cpu")
        with sdpa_kernel(SDPBackend.MATH) if plain else nullcontext():
            outputs: Tensor = self.stack(read, mask=bias.flatten(0, 1))
        return outputs


def _gelu(features: Tensor) -> Tensor:
    # Under its own name torch would know it, and take a faster way in evaluation, on which a mask
    # of numbers is read as one of yes and no.
    return nn.functional.gelu(features)
