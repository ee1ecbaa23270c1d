"""Vibrato: MeCab's analysis, made faster; with a dictionary of one's own."""

import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import vibrato
import zstandard

from jpseq.errors import ConfigurationError
from jpseq.sequences import Tokens
from jpseq.text.analyser import Analyser
from jpseq.text.features import LAYOUTS, Layout, count_of, layout_of, lemmas, read_features
from jpseq.text.parts import parts

SOURCES = ("lex.csv", "matrix.def", "char.def", "unk.def")


class Vibrato(Analyser):
    """Words with lemma, reading and part of speech, by Vibrato.

    Its dictionaries come from no package registry: see github.com/daac-tools/vibrato for compiled
    ones of IPADIC, UniDic and JUMAN.

    Args:
        dictionary: a compiled dictionary (system.dic, or system.dic.zst), or a folder with the
            sources of one (lex.csv, matrix.def, char.def, unk.def).
        lemma: let `form`, what vocabularies count, be the dictionary form.
        pos: keep only these parts of speech, as in MeCab.
        rules: names of the normaliser's rules; None for all, () for none.

    Raises:
        ConfigurationError: no dictionary is given, it cannot be read, or its layout is unknown.
    """

    name: ClassVar[str] = "vibrato"
    made = ("_tokenizer", "_layout")
    paths = ("dictionary",)

    def __init__(
        self,
        dictionary: str | None = None,
        lemma: bool = False,
        pos: Sequence[str] = (),
        rules: Sequence[str] | None = None,
    ) -> None:
        super().__init__(rules)
        self.dictionary = dictionary
        self.lemma = lemma
        self.pos = pos

    def morphemes(self, text: str) -> Tokens:
        start: list[int] = []
        end: list[int] = []
        features: list[str] = []
        begun = 0
        for part in parts(text, _LONGEST):
            for token in self._tokenizer.tokenize(part):
                start.append(begun + token.start())
                end.append(begun + token.end())
                features.append(token.feature())
            begun += len(part)
        layout, full = self._layout
        columns = [read_features(feature, layout) for feature in features]
        lemma, reading, pos = map(list, zip(*columns, strict=True)) if columns else ([], [], [])
        form = [text[a:b] for a, b in zip(start, end, strict=True)]
        known = [count_of(feature) == full for feature in features]
        return Tokens(text, start, end, form, lemmas(lemma, form, layout), reading, pos, known)

    @cached_property
    def _layout(self) -> tuple[Layout, int]:
        """Where lemma and reading are, and how many features a known word has."""
        first = next(iter(self._tokenizer.tokenize("は")))
        layout = layout_of(str(self.dictionary), first.feature())
        return layout, next(count for count, of in LAYOUTS.items() if of is layout)

    @cached_property
    def _tokenizer(self) -> vibrato.Vibrato:
        if self.dictionary is None:
            raise ConfigurationError(
                "Vibrato needs a dictionary, which no package brings. Compiled ones are at"
                " github.com/daac-tools/vibrato/releases; give the path of its system.dic.zst:"
                ' Vibrato(dictionary="PATH"), or --tokenizer vibrato:dictionary=PATH.'
            )
        path = Path(self.dictionary)
        # As in MeCab, unknown words of one kind of character are at most so long.
        options: dict[str, Any] = {"ignore_space": True, "max_grouping_len": 24}
        try:
            if path.is_dir():
                lex, matrix, char, unk = ((path / name).read_text("utf-8") for name in SOURCES)
                return vibrato.Vibrato.from_textdict(lex, matrix, char, unk, **options)
            data = path.read_bytes()
            if path.suffix == ".zst":
                data = zstandard.ZstdDecompressor().stream_reader(data).read()
            return vibrato.Vibrato(data, **options)
        except OSError as error:
            missing = f"{error.filename or path}: {os.strerror(error.errno or 0)}"
            raise ConfigurationError(
                f"The Vibrato dictionary cannot be read ({missing})."
            ) from error
        except (ValueError, zstandard.ZstdError) as error:
            raise ConfigurationError(
                f"{path} is not a Vibrato dictionary ({error}). One is a file system.dic or"
                f" system.dic.zst, or a folder with {', '.join(SOURCES)}."
            ) from error


_LONGEST = 20_000
"""Characters analysed at once, to bound the memory."""
