"""Chatbot: learning by heart, parameters, and every odd thing a person can say."""

import math
import signal
from itertools import pairwise
from typing import Any

import pytest
import torch

from jpseq.batch import Batch
from jpseq.corpora.readers import Dialogue, Turn
from jpseq.dialogue import opening
from jpseq.dialogue.chatbot import Chatbot
from jpseq.dialogue.configuration import ChatbotConfiguration
from jpseq.dialogue.reading import END, SPECIALS, START
from jpseq.dialogue.responder import Responder
from jpseq.dialogue.turns import Turns, hold_out
from jpseq.errors import ConfigurationError, DataError, JpseqError, NotFittedError
from jpseq.evaluation.perplexity import Perplexity
from jpseq.network.seq2seq import Pair, Seq2Seq
from jpseq.plugins import find
from jpseq.sequences import Ragged
from jpseq.text.characters import Characters
from jpseq.text.mecab import MeCab
from jpseq.text.whitespace import Whitespace

# The third turn of each depends on the first: 元気 and 眠い are both asked 今日は何をしますか。
DIALOGUES = [
    ["おはよう", "おはようございます。よく眠れましたか。"],
    ["元気です", "今日は何をしますか。", "まだ決めていません", "では山へ行きましょう。"],
    ["眠いです", "今日は何をしますか。", "まだ決めていません", "では家で休みましょう。"],
    ["お腹がすいた", "カレーを作りましょうか。", "辛いのは苦手です", "では甘口にします。"],
    ["雨が降りそう", "傘を持って行ってください。"],
    ["犬を飼っています", "名前は何ですか。", "ポチです", "ポチは散歩が好きですか。"],
    ["電車が遅れた", "それは大変でしたね。"],
    ["本を読みたい", "どんな本が好きですか。", "旅の本です", "図書館に新しい本がありますよ。"],
    ["誕生日なんだ", "おめでとうございます！"],
    ["さようなら", "また明日。"],
]


@pytest.fixture(scope="module")
def bot() -> Chatbot:
    params: dict[str, Any] = {"embedding": 32, "hidden": 64, "dropout": 0.0, "epochs": 60}
    return Chatbot(batch_tokens=100, learning_rate=0.01, **params).fit(DIALOGUES)


def tiny(**params: Any) -> Chatbot:
    return Chatbot(
        **{"tokenizer": Whitespace(), "embedding": 4, "hidden": 4, "epochs": 1, **params}
    )


# Learning


def test_ten_dialogues_are_learnt_by_heart(bot: Chatbot) -> None:
    for dialogue in DIALOGUES:
        for i in range(1, len(dialogue), 2):
            assert bot.reply(dialogue[:i]) == dialogue[i]


def test_a_reply_depends_on_turns_before_the_last(bot: Chatbot) -> None:
    asked = ["今日は何をしますか。", "まだ決めていません"]
    assert bot.reply(["元気です", *asked]) == "では山へ行きましょう。"
    assert bot.reply(["眠いです", *asked]) == "では家で休みましょう。"


def test_it_is_a_responder_and_registered_as_one(bot: Chatbot) -> None:
    assert isinstance(bot, Responder)
    assert find("responders", "seq2seq") is opening.seq2seq
    assert find("models", "chatbot") is Chatbot


def test_the_same_seed_learns_the_same_and_another_seed_other_weights() -> None:
    first, again, other = (tiny(seed=seed).fit([["a b", "c d"]]) for seed in (1, 1, 2))
    weights = [bot.trained().state_dict() for bot in (first, again, other)]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    assert not torch.equal(weights[0]["bridge.weight"], weights[2]["bridge.weight"])


def test_fit_forgets_what_was_learnt_before() -> None:
    bot = tiny().fit([["a b", "c d"]])
    before = bot.trained().state_dict()
    bot.fit([["x", "y", "z"]])
    assert bot.vocabulary.words == (*SPECIALS, "x", "y", "z")
    bot.fit([["a b", "c d"]])
    assert all(torch.equal(before[name], w) for name, w in bot.trained().state_dict().items())


def test_turns_texts_and_generators_are_the_same_dialogues() -> None:
    texts = [["a b", "c"], ["c", "b"]]
    turns: list[Dialogue] = [[Turn("A", text) for text in dialogue] for dialogue in texts]
    first, second = tiny().fit(texts), tiny().fit(dialogue for dialogue in turns)
    assert first.vocabulary.words == second.vocabulary.words
    assert torch.equal(first.trained().bridge.weight, second.trained().bridge.weight)


def test_words_beyond_the_bounds_are_unknown() -> None:
    dialogues = [["a a a b b c", "a b c d"]]
    assert tiny().fit(dialogues).vocabulary.words == (*SPECIALS, "a", "b", "c", "d")
    assert tiny(min_count=3).fit(dialogues).vocabulary.words == (*SPECIALS, "a", "b")
    assert tiny(max_words=1).fit(dialogues).vocabulary.words == (*SPECIALS, "a")


