"""The part of a chatbot that answers: texts in, a network over their ids, a reply out."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from jpseq.dialogue.configuration import rerank
from jpseq.dialogue.explanation import explain
from jpseq.dialogue.reading import SPECIALS, ByTurn, Flat, Ids, Reading
from jpseq.dialogue.responder import check_draw, check_history
from jpseq.dialogue.turns import ids_of
from jpseq.dialogue.writing import reranked, word_by_word, write
from jpseq.model import Model
from jpseq.text.detokenize import pieces
from jpseq.text.mecab import default_tokenizer
from jpseq.text.tokenizer import Tokenizer
from jpseq.vocabulary import Vocabulary


class Answering(Model):
    """A model that answers conversations; what it learns and how is the business of its subclass.

    One that is trained can be asked by many threads at once.
    """

    vocabulary: Vocabulary
    # Parameters; the subclass's constructor says what they mean.
    tokenizer: Tokenizer | None
    architecture: str
    cell: str
    hidden: int
    rerank: dict[str, Any] | None
    history: int
    turns: int | None
    max_reply: int
    max_unknown: int | None
    batch_tokens: int
    seed: int

    def reply(self, history: Sequence[str], *, temperature: float = 0.0, seed: int = 0) -> str:
        """Answer the last turn (see Responder).

        Raises:
            NotFittedError: it has learnt nothing.
            DataError: the history is empty.
            ConfigurationError: the temperature or the seed is not allowed.
        """
        return self.replies([history], temperature=temperature, seed=seed)[0]

    def replies(
        self,
        histories: Sequence[Sequence[str]],
        *,
        temperature: float = 0.0,
        seed: int = 0,
        beam: int | None = None,
        draw: int | None = None,
    ) -> list[str]:
        """Answer the last turn of each history.

        Args:
            histories: conversations so far, as `reply` takes one.
            temperature: as in `reply`. With more than 0, or with `draw`, a reply depends on which
                others are asked for with it.
            seed: of what is drawn.
            beam: how many hypotheses are followed where nothing is drawn; 1, or None, for the
                likeliest word at each step. Where it is given nothing is reranked.
            draw: of vhred, the seed of z; where left out z is the mean of the prior, or drawn with
                the words. Where it is given nothing is reranked.

        Raises:
            ConfigurationError: beam is below 1; the temperature or a seed is not allowed.
            NotFittedError: it has learnt nothing.
            DataError: a history is empty.
        """
        self.trained()  # before anything is analysed
        recent = [self._recent(history) for history in histories]
        replies = [self._refusal(turns[-1]) for turns in recent]
        asked = [row for row, refusal in enumerate(replies) if refusal is None]
        turns = [self.ids(recent[row]) for row in asked]
        written = self._write(turns, temperature, seed, beam, draw)
        for row, text in zip(asked, self.texts(written), strict=True):
            replies[row] = text
        return [reply or "" for reply in replies]

    def replies_in_words(self, histories: Sequence[Sequence[str]], **how: Any) -> list[list[str]]:
        """The words of what `replies` gives, told how in the same way, as the network wrote them;
        it never refuses."""
        self.trained()
        turns = [self.ids(self._recent(history)) for history in histories]
        return self.vocabulary.inverse_transform(self._write(turns, **how))

    def stream(
        self, history: Sequence[str], *, temperature: float = 0.0, seed: int = 0
    ) -> Iterator[str]:
        """What `reply` gives, word by word as it is written; one that is chosen among several,
        after it was chosen.

        Raises:
            NotFittedError: it has learnt nothing.
            DataError: the history is empty.
            ConfigurationError: the temperature or the seed is not allowed.
        """
        network = self.trained()
        check_draw(temperature, seed)
        recent = self._recent(history)
        if (refusal := self._refusal(recent[-1])) is not None:
            return iter([refusal])
        given = network, self._reading, self.ids(recent)
        drawn = temperature > 0
        if self.rerank is None or drawn:
            written = word_by_word(
                *given,
                max_length=self.max_reply,
                temperature=temperature,
                seed=seed,
                draw=seed if drawn else None,
            )
        else:
            (words,) = self._write([self.ids(recent)], temperature, seed)
            written = (words[: length + 1] for length in range(len(words)))
        return pieces(self.texts([words])[0] for words in written)

    def _write(
        self,
        histories: list[list[Ids]],
        temperature: float = 0.0,
        seed: int = 0,
        beam: int | None = None,
        draw: int | None = None,
    ) -> list[list[int]]:
        """The ids of the reply to each history, chosen among several where that is asked for."""
        check_draw(temperature, seed, *([] if draw is None else [draw]))
        given = self.trained(), self._reading, histories
        drawn = temperature > 0
        if self.rerank is None or drawn or beam is not None or draw is not None:
            return write(
                *given,
                max_length=self.max_reply,
                beam=1 if beam is None else beam,
                temperature=temperature,
                seed=seed,
                draw=seed if drawn and draw is None else draw,
            )
        chosen = rerank(self.rerank).model_dump()
        return reranked(*given, max_length=self.max_reply, seed=seed, **chosen)

    def refusal(self, history: Sequence[str]) -> str | None:
        """What it says to a last turn of which it knows too little; None where it knows enough.

        Raises:
            DataError: the history is empty.
        """
        check_history(history)
        return self._refusal(self.words(history[-1]))

    def _refusal(self, words: list[str]) -> str | None:
        """Too little is known where too many words are unknown, or all that say something."""
        unknown = self._unknown(words)
        if self.max_unknown is None or not unknown:
            return None
        says = any(any(map(str.isalnum, word)) for word in {*words} - {*unknown})
        if says and len(unknown) <= self.max_unknown:
            return None
        return f"すみません、「{unknown[0][:20]}」という言葉がわかりません。"

    def _unknown(self, words: list[str]) -> list[str]:
        return [word for word in words if word not in self.vocabulary or word in SPECIALS]

    def why(
        self, history: Sequence[str], *, temperature: float = 0.0, seed: int = 0
    ) -> Mapping[str, str]:
        """How a reply came about: the words that mattered, how likely it was, z's divergence.

        Args:
            history, temperature, seed: those that the reply was asked for with.

        Raises:
            NotFittedError: it has learnt nothing.
            DataError: the history is empty.
            ConfigurationError: the temperature or the seed is not allowed.
        """
        network = self.trained()
        recent = self._recent(history)
        speaker = {"responder": self.architecture}
        if self._refusal(recent[-1]) is not None:
            return speaker | {"unknown words": " ".join(self._unknown(recent[-1]))}
        ids = self.ids(recent)
        (reply,) = self._write([ids], temperature, seed)
        return speaker | explain(network, self._reading, ids, recent[-1], reply)

    def about(self) -> str:
        """What it is, and what it learnt from."""
        size = f"{len(self.vocabulary):,} words" if self.network is not None else "untrained"
        learnt = self.metrics.get("learnt from")
        rest = f", learnt from {learnt}" if learnt else ""
        return f"{self.architecture} ({self.cell}, {self.hidden} features, {size}){rest}"

    # Texts ↔ ids

    @property
    def reader(self) -> Tokenizer:
        """The tokenizer, or MeCab where none was given."""
        return default_tokenizer() if self.tokenizer is None else self.tokenizer

    def words(self, text: str) -> list[str]:
        """The words of a text, as it reads them."""
        return self.reader.words(text)

    def ids(self, turns: Sequence[Sequence[str]]) -> list[Ids]:
        """The ids of turns of words; a word that is spelt like a mark is an unknown one."""
        return list(ids_of(turns, self.vocabulary))

    def texts(self, ids: Sequence[Sequence[int]]) -> list[str]:
        """Words, by their ids, as texts."""
        return self.reader.inverse_transform(self.vocabulary.inverse_transform(ids))

    def _recent(self, history: Sequence[str]) -> list[list[str]]:
        """The words of the last turns, as many as can be read."""
        check_history(history)
        return [self.words(text) for text in list(history)[-self._reading.reach :]]

    @property
    def _reading(self) -> Reading:
        rest = self.history, self.turns, self.batch_tokens, self.seed
        return Flat(self.vocabulary, *rest) if self.architecture == "seq2seq" else ByTurn(*rest)
