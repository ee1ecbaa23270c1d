"""Wikitext → prose."""

import io
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jpseq.corpora.wikipedia import articles, paragraphs


@pytest.mark.parametrize(
    ("wikitext", "prose"),
    [
        ("'''雨'''（あめ、{{lang-en|rain}}）は''水''。", "雨（あめ）は水。"),
        ("雨（{{lang|en|rain}}）だ。", "雨だ。"),
        ("{{a|{{b|{{c}}}}|d}}雨。", "雨。"),
        ("雨[[空|そら]]と[[海]]。", "雨そらと海。"),
        ("[[ファイル:a.jpg|thumb|[[雨]]の[[空|そら]]]]雨。", "雨。"),
        ("[[File:a.jpg]][[Category:雨]][[カテゴリ:空|あ]]雨。", "雨。"),
        ("[[:Category:雨]]を見よ。", "Category:雨を見よ。"),
        ('雨<ref name="a">本</ref>だ<ref name="a" />。', "雨だ。"),
        ("雨<ref>{{Cite|title=<b>本</b>}}</ref>。", "雨。"),
        ("雨<!-- 注\n釈 -->。", "雨。"),
        ("雨<math>x < y</math>。", "雨。"),
        ("雨[https://example.org 水]と[https://example.org]風。", "雨水と風。"),
        ("H<sub>2</sub>Oは水&amp;氷。", "H2Oは水&氷。"),
        ("__NOTOC__雨。", "雨。"),
        ("{|\n! 表\n{|\n| 内\n|}\n|}\n雨。", "雨。"),
        ("== 種類 ==\n* 霧雨\n# 一\n; 語\n: 引用\n----\n雨。", "雨。"),
        ("閉じない{{雨", "閉じない雨"),
        ("閉じない[[雨", "閉じない雨"),
        ("開かない}}雨]]", "開かない雨"),
        ("閉じない<ref>雨", "閉じない雨"),
    ],
)
def test_markup_goes_and_prose_stays(wikitext, prose):
    assert "".join(paragraphs(wikitext)) == prose


def test_a_line_is_a_paragraph():
    assert list(paragraphs("雨。\n\n風。\n{{空}}\n雪。")) == ["雨。", "風。", "雪。"]


@given(st.lists(st.sampled_from([*"雨a|=\n'*<>[]{}/:", "[[", "]]", "{{", "}}", "<ref>", "</ref>"])))
def test_whatever_there_is_no_line_is_blank_or_in_two(parts):
    for line in paragraphs("".join(parts)):
        assert line.strip()
        assert "\n" not in line


@pytest.mark.parametrize(
    "part", ["{{", "[[", "<ref>", "<ref ", "<!--", "{|\n", "[http://", "（", "'"]
)
def test_what_is_never_closed_takes_no_more_than_its_length(part):
    # In quadratic time this would not end.
    assert len("".join(paragraphs(part * (200_000 // len(part))))) <= 200_000


def test_memory_does_not_grow_with_the_dump():
    page = f"<page><ns>0</ns><revision><text>{'雨。' * 500}</text></revision></page>"
    dump = io.BytesIO(f"<mediawiki>{page * 3000}</mediawiki>".encode())
    assert len(dump.getvalue()) > 9_000_000
    tracemalloc.start()
    assert sum(1 for _ in articles(dump, Path("dump.xml"))) == 3000
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2_000_000
