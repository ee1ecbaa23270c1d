"""Chatbot with HRED and VHRED behind it: learning, parameters, perplexity, the folder."""

import math
import re
import signal
from pathlib import Path
from typing import Any

import pytest
import torch

from jpseq.batch import Batch
from jpseq.corpora.readers import Turn
from jpseq.dialogue.chatbot import Chatbot
from jpseq.dialogue.reading import ENDS, SPECIALS, ByTurn
from jpseq.errors import ConfigurationError, DataError, ModelError
from jpseq.evaluation.latent import DEAD, latent_use
from jpseq.network.hred import ABOUT
from jpseq.network.latent import Annealing
from jpseq.network.search import forced
from jpseq.network.vhred import VHRED
from jpseq.sequences import Ragged
from jpseq.text.whitespace import Whitespace

# The last turn of the first two depends on the first.
DIALOGUES = [
    ["元気 です", "今日 は 何 を ？", "まだ", "山 へ"],
    ["眠い です", "今日 は 何 を ？", "まだ", "寝る"],
    ["犬 を 飼った", "名前 は ？", "ポチ"],
    ["電車 が 遅れた", "大変 でした ね"],
    ["さようなら", ""],
]
SMALL: dict[str, Any] = {"embedding": 8, "hidden": 8, "epochs": 2, "batch_tokens": 30}
ARCHITECTURES: dict[str, dict[str, Any]] = {
    "seq2seq": {},
    "hred": {"hierarchy": {"size": 8}},
    "vhred": {"hierarchy": {"size": 8}, "latent": {"size": 4, "anneal": 3}},
}
LONG = ["犬 を 飼った", "名前 は ？"] * 5_000


def small(architecture: str, **params: Any) -> Chatbot:
    own = {**SMALL, **ARCHITECTURES[architecture], **params}
    return Chatbot(Whitespace(), architecture, **own)


@pytest.fixture(scope="module", params=list(ARCHITECTURES))
def bot(request: pytest.FixtureRequest) -> Chatbot:
    return small(request.param, max_unknown=None, epochs=10, learning_rate=0.05).fit(DIALOGUES)


def test_a_word_that_is_spelt_like_a_mark_is_an_unknown_one(bot: Chatbot) -> None:
    unknown, known = bot.vocabulary.id("<unk>"), bot.vocabulary.id("まだ")
    assert bot.ids([bot.words("まだ </s> <turn> まだ <pad> <s> <unk>")])[0].tolist() == [
        known,
        unknown,
        unknown,
        known,
        unknown,
        unknown,
        unknown,
    ]
    assert bot.reply(["まだ </s> <turn>"]) == bot.reply(["まだ 謎 謎"])
    strict = small(bot.architecture, max_unknown=0)
    strict.vocabulary, strict.network = bot.vocabulary, bot.network
    assert strict.reply(["まだ </s>"]) == "すみません、「</s>」という言葉がわかりません。"
    assert strict.why(["</s> まだ <s>"])["unknown words"] == "</s> <s>"


@pytest.mark.parametrize(
    ("how", "problem"),
    [
        ({"temperature": math.nan}, "temperature is nan; it must be 0,"),
        ({"temperature": math.inf}, "temperature is inf; it must be 0,"),
        ({"temperature": -1.0}, "temperature is -1.0; it must be 0,"),
        ({"temperature": 1.0, "seed": -1}, "the seed is -1; it must be from 0 to"),
        ({"seed": 2**64}, f"the seed is {2**64}; it must be from 0 to"),
    ],
)
def test_a_draw_that_is_not_allowed_is_named(
    bot: Chatbot, how: dict[str, Any], problem: str
) -> None:
    for ask in (bot.reply, bot.stream, bot.why):
        with pytest.raises(ConfigurationError, match=problem):
            ask(["まだ"], **how)
    with pytest.raises(ConfigurationError, match="the seed is -1"):
        bot.replies([["まだ"]], draw=-1)
    assert bot.reply(["まだ"], temperature=1e-300, seed=2**63 - 1) == bot.reply(["まだ"], seed=0)


every = pytest.mark.parametrize("architecture", ARCHITECTURES)
by_turn = pytest.mark.parametrize("architecture", ["hred", "vhred"])


# Learning


