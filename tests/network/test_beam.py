"""Beam search against brute force: every sequence there is, each with its score."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from jpseq.batch import Batch
from jpseq.errors import ConfigurationError
from jpseq.network.attentional_decoder import AttentionalDecoder
from jpseq.network.beam import Hypothesis, Scoring, beam_search
from jpseq.network.encoder import Encoder
from jpseq.network.ensemble import Ensemble
from jpseq.network.search import decode
from jpseq.network.seq2seq import EncoderDecoder, Seq2Seq, start_embeddings
from jpseq.sequences import Ragged

START, END = 0, 1
PLACES = 3


class History(NamedTuple):
    """What has been read so far, as one number."""

    code: Tensor
    weights: Tensor | None = None

    def select(self, rows: Tensor) -> "History":
        return History(*(None if part is None else part[rows] for part in self))


class Oracle:
    """A network whose scores, and attention, depend on all that has been written."""

    def __init__(self, seed: int, words: int) -> None:
        draw = torch.Generator().manual_seed(seed)
        self.scores = torch.randn(101, words, generator=draw, dtype=torch.float64) * 2
        self.attention = torch.randn(89, PLACES, generator=draw, dtype=torch.float64)
        self.words = words

    def encode(self, seeds: list[int]) -> History:
        return History(torch.tensor(seeds))

    def step(self, previous: Tensor, state: History) -> tuple[Tensor, History]:
        code = (state.code * 31 + previous + 7) % 100_003
        weights = self.attention[code % 89].softmax(dim=1)[:, None]
        return self.scores[code % 101], History(code, weights)


def brute_force(
    oracle: Oracle,
    source: int,
    max_length: int,
    scoring: Scoring,
    forbidden: Sequence[int] = (),
    min_length: int = 0,
    no_repeat: int = 0,
) -> list[Hypothesis]:
    """All sequences, depth first, from the definitions."""
    found: list[Hypothesis] = []

    def go(words: list[int], log_p: float, state: History, seen: list[Tensor]) -> None:
        def finish(log_p: float, length: int, seen: list[Tensor]) -> None:
            attended = sum(seen, torch.zeros(PLACES, dtype=torch.float64))
            penalty = sum(math.log(min(float(a), 1.0)) for a in attended) if scoring.beta else 0.0
            score = log_p / ((5 + length) / 6) ** scoring.alpha + scoring.beta * penalty
            found.append(Hypothesis(words, score, log_p, torch.stack(seen)[: len(words)]))

        if len(words) == max_length:
            finish(log_p, max_length, seen)
            return
        scores, after = oracle.step(torch.tensor([words[-1] if words else START]), state)
        p = scores[0].log_softmax(0).tolist()
        n = no_repeat
        runs = {tuple(words[i : i + n]) for i in range(len(words) - n + 1)} if n else set()
        may = [
            word
            for word in range(oracle.words)
            if word not in forbidden
            and (word != END or len(words) >= min_length)
            and not (n and tuple([*words, word][-n:]) in runs and len(words) >= n)
        ]
        for word in may or [END]:
            now = [*seen, after.weights[0, 0]]
            if word == END:
                finish(log_p + p[END], len(words) + 1, now)
            else:
                go([*words, word], log_p + p[word], after, now)

    go([], 0.0, oracle.encode([source]), [])
    return sorted(found, key=lambda h: -h.score)


def run(oracle: Any, sources: list[int], max_length: Any, **options: Any) -> list[list[Hypothesis]]:
    state = oracle.encode(sources)
    return beam_search(
        oracle.step,
        state,
        size=len(sources),
        start=START,
        end=END,
        max_length=max_length,
        **options,
    )


def same(found: list[Hypothesis], wanted: list[Hypothesis]) -> None:
    assert [h.ids for h in found] == [h.ids for h in wanted]
    assert [h.score for h in found] == pytest.approx([h.score for h in wanted])
    assert [h.log_p for h in found] == pytest.approx([h.log_p for h in wanted])
    for h, w in zip(found, wanted, strict=True):
        if h.ids:
            torch.testing.assert_close(h.weights, w.weights)


rules = st.fixed_dictionaries(
    {
        "forbidden": st.sampled_from([(), (START,), (START, 3), (END,)]),
        "min_length": st.integers(0, 3),
        "no_repeat": st.integers(0, 2),
    }
)
scorings = st.builds(Scoring, st.sampled_from([0.0, 0.6, 1.0]), st.sampled_from([0.0, 0.4]))


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 1000),
    words=st.integers(2, 4),
    limits=st.lists(st.integers(0, 4), min_size=1, max_size=3),
    scoring=scorings,
    options=rules,
)
def test_a_beam_wide_enough_finds_everything_in_order(
    seed: int, words: int, limits: list[int], scoring: Scoring, options: dict[str, Any]
) -> None:
    options["forbidden"] = [word for word in options["forbidden"] if word < words]
    oracle = Oracle(seed, words)
    sources = list(range(len(limits)))
    found = run(oracle, sources, limits, beam=400, scoring=scoring, **options)
    for source, limit in zip(sources, limits, strict=True):
        if limit:
            same(found[source], brute_force(oracle, source, limit, scoring, **options))
        else:
            assert [h.ids for h in found[source]] == [[]]


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 1000),
    limits=st.lists(st.integers(0, 9), min_size=1, max_size=6),
    beam=st.integers(1, 4),
    scoring=scorings,
    options=rules,
)
def test_a_batch_finds_what_single_sequences_find(
    seed: int, limits: list[int], beam: int, scoring: Scoring, options: dict[str, Any]
) -> None:
    oracle = Oracle(seed, 6)
    sources = list(range(len(limits)))
    options |= {"beam": beam, "scoring": scoring}
    for source, together in zip(sources, run(oracle, sources, limits, **options), strict=True):
        (alone,) = run(oracle, [source], limits[source], **options)
        assert 1 <= len(together) <= beam
        assert [h[:3] for h in together] == [h[:3] for h in alone]
        assert all(a.score >= b.score for a, b in pairwise(together))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 1000), max_length=st.integers(0, 9), options=rules)
def test_a_beam_of_one_is_greedy(seed: int, max_length: int, options: dict[str, Any]) -> None:
    oracle = Oracle(seed, 6)
    found = run(oracle, [1, 2, 3], max_length, beam=1, **options)
    written = decode(
        oracle.step,
        oracle.encode([1, 2, 3]),
        size=3,
        start=START,
        end=END,
        max_length=max_length,
        **options,
    )
    assert [hypotheses[0].ids for hypotheses in found] == written.to_ragged().tolist()


def table(p: list[list[float]]) -> Any:
    """A network where p[w] are the probabilities after the word w."""
    log_p = torch.tensor(p, dtype=torch.float64).log()
    return lambda previous, state: (log_p[previous], state)


def test_by_hand_that_greedy_misses_what_a_beam_of_two_finds() -> None:
    step = table(
        [
            [0, 0, 0.6, 0.4],  # start: 2 is likelier than 3
            [0, 1, 0, 0],
            [0, 0.25, 0.4, 0.35],  # after 2 nothing is clear
            [0, 1, 0, 0],  # after 3 it ends
        ]
    )
    options = {"size": 1, "start": START, "end": END, "max_length": 5, "scoring": Scoring(0.0)}
    (greedy,) = beam_search(step, None, beam=1, **options)
    (best, second) = beam_search(step, None, beam=2, **options)[0]
    assert greedy[0].ids[0] == 2
    assert best.ids == [3]
    assert best.score == best.log_p == pytest.approx(math.log(0.4))
    assert second.ids == [2, 3]
    assert second.log_p == pytest.approx(math.log(0.6 * 0.35))


def test_the_score_by_hand() -> None:
    assert Scoring(0, 0)(-3.0, 7) == -3.0
    assert Scoring(1, 0)(-3.0, 7) == pytest.approx(-1.5)
    assert Scoring(2, 0)(-3.0, 7) == pytest.approx(-0.75)
    attended = torch.tensor([0.5, 2.0, 0.25])
    wanted = -1.5 + 0.2 * (math.log(0.5) + math.log(0.25))
    assert Scoring(1, 0.2)(-3.0, 7, attended) == pytest.approx(wanted)
    assert math.isfinite(Scoring(1, 0.2)(-3.0, 7, torch.zeros(2)))


def test_attention_behind_the_source_is_no_part_of_a_hypothesis() -> None:
    oracle = Oracle(3, 5)
    options = {"beam": 2, "scoring": Scoring(1.0, 0.5)}
    found = run(oracle, [1, 2], 4, places=[2, 3], **options)
    assert {h.weights.shape[1] for h in found[0]} == {2}
    assert {h.weights.shape[1] for h in found[1]} == {3}
    assert all(len(h.weights) == len(h.ids) for some in found for h in some)


def test_what_is_done_leaves_the_batch() -> None:
    oracle, sizes = Oracle(1, 5), []

    def counted(previous: Tensor, state: History) -> tuple[Tensor, History]:
        sizes.append(len(previous))
        return oracle.step(previous, state)

    state = oracle.encode([1, 2, 3])
    options = {"size": 3, "start": START, "end": END, "beam": 2, "forbidden": [END]}
    beam_search(counted, state, max_length=[1, 3, 2], **options)
    assert sizes == [3, 4, 2]  # one row each at first, then two of those that still go on


def test_no_sequences_at_all_and_no_beam() -> None:
    assert run(Oracle(0, 4), [], 5) == []
    with pytest.raises(ConfigurationError, match="beam is 0"):
        run(Oracle(0, 4), [1], 5, beam=0)


@pytest.mark.parametrize("several", [False, True])
def test_every_tensor_of_a_search_is_on_the_device_that_was_named(several: bool) -> None:
    """What names none would be made on the default device, and no sum of two devices is there."""
    network: Any = Ensemble([Oracle(1, 5), Oracle(2, 5)]) if several else Oracle(1, 5)
    options = {"size": 3, "start": START, "end": END, "beam": 2, "max_length": [1, 4, 3]}
    options |= {"forbidden": [2], "min_length": 1, "no_repeat": 2, "scoring": Scoring(1.0, 0.2)}
    wanted = beam_search(network.step, network.encode([1, 2, 3]), **options)
    state = network.encode([1, 2, 3])
    with torch.device("meta"):
        found = beam_search(network.step, state, device="cpu", **options)
    assert [[h[:3] for h in some] for some in found] == [[h[:3] for h in some] for some in wanted]


# With real networks


def networks() -> list[Any]:
    torch.manual_seed(0)
    sizes = (9, 6, 8)
    plain = Seq2Seq(*sizes, "lstm")
    decoder = AttentionalDecoder(
        *sizes, 8, "gru", attention="additive", input_feeding=True, coverage=True
    )
    encoder = Encoder(*sizes, "gru")
    attending = EncoderDecoder(*start_embeddings(encoder, decoder, shared=False))
    for network in (plain, attending):
        for parameter in network.parameters():
            torch.nn.init.normal_(parameter)
    return [plain.double().eval(), attending.double().eval()]


SOURCES = [[3, 4, 5], [], [6], [4, 4, 3, 6, 5]]


@pytest.mark.parametrize("kind", ["plain", "attention", "ensemble"])
def test_networks_in_a_batch_and_alone(kind: str) -> None:
    both = networks()
    network = {"plain": both[0], "attention": both[1], "ensemble": Ensemble(both)}[kind]
    options: dict[str, Any] = {"start": 1, "end": 2, "beam": 3, "scoring": Scoring(1.0, 0.2)}

    def search(rows: list[list[int]]) -> list[list[Hypothesis]]:
        source = Batch.from_ragged(Ragged.from_sequences(rows))
        with torch.no_grad():
            state = network.encode(source)
        lengths = [len(row) for row in rows]
        return beam_search(
            network.step, state, size=len(rows), max_length=8, places=lengths, **options
        )

    for row, together in zip(SOURCES, search(SOURCES), strict=True):
        (alone,) = search([row])
        assert [h.ids for h in together] == [h.ids for h in alone]
        assert [h.score for h in together] == pytest.approx([h.score for h in alone])
        for h, other in zip(together, alone, strict=True):
            assert (h.weights is None) == (kind == "plain")
            if h.weights is not None:
                torch.testing.assert_close(h.weights, other.weights)


def test_an_ensemble_is_the_mean_of_probabilities() -> None:
    both = networks()
    source = Batch.from_ragged(Ragged.from_sequences(SOURCES))
    ensemble, previous = Ensemble(both), torch.tensor([1, 3, 4, 5])
    log_p, state = ensemble.step(previous, ensemble.encode(source))
    alone = [network.step(previous, network.encode(source)) for network in both]
    wanted = (alone[0][0].softmax(1) + alone[1][0].softmax(1)) / 2
    torch.testing.assert_close(log_p.exp(), wanted)
    torch.testing.assert_close(state.weights, alone[1][1].weights)
    twice = Ensemble([both[1]] * 2)
    scores, _ = twice.step(previous, twice.encode(source))
    torch.testing.assert_close(scores, alone[1][0].log_softmax(1))


def test_an_ensemble_of_nothing_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match="one network at least"):
        Ensemble([])
