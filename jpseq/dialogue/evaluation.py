"""Bots side by side: how likely they find what people said, and what they say themselves.

No single figure is enough. Diversity rewards noise, similarity to the reference punishes any other
good reply, perplexity says nothing of the replies. So all of them stand in one table, and people in
it, too.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from jpseq.corpora.readers import Dialogue
from jpseq.dialogue.chatbot import Chatbot
from jpseq.dialogue.most_frequent import MostFrequent
from jpseq.dialogue.reading import ENDS, NEVER
from jpseq.dialogue.retrieval import Retrieval
from jpseq.dialogue.turns import check_replies, texts_of
from jpseq.evaluation.diversity import Diversity, diversity
from jpseq.evaluation.embedding_metrics import EmbeddingMetrics, embedding_metrics
from jpseq.evaluation.latent import LatentUse, importance_weighted
from jpseq.evaluation.ngram import Bigram, KneserNey, NGram
from jpseq.evaluation.perplexity import Perplexity
from jpseq.evaluation.translation import Score, evaluate_bleu
from jpseq.text.tokenizer import Tokenizer
from jpseq.vectors import Embeddings

Talks = Sequence[Dialogue | Sequence[str]]
Histories = Sequence[Sequence[str]]
Way = Callable[[Histories], list[list[str]]]
"""From histories to the words of a reply to each."""


@dataclass(frozen=True)
class Exchange:
    """A reply of people, and all that was said before it."""

    history: list[str]
    reply: str


@dataclass(frozen=True)
class Likelihood:
    """How well one model foresees what people said."""

    name: str
    perplexity: Perplexity
    """Of a latent variable model that of the bound, with one draw."""
    tighter: Perplexity | None = None
    """Of a latent variable model that of the importance-weighted bound."""
    latent: LatentUse | None = None
    dialogues: int = 0
    """Those that have a reply."""

    @property
    def per_dialogue(self) -> float:
        """Nats that all replies of a dialogue cost in the mean; of the tighter bound, if there is
        one."""
        best = self.tighter or self.perplexity
        return best.nll * best.tokens / max(1, self.dialogues)


@dataclass(frozen=True)
class Answers:
    """What one bot answers to the same histories."""

    name: str
    diversity: Diversity
    bleu: Score | None
    """Against the replies of people; None for these themselves."""
    similarity: EmbeddingMetrics | None
    """To the replies of people; None for these themselves, or without vectors."""


def exchanges(dialogues: Talks, count: int, seed: int = 0) -> list[Exchange]:
    """Some of the replies in dialogues, drawn by the seed; all where there are fewer.

    Raises:
        DataError: no dialogue has two turns.
    """
    texts = [texts_of(dialogue) for dialogue in dialogues]
    places = [(talk, turn) for talk, said in enumerate(texts) for turn in range(1, len(said))]
    check_replies(bool(places), "measure on")
    chosen = np.random.default_rng(seed).permutation(len(places))[:count]
    some = [places[row] for row in np.sort(chosen).tolist()]
    return [Exchange(texts[talk][:turn], texts[talk][turn]) for talk, turn in some]


def likelihood(name: str, bot: Chatbot, dialogues: Talks, data: str, draws: int = 16) -> Likelihood:
    """How likely a bot finds the turns of dialogues.

    Args:
        dialogues: ones that were not learnt from.
        data: their name, for the signature.
        draws: of the importance-weighted bound.
    """
    perplexity, use = bot.foreseen(dialogues, data)
    count = _answered(dialogues)
    if use is None:
        return Likelihood(name, perplexity, dialogues=count)
    nll, words = importance_weighted(bot.trained(), bot.batches(dialogues), draws)
    signature = perplexity.signature.replace("bound:1 draw", f"bound:{draws} draws")
    tighter = Perplexity(nll, words, signature, perplexity.characters)
    return Likelihood(name, perplexity, tighter, use, count)


def _answered(dialogues: Talks) -> int:
    return sum(len(dialogue) > 1 for dialogue in dialogues)


def answers(
    name: str,
    replies: Sequence[Sequence[str]],
    people: Sequence[Sequence[str]] | None,
    vectors: Embeddings | None = None,
    data: str = "given",
) -> Answers:
    """Measure replies.

    Args:
        name: whose they are.
        replies: the words of each.
        people: the words that people said in the same places; None where the replies are theirs,
            and only their diversity can be measured.
        vectors: of words, for the similarity.
        data: where people said it, for the signature.

    Raises:
        DataError: not as many replies as people's, or none.
    """
    spread = diversity(replies, data)
    if people is None:
        return Answers(name, spread, None, None)
    near = None if vectors is None else embedding_metrics(replies, people, vectors, data)
    return Answers(name, spread, evaluate_bleu(replies, people, data), near)


def ways_of(bot: Chatbot, reader: Tokenizer, seed: int = 0) -> dict[str, Way]:
    """The ways in which a bot can answer, by name.

    Their words are those that the bot has written, and not what its texts are cut into again: a
    tokenizer that cuts at spaces finds none in Japanese. Where they are to be compared with words
    of another tokenizer, `reader`, they have to be cut by that.
    """

    def said(histories: Histories, **how: Any) -> list[list[str]]:
        if bot.reader.is_like(reader):
            return bot.replies_in_words(histories, **how)
        return [reader.words(text) for text in bot.replies(histories, **how)]

    ways: dict[str, Way] = {
        "greedy": partial(said, beam=1),
        "beam 5": partial(said, beam=5),
        "drawn": partial(said, temperature=1.0, seed=seed),
    }
    if bot.rerank is not None:
        ways["reranked"] = partial(said, seed=seed)
    return ways


def changes(bot: Chatbot, histories: Histories, seed: int = 0) -> float:
    """The share of histories whose likeliest reply changes when z is drawn again.

    A divergence above 0 does not show that the latent variable is used; this does.
    """
    first, second = (bot.replies_in_words(histories, beam=1, draw=2 * seed + i) for i in (0, 1))
    return sum(a != b for a, b in zip(first, second, strict=True)) / max(1, len(histories))


class Baselines:
    """What a model has to be better than, of the dialogues it has learnt from.

    Args:
        dialogues: these.
        bot: its words are theirs.
    """

    def __init__(self, dialogues: Talks, bot: Chatbot) -> None:
        self.bot = bot
        start, end = ENDS["start"], ENDS["end"]
        self.counts: Mapping[str, NGram] = {
            "bigram": Bigram(start, end),
            "Kneser–Ney trigram": KneserNey(start, end),
        }
        ids = bot.ids(self._words(dialogues))
        for model in self.counts.values():
            model.fit(ids, len(bot.vocabulary))
        self.most_frequent = MostFrequent().fit(dialogues)
        self.nearest = Retrieval(bot.tokenizer).fit(dialogues)

    def likelihoods(self, dialogues: Talks, data: str) -> list[Likelihood]:
        """Of the models that count; each reply on its own."""
        words = self._words(dialogues)
        characters = sum(len(word) for reply in words for word in reply)
        ids = self.bot.ids(words)
        return [
            Likelihood(
                name, model.perplexity(ids, data, characters), dialogues=_answered(dialogues)
            )
            for name, model in self.counts.items()
        ]

    def replies(self, histories: Histories, seed: int = 0) -> dict[str, list[list[str]]]:
        """The words that each of them answers."""
        texts = {
            "most frequent reply": [self.most_frequent.reply(history) for history in histories],
            "nearest context": self.nearest.replies(histories),
        }
        found = {name: list(map(self.bot.words, said)) for name, said in texts.items()}
        draw = np.random.default_rng(seed)
        for name, model in self.counts.items():
            ids = [model.sample(draw, self.bot.max_reply, NEVER).tolist() for _ in histories]
            found[f"{name}, drawn"] = self.bot.vocabulary.inverse_transform(ids)
        return found

    def _words(self, dialogues: Talks) -> list[list[str]]:
        """The words of each reply."""
        texts = (text for dialogue in dialogues for text in texts_of(dialogue)[1:])
        return [self.bot.words(text) for text in texts]
