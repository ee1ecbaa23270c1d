"""A masked language model: from a word's context, on both sides, to the word, and to its vector.

>>> from jpseq import Whitespace
>>> sentences = [["春", "に", "桜", "が", "咲く"], ["秋", "に", "月", "が", "出る"]] * 20
>>> sizes = {"embedding": 16, "hidden": 16, "layers": 1, "dropout": 0.0}
>>> model = MaskedLM(Whitespace(), epochs=40, batch_tokens=70, learning_rate=0.02, **sizes)
>>> model = model.fit(sentences)
>>> [[word for word, _ in words] for words in model.fill("春 に ［MASK］ が 咲く", count=1)]
[['桜']]
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch

from jpseq.corpora.prepared import Prepared
from jpseq.embedding.configuration import MaskedLMConfiguration
from jpseq.embedding.excerpts import FRAME, Excerpts, MaskedStream
from jpseq.embedding.masking import FIRST, SPECIALS, Masking
from jpseq.embedding.reading import READ_TOKENS, Reading
from jpseq.embedding.sentences import Corpus, Counted, drawn, loaded, opened
from jpseq.embedding.spelling import learn_pieces, spell
from jpseq.errors import ConfigurationError, DataError, NotFittedError
from jpseq.evaluation.masked import Foretold, foretell
from jpseq.network.masked_lm import MaskedNetwork
from jpseq.network.recurrent import Recurrent
from jpseq.network.transformer import Transformer
from jpseq.text.subword import SentencePiece
from jpseq.text.tokenizer import Tokenizer
from jpseq.training.configuration import CHOOSING, TrainingConfiguration
from jpseq.training.stream import Rows
from jpseq.vocabulary import UNKNOWN, Vocabulary

LOG = logging.getLogger("jpseq.embedding")


class MaskedLM(Reading):
    """It learns to foretell masked words (Devlin et al. 2019), and so what words mean where.

    A word is masked as a whole, with all its pieces (see Masking).

    Args:
        tokenizer: text → words; None for MeCab().
        subwords: words → pieces, so that no word is unknown: SentencePiece(size, identity=True).
            One that has learnt nothing yet learns from the corpus. None for whole words.
        encoder: "recurrent" (see Recurrent) or "transformer" (see Transformer), which wants more
            layers (4), reads half as fast, and learns more from what it reads.
        cell: of the recurrent one, "rnn", "lstm", "gru" or "peephole".
        embedding: features of a word as it is read.
        hidden: features of a word in its context (even).
        layers: of the encoder.
        heads: of the Transformer's attention.
        dropout: share of features dropped while training. Who sees the text only a few times needs
            none.
        masked: share of the text that is masked.
        longest: pieces that are read at once; a longer text is read in parts.
        min_count, max_words: words rarer, or beyond that many, are unknown. With subwords they are
            spelt from pieces, and have no row in `embeddings`.
        epochs: how often the corpus is gone through.
        batch_tokens: padded pieces in a step of training.
        learning_rate: of the first steps, falling to zero with the last.
        training: more settings of the training, by their names in TrainingConfiguration, for
            instance {"warmup": 500}.
        seed: of the first weights, the order of batches and the masks.
    """

    name: ClassVar[str] = "masked_lm"

    def __init__(
        self,
        tokenizer: Tokenizer | None = None,
        subwords: SentencePiece | None = None,
        encoder: str = "recurrent",
        cell: str = "lstm",
        embedding: int = 256,
        hidden: int = 256,
        layers: int = 2,
        heads: int = 4,
        dropout: float = 0.1,
        masked: float = 0.15,
        longest: int = 128,
        min_count: int = 2,
        max_words: int | None = None,
        epochs: int = 10,
        batch_tokens: int = 2048,
        learning_rate: float = 2e-3,
        training: dict[str, Any] | None = None,
        seed: int = 0,
    ) -> None:
        self.tokenizer = tokenizer
        self.subwords = subwords
        self.encoder = encoder
        self.cell = cell
        self.embedding = embedding
        self.hidden = hidden
        self.layers = layers
        self.heads = heads
        self.dropout = dropout
        self.masked = masked
        self.longest = longest
        self.min_count = min_count
        self.max_words = max_words
        self.epochs = epochs
        self.batch_tokens = batch_tokens
        self.learning_rate = learning_rate
        self.training = training
        self.seed = seed
        self.metrics: Mapping[str, str] = {}

    # Learning

    def fit(
        self,
        corpus: Corpus,
        title: str = "training",
        *,
        held_out: float = 0.0,
        run: Path | str | None = None,
        resume: bool = False,
    ) -> Self:
        """Learn from a corpus; a prepared one stays on the disk, whatever its size.

        After Ctrl-C `completed` is False and what was learnt until then is kept.

        Args:
            corpus: a prepared corpus or its folder; the name of a file or folder of text; or lists
                of words.
            title: what stands before the progress bar.
            held_out: share of the sequences that are not learnt from: accuracy and perplexity of
                masks in them are measured after each epoch and stand among the `metrics`. (Their
                words count where the vocabulary is made.) It ends with the weights of the best
                epoch where `training` compares epochs (patience, keep ...), and the signature says
                so, else with the last.
            run, resume: a folder for checkpoints and logs, and whether to go on in it; see
                jpseq.training.fit.fit.

        Raises:
            ConfigurationError: a parameter is not allowed; the corpus was analysed in another way.
            DataError: the corpus cannot be read, or no word of it is known.
            TrainingError: the loss is no longer finite; the network has the last weights that were.
        """
        from jpseq.training.fit import fit

        self.check()
        if not 0 <= held_out < 1:
            raise ConfigurationError(
                f"held_out is a share, at least 0 and below 1; got {held_out}."
            )
        with self._opened(corpus) as counted:
            self._learn_words(counted.vocabulary)
            self.metrics = {}
            torch.manual_seed(self.seed)
            network = self.network = self.build()
            excerpts = self._excerpts(counted)
            left_out = drawn(len(counted.ids), held_out, self.seed)
            out = left_out[excerpts.sequence]
            chosen = CHOOSING & (self.training or {}).keys()
            if chosen and not out.any():
                raise ConfigurationError(
                    f"training.{min(chosen)}: epochs are compared on sequences that are not learnt"
                    " from, and there are none: take held_out=0.01 (--held-out 0.01), and two"
                    " sequences at least."
                )
            masking = Masking(len(self.vocabulary), self.masked, seed=self.seed)
            stream = MaskedStream(excerpts, np.flatnonzero(~out), masking, self.batch_tokens)
            self._check_words(len(stream))
            measure = None
            if out.any():
                kept = self._measured_stream(excerpts, np.flatnonzero(out))

                def measure() -> dict[str, float]:
                    found = foretell(network, kept, "")
                    return {"perplexity": found.perplexity.value, "accuracy": found.accuracy}

            LOG.info(
                "%s words in %s excerpts, %s ids",
                f"{len(counted.ids.values):,}",
                f"{len(stream.chosen):,}",
                f"{len(self.vocabulary):,}",
            )
            self.completed = fit(
                network,
                stream,
                measure=measure,
                compare=bool(chosen),
                run=run,
                resume=resume,
                title=title,
                **self._settings(),
            )
            if out.any():
                data = f"held out {held_out:g} seed {self.seed}"
                data += ", which chose the epoch" if chosen else ""
                signature = self._signature(data, int(left_out.sum()), counted, excerpts)
                self.metrics = {f"masked {self._unit}": str(foretell(network, kept, signature))}
        return self

    def check(self) -> None:
        """See that all parameters are allowed.

        Raises:
            ConfigurationError: names every one that is not.
        """
        MaskedLMConfiguration.check(self.get_params(deep=False))
        if self.encoder == "transformer" and self.hidden % self.heads:
            raise ConfigurationError(
                f"hidden is {self.hidden}, and must be a multiple of heads, {self.heads}."
            )
        if self.subwords is not None and not self.subwords.identity:
            raise ConfigurationError(
                "subwords cut words that the tokenizer has found, not texts; make them with"
                f" SentencePiece({self.subwords.size}, identity=True)."
            )
        self._settings()

    def _settings(self) -> dict[str, Any]:
        return TrainingConfiguration.settings(
            self.training,
            "masked language model",
            epochs=self.epochs,
            learning_rate=self.learning_rate,
        )

    def build(self) -> MaskedNetwork:
        sizes = self.embedding, self.hidden
        encoder: Transformer | Recurrent
        if self.encoder == "transformer":
            steps = self.longest + FRAME
            encoder = Transformer(*sizes, self.layers, self.heads, steps, self.dropout)
        else:
            encoder = Recurrent(
                self.cell,  # type: ignore[arg-type]  # checked by the configuration
                self.embedding,
                self.hidden // 2,
                self.layers,
                bidirectional=True,
                dropout=self.dropout,
            )
        return MaskedNetwork(len(self.vocabulary), self.embedding, encoder, self.dropout)

    # What was learnt

    def foretold(self, corpus: Corpus, data: str = "given") -> Foretold:
        """How well masked words of a corpus are foretold.

        As many words are masked as in training, always the same ones, and all of them become
        <mask>.

        Args:
            corpus: as in fit; one that was not learnt from.
            data: its name, for the signature.

        Raises:
            NotFittedError: it has learnt nothing.
            DataError: the corpus cannot be read, or no word of it is known.
        """
        network = self.trained()
        with self._opened(corpus) as counted:
            excerpts = self._excerpts(counted)
            stream = self._measured_stream(excerpts, np.arange(len(excerpts)))
            self._check_words(len(stream))
            signature = self._signature(data, len(counted.ids), counted, excerpts)
            found = foretell(network, stream, signature)
        if not found.perplexity.tokens:
            raise DataError("no word of it is known, so that none can be masked.")
        return found

    @property
    def _unit(self) -> str:
        """What an id stands for, and figures are of."""
        return "words" if self.subwords is None else "pieces"

    def _signature(self, data: str, sequences: int, corpus: Counted, excerpts: Excerpts) -> str:
        """What figures depend on; unknown words are never masked, so their share is told, too."""
        counts = corpus.vocabulary.counts
        unknown = counts[excerpts.has(self.vocabulary.id(UNKNOWN))].sum() / max(1, counts.sum())
        return (
            f"data:{data}|sequences:{sequences}|tok:{self.reader.name}"
            f"|{self._unit}:{len(self.vocabulary) - FIRST} {self.vocabulary.hash()[:8]}"
            f"|unknown:{unknown:.1%}|masked:{self.masked:g}|seed:{self.seed}"
            f"|longest:{self.longest}"
        )

    # Texts → ids

    @contextmanager
    def _opened(self, corpus: Corpus) -> Iterator[Counted]:
        corpus = loaded(corpus)
        if isinstance(corpus, Prepared):
            corpus.check_tokenizer(self.reader, "Take MaskedLM(tokenizer=prepared.tokenizer).")
        with opened(corpus, self.reader) as counted:
            yield counted

    def _learn_words(self, found: Vocabulary) -> None:
        bound = self.max_words
        if self.subwords is None:
            self.vocabulary = Vocabulary(SPECIALS, self.min_count, bound and bound + FIRST)
            self.vocabulary.counts_ = found.counts_.copy()
            if found.counts_ and len(self.vocabulary) <= FIRST:
                ((word, most),) = found.counts_.most_common(1)
                raise DataError(
                    f"there is nothing to learn: words are wanted that stand {self.min_count:,}"
                    f" times or more (min_count, --min-count), and the most frequent one, {word!r},"
                    f" stands {most:,} times."
                )
            return
        self.words = Vocabulary((), self.min_count, bound)
        self.words.counts_ = found.counts_.copy()
        self.vocabulary = learn_pieces(self.subwords, found)

    def _excerpts(self, counted: Counted) -> Excerpts:
        words = counted.vocabulary.words
        spelling = spell(words, self.vocabulary, self.subwords, self.longest)
        return Excerpts(counted.ids, spelling, self.longest)

    def _measured_stream(self, excerpts: Excerpts, rows: Rows) -> MaskedStream:
        all_masked = Masking(len(self.vocabulary), self.masked, 1.0, 0.0, self.seed)
        return MaskedStream(excerpts, rows, all_masked, READ_TOKENS, shuffle=False)

    def _check_words(self, batches: int) -> None:
        if not batches:
            raise DataError("there is no sequence with a word in it.")

    # The folder

    @property
    def vocabularies(self) -> dict[str, Vocabulary]:
        if "vocabulary" not in self.__dict__:
            raise NotFittedError("This MaskedLM has learnt nothing yet: call fit, or load one.")
        if self.subwords is None:
            return {"vocabulary": self.vocabulary}
        return {"vocabulary": self.vocabulary, "words": self.words}

    def restore(self, vocabularies: dict[str, Vocabulary]) -> None:
        self.check()
        self.vocabulary = vocabularies["vocabulary"]
        if self.subwords is not None:
            self.words = vocabularies["words"]

    def card(self) -> str:
        measured = "".join(f"- {name}: {figure}\n" for name, figure in self.metrics.items())
        kind = "Transformer" if self.encoder == "transformer" else f"bidirectional {self.cell}"
        known = f"{len(self.vocabulary) - FIRST:,} {self._unit}"
        return (
            "# A jpseq masked language model\n\n"
            f"A {kind} of {self.layers} layers and {self.hidden} features over"
            f" {known}. It tells of the corpus it comes from, its prejudices too.\n\n"
            f"## Metrics\n\n{measured or 'None were taken.' + chr(10)}\n"
            "## Use\n\n```\njpseq embed fill THIS_FOLDER 春に［MASK］が咲く\n```\n\n"
            "```python\nfrom jpseq import MaskedLM\n\n"
            'model = MaskedLM.load("THIS_FOLDER")\nmodel.fill("春に［MASK］が咲く")\n```\n'
        )
