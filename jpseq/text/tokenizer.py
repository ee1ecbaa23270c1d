"""What all tokenizers share: the normaliser inside, and the way back to the original text."""

import json
from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import accumulate
from typing import Any, ClassVar, Self

from jpseq.errors import DataError
from jpseq.sequences import Tokens
from jpseq.stage import Stage
from jpseq.text.detokenize import detokenize
from jpseq.text.normalizer import Aligned, Normalizer


class Tokenizer(Stage):
    """Base of the tokenizers: text → Tokens.

    A new tokenizer writes one method, `analyse`: it gets a normalised text, in which a plain space
    is the only whitespace, and returns Tokens of that text. This class does the rest: spans become
    those of the original text, words that begin inside one character's expansion are joined.

    Args:
        rules: names of the normaliser's rules; None for all, () for none.
    """

    kind: ClassVar[str] = "tokenizer"
    takes: ClassVar[str] = "text"
    gives: ClassVar[str] = "tokens"

    def __init__(self, rules: Sequence[str] | None = None) -> None:
        self.rules = rules

    @cached_property
    def _normalizer(self) -> Normalizer:
        return Normalizer(self.rules)

    def analyse(self, text: str) -> Tokens:
        """Tokens of a normalised text."""
        raise NotImplementedError

    def tokenize(self, text: str) -> Tokens:
        """Tokens of a text."""
        aligned = self._normalizer.align(_checked(text))
        tokens = self.analyse(aligned.text)
        tokens.text = text
        if aligned.start is None:
            return tokens
        return self._to_original(tokens, aligned)

    def _to_original(self, tokens: Tokens, aligned: Aligned) -> Tokens:
        """Spans of the normalised text become those of the original."""
        return whole_words(tokens, aligned)

    def words(self, text: str) -> list[str]:
        """The forms only; the same words as tokenize(text).form."""
        return self.tokenize(text).form

    def transform(self, rows: Iterable[str]) -> list[Tokens]:
        """Tokens of each text."""
        return [self.tokenize(text) for text in _texts(rows)]

    def inverse_transform(self, rows: Iterable[Tokens | Sequence[str]]) -> list[str]:
        """Texts from words: Japanese without spaces, Latin words with."""
        return [detokenize(row.form if isinstance(row, Tokens) else row) for row in rows]

    def is_like(self, other: "Tokenizer") -> bool:
        """Whether another is of the same kind, with the same parameters."""
        mine, others = (
            json.dumps([part.name, part.get_params(deep=False)], sort_keys=True)
            for part in (self, other)
        )
        return mine == others

    def set_params(self, **params: Any) -> Self:
        self.__dict__.pop("_normalizer", None)
        return super().set_params(**params)


def spans(text: str, forms: list[str]) -> tuple[list[int], list[int]]:
    """Where words stand that follow one another in a text with nothing but spaces between.

    >>> spans("夜 空に", ["夜", "空", "に"])
    ([0, 2, 3], [1, 3, 4])
    """
    end = list(accumulate(map(len, forms)))
    if not end:
        return [], []
    if end[-1] == len(text):
        return [0, *end[:-1]], end
    start, done = [], 0
    end.clear()
    for form in forms:
        done = text.index(form, done)
        start.append(done)
        done += len(form)
        end.append(done)
    return start, end


def whole_words(tokens: Tokens, aligned: Aligned) -> Tokens:
    """Tokens of an aligned text with the spans of the original; words that begin inside what one
    character became are joined."""
    origin, until = aligned.start, aligned.end
    assert origin is not None
    assert until is not None
    inside = False
    for i, (start, end) in enumerate(zip(tokens.start, tokens.end, strict=True)):
        tokens.start[i] = origin[start]
        tokens.end[i] = until[end - 1]
        inside = inside or (i > 0 and tokens.start[i] < tokens.end[i - 1])
    return _join_expansions(tokens) if inside else tokens


def _join_expansions(tokens: Tokens) -> Tokens:
    """Join a word that begins inside one character's expansion to the word before it."""
    start: list[int] = []
    end: list[int] = []
    joined: list[tuple[str, str, str, str, bool]] = []
    for token in tokens:
        if end and token.start < end[-1]:
            form, lemma, reading, _, known = joined.pop()
            end[-1] = token.end
            # The last word is the head of a Japanese compound, so its part of speech stands.
            joined.append(
                (
                    form + token.form,
                    lemma + token.lemma,
                    reading + token.reading,
                    token.pos,
                    known and token.known,
                )
            )
        else:
            start.append(token.start)
            end.append(token.end)
            joined.append((token.form, token.lemma, token.reading, token.pos, token.known))
    return Tokens(tokens.text, start, end, *map(list, zip(*joined, strict=True)))


def _texts(rows: Iterable[str]) -> Iterable[str]:
    if isinstance(rows, str):
        raise DataError("a list of texts is wanted, got one text; put it in a list: [text].")
    return rows


def _checked(text: str) -> str:
    if not isinstance(text, str):
        raise DataError(f"a text (str) is wanted, got {type(text).__name__}.")
    return text
