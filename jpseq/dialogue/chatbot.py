"""A chatbot that learns from dialogues: the words said so far in, a reply out."""

import logging
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import nn

from jpseq.corpora.prepared import Prepared
from jpseq.dialogue.answering import Answering
from jpseq.dialogue.configuration import ChatbotConfiguration, hierarchy, latent, rerank
from jpseq.dialogue.networks import begin, build
from jpseq.dialogue.reading import SPECIALS
from jpseq.dialogue.talks import in_order
from jpseq.dialogue.turns import (
    Dialogues,
    PreparedDialogues,
    SpokenDialogues,
    Turns,
    check_replies,
    turns_of,
)
from jpseq.errors import ConfigurationError
from jpseq.evaluation.latent import LatentUse, latent_use, told
from jpseq.evaluation.perplexity import Perplexity
from jpseq.network.vhred import VHRED
from jpseq.text.tokenizer import Tokenizer
from jpseq.training.configuration import TrainingConfiguration
from jpseq.training.pretrained import Reader
from jpseq.training.stream import Stream
from jpseq.vectors import Embeddings
from jpseq.vocabulary import Vocabulary

LOG = logging.getLogger("jpseq.dialogue")

Words = SpokenDialogues | PreparedDialogues
WATCHED = 200
"""Dialogues of those learnt from that a latent variable is watched on, where none are held out."""


