"""The normaliser's rules, and that every character keeps its place."""

import pickle
import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jpseq import Normalizer
from jpseq.errors import ConfigurationError
from jpseq.text.normalizer import RULES, Aligned, is_plain

EXAMPLES = [
    # rule, text, with this rule alone
    ("invisible", "夜\u200bの\ufeff空\x01", "夜の空"),
    ("invisible", "辻\U000e0100さん\u200d", "辻さん"),
    ("invisible", "soft\u00adhyphen", "softhyphen"),
    ("nfkc", "㍿①ｶﾞ", "株式会社1ガ"),
    ("nfkc", "か\u3099ハ\u309a", "がパ"),
    ("nfkc", "ＡＢＣ１２３", "ABC123"),
    ("nfkc", "e\u0301", "é"),
    ("nfkc", "㍻２年", "平成2年"),
    ("nfkc", "\u1112\u1161\u11ab\u1100", "한\u1100"),
    ("nfkc", "\u09c7\u09be", "\u09cb"),
    ("nfkc", "！？…‥～", "！？…‥～"),
    ("nfkc", "うん…♪", "うん…♪"),
    ("nfkc", "ＯＫ！😀あ‥①ね？\u0301㍿", "OK！😀あ‥1ね？\u0301株式会社"),
    ("nfkc", "´¨", "´¨"),
    ("nfkc", "ア－", "ア－"),
    ("width", "Ａ１（ｶﾞｷﾞ）", "A1(ガギ)"),
    ("width", "㍿①", "㍿①"),
    ("width", "元気?!", "元気？！"),
    ("width", "Really?!", "Really?!"),
    ("width", "ＯＫ？", "OK？"),
    ("choonpu", "コンピュ―タ", "コンピュータ"),
    ("choonpu", "サ-バー", "サ-バー"),
    ("choonpu", "サ‐バ−", "サーバー"),
    ("choonpu", "ラ――", "ラ――"),
    ("choonpu", "空―海", "空―海"),
    ("tilde", "夜～海∼空∾川〰", "夜〜海〜空〜川〜"),
    ("tilde", "です~~", "です〜〜"),
    ("tilde", "~/bin a~b", "~/bin a~b"),
    ("repeats", "すごーーーい！！！", "すごーい！"),
    ("repeats", "えっっ、ぁぁ、〜〜？？", "えっ、ぁ、〜？"),
    ("repeats", "かか、……、!!", "かか、……、!!"),
]


@pytest.mark.parametrize(("rule", "text", "normal"), EXAMPLES)
def test_a_rule_does_what_its_row_in_the_table_says(rule: str, text: str, normal: str) -> None:
    assert Normalizer([rule])(text) == normal


@pytest.mark.parametrize(("rule", "text"), [(r, t) for r, t, normal in EXAMPLES if t != normal])
def test_without_its_rule_a_text_stays(rule: str, text: str) -> None:
    off = ("nfkc", "width") if rule in ("nfkc", "width") else (rule,)  # these two overlap
    assert Normalizer([name for name in RULES if name not in off])(text) == text


def test_all_rules_work_together_in_their_order() -> None:
    assert Normalizer()("ﾊﾟﾝを１００ｇ食べたーーー!!") == "パンを100g食べたー！"
    assert Normalizer()("ｺﾝﾋﾟｭ－ﾀ～～") == "コンピュータ〜"
    assert Normalizer()("うん~!!") == "うん〜！"
    assert Normalizer()("か\u200b\u3099っっ") == "がっ"
    assert Normalizer(["repeats", "nfkc"])("ｯｯ") == Normalizer(["nfkc", "repeats"])("ｯｯ") == "ッ"


@pytest.mark.parametrize("rules", [None, ()])
def test_whitespace_nul_and_half_surrogates_are_replaced_whatever_the_rules(
    rules: tuple[str, ...] | None,
) -> None:
    normalizer = Normalizer(rules)
    assert normalizer("夜\u3000の\t空\n\x00\x85\u2028海") == "夜 の 空    海"
    assert normalizer("夜\ud83d空\udc00") == "夜�空�"


def test_a_misspelt_rule_gets_a_suggestion_and_the_list() -> None:
    with pytest.raises(ConfigurationError) as caught:
        Normalizer(["nfkd"])
    assert str(caught.value) == (
        "There is no normalisation rule 'nfkd'. Did you mean 'nfkc'?"
        " The rules are invisible, nfkc, width, choonpu, tilde, repeats."
    )


@pytest.mark.parametrize("rules", ["nfkc", 5, ["nfkc", 5]])
def test_rules_are_a_list_of_names(rules: object) -> None:
    with pytest.raises(ConfigurationError, match="rules: a list of texts is wanted, got"):
        Normalizer(rules)  # type: ignore[arg-type]


def test_a_normalizer_survives_pickling() -> None:
    copy = pickle.loads(pickle.dumps(Normalizer(["width"])))
    assert copy.rules == ("width",)
    assert copy("Ａ㍿") == "A㍿"


@pytest.mark.parametrize(
    ("text", "aligned"),
    [
        ("夜空", Aligned("夜空")),
        ("Ａ空", Aligned("A空")),
        ("㍿だ", Aligned("株式会社だ", [0, 0, 0, 0, 1], [1, 1, 1, 1, 2])),
        ("ｶﾞだ", Aligned("ガだ", [0, 2], [2, 3])),
        ("えーーー。", Aligned("えー。", [0, 1, 4], [1, 4, 5])),
        ("夜\u200b空", Aligned("夜空", [0, 2], [1, 3])),
        ("か\u200b\u3099！！", Aligned("が！", [0, 3], [3, 5])),
    ],
)
def test_every_character_tells_where_it_comes_from(text: str, aligned: Aligned) -> None:
    assert Normalizer().align(text) == aligned


