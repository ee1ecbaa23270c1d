"""What a latent variable does for replies, and bounds on how likely they are."""

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch

from jpseq.batch import Batch
from jpseq.dialogue.chatbot import Chatbot
from jpseq.evaluation.latent import ACTIVE, DEAD, LatentUse, importance_weighted, latent_use, told
from jpseq.network.latent import Annealing, Gaussian
from jpseq.network.sequence_vae import Sentences, SequenceVAE
from jpseq.network.vhred import VHRED
from jpseq.sequences import Ragged
from jpseq.text.whitespace import Whitespace

DIALOGUES = [
    ["a b", "c", "d e a", ""],
    ["b", "a b c d e"],
    ["", "e", "e d"],
    ["c c", "a"],
]
REPLIES, WORDS, SIZE = 7, 20, 3


@pytest.fixture(scope="module")
def bot() -> Chatbot:
    params: dict[str, Any] = {"embedding": 8, "hidden": 8, "epochs": 10, "learning_rate": 0.03}
    bot = Chatbot(Whitespace(), "vhred", hierarchy={"size": 8}, latent={"size": SIZE}, **params)
    return bot.fit(DIALOGUES)


def network_of(bot: Chatbot) -> VHRED:
    network = bot.trained()
    assert isinstance(network, VHRED)
    return network


# One draw


@torch.no_grad()
def test_it_is_what_a_plain_loop_finds(bot: Chatbot) -> None:
    network, noise = network_of(bot), np.random.default_rng(5)
    log_p, kl, words, told = 0.0, 0.0, 0, []
    for talk in bot.batches(DIALOGUES):
        replies, prior, posterior = network.infer(talk)
        for row in range(len(replies.vectors)):
            mean, variance = posterior.mean[row].numpy(), posterior.log_variance[row].exp().numpy()
            of_prior = prior.mean[row].numpy(), prior.log_variance[row].exp().numpy()
            for m, v, pm, pv in zip(mean, variance, *of_prior, strict=True):
                kl += (math.log(pv / v) + (v + (m - pm) ** 2) / pv - 1) / 2
            told.append((mean - of_prior[0]) / np.sqrt(of_prior[1]))
            z = mean + np.sqrt(variance) * noise.standard_normal(SIZE).astype(np.float32)
            known = torch.cat([replies.condition[row], torch.from_numpy(z)])[None]
            state = network.decoder.begin(known.float())
            ids = replies.target.values[row, : replies.target.lengths[row]].tolist()
            for previous, wanted in pairwise(ids):
                scores, state = network.step(torch.tensor([previous]), state)
                log_p += scores[0].log_softmax(0)[wanted].item()
                words += 1
    found = latent_use(network, bot.batches(DIALOGUES), seed=5)
    assert (found.words, found.replies, found.units) == (words, len(told), SIZE)
    assert (words, len(told)) == (WORDS, REPLIES)
    assert found.reconstruction == pytest.approx(-log_p / WORDS, rel=1e-4)
    assert found.kl == pytest.approx(kl / REPLIES, rel=1e-4)
    assert found.active == int((np.var(told, axis=0) > ACTIVE).sum())


def test_what_a_word_and_a_reply_cost_together() -> None:
    use = LatentUse(reconstruction=2.0, kl=3.0, active=1, units=4, words=12, replies=4)
    assert use.nll == 2.0 + 3.0 * 4 / 12
    nothing = LatentUse(reconstruction=0.0, kl=0.0, active=0, units=4, words=0, replies=0)
    assert nothing.nll == 0.0


@pytest.mark.parametrize(
    ("active", "replies", "dead"), [(0, 2, True), (1, 2, False), (0, 1, False), (0, 0, False)]
)
def test_dead_is_what_varies_with_no_reply(active: int, replies: int, dead: bool) -> None:
    assert LatentUse(1.0, 0.0, active, 4, 9, replies).is_dead == dead


