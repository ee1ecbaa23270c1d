"""Janome: an analyser in Python alone, with IPADIC inside."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, ClassVar

from janome.lattice import NodeType
from janome.tokenizer import Tokenizer as Started

from jpseq.sequences import Tokens
from jpseq.text.analyser import Analyser, add, nothing


class Janome(Analyser):
    """Words with lemma, reading and part of speech, by Janome; slow, but nothing is compiled.

    >>> Janome().words("東京で寿司を食べた")
    ['東京', 'で', '寿司', 'を', '食べ', 'た']

    Args:
        lemma: let `form`, what vocabularies count, be the dictionary form.
        pos: keep only these parts of speech, as in MeCab.
        rules: names of the normaliser's rules; None for all, () for none.
    """

    name: ClassVar[str] = "janome"

    def __init__(
        self,
        lemma: bool = False,
        pos: Sequence[str] = (),
        rules: Sequence[str] | None = None,
    ) -> None:
        super().__init__(rules)
        self.lemma = lemma
        self.pos = pos

    def morphemes(self, text: str) -> Tokens:
        tokens = nothing(text)
        end = 0
        found: Any
        for found in self._tokenizer.tokenize(text):
            start = text.index(found.surface, end)  # it leaves out spaces at the ends
            end = start + len(found.surface)
            lemma, reading = (
                "" if value == "*" else value for value in (found.base_form, found.reading)
            )
            pos = "-".join(name for name in found.part_of_speech.split(",") if name != "*")
            add(tokens, start, end, lemma, reading, pos, found.node_type != NodeType.UNKNOWN)
        return tokens

    @cached_property
    def _tokenizer(self) -> Started:
        return Started()
