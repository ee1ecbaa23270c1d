"""MeCab through fugashi: the default tokenizer, with unidic-lite as its dictionary.

MeCab formats its whole answer in one C call and Python splits it, which is about twice as fast as
walking over its nodes.
"""

import os
import tempfile
from collections.abc import Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import ClassVar

import fugashi

from jpseq.errors import ConfigurationError
from jpseq.sequences import Tokens
from jpseq.text.analyser import Analyser
from jpseq.text.features import LAYOUTS, Layout, layout_of, lemmas, read_features
from jpseq.text.parts import parts
from jpseq.text.tokenizer import _checked, spans

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


class MeCab(Analyser):
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
        ConfigurationError: MeCab cannot read the dictionary, or its layout is unknown; a parameter
            is of another type.
    """

    name: ClassVar[str] = "mecab"
    made = ("_words", "_columns", "_features", "_layout")
    paths = ("dictionary", "user_dictionary")

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
            or len(_checked(text)) > _LONGEST
        ):
            return super().words(text)
        aligned = self._normalizer.align(text)
        if aligned.expands():
            return super().words(text)
        return self._words.parse(aligned.text).split()  # type: ignore[no-any-return]

    def morphemes(self, text: str) -> Tokens:
        fields: list[str] = []
        for part in parts(text, _LONGEST):
            fields += self._fields(part)
        form = fields[0::5]
        lemma = lemmas(fields[1::5], form, self._layout)
        start, end = spans(text, form)
        known = [flag == "1" for flag in fields[4::5]]
        return Tokens(text, start, end, form, lemma, fields[2::5], fields[3::5], known)

    def _fields(self, text: str) -> list[str]:
        """Form, lemma, reading, part of speech and "1" if known: five for each word."""
        if not (self.dictionary or self.user_dictionary):
            return self._columns.parse(text).split("\t")[:-1]  # type: ignore[no-any-return]
        fields: list[str] = []
        answer = iter(self._features.parse(text).split("\t")[:-1])
        for form, features, known in zip(answer, answer, answer, strict=True):
            fields += form, *read_features(features, self._layout), known
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
        return layout_of(self.dictionary, features)

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


@cache
def default_tokenizer() -> MeCab:
    """The one that reads texts where no tokenizer was given; all models share it."""
    return MeCab()


_LONGEST = 20_000
"""Characters analysed at once. MeCab's lattice of a longer text would fill the memory."""


def _unidic_lite() -> str:
    import unidic_lite

    return str(unidic_lite.DICDIR)
