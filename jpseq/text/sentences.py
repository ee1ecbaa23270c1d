"""Sentences of a text, where Japanese, Latin letters and quotations stand side by side.

A sentence ends

* at the end of a line;
* after 。 ｡ ． ！ ？, several of them or closing quotes and brackets following included;
* after . ! ? before a space, unless what follows is small (vs. them) or what precedes is an
  abbreviation (Dr., e.g., U.S.) or the number of a list;
* after … and ‥ before a space;
* after a quotation or bracket that ends as above, if it is all there was of the sentence and no
  particle follows: 「行く。」「待って。」 are two sentences, 「行く。」と言った。 is one.

Nothing ends inside quotes and brackets, however deep. A quote that is not closed in its line, or
never was opened, is a character like any other and so cannot hold together what is to be cut.
"""

import re
from collections import Counter
from collections.abc import Iterator

_PAIRS = dict(zip("「『（(【《〈［[｛{〔“‘〝｢", "」』）)】》〉］]｝}〕”’〟｣", strict=True))
_OPENER = {closer: opener for opener, closer in _PAIRS.items()}
_OPENERS, _CLOSERS = (re.escape("".join(marks)) + '"' for marks in (_PAIRS, _OPENER))

_CLOSING = {*_OPENER, '"'}

_LINE = re.compile(r"[^\n\r\v\f\x1c-\x1e\x85\u2028\u2029]+")
_BRACKET = re.compile(f"[{_OPENERS}{_CLOSERS}]")
_MARKS = r"(?:[。｡！？!?.…‥]|．(?![0-9A-Za-z０-９Ａ-Ｚａ-ｚ]))+"
_MARK = re.compile(_MARKS)
_STOP = re.compile(f"(?P<opener>[{_OPENERS}])|{_MARKS}")
_JAPANESE = re.compile(r"[。｡．！？]|(?<=[^\x00-\x7f])[!?]")
_GOES_ON = re.compile(  # what follows a quotation in the middle of a sentence
    r"[。｡．！？、，,!?.…‥]|と|って|とか|など|な|の|に|を|は|が|も|で|や|か|だ|へ|から|まで|より"
)
_NO_END = re.compile(  # before a full stop
    r"(?:^|\W)(?:[A-Za-z]|(?:[A-Za-z]\.)+[A-Za-z]"
    r"|(?i:Mr|Mrs|Ms|Dr|Prof|St|Jr|Sr|vs|cf|al|Fig|Eq|Vol|pp|approx)|No)$"
)
_WORD = re.compile(r"\S|$")


def split_sentences(text: str) -> list[str]:
    """The sentences of a text, without the whitespace around them.

    >>> split_sentences("「もう行くの。」と聞いた。まだ早い！ It is 3.14 km. Let's go.")
    ['「もう行くの。」と聞いた。', 'まだ早い！', 'It is 3.14 km.', "Let's go."]
    """
    return [text[start:end] for start, end in sentence_spans(text)]


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Where the sentences of a text start and end, in code points.

    They are not empty, follow one another, and only whitespace lies between.
    """
    spans = []
    for line in _LINE.finditer(text):
        start = line.start()
        for end in _ends(line[0]):
            sentence = text[start : line.start() + end]
            if stripped := sentence.strip():
                start += len(sentence) - len(sentence.lstrip())
                spans.append((start, start + len(stripped)))
            start = line.start() + end
    return spans


def _ends(line: str) -> Iterator[int]:
    """Where the sentences of a line end; the last one at the line's end."""
    closed = _closed(line)
    begin = _spaces(line, 0)  # of the sentence
    place = 0
    while stop := _STOP.search(line, place):
        first, last = stop.span()
        place = last
        alone = True
        if stop["opener"]:
            if first not in closed:
                continue
            place = closed[first]
            alone = first == begin
            last = place
            while last > first + 1 and line[last - 1] in _CLOSING:
                last -= 1
            first = last - 1  # of a quotation's marks the last one decides
            if not _MARK.fullmatch(line, first, last):
                continue
        while place < len(line) and line[place] in _CLOSING and place not in closed:
            place += 1
        if _is_end(line, begin, first, last, place, alone):
            yield place
            begin = _spaces(line, place)
    yield len(line)


def _is_end(line: str, begin: int, first: int, last: int, after: int, alone: bool) -> bool:
    """Whether a sentence ends with the marks line[first:last].

    Args:
        begin: where the sentence begins.
        after: the place after the closing quotes and brackets that follow the marks.
        alone: whether these close nothing, or all of the sentence.
    """
    if after == len(line):
        return True
    if _JAPANESE.search(line, first, last):
        return alone and not (after > last and _GOES_ON.match(line, after))
    following = _spaces(line, after)
    if following in (after, len(line)):
        return following > after
    if line[last - 1] in "…‥":
        return alone
    if line[following].islower():
        return False
    if line[first:last] == ".":
        near = max(begin, first - 12)
        if _NO_END.search(line[near:first]):
            return False
        return near > begin or not line[near:first].isdecimal()
    return True


def _spaces(line: str, place: int) -> int:
    """Where the spaces end that begin at a place."""
    word = _WORD.search(line, place)
    return len(line) if word is None else word.start()


def _closed(line: str) -> dict[int, int]:
    """Where quotes and brackets that are closed open, and the place after the closing one."""
    closed: dict[int, int] = {}
    waiting: list[tuple[str, int]] = []
    count: Counter[str] = Counter()
    for bracket in _BRACKET.finditer(line):
        mark = bracket[0]
        opener = _OPENER.get(mark, mark)
        if mark not in _CLOSING or (mark == '"' and not count[mark]):
            waiting.append((mark, bracket.start()))
            count[mark] += 1
        elif count[opener]:
            found = ""
            while found != opener:  # what was opened in between stays open
                found, place = waiting.pop()
                count[found] -= 1
            closed[place] = bracket.end()
    return closed