@by_turn
def test_dialogues_are_learnt_by_heart(architecture: str) -> None:
    learning = {"embedding": 32, "hidden": 64, "epochs": 60, "learning_rate": 0.01}
    still = {"dropout": 0.0, "word_drop": 0.0, "hierarchy": {"size": 32}}
    bot = small(architecture, **learning, **still).fit(DIALOGUES)
    for dialogue in DIALOGUES:
        for i in range(1, len(dialogue)):
            assert bot.reply(dialogue[:i]) == dialogue[i].replace(" ", "")


@by_turn
def test_a_reply_is_learnt_whole_however_little_of_a_turn_is_read(architecture: str) -> None:
    learning = {"embedding": 32, "hidden": 64, "epochs": 60, "learning_rate": 0.01, "history": 2}
    still = {"dropout": 0.0, "word_drop": 0.0, "hierarchy": {"size": 32}}
    talks = [["犬 は ？", "犬 は 山 へ 行った"], ["猫 は ？", "猫 は 家 で 寝る"]]
    bot = small(architecture, **learning, **still).fit(talks)
    assert bot.replies([talk[:1] for talk in talks]) == ["犬は山へ行った", "猫は家で寝る"]
    assert bot.perplexity(talks).value < 1.5
    # What stands beyond the words that are read changes nothing, where it is measured neither.
    more = [["犬 は ？ 猫 ？", "犬 は 山 へ 行った"]]
    assert bot.perplexity(more).nll == pytest.approx(
        bot.perplexity([["犬 は 家 で", "犬 は 山 へ 行った"]]).nll, rel=1e-6
    )


@every
def test_the_network_is_the_one_asked_for(architecture: str) -> None:
    bot = small(architecture, layers=2, cell="lstm", word_drop=0.25, reply_drop=0.5)
    network = bot.fit(DIALOGUES).trained()
    assert type(network).__name__.lower() == architecture
    decoder = network.decoder if architecture == "seq2seq" else network.decoder.decoder
    assert (network.encoder.word_drop.p, decoder.word_drop.p) == (0.25, 0.5)
    assert (decoder.recurrent.layers, decoder.recurrent.cell) == (2, "lstm")


@by_turn
@pytest.mark.parametrize(
    "hierarchy",
    [
        {},
        {"size": 3},
        {"attention": "additive"},
        {"attention": "dot"},
        {"attention": "general"},
        {"speakers": 2},
        {"positions": 4},
        {"size": 5, "attention": "general", "speakers": 1, "positions": 1},
    ],
)
def test_each_way_to_read_a_conversation(architecture: str, hierarchy: dict[str, Any]) -> None:
    bot = small(architecture, hierarchy=hierarchy, epochs=1).fit(DIALOGUES)
    network = bot.trained()
    about = ABOUT * (("speakers" in hierarchy) + ("positions" in hierarchy))
    assert network.known == hierarchy.get("size", 256) + about
    assert (network.speakers is None) == ("speakers" not in hierarchy)
    assert (network.positions is None) == ("positions" not in hierarchy)
    assert ("attention" in hierarchy) == hasattr(network.decoder.decoder, "attention")
    assert math.isfinite(bot.perplexity(DIALOGUES).value)
    assert bot.reply(["まだ"] * 9) == bot.reply(["まだ"] * 9)


@pytest.mark.parametrize(
    "latent", [{}, {"size": 1, "cycles": 2, "anneal": 4}, {"free_bits": 0.5, "bag_of_words": 1.0}]
)
def test_each_latent_variable(latent: dict[str, Any]) -> None:
    bot = small("vhred", latent=latent, epochs=1).fit(DIALOGUES)
    network = bot.trained()
    assert isinstance(network, VHRED)
    assert network.latent_size == latent.get("size", 64)
    assert network.kl.annealing == Annealing(latent.get("anneal", 1000), latent.get("cycles", 1))
    assert network.kl.free_bits == latent.get("free_bits", 0.0)
    assert network.bag_of_words == latent.get("bag_of_words", 0.0)
    assert math.isfinite(bot.perplexity(DIALOGUES).value)


@every
def test_the_same_seed_learns_the_same(architecture: str) -> None:
    first, again, other = (small(architecture, seed=seed).fit(DIALOGUES) for seed in (1, 1, 2))
    weights, same, others = (bot.trained().state_dict() for bot in (first, again, other))
    assert all(torch.equal(weight, same[name]) for name, weight in weights.items())
    assert not all(torch.equal(weight, others[name]) for name, weight in weights.items())


