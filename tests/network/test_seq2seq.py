"""Seq2Seq: its loss against a loop over single tokens, padding, and a toy it must master."""

from itertools import pairwise, product

import pytest
import torch
from torch import Tensor, nn

from jpseq.batch import Batch
from jpseq.network.loss import Loss
from jpseq.network.recurrent import Cell
from jpseq.network.search import decode
from jpseq.network.seq2seq import Pair, Seq2Seq
from jpseq.sequences import Ragged
from jpseq.training.fit import fit
from jpseq.training.stream import Stream

START, END = 1, 2
SOURCES = [[3, 4, 5], [], [6], [4, 4, 3, 6, 5]]
TARGETS = [[START, 5, END], [START, 3, 6, 6, 4, END], [START, END], [START, 4, 3, END]]

cells = pytest.mark.parametrize(("cell", "layers"), [("rnn", 1), ("lstm", 2), ("gru", 2)])


def small(cell: Cell = "gru", layers: int = 1, **options: float) -> Seq2Seq:
    torch.manual_seed(0)
    return Seq2Seq(7, 5, 6, cell, layers, **options).double()


def batch(sequences: list[list[int]]) -> Batch:
    return Batch.from_ragged(Ragged.from_sequences(sequences))


def by_tokens(network: Seq2Seq, source: list[int], target: list[int]) -> Tensor:
    """Cross-entropy with teacher forcing, a token at a time, from the softmax written out."""
    state = network.encode(batch([source]))
    total = torch.zeros((), dtype=torch.float64)
    for previous, wanted in pairwise(target):
        scores, state = network.step(torch.tensor([previous]), state)
        total = total + scores[0].exp().sum().log() - scores[0, wanted]
    return total


@cells
def test_the_loss_is_the_cross_entropy_of_each_token(cell: Cell, layers: int) -> None:
    network = small(cell, layers)
    loss = network.loss(Pair(batch(SOURCES), batch(TARGETS)))
    wanted = sum(by_tokens(network, s, t).item() for s, t in zip(SOURCES, TARGETS, strict=True))
    assert loss.predicted.item() == 2 + 5 + 1 + 3
    # The loss is summed in single precision.
    assert loss.total.item() == pytest.approx(wanted, rel=1e-6)


@cells
def test_gradients_of_a_padded_batch_are_those_of_the_token_loop(cell: Cell, layers: int) -> None:
    network = small(cell, layers)
    network.loss(Pair(batch(SOURCES), batch(TARGETS))).total.backward()
    found = {name: p.grad.clone() for name, p in network.named_parameters()}
    network.zero_grad()
    for source, target in zip(SOURCES, TARGETS, strict=True):
        by_tokens(network, source, target).backward()
    for name, p in network.named_parameters():
        torch.testing.assert_close(found[name], p.grad, rtol=1e-5, atol=1e-6)


def test_more_padding_changes_nothing() -> None:
    network = small()
    pair = Pair(batch(SOURCES), batch(TARGETS))

    def wider(part: Batch) -> Batch:
        return part.replace(nn.functional.pad(part.values, (0, 3), value=6))

    loss, other = network.loss(pair), network.loss(Pair(*map(wider, pair)))
    assert other.predicted == loss.predicted
    assert other.total.item() == pytest.approx(loss.total.item(), rel=1e-6)


def test_the_context_is_the_bridge_of_the_encoders_last_state() -> None:
    network = small("lstm")
    memory, state = network.encoder(batch(SOURCES))
    context = network.encode(batch(SOURCES))
    w, b = network.bridge.weight, network.bridge.bias
    torch.testing.assert_close(context.hidden, torch.tanh(state.hidden @ w.T + b))
    assert torch.equal(context.cell, state.cell)
    assert tuple(memory.values.shape) == (4, 5, 6)
    assert tuple(context.hidden.shape) == (1, 4, 6)


def test_both_sides_share_one_embedding() -> None:
    network = small()
    assert network.decoder.embedding is network.encoder.embedding
    outputs = torch.randn(2, 5, dtype=torch.float64)
    wanted = outputs @ network.encoder.embedding.weight.T + network.decoder.bias
    torch.testing.assert_close(network.decoder.logits(outputs), wanted)


@pytest.mark.parametrize("options", [{"dropout": 0.5}, {"word_drop": 0.5}])
def test_dropout_only_while_training(options: dict[str, float]) -> None:
    network = small(**options)
    pair = Pair(batch(SOURCES), batch(TARGETS))
    assert network.train().loss(pair).total != network.loss(pair).total
    assert network.eval().loss(pair).total == network.loss(pair).total


def test_the_mean_of_nothing_is_zero() -> None:
    assert Loss(torch.tensor(6.0), torch.tensor(4)).mean == 1.5
    assert Loss(torch.tensor(0.0), torch.tensor(0)).mean == 0


def test_reversing_short_sequences_is_learnt() -> None:
    words = [list(word) for n in range(6) for word in product(range(3, 7), repeat=n)]
    unseen = words[5::10]
    learnt = [word for word in words if word not in unseen]
    source = Ragged.from_sequences(learnt)
    target = Ragged.from_sequences([[START, *reversed(word), END] for word in learnt])
    stream = Stream(
        target.lengths,
        lambda rows: Pair(
            Batch.from_ragged(source.take(rows)), Batch.from_ragged(target.take(rows))
        ),
        batch_tokens=500,
    )
    torch.manual_seed(0)
    network = Seq2Seq(7, 16, 48, "lstm")
    assert fit(network, stream, epochs=20, learning_rate=0.015)
    with torch.no_grad():
        state = network.encode(batch(unseen))
    written = decode(
        network.step, state, size=len(unseen), start=START, end=END, max_length=10
    ).to_ragged()
    assert len(unseen) == 136
    assert written.tolist() == [word[::-1] for word in unseen]
