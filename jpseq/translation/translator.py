"""A translator that learns from pairs of sentences: a text in, its translation out."""

import logging
import math
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

import torch

from jpseq.corpora.prepared import Prepared
from jpseq.errors import ConfigurationError, DataError, NotFittedError
from jpseq.evaluation.perplexity import Perplexity
from jpseq.evaluation.translation import bleu
from jpseq.network.attentional_decoder import AttentionalDecoder
from jpseq.network.decoder import Decoder
from jpseq.network.encoder import Encoder
from jpseq.network.ensemble import Ensemble
from jpseq.network.seq2seq import EncoderDecoder, Pair, start_embeddings
from jpseq.sequences import framed
from jpseq.text.tokenizer import Tokenizer
from jpseq.training.configuration import TrainingConfiguration
from jpseq.training.pretrained import Reader, begin_with, begin_with_encoder
from jpseq.training.stream import Stream, pairs
from jpseq.translation.bitext import Pairs, Side, analysed, counts, ids
from jpseq.translation.configuration import TranslatorConfiguration
from jpseq.translation.decoding import ENDS, SPECIALS, search
from jpseq.translation.translating import Translating
from jpseq.vectors import Embeddings
from jpseq.vocabulary import Vocabulary

LOG = logging.getLogger("jpseq.translation")


