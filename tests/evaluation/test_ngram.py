"""Bigrams and Kneser-Ney trigrams: by hand, against plain dicts, and as distributions."""

import math
from collections import Counter, defaultdict
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jpseq.errors import ConfigurationError, DataError, NotFittedError
from jpseq.evaluation.ngram import Bigram, KneserNey, NGram
from jpseq.sequences import Ragged

START, END, A, B = range(4)
SEQUENCES = [[A, B], [A]]

MODELS: list[NGram] = [Bigram(START, END, 0.8, 0.2), KneserNey(START, END)]
BOTH = pytest.mark.parametrize("model", MODELS, ids=["bigram", "kneser_ney"])


def p(model: NGram, sequence: list[int]) -> list[float]:
    return np.exp(model.log_p(sequence)).tolist()


# By hand


def test_bigrams_by_hand() -> None:
    # Five predicted ids, A twice, B once, the end twice: p(A) = 0.8 * 2/5 + 0.2/4 = 0.37 = p(end),
    # p(B) = 0.21. After the start always A; after A once B and once the end; after B the end.
    model = Bigram(START, END, weight=0.8, uniform=0.2).fit(SEQUENCES, 4)
    assert p(model, [A, B]) == pytest.approx([0.8 + 0.2 * 0.37, 0.4 + 0.2 * 0.21, 0.874])
    assert p(model, [B, B]) == pytest.approx([0.042, 0.042, 0.874])
    assert p(model, []) == pytest.approx([0.2 * 0.37])
    assert model.distribution([END]) == pytest.approx([0.05, 0.37, 0.37, 0.21])  # never before


def test_kneser_ney_by_hand() -> None:
    # Trigrams: start start A twice, start A B, A B end, start A end once: discount 3/5.
    # Different ones before start A, A B, B end, A end: one each; none with two: discount 1/2.
    # Different ones before A: start; before B: A; before the end: A and B: discount 2/4.
    model = KneserNey(START, END).fit(SEQUENCES, 4)
    # (count - 1/2) / 4 + 1/2 * 3/4 * 1/4
    unigram = [0.09375, 0.46875, 0.21875, 0.21875]
    assert model.distribution([END]) == pytest.approx(unigram)
    # After A: B and the end keep (1 - 1/2) / 2 each, and 1/2 * 2/2 is left.
    after_a = [0.046875, 0.484375, 0.109375, 0.359375]
    assert model.distribution([END, A]) == pytest.approx(after_a)
    # start start A: (2 - 3/5) / 2 + 3/5 * 1/2 * (1/2 + 1/2 * 0.21875)
    # start A B: (1 - 3/5) / 2 + 3/5 * 2/2 * 0.359375; A B end: 2/5 + 3/5 * (1/2 + 0.46875 / 2)
    assert p(model, [A, B]) == pytest.approx([0.8828125, 0.415625, 0.840625])


@BOTH
def test_a_perplexity_is_of_all_ids_and_ends(model: NGram) -> None:
    model.fit(SEQUENCES, 4)
    log_p = [*model.log_p([A, B]), *model.log_p([]), *model.log_p([B, A, A])]
    found = model.perplexity([[A, B], [], [B, A, A]], data="three", characters=7)
    assert found.tokens == 3 + 1 + 4
    assert found.nll == pytest.approx(-sum(log_p) / 8)
    assert (found.signature, found.characters) == ("data:three|vocabulary:4", 7)


# Against plain dicts


def dict_bigram(sequences: list[list[int]], size: int, weight: float, uniform: float) -> Any:
    pairs: Counter[tuple[int, int]] = Counter()
    for sequence in sequences:
        framed = [START, *sequence, END]
        pairs.update(pairwise(framed))

    def p(history: tuple[int, ...], word: int) -> float:
        single = sum(n for (_, w), n in pairs.items() if w == word) / pairs.total()
        lower = (1 - uniform) * single + uniform / size
        total = sum(n for (v, _), n in pairs.items() if v == history[-1])
        if not total:
            return lower
        return weight * pairs[history[-1], word] / total + (1 - weight) * lower

    return p


def dict_kneser_ney(sequences: list[list[int]], size: int) -> Any:
    counts: dict[int, Counter[tuple[int, ...]]] = {3: Counter(), 2: Counter(), 1: Counter()}
    for sequence in sequences:
        framed = [START, START, *sequence, END]
        counts[3].update(tuple(framed[i : i + 3]) for i in range(len(framed) - 2))
    for n in (2, 1):
        before = defaultdict(set)
        for gram in counts[n + 1]:
            before[gram[1:]].add(gram[0])
        counts[n] = Counter({gram: len(some) for gram, some in before.items()})

    def p(history: tuple[int, ...], word: int) -> float:
        n = len(history) + 1
        lower = p(history[1:], word) if history else 1 / size
        after = [c for gram, c in counts[n].items() if gram[:-1] == history]
        if not after:
            return lower
        once, twice = (sum(c == k for c in counts[n].values()) for k in (1, 2))
        discount = once / (once + 2 * twice) if once and twice else 0.5
        kept = max(counts[n][(*history, word)] - discount, 0) / sum(after)
        return kept + discount * len(after) / sum(after) * lower

    return p


SIZE = 6
TEXTS = st.lists(st.lists(st.integers(2, SIZE - 1), max_size=5), min_size=1, max_size=12)