def test_what_is_learnt_from() -> None:
    # Each turn but the first, from the last three words before it, with marks between turns.
    bot = tiny(history=3).fit([["a b", "c", "d e", ""]])
    dialogues = [[["a", "b"], ["c"], ["d", "e"], []], [[], [], [], [], ["a"]]]
    stream = bot._reading.stream(Turns.of(dialogues, bot.vocabulary), shuffle=False)
    found = {}
    for pair in stream:
        source, target = (
            bot.vocabulary.inverse_transform(part.to_ragged())
            for part in (pair.source, pair.target)
        )
        found |= {" ".join(x): " ".join(y[1:]) for x, y in zip(source, target, strict=True)}
        assert {row[0] for row in target} == {"<s>"}
    assert found == {
        "a b": "c </s>",
        "b <turn> c": "d e </s>",
        "<turn> d e": "</s>",
        "": "</s>",
        "<turn>": "</s>",
        "<turn> <turn>": "</s>",
        "<turn> <turn> <turn>": "a </s>",
    }


def test_empty_turns_are_learnt_and_said() -> None:
    bot = tiny(epochs=40, hidden=16, learning_rate=0.03).fit([["a", ""], ["", "b"], ["", "", "c"]])
    assert bot.reply(["a"]) == ""
    assert bot.reply(["", ""]) == "c"


@pytest.mark.parametrize("dialogues", [[], [[]], [["a"]], [["a"], [], ["b"]]])
def test_nothing_to_learn_from(dialogues: list[list[str]]) -> None:
    bot = tiny()
    with pytest.raises(DataError, match="at least one dialogue of two turns or more is needed"):
        bot.fit(dialogues)
    assert bot.network is None


def test_a_text_is_not_a_dialogue() -> None:
    with pytest.raises(DataError, match="a dialogue is a list of turns, got one text"):
        tiny().fit(["おはよう"])
    wrong: Any = [["おはよう", None]]
    with pytest.raises(DataError, match=r"a turn is a text \(str\) or a Turn, got NoneType"):
        tiny().fit(wrong)


def test_a_reply_longer_than_a_batch_is_left_out_and_reported(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", "jpseq.training")
    small = {"embedding": 4, "hidden": 4, "epochs": 1, "batch_tokens": 50}
    Chatbot(**small).fit([["何ですか", "山 " * 5000], ["元気？", "元気です"]])  # type: ignore[arg-type]
    assert "1 row of more than 50 tokens left out" in caplog.messages
    with pytest.raises(ConfigurationError, match="batch_tokens: every reply has more than 50"):
        Chatbot(**small).fit([["何ですか", "山 " * 5000]])  # type: ignore[arg-type]


def test_ctrl_c_keeps_what_was_learnt(monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[int] = []
    really = Seq2Seq.loss

    def interrupted(self: Seq2Seq, pair: Pair) -> Any:
        steps.append(1)
        if len(steps) == 3:
            signal.raise_signal(signal.SIGINT)
        return really(self, pair)

    monkeypatch.setattr(Seq2Seq, "loss", interrupted)
    bot = tiny(epochs=50).fit([["a b", "c d"]])
    assert not bot.completed
    assert len(steps) == 3
    assert bot.reply(["a"]) == bot.reply(["a"])
    monkeypatch.undo()
    assert tiny().fit([["a b", "c d"]]).completed


# Parameters


def test_all_problems_are_told_at_once() -> None:
    values = Chatbot(hidden=7, cell="gruu", dropout=1.0).get_params() | {"hiden": 3, "epochs": 0}
    with pytest.raises(ConfigurationError) as caught:
        ChatbotConfiguration.check(values)
    message = str(caught.value)
    for problem in (
        "hidden: Input should be a multiple of 2, got 7.",
        "cell: Input should be 'rnn', 'lstm', 'gru' or 'peephole', got 'gruu'.",
        "dropout: Input should be less than 1, got 1.0.",
        "epochs: Input should be greater than or equal to 1, got 0.",
        "There is no parameter 'hiden'. Did you mean 'hidden'?",
    ):
        assert problem in message


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tokenizer", "mecab"),
        ("embedding", 0),
        ("hidden", "8"),
        ("hidden", 8.0),
        ("layers", -1),
        ("dropout", -0.1),
        ("dropout", math.nan),
        ("history", 0),
        ("min_count", 0),
        ("max_words", 0),
        ("max_reply", 0),
        ("epochs", None),
        ("batch_tokens", 0),
        ("learning_rate", 0.0),
        ("learning_rate", math.inf),
        ("seed", -1),
        ("seed", 2**64),
    ],
)
def test_a_wrong_parameter_is_found_before_learning(name: str, value: Any) -> None:
    bot = Chatbot(**{name: value})
    with pytest.raises(ConfigurationError, match=f"^{name}: "):
        bot.fit(DIALOGUES)
    assert bot.network is None


