"""What morphological analysers share: dictionary forms for words, and words of some kinds alone."""

import os
from collections.abc import Sequence
from functools import cached_property
from typing import Any, ClassVar, Self

from jpseq.errors import ConfigurationError
from jpseq.parameters import check_names
from jpseq.sequences import Tokens
from jpseq.text.normalizer import Normalizer
from jpseq.text.tokenizer import Tokenizer


class Analyser(Tokenizer):
    """Base of the morphological analysers.

    A new one writes `morphemes`; as in `Tokenizer`, the text is normalised, and a plain space is
    the only whitespace in it.
    """

    made: ClassVar[tuple[str, ...]] = ("_tokenizer",)
    """What depends on the parameters and is made when it is first needed; it cannot be pickled."""

    paths: ClassVar[tuple[str, ...]] = ()
    """Parameters that say where a file or a folder is."""

    lemma: bool = False
    """Whether `form`, what vocabularies count, is the dictionary form."""
    pos: Sequence[str] = ()
    """Parts of speech that are kept, with what is under them; () keeps all."""

    def morphemes(self, text: str) -> Tokens:
        """All words of a normalised text."""
        raise NotImplementedError

    def analyse(self, text: str) -> Tokens:
        tokens = self.morphemes(text)
        if self.pos:
            wanted = tuple(f"{pos}-" for pos in self.pos)
            tokens = tokens.take(
                i for i, pos in enumerate(tokens.pos) if f"{pos}-".startswith(wanted)
            )
        if self.lemma:
            tokens.form = tokens.lemma
        return tokens

    @cached_property
    def _normalizer(self) -> Normalizer:
        self._check()  # every text comes by here, and the first one makes it
        return super()._normalizer

    def _check(self) -> None:
        if not isinstance(self.lemma, bool):
            raise ConfigurationError(
                f"lemma: True or False (on the command line true or false), got {self.lemma!r}."
            )
        check_names("pos", self.pos)
        for name in self.paths:
            value = getattr(self, name)
            if not isinstance(value, str | os.PathLike | None):
                raise ConfigurationError(f"{name}: a path (a text) is wanted, got {value!r}.")

    def set_params(self, **params: Any) -> Self:
        for name in self.made:
            self.__dict__.pop(name, None)
        return super().set_params(**params)

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if k not in self.made}


def nothing(text: str) -> Tokens:
    """Tokens of a text to which words are added, with all columns."""
    return Tokens(text, [], [], [], [], [], [], [])


def add(
    tokens: Tokens,
    start: int,
    end: int,
    lemma: str = "",
    reading: str = "",
    pos: str = "",
    known: bool = True,
) -> None:
    """Add what an analyser takes for a word, to which spaces may be words, or parts of one.

    Args:
        tokens: of `nothing`, and words that were added.
        start, end: where it stands.
        lemma: its dictionary form; the word itself where there is none, or one with spaces.
        reading, pos, known: the other columns.
    """
    found = tokens.text[start:end].split()
    whole = len(found) == 1 and lemma != "" and not any(map(str.isspace, lemma))
    for word in found:
        start = tokens.text.index(word, start)
        tokens.start.append(start)
        tokens.end.append(start + len(word))
        tokens.form.append(word)
        tokens.lemma.append(lemma if whole else word)
        tokens.reading.append(reading)
        tokens.pos.append(pos)
        tokens.known.append(known)
        start += len(word)