class Chatbot(Answering):
    """It learns from dialogues to reply: each turn answers those before it.

    Three networks can stand behind it.

    - "seq2seq" reads the last words said as one sequence (Vinyals & Le 2015).
    - "hred" reads turn by turn, and a second network over the turns remembers the conversation
      (Serban et al. 2016); see HRED.
    - "vhred" draws besides what the reply will be about, so that replies vary (Serban et al. 2017);
      see VHRED.

    Args:
        tokenizer: text → words; None for MeCab().
        architecture: "seq2seq", "hred" or "vhred".
        cell: "rnn", "lstm", "gru" or "peephole".
        embedding: features of a word.
        hidden: features of the state (even).
        layers: recurrent layers on one another.
        dropout: share of features dropped while training.
        word_drop: share of the words read that are left blank while training.
        reply_drop: the same, of the previous words of the reply: a network that does not see all of
            them has to ask its context, or its latent variable.
        hierarchy: of hred and vhred, by the names in HierarchyConfiguration, for instance
            {"size": 256, "attention": "general"}.
        latent: of vhred, by the names in LatentConfiguration, for instance {"size": 64}.
        rerank: of several replies that are drawn the one is said that answers this and not
            anything; by the names in RerankConfiguration, for instance {"candidates": 16}. None for
            the likeliest reply. Where a temperature is asked for, it is drawn with that and no
            more.
        history: how many of the last words said are read; turns are told apart by a mark. hred and
            vhred read as many of each turn, the first ones.
        turns: how many of the last turns are read; None for all that `history` leaves, or for hred
            and vhred the last 100. With 1 the bot answers what was said last and nothing else.
        min_count, max_words: words rarer, or beyond that many, are unknown.
        max_reply: the longest reply, in words.
        max_unknown: a turn with more unknown words than this, or with no other, is answered by
            naming one of them: an honest answer, where the network could only guess. None lets it
            guess.
        epochs: how often the dialogues are gone through.
        batch_tokens: words in a step of training: of seq2seq those of the replies, padded; of hred
            and vhred those of whole conversations.
        learning_rate: of the first step, falling to zero with the last.
        training: more settings of the training, by their names in TrainingConfiguration, for
            instance {"patience": 3}.
        seed: of the first weights and of the order of batches.
    """

    name: ClassVar[str] = "chatbot"

    def __init__(
        self,
        tokenizer: Tokenizer | None = None,
        architecture: str = "seq2seq",
        cell: str = "gru",
        embedding: int = 128,
        hidden: int = 256,
        layers: int = 1,
        dropout: float = 0.2,
        word_drop: float = 0.1,
        reply_drop: float = 0.0,
        hierarchy: dict[str, Any] | None = None,
        latent: dict[str, Any] | None = None,
        rerank: dict[str, Any] | None = None,
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
        self.architecture = architecture
        self.cell = cell
        self.embedding = embedding
        self.hidden = hidden
        self.layers = layers
        self.dropout = dropout
        self.word_drop = word_drop
        self.reply_drop = reply_drop
        self.hierarchy = hierarchy
        self.latent = latent
        self.rerank = rerank
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
        self.coverage_: float | None = None
        """Share of the words that had a vector to begin with; None where none were given."""

    # Learning

    def fit(
        self,
        dialogues: Dialogues,
        title: str = "training",
        *,
        held_out: Dialogues | None = None,
        vectors: Embeddings | None = None,
        encoder: Reader | None = None,
        run: Path | str | None = None,
        resume: bool = False,
    ) -> Self:
        """Learn from dialogues: lists of Turn or of plain texts, or a prepared corpus of them.

        After Ctrl-C `completed` is False and what was learnt until then is kept.

        Of vhred each epoch tells, too, what the latent variable does (see LatentUse), on some of
        the dialogues learnt from where none are held out; a dead one is warned of.

        Args:
            dialogues: what to learn from.
            title: what stands before the progress bar.
            held_out: dialogues to measure the perplexity on after each epoch; the bot ends with the
                weights of the best one.
            vectors: initial vectors of words; those of a Word2Vec or a MaskedLM are its
                `embeddings`.
            encoder: a MaskedLM with a recurrent encoder of the same sizes: its layers and its word
                vectors are the first weights of what reads.
            run, resume: a folder for checkpoints and logs, and whether to go on in it; see
                jpseq.training.fit.fit.

        Raises:
            ConfigurationError: a parameter is not allowed.
            DataError: no dialogue has two turns, or none of those held out.
            TrainingError: the loss is no longer finite; the bot has the last weights that were.
        """
        from jpseq.training.fit import fit

        self.check()
        words = self._analysed(dialogues)
        self.vocabulary = Vocabulary(
            SPECIALS, self.min_count, self.max_words and self.max_words + len(SPECIALS)
        )
        if isinstance(words, PreparedDialogues):
            self.vocabulary.counts_ = words.counts()
            if self.hierarchy and self.hierarchy.get("speakers"):
                LOG.warning(
                    "hierarchy.speakers: a prepared corpus does not keep who speaks, so that two"
                    " speakers are taken to speak in turn. To learn who does, take the JSON Lines."
                )
        else:
            self.vocabulary.fit(turn for dialogue in words for turn in dialogue)
        talks = np.flatnonzero(words.sizes() > 1)
        check_replies(len(talks) > 0, "learn from")
        watched: Words | None = None
        if held_out is not None:
            watched = self._analysed(held_out)
            check_replies(bool((watched.sizes() > 1).any()), "measure on")
        elif self.architecture == "vhred":
            watched = words.take(np.random.default_rng(self.seed).permutation(talks)[:WATCHED])
        torch.manual_seed(self.seed)
        network = self.network = self.build()
        self.coverage_ = begin(network, self.vocabulary, vectors, encoder)
        measure = None
        if watched is not None:
            measure = self._measure(network, watched, held_out is not None)
        stream = self._stream(words, shuffle=True)
        if not len(stream):
            raise ConfigurationError(
                f"batch_tokens: every reply has more than {self.batch_tokens} words with its start"
                " and end. Take more."
            )
        if isinstance(network, VHRED):
            _check_annealing(network.kl.annealing.steps, len(stream) * self.epochs)
        self.completed = fit(
            network,
            stream,
            measure=measure,
            compare=held_out is not None,
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
        hierarchy(self.hierarchy)
        latent(self.latent)
        rerank(self.rerank)
        for name, of in (("hierarchy", ("hred", "vhred")), ("latent", ("vhred",))):
            if getattr(self, name) is not None and self.architecture not in of:
                raise ConfigurationError(
                    f"{name} is a part of {' and '.join(of)}, and architecture is"
                    f" {self.architecture!r}; leave {name} out, or take architecture={of[-1]!r}."
                )
        if self.architecture != "seq2seq" and self.turns == 1:
            raise ConfigurationError(
                f"turns is 1, and {self.architecture} is for more than one; take 2 or more, or None"
                ' for all, or architecture="seq2seq".'
            )
        self._settings()

    def _settings(self) -> dict[str, Any]:
        return TrainingConfiguration.settings(
            self.training, "chatbot", epochs=self.epochs, learning_rate=self.learning_rate
        )

    def build(self) -> nn.Module:
        return build(self)

    def _measure(
        self, network: nn.Module, watched: Words, held_out: bool
    ) -> Callable[[], Mapping[str, float]]:
        """What is measured after each epoch; the perplexity on dialogues held out alone."""
        stream = self._stream(watched)

        def measure() -> dict[str, float]:
            nll, _, use = _foreseen(network, stream)
            figures = {"perplexity": math.exp(min(nll, 700))} if held_out else {}
            if isinstance(network, VHRED) and use is not None:
                figures |= told(network, use)
            return figures

        return measure

    def perplexity(self, dialogues: Dialogues, data: str = "given dialogues") -> Perplexity:
        """How well the turns of dialogues are foreseen, each from those before it.

        Of vhred it is a bound: the true perplexity is a little lower. Of hred and vhred a turn
        counts up to its 1,000th word.

        Args:
            dialogues: ones that were not learnt from.
            data: their name, for the signature.

        Raises:
            NotFittedError: it has learnt nothing.
            DataError: no dialogue has two turns.
        """
        return self.foreseen(dialogues, data)[0]

    def foreseen(
        self, dialogues: Dialogues, data: str = "given dialogues"
    ) -> tuple[Perplexity, LatentUse | None]:
        """The perplexity, and of vhred what the latent variable does; arguments as there."""
        network = self.trained()
        words = self._analysed(dialogues)
        nll, count, use = _foreseen(network, self._stream(words))
        check_replies(count > 0, "measure on")
        bound = "" if use is None else "|bound:1 draw"
        characters = None
        if isinstance(words, PreparedDialogues):
            counts = words.counts()
            known = sum(n for word, n in counts.items() if word in self.vocabulary)
            rate = known / max(1, counts.total())
        else:
            longest = self._reading.foreseen
            replies = (turn[:longest] for talk in words for turn in talk[1:])
            characters = sum(len(word) for reply in replies for word in reply)
            rate = self.vocabulary.coverage(turn for talk in words for turn in talk).rate
        signature = (
            f"data:{data}|dialogues:{len(words)}|tok:{self.reader.name}"
            f"|vocabulary:{len(self.vocabulary)}|unknown:{1 - rate:.1%}"
            f"|history:{self.history}|turns:{self.turns or 'all'}{bound}"
        )
        return Perplexity(nll, count, signature, characters), use

    # Dialogues → words

    def _analysed(self, dialogues: Dialogues) -> Words:
        """Dialogues as lists of turns, and these as lists of words; or prepared ones."""
        if isinstance(dialogues, Prepared):
            dialogues = PreparedDialogues.all_of(dialogues)
        if not isinstance(dialogues, PreparedDialogues):
            talks = [turns_of(dialogue) for dialogue in dialogues]
            words = [[self.words(turn.text) for turn in talk] for talk in talks]
            speakers = [in_order([turn.speaker for turn in talk]).tolist() for talk in talks]
            return SpokenDialogues(words, speakers)
        advice = "Take Chatbot(tokenizer=prepared.tokenizer)."
        dialogues.prepared.check_tokenizer(self.reader, advice)
        return dialogues

    def batches(self, dialogues: Dialogues) -> Stream[Any]:
        """Dialogues as the network is measured on them."""
        return self._stream(self._analysed(dialogues))

    def _stream(self, dialogues: Words, shuffle: bool = False) -> Stream[Any]:
        return self._reading.stream(Turns.of(dialogues, self.vocabulary), shuffle)

    # The folder

    @property
    def vocabularies(self) -> dict[str, Vocabulary]:
        return {"vocabulary": self.vocabulary}

    def restore(self, vocabularies: dict[str, Vocabulary]) -> None:
        self.check()
        self.vocabulary = vocabularies["vocabulary"]

    def card(self) -> str:
        measured = "".join(f"- {name}: {figure}\n" for name, figure in self.metrics.items())
        kinds = {
            "seq2seq": f"sequence-to-sequence network over the last {self.history} words",
            "hred": "hierarchical network (HRED) over the turns",
            "vhred": "hierarchical network with a latent variable (VHRED) over the turns",
        }
        return (
            f"# A jpseq chatbot\n\nA {self.cell} {kinds[self.architecture]} of a conversation"
            f" ({len(self.vocabulary):,} words, {self.hidden} features). It imitates the dialogues"
            " it was trained on; it knows no facts.\n\n"
            f"## Metrics\n\n{measured or 'None were taken.' + chr(10)}\n"
            "## Use\n\n```\njpseq chat --model THIS_FOLDER\n```\n\n"
            "```python\nfrom jpseq import Chatbot\n\n"
            'bot = Chatbot.load("THIS_FOLDER")\nprint(bot.reply(["こんにちは"]))\n```\n'
        )


def _check_annealing(steps: int, batches: int) -> None:
    if steps > batches:
        LOG.warning(
            f"latent.anneal is {steps:,}, and there are {batches:,} batches to learn from in all"
            " epochs: the KL term never counts in full, and what is learnt is no bound. Take half"
            f" of that, latent.anneal={max(1, batches // 2):,}, or more epochs."
        )


def _foreseen(network: nn.Module, stream: Stream[Any]) -> tuple[float, int, LatentUse | None]:
    """Nats a word, of how many words, and what the latent variable does, where there is one."""
    from jpseq.training.fit import evaluate

    if isinstance(network, VHRED):
        use = latent_use(network, stream)
        return use.nll, use.words, use
    return *evaluate(network, stream), None
