"""Spelling variants become one spelling, and every character keeps its place in the original.

Each rule has a name and can be switched off. They work in this order:

========== ==================================================================================
invisible  what nobody sees is dropped: zero-width characters, byte-order marks, controls
nfkc       compatibility characters by Unicode NFKC: ㍿ → 株式会社, ① → 1, か + dakuten → が
width      Ａ１ → A1, ｶﾞ → ガ; and ! ? after anything but ASCII → ！ ？
choonpu    a lone dash or hyphen that stands for a long vowel: コンピュ―タ → コンピュータ
tilde      ∼ ∾ ～ 〰, and ~ after anything but ASCII → 〜
repeats    marks and small kana written several times count once: ーーー → ー, ！！ → ！, っっ → っ
========== ==================================================================================

Where this departs from plain NFKC: ！ ？ … ‥ ～ stay Japanese punctuation instead of becoming
ASCII; － after katakana stays for choonpu; and a character whose NFKC form holds a space (´ ¨ and
their like) is left alone, since no word may contain whitespace.

Two things happen whatever the rules, because no analyser can do without them: every kind of
whitespace, and NUL, becomes a plain space; half of a surrogate pair becomes �.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from jpseq.errors import ConfigurationError, did_you_mean
from jpseq.parameters import check_names

Edit = tuple[int, int, str]
"""Replace text[start:end] by a string."""

Rule = Callable[[str], Iterator[Edit]]


class Aligned(NamedTuple):
    """A normalised text; its character i comes from original[start[i]:end[i]].

    Both lists are None where every character comes from the one at its own place.
    """

    text: str
    start: list[int] | None = None
    end: list[int] | None = None

    def expands(self) -> bool:
        """Whether some character became several."""
        return self.start is not None and len(set(self.start)) < len(self.start)


class Normalizer:
    """Bring a text to one spelling by named rules (see the module for what each does).

    >>> Normalizer()("ﾊﾟﾝを１００ｇ食べたーーー!!")
    'パンを100g食べたー！'
    >>> Normalizer(["width"])("㍿ＡＢＣ")
    '㍿ABC'
    >>> Normalizer().align("㍿です")
    Aligned(text='株式会社です', start=[0, 0, 0, 0, 1, 2], end=[1, 1, 1, 1, 2, 3])

    Args:
        rules: the names of the rules to follow; None for all of them, () for none.

    Raises:
        ConfigurationError: there is no rule of that name, or rules is no list of names.
    """

    def __init__(self, rules: Sequence[str] | None = None) -> None:
        if rules is not None:
            check_names("rules", rules)
        self.rules = tuple(RULES) if rules is None else tuple(rules)
        for rule in self.rules:
            if rule not in RULES:
                raise ConfigurationError(
                    f"There is no normalisation rule {rule!r}.{did_you_mean(rule, RULES)}"
                    f" The rules are {', '.join(RULES)}."
                )
        self._edits = [edits for name, edits in RULES.items() if name in self.rules]
        self._one_for_one = {"\u3000": " "}
        if "nfkc" in self.rules or "width" in self.rules:
            self._one_for_one |= _FULL_WIDTH

    def __reduce__(self) -> tuple[type["Normalizer"], tuple[tuple[str, ...]]]:
        return Normalizer, (self.rules,)  # rules are functions, which cannot be pickled

    def __call__(self, text: str) -> str:
        return self.align(text).text

    def align(self, text: str) -> Aligned:
        """Normalise, and say for each character where it comes from."""
        if is_plain(text):
            return Aligned(text)
        simple = _NOT_PLAIN.sub(self._replace_one, text)
        if is_plain(simple):
            return Aligned(simple)
        aligned = Aligned(text)
        for edits in (*self._edits, _separators):
            aligned = _apply(edits(aligned.text), aligned)
        return aligned

    def _replace_one(self, match: re.Match[str]) -> str:
        return self._one_for_one.get(match[0], match[0])


# Characters that NFKC neither joins to the one before them nor changes, or that stay all the same.
_STABLE = r" -~ぁ-ゖゝゞァ-ヺ・ーヽヾ一-鿿㐀-䶿々〆〇、。〈-〕“”‘’！？…‥～〜―○×△●◎"
# Of these, the ones that no other rule touches either, unless they repeat or a dash follows
# katakana.
_NOT_PLAIN = re.compile(
    r"[^ \"->@-}ぁ-ゖゝゞァ-ヺ・ーヽヾ一-鿿㐀-䶿々〆〇、。〈-〕“”‘’"
    r"！？…‥〜―○×△●◎]"
)
_REPEATED = re.compile(r"([ー〜！？ぁぃぅぇぉっゃゅょァィゥェォッャュョ])\1+")
_DASH = re.compile("[ァ-ヺー]―")
# What else is frequent goes one for one, whatever stands beside it.
_FULL_WIDTH = {chr(0xFEE0 + c): chr(c) for c in range(0x21, 0x7E) if chr(c) not in "!?-"}


def is_plain(text: str) -> bool:
    """Whether no rule can change this text: asked of every line, true of most, so it is fast."""
    if _NOT_PLAIN.search(text) or ("―" in text and _DASH.search(text)):
        return False
    return not _REPEATED.search(text)


def _apply(edits: Iterable[Edit], aligned: Aligned) -> Aligned:
    """Carry out edits (in order, not overlapping). Replaced characters share one origin."""
    text, start, end = aligned
    edits = list(edits)
    if not edits:
        return aligned
    pieces: list[str] = []
    done = 0
    for a, b, new in edits:
        pieces += text[done:a], new
        done = b
    pieces.append(text[done:])
    replaced = "".join(pieces)
    if start is None or end is None:
        if all(len(new) == b - a for a, b, new in edits):
            return Aligned(replaced)
        start, end = list(range(len(text))), list(range(1, len(text) + 1))
    starts: list[int] = []
    ends: list[int] = []
    done = 0
    for a, b, new in edits:
        one_for_one = len(new) == b - a
        starts += start[done:b] if one_for_one else start[done:a] + [start[a]] * len(new)
        ends += end[done:b] if one_for_one else end[done:a] + [end[b - 1]] * len(new)
        done = b
    return Aligned(replaced, starts + start[done:], ends + end[done:])


def _replace(pattern: str, new: Callable[[str], str]) -> Rule:
    """A rule that replaces each match of a regular expression."""
    compiled = re.compile(pattern)

    def edits(text: str) -> Iterator[Edit]:
        return ((match.start(), match.end(), new(match[0])) for match in compiled.finditer(text))

    return edits


def _compatibility(pattern: str) -> Rule:
    """A rule that brings each match of a regular expression to NFKC, cluster by cluster."""
    compiled = re.compile(pattern)

    def edits(text: str) -> Iterator[Edit]:
        for match in compiled.finditer(text):
            start = match.start()
            for cluster in clusters(match[0]):
                end = start + len(cluster)
                new = unicodedata.normalize("NFKC", cluster)
                long_vowel = cluster == "－" and _KATAKANA.match(text, start - 1)
                if new != cluster and not long_vowel and not any(map(str.isspace, new)):
                    yield start, end, new
                start = end

    return edits


def clusters(text: str) -> Iterator[str]:
    """Cut a text where the NFKC of its parts, joined, is the NFKC of the whole."""
    start = 0
    for i in range(1, len(text)):
        if unicodedata.combining(unicodedata.normalize("NFKD", text[i])[0]):
            continue
        # Hangul and a few Indic vowels compose without being combining marks. Looking back 32
        # characters at most bounds the work on a text made to be slow.
        before = unicodedata.normalize("NFKC", text[max(start, i - 32) : i])
        here = unicodedata.normalize("NFKC", text[i])
        if unicodedata.normalize("NFKC", before + here) == before + here:
            yield text[start:i]
            start = i
    yield text[start:]


_KATAKANA = re.compile("[ァ-ヺーｦ-ﾟ]")

RULES: dict[str, Rule] = {
    "invisible": _replace(
        r"[\x01-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u061c\u180b-\u180f\u200b-\u200f\u202a-\u202e"
        r"\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e01ef]+",
        lambda _: "",
    ),
    # A stable character before a run of others goes with it: a combining mark may join it. Those
    # that NFKC itself would make ASCII stay, and no mark joins them.
    "nfkc": _compatibility(f"(?![！？…‥～])[{_STABLE}]?[^{_STABLE}]+"),
    "width": lambda text: _width(text),
    "choonpu": _replace("(?<=[ァ-ヺー])[‐-―−─━－](?![‐-―−─━－])", lambda _: "ー"),
    "tilde": _replace(r"[∼∾～〰]+|(?<=[^\x00-\x7f])~+", lambda run: "〜" * len(run)),
    "repeats": _replace(_REPEATED.pattern, lambda run: run[0]),
}
_fold = _compatibility("[\uff02-\uff1e\uff20-\uff5d\uff5f-\uffef]+")
# ~ is passed over: the tilde rule will make it Japanese, and what follows it follows no ASCII then.
_marks = _replace(r"(?<=[^\x00-\x7f])[!?~]+", lambda run: run.translate({33: "！", 63: "？"}))
_separators = _replace(
    r"[\x00\ud800-\udfff]|[^\S ]", lambda c: "�" if "\ud800" <= c <= "\udfff" else " "
)


def _width(text: str) -> Iterator[Edit]:
    yield from sorted([*_fold(text), *_marks(text)])
