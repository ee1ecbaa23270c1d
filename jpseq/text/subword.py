"""Pieces of words, learnt from text: SentencePiece with a unigram or a byte-pair model.

A vocabulary of words is never complete; one of pieces is. Frequent words stay whole, rare ones are
spelt from parts, and so a network needs a few thousand ids for any text.

A space is written ▁ at the head of a piece, so that pieces joined are the text again. A ▁ that
stands in the text itself is a piece of its own, written ▁▁, which no learnt piece is.

Source: T. Kudo and J. Richardson, "SentencePiece", EMNLP 2018.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import groupby
from pathlib import Path
from random import Random
from typing import Any, ClassVar, Self

from jpseq.configuration import Configuration
from jpseq.errors import ConfigurationError, DataError, NotFittedError, did_you_mean
from jpseq.sequences import Tokens
from jpseq.text.normalizer import Aligned, Normalizer
from jpseq.text.piece_model import MODELS, SPACE, PieceModel, train
from jpseq.text.tokenizer import Tokenizer, _checked, _texts

LITERAL = "▁▁"
FILE = "sentencepiece.model"

Piece = tuple[str, int, int]
"""Form, start and end in the normalised text."""


class Types(Configuration):
    """Of what types the parameters of SentencePiece are."""

    size: int
    model: str
    coverage: float
    byte_fallback: bool
    identity: bool
    alpha: float | None
    nbest: int | None
    seed: int


class SentencePiece(Tokenizer):
    """Text → pieces of words, and exactly back.

    >>> texts = ["東京は日本の都市", "京都は日本の都市", "東京と京都", "日本と東京"]
    >>> tokenizer = SentencePiece(size=16, model="bpe").fit(texts)
    >>> tokenizer.words("東京と 日本")
    ['東京', 'と', '▁', '日本']
    >>> tokenizer.inverse_transform(tokenizer.transform(["東京と 日本"]))
    ['東京と 日本']

    It learns from all texts at once: fit it before a pipeline is mapped over parts of a corpus.
    Every character lies in the span of exactly one piece; the second of two pieces that one
    character was normalised to (㍿ → 株式|会社) has an empty span.
    An unknown character is a piece of its own (`known` is False), or as many as it has bytes.
    `Vocabulary(specials=tokenizer.pieces)` gives each piece the model's own id, whether or not the
    text that it is fitted on holds it.

    Args:
        size: how many pieces the model has, "<unk>" included.
        model: "unigram" or "bpe" (byte-pair encoding).
        coverage: share of the text's characters that become pieces; the rarest are unknown.
        byte_fallback: spell unknown characters as bytes of UTF-8, <0xE9><0xBE><0x98>. These are
            256 of the pieces, and ids too then lose no character.
        identity: the text is already tokenized. Its spaces separate words, which no piece crosses
            and which come back exactly as they are: nothing is normalised, each word's first piece
            begins with ▁, and the spaces lie in the gaps.
        alpha: turns subword regularisation on. unigram: segmentations are drawn by their
            probability to the power of alpha (0.1 to 0.5 is usual). bpe: the share of merges left
            out (0.1 is usual). None: the best segmentation always.
        nbest: draw among so many best segmentations; None for all. For unigram only.
        seed: of the drawing. The same text and seed give the same pieces, in any order and on any
            machine; set another seed for each epoch: set_params(seed=epoch).
        rules: names of the normaliser's rules; None for all, () for none.

    Raises:
        ConfigurationError: a parameter is not allowed, or size does not suit the texts; it names
            the size that does.
        NotFittedError: it is used before fit.
    """

    name: ClassVar[str] = "sentencepiece"

    def __init__(
        self,
        size: int = 8000,
        model: str = "unigram",
        coverage: float = 0.9995,  # what sentencepiece advises for scripts of many characters
        byte_fallback: bool = False,  # 256 pieces are many in a small vocabulary
        identity: bool = False,
        alpha: float | None = None,
        nbest: int | None = None,
        seed: int = 0,
        rules: Sequence[str] | None = None,
    ) -> None:
        super().__init__(rules)
        self.size = size
        self.model = model
        self.coverage = coverage
        self.byte_fallback = byte_fallback
        self.identity = identity
        self.alpha = alpha
        self.nbest = nbest
        self.seed = seed

    def fit(self, rows: Iterable[str], y: object = None) -> Self:
        """Learn the pieces from texts."""
        self._check()
        texts = (self._normalizer(_checked(row)) for row in _texts(rows))
        if self.identity:
            texts = ("".join(f" {word}" for word in text.split()) for text in texts)
        self._learnt(
            train(
                texts,
                model_type=self.model,
                vocab_size=self.size,
                character_coverage=self.coverage,
                byte_fallback=self.byte_fallback,
            )
        )
        return self

    @property
    def pieces(self) -> tuple[str, ...]:
        """The model's pieces by its ids; "<unk>" is 0."""
        return self._model.pieces

    def words(self, text: str) -> list[str]:
        return [form for form, _, _ in self._cut(self._normalizer(_checked(text)))]

    def analyse(self, text: str) -> Tokens:
        pieces = list(self._cut(text))
        form = [form for form, _, _ in pieces]
        start = [start for _, start, _ in pieces]
        end = [end for _, _, end in pieces]
        known = [piece in self._model.scores for piece in form]
        return Tokens(text, start, end, form, known=known)

    def _to_original(self, tokens: Tokens, aligned: Aligned) -> Tokens:
        return _pieces_in_original(tokens, aligned)

    def inverse_transform(self, rows: Iterable[Tokens | Sequence[str]]) -> list[str]:
        """The texts that pieces make; with identity, the words with one space between."""
        return [self._join(row.form if isinstance(row, Tokens) else row) for row in rows]

    def _cut(self, text: str) -> Iterator[Piece]:
        """The pieces of a normalised text."""
        # One generator a text: a word that comes twice may be cut in two ways.
        random = None if self.alpha is None else Random(f"{self.seed} {text}")
        if not self.identity:
            yield from self._cut_part(text, 0, random)
            return
        for word in re.finditer("[^ ]+", text):
            begin = word.start()
            for form, start, end in self._cut_part(" " + word[0], begin - 1, random):
                yield form, max(start, begin), end  # the space is not the word's

    def _cut_part(self, text: str, place: int, random: Random | None) -> Iterator[Piece]:
        """The pieces of a part of the text that begins at a place."""
        model = self._model
        for i, part in enumerate(text.split(SPACE)):
            if i:
                yield LITERAL, place, place + 1
                place += 1
            if random is None or self.alpha is None:
                pieces = model.best(part)
            else:
                pieces = model.draw(part, self.model, self.alpha, self.nbest, random)
            for piece in pieces:
                begin = place
                if piece in model.scores:
                    place += len(piece)
                    yield piece, begin, place
                elif (byte := model.byte(piece)) is not None:
                    # The first byte holds the character; 10xxxxxx continues it and is empty.
                    place += byte & 0xC0 != 0x80
                    yield piece, begin, place
                else:
                    # sentencepiece joins unknown neighbours; one by one they can be counted.
                    for character in piece:
                        place += 1
                        for form in model.spell(character):
                            yield form, begin, place
                            begin = place

    def _join(self, pieces: Sequence[str]) -> str:
        if isinstance(pieces, str):
            raise DataError("a row of pieces is wanted (Tokens or a list), got one text.")
        byte = self._model.byte
        parts: list[str] = []
        for are_bytes, run in groupby(pieces, lambda piece: byte(piece) is not None):
            if are_bytes:  # a network may write bytes that are no character
                parts.append(bytes(byte(piece) or 0 for piece in run).decode(errors="replace"))
            else:
                parts += [SPACE if form == LITERAL else form.replace(SPACE, " ") for form in run]
        text = "".join(parts)
        return text.removeprefix(" ") if self.identity else text

    # What is learnt, and what it was told

    def _learnt(self, content: bytes) -> None:
        self.model_ = content
        self.__dict__.pop("_model", None)

    @cached_property
    def _model(self) -> PieceModel:
        self._check()
        return PieceModel(self._content())

    def _content(self) -> bytes:
        try:
            return self.model_
        except AttributeError:
            raise NotFittedError(
                "This SentencePiece has learnt no pieces: call fit(texts) or load a pipeline."
            ) from None

    @cached_property
    def _normalizer(self) -> Normalizer:
        return Normalizer(() if self.identity else self.rules)

    def _check(self) -> None:
        Types.check({name: getattr(self, name) for name in Types.model_fields})
        problems = []
        if self.model not in MODELS:
            problems.append(
                f"There is no model {self.model!r}.{did_you_mean(self.model, MODELS)}"
                f" The models are {', '.join(MODELS)}."
            )
        if self.size < 2:
            problems.append(f"size is at least 2, got {self.size}.")
        if not 0 < self.coverage <= 1:
            problems.append(f"coverage lies between 0 and 1, got {self.coverage}.")
        if self.identity and self.rules:
            problems.append("identity normalises nothing: leave the rules out, or identity.")
        if self.alpha is not None and not 0 <= self.alpha <= 1:
            problems.append(f"alpha lies between 0 and 1, got {self.alpha}; None turns it off.")
        if self.nbest is not None and (self.nbest < 2 or self.model == "bpe"):
            problems.append("nbest is at least 2 and for unigram only; None draws among all.")
        if problems:
            raise ConfigurationError(" ".join(problems))

    def set_params(self, **params: Any) -> "SentencePiece":
        self.__dict__.pop("_model", None)  # so that the new ones are checked
        super().set_params(**params)
        return self

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_model"}

    def save_state(self, folder: Path) -> None:
        (folder / FILE).write_bytes(self._content())

    def load_state(self, folder: Path) -> None:
        path = folder / FILE
        try:
            content = path.read_bytes()
            PieceModel(content)
        except OSError as error:
            raise DataError(f"cannot be read ({error.strerror}).", path) from error
        except (RuntimeError, ValueError) as error:
            raise DataError(f"not a model of SentencePiece: {error}", path) from error
        self._learnt(content)


def _pieces_in_original(tokens: Tokens, aligned: Aligned) -> Tokens:
    """Spans in the original text: each character goes to the first piece that has a part of it."""
    origin, until = aligned.start, aligned.end
    assert origin is not None
    assert until is not None
    done = 0
    for i, (start, end) in enumerate(zip(tokens.start, tokens.end, strict=True)):
        begin = done if start == end else max(done, origin[start])
        done = begin if start == end else max(begin, until[end - 1])
        tokens.start[i], tokens.end[i] = begin, done
    return tokens
