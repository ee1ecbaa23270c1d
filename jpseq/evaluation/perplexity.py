"""Perplexity: how many words a model hesitates between, on average."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Perplexity:
    """exp of the mean negative log-likelihood per predicted token.

    >>> round(Perplexity(nll=math.log(20), tokens=100, signature="data:test").value, 6)
    20.0

    Vocabularies with different words cut the same text into different tokens; then only what a
    character costs compares (`per_character`), and only where no word is unknown.
    """

    nll: float
    """Mean negative log-likelihood, in nats per token."""
    tokens: int
    """How many tokens were predicted, ends of sequences included."""
    signature: str
    """What it was measured on; values compare only where signatures are equal."""
    characters: int | None = None
    """Characters of the predicted text, without ends of sequences; None where not counted."""

    @property
    def value(self) -> float:
        return math.exp(self.nll) if self.nll < 700 else math.inf

    @property
    def per_character(self) -> float | None:
        """Nats a character: nll * tokens / characters. None where no characters were counted."""
        return self.nll * self.tokens / self.characters if self.characters else None

    def __str__(self) -> str:
        cost = self.per_character
        shown = "" if cost is None else f"; {cost:.3f} nats a character"
        return f"perplexity {self.value:.1f} ({self.tokens:,} tokens{shown}; {self.signature})"
