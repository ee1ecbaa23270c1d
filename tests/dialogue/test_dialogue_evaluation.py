"""Bots side by side: what is asked, and every figure of the table."""

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from jpseq.corpora.readers import Turn
from jpseq.dialogue.chatbot import Chatbot
from jpseq.dialogue.evaluation import (
    Baselines,
    Exchange,
    answers,
    changes,
    exchanges,
    likelihood,
    ways_of,
)
from jpseq.errors import DataError
from jpseq.evaluation.latent import importance_weighted, latent_use
from jpseq.evaluation.ngram import Bigram, KneserNey
from jpseq.text.characters import Characters
from jpseq.text.whitespace import Whitespace
from jpseq.vectors import Embeddings

DIALOGUES = [
    ["山 へ", "いい ね", "海 も ？", "いい ね"],
    ["猫 は ？", "好き", "犬 は ？"],
    ["一人"],
    ["海 へ", "いい ね"],
]
SMALL: dict[str, Any] = {"embedding": 8, "hidden": 8, "epochs": 3, "max_unknown": None}


def small(architecture: str, **params: Any) -> Chatbot:
    return Chatbot(Whitespace(), architecture, **SMALL, **params).fit(DIALOGUES)


@pytest.fixture(scope="module")
def vhred() -> Chatbot:
    return small("vhred", hierarchy={"size": 8}, latent={"size": 4}, learning_rate=0.05)


@pytest.fixture(scope="module")
def seq2seq() -> Chatbot:
    return small("seq2seq")


# What is asked

ALL = [
    Exchange(["山 へ"], "いい ね"),
    Exchange(["山 へ", "いい ね"], "海 も ？"),
    Exchange(["山 へ", "いい ね", "海 も ？"], "いい ね"),
    Exchange(["猫 は ？"], "好き"),
    Exchange(["猫 は ？", "好き"], "犬 は ？"),
    Exchange(["海 へ"], "いい ね"),
]


@pytest.mark.parametrize("count", [6, 7, 10_000])
def test_every_reply_with_all_that_was_said_before_it(count: int) -> None:
    assert exchanges(DIALOGUES, count) == ALL
    turns = [[Turn("花子", text) for text in dialogue] for dialogue in DIALOGUES]
    assert exchanges(turns, count) == ALL


def test_some_of_them_are_drawn_by_the_seed_and_stand_in_order() -> None:
    found = {seed: exchanges(DIALOGUES, 3, seed) for seed in range(20)}
    assert exchanges(DIALOGUES, 3, 7) == found[7]
    for some in found.values():
        places = [ALL.index(one) for one in some]
        assert len(places) == 3
        assert places == sorted(set(places))
    assert {ALL.index(one) for some in found.values() for one in some} == set(range(6))


@pytest.mark.parametrize("dialogues", [[], [["a"]], [[], ["b"]]])
def test_nothing_to_ask(dialogues: list[list[str]]) -> None:
    with pytest.raises(DataError, match="to measure on, at least one dialogue of two turns"):
        exchanges(dialogues, 5)


# How likely people's replies are


def test_a_model_without_latent_variables_has_a_perplexity(seq2seq: Chatbot) -> None:
    found = likelihood("mine", seq2seq, DIALOGUES, "four")
    assert (found.name, found.tighter, found.latent) == ("mine", None, None)
    assert found.perplexity == seq2seq.perplexity(DIALOGUES, "four")
    assert found.perplexity.tokens == 3 * (2 + 1) + (3 + 1) + (1 + 1) + (3 + 1)
    assert found.perplexity.characters == 3 * len("いいね") + len("海も？好き犬は？")


def test_a_latent_variable_model_has_two_bounds(vhred: Chatbot) -> None:
    found = likelihood("v", vhred, DIALOGUES, "four", draws=8)
    stream = vhred.batches(DIALOGUES)
    assert found.perplexity == vhred.perplexity(DIALOGUES, "four")
    assert found.latent == latent_use(vhred.trained(), stream)
    assert found.perplexity.nll == found.latent.nll
    assert found.tighter is not None
    assert (found.tighter.nll, found.tighter.tokens) == importance_weighted(
        vhred.trained(), stream, 8
    )
    assert found.tighter.characters == found.perplexity.characters
    assert found.perplexity.signature.endswith("|bound:1 draw")
    assert found.tighter.signature == found.perplexity.signature[:-6] + "8 draws"


