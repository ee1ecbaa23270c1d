"""The tasks of benchmarks/dialogue_tasks.py, small: who remembers, and who is dull."""

from collections import Counter
from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.dialogue_tasks import (
    ANSWERS,
    BEST,
    CHANCE,
    DULL,
    FACTS,
    FILLERS,
    REPLIES,
    dullness,
    memory,
    told,
)


@given(st.integers(1, 6), st.integers(0, 1000))
def test_a_fact_is_told_k_turns_before_it_is_asked_for(k: int, seed: int) -> None:
    dialogue, answer = told(k, np.random.default_rng(seed))
    attribute, *asks = dialogue[-1]
    fact = dialogue[-1 - k]
    assert asks == ["は", "何", "です", "か"]
    assert fact[:2] == [attribute, "は"]
    assert answer == fact[2:]
    assert answer[0] in FACTS[attribute]
    others = [*dialogue[: -1 - k], *dialogue[len(dialogue) - k : -1]]
    assert all(turn in FILLERS for turn in others)
    assert len(others) - (k - 1) in (0, 1, 2)


def test_nothing_but_the_fact_tells_the_value() -> None:
    values = {value for some in FACTS.values() for value in some}
    assert values.isdisjoint(word for turn in FILLERS for word in turn)
    assert {len(some) for some in FACTS.values()} == {1 / CHANCE}
    rng = np.random.default_rng(0)
    counts = Counter(told(2, rng).answer[0] for _ in range(3600))
    # 200 of each of 18, within five standard deviations.
    assert set(counts) == values
    assert all(abs(count - 200) < 70 for count in counts.values())


def test_the_dull_reply_is_the_likeliest_to_every_topic() -> None:
    for topic, answers in ANSWERS.items():
        counts = Counter(" ".join(reply) for reply in REPLIES[topic])
        assert len({answer[0] for answer in answers}) == len(answers) == 5
        assert counts.most_common(2)[0] == (" ".join(DULL), 5)
        assert sorted(counts.values()) == [3, 3, 3, 3, 3, 5]
        entropy = -sum(n / 20 * log(n / 20) for n in counts.values())
        assert pytest.approx(entropy) == BEST


def test_hred_remembers_and_who_sees_the_last_turn_guesses() -> None:
    right = memory(seed=0, reach=2, dialogues=1500, epochs=13, exam=200, batch_tokens=600)
    assert len(right["HRED"]) == len(right["Seq2Seq, last turn"]) == 2
    assert min(right["HRED"]) > 0.9
    # Five standard deviations above chance.
    assert max(right["Seq2Seq, last turn"]) < CHANCE + 5 * (CHANCE * (1 - CHANCE) / 200) ** 0.5


def test_hred_is_dull_and_vhred_is_not() -> None:
    variant = "annealing, words left blank"
    found = dullness(seed=0, epochs=16, weights=50, variants=[variant])
    likeliest, nats = found["HRED, greedy"]
    assert likeliest.dull > 0.8
    assert likeliest.covered < 0.5
    assert BEST < nats.nll < BEST + 0.2
    drawn, bounds = found[f"VHRED, z drawn, {variant}"]
    assert drawn.covered > 3
    assert drawn.good + drawn.dull > 0.9
    assert bounds.kl is not None
    assert bounds.bound is not None
    assert bounds.kl > 0.7
    assert BEST < bounds.nll < bounds.bound < BEST + 0.5
