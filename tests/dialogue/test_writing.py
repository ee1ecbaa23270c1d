"""Replies as they are written: greedy, with a beam, drawn, and chosen among several."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from jpseq.batch import Batch
from jpseq.dialogue import writing
from jpseq.dialogue.chatbot import Chatbot
from jpseq.dialogue.explanation import erased
from jpseq.dialogue.reading import ENDS, NEVER, SPECIALS, Flat, Ids
from jpseq.dialogue.reranking import scores
from jpseq.dialogue.writing import reranked, write
from jpseq.errors import ConfigurationError
from jpseq.network.beam import beam_search
from jpseq.network.search import forced
from jpseq.network.seq2seq import Pair
from jpseq.sequences import Ragged
from jpseq.text.characters import Characters
from jpseq.text.whitespace import Whitespace
from jpseq.vocabulary import Vocabulary

DIALOGUES = [
    ["山 へ 行く ？", "海 へ 行く", "いい ね"],
    ["猫 は 好き ？", "犬 も 好き", "猫 も ？", "猫 は 苦手"],
    ["何 か 食べる ？", "魚 を 食べる", "海 の 魚 ？"],
    ["眠い", "寝る ？", ""],
]
HISTORIES = [
    ["山 へ 行く ？"],
    ["猫 は 好き ？", "犬 も 好き", "猫 も ？"],
    [""],
    ["海 の 魚 を 食べる 猫 は 好き ？ " * 4, "", "眠い"],
    ["魚 は 苦手", "いい ね"],
]
ARCHITECTURES: dict[str, dict[str, Any]] = {
    "seq2seq": {},
    "hred": {"hierarchy": {"size": 16, "attention": "dot", "speakers": 2, "positions": 3}},
    "vhred": {"hierarchy": {"size": 16}, "latent": {"size": 8, "anneal": 40}},
}


@pytest.fixture(scope="module", params=list(ARCHITECTURES))
def bot(request: pytest.FixtureRequest) -> Chatbot:
    params: dict[str, Any] = {"embedding": 16, "hidden": 16, "epochs": 15, "batch_tokens": 60}
    bot = Chatbot(Whitespace(), request.param, learning_rate=0.02, max_reply=8, **params)
    return bot.set_params(**ARCHITECTURES[request.param]).fit(DIALOGUES)


def asked(bot: Chatbot, histories: list[list[str]] = HISTORIES) -> tuple[Any, Any, list[list[Ids]]]:
    ids = [list(bot.vocabulary.transform(map(bot.words, history))) for history in histories]
    return bot.trained(), bot._reading, ids


# Written


def test_a_batch_gives_what_single_histories_give(
    bot: Chatbot, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, reading, histories = asked(bot)
    for beam in (1, 3):
        alone = [
            write(network, reading, [history], max_length=8, beam=beam)[0] for history in histories
        ]
        assert write(network, reading, histories, max_length=8, beam=beam) == alone
        for size, turns in ((2, 99), (9, 4)):
            monkeypatch.setattr(writing, "BATCH", size)
            monkeypatch.setattr(writing, "TURNS", turns)
            assert write(network, reading, histories, max_length=8, beam=beam) == alone


def test_greedy_is_a_beam_of_one_and_a_wider_one_finds_no_less_likely_replies(bot: Chatbot) -> None:
    network, reading, histories = asked(bot)
    search: Any = {"size": len(histories), "max_length": 8, "forbidden": NEVER, **ENDS}
    with torch.no_grad():
        state = network.encode(*reading.before(histories))
    found = beam_search(network.step, state, beam=1, **search)
    assert write(network, reading, histories, max_length=8) == [some[0].ids for some in found]
    found = beam_search(network.step, state, beam=4, **search)
    wide = write(network, reading, histories, max_length=8, beam=4)
    assert wide == [some[0].ids for some in found]


def test_no_history_no_reply(bot: Chatbot) -> None:
    network, reading, _ = asked(bot)
    assert write(network, reading, [], max_length=8) == []
    assert bot.replies([]) == []


@pytest.mark.parametrize("beam", [0, -1])
def test_a_beam_below_one_is_refused(bot: Chatbot, beam: int) -> None:
    with pytest.raises(ConfigurationError, match=f"beam is {beam}; it must be at least 1"):
        bot.replies(HISTORIES, beam=beam)


def test_what_is_drawn_is_decided_by_the_seeds(bot: Chatbot) -> None:
    given = asked(bot)

    def drawn(seed: int, draw: int | None = None) -> list[list[int]]:
        return write(*given, max_length=8, temperature=2.0, seed=seed, draw=draw)

    assert drawn(1) == drawn(1) != drawn(2)
    assert drawn(1, draw=5) == drawn(1, draw=5)


def test_words_and_z_are_drawn_by_one_seed_where_no_other_is_given(bot: Chatbot) -> None:
    histories = [["猫 は 好き ？"]] * 30

    def drawn(draw: int | None) -> list[str]:
        options: Any = {"max_length": 8, "temperature": 0.3, "seed": 1}
        return bot.texts(write(*asked(bot, histories), draw=draw, **options))

    assert bot.replies(histories, temperature=0.3, seed=1) == drawn(1)
    assert bot.replies(histories, temperature=0.3, seed=1, draw=2) == drawn(2)
    assert (drawn(1) == drawn(2)) == (drawn(1) == drawn(None)) == (bot.architecture != "vhred")


def test_z_is_drawn_for_each_reply_where_there_is_one(
    bot: Chatbot, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, reading, _ = asked(bot)
    histories = asked(bot, [["猫 は 好き ？"]] * 30)[2]

    def drawn(draw: int | None) -> list[list[int]]:
        return write(network, reading, histories, max_length=8, draw=draw)

    mean, first, second = drawn(None), drawn(0), drawn(1)
    assert len(set(map(tuple, mean))) == 1
    if bot.architecture != "vhred":
        assert first == second == mean
        return
    assert first != second
    assert len(set(map(tuple, first))) > 1
    noise = np.random.default_rng(0).standard_normal((30, 8))
    with torch.no_grad():
        state = network.encode(*reading.before(histories), torch.from_numpy(noise).float())
    found = beam_search(network.step, state, size=30, max_length=8, beam=1, forbidden=NEVER, **ENDS)
    assert first == [some[0].ids for some in found]
    monkeypatch.setattr(writing, "BATCH", 7)
    assert drawn(0) == first


# Word by word


@pytest.mark.parametrize("rerank", [None, {"candidates": 4}])
@pytest.mark.parametrize("temperature", [0.0, 1.5])
def test_the_pieces_of_a_stream_are_the_reply(
    bot: Chatbot, temperature: float, rerank: dict[str, Any] | None
) -> None:
    said = bot.clone().set_params(rerank=rerank)
    said.vocabulary, said.network = bot.vocabulary, bot.network
    several = 0
    for seed, history in enumerate(HISTORIES):
        pieces = list(said.stream(history, temperature=temperature, seed=seed))
        assert "".join(pieces) == said.reply(history, temperature=temperature, seed=seed)
        several += len(pieces) > 1
    assert several


def test_words_come_while_others_are_still_to_be_written(
    bot: Chatbot, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, steps = bot.trained(), []
    really = type(network).step

    def step(self: Any, previous: Tensor, state: Any) -> Any:
        steps.append(int(previous))
        return really(self, previous, state)

    monkeypatch.setattr(type(network), "step", step)
    pieces = bot.stream(["猫 は 好き ？"])
    next(pieces)
    assert len(steps) == 2  # a word is sure when the next is there
    assert "".join(pieces)
    assert len(steps) > 2


def test_an_unknown_turn_is_refused_in_a_stream_as_in_a_reply(bot: Chatbot) -> None:
    for turn in (["謎 謎 山"], ["謎"], ["謎 ？"], ["😀"]):
        refusal = bot.refusal(turn)
        assert refusal == f"すみません、「{turn[0][0]}」という言葉がわかりません。"
        assert list(bot.stream(turn)) == [refusal]
        assert bot.reply(turn) == refusal
    for turn in (["謎 は 好き ？"], ["？"], [""], ["山 へ 行く"]):
        assert bot.refusal(turn) is None


def test_why_tells_what_mattered(bot: Chatbot) -> None:
    history = ["山 へ 行く ？", "海 へ 行く", "猫 は 好き ？"]
    found = bot.why(history)
    assert found["responder"] == bot.architecture
    assert found["turns read"] == "3"
    (reply,) = write(*asked(bot, [history]), max_length=8)
    here = scores(*asked(bot)[:2], asked(bot, [history])[2][0], [reply], 0.0)
    assert found["nats a word"].startswith(f"{-float(here[0]):.2f} after this, ")
    assert ("z" in found) == (bot.architecture == "vhred")
    if bot.architecture == "hred":  # it attends to the words of the last turn and its end
        weights = [float(part) for part in found["attended to"].split()[1::2]]
        assert found["attended to"].split()[::2] == ["猫", "は", "好き", "？", "(end)"]
        assert sum(weights) == pytest.approx(1, abs=0.03)
    else:
        assert found["mattered"].split()[::2] == ["猫", "は", "好き", "？"]
    assert bot.why(["謎 謎"]) == {"responder": bot.architecture, "unknown words": "謎 謎"}


@torch.no_grad()
def test_a_word_matters_as_much_as_the_reply_is_less_likely_without_it(bot: Chatbot) -> None:
    network, reading, histories = asked(bot, [["眠い", "猫 は 好き ？"], ["眠い", "は 好き ？"]])
    reply = bot.vocabulary.transform([["犬", "も", "好き"]])[0].tolist()
    with_it, without = (
        4 * float(scores(network, reading, history, [reply], 0.0)[0]) for history in histories
    )
    found = erased(network, reading, histories[0], range(4), reply)
    assert found[0] == pytest.approx(with_it - without, abs=1e-4)


def test_the_divergence_of_z_by_hand() -> None:
    bot = Chatbot(Whitespace(), "vhred", embedding=4, hidden=4, epochs=1, latent={"size": 3})
    bot.fit(DIALOGUES)
    network, history = bot.trained(), ["猫 は 好き ？"]
    for layer, mean in ((network.prior, 0.0), (network.posterior, 2.0)):
        torch.nn.init.zeros_(layer.output.weight)
        layer.output.bias.data.copy_(torch.tensor([mean, 0, 0, 0, 0, 0]))
    # Of two normal distributions of variance 1, two apart, it is 2² / 2.
    assert bot.why(history)["z"] == "KL 2.00 nats; 1 of 3 units above 0.01"


# How likely


@torch.no_grad()
def test_forced_is_minus_the_loss_of_the_same_words(bot: Chatbot) -> None:
    network, reading, histories = asked(bot, [["海 へ 行く ？"], ["猫 は 苦手"]])
    replies = list(bot.vocabulary.transform([["犬", "も", "好き"], []]))
    batch = Batch.from_ragged(Ragged.from_sequences(replies))
    found = forced(network.step, network.encode(*reading.before(histories)), batch, **ENDS)
    for history, reply, log_p in zip(histories, replies, found.tolist(), strict=True):
        before = reading.before([history])
        framed = Ragged.from_sequences([[ENDS["start"], *reply, ENDS["end"]]])
        target = Batch.from_ragged(framed)
        if bot.architecture == "seq2seq":
            total = network.loss(Pair(*before, target)).total
        elif bot.architecture == "hred":
            total = network.loss(reading.before([[*history, reply]])[0]).total
        else:  # the loss draws z; a reply has it at the mean
            total = network.decoder.nll(target, network.encode(*before))
        assert -float(total) == pytest.approx(log_p, rel=1e-4)


# Chosen among several

WORDS = Vocabulary(SPECIALS).fit([["a", "x", "y"]])
A, X, Y = (WORDS.id(word) for word in "axy")
# How likely "x" and "y" are as the only word of a reply: to "a", and to a turn without words.
TO_A, TO_NOTHING = {X: 0.6, Y: 0.3}, {X: 0.8, Y: 0.1}


class Table:
    """A network that is a table: after "x" or "y" there is nothing but the end."""

    def encode(self, source: Batch) -> Tensor:
        return source.lengths

    def step(self, previous: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        p = torch.zeros(len(previous), len(WORDS))
        p[:, ENDS["end"]] = 1.0
        for row, (word, length) in enumerate(zip(previous.tolist(), state.tolist(), strict=True)):
            if word == ENDS["start"]:
                p[row, ENDS["end"]] = 0.1
                for reply, share in (TO_A if length else TO_NOTHING).items():
                    p[row, reply] = share
        return p.log(), state


READING = Flat(WORDS, 9, None, 100, 0)
HISTORY = [np.array([A], np.int32)]


@pytest.mark.parametrize("weight", [0.0, 0.5, 1.0])
def test_scores_by_hand(weight: float) -> None:
    found = scores(Table(), READING, HISTORY, [(X,), (Y,), ()], weight)
    assert found.tolist() == pytest.approx(
        [
            (math.log(0.6) - weight * math.log(0.8)) / 2,
            (math.log(0.3) - weight * math.log(0.1)) / 2,
            math.log(0.1) - weight * math.log(0.1),
        ]
    )


@pytest.mark.parametrize(("weight", "said"), [(0.0, X), (0.5, Y)])
def test_what_fits_everywhere_is_not_said(weight: float, said: int) -> None:
    """x: ln .6 / 2 = -.26 without, (ln .6 - .5 ln .8) / 2 = -.20 with the weight;
    y: ln .3 / 2 = -.60 without, (ln .3 - .5 ln .1) / 2 = -.03 with it."""
    options: Any = {"candidates": 40, "temperature": 1.0, "max_length": 3, "seed": 1}
    assert reranked(Table(), READING, [HISTORY], weight=weight, **options) == [[said]]


def test_of_one_candidate_it_is_said() -> None:
    options: Any = {"max_length": 3, "temperature": 1.0}
    for seed in range(5):
        (drawn,) = write(Table(), READING, [HISTORY], seed=seed, draw=seed, **options)
        assert reranked(
            Table(), READING, [HISTORY], candidates=1, weight=0.5, seed=seed, **options
        ) == [drawn]


@pytest.mark.parametrize("weight", [0.0, 0.7])
def test_the_best_of_the_candidates_is_said(bot: Chatbot, weight: float) -> None:
    network, reading, histories = asked(bot)
    options: Any = {"max_length": 8, "temperature": 1.5, "seed": 3}
    found = reranked(network, reading, histories, candidates=12, weight=weight, **options)
    nothing = [[np.zeros(0, np.int32)]]
    for history, said in zip(histories, found, strict=True):
        candidates = write(network, reading, [history] * 12, draw=3, **options)
        assert len(set(map(tuple, candidates))) > 1
        best = {}
        for reply in candidates:
            batch = Batch.from_ragged(Ragged.from_sequences([reply]))
            here, anywhere = (
                float(forced(network.step, network.encode(*reading.before(x)), batch, **ENDS))
                for x in ([history], nothing)
            )
            best[tuple(reply)] = (here - weight * anywhere) / (len(reply) + 1)
        assert best[tuple(said)] == pytest.approx(max(best.values()), abs=1e-5)


def test_a_chosen_reply_depends_on_its_history_and_the_seed_alone(bot: Chatbot) -> None:
    choosing = bot.clone().set_params(rerank={"candidates": 6, "temperature": 2.0})
    choosing.vocabulary, choosing.network = bot.vocabulary, bot.network
    together = choosing.replies(HISTORIES, seed=1)
    assert [choosing.reply(history, seed=1) for history in HISTORIES] == together
    assert choosing.replies(HISTORIES[::-1], seed=1) == together[::-1]
    assert any(choosing.replies(HISTORIES, seed=seed) != together for seed in (2, 3, 4))
    # Whoever asks for something else gets that.
    assert choosing.replies(HISTORIES, beam=1) == bot.replies(HISTORIES)
    assert choosing.replies(HISTORIES, draw=4) == bot.replies(HISTORIES, draw=4)
    drawn = bot.replies(HISTORIES, temperature=1.0, seed=2)
    assert choosing.replies(HISTORIES, temperature=1.0, seed=2) == drawn


def test_the_reply_is_text_and_refusals_stay() -> None:
    choosing = Chatbot(Characters(), embedding=4, hidden=4, epochs=1, rerank={"candidates": 2})
    choosing.fit([["山？", "川"]])
    said = choosing.replies([["海の話"], ["山？"]])
    assert said[0] == "すみません、「海」という言葉がわかりません。"
    assert set(said[1]) <= set("山？川")
