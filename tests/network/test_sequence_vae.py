"""Autoencoders of sentences: the loss by hand, and what codes mean in a small language.

Its sentences are 「who は where へ how」, and their words are of one theme:
先生 は 学校 へ 歩く and サメ は 島 へ 泳ぐ, but not サメ は 学校 へ 歩く.
"""

from itertools import pairwise, product
from math import log
from typing import Any

import pytest
import torch
from torch import Tensor

from jpseq.batch import Batch
from jpseq.network.latent import Annealing, Gaussian
from jpseq.network.recurrent import State
from jpseq.network.search import decode
from jpseq.network.sequence_vae import Sentences, SequenceVAE, interpolate
from jpseq.sequences import Ragged
from jpseq.training.fit import fit
from jpseq.training.stream import Stream

START, END = 0, 1
TOPIC, TO = 2, 3
Sentence = tuple[int, ...]
THEMES, EACH = 6, 3  # an id for each of three words of each theme, for who, where and how


def sentence(theme: int, who: int, where: int, how: int) -> Sentence:
    first = 4 + 3 * EACH * theme
    return (first + who, TOPIC, first + EACH + where, TO, first + 2 * EACH + how)


LANGUAGE = [
    sentence(theme, *words)
    for theme, words in product(range(THEMES), product(range(EACH), repeat=3))
]
UNSEEN = LANGUAGE[3::10]
LEARNT = [one for one in LANGUAGE if one not in UNSEEN]
SENTENCES = [[START, 5, 6, 4, END], [START, END], [START, 7, END]]


def batch(sentences: list[Any]) -> Batch:
    return Batch.from_ragged(Ragged.from_sequences(sentences))


def framed(sentences: list[Sentence]) -> Batch:
    return batch([[START, *sentence, END] for sentence in sentences])


def small(**options: Any) -> SequenceVAE:
    torch.manual_seed(0)
    network = SequenceVAE(8, 5, 6, 3, **options).double().eval()
    torch.nn.init.normal_(network.posterior.output.weight, std=0.5)
    return network


def log_p(network: SequenceVAE, z: Tensor, sentence: list[int]) -> Tensor:
    """() the log probability of a sentence given (Z,), word by word, from the formulas."""
    outer, inner = network.decoder, network.decoder.decoder
    assert outer.join is not None
    hidden = torch.tanh(outer.start.weight @ z + outer.start.bias)
    hidden = torch.stack(hidden.chunk(inner.recurrent.layers))[:, None]
    state: Any = State(hidden, torch.zeros_like(hidden) if inner.recurrent.cell == "lstm" else None)
    total = z.new_zeros(())
    for previous, word in pairwise(sentence):
        read = inner.embedding(torch.tensor(previous)) + outer.join.weight @ z
        outputs, state = inner.read(Batch(read[None, None], torch.tensor([1])), state)
        total = total + inner.logits(outputs.values[0, 0]).log_softmax(0)[word]
    return total


kinds = pytest.mark.parametrize(
    "options", [{}, {"cell": "lstm", "layers": 2}, {"variational": False}, {"cell": "rnn"}]
)


@kinds
def test_the_loss_by_hand(options: dict[str, Any]) -> None:
    network = small(**options)
    codes = network.infer(batch(SENTENCES))
    torch.manual_seed(1)
    loss = network.loss(Sentences(batch(SENTENCES)))
    assert loss.predicted.item() == 4 + 1 + 2
    torch.manual_seed(1)
    kl = codes.kl(Gaussian.standard(codes.mean)).sum()
    assert kl.item() > 0.1
    variational = options.get("variational", True)
    z = codes.sample() if variational else codes.mean
    wanted = -torch.stack(
        [log_p(network, *both) for both in zip(z, SENTENCES, strict=True)]
    ).sum() + (kl if variational else 0)
    assert loss.total.item() == pytest.approx(wanted.item(), rel=1e-9)


