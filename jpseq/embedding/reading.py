"""The part of a masked language model that reads: texts in, words for masks and vectors out."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from jpseq.batch import Batch
from jpseq.embedding.excerpts import (
    FRAME,
    Excerpts,
    Numbers,
    Written,
    framed_batch,
    inner_places,
)
from jpseq.embedding.masking import FIRST, MASK_ID
from jpseq.embedding.spelling import Word, spell, whole_words
from jpseq.errors import ConfigurationError, DataError
from jpseq.model import Model
from jpseq.sequences import Ragged
from jpseq.text.mecab import default_tokenizer
from jpseq.text.subword import SentencePiece
from jpseq.text.tokenizer import Tokenizer
from jpseq.training.stream import Stream
from jpseq.vectors import Embeddings, Vectors
from jpseq.vocabulary import Vocabulary

MARKS = re.compile(r"[\[［]MASK[\]］]")
READ_TOKENS = 8192
"""Padded pieces that are read at once, when nothing is learnt."""


class Contextual(NamedTuple):
    """The words of a text, as they are there."""

    words: list[str]
    vectors: Vectors
    """(W, hidden) one for each word."""


class Reading(Model):
    """A model that reads words in their context; its subclass learns."""

    vocabulary: Vocabulary
    """Of the pieces, or of whole words."""
    words: Vocabulary
    """With pieces, the words that have a vector of their own."""
    # Parameters; the subclass's constructor says what they mean.
    tokenizer: Tokenizer | None
    subwords: SentencePiece | None
    embedding: int
    hidden: int
    longest: int

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
        words: list[Word] = [*self.reader.words(first)]
        for part in others:
            words += [None, *self.reader.words(part)]
        allowed = torch.tensor(whole_words(self.vocabulary, self.subwords), dtype=torch.int64)
        names = self.vocabulary.words
        filled = []
        for written, batch, inside in self._read([words]):
            ids = written.pieces.values
            places = torch.from_numpy(inside[ids == MASK_ID]).to(batch.values.device)
            with torch.no_grad():
                scores = network.scores(network.at(batch, places)).cpu()[:, allowed]
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
        rows = [self.reader.words(text) for text in texts]
        offsets = np.cumsum([0, *map(len, rows)])
        vectors = np.zeros((offsets[-1], self.hidden), np.float32)
        for written, batch, inside in self._read(rows):
            with torch.no_grad():
                encoded: Tensor = network.encode(batch).values.flatten(0, 1).cpu()
            pieces = encoded[torch.from_numpy(inside)].numpy()
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
            table = (embedding.weight * embedding.scale).cpu().numpy()
        if self.subwords is None:
            return Embeddings(self.vocabulary.words[FIRST:], table[FIRST:])
        spelling = spell(self.words.words, self.vocabulary, self.subwords, self.longest)
        sums = np.zeros((len(spelling), self.embedding), np.float32)
        np.add.at(
            sums, np.repeat(np.arange(len(spelling)), spelling.lengths), table[spelling.values]
        )
        return Embeddings(self.words.words, sums / spelling.lengths[:, None].astype(np.float32))

    @property
    def reader(self) -> Tokenizer:
        """The tokenizer, or MeCab where none was given."""
        return default_tokenizer() if self.tokenizer is None else self.tokenizer

    def _read(self, rows: Sequence[Sequence[Word]]) -> Iterator[tuple[Written, Batch, Numbers]]:
        """Batches of excerpts of rows of words, and where their pieces stand in the flat batch."""
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
            batch = framed_batch(written, written.pieces.values)  # type: ignore[arg-type]
            yield written, batch.to(device), inner_places(batch)
