"""Works in the notation of Aozora Bunko → paragraphs.

The notation: https://www.aozora.gr.jp/annotation/ (in Japanese).
"""

import re
from collections.abc import Iterator

_RULE = re.compile(r"^-{20,}$")
_CHARACTER = re.compile(
    r"※［＃[^［］]*?(?:第[34]水準(?P<plane>[12])-(?P<row>\d{1,2})-(?P<cell>\d{1,2})"
    r"|U\+(?P<unicode>[0-9A-Fa-f]{4,6}))[^［］]*］"
)
_NOTE = re.compile(r"［＃[^［］]*］")
_READING = re.compile(r"《[^《》]*》")


def paragraphs(text: str) -> Iterator[str]:
    """The paragraphs of a work without title, readings, notes and what stands after its end.

    >>> list(paragraphs("題\\n作者\\n\\n　｜空《そら》だ。［＃「空」に傍点］\\n\\n底本：「本」"))
    ['空だ。']
    """
    lines = text.replace("\r\n", "\n").split("\n")
    for line in lines[_beginning(lines) : _end(lines)]:
        line = _NOTE.sub("", _CHARACTER.sub(_character, line))
        line = _READING.sub("", line).replace("｜", "").strip()
        if line:
            yield line


def _beginning(lines: list[str]) -> int:
    """Below the explanation of the signs, between two rules; else below title and author."""
    rules = [place for place, line in enumerate(lines[:100]) if _RULE.match(line)]
    if len(rules) > 1:
        return rules[1] + 1
    return lines.index("") if "" in lines else 0


def _end(lines: list[str]) -> int:
    """Where the edition is named that was typed."""
    ends = (place for place, line in enumerate(lines) if line.startswith("底本："))
    return next(ends, len(lines))


def _character(found: re.Match[str]) -> str:
    """A character outside Shift JIS, from its place in JIS X 0213 or its number in Unicode."""
    try:
        if found["unicode"]:
            return chr(int(found["unicode"], 16))
        code = bytes([0xA0 + int(found["row"]), 0xA0 + int(found["cell"])])
        return (b"\x8f" * (found["plane"] == "2") + code).decode("euc_jis_2004")
    except ValueError:
        return "※"