@kinds
def test_search_scores_as_the_loss_does(options: dict[str, Any]) -> None:
    network = small(**options)
    z = torch.randn(1, 3, dtype=torch.float64)
    state, total = network.encode(z), torch.zeros((), dtype=torch.float64)
    for previous, word in pairwise(SENTENCES[0]):
        scores, state = network.step(torch.tensor([previous]), state)
        total = total + scores[0].log_softmax(0)[word]
    torch.testing.assert_close(total, log_p(network, z[0], SENTENCES[0]))


def test_codes_of_a_padded_batch_are_those_of_single_sentences() -> None:
    network = small()
    together = network.infer(batch(SENTENCES))
    for row, sentence in enumerate(SENTENCES):
        alone = network.infer(batch([sentence]))
        torch.testing.assert_close(alone.mean[0], together.mean[row])
        torch.testing.assert_close(alone.log_variance[0], together.log_variance[row])


def test_a_plain_one_draws_nothing_and_a_variational_one_does() -> None:
    plain, variational = small(variational=False), small()
    sentences = Sentences(batch(SENTENCES))
    assert plain.loss(sentences).total == plain.loss(sentences).total
    assert variational.loss(sentences).total != variational.loss(sentences).total
    assert int(plain.train().kl.updates) == 0
    plain.loss(sentences)
    assert int(plain.kl.updates) == 0


def test_annealing_and_word_drop_count_while_training_only() -> None:
    network, sentences = small(annealing=Annealing(2)), Sentences(batch(SENTENCES))
    codes = network.infer(sentences.sentences)
    kl = codes.kl(Gaussian.standard(codes.mean)).sum().item()

    def total(training: bool) -> float:
        torch.manual_seed(1)
        return network.train(training).loss(sentences).total.item()

    whole = total(False)
    assert [whole - total(True) for _ in range(3)] == pytest.approx([kl, kl / 2, 0])
    dropped = small(target_drop=0.5)
    torch.manual_seed(1)
    learning = dropped.train().loss(sentences).total.item()
    torch.manual_seed(1)
    assert dropped.eval().loss(sentences).total.item() == pytest.approx(whole)
    assert learning != pytest.approx(whole)


@pytest.mark.parametrize("variational", [False, True])
def test_every_weight_learns(variational: bool) -> None:
    network = small(variational=variational, layers=2)
    network.loss(Sentences(batch(SENTENCES))).total.backward()
    for name, p in network.named_parameters():
        assert p.grad is not None, name
        assert bool(p.grad.any()), name


def test_interpolation_by_hand() -> None:
    found = interpolate(torch.tensor([0.0, 4.0]), torch.tensor([1.0, 0.0]), 5)
    assert found.tolist() == [[0, 4], [0.25, 3], [0.5, 2], [0.75, 1], [1, 0]]
    torch.manual_seed(0)
    first, last = torch.randn(2, 7)
    ends = interpolate(first, last, 9)[[0, -1]]
    torch.testing.assert_close(ends, torch.stack([first, last]))
    assert interpolate(first, last, 1).tolist() == [first.tolist()]


def trained(epochs: int, **options: Any) -> SequenceVAE:
    torch.manual_seed(0)
    network = SequenceVAE(4 + 3 * EACH * THEMES, 16, 48, 8, **options)
    rows = Ragged.from_sequences([[START, *sentence, END] for sentence in LEARNT])
    stream = Stream(
        rows.lengths, lambda some: Sentences(Batch.from_ragged(rows.take(some))), batch_tokens=150
    )
    assert fit(network, stream, epochs=epochs, learning_rate=0.02)
    return network


@pytest.fixture(scope="module")
def plain() -> SequenceVAE:
    return trained(100, variational=False)


@pytest.fixture(scope="module")
def variational() -> SequenceVAE:
    return trained(120, target_drop=0.5, annealing=Annealing(300))


@torch.no_grad()
def codes(network: SequenceVAE, sentences: list[Sentence]) -> Tensor:
    mean: Tensor = network.infer(framed(sentences)).mean
    return mean