def test_it_does_not_depend_on_the_batches_and_decides_nothing_by_chance(bot: Chatbot) -> None:
    network = network_of(bot)
    first = latent_use(network, bot.batches(DIALOGUES))
    torch.manual_seed(8)
    assert latent_use(network, bot.batches(DIALOGUES)) == first
    small = bot.clone().set_params(batch_tokens=1)
    small.vocabulary = bot.vocabulary
    assert len(small.batches(DIALOGUES)) == 4 > len(bot.batches(DIALOGUES))
    again = latent_use(network, small.batches(DIALOGUES))
    assert (again.active, again.words, again.replies) == (first.active, WORDS, REPLIES)
    assert (again.reconstruction, again.kl) == pytest.approx(
        (first.reconstruction, first.kl), rel=1e-5
    )
    assert latent_use(network, bot.batches(DIALOGUES), seed=1) != first


def test_it_looks_without_dropout_and_without_gradients(bot: Chatbot) -> None:
    network = network_of(bot)
    wanted = latent_use(network, bot.batches(DIALOGUES))
    network.train()
    updates = int(network.kl.updates)
    assert latent_use(network, bot.batches(DIALOGUES)) == wanted
    assert not network.training
    assert int(network.kl.updates) == updates


def test_nothing_to_look_at(bot: Chatbot) -> None:
    assert latent_use(network_of(bot), []) == LatentUse(0.0, 0.0, 0, SIZE, 0, 0)
    assert importance_weighted(network_of(bot), []) == (0.0, 0)


@torch.no_grad()
def dead(bot: Chatbot) -> VHRED:
    """A network whose posterior is its prior, and that is N(0, 1) whatever was said."""
    copy = bot.clone()
    copy.vocabulary = bot.vocabulary
    network = copy.build()
    assert isinstance(network, VHRED)
    network.load_state_dict(network_of(bot).state_dict())
    for layer in (network.prior, network.posterior):
        torch.nn.init.zeros_(layer.output.weight)
        torch.nn.init.zeros_(layer.output.bias)
    return network


def test_where_the_posterior_is_the_prior_it_is_dead(bot: Chatbot) -> None:
    use = latent_use(dead(bot), bot.batches(DIALOGUES))
    assert (use.kl, use.active, use.is_dead) == (0.0, 0, True)
    assert use.nll == use.reconstruction


@torch.no_grad()
def test_a_unit_is_active_if_its_mean_varies(bot: Chatbot) -> None:
    """The prior stays at 0 for all; the posterior's bias moves all replies alike, which is no
    activity; only a weight makes them differ."""
    network = dead(bot)
    network.posterior.output.bias[0] = 3.0
    use = latent_use(network, bot.batches(DIALOGUES))
    assert (use.kl, use.active) == (pytest.approx(4.5), 0)  # 3 ** 2 / 2
    network.posterior.output.weight[1] = 1.0
    assert latent_use(network, bot.batches(DIALOGUES)).active == 1


@torch.no_grad()
def test_a_unit_is_as_active_in_whatever_scale_it_is_written(bot: Chatbot) -> None:
    """The same model, z in hundredths: means and deviations a hundredth, what reads z a hundred
    times."""
    network = network_of(bot)
    first = latent_use(network, bot.batches(DIALOGUES))
    scaled = network_of(bot)
    for layer in (scaled.prior, scaled.posterior):
        layer.output.weight[:SIZE] /= 100
        layer.output.bias[:SIZE] /= 100
        layer.output.bias[SIZE:] -= 2 * math.log(100)
    for reader in (scaled.decoder.start, scaled.decoder.join):
        reader.weight[:, -SIZE:] *= 100
    again = latent_use(scaled, bot.batches(DIALOGUES))
    assert first.active > 0
    assert again.active == first.active
    assert (again.reconstruction, again.kl) == pytest.approx(
        (first.reconstruction, first.kl), rel=1e-4
    )


# Sentences