@given(TEXTS, TEXTS)
def test_both_are_what_plain_dicts_say(sequences: list[list[int]], unseen: list[list[int]]) -> None:
    wanted = {
        Bigram(START, END, 0.7, 0.1): dict_bigram(sequences, SIZE, 0.7, 0.1),
        KneserNey(START, END): dict_kneser_ney(sequences, SIZE),
    }
    for model, reference in wanted.items():
        model.fit(sequences, SIZE)
        expected = []
        for sequence in unseen:
            framed = [START, START, *sequence, END]
            expected += [
                math.log(reference(tuple(framed[i : i + 2]), framed[i + 2]))
                for i in range(len(framed) - 2)
            ]
        assert np.concatenate([*map(model.log_p, unseen)]) == pytest.approx(expected)
        found = model.perplexity(Ragged.from_sequences(unseen))
        assert found.nll == pytest.approx(-sum(expected) / len(expected))


@settings(max_examples=20)
@given(TEXTS)
def test_probabilities_after_any_history_sum_to_one(sequences: list[list[int]]) -> None:
    for model in MODELS:
        model.fit(sequences, SIZE)
        histories = [[], *([v] for v in range(SIZE))]
        histories += [[v, w] for v in range(SIZE) for w in range(SIZE)]
        for history in histories:
            found = model.distribution(history)
            assert found.sum() == pytest.approx(1)
            assert (found > 0).all()
            scored = [model.log_p([*history, word])[len(history)] for word in range(SIZE)]
            assert found == pytest.approx(np.exp(scored))


@BOTH
def test_only_the_last_ids_count(model: NGram) -> None:
    model.fit([[A, B, A], [B, B]], 4)
    assert model.distribution([A, A, A, B, A]).tolist() == model.distribution([B, A]).tolist()


@BOTH
def test_sequences_come_in_every_form(model: NGram) -> None:
    rows = Ragged.from_sequences([[B], *SEQUENCES, [B, B]])
    wanted = model.fit(SEQUENCES, 4).log_p([A, B])
    for form in (iter(SEQUENCES), [np.array(row) for row in SEQUENCES], rows[1:3]):
        assert model.fit(form, 4).log_p(np.array([A, B])).tolist() == wanted.tolist()


# Writing


@BOTH
def test_the_likeliest_sequence(model: NGram) -> None:
    assert model.fit([[A, B], [A, B], [B]], 4).likeliest().tolist() == [A, B]
    assert model.likeliest(longest=1).tolist() == [A]
    assert model.likeliest(forbidden=[A]).tolist() == [B]
    assert model.likeliest(longest=0).tolist() == []
    assert model.fit([[]], 4).likeliest().tolist() == []


@BOTH
def test_what_is_drawn_is_as_frequent_as_it_is_likely(model: NGram) -> None:
    model.fit(SEQUENCES, 4)
    rng = np.random.default_rng(0)
    drawn = [model.sample(rng, longest=1).tolist() for _ in range(2000)]
    p = model.distribution()
    assert {*map(tuple, drawn)} == {(), (A,), (B,)}
    # Without the start, which is never drawn. Four standard deviations are at most 0.045.
    assert drawn.count([A]) / 2000 == pytest.approx(p[A] / (1 - p[START]), abs=0.045)


@BOTH
def test_the_same_seed_draws_the_same(model: NGram) -> None:
    model.fit([[A, B, B, A], [B, A], []], 4)
    draws = [
        [model.sample(np.random.default_rng(seed)).tolist() for seed in range(20)] for _ in "12"
    ]
    assert draws[0] == draws[1]
    assert len({*map(tuple, draws[0])}) > 3


@BOTH
def test_what_is_forbidden_is_never_written(model: NGram) -> None:
    model.fit(SEQUENCES, 4)
    rng = np.random.default_rng(0)
    assert model.sample(rng, longest=50, forbidden=[END, A]).tolist() == [B] * 50
    with pytest.raises(ConfigurationError, match="every id is forbidden"):
        model.sample(rng, forbidden=[END, A, B])


# What goes wrong


@BOTH
def test_nothing_was_counted(model: NGram) -> None:
    fresh: Any = model.clone()
    for use in (fresh.likeliest, fresh.distribution, lambda: fresh.log_p([A])):
        with pytest.raises(NotFittedError, match="has counted nothing yet: call fit"):
            use()


@BOTH
def test_what_cannot_be_counted(model: NGram) -> None:
    with pytest.raises(DataError, match="nothing to count: no sequence at all"):
        model.fit([], 4)
    for wrong in ([[A, 4]], [[-1]], [[0.5]]):
        with pytest.raises(DataError, match="whole numbers from 0 to 3"):
            model.fit(wrong, 4)
    with pytest.raises(ConfigurationError, match="two different ids from 0 to 0, got 0 and 1"):
        model.fit([[]], 1)
    with pytest.raises(ConfigurationError, match="two different ids"):
        type(model)(1, 1).fit(SEQUENCES, 4)
    with pytest.raises(ConfigurationError, match="too many for n-grams of"):
        model.fit(SEQUENCES, 2**32)


@pytest.mark.parametrize(("weight", "uniform"), [(1.0, 0.1), (-0.1, 0.1), (0.5, 0.0), (0.5, 1.5)])
def test_weights_that_are_none(weight: float, uniform: float) -> None:
    with pytest.raises(ConfigurationError, match="weight is at least 0 and below 1, uniform"):
        Bigram(START, END, weight, uniform).fit(SEQUENCES, 4)


def test_large_vocabularies_have_place() -> None:
    last = 2_000_000
    model = KneserNey(START, END).fit([[last, last], [last, last], [last, A]], last + 1)
    assert model.likeliest(longest=2).tolist() == [last, last]
    assert model.distribution([last, last]).sum() == pytest.approx(1)
