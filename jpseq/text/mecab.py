"""MeCab through fugashi: the default tokenizer, with unidic-lite as its dictionary.

MeCab formats its whole answer in one C call and Python splits it, which is about twice as fast as
walking over its nodes.
"""

import csv
import os
import tempfile
from collections.abc import Iterator, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import fugashi

from jpseq.errors import ConfigurationError
from jpseq.sequences import Tokens
from jpseq.text.tokenizer import Tokenizer, spans


class Layout(NamedTuple):
    """Which of a dictionary's features are lemma and reading."""

    lemma: int
    reading: int
    origin: bool = True
    """Whether a lemma can hold more than the word, as UniDic's コーヒー-coffee does."""


LAYOUTS = {
    29: Layout(lemma=7, reading=20),  # UniDic 2.2 and later
    26: Layout(lemma=7, reading=17),  # UniDic 2.1.2, which is unidic-lite
    17: Layout(lemma=7, reading=9),  # UniDic 2.1 for MeCab; it has no kana, so pronunciation
    9: Layout(lemma=6, reading=7, origin=False),  # IPADIC, NAIST-jdic
    7: Layout(lemma=4, reading=5, origin=False),  # JUMAN
}
"""By the number of features of a known word."""

# A tab ends each field, since no word holds one. fugashi strips the end of the answer, which the
# end mark protects. Unknown words have fewer features. "columns" is for unidic-lite alone: MeCab
# crashes on a feature that a word lacks, and only there it is sure that every known word has it.
_FORMATS = r"""
node-format-features = %m\t%H\t1\t
unk-format-features = %m\t%H\t0\t
bos-format-features =
eos-format-features = EOS
node-format-columns = %m\t%f[7]\t%f[17]\t%F-[0,1,2,3]\t1\t
unk-format-columns = %m\t\t\t%F-[0,1,2,3]\t0\t
bos-format-columns =
eos-format-columns = EOS
"""


