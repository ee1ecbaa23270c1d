"""What a MeCab dictionary says of a word: features, which differ from dictionary to dictionary."""

import csv
from functools import lru_cache
from typing import NamedTuple

from jpseq.errors import ConfigurationError


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


def layout_of(dictionary: str, features: str) -> Layout:
    """The layout of a dictionary.

    Args:
        dictionary: its name, for the message.
        features: those of a word that it knows.

    Raises:
        ConfigurationError: none of those known.
    """
    count = count_of(features)
    if count not in LAYOUTS:
        raise ConfigurationError(
            f"The dictionary {dictionary} has {count} features a word. Known are"
            f" dictionaries with {', '.join(map(str, LAYOUTS))} (UniDic, IPADIC, JUMAN)."
        )
    return LAYOUTS[count]


@lru_cache(2**16)
def count_of(features: str) -> int:
    return len(_split(features))


@lru_cache(2**16)
def read_features(features: str, layout: Layout) -> tuple[str, str, str]:
    """Lemma, reading and part of speech; what an entry leaves out, or gives as "*", is empty."""
    values = [value if value != "*" else "" for value in _split(features)]
    values += [""] * (max(layout.lemma, layout.reading) + 1 - len(values))
    return values[layout.lemma], values[layout.reading], "-".join(filter(None, values[:4]))


def lemmas(found: list[str], form: list[str], layout: Layout) -> list[str]:
    """Dictionary forms: without what UniDic adds to tell homonyms apart (コーヒー-coffee,
    私-代名詞), and the form itself where there is none."""
    origin = layout.origin
    return [
        _without_origin(lemma) if origin and "-" in lemma else lemma or word
        for lemma, word in zip(found, form, strict=True)
    ]


def _without_origin(lemma: str) -> str:
    return lemma.split("-", 1)[0] or lemma


def _split(features: str) -> list[str]:
    return next(csv.reader([features]), [])
