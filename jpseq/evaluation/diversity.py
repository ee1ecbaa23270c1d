"""How different replies are from one another: distinct n-grams, entropy, the most frequent one."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from jpseq.errors import DataError
from jpseq.text.detokenize import detokenize


@dataclass(frozen=True)
class Diversity:
    """Figures of all replies of one bot together.

    Diversity is not quality. Words drawn at random are as diverse as what people say, or more so:
    noise gains here whatever a bot that answers everything with はい。 loses. So these figures are
    read beside the perplexity, and beside the row of people's own replies, which they should come
    near and not exceed. Distinct n-grams also become rarer the more replies there are: compare
    equally many.
    """

    replies: int
    distinct_1: float
    """Different words / all words (Li et al. 2016). 0 where there are none."""
    distinct_2: float
    """Different pairs of neighbouring words in a reply / all such pairs; 0 where there are none.

    Li et al. divide by all words, which is a little less; by pairs is the custom since.
    """
    most_frequent: tuple[str, ...]
    """The words of the reply given most often; of several the one given first."""
    share: float
    """The share of replies that are the most frequent one."""
    entropy: float
    """Bits a word: -sum of p(w) log2 p(w), p(w) the share of the word among all words here."""
    length: float
    """Mean words of a reply, the empty ones among them."""
    signature: str

    def __str__(self) -> str:
        return (
            f"distinct-1 {self.distinct_1:.3f}, distinct-2 {self.distinct_2:.3f},"
            f" entropy {self.entropy:.2f} bits a word, {self.length:.1f} words a reply,"
            f" most frequent 「{detokenize(self.most_frequent)}」 {self.share:.1%}"
            f" ({self.signature})"
        )


def diversity(replies: Sequence[Sequence[str]], data: str = "given") -> Diversity:
    """Measure how diverse replies are.

    The entropy is that of the replies' own words. Serban et al. 2017 take p(w) of the training
    corpus instead; that measures how rare words are, not how many kinds of them a bot has, and
    cannot be compared with this.

    >>> print(diversity([["は", "い"], ["は", "い"], ["は", "な"]], data="three"))
    distinct-1 0.500, distinct-2 0.667, entropy 1.46 bits a word, 2.0 words a reply,
    most frequent 「はい」 66.7% (data:three|replies:3)

    Args:
        replies: the words of each.
        data: what they answer and whose they are, for the signature.

    Raises:
        DataError: no reply at all, or a text that is not cut into words.
    """
    for reply in replies:
        if isinstance(reply, str):
            raise DataError(f"a reply is a list of words, got one text: {reply!r}; tokenize it.")
    if not replies:
        raise DataError("there is nothing to measure: no reply at all.")
    words = Counter(word for reply in replies for word in reply)
    pairs = Counter(pair for reply in replies for pair in pairwise(reply))
    ((most_frequent, times),) = Counter(map(tuple, replies)).most_common(1)
    return Diversity(
        replies=len(replies),
        distinct_1=_distinct(words),
        distinct_2=_distinct(pairs),
        most_frequent=most_frequent,
        share=times / len(replies),
        entropy=_entropy(words),
        length=words.total() / len(replies),
        signature=f"data:{data}|replies:{len(replies)}",
    )


def _distinct(counts: Counter[Any]) -> float:
    return len(counts) / counts.total() if counts else 0.0


def _entropy(counts: Counter[str]) -> float:
    total = counts.total()
    return math.fsum(n / total * math.log2(total / n) for n in counts.values())
