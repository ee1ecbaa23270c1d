"""Morphological analysis, column by column."""

from pathlib import Path

import fugashi
import pytest
import unidic_lite

from jpseq import MeCab, Token
from jpseq.errors import ConfigurationError, DataError
from jpseq.text import mecab


def test_a_sentence_column_by_column() -> None:
    tokens = MeCab().tokenize("母は毎朝コーヒーを飲みます。")
    assert list(zip(tokens.form, tokens.lemma, tokens.reading, tokens.pos, strict=True)) == [
        ("母", "母", "ハハ", "名詞-普通名詞-一般"),
        ("は", "は", "ハ", "助詞-係助詞"),
        ("毎朝", "毎朝", "マイアサ", "名詞-普通名詞-副詞可能"),
        ("コーヒー", "コーヒー", "コーヒー", "名詞-普通名詞-一般"),  # UniDic: コーヒー-coffee
        ("を", "を", "ヲ", "助詞-格助詞"),
        ("飲み", "飲む", "ノミ", "動詞-一般"),
        ("ます", "ます", "マス", "助動詞"),
        ("。", "。", "", "補助記号-句点"),
    ]
    assert tokens.start == [0, 1, 2, 4, 8, 9, 11, 13]
    assert tokens.end == [1, 2, 4, 8, 9, 11, 13, 14]
    assert tokens.known == [True] * 8


def test_what_unidic_adds_to_tell_homonyms_apart_is_left_out() -> None:
    # UniDic: 私-代名詞, 引く-他動詞, アル・カイダ-al-qaida
    assert MeCab().tokenize("私が引いた").lemma == ["私", "が", "引く", "た"]
    assert MeCab().tokenize("アルカイダ").lemma == ["アル・カイダ"]
    assert MeCab().tokenize("A-B").lemma == ["A", "-", "B"]


def test_unknown_words_say_so_and_stand_for_themselves() -> None:
    tokens = MeCab().tokenize("ヴォグサラに会う")
    assert tokens[0] == Token(
        "ヴォグサラ", 0, 5, "ヴォグサラ", "ヴォグサラ", "", "名詞-普通名詞-一般", False
    )
    assert tokens.known == [False, True, True]


def test_columns_belong_to_the_normalised_word_and_spans_to_the_text() -> None:
    tokens = MeCab().tokenize("ﾊﾟﾝ　を")
    assert tokens[0] == Token("ﾊﾟﾝ", 0, 3, "パン", "パン", "パン", "名詞-普通名詞-一般", True)
    assert tokens[1].start == 4


def test_the_lemma_can_be_the_form() -> None:
    tokens = MeCab(lemma=True).tokenize("寿司を食べた")
    assert tokens.form == tokens.lemma == ["寿司", "を", "食べる", "た"]
    assert tokens.surface == ["寿司", "を", "食べ", "た"]


def test_parts_of_speech_filter_and_leave_the_rest_in_the_gaps() -> None:
    text = "母は毎朝㍿でコーヒーを飲み始めた。"
    assert MeCab(pos=("名詞",)).words(text) == ["母", "毎朝", "株式会社", "コーヒー"]
    assert MeCab(pos=("動詞-一般",)).words(text) == ["飲み"]
    tokens = MeCab(pos=["動詞"], lemma=True).tokenize(text)
    assert tokens.form == ["飲む", "始める"]
    assert tokens.gaps == ["母は毎朝㍿でコーヒーを", "", "た。"]
    assert tokens.rebuild() == text


def test_a_part_of_speech_is_named_whole() -> None:
    assert MeCab(pos=("動",)).words("飲む") == []
    assert MeCab(pos=("名詞-普通",)).words("母") == []


# Dictionaries

WORD = "ジェイピーセック"


def user_dictionary(folder: Path, entry: str) -> str:
    """Compile one entry as fugashi-build-dict does; MeCab finds ids for those left out."""
    source, compiled = folder / "words.csv", folder / "words.dic"
    source.write_text(entry + "\n", encoding="utf-8")
    fugashi.build_dictionary(f'x -f utf8 -t utf8 -d "{unidic_lite.DICDIR}" -u {compiled} {source}')
    return str(compiled)


FULL = f"{WORD},4786,4786,100,名詞,固有名詞,一般,*,*,*,{WORD},jpseq,{WORD},{WORD},{WORD},{WORD},固"
FULL += f",*,*,*,*,{WORD},{WORD},{WORD},{WORD},*,*,*,*,*"


