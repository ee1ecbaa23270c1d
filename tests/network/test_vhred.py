"""VHRED: its loss by hand, its bounds against an integral over all z, and what z does."""

from itertools import pairwise
from math import log
from typing import Any

import pytest
import torch
from torch import Tensor

from jpseq.batch import Batch
from jpseq.network.conversation import Talk
from jpseq.network.latent import Annealing, Gaussian, GaussianLayer
from jpseq.network.recurrent import State
from jpseq.network.search import decode
from jpseq.network.vhred import VHRED
from jpseq.sequences import Ragged

START, END = 1, 2
Dialogue = list[list[int]]
DIALOGUES: list[Dialogue] = [
    [[START, 3, 4, END], [START, 5, END], [START, END], [START, 6, 6, 3, END]],
    [[START, 7, END]],  # nobody replies
    [[START, END], [START, 4, 8, 3, 5, END]],
]
REPLIES = [[START, 5, END], [START, END], [START, 6, 6, 3, END], [START, 4, 8, 3, 5, END]]
KINDS: dict[str, dict[str, Any]] = {
    "plain": {},
    "rnn": {"cell": "rnn", "attention": "additive"},
    "lstm": {"cell": "lstm", "layers": 2, "speakers": 2, "positions": 3},
    "gru": {"cell": "gru", "layers": 2, "attention": "general"},
    "peephole": {"cell": "peephole"},
}
each_kind = pytest.mark.parametrize("kind", KINDS)


def small(kind: str = "plain", latent_size: int = 3, **more: Any) -> VHRED:
    torch.manual_seed(0)
    sizes = {"vocabulary_size": 9, "embedding_size": 5, "hidden_size": 6, "context_size": 7}
    network = VHRED(latent_size, **{**sizes, **KINDS[kind], **more}).double().eval()
    for layer in (network.prior, network.posterior):
        # They start nearly alike, and so the KL term would hardly be seen.
        torch.nn.init.normal_(layer.output.weight, std=0.5)
    return network


def talk(dialogues: list[Dialogue]) -> Talk:
    batch = Batch.from_ragged(Ragged.from_groups(dialogues))
    return Talk(batch, torch.arange(len(batch)) % 2)


ALL = talk(DIALOGUES)


