"""Words back to text."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jpseq import MeCab, detokenize
from jpseq.text.detokenize import pieces

EXAMPLES = [
    # words, text
    ("私 は 普通 の 日本 人 です 。", "私は普通の日本人です。"),
    ("「 はい 」 と （ 静か に ） 言う", "「はい」と（静かに）言う"),
    ("Python を 使う", "Pythonを使う"),
    ("New York へ 行く", "New Yorkへ行く"),
    ("Good morning ! おはよう 。", "Good morning! おはよう。"),
    ("Yahoo ! の 地図", "Yahoo!の地図"),
    ("Hello , world . How are you ?", "Hello, world. How are you?"),
    ("例 : これ", "例:これ"),
    ("東京 , 大阪", "東京,大阪"),
    ("안녕 하세요 . Привет , мир !", "안녕 하세요. Привет, мир!"),
    # numbers and units
    ("3 km 走る", "3 km走る"),
    ("10 % の 人", "10%の人"),
    ("10 % of them", "10% of them"),
    ("約 3 . 14 で 1 , 000 円 、 12 : 30 に", "約3.14で1,000円、12:30に"),
    ("In 2020 , 50 people came .", "In 2020, 50 people came."),
    ("It costs $ 5 .", "It costs $5."),
    ("20 ℃ と 5 ° C", "20℃と5°C"),
    # quotes and brackets
    ('He said " I see . " and left .', 'He said "I see." and left.'),
    ("He said “ I see . ” and left .", "He said “I see.” and left."),
    ("`` Yes , '' she said .", "``Yes,'' she said."),
    ('" はい " と 言う', '"はい"と言う'),
    ("日本 ( Japan ) は", "日本(Japan)は"),
    ("Japan ( 日本 ) is", "Japan (日本) is"),
    ("see [ 3 ] ( and { 4 } ) .", "see [3] (and {4})."),
    ("a ( b", "a (b"),
    ("a ) b", "a) b"),
    ('a 5 " disk', 'a 5" disk'),
    # apostrophes: what is a suffix of English and nothing else is joined
    ("I do n't know .", "I don't know."),
    ("i can 't swim , i 'm sorry", "i can't swim, i'm sorry"),
    ("it 's Ken 's , at 5 o 'clock", "it's Ken's, at 5 o'clock"),
    ("don ' t you ?", "don't you?"),
    ("I ’ m here", "I’m here"),
    ("the dogs ' bowl", "the dogs' bowl"),
    ("say ' yes ' now", "say 'yes' now"),
    # do not → don't would be another word
    ("I do not know", "I do not know"),
    # signs
    ("Smith & Sons", "Smith & Sons"),
    ("well - known and / or", "well-known and/or"),
    ("Inc. and Ltd. 次", "Inc. and Ltd. 次"),
    ("", ""),
]


@pytest.mark.parametrize(("words", "text"), EXAMPLES)
def test_examples(words: str, text: str) -> None:
    assert detokenize(words.split()) == text


def test_empty_words_are_nothing() -> None:
    assert detokenize(["a", "", "b"]) == "a b"


def test_any_iterable_of_words_will_do() -> None:
    assert detokenize(iter(["a", "b"])) == "a b"


@given(st.lists(st.one_of(st.text(), st.sampled_from([*"()\"'.,!?%&$1aあ", "n't", "''", "``"]))))
def test_only_single_spaces_between_words_are_added(words: list[str]) -> None:
    text = detokenize(words)
    place = 0
    for word in filter(None, words):
        # The word stands here, or after one space.
        if not text.startswith(word, place) or text[place] == " " != word[0]:
            assert text[place] == " "
            place += 1
        assert text.startswith(word, place)
        place += len(word)
    assert place == len(text)


@pytest.mark.parametrize(
    "text",
    [
        "昨日は3.5時間も歩いて、1,200円のパンを買った。",
        "「おはよう。」と言って、彼女は本(英語)を閉じた！",
        "駅から10%ほど遠い。12:30に着く。",
    ],
)
def test_japanese_comes_back_from_the_tokenizer(text: str) -> None:
    tokenizer = MeCab()
    assert tokenizer.inverse_transform(tokenizer.transform([text])) == [text]


def test_a_long_row_takes_linear_time() -> None:
    row = ["word", "(", "が", "'", '"', "."]

    def seconds(times: int) -> float:
        started = time.process_time()
        detokenize(row * times)
        return time.process_time() - started

    # 16 times the words. In quadratic time it would be 256 times as long.
    few = min(seconds(1_000) for _ in range(3))
    assert min(seconds(16_000) for _ in range(3)) < 100 * max(few, 0.001)


WORDS = st.lists(
    st.one_of(st.sampled_from([*"\"'.,!%$()「」山は1", "''", "n't", "good", "s", "10"]), st.text()),
    max_size=12,
)


@given(WORDS)
def test_pieces_joined_are_the_text(words: list[str]) -> None:
    texts = [detokenize(words[: count + 1]) for count in range(len(words))]
    assert "".join(pieces(texts)) == (texts[-1] if texts else "")


def test_pieces_come_word_by_word_until_a_quotation_mark() -> None:
    words = ["犬", "が", "say", '"', "yes", '"', "."]
    texts = [detokenize(words[: count + 1]) for count in range(len(words))]
    assert list(pieces(texts)) == ["犬", "が", "say", ' "yes".']
