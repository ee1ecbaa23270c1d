"""What a forecasting network says of each value to come: a point, quantiles, or a Gaussian.

All have the same methods. Their `parameters` are (..., P) numbers for each value, P = `size`.
"""

import math
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

PointLoss = Literal["mae", "mse"]

NARROWEST = 1e-3
"""The least standard deviation, in units of the scaled series: a value foreseen perfectly must not
have infinite likelihood."""


class Point(nn.Module):
    """One number: the median where the loss is "mae", the mean where it is "mse".

    Args:
        loss: what is to become small, the absolute or the squared error.
    """

    size = 1

    def __init__(self, loss: PointLoss = "mae") -> None:
        super().__init__()
        self.loss_name = loss

    def placed(self, parameters: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
        """Parameters of y → those of y * scale + shift; both (..., 1 or more) without P."""
        return parameters * scale[..., None] + shift[..., None]

    def raw(self, outputs: Tensor) -> Tensor:
        """Any numbers (..., P) → parameters."""
        return outputs

    def loss(self, parameters: Tensor, target: Tensor) -> Tensor:
        """(..., P) and the values that came (...) → (...) losses."""
        difference = target - parameters[..., 0]
        return difference.abs() if self.loss_name == "mae" else difference.square()

    def point(self, parameters: Tensor) -> Tensor:
        """(..., P) → (...) the forecast in one number."""
        return parameters[..., 0]

    def interval(self, parameters: Tensor, level: float) -> tuple[Tensor, Tensor] | None:
        """(...) lower and upper bound of the interval that should hold a share `level` of what
        comes; None where the parameters do not say."""
        return None

    def together(self, parameters: Tensor) -> Tensor:
        """(N, ..., P) of several networks → (..., P), their mean."""
        return parameters.mean(dim=0)


class Quantiles(Point):
    """Some quantiles of each value, by the pinball loss (Koenker & Bassett 1978).

    They never cross: they are sorted, which makes none worse (Chernozhukov et al. 2010).

    Args:
        levels: in (0, 1), rising, with .5 among them: the median is the point forecast.
    """

    levels: Tensor

    def __init__(self, levels: Sequence[float]) -> None:
        super().__init__()
        self.size = len(levels)
        self.middle = list(levels).index(0.5)
        self.names = tuple(levels)
        self.register_buffer("levels", torch.tensor(levels), persistent=False)

    def loss(self, parameters: Tensor, target: Tensor) -> Tensor:
        """The mean over the levels of max(q (y - ŷ), (q - 1) (y - ŷ)), times 2: at the median
        alone it is the absolute error."""
        difference = target[..., None] - parameters
        pinball = torch.maximum(self.levels * difference, (self.levels - 1) * difference)
        return 2 * pinball.mean(dim=-1)

    def point(self, parameters: Tensor) -> Tensor:
        return parameters.sort(dim=-1).values[..., self.middle]

    def interval(self, parameters: Tensor, level: float) -> tuple[Tensor, Tensor] | None:
        places = []
        for wanted in ((1 - level) / 2, (1 + level) / 2):
            near = [i for i, name in enumerate(self.names) if math.isclose(name, wanted)]
            if not near:
                return None
            places.append(near[0])
        rising = parameters.sort(dim=-1).values
        return rising[..., places[0]], rising[..., places[1]]


class Gaussian(Point):
    """Mean and standard deviation, by the negative log-likelihood (Salinas et al. 2020)."""

    size = 2

    def raw(self, outputs: Tensor) -> Tensor:
        deviation = functional.softplus(outputs[..., 1]) + NARROWEST
        return torch.stack([outputs[..., 0], deviation], dim=-1)

    def placed(self, parameters: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
        mean = parameters[..., 0] * scale + shift
        return torch.stack([mean, parameters[..., 1] * scale], dim=-1)

    def loss(self, parameters: Tensor, target: Tensor) -> Tensor:
        mean, deviation = parameters.unbind(dim=-1)
        z = (target - mean) / deviation
        return 0.5 * z.square() + deviation.log() + 0.5 * math.log(2 * math.pi)

    def interval(self, parameters: Tensor, level: float) -> tuple[Tensor, Tensor]:
        mean, deviation = parameters.unbind(dim=-1)
        z = math.sqrt(2) * float(torch.erfinv(torch.tensor(level, dtype=torch.float64)))
        return mean - z * deviation, mean + z * deviation

    def together(self, parameters: Tensor) -> Tensor:
        """Mean and standard deviation of the mixture of all."""
        mean, deviation = parameters.unbind(dim=-1)
        both = mean.mean(dim=0)
        variance = (deviation.square() + (mean - both).square()).mean(dim=0)
        return torch.stack([both, variance.sqrt()], dim=-1)

    def draw(self, parameters: Tensor, generator: torch.Generator) -> Tensor:
        """(..., P) → (...) a value drawn for each."""
        mean, deviation = parameters.unbind(dim=-1)
        noise = torch.randn(mean.shape, generator=generator, dtype=mean.dtype)
        return mean + deviation * noise.to(mean.device)


Head = Point | Quantiles | Gaussian
