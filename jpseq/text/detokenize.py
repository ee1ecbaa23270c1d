"""Words back to text: Japanese without spaces, Latin words with.

What stands between two words is told from the words alone: a space, if the language of both is
written with spaces and neither is a mark that clings to its neighbour.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator

# Scripts without spaces, and symbols: CJK, kana, full-width forms, emoji. Hangul has spaces.
_UNSPACED = re.compile(
    "[\u2000-\u302f\u3031-\u312f\u3190-\ua4cf\uf900-\ufaff\ufe30-\uffef\U0001f000-\U0003ffff]"
)
_CLINGS = re.compile(
    r"[.,!?;:%]+$|[)\]}”’]"
    # n't, 'm and their like are words of no language, so it is clear where they belong.
    r"|(?:n['’]t|['’](?:s|t|m|d|ll|ve|re|clock))$",
    re.IGNORECASE,
)
_SUFFIX = re.compile("(?:s|t|m|d|ll|ve|re|clock)$", re.IGNORECASE)
"""What an apostrophe that is a word of its own joins to the word before: don ' t."""
_OPENS = ("(", "[", "{", "“", "‘", "``")
_CLOSES = (")", "]", "}", "”")
_MONEY = ("$", "£", "€", "¥")
_EITHER = ('"', "'", "''")
"""Quotes that open and close alike: the first opens, the second closes."""
_STRAIGHT = re.compile(" *[\"']")
_PARTICLES = {*"はがをにでとものやへか", "から", "まで", "より", "など", "という", "です", "だ"}

# What the text so far wants before the next word:
_NOTHING, _LATIN, _ANY = range(3)  # never a space; one before Latin; one before any word


def detokenize(words: Iterable[str]) -> str:
    """Join words as the language writes them.

    >>> detokenize(["私", "は", "普通", "の", "日本", "人", "です"])
    '私は普通の日本人です'
    >>> detokenize(["Good", "morning", "!", "おはよう", "。"])
    'Good morning! おはよう。'
    >>> detokenize(["I", "do", "n't", "pay", "$", "1", ",", "000", "(", "10", "%", ")", "."])
    "I don't pay $1,000 (10%)."
    """
    row = [word for word in words if word]
    quotes = Counter(word for word in row if word in _EITHER)
    opened: set[str] = set()
    brackets: list[int] = []
    parts: list[str] = []
    wanted = _NOTHING
    for word, following in zip(row, [*row[1:], ""], strict=False):
        opens, clings = word in _OPENS or word in _MONEY, bool(_CLINGS.match(word))
        if word in _EITHER:
            quotes[word] -= 1
            if word == "'" and wanted and _SUFFIX.match(following):
                parts.append(word)
                wanted = _NOTHING
                continue
            # A quote that nothing closes is an apostrophe or the sign of inches.
            opens = word not in opened and quotes[word] > 0
            clings = not opens
            if opens:
                opened.add(word)
            else:
                opened.discard(word)
        if _space(wanted, word, opens, clings, parts):
            parts.append(" ")
        if opens:
            if word not in _MONEY:
                brackets.append(wanted)
            wanted = _NOTHING
        elif word in _CLOSES or word in _EITHER:
            # After Hello (世界) as after Hello: what stands before the bracket counts too.
            before = brackets.pop() if brackets else _NOTHING
            wanted = min(_LATIN, max(wanted, before))
        else:
            wanted = _after(wanted, word)
        parts.append(word)
    return "".join(parts)


def pieces(texts: Iterable[str]) -> Iterator[str]:
    """A text that grows by a word at a time, in pieces that will not change any more.

    What is yielded, joined, is the last of the texts. A piece is held back until the next word is
    there, and from a straight quotation mark on until the end: what follows decides whether it
    opens or closes.

    >>> list(pieces(["Good", "Good morning", "Good morning!"]))
    ['Good', ' morning', '!']

    Args:
        texts: what `detokenize` gives for the first word, the first two, and so on.
    """
    said, before = 0, ""
    for text in texts:
        pairs = enumerate(zip(before, text, strict=False))
        sure = next((i for i, (a, b) in pairs if a != b), min(len(before), len(text)))
        if quote := _STRAIGHT.search(text, 0, sure):
            sure = quote.start()
        if sure > said:
            yield text[said:sure]
            said = sure
        before = text
    if before[said:]:
        yield before[said:]


def _space(wanted: int, word: str, opens: bool, clings: bool, parts: list[str]) -> bool:
    """Whether a space goes before a word."""
    if clings or wanted == _NOTHING:
        return False
    if opens or word == "&":
        return True
    if not _is_spaced(word[0]):
        return wanted == _ANY and word[0].isalpha() and word not in _PARTICLES
    if len(parts) > 1 and word[0].isdigit() and parts[-2][-1].isdigit():
        # 3.14 and 12:30, 1,000 but not 2020, 50
        thousands = len(word) == 3 and len(parts[-2]) <= 3
        return not (parts[-1] in (".", ":") or (parts[-1] == "," and thousands))
    return True


def _after(wanted: int, word: str) -> int:
    """What a text that ends with this word wants before the next."""
    last = word[-1]
    if last in ".,!?;:":
        inner = len(word) > 1 and _is_spaced(word[-2])
        return _ANY if inner or wanted else _NOTHING
    if _is_spaced(last) or (last == "%" and wanted):
        return _LATIN
    return _LATIN if last == "&" and wanted else _NOTHING


def _is_spaced(character: str) -> bool:
    """Whether it belongs to a word of a script with spaces."""
    if character.isascii():
        return character.isalnum()
    return unicodedata.category(character)[0] in "LMN" and not _UNSPACED.match(character)