def test_parameters_are_what_the_constructor_got() -> None:
    tokenizer = MeCab(lemma=True)
    params = Chatbot(tokenizer, hidden=32).get_params()
    assert params["tokenizer"] is tokenizer
    assert params["hidden"] == 32
    assert params["tokenizer__lemma"] is True
    assert params["history"] == Chatbot().history


def test_a_clone_has_the_parameters_and_has_learnt_nothing(bot: Chatbot) -> None:
    copy = bot.set_params().clone()
    assert copy.get_params() == bot.get_params()
    assert copy.network is None
    with pytest.raises(NotFittedError, match="This Chatbot has learnt nothing yet"):
        copy.reply(["おはよう"])


def test_a_clone_has_its_own_tokenizer() -> None:
    bot = Chatbot(MeCab())
    copy = bot.clone().set_params(tokenizer__lemma=True, hidden=32)
    assert isinstance(bot.tokenizer, MeCab)
    assert (bot.tokenizer.lemma, bot.hidden) == (False, Chatbot().hidden)
    assert repr(copy) == "Chatbot(tokenizer=MeCab(lemma=True), hidden=32)"


def test_a_misspelt_parameter() -> None:
    with pytest.raises(ConfigurationError, match=r"no parameter 'epoch'\. Did you mean 'epochs'"):
        Chatbot().set_params(epoch=3)


# Answering


def test_a_reply_is_decided_by_history_temperature_and_seed(bot: Chatbot) -> None:
    def replies(seed: int) -> list[str]:
        return [bot.reply([d[0]], temperature=1.5, seed=seed) for d in DIALOGUES]

    assert replies(1) == replies(1)
    assert replies(1) != replies(2)
    assert bot.reply(["おはよう"], seed=1) == bot.reply(["おはよう"], seed=2)


def test_replying_leaves_the_global_random_state_alone(bot: Chatbot) -> None:
    torch.manual_seed(5)
    wanted = torch.rand(3)
    torch.manual_seed(5)
    bot.reply(["おはよう"], temperature=1.0, seed=9)
    assert torch.equal(torch.rand(3), wanted)


def test_a_history_is_a_list(bot: Chatbot) -> None:
    with pytest.raises(DataError, match=r"the history is a list of turns.*\[text\]"):
        bot.reply("おはよう")
    with pytest.raises(DataError, match="the history is empty"):
        bot.reply([])
    assert bot.reply(("おはよう",)) == "おはようございます。よく眠れましたか。"


ODD = {
    "empty": [""],
    "only empty": [""] * 100,
    "spaces": [" \t　\n"],
    "NUL": ["\0"],
    "emoji": ["👨‍👩‍👧‍👦🎉"],
    "unknown words": ["xyzzy 齟齬 zzz"],
    "half a surrogate": ["\ud83d"],
    "long": ["お腹がすいたから、" * 1_100 + "おわ"],
    "many turns": ["おはよう", "元気です"] * 5_000,
    "marks": ["<turn> </s> <pad> <unk>"],
}


@pytest.mark.parametrize("temperature", [0.0, 1.0])
@pytest.mark.parametrize("history", ODD)
def test_anything_said_is_answered(bot: Chatbot, history: str, temperature: float) -> None:
    reply = bot.reply(ODD[history], temperature=temperature)
    assert bot.reply(ODD[history], temperature=temperature) == reply
    assert not any(special in reply for special in SPECIALS)
    assert "\n" not in reply
    assert len(MeCab().words(reply)) <= bot.max_reply


def test_the_last_words_decide(bot: Chatbot) -> None:
    recent = ["電車が遅れた", "それは大変でしたね。"] * 20 + ["おはよう"]
    assert bot.reply(["全然違う話"] * 10_000 + recent) == bot.reply(recent)
    assert len(ODD["long"][0]) > 9_900
    assert bot.reply(ODD["long"]) == bot.reply([ODD["long"][0][-500:]])


def test_a_reply_is_cut_at_max_reply(bot: Chatbot) -> None:
    cut = Chatbot(max_reply=2)
    cut.vocabulary, cut.network = bot.vocabulary, bot.network
    assert cut.reply(["さようなら"]) == "また明日"
    assert MeCab().words(cut.reply(["犬を飼っています"])) == ["名前", "は"]


def test_special_words_are_never_said() -> None:
    bot = tiny(max_reply=30).fit([["a b", "c d"]])
    for parameter in bot.trained().parameters():
        torch.nn.init.zeros_(parameter)  # every word is as likely as the next
    replies = [bot.reply(["a"], temperature=1, seed=seed).split() for seed in range(20)]
    assert {word for reply in replies for word in reply} == {"a", "b", "c", "d"}


