"""What holds for every tokenizer and every text."""

import itertools
import tempfile
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_dictionaries import kytea_model, vibrato_dictionary

from jpseq import Characters, MeCab, Normalizer, Stage, Tokens, Whitespace, plugins
from jpseq.corpora.readers import read_lines
from jpseq.text.tokenizer import Tokenizer

# One that learns cuts words into pieces, for which other rules hold.
NAMES = [
    name
    for name in plugins.names("stages", "tokenizer")
    if plugins.find("stages", name, "tokenizer").fit is Stage.fit
]
every_tokenizer = pytest.mark.parametrize("name", NAMES)
FOLDER = tempfile.TemporaryDirectory()
GIVEN = {
    "vibrato": {"dictionary": str(vibrato_dictionary(Path(FOLDER.name) / "vibrato"))},
    "vaporetto": {"model": str(kytea_model(Path(FOLDER.name) / "kytea.mod"))},
}
"""What a tokenizer needs, of those that bring no dictionary."""


@cache
def tokenizer(name: str, **params: object) -> Tokenizer:
    kind = plugins.find("stages", name, "tokenizer")
    built: Tokenizer = kind(**GIVEN.get(name, {}), **params)
    return built


def check(tokens: Tokens, text: str) -> None:
    """Nothing of the text is lost: DESIGN's invariant."""
    assert tokens.text == text
    done = 0
    for start, end, form in zip(tokens.start, tokens.end, tokens.form, strict=True):
        assert done <= start < end <= len(text)
        assert form
        assert not any(map(str.isspace, form))
        done = end
    unseen = Normalizer(["invisible"])
    assert not [
        c for c in "".join(tokens.gaps) if not (c.isspace() or c == "\0" or unseen(c) == "")
    ]
    assert tokens.rebuild() == text
    for column in (tokens.lemma, tokens.reading, tokens.pos, tokens.known):
        assert len(column) == len(tokens)


def check_both_ways(name: str, text: str, **params: object) -> None:
    tokens = tokenizer(name, **params).tokenize(text)
    check(tokens, text)
    assert tokenizer(name, **params).words(text) == tokens.form


JAPANESE = (
    "あいかがはばっぁゃんアカガハッャンー〜～ｱｶﾊｯｰﾞﾟ\u3099\u309a\u3000　 ―－-！？!?~…、。「」()（）"
    "Ａａ１0aZ㍿①㌔㈱ﷺ℃…½々夜空東京私食べた行\u200b\ufeff\ufe0f\U000e0100´¨é\u0301각ᄀ\u1161"
    "\x00\t\n\x1c\x85\u2028\ud83d\udc00😀👨\u200d👩𠮷"
)
texts = st.text(st.characters()) | st.text(st.sampled_from(JAPANESE))


def test_ours_are_registered() -> None:
    assert {
        *("mecab", "sudachi", "janome", "nagisa", "vibrato", "vaporetto"),
        *("characters", "whitespace"),
    } <= {*NAMES}


@every_tokenizer
@given(text=texts)
def test_nothing_of_any_text_is_lost(name: str, text: str) -> None:
    check_both_ways(name, text)


@every_tokenizer
@given(text=texts)
def test_nothing_is_lost_with_all_rules_off(name: str, text: str) -> None:
    check_both_ways(name, text, rules=())


@pytest.mark.parametrize("name", ["mecab", "sudachi", "janome", "vibrato"])
@given(text=texts)
def test_nothing_is_lost_with_lemmas_for_forms(name: str, text: str) -> None:
    check_both_ways(name, text, lemma=True)


@every_tokenizer
@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "\0",
        "夜\0空",
        "\0夜\0\0空\0",
        "夜\ud83d空",
        "\udc00",
        "\u200b",
        "夜\u200b",
        "が" + "\u0301" * 100,
        "㍿㍿",
        "EOS",
        "EOS\n",
        "a\\tb %m %f[0]",
        '"夜,空"',
    ],
    ids=ascii,
)
def test_nothing_of_an_odd_text_is_lost(name: str, text: str) -> None:
    check_both_ways(name, text)
    check_both_ways(name, text, rules=())


