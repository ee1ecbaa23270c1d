"""Ensembles: several networks search together."""

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from jpseq.batch import Batch
from jpseq.errors import ConfigurationError


class Together(NamedTuple):
    """The states of all networks."""

    states: tuple[Any, ...]

    @property
    def weights(self) -> Tensor | None:
        """(B, T, S) the mean of the attention weights of those that attend."""
        attending = [state.weights for state in self.states if state.weights is not None]
        return torch.stack(attending).mean(dim=0) if attending else None

    def select(self, rows: Tensor) -> "Together":
        """The states of some sequences, (R,) of their numbers."""
        return Together(tuple(state.select(rows) for state in self.states))


class Ensemble:
    """The mean of the probabilities of networks with the same vocabularies (Sutskever et al. 2014).

    Args:
        networks: each has `encode` and `step`; their architectures may differ.

    Raises:
        ConfigurationError: there is no network.
    """

    def __init__(self, networks: Sequence[Any]) -> None:
        if not networks:
            raise ConfigurationError("an ensemble needs one network at least.")
        self.networks = tuple(networks)

    def parameters(self) -> Iterator[nn.Parameter]:
        """The weights of all networks, which are on one device."""
        for network in self.networks:
            yield from network.parameters()

    def encode(self, source: Batch) -> Together:
        """The states of all networks before the first word."""
        return Together(tuple(network.encode(source) for network in self.networks))

    def step(self, previous: Tensor, state: Together) -> tuple[Tensor, Together]:
        """(B,) ids and a state → (B, V) log of the mean probability, and the next state."""
        steps = [
            network.step(previous, own)
            for network, own in zip(self.networks, state.states, strict=True)
        ]
        log_p = torch.stack([scores.log_softmax(dim=-1) for scores, _ in steps])
        mean = log_p.logsumexp(dim=0) - math.log(len(steps))
        return mean, Together(tuple(own for _, own in steps))