def test_who_speaks_is_read_where_it_is_known() -> None:
    said = [[Turn("花子", "元気 です"), Turn("花子", "まだ"), Turn("太郎", "寝る")]]
    (talk,) = small("hred").fit(said).batches(said)
    assert talk.speakers.tolist() == [0, 0, 1]
    (talk,) = small("hred").fit(said).batches([["元気 です", "まだ", "寝る"]])
    assert talk.speakers.tolist() == [0, 1, 0]


# What each epoch says


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [line for line in caplog.messages if line.startswith("epoch ")]


def figure(name: str, line: str) -> float:
    found = re.search(rf"  {name} (\S+)", line)
    assert found is not None, line
    return float(found[1])


def test_each_epoch_tells_what_the_latent_variable_does(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "jpseq")
    bot = small("vhred", epochs=3).fit(DIALOGUES)
    assert len(lines(caplog)) == 3
    assert "perplexity" not in lines(caplog)[0]  # nothing was held out
    use = latent_use(bot.trained(), bot.batches(DIALOGUES))
    last = lines(caplog)[-1]  # the weights are those of the last epoch
    assert figure("kl", last) == pytest.approx(use.kl, rel=1e-3)
    assert figure("reconstruction", last) == pytest.approx(use.reconstruction, rel=1e-2)
    assert figure("active_units", last) == use.active


def test_held_out_dialogues_choose_the_epoch(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "jpseq")
    held_out = [["元気 です", "寝る", "ポチ"], ["まだ", "山 へ"]]
    bot = small("vhred", epochs=6, learning_rate=0.1).fit(DIALOGUES, held_out=held_out)
    figures = [figure("perplexity", line) for line in lines(caplog)]
    assert bot.perplexity(held_out).value == pytest.approx(min(figures), rel=1e-3)
    assert len(set(figures)) == 6


def test_a_dead_latent_variable_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "jpseq")
    options: Any = {"epochs": 2, "learning_rate": 1e-9, "batch_tokens": 10_000}
    small("vhred", latent={"size": 4, "anneal": 2}, **options).fit(DIALOGUES)
    told = [line if line == DEAD else line[:9] for line in caplog.messages[1:]]
    assert told == ["epoch 1/2", DEAD, "epoch 2/2"]  # after the first it may only be asleep
    for word in ("latent.anneal", "latent.cycles", "latent.free_bits", "latent.bag_of_words"):
        section, name = word.split(".")
        assert word in DEAD
        small("vhred", **{section: {name: 1}}).check()
    caplog.clear()
    # Nothing is weighed against the words that z gives away.
    alive = {"latent": {"size": 4, "anneal": 10_000}, "learning_rate": 0.03, "epochs": 20}
    bot = small("vhred", **alive).fit(DIALOGUES)
    assert not latent_use(bot.trained(), bot.batches(DIALOGUES)).is_dead
    warning, _, *told = caplog.messages
    assert all(line.startswith("epoch") for line in told)
    assert "the KL term never counts in full" in warning
    assert "latent.anneal is 10,000, and there are" in warning


def test_other_networks_have_none_to_tell_of(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "jpseq")
    small("hred").fit(DIALOGUES)
    assert len(lines(caplog)) == 2
    assert not any("kl" in line or "perplexity" in line for line in lines(caplog))


@every
@pytest.mark.parametrize("held_out", [[], [["まだ"], []]])
def test_nothing_is_held_out(architecture: str, held_out: list[list[str]]) -> None:
    with pytest.raises(DataError, match="to measure on, at least one dialogue of two turns"):
        small(architecture).fit(DIALOGUES, held_out=held_out)


def test_no_epoch_is_chosen_by_what_was_learnt_from() -> None:
    with pytest.raises(ConfigurationError, match="patience: epochs are compared by a figure"):
        small("vhred", training={"patience": 2}).fit(DIALOGUES)


# A run that was stopped