def test_only_one_character_that_became_several_expands() -> None:
    assert Normalizer().align("㍿").expands()
    assert not Normalizer().align("ｶﾞ").expands()
    assert not Normalizer().align("夜").expands()


# Any text, and texts of what the rules are about.
unicode = st.text(st.characters())  # surrogates too
JAPANESE = (
    "あいかがはばぱっぁゃんアイカガハバパッァャンー〜～∼〰ｱｶﾊｯｰﾞﾟ\u3099\u309a\u3000　 "
    "―－‐-—‒─━−ーー！？!?…‥、。「」（）()Ａａ１0aZ~＠㍿①㌔ﾟ々〆ヶ夜空\u200b\ufeff\ufe0f\U000e0100"
    "´¨é\u0301\u0323각ᄀ\u1161\x00\t\n\x1c\x85\ud83d\udc00😀"
)
japanese = st.text(st.sampled_from(JAPANESE))
texts = unicode | japanese
rules = st.none() | st.lists(st.sampled_from([*RULES]), unique=True)

PUNCTUATION = "！？…‥～"


def has_exception(text: str) -> bool:
    """Whether it holds what is documented to differ from plain NFKC."""
    return any(
        c in PUNCTUATION or c == "－" or any(map(str.isspace, unicodedata.normalize("NFKC", c)))
        for c in text
    )


def nfkc(text: str) -> str:
    """NFKC, and what happens whatever the rules."""
    normal = unicodedata.normalize("NFKC", text)
    return re.sub("[\ud800-\udfff]", "�", normal.replace("\0", " "))


@settings(max_examples=500)
@given(texts.filter(lambda text: not has_exception(text)))
def test_the_nfkc_rule_alone_is_unicodes_nfkc(text: str) -> None:
    assert Normalizer(["nfkc"])(text) == nfkc(text)


def test_every_single_character_but_the_exceptions_becomes_its_nfkc() -> None:
    between = "〇"  # which joins nothing and comes from nothing else
    characters = [c for c in map(chr, range(0x110000)) if not has_exception(c) and c != between]
    normal = Normalizer(["nfkc"])(between.join(characters)).split(between)
    assert [pair for pair in zip(characters, normal, strict=True) if nfkc(pair[0]) != pair[1]] == []


@given(texts, st.sampled_from(PUNCTUATION), texts)
def test_japanese_punctuation_stays_whatever_stands_beside_it(
    before: str, mark: str, after: str
) -> None:
    text = before + mark + after
    unlike = f"[^{PUNCTUATION}]"
    assert re.sub(unlike, "", Normalizer(["nfkc"])(text)) == re.sub(unlike, "", text)


frequent = st.text(st.sampled_from("あかっアッー夜、。！？!?…‥〜～―-ａＡＢ１（）　 ＝．"))


@settings(max_examples=500)
@given(frequent | japanese, rules)
def test_a_text_becomes_the_same_on_the_fast_path_and_on_the_slow_one(
    text: str, names: list[str] | None
) -> None:
    # No rule knows 😀, which is not plain; 〇 joins nothing.
    assert Normalizer(names)(text + "〇😀") == Normalizer(names)(text) + "〇😀"


@given(texts, rules)
def test_origins_cover_the_text_and_never_go_back(text: str, names: list[str] | None) -> None:
    normal, start, end = Normalizer(names).align(text)
    assert (start is None) == (end is None)
    if start is None or end is None:
        assert len(normal) == len(text)
        return
    assert len(start) == len(end) == len(normal)
    assert start == sorted(start)
    assert end == sorted(end)
    assert all(0 <= a < b <= len(text) for a, b in zip(start, end, strict=True))
    # What no character comes from was dropped: nobody sees it.
    used = {i for a, b in zip(start, end, strict=True) for i in range(a, b)}
    assert Normalizer(["invisible"])("".join(c for i, c in enumerate(text) if i not in used)) == ""


@given(texts, rules)
def test_what_comes_out_holds_no_whitespace_but_spaces(text: str, names: list[str] | None) -> None:
    normal = Normalizer(names)(text)
    assert not re.search(r"[^\S ]|[\x00\ud800-\udfff]", normal)


@settings(max_examples=500)
@given(texts)
def test_no_rule_changes_a_plain_text(text: str) -> None:
    if not is_plain(text):
        text = "".join(filter(is_plain, text))
    if is_plain(text):
        for rule, edits in RULES.items():
            assert list(edits(text)) == [], rule


def test_no_rule_changes_two_plain_characters() -> None:
    # No rule looks further than one character away, and to all of them kanji are alike.
    others = [c for c in map(chr, range(0x10000)) if not "㐀" <= c <= "鿿"]
    plain = ["夜", "空", *filter(is_plain, others)]
    pairs = [a + b for a in plain for b in plain if is_plain(a + b)]
    assert [p for p in pairs for edits in RULES.values() if [*edits(p)]] == []


def test_everyday_sentences_are_plain() -> None:
    assert is_plain("「今日は、いい天気ですね。」と母が言った――そうだろうか？")
    assert not is_plain("コンピュ―タ")
    assert not is_plain("えーー")
    assert not is_plain("きゃゃ")
    assert not is_plain("ｶﾞ")
    assert not is_plain("夜\u3000空")
