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
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, Self

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from jpseq.configuration import Configuration
from jpseq.corpora.prepared import MARK, Prepared
from jpseq.embedding.excerpts import (
    FRAME,
    Excerpts,
    MaskedStream,
    Written,
    all_rows,
    framed_batch,
    inner_places,
)
from jpseq.embedding.masking import FIRST, MASK_ID, SPECIALS, Masking
from jpseq.embedding.sentences import Corpus, Counted, drawn, opened
from jpseq.embedding.spelling import Word, learn_pieces, spell, whole_words
from jpseq.errors import ConfigurationError, DataError, NotFittedError
from jpseq.evaluation.masked import Foretold, foretell
from jpseq.model import Model
from jpseq.network.masked_lm import MaskedNetwork
from jpseq.network.recurrent import Recurrent
from jpseq.network.transformer import Transformer
from jpseq.sequences import Ragged
from jpseq.text.mecab import MeCab
from jpseq.text.subword import SentencePiece
from jpseq.text.tokenizer import Tokenizer
from jpseq.training.configuration import CHOOSING, TrainingConfiguration
from jpseq.training.stream import Rows, Stream
from jpseq.vectors import Embeddings, Vectors
from jpseq.vocabulary import Vocabulary

LOG = logging.getLogger("jpseq.embedding")
Positive = Annotated[int, Field(ge=1)]
MARKS = re.compile(r"[\[［]MASK[\]］]")
READ_TOKENS = 8192
"""Padded pieces that are read at once, when nothing is learnt."""


class MaskedLMConfiguration(Configuration):
    """What the parameters of MaskedLM may be."""

    tokenizer: Tokenizer | None
    subwords: SentencePiece | None
    encoder: Literal["transformer", "recurrent"]
    cell: Literal["rnn", "lstm", "gru", "peephole"]
    embedding: Positive
    hidden: Annotated[int, Field(ge=2, multiple_of=2)]
    layers: Positive
    heads: Positive
    dropout: Annotated[float, Field(ge=0, lt=1)]
    masked: Annotated[float, Field(gt=0, lt=1)]
    longest: Annotated[int, Field(ge=2, le=100_000)]
    min_count: Positive
    max_words: Positive | None
    epochs: Positive
    batch_tokens: Positive
    learning_rate: Annotated[float, Field(gt=0, lt=1)]
    training: dict[str, Any] | None
    seed: Annotated[int, Field(ge=0, lt=2**63)]


class Contextual(NamedTuple):
    """The words of a text, as they are there."""

    words: list[str]
    vectors: Vectors
    """(W, hidden) one for each word."""


