"""Words back to text: Japanese without spaces, Latin words with."""

import re
from collections.abc import Iterable

_LATIN_END = re.compile(r"[0-9A-Za-zÀ-ɏ,.!?;:%)\]}'’]$")
_LATIN_START = re.compile(r"[0-9A-Za-zÀ-ɏ(\[{$#@&‘]")


def detokenize(words: Iterable[str]) -> str:
    """Join words as the language writes them.

    >>> detokenize(["私", "は", "普通", "の", "日本", "人", "です"])
    '私は普通の日本人です'
    >>> detokenize(["Good", "morning", "!", "おはよう", "。"])
    'Good morning! おはよう。'
    """
    text = ""
    for word in words:
        if text and _LATIN_END.search(text) and _LATIN_START.match(word):
            text += " "
        text += word
    return text