def test_a_stopped_run_goes_on_as_if_it_had_not_been(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot = small("vhred", epochs=3, dropout=0.3)
    straight = bot.clone().fit(DIALOGUES).trained().state_dict()
    steps = int(straight["kl.updates"])
    really, left = VHRED.loss, [0]

    def interrupted(self: VHRED, talk: Any) -> Any:
        left[0] -= self.training
        if self.training and left[0] == 0:
            signal.raise_signal(signal.SIGINT)
        return really(self, talk)

    monkeypatch.setattr(VHRED, "loss", interrupted)
    for stop in (2, 3):
        left[0] = stop
        assert not bot.fit(DIALOGUES, run=tmp_path, resume=True).completed
    assert int(bot.trained().state_dict()["kl.updates"]) < steps
    assert bot.fit(DIALOGUES, run=tmp_path, resume=True).completed
    found = bot.trained().state_dict()
    assert int(found["kl.updates"]) == steps > 5
    assert all(torch.equal(weight, straight[name]) for name, weight in found.items())


# Parameters


@pytest.mark.parametrize(
    ("params", "said"),
    [
        (
            {"hierarchy": {"size": 3}},
            "hierarchy is a part of hred and vhred, and architecture is 'seq2seq'; leave"
            " hierarchy out, or take architecture='vhred'.",
        ),
        (
            {"architecture": "hred", "latent": {}},
            "latent is a part of vhred, and architecture is 'hred'; leave latent out, or take"
            " architecture='vhred'.",
        ),
        (
            {"architecture": "vhred", "latent": {"sise": 3}},
            "latent: There is no parameter 'sise'. Did you mean 'size'?",
        ),
        (
            {"architecture": "hred", "hierarchy": {"size": 0, "attention": "genral"}},
            "hierarchy: size: Input should be greater than or equal to 1, got 0. attention: Input"
            " should be 'additive', 'dot' or 'general', got 'genral'.",
        ),
        (
            {"rerank": {"candidates": 0, "temperature": 0.0, "weight": -1.0}},
            "rerank: candidates: Input should be greater than or equal to 1, got 0. temperature:"
            " Input should be greater than 0, got 0.0. weight: Input should be greater than or"
            " equal to 0, got -1.0.",
        ),
        ({"rerank": {"candidate": 2}}, "rerank: There is no parameter 'candidate'. Did you mean"),
        ({"architecture": "hredd"}, "architecture: Input should be 'seq2seq', 'hred' or 'vhred'"),
        ({"architecture": "vhred", "latent": 3}, "latent: Input should be a valid dictionary"),
        (
            {"architecture": "hred", "turns": 1},
            "turns is 1, and hred is for more than one; take 2 or more, or None for all, or"
            ' architecture="seq2seq".',
        ),
        ({"reply_drop": 1.0}, "reply_drop: Input should be less than 1, got 1.0."),
        ({"architecture": "vhred", "latent": {"free_bits": math.nan}}, "latent: free_bits: "),
    ],
)
def test_a_wrong_part_is_found_before_learning(params: dict[str, Any], said: str) -> None:
    bot = Chatbot(Whitespace(), **params)
    with pytest.raises(ConfigurationError) as caught:
        bot.fit(DIALOGUES)
    assert str(caught.value).startswith(said)
    assert bot.network is None


# Perplexity


def log_p(bot: Chatbot, history: list[str], reply: str) -> float:
    *before, ids = bot.vocabulary.transform([bot.words(text) for text in [*history, reply]])
    network = bot.trained()
    with torch.no_grad():
        state = network.encode(*bot._reading.before([before]))
    batch = Batch.from_ragged(Ragged.from_sequences([ids]))
    return float(forced(network.step, state, batch, **ENDS))


def test_perplexity_of_hred_is_the_sum_over_pieces() -> None:
    bot = small("hred", turns=2).fit(DIALOGUES)
    said = ["元気 です", "名前 は", "ね", "まだ 何 を", ""]
    # Three turns are a piece: the third is answered after two, the fourth after one again.
    asked = [(said[:1], said[1]), (said[:2], said[2]), (said[2:3], said[3]), (said[2:4], said[4])]
    total = sum(log_p(bot, *pair) for pair in asked)
    found = bot.perplexity([said, ["まだ"]], data="one")
    assert (found.nll, found.tokens) == (pytest.approx(-total / 10, rel=1e-5), 3 + 2 + 4 + 1)
    assert found.characters == len("名前はねまだ何を")
    assert found.signature == (
        f"data:one|dialogues:2|tok:whitespace|vocabulary:{len(bot.vocabulary)}|unknown:0.0%"
        "|history:40|turns:2"
    )


def test_perplexity_of_vhred_is_the_same_on_every_call_and_in_every_batch() -> None:
    bot = small("vhred").fit(DIALOGUES)
    first = bot.perplexity(DIALOGUES)
    torch.manual_seed(99)
    assert bot.perplexity(DIALOGUES) == first
    for batch_tokens in (1, 10, 999):
        again = bot.set_params(batch_tokens=batch_tokens).perplexity(DIALOGUES)
        assert again.nll == pytest.approx(first.nll, rel=1e-5)
        assert (again.tokens, again.characters) == (first.tokens, first.characters)
    assert first.signature.endswith("|turns:all|bound:1 draw")


@every
def test_all_architectures_foresee_the_same_words(architecture: str) -> None:
    bot = small(architecture).fit(DIALOGUES)
    measured = bot.perplexity(DIALOGUES)
    replies = [reply.split() for dialogue in DIALOGUES for reply in dialogue[1:]]
    assert measured.tokens == sum(len(reply) + 1 for reply in replies)
    assert measured.characters == sum(len("".join(reply)) for reply in replies)


def test_very_long_turns_are_measured_on_up_to_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ByTurn, "foreseen", 2)
    bot = small("hred").fit(DIALOGUES)
    found = bot.perplexity([["まだ", "犬 を 飼った", "ポチ です"]])
    assert (found.tokens, found.characters) == (2 + 3, len("犬をポチです"))