def test_a_user_dictionary_knows_its_words(tmp_path: Path) -> None:
    assert MeCab().tokenize(WORD).known == [False]
    tokenizer = MeCab(user_dictionary=user_dictionary(tmp_path, FULL))
    tokens = tokenizer.tokenize(f"{WORD}で読む")
    assert tokens[0] == Token(WORD, 0, 8, WORD, "jpseq", WORD, "名詞-固有名詞-一般", True)
    assert tokens.form == [WORD, "で", "読む"]
    assert tokenizer.words(f"{WORD}で読む") == tokens.form
    assert tokens.lemma[2] == "読む"


@pytest.mark.parametrize(
    ("features", "lemma", "pos"),
    [
        ("名詞,固有名詞,一般,*,*,*,*,jpseq", "jpseq", "名詞-固有名詞-一般"),
        ("名詞,固有名詞", WORD, "名詞-固有名詞"),
        ('名詞,"固,有"', WORD, "名詞-固,有"),
        ("*", WORD, ""),
    ],
)
def test_an_entry_with_few_features_is_read_as_far_as_it_goes(
    features: str, lemma: str, pos: str, tmp_path: Path
) -> None:
    path = user_dictionary(tmp_path, f"{WORD},4786,4786,100,{features}")
    assert list(MeCab(user_dictionary=path).tokenize(WORD)) == [
        Token(WORD, 0, 8, WORD, lemma, "", pos, True)
    ]


def test_a_dictionary_can_be_changed(tmp_path: Path) -> None:
    tokenizer = MeCab()
    assert tokenizer.tokenize(WORD).pos == ["名詞-普通名詞-一般"]
    for pos in ("人名", "地名"):
        (tmp_path / pos).mkdir()
        path = user_dictionary(tmp_path / pos, f"{WORD},4786,4786,100,{pos}")
        assert tokenizer.set_params(user_dictionary=path).tokenize(WORD).pos == [pos]
    tokenizer.set_params(user_dictionary=None)
    assert tokenizer.tokenize(WORD).known == [False]


def test_a_dictionary_by_path_is_read_like_the_default_one() -> None:
    text = "母は毎朝ﾊﾟﾝを食べます。ヴォグサラに会う"
    by_path = MeCab(dictionary=unidic_lite.DICDIR)
    assert by_path.tokenize(text) == MeCab().tokenize(text)
    assert by_path.words(text) == MeCab().words(text)


@pytest.mark.parametrize("ask", [MeCab.words, MeCab.tokenize])
@pytest.mark.parametrize(
    ("params", "problem"),
    [
        ({"dictionary": "{tmp}"}, "is not a MeCab dictionary: it holds no sys.dic"),
        ({"dictionary": "{tmp}/none"}, "is not a MeCab dictionary: it holds no sys.dic"),
        ({"user_dictionary": "{tmp}/none"}, "There is no user dictionary"),
        ({"user_dictionary": "{tmp}/words.csv"}, "dictionary file is broken: .*words.csv"),
    ],
)
def test_a_wrong_dictionary_is_named_in_one_paragraph(
    ask: object, params: dict[str, str], problem: str, tmp_path: Path
) -> None:
    (tmp_path / "words.csv").write_text("夜")
    tokenizer = MeCab(**{key: value.format(tmp=tmp_path) for key, value in params.items()})
    with pytest.raises(ConfigurationError, match=problem) as caught:
        ask(tokenizer, "夜")  # type: ignore[operator]
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("ask", [MeCab.words, MeCab.tokenize])
def test_what_is_no_text_is_refused(ask: object) -> None:
    for row, kind in ((5, "int"), (["夜"], "list"), (None, "NoneType")):
        with pytest.raises(DataError, match=rf"a text \(str\) is wanted, got {kind}\."):
            ask(MeCab(), row)  # type: ignore[operator]


def test_a_dictionary_of_an_unknown_layout_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(mecab.LAYOUTS, 26)
    with pytest.raises(ConfigurationError, match=r"has 26 features a word. Known are.* 29, 17"):
        MeCab(dictionary=unidic_lite.DICDIR).tokenize("夜")


def test_ipadic_has_a_layout_of_its_own() -> None:
    ipadic = pytest.importorskip("ipadic", reason="needs the package ipadic")
    tokens = MeCab(dictionary=ipadic.DICDIR).tokenize("寿司を食べた。ヴォグサラ")
    assert list(zip(tokens.form, tokens.lemma, tokens.reading, tokens.pos, strict=True)) == [
        ("寿司", "寿司", "スシ", "名詞-一般"),
        ("を", "を", "ヲ", "助詞-格助詞-一般"),
        ("食べ", "食べる", "タベ", "動詞-自立"),
        ("た", "た", "タ", "助動詞"),
        ("。", "。", "。", "記号-句点"),
        ("ヴォグサラ", "ヴォグサラ", "", "名詞-一般"),
    ]
    assert tokens.known == [True] * 5 + [False]
