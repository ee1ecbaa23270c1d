"""Attention: of everything remembered, a weighted mean of what matters now.

    e_i = score(q, y_i)           how well what is remembered there fits the query
    a = softmax(e)                the attention weights, 0 where there is padding
    z = sum_i a_i y_i             the context that is read

The memory y is a Batch of feature vectors of any origin: the words of a sentence, as an encoder
gives them, or the regions of an image.
"""

from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor, nn

from jpseq.batch import Batch
from jpseq.errors import ConfigurationError, did_you_mean

Score = Literal["additive", "dot", "general"]


class Memory(NamedTuple):
    """What is attended to."""

    values: Tensor
    """(B, S, M) what is read."""
    keys: Tensor
    """(B, S, A) what queries are compared with; made once, however often it is read."""
    mask: Tensor
    """(B, S) bool: False where there is padding."""

    def select(self, rows: Tensor) -> "Memory":
        """The memories of some sequences, (R,) of their numbers."""
        return Memory(*(part.index_select(0, rows) for part in self))


class Attention(nn.Module):
    """Weights over a memory for a query, and what is read with them.

    score(q, y) is one of

    - "additive": v tanh(W y + U q + b) (Bahdanau et al. 2015), here with + c u inside, where there
      is coverage
    - "dot": q y / sqrt(A) (Luong et al. 2015, equation 8)
    - "general": q W y / sqrt(A), the same equation

    The products are divided by the root of how many features they sum, A (Vaswani et al. 2017):
    the weights are nearly even at first, and all of the memory learns.

    With coverage the score knows how much attention a place has had so far, c, the sum of its
    weights at the steps before (See et al. 2017, equation 11). Of the two known forms it is the one
    without a recurrent network of its own (Tu et al. 2016), and c is what the coverage penalty
    of beam search measures.

    Args:
        score: which of them.
        memory_size: M, features of y.
        query_size: Q, features of q.
        size: A, features in which "additive" compares; Q where left out.
        coverage: whether the score knows c; of "additive" only.

    Raises:
        ConfigurationError: there is no such score; "dot" needs M = Q; coverage with another score.
    """

    def __init__(
        self,
        score: Score,
        memory_size: int,
        query_size: int,
        size: int | None = None,
        coverage: bool = False,
    ) -> None:
        super().__init__()
        names = get_args(Score)
        if score not in names:
            raise ConfigurationError(
                f"attention is {score!r}; it must be one of {', '.join(names)}."
                f"{did_you_mean(str(score), names)}"
            )
        if score == "dot" and memory_size != query_size:
            raise ConfigurationError(
                f'attention "dot" multiplies a memory of {memory_size} features with a query of'
                f' {query_size}; they must be equally many, or take "general".'
            )
        if coverage and score != "additive":
            raise ConfigurationError(
                f'coverage is a part of the score "additive", and attention is {score!r}.'
            )
        self.score = score
        self.scale: float = query_size**-0.5
        compared = (size or query_size) if score == "additive" else query_size
        self.key = None if score == "dot" else nn.Linear(memory_size, compared, score == "additive")
        if score == "additive":
            self.query = nn.Linear(query_size, compared, bias=False)
            self.energy = nn.Linear(compared, 1, bias=False)
        self.coverage = nn.Parameter(torch.zeros(compared)) if coverage else None

    def remember(self, memory: Batch) -> Memory:
        """Prepare a memory, values (B, S, M), for being read."""
        keys = memory.values if self.key is None else self.key(memory.values)
        return Memory(memory.values, keys, memory.mask)

    def forward(
        self, query: Tensor, memory: Memory, coverage: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Read the memory, with T queries of each sequence at once.

        Args:
            query: (B, T, Q).
            memory: what `remember` gives, of S places.
            coverage: (B, S) attention so far, where the score knows it.

        Returns:
            contexts z (B, T, M), and the weights (B, T, S): exactly 0 where there is padding, else
            of sum 1. Of an empty memory both are 0.
        """
        scores = self._scores(query, memory, coverage)
        scores = scores.to(torch.promote_types(scores.dtype, torch.float32))
        mask = memory.mask[:, None]
        # Not -inf: an empty memory would give NaN, and so would its gradient.
        lowest = torch.finfo(scores.dtype).min
        weights: Tensor = torch.softmax(scores.masked_fill(~mask, lowest), dim=-1) * mask
        context = torch.bmm(weights.to(memory.values.dtype), memory.values)
        return context, weights

    def _scores(self, query: Tensor, memory: Memory, coverage: Tensor | None) -> Tensor:
        """(B, T, S)"""
        if self.score != "additive":
            keys = memory.keys.transpose(1, 2)
            products: Tensor = torch.bmm(query.to(keys.dtype), keys)
            return products * self.scale
        compared = memory.keys[:, None] + self.query(query)[:, :, None]
        if self.coverage is not None and coverage is not None:
            compared = compared + coverage[:, None, :, None] * self.coverage
        scores: Tensor = self.energy(torch.tanh(compared))[..., 0]
        return scores