def draw(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def log_p(network: VHRED, condition: Tensor, z: Tensor, memory: Batch, reply: list[int]) -> Tensor:
    """(G,) log p(w | z, c) for each of (G, Z), word by word, from the formulas."""
    x = torch.cat([condition.expand(len(z), -1), z], 1)
    outer, inner = network.decoder, network.decoder.decoder
    assert outer.join is not None
    hidden = torch.tanh(x @ outer.start.weight.T + outer.start.bias)
    hidden = torch.stack(hidden.chunk(inner.recurrent.layers, dim=1))
    cells = torch.zeros_like(hidden) if inner.recurrent.cell in ("lstm", "peephole") else None
    memories = Batch(memory.values.expand(len(z), -1, -1), memory.lengths.expand(len(z)))
    state = inner.begin(memories, State(hidden, cells))
    total = z.new_zeros(len(z))
    for previous, word in pairwise(reply):
        read = inner.embedding(torch.tensor(previous)) + x @ outer.join.weight.T
        outputs, state = inner.read(
            Batch(read[:, None], torch.ones(len(z), dtype=torch.int64)), state
        )
        total = total + inner.logits(outputs.values[:, 0]).log_softmax(1)[:, word]
    return total


def each_reply(network: VHRED, z: Tensor) -> Tensor:
    """(R,) log p(w | z, c) for (R, Z), one reply after another."""
    replies = network.replies(ALL)
    found = []
    for r, reply in enumerate(REPLIES):
        words = replies.memory.lengths[r]
        memory = Batch(replies.memory.values[r : r + 1, :words], words[None])
        found.append(log_p(network, replies.condition[r : r + 1], z[r : r + 1], memory, reply))
    return torch.cat(found)


@each_kind
def test_the_loss_by_hand(kind: str) -> None:
    network = small(kind)
    replies, prior, posterior = network.infer(ALL)
    torch.manual_seed(5)
    loss = network.loss(ALL)
    assert loss.predicted.item() == 2 + 1 + 4 + 5
    torch.manual_seed(5)
    z = posterior.sample()
    kl = posterior.kl(prior)
    wanted = -each_reply(network, z).sum() + kl.sum()
    assert loss.total.item() == pytest.approx(wanted.item(), rel=1e-9)
    assert kl.sum().item() > 0.1
    assert len(replies.target) == 4


@each_kind
def test_log_weights_by_hand(kind: str) -> None:
    network, noise = small(kind), draw(2, 4, 3)
    found = network.log_weights(ALL, noise)
    with torch.no_grad():
        _, prior, posterior = network.infer(ALL)
        for one, row in zip(noise, found, strict=True):
            z = posterior.mean + (posterior.log_variance / 2).exp() * one
            wanted = each_reply(network, z) + prior.log_p(z) - posterior.log_p(z)
            torch.testing.assert_close(row, wanted)


@each_kind
def test_how_dialogues_are_batched_makes_no_difference(kind: str) -> None:
    network, noise = small(kind), draw(3, 4, 3)
    rows = (slice(0, 3), slice(3, 3), slice(3, 4))
    alone = []
    for number, row in enumerate(rows):
        who = ALL.speakers[torch.repeat_interleave(torch.arange(3), ALL.utterances.turns) == number]
        one = Talk(talk(DIALOGUES[number : number + 1]).utterances, who)
        alone.append(network.log_weights(one, noise[:, row]))
    torch.testing.assert_close(network.log_weights(ALL, noise), torch.cat(alone, 1))


def test_bounds_against_the_integral_over_all_z() -> None:
    """With one latent feature log p(w | c) is a sum over a fine grid."""
    network = small(latent_size=1, attention="general")
    for linear in (network.decoder.start, network.decoder.join):
        torch.nn.init.normal_(linear.weight[:, -1:], std=2)  # z shall matter
    dialogue: list[Dialogue] = [[[START, 3, 4, END], [START, 6, 5, END]]]
    copies = talk(dialogue * 500)
    z = torch.linspace(-12, 12, 4801, dtype=torch.float64)[:, None]
    step = 24 / 4800
    with torch.no_grad():
        replies, prior, posterior = network.infer(talk(dialogue))
        words = log_p(network, replies.condition, z, replies.memory, dialogue[0][1])
        exact = (words + prior.log_p(z[:, None])[:, 0]).logsumexp(0) + log(step)
        q = posterior.log_p(z[:, None])[:, 0].exp() * step
        bound = (q * words).sum() - posterior.kl(prior).sum()
        losses = torch.stack([network.loss(copies).total / 500 for _ in range(80)])
        weights = network.log_weights(copies, draw(80, 500, 1)).flatten()
    assert q.sum().item() == pytest.approx(1, rel=1e-6)
    assert bound.item() < exact.item() - 0.05
    # 40,000 draws, so that five standard errors are little.
    error = 5 * weights.std().item() / len(weights) ** 0.5
    assert error < 0.05
    assert -losses.mean().item() == pytest.approx(bound.item(), abs=error)
    assert weights.mean().item() == pytest.approx(bound.item(), abs=error)
    importance = weights.exp()
    error = 5 * (importance.std() / importance.mean()).item() / len(weights) ** 0.5
    assert error < 0.05
    assert importance.mean().log().item() == pytest.approx(exact.item(), abs=error)
    # Ten draws at a time are in between.
    tens = (weights.view(-1, 10).logsumexp(1) - log(10)).mean().item()
    assert bound.item() + 0.02 < tens < exact.item()


def same_as_prior(network: VHRED) -> None:
    """Let the posterior compute what the prior computes, and leave the reply unread."""
    prior, posterior, n = network.prior, network.posterior, network.known
    with torch.no_grad():
        for p in posterior.parameters():
            p.zero_()
        posterior.hidden.weight[:n, :n] = prior.hidden.weight
        posterior.hidden.bias[:n] = prior.hidden.bias
        posterior.output.weight[:, :n] = prior.output.weight
        posterior.output.bias[:] = prior.output.bias


def test_a_posterior_that_is_the_prior_costs_nothing() -> None:
    network = small()
    same_as_prior(network)
    _, prior, posterior = network.infer(ALL)
    torch.testing.assert_close(posterior, prior)
    assert posterior.kl(prior).abs().max().item() < 1e-12
    z = prior.sample(draw(4, 3))
    torch.testing.assert_close(
        network.log_weights(ALL, draw(4, 3)[None])[0], each_reply(network, z).detach()
    )


def test_the_posterior_has_read_the_reply_and_the_prior_has_not() -> None:
    network = small()
    other = [[*DIALOGUES[2][:1], [START, 8, 8, END]]]
    _, prior, posterior = network.infer(talk(DIALOGUES[2:]))
    _, other_prior, other_posterior = network.infer(talk(other))
    assert torch.equal(prior.mean, other_prior.mean)
    assert torch.equal(prior.log_variance, other_prior.log_variance)
    assert not torch.allclose(posterior.mean, other_posterior.mean)


@each_kind
def test_search_scores_as_the_formulas_do(kind: str) -> None:
    network, noise = small(kind), draw(1, 3)
    history = talk([DIALOGUES[0][:3]])
    who = torch.tensor([1])
    with torch.no_grad():
        condition, memory = network.before(history, who)
        prior: Gaussian = network.prior(condition)
        for given, z in ((noise, prior.sample(noise)), (None, prior.mean)):
            state = network.encode(history, who, given)
            total = torch.zeros((), dtype=torch.float64)
            for previous, word in pairwise(REPLIES[2]):
                scores, state = network.step(torch.tensor([previous]), state)
                total = total + scores[0].log_softmax(0)[word]
            torch.testing.assert_close(
                total[None], log_p(network, condition, z, memory, REPLIES[2])
            )


def test_another_z_is_another_reply() -> None:
    network = small()
    torch.nn.init.normal_(network.decoder.start.weight[:, -3:], std=3)
    history, size = talk([DIALOGUES[0][:1]] * 30), 30
    who = torch.zeros(size, dtype=torch.int64)
    options: dict[str, Any] = {"size": size, "start": START, "end": END, "max_length": 5}
    with torch.no_grad():
        drawn = decode(network.step, network.encode(history, who, draw(30, 3)), **options)
        means = decode(network.step, network.encode(history, who), **options)
    assert len(set(map(tuple, drawn.to_ragged().tolist()))) >= 3
    assert len(set(map(tuple, means.to_ragged().tolist()))) == 1


def learning(network: VHRED, seed: int = 3) -> float:
    torch.manual_seed(seed)
    return network.train().loss(ALL).total.item()


def measured(network: VHRED, seed: int = 3) -> float:
    torch.manual_seed(seed)
    return network.eval().loss(ALL).total.item()


def test_the_bag_of_words_counts_while_training_only() -> None:
    network = small(bag_of_words=0.7)
    torch.manual_seed(3)
    replies, _, posterior = network.infer(ALL)
    z = posterior.sample()
    linear, inner = network.bag[0], network.decoder.decoder
    wanted = 0.0
    for condition, code, reply in zip(replies.condition, z, REPLIES, strict=True):
        bag = torch.tanh(linear.weight @ torch.cat([condition, code]) + linear.bias)
        scores = inner.embedding.weight @ bag + inner.bias
        wanted -= sum(scores.log_softmax(0)[word].item() for word in reply[1:])
    assert learning(network) - measured(network) == pytest.approx(0.7 * wanted, rel=1e-9)
    assert learning(small()) == measured(small())


def test_annealing_and_free_bits_count_while_training_only() -> None:
    network = small(annealing=Annealing(2))
    _, prior, posterior = network.infer(ALL)
    kl = posterior.kl(prior)
    whole = measured(network)
    parts = [whole - learning(network) for _ in range(4)]
    total = kl.sum().item()
    assert parts == pytest.approx([total, total / 2, 0, 0])
    assert int(network.kl.updates) == 4
    network = small(free_bits=10.0)
    assert learning(network) - measured(network) == pytest.approx(3 * 4 * 10 - total)


@pytest.mark.parametrize("bag_of_words", [0.0, 1.0])
@each_kind
def test_every_weight_learns(kind: str, bag_of_words: float) -> None:
    network = small(kind, bag_of_words=bag_of_words).train()
    network.loss(ALL).total.backward()
    for name, p in network.named_parameters():
        assert p.grad is not None, name
        assert bool(p.grad.any()), name


def test_without_any_reply_there_is_no_loss() -> None:
    network = small(bag_of_words=1.0, free_bits=0.5, attention="general")
    nobody = talk([[[START, 3, END]], [[START, END]]])
    for training in (True, False):
        loss = network.train(training).loss(nobody)
        assert loss.total.item() == loss.predicted.item() == 0
        loss.total.backward()
    assert tuple(network.log_weights(nobody, draw(2, 0, 3)).shape) == (2, 0)


def test_training_steps_run_in_bf16() -> None:
    network = small("gru", bag_of_words=1.0).float()
    plain = learning(network)
    torch.manual_seed(3)
    with torch.autocast("cpu", torch.bfloat16):
        loss = network.train().loss(ALL).total
        weights = network.log_weights(ALL, draw(2, 4, 3).float())
    loss.backward()
    assert loss.dtype == weights.dtype == torch.float32
    assert loss.item() == pytest.approx(plain, rel=0.02)
    assert all(bool(p.grad.isfinite().all()) for p in network.parameters())


def test_prior_and_posterior_are_small_at_first() -> None:
    network = VHRED(3, vocabulary_size=9, embedding_size=5, hidden_size=6, context_size=7).double()
    assert isinstance(network.prior, GaussianLayer)
    _, prior, posterior = network.infer(ALL)
    assert 0 < posterior.kl(prior).mean().item() < 0.02
