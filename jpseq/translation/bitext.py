"""Text in two languages: what a translator learns from, checked and as ids."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from jpseq.corpora.prepared import Prepared
from jpseq.errors import ConfigurationError, DataError, NotFittedError
from jpseq.sequences import Ragged
from jpseq.text.tokenizer import Tokenizer
from jpseq.vocabulary import Vocabulary

Pairs = Iterable[tuple[str, str]] | Prepared
Side = Sequence[Sequence[str]] | Prepared
"""One side of pairs: sentences of words, or a prepared corpus of them."""

_KANA = re.compile("[\u3041-\u309f\u30a1-\u30fa\u30fc-\u30ff\uff66-\uff9d]")
_KANJI = re.compile("[\u3005-\u3007\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_LETTER = re.compile(r"[^\W\d_]")
_LATIN = re.compile("[A-Za-z]{2,}")
_WITH_KANJI = {"zh", "zho", "cmn", "yue", "wuu", "nan", "hak", "gan", "hsn", "lzh", "ko", "kor"}
"""Languages that may write kanji, too: Chinese ones and Korean."""


def checked(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The pairs as a list.

    Raises:
        DataError: names the first that is no pair of two texts.
    """
    rows = list(pairs)
    for number, pair in enumerate(rows, 1):
        sound = not isinstance(pair, str) and len(pair) == 2
        if not sound or not all(isinstance(text, str) for text in pair):
            raise DataError(
                f"pair {number:,}: two texts are wanted, (source, target), got {pair!r}."
            )
        for side, text in zip(("source", "target"), pair, strict=True):
            if not text.strip():
                raise DataError(f"pair {number:,}: the {side} is empty; a pair has two texts.")
    if not rows:
        raise DataError("there are no pairs.")
    return rows


def check_language(texts: Iterable[str], language: str, direction: str, first: int = 1) -> None:
    """See that texts are not in the other language, as far as letters tell.

    Japanese and what is not Japanese are told apart, nothing else. A text is Japanese if more of
    its letters are kana and kanji than are not. Where kanji may be the other language's own, kana
    alone tell, and a third of the letters is enough; a text in kanji alone may be of either.

    Args:
        language: which is wanted.
        direction: how the model is called.
        first: the number of the first text, for the error.

    Raises:
        DataError: names the first text that is.
    """
    for number, text in enumerate(texts, first):
        kana, kanji, letters = (len(kind.findall(text)) for kind in (_KANA, _KANJI, _LETTER))
        if language == "ja":
            wrong = not kana + kanji and len(_LATIN.findall(text)) > 2
            found = "has no Japanese letter"
        else:
            if language in _WITH_KANJI:
                wrong = kana > 0 and 3 * kana >= letters
            else:
                wrong = 2 * (kana + kanji) > letters
            found = "is Japanese"
        if wrong:
            raise DataError(
                f"text {number:,} {found}, and {language!r} is wanted ({direction}):"
                f" {text[:40]!r}. Take the model of the other direction, or turn the pairs round."
            )


def counts(side: Side) -> Counter[str]:
    """The words of a side, in the order of their first occurrence (or of the corpus's ids)."""
    if isinstance(side, Prepared):
        vocabulary = side.vocabulary
        found = zip(vocabulary.words, vocabulary.counts.tolist(), strict=True)
        return Counter({word: count for word, count in found if count})
    return Counter(word for row in side for word in row)


def ids(side: Side, vocabulary: Vocabulary) -> Ragged:
    """The sentences of a side as ids of a vocabulary."""
    if isinstance(side, Prepared):
        table = np.array([vocabulary.id(word) for word in side.vocabulary.words], np.int32)
        return Ragged(table[side.ids.values], side.ids.offsets)
    return vocabulary.transform(side)


def sides(pairs: Prepared) -> tuple[Prepared, Prepared]:
    """Source and target of a prepared corpus of parallel text.

    Raises:
        ConfigurationError: it was made of something else.
    """
    if pairs.kind != "parallel":
        raise ConfigurationError(
            f"{pairs.folder}: prepared {pairs.kind}, but a translator learns from pairs:"
            " `jpseq corpus prepare SOURCE --target TARGET --output FOLDER`."
        )
    return pairs.source, pairs.target


def direction(source: str, target: str) -> str:
    """From which language to which, to be read."""
    return f"{source} → {target}"


def analysed(
    pairs: Pairs,
    tokenizers: tuple[Tokenizer, Tokenizer],
    languages: tuple[str, str],
    learn_together: bool | None = None,
) -> tuple[Side, Side]:
    """Source and target of pairs as words; those of a prepared corpus as they are.

    Args:
        tokenizers, languages: of source and target.
        learn_together: whether tokenizers that learn, and have not yet, learn from both sides
            or from their own; None for not at all.

    Raises:
        DataError: there are no pairs, or one has an empty side or the wrong language.
        ConfigurationError: the prepared corpus was analysed in another way.
    """
    names = ("source", "target")
    if isinstance(pairs, Prepared):
        both = sides(pairs)
        for side, name, ours in zip(both, names, tokenizers, strict=True):
            if not side.tokenizer.is_like(ours):
                raise ConfigurationError(
                    f"{side.folder}: was analysed with {side.tokenizer!r}, and the translator reads"
                    f" with {ours!r}. Make it with"
                    f" Translator({name}_tokenizer=prepared.{name}.tokenizer)."
                )
        return both
    rows = checked(pairs)
    texts = [source for source, _ in rows], [target for _, target in rows]
    for own, language in zip(texts, languages, strict=True):
        check_language(own, language, direction(*languages))
    if learn_together is not None:
        for own, tokenizer in zip(texts, tokenizers, strict=True):
            _learn(tokenizer, texts[0] + texts[1] if learn_together else own)
    source, target = (
        [tokenizer.words(text) for text in own]
        for own, tokenizer in zip(texts, tokenizers, strict=True)
    )
    return source, target


def _learn(tokenizer: Tokenizer, texts: list[str]) -> None:
    """Fit a tokenizer that learns, and has not yet."""
    try:
        tokenizer.words("夜")  # an identity has nothing to cut in an empty text
    except NotFittedError:
        tokenizer.fit(texts)