# Answering


@pytest.mark.parametrize(
    "history", [[""], [""] * 300, LONG, ["犬 を 飼った " * 3_000], ["<turn> </s>"], [" 　\n"]]
)
def test_anything_said_is_answered(bot: Chatbot, history: list[str]) -> None:
    for options in ({}, {"temperature": 1.0}, {"beam": 3}, {"draw": 1}):
        (reply,) = bot.replies([history], **options)  # type: ignore[arg-type]
        assert bot.replies([history], **options) == [reply]  # type: ignore[arg-type]
        assert len(bot.words(reply)) <= bot.max_reply
        assert not any(special in reply for special in SPECIALS)


@by_turn
def test_only_so_many_of_the_last_turns_are_read(architecture: str) -> None:
    bot = small(architecture, turns=3, epochs=20, learning_rate=0.05).fit(DIALOGUES)
    recent = ["元気 です", "今日 は 何 を ？", "まだ"]
    assert bot.reply(LONG + recent) == bot.reply(recent)
    long = ["犬 を 飼った " * 20]
    assert bot.reply(long) == bot.reply(["犬 を 飼った " * 13 + "犬 まだ"])


def test_a_reply_to_one_history_does_not_depend_on_others(bot: Chatbot) -> None:
    histories = [dialogue[:i] for dialogue in DIALOGUES for i in range(1, len(dialogue) + 1)]
    alone = [bot.reply(history) for history in histories]
    assert bot.replies(histories) == alone
    assert len(set(alone)) > 1


# The folder


@every
def test_what_is_loaded_is_what_was_saved(architecture: str, tmp_path: Path) -> None:
    bot = small(architecture, epochs=8, learning_rate=0.03, rerank={"candidates": 4})
    bot.fit(DIALOGUES).save(tmp_path / "bot")
    again = Chatbot.load(tmp_path / "bot")
    assert again.get_params(deep=False).keys() == bot.get_params(deep=False).keys()
    assert repr(again) == repr(bot)
    histories = [dialogue[:i] for dialogue in DIALOGUES for i in range(1, len(dialogue))]
    ways: list[dict[str, Any]] = [{}, {"beam": 3}, {"draw": 7}, {"temperature": 1.0, "seed": 4}]
    for way in ways:
        assert again.replies(histories, **way) == bot.replies(histories, **way)
    assert again.perplexity(DIALOGUES) == bot.perplexity(DIALOGUES)
    kinds = {"seq2seq": "sequence-to-sequence", "hred": "(HRED)", "vhred": "(VHRED)"}
    assert kinds[architecture] in (tmp_path / "bot" / "README.md").read_text("utf-8")


def test_a_folder_with_a_part_that_is_not_allowed_is_damaged(tmp_path: Path) -> None:
    small("hred").fit(DIALOGUES).save(tmp_path)
    text = (tmp_path / "model.json").read_text("utf-8")
    (tmp_path / "model.json").write_text(text.replace('"hred"', '"seq2seq"'), "utf-8")
    with pytest.raises(ModelError, match="hierarchy is a part of hred and vhred"):
        Chatbot.load(tmp_path)