def test_latin_words_keep_their_spaces() -> None:
    bot = tiny(epochs=60, hidden=16, learning_rate=0.03).fit([["hello", "good morning !"]])
    assert bot.reply(["hello"]) == "good morning!"


# Perplexity


def test_perplexity_is_the_exponential_of_hand_summed_losses(bot: Chatbot) -> None:
    held_out = [["元気です", "傘を持って行って", "また明日。"], ["謎の言葉", "おはよう"]]
    network, vocabulary = bot.trained(), bot.vocabulary
    total, count = 0.0, 0
    for dialogue in held_out:
        turns = vocabulary.transform([MeCab().words(turn) for turn in dialogue]).tolist()
        said: list[int] = []
        for turn in turns:
            if said:
                state = network.encode(Batch.from_ragged(Ragged.from_sequences([said])))
                target = [SPECIALS.index(START), *turn, SPECIALS.index(END)]
                for previous, wanted in pairwise(target):
                    scores, state = network.step(torch.tensor([previous]), state)
                    total -= scores[0].log_softmax(0)[wanted].item()
                    count += 1
                said.append(SPECIALS.index("<turn>"))
            said += turn
    found = bot.perplexity(held_out, data="two dialogues")
    assert found.tokens == count
    assert found.value == pytest.approx(math.exp(total / count), rel=1e-4)
    assert found.signature.startswith("data:two dialogues|dialogues:2|tok:mecab|vocabulary:")


def test_the_signature_tells_the_share_of_unknown_words() -> None:
    bot = tiny().fit([["a b", "c d"]])
    measured = bot.perplexity([["a x", "b c"], ["d", "y"]])
    assert measured.signature == (
        "data:given dialogues|dialogues:2|tok:whitespace|vocabulary:9|unknown:33.3%|history:40"
        "|turns:all"
    )
    assert measured.tokens == 3 + 2


def test_an_untrained_network_hesitates_between_all_words() -> None:
    bot = tiny().fit([["a b", "c d"]])
    for parameter in bot.trained().parameters():
        torch.nn.init.zeros_(parameter)
    assert bot.perplexity([["a", "b c d"]]).value == pytest.approx(9)


def test_perplexity_needs_a_trained_model() -> None:
    with pytest.raises(NotFittedError):
        tiny().perplexity([["a", "b"]])


@pytest.mark.parametrize("dialogues", [[], [["a"]], [[]]])
def test_nothing_to_measure_on(dialogues: list[list[str]]) -> None:
    with pytest.raises(DataError, match="at least one dialogue of two turns or more is needed"):
        tiny().fit([["a b", "c d"]]).perplexity(dialogues)


def test_a_perplexity_beyond_all_numbers_is_infinite() -> None:
    assert Perplexity(1e6, 1, "").value == math.inf
    assert str(Perplexity(math.log(2), 1234, "data:x")) == "perplexity 2.0 (1,234 tokens; data:x)"


# Held-out dialogues


def test_hold_out_parts_dialogues_by_the_seed() -> None:
    dialogues = [[Turn("A", str(i))] for i in range(100)]
    learnt, held_out = hold_out(dialogues, 0.1, seed=1)
    assert (len(learnt), len(held_out)) == (90, 10)
    assert sorted(learnt + held_out, key=lambda d: int(d[0].text)) == dialogues
    assert hold_out(dialogues, 0.1, seed=1) == (learnt, held_out)
    assert hold_out(dialogues, 0.1, seed=2) != (learnt, held_out)
    assert len(hold_out(dialogues[:3], 0.1)[1]) == 1


def test_characters_are_learnt_as_well() -> None:
    bot = tiny(tokenizer=Characters(), hidden=32, embedding=16, epochs=80, learning_rate=0.02)
    bot.fit([["山？", "川！"], ["川！", "海。"]])
    assert bot.reply(["山？"]) == "川！"
    assert bot.reply(["川！"]) == "海。"


def test_every_error_is_one_line_and_jpseqs_own(bot: Chatbot) -> None:
    for history in ("text", []):
        with pytest.raises(JpseqError) as caught:
            bot.reply(history)
        assert "\n" not in str(caught.value)


def test_why_tells_of_the_words_that_were_read() -> None:
    """Of a turn that is too long, seq2seq reads the last words and a network by turns the first."""
    dialogues = [["a b c d", "e"], ["b c a d", "f"]]
    last = tiny(history=2).fit(dialogues).why(["a b c d"])
    assert [word for word in "abcd" if f"{word} " in last["mattered"]] == ["c", "d"]
    first = tiny(architecture="hred", history=2).fit(dialogues).why(["a b c d"])
    assert [word for word in "abcd" if f"{word} " in first["mattered"]] == ["a", "b"]