@pytest.mark.parametrize("name", ["mecab", "characters"])
def test_what_follows_nul_is_tokenized(name: str) -> None:
    tokens = tokenizer(name).tokenize("夜\0空")
    assert tokens.surface == ["夜", "空"]
    assert tokens.gaps == ["", "\0", ""]


def test_nul_parts_words_like_a_space() -> None:
    assert Whitespace().words("夜\0空 海") == ["夜", "空", "海"]


def test_half_a_surrogate_pair_keeps_its_place() -> None:
    tokens = Characters().tokenize("夜\ud83d空")
    assert tokens.form == ["夜", "�", "空"]
    assert tokens.surface == ["夜", "\ud83d", "空"]


LONG = {
    "sentences": "夜の空に星が見えた。" * 30_000,
    "no end of a sentence": "あいう" * 100_000,
    "one word": "a" * 25_000,  # for which MeCab's time grows with the square
    "spaces": "夜" + " " * 299_998 + "空",
    "expansions": "㍿" * 10_000 + "夜" * 90_000,
}


@every_tokenizer
@pytest.mark.parametrize("kind", LONG)
def test_nothing_of_a_very_long_text_is_lost(name: str, kind: str) -> None:
    text = LONG[kind]
    if name in ("janome", "nagisa"):  # which write some 50,000 characters a second
        text = text[: len(text) // 10]
    check_both_ways(name, text)


def test_a_very_long_text_is_cut_between_sentences() -> None:
    sentence = "夜の空に星が見えた。"
    assert MeCab().words(sentence * 30_000) == MeCab().words(sentence) * 30_000


# Joined words


def test_words_that_begin_inside_one_character_are_one_token() -> None:
    tokens = MeCab().tokenize("㍿の夜")
    assert tokens.form == ["株式会社", "の", "夜"]
    assert tokens.surface == ["㍿", "の", "夜"]
    assert tokens.lemma == ["株式会社", "の", "夜"]
    assert tokens.reading == ["カブシキカイシャ", "ノ", "ヨル"]
    assert (tokens.start, tokens.end) == ([0, 1, 2], [1, 2, 3])


def test_characters_of_one_characters_expansion_are_one_token() -> None:
    tokens = Characters().tokenize("㌔ ㍿")
    assert tokens.form == ["キロ", "株式会社"]
    assert tokens.surface == ["㌔", "㍿"]


def test_several_characters_may_become_one_token() -> None:
    assert Characters().tokenize("ｶﾞｷﾞ").surface == ["ｶﾞ", "ｷﾞ"]
    assert Characters().tokenize("えーーー").surface == ["え", "ーーー"]
    assert Characters().tokenize("夜\u200b空").gaps == ["", "\u200b", ""]


# One by one


def test_characters_leave_out_spaces_alone() -> None:
    tokens = Characters().tokenize(" 夜の\t空。")
    assert tokens.form == ["夜", "の", "空", "。"]
    assert tokens.start == [1, 2, 4, 5]
    assert tokens.gaps == [" ", "", "\t", "", ""]


def test_whitespace_parts_words() -> None:
    tokens = Whitespace().tokenize("\u3000夜の  空\nＯＫ ")
    assert tokens.form == ["夜の", "空", "OK"]
    assert tokens.surface == ["夜の", "空", "ＯＫ"]
    assert tokens.gaps == ["\u3000", "  ", "\n", " "]


def test_rules_can_be_chosen() -> None:
    assert Whitespace(rules=["width"]).words("ＡＢ ㍿") == ["AB", "㍿"]
    assert Whitespace(rules=()).words("ＡＢ ㍿") == ["ＡＢ", "㍿"]


def test_the_first_2000_lines_of_aozora_lose_nothing(corpora: Path) -> None:
    for line in itertools.islice(read_lines(corpora / "aozora" / "aozora.txt"), 2000):
        check_both_ways("mecab", line)
