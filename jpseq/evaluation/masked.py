"""How well masked words are foretold."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch

from jpseq.batch import moved
from jpseq.evaluation.perplexity import Perplexity
from jpseq.network.loss import CHUNK
from jpseq.network.masked_lm import Masked


@dataclass(frozen=True)
class Foretold:
    """Accuracy and perplexity of what is masked.

    Both are of pieces where words are cut into pieces, and compare only where signatures are equal.
    """

    accuracy: float
    """Share of the masked pieces whose likeliest piece was the right one."""
    perplexity: Perplexity

    def __str__(self) -> str:
        return f"accuracy {self.accuracy:.1%}, {self.perplexity}"


@torch.no_grad()
def foretell(network: Any, batches: Iterable[Masked], signature: str) -> Foretold:
    """Measure a network on sequences with masks.

    Args:
        network: has `at` and `scores` (see MaskedNetwork).
        batches: the same ones each time.
        signature: of the figures.
    """
    network.eval()
    device = next(network.parameters()).device
    total, right, count = 0.0, 0, 0
    for batch in batches:
        masked = moved(batch, device)
        hidden = network.at(masked.read, masked.places)
        for start in range(0, len(hidden), CHUNK):
            wanted = masked.targets[start : start + CHUNK]
            log_p = network.scores(hidden[start : start + CHUNK]).log_softmax(dim=1)
            total -= float(log_p.gather(1, wanted[:, None]).sum(dtype=torch.float64))
            right += int((log_p.argmax(dim=1) == wanted).sum())
        count += len(masked.targets)
    most = max(1, count)
    return Foretold(right / most, Perplexity(total / most, count, signature))
