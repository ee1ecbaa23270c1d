"""Answering by looking up: what was once replied to the most similar turns is replied again."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from jpseq.dialogue.configuration import RetrievalConfiguration
from jpseq.dialogue.responder import DONT_KNOW, check_draw, check_history
from jpseq.dialogue.turns import Dialogues, Turns, all_texts, check_replies
from jpseq.errors import NotFittedError
from jpseq.parameters import Parameters
from jpseq.sequences import Ragged
from jpseq.text.mecab import default_tokenizer
from jpseq.text.tokenizer import Tokenizer
from jpseq.vocabulary import UNKNOWN, Vocabulary

SHARPNESS = 5
"""What is drawn goes by so many times the cosine. Cosines lie between 0 and 1, and alone, at a
temperature that suits a network, would draw turns with one word in common as often as near ones."""


class Nearest(NamedTuple):
    """What was found, and how similar it is."""

    score: float
    """The cosine, above 0 and up to 1."""
    context: list[str]
    """The turns that are similar."""
    reply: str
    """What followed them."""


@dataclass(frozen=True)
class Index:
    """Which contexts a word stands in (an inverted index), with its tf-idf weights there.

    A word weighs as often as it stands in the context, times log((1 + N) / (1 + n)) + 1 where n of
    the N contexts have it; then the weights of a context are scaled to length 1 (Salton & Buckley
    1988; with these constants the weights of scikit-learn's TfidfVectorizer).
    """

    rows: int
    """N, how many contexts there are."""
    idf: npt.NDArray[np.float64]
    """(V,) what a word weighs; 0 where it is in no context."""
    first: npt.NDArray[np.int64]
    """(V + 1,) where in the two arrays below a word's contexts begin."""
    contexts: npt.NDArray[np.int32]
    """(K,) ascending for each word."""
    weights: npt.NDArray[np.float64]
    """(K,)"""

    @classmethod
    def of(cls, contexts: Ragged, size: int) -> Self:
        """From N sequences of ids 0 to size - 1."""
        rows = len(contexts)
        row = np.repeat(np.arange(rows), contexts.lengths)
        pairs, times = np.unique(contexts.values * np.int64(rows) + row, return_counts=True)
        word, row = np.divmod(pairs, rows)
        having = np.bincount(word, minlength=size)
        idf = np.where(having, np.log((1 + rows) / (1 + having)) + 1, 0)
        weights = times * idf[word]
        length = np.sqrt(np.bincount(row, weights**2, rows))
        first = np.concatenate([[0], np.cumsum(having)])
        return cls(rows, idf, first, row.astype(np.int32), weights / length[row])

    def cosines(self, ids: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """(T,) ids → (N,) cosines with all contexts; equal contexts have exactly equal ones."""
        words, times = np.unique(np.asarray(ids, np.int64), return_counts=True)
        weights = times * self.idf[words]
        length = np.sqrt(weights @ weights)
        cosines = np.zeros(self.rows)
        for word, weight in zip(words[weights > 0], weights[weights > 0], strict=True):
            some = slice(self.first[word], self.first[word + 1])
            cosines[self.contexts[some]] += weight / length * self.weights[some]
        return cosines


class Retrieval(Parameters):
    """A responder that gives the reply which followed the most similar turns it has seen.

    Similar are turns with the same words, rare ones before all (the cosine of tf-idf weights);
    their order, and who said them, does not count. What it says is always well said, for a person
    has said it; whether it fits is another matter.

    >>> dialogues = [["雨が降りそう", "傘を持って行って。"], ["犬を飼った", "名前は？"]]
    >>> bot = Retrieval(turns=1).fit(dialogues)
    >>> bot.reply(["明日は雨ですか"])
    '傘を持って行って。'
    >>> bot.nearest(["猫"]) is None
    True

    Args:
        tokenizer: text → words; None for MeCab().
        turns: how many of the last turns are compared.
        candidates: how many of the nearest a reply is drawn from, where the temperature is above 0.
        least: the least cosine; where nothing is as near, it does not know.
        repeats: whether it may reply what was already said in the conversation.
    """

    def __init__(
        self,
        tokenizer: Tokenizer | None = None,
        turns: int = 2,
        candidates: int = 10,
        least: float = 0.0,
        repeats: bool = True,
    ) -> None:
        self.tokenizer = tokenizer
        self.turns = turns
        self.candidates = candidates
        self.least = least
        self.repeats = repeats

    def fit(self, dialogues: Dialogues) -> Self:
        """Take in every turn that answers one before it, with the turns before it.

        Raises:
            ConfigurationError: a parameter is not allowed; a prepared corpus (see all_texts).
            DataError: no dialogue has two turns.
        """
        RetrievalConfiguration.check(self.get_params(deep=False))
        self._reader = default_tokenizer() if self.tokenizer is None else self.tokenizer
        texts = list(all_texts(dialogues))
        words = [[self._reader.words(text) for text in talk] for talk in texts]
        vocabulary = Vocabulary((UNKNOWN,)).fit(turn for talk in words for turn in talk)
        turns = Turns.of(words, vocabulary)
        rows = range(len(turns.replies))
        check_replies(bool(rows), "learn from")
        contexts = (np.concatenate(turns.before(row, self.turns)) for row in rows)
        index = Index.of(Ragged.from_sequences(contexts), len(vocabulary))
        said = [text for talk in texts for text in talk]
        following: dict[str, list[int]] = {}  # reply → the contexts that it follows
        for row, reply in enumerate(turns.replies.tolist()):
            following.setdefault(said[reply], []).append(row)
        self._learnt = said, turns, vocabulary, index, following
        return self

    def nearest(self, history: Sequence[str]) -> Nearest | None:
        """The most similar turns, of equally similar ones the first; None if nothing is near.

        Raises:
            NotFittedError: it has learnt nothing.
            DataError: the history is empty.
        """
        found = self._search(history, 1)
        return found[0] if found else None

    def reply(self, history: Sequence[str], *, temperature: float = 0.0, seed: int = 0) -> str:
        """Answer the last turns (see Responder); 「わかりません。」 if nothing is near.

        With a temperature above 0 the reply is drawn among those of the `candidates` nearest, with
        probabilities as exp(5 cosine / temperature).

        Raises:
            NotFittedError: it has learnt nothing.
            DataError: the history is empty.
            ConfigurationError: the temperature or the seed is not allowed.
        """
        chosen = self._chosen(history, temperature, seed)
        return DONT_KNOW if chosen is None else chosen.reply

    def refusal(self, history: Sequence[str]) -> str | None:
        """「わかりません。」 if nothing is near."""
        return None if self._search(history, 1) else DONT_KNOW

    def why(
        self, history: Sequence[str], *, temperature: float = 0.0, seed: int = 0
    ) -> Mapping[str, str]:
        """What was found, and how near it is; arguments as in `reply`."""
        chosen = self._chosen(history, temperature, seed)
        if chosen is None:
            return {"responder": "retrieval", "found": "nothing near"}
        return {
            "responder": "retrieval",
            "found": " / ".join(chosen.context),
            "cosine": f"{chosen.score:.2f}",
        }

    def about(self) -> str:
        """How much it has to look in."""
        if "_learnt" not in self.__dict__:
            return "retrieval (nothing to look in)"
        return f"retrieval (among {len(self._learnt[1].replies):,} replies)"

    def _chosen(self, history: Sequence[str], temperature: float, seed: int) -> Nearest | None:
        check_draw(temperature, seed)
        found = self._search(history, self.candidates if temperature > 0 else 1)
        if not found or temperature == 0:
            return found[0] if found else None
        below = np.array([near.score - found[0].score for near in found])
        p = np.exp(SHARPNESS * below / temperature)
        return found[np.random.default_rng(seed).choice(len(found), p=p / p.sum())]

    def replies(self, histories: Iterable[Sequence[str]]) -> list[str]:
        """The likeliest reply to each of many histories."""
        return [self.reply(history) for history in histories]

    def _search(self, history: Sequence[str], count: int) -> list[Nearest]:
        """The nearest, at most so many, best first; equally near ones in their order."""
        if "_learnt" not in self.__dict__:
            raise NotFittedError("This Retrieval has learnt nothing yet: call fit(dialogues).")
        check_history(history)
        said, turns, vocabulary, index, following = self._learnt
        recent = [self._reader.words(text) for text in list(history)[-self.turns :]]
        cosines = index.cosines(vocabulary.transform(recent).values)
        if not self.repeats:
            for text in {*history}:
                cosines[following.get(text, [])] = 0
        kept = min(count, len(cosines))
        nearest = np.partition(cosines, -kept)[-kept]
        rows = np.flatnonzero(cosines >= max(nearest, self.least, 1e-12))
        found = []
        for row in rows[np.argsort(-cosines[rows], kind="stable")[:count]].tolist():
            reply = int(turns.replies[row])
            begin = max(int(turns.first[row]), reply - self.turns)
            found.append(Nearest(float(cosines[row]), said[begin:reply], said[reply]))
        return found
