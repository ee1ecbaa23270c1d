"""Transformer and masked network: shapes, padding, gradients where something is masked."""

import pytest
import torch
from torch import nn

from jpseq.batch import Batch
from jpseq.errors import ConfigurationError, DataError
from jpseq.network.masked_lm import Masked, MaskedNetwork
from jpseq.network.recurrent import Recurrent
from jpseq.network.transformer import Transformer

ENCODERS = ["transformer", "recurrent"]


def network(kind: str, dropout: float = 0.0) -> MaskedNetwork:
    torch.manual_seed(0)
    encoder: Transformer | Recurrent = (
        Transformer(12, 16, layers=2, heads=4, longest=10, dropout=dropout)
        if kind == "transformer"
        else Recurrent("lstm", 12, 8, layers=2, bidirectional=True)
    )
    return MaskedNetwork(20, 12, encoder, dropout).eval()


def batch(rows: list[list[int]]) -> Batch:
    longest = max(map(len, rows))
    values = torch.tensor([row + [0] * (longest - len(row)) for row in rows])
    return Batch(values, torch.tensor([len(row) for row in rows]))


@pytest.mark.parametrize("kind", ENCODERS)
def test_a_padded_batch_gives_what_single_sequences_give(kind: str) -> None:
    rows = [[5, 6, 7, 8, 9, 10, 11], [5, 6], [12, 13, 14, 15]]
    learner = network(kind)
    with torch.no_grad():
        together = learner.encode(batch(rows)).values
        for row, found in zip(rows, together, strict=True):
            alone = learner.encode(batch([row])).values[0]
            torch.testing.assert_close(found[: len(row)], alone, rtol=1e-5, atol=1e-5)
            assert (found[len(row) :] == 0).all()
    assert together.shape == (3, 7, 16)


@pytest.mark.parametrize("kind", ENCODERS)
def test_while_learning_padding_has_no_influence_either(kind: str) -> None:
    learner = network(kind).train()  # other code of torch's than in evaluation
    rows = [[5, 6, 7, 8, 9], [5, 6]]
    found = learner.encode(batch(rows)).values[1, :2]
    changed = batch(rows)
    changed.values[1, 2:] = 17
    torch.testing.assert_close(learner.encode(changed).values[1, :2], found)
    torch.testing.assert_close(learner.encode(batch(rows[1:])).values[0], found)
    torch.testing.assert_close(learner.eval().encode(batch(rows)).values[1, :2], found)


@pytest.mark.parametrize("kind", ENCODERS)
def test_the_loss_is_of_the_masked_places_alone(kind: str) -> None:
    learner = network(kind).train()
    read = batch([[5, 4, 7], [8, 9]])
    masked = Masked(read, torch.tensor([1, 4]), torch.tensor([6, 9]))
    loss = learner.loss(masked)
    hidden = learner.encode(read).values
    chosen = torch.stack([hidden[0, 1], hidden[1, 1]])
    scores = learner.scores(learner.transform(chosen))
    wanted = nn.functional.cross_entropy(scores, torch.tensor([6, 9]), reduction="sum")
    torch.testing.assert_close(loss.total, wanted)
    assert int(loss.predicted) == 2


def test_gradients_come_from_masked_positions_alone() -> None:
    learner = network("transformer").train()
    outputs: list[torch.Tensor] = []

    def keep(_: nn.Module, __: object, given: Batch) -> None:
        given.values.retain_grad()
        outputs.append(given.values)

    learner.encoder.register_forward_hook(keep)
    read = batch([[5, 4, 7], [8, 4]])
    learner.loss(Masked(read, torch.tensor([1, 4]), torch.tensor([6, 9]))).total.backward()
    gradient = outputs[0].grad
    assert gradient is not None
    assert gradient.abs().sum(2).nonzero().tolist() == [[0, 1], [1, 1]]


@pytest.mark.parametrize("kind", ENCODERS)
def test_nothing_masked_costs_nothing(kind: str) -> None:
    none = torch.zeros(0, dtype=torch.int64)
    loss = network(kind).train().loss(Masked(batch([[5, 6]]), none, none))
    assert float(loss.total.detach()) == 0
    assert int(loss.predicted) == 0
    loss.total.backward()


def test_bf16_is_close(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in ENCODERS:
        learner = network(kind).train()
        masked = Masked(batch([[5, 4, 7], [8, 4]]), torch.tensor([1, 4]), torch.tensor([6, 9]))
        exact = learner.loss(masked).total
        with torch.autocast("cpu", torch.bfloat16):
            rounded = learner.loss(masked).total
        assert rounded.dtype == torch.float32
        torch.testing.assert_close(rounded, exact, rtol=0.05, atol=0.05)


def test_in_bf16_gradients_are_close_too() -> None:
    """They come from other products of torch's than in single precision."""
    rows = [[5, 6, 7, 8, 9, 10, 11], [5, 6], [12, 13, 14, 15]]

    def gradient(bf16: bool) -> torch.Tensor:
        learner = network("transformer").train()
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            values = learner.encode(batch(rows)).values.float()
        (values * torch.linspace(-1, 1, values.numel()).view_as(values)).sum().backward()
        found = learner.encoder.stack.layers[0].self_attn.in_proj_weight.grad
        assert found is not None
        return found

    whole, half = gradient(bf16=False), gradient(bf16=True)
    assert (half - whole).norm() < 0.03 * whole.norm()


def test_layers_begin_unlike_one_another() -> None:
    first, second = network("transformer").encoder.stack.layers
    assert not torch.equal(first.linear1.weight, second.linear1.weight)


def test_the_order_of_words_matters() -> None:
    learner = network("transformer")
    with torch.no_grad():
        forth, back = learner.encode(batch([[5, 6, 7], [7, 6, 5]])).values
    assert not torch.allclose(forth[1], back[1], atol=1e-3)


def test_empty_sequences_and_batches() -> None:
    learner = network("transformer")
    empty = Batch(torch.tensor([[5, 6], [0, 0]]), torch.tensor([2, 0]))
    with torch.no_grad():
        found = learner.encode(empty).values
        assert torch.isfinite(found).all()
        assert (found[1] == 0).all()
        nothing = Batch(torch.zeros(0, 3, dtype=torch.int64), torch.zeros(0, dtype=torch.int64))
        assert learner.encode(nothing).values.shape == (0, 3, 16)


def test_errors_say_what_is_allowed() -> None:
    with pytest.raises(ConfigurationError, match="must be a multiple of heads, 3"):
        Transformer(8, 16, layers=1, heads=3, longest=4)
    with pytest.raises(DataError, match="has 11 steps; at most 10"):
        network("transformer").encode(batch([[5] * 11]))