@torch.no_grad()
def test_the_codes_of_sentences_are_looked_at_too(caplog: pytest.LogCaptureFixture) -> None:
    torch.manual_seed(3)
    network = SequenceVAE(9, 6, 8, 3).eval()
    torch.nn.init.normal_(network.posterior.output.weight, std=2.0)
    rows = [[0, 4, 5, 6, 1], [0, 7, 1], [0, 1]]
    sentences = Sentences(Batch.from_ragged(Ragged.from_sequences(rows)))
    use = latent_use(network, [sentences], seed=4)
    assert (use.words, use.replies, use.units) == (4 + 2 + 1, 3, 3)
    codes = network.infer(sentences.sentences)
    standard = Gaussian.standard(codes.mean)
    assert use.kl == pytest.approx(float(codes.kl(standard).sum()) / 3, rel=1e-5)
    assert use.active == int((codes.mean.var(dim=0, correction=0) > ACTIVE).sum())
    z = codes.sample(torch.from_numpy(np.random.default_rng(4).standard_normal((3, 3))).float())
    nll = network.decoder.nll(sentences.sentences, network.encode(z))
    assert use.reconstruction == pytest.approx(float(nll) / 7, rel=1e-5)
    assert told(network, use)["active_units"] == use.active > 0
    assert DEAD not in caplog.messages
    torch.nn.init.zeros_(network.posterior.output.weight)
    assert told(network, latent_use(network, [sentences]))["active_units"] == 0
    assert caplog.messages == [DEAD]
    network.kl.annealing = Annealing(steps=5)  # of which none was taken: it may only be asleep
    told(network, latent_use(network, [sentences]))
    assert caplog.messages == [DEAD]


# Many draws


def test_one_draw_is_the_bound_with_the_densities_for_the_divergence(bot: Chatbot) -> None:
    network = dead(bot)  # where they are equal, and 0
    use = latent_use(network, bot.batches(DIALOGUES), seed=3)
    nll, words = importance_weighted(network, bot.batches(DIALOGUES), draws=1, seed=3)
    assert (nll, words) == (pytest.approx(use.nll, rel=1e-5), WORDS)


@torch.no_grad()
def test_many_draws_by_a_plain_loop(bot: Chatbot) -> None:
    network, noise, draws = network_of(bot), np.random.default_rng(2), 4
    total = 0.0
    for talk in bot.batches(DIALOGUES):
        count = int((talk.places > 0).sum())
        drawn = noise.standard_normal((count, draws, SIZE)).astype(np.float32)
        inferred = network.infer(talk)
        weights = np.zeros((count, draws))
        for draw in range(draws):
            z, log_p = network.reconstruct(inferred, torch.from_numpy(drawn[:, draw]))
            ratio = inferred.prior.log_p(z) - inferred.posterior.log_p(z)
            weights[:, draw] = (log_p + ratio).numpy()
        total += float(np.log(np.exp(weights).mean(axis=1)).sum())
    nll, words = importance_weighted(network, bot.batches(DIALOGUES), draws=draws, seed=2)
    assert (nll, words) == (pytest.approx(-total / WORDS, rel=1e-5), WORDS)


def test_many_draws_do_not_depend_on_the_batches(bot: Chatbot) -> None:
    network = network_of(bot)
    small = bot.clone().set_params(batch_tokens=1)
    small.vocabulary = bot.vocabulary
    found = [importance_weighted(network, b.batches(DIALOGUES), 5)[0] for b in (bot, small)]
    assert found[0] == pytest.approx(found[1], rel=1e-5)
    torch.manual_seed(4)
    assert importance_weighted(network, bot.batches(DIALOGUES), 5)[0] == found[0]


def test_more_draws_make_a_tighter_bound(bot: Chatbot) -> None:
    """In expectation (Burda et al. 2016, theorem 1), here of 30 seeds."""

    def mean(draws: int) -> float:
        batches = bot.batches(DIALOGUES)
        found = [
            importance_weighted(network_of(bot), batches, draws, seed)[0] for seed in range(30)
        ]
        return sum(found) / len(found)

    assert mean(1) > mean(4) > mean(16)