@torch.no_grad()
def written(network: SequenceVAE, z: Tensor) -> list[Sentence]:
    state = network.encode(z)
    found = decode(network.step, state, size=len(z), start=START, end=END, max_length=9)
    return [tuple(row) for row in found.to_ragged().tolist()]


def neighbours(network: SequenceVAE) -> float:
    """How often one word exchanged leaves the code nearer than another theme does."""
    draw = torch.Generator().manual_seed(0)
    near, of, far = [], [], []
    for _ in range(500):
        theme, *words = (int(torch.randint(n, (), generator=draw)) for n in (THEMES, *[EACH] * 3))
        place, shift = (int(torch.randint(n, (), generator=draw)) for n in (3, EACH - 1))
        changed = list(words)
        changed[place] = (changed[place] + 1 + shift) % EACH
        of.append(sentence(theme, *words))
        near.append(sentence(theme, *changed))
        other = theme + 1 + int(torch.randint(THEMES - 1, (), generator=draw))
        far.append(sentence(other % THEMES, *words))
    z = codes(network, of)
    nearer = (codes(network, near) - z).norm(dim=1) < (codes(network, far) - z).norm(dim=1)
    return nearer.double().mean().item()


def same(network: SequenceVAE, sentences: list[Sentence]) -> float:
    """The share of sentences that come back from their codes."""
    given = written(network, codes(network, sentences))
    return sum(a == b for a, b in zip(given, sentences, strict=True)) / len(sentences)


def theme_of(words: Sentence) -> int:
    """The theme of a sentence by its first word; -1 where it is none."""
    return (words[0] - 4) // (3 * EACH) if words in LANGUAGE else -1


def between(network: SequenceVAE) -> list[int]:
    """Themes of what is written on the way from the code of a theme to that of the opposite one."""
    n = len(LANGUAGE) // 2
    ends = codes(network, LANGUAGE[:n]), codes(network, LANGUAGE[n:])
    lines = [interpolate(first, last, 7) for first, last in zip(*ends, strict=True)]
    return [theme_of(words) for words in written(network, torch.cat(lines))]


def from_prior(network: SequenceVAE) -> list[int]:
    draw = torch.Generator().manual_seed(0)
    return [theme_of(words) for words in written(network, torch.randn(300, 8, generator=draw))]


def test_a_plain_one_gives_sentences_back(plain: SequenceVAE) -> None:
    assert (len(LEARNT), len(UNSEEN)) == (146, 16)
    assert same(plain, LEARNT) > 0.95
    assert same(plain, UNSEEN) > 0.5


def test_near_sentences_have_near_codes(plain: SequenceVAE, variational: SequenceVAE) -> None:
    assert neighbours(plain) > 0.9
    assert neighbours(variational) > 0.9


@torch.no_grad()
def test_the_code_of_a_variational_one_is_the_theme(variational: SequenceVAE) -> None:
    """It is what all words have in common; the decoder needs no code for the rest."""
    found = variational.infer(framed(UNSEEN))
    kl = found.kl(Gaussian.standard(found.mean)).sum(1).mean().item()
    assert 0.7 * log(THEMES) < kl < 1.5 * log(THEMES)
    given = [theme_of(words) for words in written(variational, codes(variational, LANGUAGE))]
    right = [theme_of(words) for words in LANGUAGE]
    assert sum(a == b for a, b in zip(given, right, strict=True)) / len(LANGUAGE) > 0.95


def test_a_variational_one_has_sentences_everywhere(
    plain: SequenceVAE, variational: SequenceVAE
) -> None:
    """Between two codes, and where the prior draws; the plain one has none in many places."""
    themes = between(variational)
    assert themes.count(-1) / len(themes) < 0.05
    assert themes[0] == 0
    assert themes[6] == 3
    assert themes.count(-1) < between(plain).count(-1)
    drawn = from_prior(variational)
    assert drawn.count(-1) / len(drawn) < 0.1
    assert set(drawn) >= set(range(THEMES))
    assert from_prior(plain).count(-1) / len(drawn) > 0.3
