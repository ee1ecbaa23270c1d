"""A chatbot that learns from dialogues: the words said so far in, a reply out."""

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

import numpy as np
import numpy.typing as npt
import torch
from pydantic import Field

from jpseq.batch import Batch
from jpseq.configuration import Configuration
from jpseq.corpora.prepared import Prepared
from jpseq.corpora.readers import Dialogue
from jpseq.dialogue.responder import check_history
from jpseq.dialogue.turns import Dialogues, PreparedDialogues, Turns, texts_of
from jpseq.errors import ConfigurationError, DataError
from jpseq.evaluation.perplexity import Perplexity
from jpseq.model import Model
from jpseq.network.sampling import sampled
from jpseq.network.search import decode, greedy
from jpseq.network.seq2seq import Pair, Seq2Seq
from jpseq.sequences import Ragged
from jpseq.text.mecab import MeCab
from jpseq.text.tokenizer import Tokenizer
from jpseq.training.configuration import TrainingConfiguration
from jpseq.training.stream import Stream
from jpseq.vocabulary import UNKNOWN, Vocabulary

PAD, START, END, TURN = "<pad>", "<s>", "</s>", "<turn>"
SPECIALS = (PAD, UNKNOWN, START, END, TURN)

Positive = Annotated[int, Field(ge=1)]

Words = Sequence[Sequence[Sequence[str]]] | PreparedDialogues


class ChatbotConfiguration(Configuration):
    """What the parameters of a Chatbot may be."""

    tokenizer: Tokenizer | None
    cell: Literal["rnn", "lstm", "gru", "peephole"]
    embedding: Positive
    hidden: Annotated[int, Field(ge=2, multiple_of=2)]
    layers: Positive
    dropout: Annotated[float, Field(ge=0, lt=1)]
    word_drop: Annotated[float, Field(ge=0, lt=1)]
    history: Positive
    turns: Positive | None
    min_count: Positive
    max_words: Positive | None
    max_reply: Positive
    max_unknown: Annotated[int, Field(ge=0)] | None
    epochs: Positive
    batch_tokens: Positive
    learning_rate: Annotated[float, Field(gt=0, lt=1)]
    training: dict[str, Any] | None
    seed: Annotated[int, Field(ge=0, lt=2**63)]