class Translator(Translating):
    """Encoder and decoder, with attention or without, from one language to another.

    Args:
        source, target: the languages, as "en" and "ja". They make the direction; that a text is
            Japanese where it should not be, or the other way round, is an error.
        source_tokenizer, target_tokenizer: text → words; None for MeCab(), which can cut English,
            too. Whitespace() is for text that is already tokenized. A SentencePiece that has learnt
            nothing yet learns from the pairs.
        shared: one vocabulary and one embedding for both sides.
        attention: "general", "dot" or "additive" (see Attention); None for the plain network, with
            all of the source in one vector.
        input_feeding, coverage: see AttentionalDecoder; coverage is the weight of its loss, 0 for
            no coverage.
        bidirectional: whether the source is read from the end, too.
        tied: whether the output layer is the target's embedding. Two tables learn faster.
        cell: "rnn", "lstm", "gru" or "peephole".
        embedding: features of a word.
        hidden: features of the state (even).
        layers: recurrent layers on one another.
        dropout: share of features dropped while training.
        word_drop: share of source words left blank while training.
        label_smoothing: share of a word's probability spread over all words while training.
        frozen: whether initial vectors stay as they are.
        min_count, max_words: words rarer, or beyond that many on each side, are unknown.
        longest: pairs with more words on either side are not learnt from.
        epochs: how often the pairs are gone through.
        batch_tokens: padded words in a step of training.
        learning_rate: of the first step, falling to zero with the last.
        training: more settings of the training, by their names in TrainingConfiguration.
        seed: of the first weights and of the order of batches.
    """

    name: ClassVar[str] = "translator"

    def __init__(
        self,
        source: str = "en",
        target: str = "ja",
        source_tokenizer: Tokenizer | None = None,
        target_tokenizer: Tokenizer | None = None,
        shared: bool = False,
        attention: str | None = "general",
        input_feeding: bool = False,
        coverage: float = 0.0,
        bidirectional: bool = True,
        tied: bool = False,
        cell: str = "lstm",
        embedding: int = 256,
        hidden: int = 256,
        layers: int = 1,
        dropout: float = 0.3,
        word_drop: float = 0.0,
        label_smoothing: float = 0.1,
        frozen: bool = False,
        min_count: int = 1,
        max_words: int | None = None,
        longest: int = 100,
        epochs: int = 10,
        batch_tokens: int = 1200,
        learning_rate: float = 2e-3,
        training: dict[str, Any] | None = None,
        seed: int = 0,
    ) -> None:
        self.source = source
        self.target = target
        self.source_tokenizer = source_tokenizer
        self.target_tokenizer = target_tokenizer
        self.shared = shared
        self.attention = attention
        self.input_feeding = input_feeding
        self.coverage = coverage
        self.bidirectional = bidirectional
        self.tied = tied
        self.cell = cell
        self.embedding = embedding
        self.hidden = hidden
        self.layers = layers
        self.dropout = dropout
        self.word_drop = word_drop
        self.label_smoothing = label_smoothing
        self.frozen = frozen
        self.min_count = min_count
        self.max_words = max_words
        self.longest = longest
        self.epochs = epochs
        self.batch_tokens = batch_tokens
        self.learning_rate = learning_rate
        self.training = training
        self.seed = seed
        self.metrics: Mapping[str, str] = {}
        self.coverage_: dict[str, float] = {}
        """The share of each side's words (of their occurrences) that began with a vector."""

    # Learning

    def fit(
        self,
        pairs: Pairs,
        title: str = "training",
        *,
        held_out: Pairs | None = None,
        vectors: Mapping[str, Embeddings] | None = None,
        encoder: Reader | None = None,
        run: Path | str | None = None,
        resume: bool = False,
    ) -> Self:
        """Learn from pairs of texts (source, target), or a prepared corpus of parallel text.

        After Ctrl-C `completed` is False and what was learnt until then is kept.

        Args:
            pairs: what to learn from.
            title: what stands before the progress bar.
            held_out: pairs to measure on after each epoch: "perplexity", and "bleu" of greedy
                translations. It ends with the weights of the best epoch.
            vectors: initial vectors of words, by side: "source", "target"; those of a Word2Vec or a
                MaskedLM are its `embeddings`.
            encoder: a MaskedLM with a recurrent encoder of the same sizes: its layers and its word
                vectors are the first weights of what reads the source.
            run, resume: a folder for checkpoints and logs, and whether to go on in it; see
                jpseq.training.fit.fit.

        Raises:
            ConfigurationError: a parameter is not allowed.
            DataError: there are no pairs, or one has an empty side or the wrong language.
            TrainingError: the loss is no longer finite; the network has the last weights that were.
        """
        from jpseq.training.fit import fit

        self.check()
        sources, targets = self._analysed(pairs, learn=True)
        self._count(counts(sources), counts(targets))
        torch.manual_seed(self.seed)
        network = self.network = self.build()
        self._begin_with(network, vectors or {}, encoder)
        stream = self._stream(sources, targets, shuffle=True)
        if stream.left_out:
            LOG.info("%s pairs have more than %s words", f"{stream.left_out:,}", self.longest)
        if not len(stream):
            raise DataError(f"no pair has at most {self.longest} words on both sides.")
        measure = None
        if held_out is not None:
            kept = self._analysed(held_out)
            measure = self._measure(network, *kept)
        self.completed = fit(
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
        TranslatorConfiguration.check(self.get_params(deep=False))
        if self.attention is None and (self.input_feeding or self.coverage):
            raise ConfigurationError("input_feeding and coverage need attention, which is None.")
        if self.coverage and self.attention != "additive":
            raise ConfigurationError(
                f"coverage is a part of additive attention, and attention is"
                f' {self.attention!r}; set attention="additive".'
            )
        self._settings()

    def _settings(self) -> dict[str, Any]:
        return TrainingConfiguration.settings(
            self.training, "translator", epochs=self.epochs, learning_rate=self.learning_rate
        )

    def build(self) -> EncoderDecoder:
        rest: dict[str, Any] = {
            "embedding_size": self.embedding,
            "hidden_size": self.hidden,
            "cell": self.cell,
            "layers": self.layers,
            "dropout": self.dropout,
        }
        reading: dict[str, Any] = {"word_drop": self.word_drop, "bidirectional": self.bidirectional}
        encoder = Encoder(len(self.source_vocabulary), **rest, **reading)
        words = len(self.target_vocabulary)
        if self.attention is None:
            decoder = Decoder(words, **rest, tied=self.tied)
        else:
            decoder = AttentionalDecoder(
                words,
                **rest,
                memory_size=encoder.recurrent.output_size,
                tied=self.tied,
                attention=self.attention,  # type: ignore[arg-type]  # checked by the configuration
                input_feeding=self.input_feeding,
                coverage=bool(self.coverage),
            )
        parts = start_embeddings(encoder, decoder, self.shared)
        return EncoderDecoder(*parts, self.label_smoothing, self.coverage)

    def perplexity(self, pairs: Pairs, data: str = "given pairs") -> Perplexity:
        """How well the targets of pairs are foreseen from their sources.

        Args:
            pairs: ones that were not learnt from.
            data: their name, for the signature.

        Raises:
            NotFittedError: it has learnt nothing.
            ConfigurationError: it is an ensemble.
        """
        from jpseq.training.fit import evaluate as evaluate_loss

        network = self.trained()
        if isinstance(network, Ensemble):
            raise ConfigurationError(
                "an ensemble has no perplexity of its own; take that of each of its models."
            )
        stream = self._stream(*self._analysed(pairs), shuffle=False)
        nll, count = evaluate_loss(network, stream)
        words = f"{len(self.source_vocabulary)},{len(self.target_vocabulary)}"
        return Perplexity(nll, count, f"data:{data}|vocabulary:{words}|unknown:as <unk>")

    def _measure(self, network: EncoderDecoder, sources: Side, targets: Side) -> Any:
        from jpseq.training.fit import evaluate as evaluate_loss

        stream = self._stream(sources, targets, shuffle=False)
        read = ids(sources, self.source_vocabulary)
        wanted = targets
        if isinstance(targets, Prepared):
            wanted = targets.vocabulary.inverse_transform(targets.ids)

        def measure() -> dict[str, float]:
            nll, _ = evaluate_loss(network, stream)
            best = [found[0].ids for found in search(network, read, beam=1)]
            written = self.target_vocabulary.inverse_transform(best)
            return {
                "perplexity": math.exp(min(nll, 700)),
                "bleu": bleu(written, wanted),  # type: ignore[arg-type]
            }

        return measure

    # Texts → ids

    def _analysed(self, pairs: Pairs, learn: bool = False) -> tuple[Side, Side]:
        tokenizers = self._tokenizer("source"), self._tokenizer("target")
        together = self.shared if learn else None
        return analysed(pairs, tokenizers, (self.source, self.target), together)

    def _count(self, sources: Counter[str], targets: Counter[str]) -> None:
        bound = self.max_words and self.max_words + len(SPECIALS)
        both = [Vocabulary(SPECIALS, self.min_count, bound) for _ in range(2)]
        counted = [sources + targets] * 2 if self.shared else [sources, targets]
        for vocabulary, words in zip(both, counted, strict=True):
            vocabulary.counts_ = words
        self.source_vocabulary, self.target_vocabulary = both

    def _begin_with(
        self, network: EncoderDecoder, vectors: Mapping[str, Embeddings], reader: Reader | None
    ) -> None:
        if unknown := vectors.keys() - {"source", "target"}:
            raise ConfigurationError(
                f"vectors: {', '.join(sorted(unknown))} is no side; they are source and target."
            )
        if reader is not None and "source" in vectors:
            raise ConfigurationError(
                "encoder and vectors of the source: the encoder brings its own vectors; leave one"
                " of the two out."
            )
        self.coverage_ = {}
        for side, own in vectors.items():
            part = network.encoder if side == "source" else network.decoder
            vocabulary = self.source_vocabulary if side == "source" else self.target_vocabulary
            self.coverage_[side] = begin_with(part.embedding, vocabulary, own, self.frozen)
        if reader is not None:
            read = network.encoder, self.source_vocabulary, reader, self.frozen
            self.coverage_["source"] = begin_with_encoder(*read)
        for side, share in self.coverage_.items():
            LOG.info("%s vectors: %.1f%% of the words have one", side, 100 * share)

    def _stream(self, sources: Side, targets: Side, shuffle: bool) -> Stream[Pair]:
        return pairs(
            ids(sources, self.source_vocabulary),
            framed(ids(targets, self.target_vocabulary), **ENDS),
            self.batch_tokens,
            longest=self.longest + 2 if shuffle else None,
            shuffle=shuffle,
            seed=self.seed,
        )

    # The folder

    @property
    def vocabularies(self) -> dict[str, Vocabulary]:
        if "source_vocabulary" not in self.__dict__:
            raise NotFittedError("This Translator has learnt nothing yet: call fit, or load one.")
        return {
            "source_vocabulary": self.source_vocabulary,
            "target_vocabulary": self.target_vocabulary,
        }

    def restore(self, vocabularies: dict[str, Vocabulary]) -> None:
        self.check()
        self.source_vocabulary = vocabularies["source_vocabulary"]
        self.target_vocabulary = vocabularies["target_vocabulary"]

    def card(self) -> str:
        measured = "".join(f"- {name}: {figure}\n" for name, figure in self.metrics.items())
        attention = f"{self.attention} attention" if self.attention else "no attention"
        return (
            "# A jpseq translator\n\n"
            f"From {self.source} to {self.target}: a {self.cell} encoder–decoder with {attention},"
            f" {self.hidden} features; {len(self.source_vocabulary):,} and"
            f" {len(self.target_vocabulary):,} words. It knows the words and the kind of sentences"
            " that it was trained on.\n\n"
            f"## Metrics\n\n{measured or 'None were taken.' + chr(10)}\n"
            "## Use\n\n```\njpseq translate run THIS_FOLDER < TEXTS\n```\n\n"
            "```python\nfrom jpseq import Translator\n\n"
            'translator = Translator.load("THIS_FOLDER")\n```\n'
        )
