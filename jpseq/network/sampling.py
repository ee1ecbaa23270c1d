"""Sampling: words drawn by their probabilities, or by those of the likely ones only."""

import math

import torch
from torch import Tensor

from jpseq.errors import ConfigurationError
from jpseq.network.search import Choice


def sampled(
    temperature: float = 1.0,
    generator: torch.Generator | None = None,
    top_k: int | None = None,
    top_p: float = 1.0,
) -> Choice:
    """Draw from softmax(scores / temperature); low temperatures come near to greedy.

    Args:
        temperature: 0 or more, and finite.
        generator: of the random numbers.
        top_k: only the k likeliest words are drawn from (Fan et al. 2018).
        top_p: only the fewest likeliest words whose probabilities sum to p at least (Holtzman et
            al. 2020).

    Raises:
        ConfigurationError: the temperature is below 0 or not finite, top_k below 1, or top_p not
            in (0, 1].
    """
    if not 0 <= temperature < math.inf:
        raise ConfigurationError(f"temperature is {temperature}; it must be 0 or more, and finite.")
    if top_k is not None and top_k < 1:
        raise ConfigurationError(f"top_k is {top_k}; it must be at least 1.")
    if not 0 < top_p <= 1:
        raise ConfigurationError(f"top_p is {top_p}; it must be above 0 and at most 1.")

    def choose(logits: Tensor) -> Tensor:
        # Shifting by the maximum keeps exp finite however small the temperature is; 1e-30 is still
        # more than 0 in single precision.
        shifted = logits.float() - logits.amax(dim=-1, keepdim=True)
        p = (shifted / max(temperature, 1e-30)).softmax(dim=-1)
        if top_k is not None or top_p < 1:
            p = _likely(p, top_k, top_p)
        return torch.multinomial(p, 1, generator=generator)[:, 0]

    return choose


def _likely(p: Tensor, top_k: int | None, top_p: float) -> Tensor:
    """(B, V) probabilities → the same ones, 0 for words that are not drawn from."""
    ordered, ids = p.sort(dim=-1, descending=True, stable=True)
    # A word stays if those before it do not sum to top_p yet; so the first one always does.
    dropped = ordered.cumsum(dim=-1) - ordered >= top_p
    if top_k is not None:
        dropped[:, top_k:] = True
    dropped[:, 0] = False
    return torch.zeros_like(p).scatter(1, ids, ordered.masked_fill(dropped, 0))
