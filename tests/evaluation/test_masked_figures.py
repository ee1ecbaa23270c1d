"""How well masked words are foretold: every figure by hand, in one block or in many."""

from typing import Any

import pytest
import torch

from jpseq.batch import Batch
from jpseq.evaluation.masked import foretell
from jpseq.network.loss import CHUNK
from jpseq.network.masked_lm import Masked


class Table(torch.nn.Module):
    """A network whose scores for a place are the row that its word names."""

    def __init__(self, rows: torch.Tensor) -> None:
        super().__init__()
        self.rows = torch.nn.Parameter(rows)

    def at(self, batch: Batch, places: torch.Tensor) -> torch.Tensor:
        return batch.values.flatten()[places]

    def scores(self, hidden: torch.Tensor) -> torch.Tensor:
        return self.rows[hidden]


def masked(words: list[int], places: list[int], targets: list[int]) -> Masked:
    batch = Batch(torch.tensor([words]), torch.tensor([len(words)]))
    return Masked(batch, torch.tensor(places, dtype=torch.int64), torch.tensor(targets))


def test_accuracy_and_perplexity_by_hand() -> None:
    # Word 0 leaves all three open, word 1 is e times as sure of 2 as of each of the others.
    network = Table(torch.tensor([[0.0, 0.0, 0.0], [0.0, 0.0, 1.0]]))
    batches = [masked([0, 1, 1], [0, 1], [1, 2]), masked([1, 0, 1], [0], [0])]
    found = foretell(network, batches, "by hand")
    e = torch.tensor(1.0).exp().item()
    log = torch.tensor([3.0, (2 + e) / e, 2 + e]).log().mean().item()
    assert found.accuracy == pytest.approx(1 / 3)
    assert found.perplexity.nll == pytest.approx(log)
    assert (found.perplexity.tokens, found.perplexity.signature) == (3, "by hand")


def test_many_targets_are_scored_block_by_block() -> None:
    generator = torch.Generator().manual_seed(0)
    count = 2 * CHUNK + 3
    rows = torch.randn(7, 7, generator=generator)
    words, targets = (torch.randint(7, (count,), generator=generator).tolist() for _ in range(2))
    found = foretell(Table(rows), [masked(words, list(range(count)), targets)], "")
    scores: Any = rows[words]
    wanted = torch.tensor(targets)
    nll = torch.nn.functional.cross_entropy(scores, wanted).item()
    assert found.perplexity.nll == pytest.approx(nll, rel=1e-5)
    assert found.accuracy == pytest.approx((scores.argmax(1) == wanted).float().mean().item())
    assert found.perplexity.tokens == count


def test_nothing_is_masked() -> None:
    found = foretell(Table(torch.zeros(1, 1)), [], "")
    assert (found.accuracy, found.perplexity.tokens) == (0.0, 0)