class Chatbot(Model):
    """Sequence to sequence over dialogues (Vinyals & Le 2015): a turn is a reply to those before.

    Args:
        tokenizer: text → words; None for MeCab().
        cell: "rnn", "lstm", "gru" or "peephole".
        embedding: features of a word.
        hidden: features of the state (even).
        layers: recurrent layers on one another.
        dropout: share of features dropped while training.
        word_drop: share of the words read that are left blank while training.
        history: how many of the last words said are read; turns are told apart by a mark.
        turns: how many of the last turns are read; None for all that `history` leaves. With 1 the
            bot answers what was said last and nothing else.
        min_count, max_words: words rarer, or beyond that many, are unknown.
        max_reply: the longest reply, in words.
        max_unknown: a turn with more unknown words than this is answered by naming one of them:
            an honest answer, where the network could only guess. None lets it guess.
        epochs: how often the dialogues are gone through.
        batch_tokens: padded reply words in a step of training.
        learning_rate: of the first step, falling to zero with the last.
        training: more settings of the training, by their names in TrainingConfiguration, for
            instance {"patience": 3}.
        seed: of the first weights and of the order of batches.
    """

    name: ClassVar[str] = "chatbot"

    def __init__(
        self,
        tokenizer: Tokenizer | None = None,
        cell: str = "gru",
        embedding: int = 128,
        hidden: int = 256,
        layers: int = 1,
        dropout: float = 0.2,
        word_drop: float = 0.1,
        history: int = 40,
        turns: int | None = None,
        min_count: int = 1,
        max_words: int | None = None,
        max_reply: int = 40,
        max_unknown: int | None = 1,
        epochs: int = 20,
        batch_tokens: int = 800,
        learning_rate: float = 2e-3,
        training: dict[str, Any] | None = None,
        seed: int = 0,
    ) -> None:
        self.tokenizer = tokenizer
        self.cell = cell
        self.embedding = embedding
        self.hidden = hidden
        self.layers = layers
        self.dropout = dropout
        self.word_drop = word_drop
        self.history = history
        self.turns = turns
        self.min_count = min_count
        self.max_words = max_words
        self.max_reply = max_reply
        self.max_unknown = max_unknown
        self.epochs = epochs
        self.batch_tokens = batch_tokens
        self.learning_rate = learning_rate
        self.training = training
        self.seed = seed
        self.metrics: Mapping[str, str] = {}

    # Learning

    def fit(
        self,
        dialogues: Dialogues,
        title: str = "training",
        *,
        held_out: Dialogues | None = None,
        run: Path | str | None = None,
        resume: bool = False,
    ) -> Self:
        """Learn from dialogues: lists of Turn or of plain texts, or a prepared corpus of them.

        After Ctrl-C `completed` is False and what was learnt until then is kept.

        Args:
            dialogues: what to learn from.
            title: what stands before the progress bar.
            held_out: dialogues to measure the perplexity on after each epoch; the bot ends with the
                weights of the best one.
            run, resume: a folder for checkpoints and logs, and whether to go on in it; see
                jpseq.training.fit.fit.

        Raises:
            ConfigurationError: a parameter is not allowed.
            DataError: no dialogue has two turns.
            TrainingError: the loss is no longer finite; the bot has the last weights that were.
        """
        from jpseq.training.fit import evaluate, fit

        self.check()
        words = self._analysed(dialogues)
        self.vocabulary = Vocabulary(
            SPECIALS, self.min_count, self.max_words and self.max_words + len(SPECIALS)
        )
        if isinstance(words, PreparedDialogues):
            replies = bool((words.sizes() > 1).any())
            self.vocabulary.counts_ = words.counts()
        else:
            replies = any(len(dialogue) > 1 for dialogue in words)
            self.vocabulary.fit(turn for dialogue in words for turn in dialogue)
        if not replies:
            raise DataError("to learn from, at least one dialogue of two turns or more is needed.")
        torch.manual_seed(self.seed)
        network = self.network = self.build()
        measure = None
        if held_out is not None:
            kept = self._analysed(held_out)

            def measure() -> dict[str, float]:
                nll, _ = evaluate(network, self._stream(kept, shuffle=False))
                return {"perplexity": math.exp(min(nll, 700))}

        stream = self._stream(words, shuffle=True)
        if not len(stream):
            raise ConfigurationError(
                f"batch_tokens: every reply has more than {self.batch_tokens} words with its start"
                " and end. Take more."
            )
        self.completed: bool = fit(
            network,
            stream,
            measure=measure,
            run=run,
            resume=resume,
            title=title,
            **self._settings(),
        )
        return self

    def check(self) -> None:
        """See that all parameters are allowed.

        Raises:
            ConfigurationError: names every one that is not.
        """
        ChatbotConfiguration.check(self.get_params(deep=False))
        self._settings()

    def _settings(self) -> dict[str, Any]:
        return TrainingConfiguration.settings(
            self.training, "chatbot", epochs=self.epochs, learning_rate=self.learning_rate
        )

    def build(self) -> Seq2Seq:
        return Seq2Seq(
            len(self.vocabulary),
            self.embedding,
            self.hidden,
            self.cell,  # type: ignore[arg-type]  # checked by the configuration
            self.layers,
            self.dropout,
            self.word_drop,
        )

    def perplexity(self, dialogues: Dialogues, data: str = "given dialogues") -> Perplexity:
        """How well the turns of dialogues are foreseen, each from those before it.

        Args:
            dialogues: ones that were not learnt from.
            data: their name, for the signature.

        Raises:
            NotFittedError: it has learnt nothing.
            DataError: no dialogue has two turns.
        """
        from jpseq.training.fit import evaluate

        network = self.trained()
        words = self._analysed(dialogues)
        nll, count = evaluate(network, self._stream(words, shuffle=False))
        if not count:
            raise DataError("to measure on, at least one dialogue of two turns or more is needed.")
        if isinstance(words, PreparedDialogues):
            counts = words.counts()
            known = sum(n for word, n in counts.items() if word in self.vocabulary)
            rate = known / max(1, counts.total())
        else:
            rate = self.vocabulary.coverage(turn for talk in words for turn in talk).rate
        signature = (
            f"data:{data}|dialogues:{len(words)}|tok:{self._tokenizer.name}"
            f"|vocabulary:{len(self.vocabulary)}|unknown:{1 - rate:.1%}"
            f"|history:{self.history}|turns:{self.turns or 'all'}"
        )
        return Perplexity(nll, count, signature)

    # Answering

    def reply(self, history: Sequence[str], *, temperature: float = 0.0, seed: int = 0) -> str:
        """Answer the last turn (see Responder).

        Raises:
            NotFittedError: it has learnt nothing.
            DataError: the history is empty.
        """
        network = self.trained()
        check_history(history)
        recent = [self._words(text) for text in list(history)[-self._reach :]]
        unknown = [word for word in recent[-1] if word not in self.vocabulary]
        if self.max_unknown is not None and len(unknown) > self.max_unknown:
            return f"すみません、「{unknown[0][:20]}」という言葉がわかりません。"
        source = Ragged.from_sequences([self._source(self.vocabulary.transform(recent))])
        generator = torch.Generator().manual_seed(seed)
        choose = sampled(temperature, generator) if temperature > 0 else greedy
        with torch.no_grad():
            written = decode(
                network.step,
                network.encode(Batch.from_ragged(source)),
                size=1,
                start=SPECIALS.index(START),
                end=SPECIALS.index(END),
                max_length=self.max_reply,
                choose=choose,
                forbidden=[SPECIALS.index(s) for s in (PAD, UNKNOWN, START, TURN)],
            )
        words = self.vocabulary.inverse_transform(written.to_ragged())
        return self._tokenizer.inverse_transform(words)[0]

    # Dialogues → pairs of source and target

    @property
    def _tokenizer(self) -> Tokenizer:
        if self.tokenizer is not None:
            return self.tokenizer
        if "_mecab" not in self.__dict__:
            self._mecab = MeCab()
        return self._mecab

    def _words(self, text: str) -> list[str]:
        return self._tokenizer.words(text)

    def _analysed(self, dialogues: Dialogues) -> Words:
        """Dialogues as lists of turns, and these as lists of words; or prepared ones."""
        if isinstance(dialogues, Prepared):
            dialogues = PreparedDialogues.all_of(dialogues)
        if not isinstance(dialogues, PreparedDialogues):
            return [[self._words(text) for text in texts_of(talk)] for talk in dialogues]
        theirs, ours = dialogues.prepared.tokenizer, self._tokenizer
        if not theirs.is_like(ours):
            raise ConfigurationError(
                f"{dialogues.prepared.folder}: was analysed with {theirs!r}, and the bot reads with"
                f" {ours!r}. Make it with Chatbot(tokenizer=prepared.tokenizer)."
            )
        return dialogues

    @property
    def _reach(self) -> int:
        """How many of the last turns can be read. Even empty ones have a mark between them."""
        return min(self.turns or self.history + 1, self.history + 1)

    def _source(self, turns: Iterable[npt.NDArray[np.int32]]) -> npt.NDArray[np.int32]:
        """The last `history` ids of turns, with the mark between turns.

        A full stop before the mark says nothing, and who types at a prompt leaves it out.
        """
        mark = np.array([SPECIALS.index(TURN)], np.int32)
        stop = self.vocabulary.id("。") if "。" in self.vocabulary else None
        parts = [
            part
            for turn in turns
            for part in (mark, turn[:-1] if len(turn) > 1 and turn[-1] == stop else turn)
        ][1:]
        return np.concatenate(parts)[-self.history :]

    def _stream(self, dialogues: Words, shuffle: bool) -> Stream[Pair]:
        start, end = (np.array([SPECIALS.index(s)], np.int32) for s in (START, END))
        turns = Turns.of(dialogues, self.vocabulary)

        def make(rows: npt.NDArray[np.int64]) -> Pair:
            sources = [self._source(turns.before(row, self._reach)) for row in rows.tolist()]
            targets = [
                np.concatenate([start, turns[turn], end]) for turn in turns.replies[rows].tolist()
            ]
            return Pair(*(Batch.from_ragged(Ragged.from_sequences(s)) for s in (sources, targets)))

        # A turn that alone is more than a batch should be is not learnt from; it is measured on.
        longest = self.batch_tokens if shuffle else None
        return Stream(turns.lengths + 2, make, self.batch_tokens, shuffle, self.seed, longest)

    # The folder

    @property
    def vocabularies(self) -> dict[str, Vocabulary]:
        return {"vocabulary": self.vocabulary}

    def restore(self, vocabularies: dict[str, Vocabulary]) -> None:
        self.check()
        self.vocabulary = vocabularies["vocabulary"]

    def card(self) -> str:
        measured = "".join(f"- {name}: {figure}\n" for name, figure in self.metrics.items())
        return (
            "# A jpseq chatbot\n\n"
            f"A {self.cell} sequence-to-sequence network over the last {self.history} words of a"
            f" conversation ({len(self.vocabulary):,} words, {self.hidden} features). It imitates"
            " the dialogues it was trained on; it knows no facts.\n\n"
            f"## Metrics\n\n{measured or 'None were taken.' + chr(10)}\n"
            "## Use\n\n```\njpseq chat --model THIS_FOLDER\n```\n\n"
            "```python\nfrom jpseq import Chatbot\n\n"
            'bot = Chatbot.load("THIS_FOLDER")\nprint(bot.reply(["こんにちは"]))\n```\n'
        )


def hold_out(
    dialogues: "Sequence[Dialogue] | PreparedDialogues", share: float = 0.05, seed: int = 0
) -> tuple[Any, Any]:
    """Dialogues to learn from and, drawn by the seed, at least one to measure on."""
    count = max(1, round(len(dialogues) * share))
    chosen = set(np.random.default_rng(seed).permutation(len(dialogues))[:count].tolist())
    parts = (
        [i for i in range(len(dialogues)) if i not in chosen],
        [i for i in range(len(dialogues)) if i in chosen],
    )
    if isinstance(dialogues, PreparedDialogues):
        learnt, kept = (dialogues.take(part) for part in parts)
        return learnt, kept
    return [dialogues[i] for i in parts[0]], [dialogues[i] for i in parts[1]]