# What is said

VECTORS = Embeddings(["a", "b", "c"], np.array([[1, 0], [0, 1], [3, 4]], np.float32))


def test_answers_by_hand() -> None:
    replies, people = [["a", "b"], ["a", "b"], ["c"]], [["a", "b"], ["b", "a"], ["a"]]
    found = answers("mine", replies, people, VECTORS, "three")
    assert found.name == "mine"
    assert (found.diversity.distinct_1, found.diversity.distinct_2) == (3 / 5, 1 / 2)
    assert found.diversity.most_frequent == ("a", "b")
    assert (found.diversity.share, found.diversity.length) == (2 / 3, 5 / 3)
    assert found.diversity.signature == "data:three|replies:3"
    assert found.bleu is not None
    assert found.bleu.name == "BLEU"
    assert found.bleu.signature.startswith("data:three|sentences:3|")
    assert found.similarity is not None
    # The means of "a b" and "b a" are the same; of "c" and "a" the cosine is 3 / 5.
    assert found.similarity.average.value == pytest.approx((1 + 1 + 0.6) / 3)
    assert found.similarity.greedy.value == pytest.approx((1 + 1 + 0.6) / 3)


def test_of_people_only_the_diversity_is_measured() -> None:
    found = answers("people", [["a", "b"], ["c"]], None, VECTORS)
    assert (found.bleu, found.similarity) == (None, None)
    assert found.diversity.distinct_1 == 1.0


def test_a_bot_that_says_all_that_people_said_is_no_person() -> None:
    said = [list("ababc"), list("caba")]
    found = answers("parrot", said, list(said))
    assert found.bleu is not None
    assert found.bleu.value == pytest.approx(100)
    assert found.similarity is None


def test_not_as_many_answers_as_people_gave() -> None:
    with pytest.raises(DataError, match="1 translations but 2 references"):
        answers("mine", [["a"]], [["a"], ["b"]])
    with pytest.raises(DataError, match="no reply at all"):
        answers("mine", [], [])


def test_the_ways_in_which_a_bot_answers(seq2seq: Chatbot) -> None:
    histories = [one.history for one in ALL]

    def joined(replies: list[list[str]]) -> list[str]:
        return ["".join(words) for words in replies]

    ways = ways_of(seq2seq, seq2seq.reader, seed=4)
    assert list(ways) == ["greedy", "beam 5", "drawn"]
    assert joined(ways["greedy"](histories)) == seq2seq.replies(histories)
    assert joined(ways["beam 5"](histories)) == seq2seq.replies(histories, beam=5)
    drawn = ways["drawn"](histories)
    assert joined(drawn) == seq2seq.replies(histories, temperature=1.0, seed=4)
    assert {word for words in drawn for word in words} <= set(seq2seq.vocabulary.words)
    choosing = seq2seq.clone().set_params(rerank={"candidates": 3, "temperature": 3.0})
    choosing.vocabulary, choosing.network = seq2seq.vocabulary, seq2seq.network
    ways = ways_of(choosing, choosing.reader, seed=4)
    assert list(ways) == ["greedy", "beam 5", "drawn", "reranked"]
    assert joined(ways["greedy"](histories)) == seq2seq.replies(histories)
    assert joined(ways["reranked"](histories)) == choosing.replies(histories, seed=4)


def test_a_bot_of_other_words_is_cut_by_the_first_ones(seq2seq: Chatbot) -> None:
    histories = [one.history for one in ALL]
    letters = ways_of(seq2seq, Characters(), seed=4)["greedy"](histories)
    assert letters == [list(reply) for reply in seq2seq.replies(histories)]


def test_who_says_what_people_say_is_measured_like_them() -> None:
    """Its words count as it wrote them, though its text has no spaces to cut at any more."""
    bot = Chatbot(Whitespace(), embedding=16, hidden=16, epochs=60, learning_rate=0.03, dropout=0.0)
    bot.set_params(word_drop=0.0).fit([["山 へ", "いい ね"], ["猫 は ？", "好き だ よ"]])
    people = [["いい", "ね"], ["好き", "だ", "よ"]]
    said = ways_of(bot, bot.reader)["greedy"]([["山 へ"], ["猫 は ？"]])
    assert said == people
    assert answers("bot", said, people).diversity == answers("people", people, None).diversity