class MaskedLM(Model):
    """It learns to foretell masked words (Devlin et al. 2019), and so what words mean where.

    A word is masked as a whole, with all its pieces (see Masking).

    Args:
        tokenizer: text → words; None for MeCab().
        subwords: words → pieces, so that no word is unknown: SentencePiece(size, identity=True).
            One that has learnt nothing yet learns from the corpus. None for whole words.
        encoder: "recurrent" (see Recurrent) or "transformer" (see Transformer). In an hour on
            a processor the recurrent one learns much more; the other needs more layers, and time.
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
                masks in them are measured after each epoch and stand among the `metrics`. It ends
                with the weights of the best epoch where `training` compares epochs (patience,
                keep ...), else with the last.
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
            torch.manual_seed(self.seed)
            network = self.network = self.build()
            excerpts = self._excerpts(counted)
            left_out = drawn(len(counted.ids), held_out, self.seed)
            out = left_out[excerpts.sequence]
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
                compare=bool(CHOOSING & (self.training or {}).keys()),
                run=run,
                resume=resume,
                title=title,
                **self._settings(),
            )
            if out.any():
                data = f"held out {held_out:g} seed {self.seed}"
                signature = self._signature(data, int(left_out.sum()))
                self.metrics = {"masked words": str(foretell(network, kept, signature))}
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
            stream = self._measured_stream(excerpts, all_rows(excerpts))
            self._check_words(len(stream))
            signature = self._signature(data, len(counted.ids))
            return foretell(network, stream, signature)

    def _signature(self, data: str, sequences: int) -> str:
        return (
            f"data:{data}|sequences:{sequences}|tok:{self._reader.name}"
            f"|ids:{len(self.vocabulary)}|masked:{self.masked:g}|seed:{self.seed}"
            f"|longest:{self.longest}"
        )

    def fill(self, text: str, count: int = 5) -> list[list[tuple[str, float]]]:
        """The likeliest words for each ［MASK］ of a text, with their probabilities.

        Those of all words sum to one; with subwords, of all words that are one piece. Of several
        masks each is filled without a look at what fills the others.

        Args:
            text: [MASK] is understood, too.
            count: words for each mask.

        Raises:
            NotFittedError: it has learnt nothing.
            DataError: there is no mask.
        """
        network = self.trained()
        if count < 1:
            raise ConfigurationError(f"count is at least 1, got {count}.")
        if not isinstance(text, str):
            raise DataError(f"a text (str) is wanted, got {type(text).__name__}.")
        first, *others = MARKS.split(text)
        if not others:
            raise DataError(
                f"there is no ［MASK］ in {text[:40]!r}; write it where a word is wanted:"
                " 春に［MASK］が咲く."
            )
        words: list[Word] = [*self._reader.words(first)]
        for part in others:
            words += [None, *self._reader.words(part)]
        allowed = torch.tensor(whole_words(self.vocabulary, self.subwords))
        names = self.vocabulary.words
        filled = []
        for written, batch in self._read([words]):
            ids = written.pieces.values
            places = torch.from_numpy(inner_places(batch)[ids == MASK_ID])
            with torch.no_grad():
                scores = network.scores(network.at(batch, places))[:, allowed]
            best = scores.softmax(dim=1).topk(min(count, len(allowed)))
            for place, p, row in zip(
                written.places[written.words_at(np.flatnonzero(ids == MASK_ID))].tolist(),
                best.values.tolist(),
                allowed[best.indices].tolist(),
                strict=True,
            ):
                found = [names[i].removeprefix("▁") if self.subwords else names[i] for i in row]
                filled.append((place, list(zip(found, p, strict=True))))
        return [found for _, found in sorted(filled, key=lambda item: item[0])]

    def contextual(self, texts: Sequence[str]) -> list[Contextual]:
        """The words of texts, each with a vector that tells of the word and of its context.

        The vector of a word of several pieces is their mean. A text that is too long to be read at
        once is read in parts, which do not know of each other.

        Raises:
            NotFittedError: it has learnt nothing.
        """
        network = self.trained()
        if isinstance(texts, str):
            raise DataError("a list of texts is wanted, got one text; put it in a list: [text].")
        rows = [self._reader.words(text) for text in texts]
        offsets = np.cumsum([0, *map(len, rows)])
        vectors = np.zeros((offsets[-1], self.hidden), np.float32)
        for written, batch in self._read(rows):
            with torch.no_grad():
                encoded: Tensor = network.encode(batch).values.flatten(0, 1)
            pieces = encoded[torch.from_numpy(inner_places(batch))].numpy()
            starts, sizes = written.pieces.offsets[:-1], written.pieces.lengths
            sums = np.add.reduceat(pieces, starts) if len(starts) else pieces
            vectors[written.places] = sums / sizes[:, None]
        return [
            Contextual(words, vectors[start:end])
            for words, (start, end) in zip(rows, pairwise(offsets.tolist()), strict=True)
        ]

    def sentence_vectors(self, texts: Sequence[str]) -> Vectors:
        """(S, hidden) the mean of each text's contextual vectors; zero for one without words."""
        found = self.contextual(texts)
        means = [text.vectors.mean(0) if text.words else np.zeros(self.hidden) for text in found]
        return np.array(means, np.float32).reshape(len(found), self.hidden)

    @property
    def embeddings(self) -> Embeddings:
        """Words and the vectors that they are read as, the frequent ones first.

        They know no context. That of a word of several pieces is their mean.

        Raises:
            NotFittedError: it has learnt nothing.
        """
        embedding = self.trained().embedding
        with torch.no_grad():
            table = (embedding.weight * embedding.scale).numpy()
        if self.subwords is None:
            return Embeddings(self.vocabulary.words[FIRST:], table[FIRST:])
        spelling = spell(self.words.words, self.vocabulary, self.subwords, self.longest)
        sums = np.zeros((len(spelling), self.embedding), np.float32)
        np.add.at(
            sums, np.repeat(np.arange(len(spelling)), spelling.lengths), table[spelling.values]
        )
        return Embeddings(self.words.words, sums / spelling.lengths[:, None].astype(np.float32))

    # Texts → ids

    @property
    def _reader(self) -> Tokenizer:
        if self.tokenizer is not None:
            return self.tokenizer
        if "_mecab" not in self.__dict__:
            self._mecab = MeCab()
        return self._mecab

    @contextmanager
    def _opened(self, corpus: Corpus) -> Iterator[Counted]:
        if isinstance(corpus, str | Path) and (Path(corpus) / MARK).exists():
            corpus = Prepared.load(corpus)
        if isinstance(corpus, Prepared) and not corpus.tokenizer.is_like(self._reader):
            raise ConfigurationError(
                f"{corpus.folder}: was analysed with {corpus.tokenizer!r}, and the model reads with"
                f" {self._reader!r}. Make it with MaskedLM(tokenizer=prepared.tokenizer)."
            )
        with opened(corpus, self._reader) as counted:
            yield counted

    def _learn_words(self, found: Vocabulary) -> None:
        bound = self.max_words
        if self.subwords is None:
            self.vocabulary = Vocabulary(SPECIALS, self.min_count, bound and bound + FIRST)
            self.vocabulary.counts_ = found.counts_.copy()
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

    def _read(self, rows: Sequence[Sequence[Word]]) -> Iterator[tuple[Written, Any]]:
        """Batches of excerpts of rows of words."""
        numbers: dict[Word, int] = {}
        ids = [[numbers.setdefault(word, len(numbers)) for word in row] for row in rows]
        spelling = spell(numbers, self.vocabulary, self.subwords, self.longest)
        excerpts = Excerpts(Ragged.from_sequences(ids), spelling, self.longest)
        (filled,) = excerpts.lengths.nonzero()
        lengths = excerpts.lengths[filled] + FRAME
        batches: Stream[Any] = Stream(lengths, lambda rows: rows, READ_TOKENS, shuffle=False)
        device = next(self.trained().parameters()).device
        for some in batches:
            written = excerpts.take(filled[some])
            yield written, framed_batch(written, written.pieces.values).to(device)  # type: ignore[arg-type]

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
        return (
            "# A jpseq masked language model\n\n"
            f"A {kind} of {self.layers} layers and {self.hidden} features over"
            f" {len(self.vocabulary):,} {'pieces' if self.subwords else 'words'}. It tells of the"
            " corpus it comes from, its prejudices too.\n\n"
            f"## Metrics\n\n{measured or 'None were taken.' + chr(10)}\n"
            "## Use\n\n```\njpseq embed fill THIS_FOLDER 春に［MASK］が咲く\n```\n\n"
            "```python\nfrom jpseq import MaskedLM\n\n"
            'model = MaskedLM.load("THIS_FOLDER")\nmodel.fill("春に［MASK］が咲く")\n```\n'
        )
