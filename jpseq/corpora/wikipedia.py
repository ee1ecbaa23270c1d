"""A dump of Wikipedia → articles → paragraphs, in memory that does not grow with the dump.

Prose is what is wanted: templates, tables, references, pictures, headings and lists are left out.
That is a small part of what MediaWiki's parser does. Templates are not expanded, so that words that
only a template would write are missing.
"""

import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO
from xml.etree import ElementTree

from jpseq.errors import DataError


def articles(dump: BinaryIO, path: Path) -> Iterator[str]:
    """The wikitext of each article: a page of namespace 0 that is no redirect.

    Raises:
        DataError: names the file that is no dump, or is cut off.
    """
    parents: list[ElementTree.Element] = []
    try:
        for event, element in ElementTree.iterparse(dump, ("start", "end")):
            if event == "start":
                parents.append(element)
                continue
            parents.pop()
            if _name(element) != "page":
                continue
            parts = {_name(part): part for part in element.iter()}
            if "redirect" not in parts and "text" in parts and _of(parts, "ns") == "0":
                yield _of(parts, "text")
            for parent in parents:
                parent.clear()
    except ElementTree.ParseError as error:
        raise DataError(f"is no dump of Wikipedia, or is cut off ({error}).", path) from None


def _name(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _of(parts: dict[str, ElementTree.Element], name: str) -> str:
    return parts[name].text or "" if name in parts else ""


_ELEMENTS = (
    "ref gallery math chem timeline syntaxhighlight source score imagemap templatestyles graph"
    " mapframe hiero table noinclude"
).replace(" ", "|")
_ELEMENT = re.compile(rf"<(?P<end>/?)(?P<name>{_ELEMENTS})\b[^<>]{{0,2000}}?(?P<empty>/?)>", re.I)
_COMMENT = re.compile(r"<!--|-->")
_TEMPLATE = re.compile(r"\{\{|\}\}")
_TABLE = re.compile(r"^[ :]*\{\||^[ :]*\|\}", re.MULTILINE)
_LINK = re.compile(r"\[\[|\]\]")
_DROPPED = re.compile(r"\s*(?:file|image|category|ファイル|画像|カテゴリ)\s*:", re.I)
_EXTERNAL = re.compile(r"\[(?:https?:)?//[^\s\[\]]{1,2000}(?: ([^\[\]\n]{0,2000}))?\]")
_TAG = re.compile(r"</?[a-z][^<>]{0,2000}>", re.I)
_EMPHASIS = re.compile("'{2,5}")
_SWITCH = re.compile("__[A-Z]{3,20}__")
_EMPTY = re.compile(r"[（(][\s、，,;；:：・]{0,100}[)）]")
_LEADING = re.compile(r"([（(])[\s、，,;；]{1,100}")
_TRAILING = re.compile(r"[\s、，,;；]{1,100}([)）])")
_NO_PROSE = ("*", "#", ":", ";", "|", "!", "=", "{", "}", "----")


def paragraphs(wikitext: str) -> Iterator[str]:
    """The prose of an article, a paragraph at a time.

    >>> list(paragraphs("'''雨'''（{{読み}}、あめ）は[[水|水滴]]。<ref>本</ref>\\n== 種類 =="))
    ['雨（あめ）は水滴。']
    """
    text = _without(wikitext, _COMMENT, "<!--")
    text = _without_elements(text)
    text = _without(text, _TEMPLATE, "{{")
    text = _without(text, _TABLE, "{|")
    text = _EXTERNAL.sub(lambda found: found[1] or "", _linked(text))
    text = _SWITCH.sub("", _EMPHASIS.sub("", _TAG.sub("", text)))
    for line in html.unescape(text).split("\n"):
        line = line.strip()
        if line and not line.startswith(_NO_PROSE):
            line = _TRAILING.sub(r"\1", _LEADING.sub(r"\1", _EMPTY.sub("", line)))
            if line := " ".join(line.split(" ")).strip():
                yield line


def _without(text: str, bracket: re.Pattern[str], opening: str) -> str:
    """Text without what stands in brackets, nested or not; a bracket without its partner goes, too.

    One pass, whatever is left open: the time grows with the length alone.
    """
    pairs: list[tuple[int, int]] = []
    opened: list[re.Match[str]] = []
    alone: list[tuple[int, int]] = []
    for found in bracket.finditer(text):
        if found[0].endswith(opening):
            opened.append(found)
        elif opened:
            pairs.append((opened.pop().start(), found.end()))
        else:
            alone.append(found.span())
    return _cut(text, [*pairs, *alone, *(found.span() for found in opened)])


def _without_elements(text: str) -> str:
    """Text without elements that hold no prose: references, formulas, galleries."""
    pairs: list[tuple[int, int]] = []
    opened: dict[str, list[re.Match[str]]] = {}
    for found in _ELEMENT.finditer(text):
        name = found["name"].lower()
        if found["end"]:
            start = opened[name].pop().start() if opened.get(name) else found.start()
            pairs.append((start, found.end()))
        elif found["empty"]:
            pairs.append(found.span())
        else:
            opened.setdefault(name, []).append(found)
    alone = (found.span() for group in opened.values() for found in group)
    return _cut(text, [*pairs, *alone])


def _cut(text: str, spans: list[tuple[int, int]]) -> str:
    """Text without these spans, which may hold one another."""
    kept: list[str] = []
    place = 0
    for start, end in sorted(spans):
        if start > place:
            kept.append(text[place:start])
        place = max(place, end)
    kept.append(text[place:])
    return "".join(kept)


def _linked(text: str) -> str:
    """[[page|words]] → words, [[page]] → page, pictures and categories → nothing."""
    levels: list[list[str]] = [[]]
    place = 0
    for found in _LINK.finditer(text):
        levels[-1].append(text[place : found.start()])
        place = found.end()
        if found[0] == "[[":
            levels.append([])
        elif len(levels) > 1:
            inner = "".join(levels.pop())
            if not _DROPPED.match(inner):
                levels[-1].append(inner.partition("|")[2] or inner.strip("|:"))
    levels[-1].append(text[place:])
    return "".join(part for level in levels for part in level)