class MeCab(Tokenizer):
    """Morphological analysis: words with lemma, reading and part of speech.

    >>> tokens = MeCab().tokenize("東京で寿司を食べた")
    >>> tokens.form
    ['東京', 'で', '寿司', 'を', '食べ', 'た']
    >>> tokens.lemma[4], tokens.reading[4], tokens.pos[4]
    ('食べる', 'タベ', '動詞-一般')

    Args:
        dictionary: folder of a compiled MeCab dictionary (UniDic, IPADIC and JUMAN layouts);
            None for unidic-lite.
        user_dictionary: a compiled user dictionary (mecab-dict-index, fugashi-build-dict).
        lemma: let `form`, what vocabularies count, be the dictionary form.
        pos: keep only these parts of speech and what is under them, for instance
            ("名詞", "動詞-一般"); () keeps all. What is left out then lies in the gaps.
        rules: names of the normaliser's rules; None for all, () for none.

    Raises:
        ConfigurationError: MeCab cannot read the dictionary, or its layout is unknown.
    """

    name: ClassVar[str] = "mecab"

    def __init__(
        self,
        dictionary: str | None = None,
        user_dictionary: str | None = None,
        lemma: bool = False,
        pos: Sequence[str] = (),
        rules: Sequence[str] | None = None,
    ) -> None:
        super().__init__(rules)
        self.dictionary = dictionary
        self.user_dictionary = user_dictionary
        self.lemma = lemma
        self.pos = pos

    def words(self, text: str) -> list[str]:
        # MeCab's own word-by-word output is the fastest; it cannot show a word that holds a space,
        # which a dictionary other than unidic-lite might have.
        if (
            self.lemma
            or self.pos
            or self.dictionary
            or self.user_dictionary
            or len(text) > _LONGEST
        ):
            return super().words(text)
        aligned = self._normalizer.align(text)
        if aligned.expands():
            return super().words(text)
        return self._words.parse(aligned.text).split()  # type: ignore[no-any-return]

    def analyse(self, text: str) -> Tokens:
        fields: list[str] = []
        for part in _parts(text):
            fields += self._fields(part)
        form = fields[0::5]
        origin = self._layout.origin
        lemma = [
            _without_origin(word) if origin and "-" in word else word or surface
            for word, surface in zip(fields[1::5], form, strict=True)
        ]
        start, end = spans(text, form)
        known = [flag == "1" for flag in fields[4::5]]
        tokens = Tokens(text, start, end, form, lemma, fields[2::5], fields[3::5], known)
        if self.pos:
            wanted = tuple(f"{pos}-" for pos in self.pos)
            tokens = tokens.take(
                i for i, pos in enumerate(tokens.pos) if f"{pos}-".startswith(wanted)
            )
        if self.lemma:
            tokens.form = tokens.lemma
        return tokens

    def _fields(self, text: str) -> list[str]:
        """Form, lemma, reading, part of speech and "1" if known: five for each word."""
        if not (self.dictionary or self.user_dictionary):
            return self._columns.parse(text).split("\t")[:-1]  # type: ignore[no-any-return]
        fields: list[str] = []
        answer = iter(self._features.parse(text).split("\t")[:-1])
        for form, features, known in zip(answer, answer, answer, strict=True):
            fields += form, *_read_features(features, self._layout), known
        return fields

    @cached_property
    def _words(self) -> fugashi.GenericTagger:
        return self._tagger("wakati")

    @cached_property
    def _columns(self) -> fugashi.GenericTagger:
        return self._tagger("columns")

    @cached_property
    def _features(self) -> fugashi.GenericTagger:
        return self._tagger("features")

    @cached_property
    def _layout(self) -> Layout:
        if not self.dictionary:
            return LAYOUTS[26]
        features = self._tagger("features").parse("は").split("\t")[1]
        count = len(_split_features(features))
        if count not in LAYOUTS:
            raise ConfigurationError(
                f"The dictionary {self.dictionary} has {count} features a word. Known are"
                f" dictionaries with {', '.join(map(str, LAYOUTS))} (UniDic, IPADIC, JUMAN)."
            )
        return LAYOUTS[count]

    def _tagger(self, output: str) -> fugashi.GenericTagger:
        folder = Path(self.dictionary or _unidic_lite())
        arguments = f'-d "{folder}" -O {output}'
        if self.user_dictionary is not None:
            if not Path(self.user_dictionary).is_file():
                raise ConfigurationError(f"There is no user dictionary {self.user_dictionary}.")
            arguments += f' -u "{self.user_dictionary}"'
        if not (folder / "sys.dic").is_file():
            raise ConfigurationError(
                f"{folder} is not a MeCab dictionary: it holds no sys.dic. Leave the dictionary"
                " out to use unidic-lite."
            )
        # MeCab reads formats from a resource file only, and only while it starts.
        handle, resource = tempfile.mkstemp(suffix=".rc", text=True)
        try:
            with os.fdopen(handle, "w") as file:
                file.write(_FORMATS)
            return fugashi.GenericTagger(f'{arguments} -r "{resource}"')
        except RuntimeError as error:
            reason = str(error).rstrip("-\n ").splitlines()[-1]  # of a page of advice
            raise ConfigurationError(
                f"MeCab cannot start with {arguments}: {reason}. `jpseq doctor` checks the"
                " installation."
            ) from error
        finally:
            os.unlink(resource)

    def set_params(self, **params: Any) -> "MeCab":
        for name in _STARTED:
            self.__dict__.pop(name, None)
        super().set_params(**params)
        return self

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if k not in _STARTED}


_STARTED = ("_words", "_columns", "_features", "_layout")
"""What depends on the parameters and is made when it is first needed; taggers cannot be pickled."""

_LONGEST = 20_000
"""Characters analysed at once. MeCab's lattice of a longer text would fill the memory."""


def _parts(text: str) -> Iterator[str]:
    """A long text in parts, cut after a sentence's end or a space where there is one."""
    start = 0
    while len(text) - start > _LONGEST:
        end = start + _LONGEST
        cut = max(text.rfind(mark, start, end) for mark in "。！？ ") + 1
        end = cut if cut > start else end
        yield text[start:end]
        start = end
    yield text[start:]


def _split_features(features: str) -> list[str]:
    return next(csv.reader([features]))


@lru_cache(2**16)
def _read_features(features: str, layout: Layout) -> tuple[str, str, str]:
    """Lemma, reading and part of speech; what an entry leaves out, or gives as "*", is empty."""
    values = [value if value != "*" else "" for value in _split_features(features)]
    values += [""] * (max(layout.lemma, layout.reading) + 1 - len(values))
    return values[layout.lemma], values[layout.reading], "-".join(filter(None, values[:4]))


def _without_origin(lemma: str) -> str:
    """UniDic's コーヒー-coffee and 私-代名詞 without what tells homonyms apart."""
    return lemma.split("-", 1)[0] or lemma


def _unidic_lite() -> str:
    import unidic_lite

    return str(unidic_lite.DICDIR)