# Whether z changes what is said


def test_the_share_of_replies_that_change_with_z() -> None:
    asked = []

    def replies(histories: list[list[str]], beam: int, draw: int) -> list[list[str]]:
        asked.append((beam, draw))
        return [[str(i), str(draw if i == 2 else "")] for i in range(len(histories))]

    bot: Any = SimpleNamespace(replies_in_words=replies)
    assert changes(bot, [["a"]] * 4, seed=5) == 1 / 4
    assert asked == [(1, 10), (1, 11)]
    assert changes(bot, []) == 0.0


def test_replies_change_with_a_z_that_is_used() -> None:
    answers = ["海 へ", "山 へ", "家 に"]
    options: dict[str, Any] = {"hierarchy": {"size": 16}, "dropout": 0.0, "word_drop": 0.0}
    latent = {"size": 2, "anneal": 40, "bag_of_words": 1.0}
    bot = Chatbot(Whitespace(), "vhred", embedding=16, hidden=16, latent=latent, **options)
    bot.set_params(epochs=40, learning_rate=0.03, batch_tokens=60)
    bot.fit([["週末 は ？", answer] for answer in answers] * 10)
    assert changes(bot, [["週末 は ？"]] * 30) > 0.3


def test_nothing_changes_where_there_is_no_z(seq2seq: Chatbot) -> None:
    assert changes(seq2seq, [one.history for one in ALL]) == 0.0


# Baselines


def test_the_most_frequent_reply_and_that_of_the_nearest_context(seq2seq: Chatbot) -> None:
    found = Baselines(DIALOGUES, seq2seq).replies([["猫 は ？"], ["海 へ"]])
    assert list(found) == [
        "most frequent reply",
        "nearest context",
        "bigram, drawn",
        "Kneser–Ney trigram, drawn",
    ]
    assert found["most frequent reply"] == [["いい", "ね"]] * 2
    assert found["nearest context"] == [["好き"], ["いい", "ね"]]


def test_replies_are_drawn_from_n_grams_by_the_seed(seq2seq: Chatbot) -> None:
    baselines, histories = Baselines(DIALOGUES, seq2seq), [["山 へ"]] * 20
    found = baselines.replies(histories, seed=1)
    assert baselines.replies(histories, seed=1) == found
    for name in ("bigram, drawn", "Kneser–Ney trigram, drawn"):
        assert baselines.replies(histories, seed=2)[name] != found[name]
        assert {word for words in found[name] for word in words} <= set(seq2seq.vocabulary.words)


def test_n_grams_foresee_each_reply_on_its_own(seq2seq: Chatbot) -> None:
    held_out = [["山 へ", "いい ね", "海 は 好き"]]
    found = Baselines(DIALOGUES, seq2seq).likelihoods(held_out, "one")
    assert [one.name for one in found] == ["bigram", "Kneser–Ney trigram"]

    def ids(dialogues: list[list[str]]) -> list[Any]:
        replies = [turn.split() for dialogue in dialogues for turn in dialogue[1:]]
        return list(seq2seq.vocabulary.transform(replies))

    for one, model in zip(found, (Bigram(2, 3), KneserNey(2, 3)), strict=True):
        model.fit(ids(DIALOGUES), len(seq2seq.vocabulary))
        log_p = np.concatenate([model.log_p(reply) for reply in ids(held_out)])
        assert one.perplexity.nll == pytest.approx(-log_p.mean())
        assert one.perplexity.tokens == 3 + 4 == seq2seq.perplexity(held_out).tokens
        assert one.perplexity.characters == len("いいね海は好き")
        assert one.perplexity.signature == f"data:one|vocabulary:{len(seq2seq.vocabulary)}"
        assert (one.tighter, one.latent) == (None, None)
        assert math.isfinite(one.perplexity.value)


def test_baselines_need_replies(seq2seq: Chatbot) -> None:
    with pytest.raises(DataError):
        Baselines([["一人"]], seq2seq)
