"""Sudachi: an analyser with words of three lengths, and a dictionary that is renewed."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Literal, get_args

from sudachipy import Dictionary
from sudachipy import Tokenizer as Started
from sudachipy.errors import SudachiError

from jpseq.errors import ConfigurationError
from jpseq.sequences import Tokens
from jpseq.text.analyser import Analyser, add, nothing
from jpseq.text.parts import parts

Mode = Literal["A", "B", "C"]


class Sudachi(Analyser):
    """Words with lemma, reading and part of speech, by SudachiPy.

    >>> Sudachi().words("選挙管理委員会に行った")
    ['選挙', '管理', '委員', '会', 'に', '行っ', 'た']

    Args:
        mode: how long a word is: "A" like UniDic's short units, "C" with whole names, "B" between
            them. The small dictionary has no long ones.
        dictionary: "small", "core" or "full", each a package (sudachidict_core ...), or the path of
            a compiled one.
        lemma: let `form`, what vocabularies count, be the dictionary form.
        pos: keep only these parts of speech, as in MeCab.
        rules: names of the normaliser's rules; None for all, () for none.

    Raises:
        ConfigurationError: there is no such mode, or no such dictionary.
    """

    name: ClassVar[str] = "sudachi"
    paths = ("dictionary",)

    def __init__(
        self,
        mode: Mode = "A",
        dictionary: str = "core",
        lemma: bool = False,
        pos: Sequence[str] = (),
        rules: Sequence[str] | None = None,
    ) -> None:
        super().__init__(rules)
        self.mode = mode
        self.dictionary = dictionary
        self.lemma = lemma
        self.pos = pos

    def morphemes(self, text: str) -> Tokens:
        tokens = nothing(text)
        begun = 0
        for part in parts(text, _LONGEST):
            for morpheme in self._tokenizer.tokenize(part):
                start, end = begun + morpheme.begin(), begun + morpheme.end()
                lemma, reading = morpheme.dictionary_form(), morpheme.reading_form()
                if start == end and tokens.end and tokens.end[-1] == end:
                    # A later word of what one character stands for, as 会社 of ㍿.
                    tokens.lemma[-1] += "".join(lemma.split())
                    tokens.reading[-1] += reading
                else:
                    pos = "-".join(name for name in morpheme.part_of_speech()[:4] if name != "*")
                    add(tokens, start, end, lemma, reading, pos, not morpheme.is_oov())
            begun += len(part)
        return tokens

    @cached_property
    def _tokenizer(self) -> Started:
        if self.mode not in get_args(Mode):
            raise ConfigurationError(f"mode is one of A, B and C, got {self.mode!r}.")
        known = ("small", "core", "full")
        path = Path(self.dictionary)
        if self.dictionary not in known and not path.is_file():
            raise ConfigurationError(
                f"There is no Sudachi dictionary {self.dictionary}. Give one of {', '.join(known)},"
                " or the path of a compiled one."
            )
        name = self.dictionary if self.dictionary in known else str(path.resolve())
        try:
            return Dictionary(dict=name).tokenizer(self.mode)
        except (SudachiError, ModuleNotFoundError) as error:
            remedy = f" Type: pip install sudachidict_{name}" if self.dictionary in known else ""
            raise ConfigurationError(
                f"The Sudachi dictionary {self.dictionary} cannot be read ({error}).{remedy}"
            ) from error


_LONGEST = 10_000
"""Characters analysed at once; Sudachi takes 49,149 bytes."""
