"""Latent variables: Gaussians that a network draws from, and what keeps them from dying.

A decoder that is good enough can do without its latent variable z. Then the posterior becomes the
prior, KL(q || p) falls to 0 and every z gives the same words: the posterior has collapsed (Bowman
et al. 2016, section 3.1).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn


class Gaussian(NamedTuple):
    """Independent normal distributions of Z features."""

    mean: Tensor
    """(B, Z)"""
    log_variance: Tensor
    """(B, Z)"""

    @classmethod
    def standard(cls, like: Tensor) -> "Gaussian":
        """N(0, 1) for each of (B, Z) features."""
        return cls(torch.zeros_like(like), torch.zeros_like(like))

    def sample(self, noise: Tensor | None = None) -> Tensor:
        """z = mean + standard deviation * noise, so that gradients reach both (Kingma & Welling
        2014, section 2.4).

        Args:
            noise: (B, Z) drawn from N(0, 1); drawn here where left out.
        """
        if noise is None:
            noise = torch.randn_like(self.mean)
        return self.mean + torch.exp(self.log_variance / 2) * noise

    def kl(self, other: "Gaussian") -> Tensor:
        """(B, Z) KL(self || other) in nats, of each feature."""
        ratio = self.log_variance - other.log_variance
        distance = (self.mean - other.mean) ** 2 * torch.exp(-other.log_variance)
        return (ratio.exp() + distance - 1 - ratio) / 2

    def log_p(self, z: Tensor) -> Tensor:
        """(..., B, Z) values → (..., B) log densities."""
        squares = (z - self.mean) ** 2 * torch.exp(-self.log_variance)
        return -(squares + self.log_variance + math.log(2 * math.pi)).sum(dim=-1) / 2


Noise = Callable[[Tensor], Tensor]
"""Like (B, Z) values, as many drawn from N(0, 1)."""


class Bound(NamedTuple):
    """What the bound on the likelihood of R texts is made of, with z drawn from the posterior:
    log p(w) >= E_q[log p(w | z)] - KL(q || p)."""

    log_p: Tensor
    """(R,) nats of the words of each, given its z."""
    prior: Gaussian
    posterior: Gaussian
    words: Tensor
    """(R,) words of each, its end included."""


class GaussianLayer(nn.Module):
    """Features → a Gaussian, through one hidden layer.

    Args:
        input_size: F, features read.
        latent_size: Z.
    """

    def __init__(self, input_size: int, latent_size: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(input_size, input_size)
        self.output = nn.Linear(input_size, 2 * latent_size)
        # At first the variance is 1, and the mean is small: prior and posterior begin alike.
        nn.init.normal_(self.output.weight, std=0.1 * input_size**-0.5)
        nn.init.zeros_(self.output.bias)

    def forward(self, x: Tensor) -> Gaussian:
        """(B, F) → a Gaussian of (B, Z), in single precision under autocast too."""
        outputs = self.output(torch.tanh(self.hidden(x)))
        mean, log_variance = outputs.to(self.output.weight.dtype).chunk(2, dim=-1)
        return Gaussian(mean, log_variance)


@dataclass(frozen=True)
class Annealing:
    """The weight of the KL term for each batch of training.

    It rises linearly from 0 to 1 (Bowman et al. 2016, section 3.1.1), and that `cycles` times: in
    each cycle it rises over `steps` and stays 1 for as many (Fu et al. 2019, section 4). After the
    last cycle it stays 1.

    >>> annealing = Annealing(steps=2, cycles=2)
    >>> [annealing(step) for step in range(10)]
    [0.0, 0.5, 1.0, 1.0, 0.0, 0.5, 1.0, 1.0, 1.0, 1.0]

    Args:
        steps: batches over which it rises; 0 for a weight that is always 1.
        cycles: how often.
    """

    steps: int = 0
    cycles: int = 1

    def __call__(self, step: int) -> float:
        if step >= 2 * self.steps * self.cycles:
            return 1.0
        return min(1.0, step % (2 * self.steps) / self.steps)


class KLTerm(nn.Module):
    """What the KL divergence counts in the loss.

    While training it is annealed, and the first nats of each feature are free: there is nothing
    to be won by pushing the mean KL of a feature over the batch below `free_bits` (Kingma et al.
    2016, appendix C.8). When measuring it is the plain sum.

    Args:
        annealing: of the weight, by batches learnt from.
        free_bits: nats of each feature.
    """

    updates: Tensor

    def __init__(self, annealing: Annealing = Annealing(), free_bits: float = 0.0) -> None:
        super().__init__()
        self.annealing = annealing
        self.free_bits = free_bits
        # Among the weights, so that a training that goes on anneals on.
        self.register_buffer("updates", torch.zeros((), dtype=torch.int64))

    @property
    def has_risen(self) -> bool:
        """Whether it has counted in full once, so that what is not used by now is of no use."""
        return int(self.updates) >= self.annealing.steps

    def forward(self, kl: Tensor) -> Tensor:
        """(B, Z) nats → () the term, summed over B."""
        if not self.training:
            return kl.sum()
        weight = self.annealing(int(self.updates))
        self.updates += 1
        # The sum over B and not the mean: of no rows the mean would be NaN.
        return weight * kl.sum(dim=0).clamp(min=self.free_bits * len(kl)).sum()
