"""Perplexity: how many words a model hesitates between, on average."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Perplexity:
    """exp of the mean negative log-likelihood per predicted token.

    >>> round(Perplexity(nll=math.log(20), tokens=100, signature="data:test").value, 6)
    20.0
    """

    nll: float
    """Mean negative log-likelihood, in nats per token."""
    tokens: int
    """How many tokens were predicted, ends of sequences included."""
    signature: str
    """What it was measured on; values compare only where signatures are equal."""

    @property
    def value(self) -> float:
        return math.exp(self.nll) if self.nll < 700 else math.inf

    def __str__(self) -> str:
        return f"perplexity {self.value:.1f} ({self.tokens:,} tokens; {self.signature})"
