"""Sentences, quotations and what only looks like an end."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jpseq import split_sentences
from jpseq.text.sentences import sentence_spans

EXAMPLES = [
    # plain ends
    "夜が明けた。|鳥が鳴く。",
    "本当？！|すごい！！|行こう",
    "元気?|はい!|よかった。",
    "以上．|次に進む。",
    "ﾊｲ｡|ｿｳﾃﾞｽ｡",
    "。。。",
    # lines
    "一行目\n|二行目。\r\n|三行目",
    "題名\n\n|　段落の始まり。|終わり。\n",
    # quotations
    "「もう行くの。」と姉が聞いた。|まだ早い。",
    "彼は「行く。すぐに。」と言った。|誰も動かない。",
    "「行く。」|「待って。」|彼は走り出した。",
    "姉は言った。|「帰ろう。」|外は雨だ。",
    "「あの『はい。いいえ。』は何。」か。|さあ。",
    "『「（一。二。）三。」四。』|五。",
    "これは長い（とても。本当に。）話だ。|終わり。",
    "（これは注。読まなくてよい。）|本文に戻る。",
    '行った。|"はい。いいえ。"と答えた。',
    "“はい。”と答えた。|〝そう。〟と聞いた。",
    "【お知らせ。】|休みます。",
    "「行く」。|「待て」。",
    "「」。|次。",
    # what is not closed, or was not opened, in its line
    "「閉じない。|でも続く。|終わり",
    "前の行からの声。」|次の文。",
    "前の行からの声。」と言った。|次の文。",
    "「今日は「明日。|あさって。",
    '長さは5"です。|次。',
    # ellipsis
    "えっと……そうだね。|うん。",
    "うん…　|でも行く。",
    "「でも…」と言った。|そうか……。|終わり…",
    # Latin
    "Let's go. |It is 3.14 km away. |Good.",
    "Mr. Sato lives in the U.S. and likes tea, e.g. green tea. |So do I.",
    "J. K. wrote vol. 2 of it. |See Fig. 3.",
    "Really?! |Yes! |He left.",
    'He said "Go. Now." |Then he left.',
    '"Are you sure?" he asked. |"Yes."',
    "1. Open the door. |2. Close it.",
    "Well... |I think so... but no.",
    "See example.com and v1.2.3 now. |Done.",
    "Node.jsは速い。|Python 3. |これは新しい。",
    "Ｖｅｒ．２．０です。|次。",
]


@pytest.mark.parametrize("marked", EXAMPLES)
def test_examples(marked: str) -> None:
    sentences = [part.strip() for part in marked.split("|")]
    assert split_sentences(marked.replace("|", "")) == sentences


def test_nothing_and_spaces_hold_no_sentence() -> None:
    assert split_sentences("") == split_sentences(" \n　\t\n") == []


marks = st.sampled_from([*'「」『』（）()[]“”"。．！？!?.…　 \n\rあと行Aaz13、', "Dr.", "e.g."])


@given(st.one_of(st.text(), st.lists(marks).map("".join)))
def test_sentences_and_gaps_are_the_text(text: str) -> None:
    spans = sentence_spans(text)
    done = 0
    for start, end in spans:
        assert done <= start < end
        assert not text[done:start].strip()
        assert text[start:end] == text[start:end].strip()
        done = end
    assert not text[done:].strip()
    assert split_sentences(text) == [text[start:end] for start, end in spans]


@given(st.lists(marks).map("".join))
def test_no_sentence_goes_on_in_the_next_line(text: str) -> None:
    assert not any("\n" in sentence for sentence in split_sentences(text))
    lines = [sentence for line in text.splitlines() for sentence in split_sentences(line)]
    assert lines == split_sentences(text)


@given(st.lists(st.sampled_from(["。", "「い。」", "あ", "（う！え）", "『お』"])).map("".join))
def test_nothing_is_split_inside_quotes(inside: str) -> None:
    assert split_sentences(f"彼は「{inside}」と言った。次。") == [
        f"彼は「{inside}」と言った。",
        "次。",
    ]


@pytest.mark.parametrize(
    "part", ["「", "」", "「あ。」", "あ「い」", '"', "(a.) ", "[(", ")]。", " "]
)
def test_a_long_text_takes_linear_time(part: str) -> None:
    def seconds(times: int) -> float:
        started = time.process_time()
        sentence_spans(part * times + "]")
        return time.process_time() - started

    # 16 times the text. In quadratic time it would be 256 times as long.
    few = min(seconds(4_000) for _ in range(3))
    assert min(seconds(64_000) for _ in range(3)) < 100 * max(few, 0.001)
