"""Answering by rules: patterns and what is said to them, from a TOML file.

    [[rule]]
    to = ["おはよう(ございます)?", "こんにちは"]
    say = ["こんにちは。", "どうも。"]

    [[rule]]
    to = ["(私は|わたしは)?(?P<name>[^はが]+)といいます"]
    say = ["{name}さんですね。はじめまして。"]

A pattern is a regular expression (Python's) for the whole of a turn, as the normaliser spells it
and without the marks at its end: 「こんにちは」 is also こんにちは！ and こんにちは。
A ー at the end may belong to the word (コーヒー) or only lengthen it (こんにちはー); a pattern
may fit with it or without.
"""

import re
import string
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jpseq.configuration import Configuration
from jpseq.corpora.toml import read_toml
from jpseq.dialogue.responder import DONT_KNOW, check_draw, check_history
from jpseq.errors import ConfigurationError, DataError, did_you_mean
from jpseq.text.normalizer import Normalizer

LONGEST = 200
"""Characters; a longer turn fits no rule, so that no pattern has to be tried on a novel."""
_MARKS = " 。．.、,！!？?…‥〜～♪"
_HEADER = re.compile(r"^[ \t]*\[\[[ \t]*rule[ \t]*\]\]", re.MULTILINE)
_FORM = '[[rule]], to = ["PATTERN", ...], say = ["REPLY", ...]'


class _Rule(Configuration):
    to: list[str]
    say: list[str]


class Rule(NamedTuple):
    """Patterns, and what is said to whatever fits one of them."""

    place: str
    """Where it stands in the file."""
    patterns: list[re.Pattern[str]]
    replies: list[str]


class Scripted:
    """A responder that follows rules; the first that fits decides.

    At temperature 0 it says the first reply of a rule, else one drawn by the seed. A reply may hold
    what a named part of the pattern has found: {name} for (?P<name>...).

    Args:
        file: the rules.

    Raises:
        DataError: the file cannot be read, is not TOML, or a rule is wrong; it names the rule and
            its line.
    """

    def __init__(self, file: Path | str) -> None:
        self.file = Path(file)
        self.rules = read_rules(self.file)
        self._normalizer = Normalizer()

    def reply(self, history: Sequence[str], *, temperature: float = 0.0, seed: int = 0) -> str:
        """Answer the last turn (see Responder); 「わかりません。」 where no rule fits.

        Raises:
            DataError: the history is empty.
            ConfigurationError: the temperature or the seed is not allowed.
        """
        check_draw(temperature, seed)
        found = self._find(history)
        if found is None:
            return DONT_KNOW
        rule, match = found
        chosen = 0
        if temperature > 0:
            chosen = int(np.random.default_rng(seed).integers(len(rule.replies)))
        parts = {name: part or "" for name, part in match.groupdict().items()}
        return rule.replies[chosen].format_map(parts)

    def refusal(self, history: Sequence[str]) -> str | None:
        """「わかりません。」 where no rule fits."""
        return DONT_KNOW if self._find(history) is None else None

    def why(
        self, history: Sequence[str], *, temperature: float = 0.0, seed: int = 0
    ) -> Mapping[str, str]:
        """The rule and its pattern."""
        found = self._find(history)
        if found is None:
            return {"responder": "scripted", "rule": "none fits"}
        return {
            "responder": "scripted",
            "rule": f"{self.file.name}, {found[0].place}",
            "pattern": found[1].re.pattern,
        }

    def about(self) -> str:
        """How many rules there are."""
        return f"scripted ({len(self.rules)} rules of {self.file.name})"

    def _find(self, history: Sequence[str]) -> tuple[Rule, re.Match[str]] | None:
        check_history(history)
        text = self._normalizer(history[-1]).strip().rstrip(_MARKS)
        short = text.rstrip(_MARKS + "ー")
        if not short or len(text) > LONGEST:
            return None
        for rule in self.rules:
            for pattern in rule.patterns:
                if match := pattern.fullmatch(text) or pattern.fullmatch(short):
                    return rule, match
        return None


def read_rules(file: Path) -> list[Rule]:
    """The rules of a TOML file.

    Raises:
        DataError: as Scripted.
    """
    content = read_toml(file)
    for key in content:
        if key != "rule":
            raise DataError(f"there is no {key!r}.{did_you_mean(key, ['rule'])} {_FORM}.", file)
    entries = content.get("rule")
    if not isinstance(entries, list) or not entries:
        raise DataError(f"holds no rules. A rule is {_FORM}.", file)
    text = file.read_text(encoding="utf-8-sig")
    headers = [text.count("\n", 0, found.start()) + 1 for found in _HEADER.finditer(text)]
    rules = []
    for number, entry in enumerate(entries, 1):
        line = headers[number - 1] if len(headers) == len(entries) else None
        try:
            rules.append(_rule(entry, f"rule {number}" + (f" (line {line})" if line else "")))
        except ConfigurationError as error:
            raise DataError(f"rule {number}: {error} A rule is {_FORM}.", file, line) from None
    return rules


def _rule(entry: Any, place: str) -> Rule:
    if not isinstance(entry, dict):
        raise ConfigurationError("is no table.")
    checked = _Rule.check(entry)
    for name, texts in (("to", checked.to), ("say", checked.say)):
        if not texts or not all(text.strip() for text in texts):
            raise ConfigurationError(f"{name} needs a text, and none may be empty.")
    patterns = []
    for pattern in checked.to:
        try:
            patterns.append(re.compile(pattern))
        except (re.error, OverflowError, RecursionError) as error:  # a{99999999999}, ((((...
            raise ConfigurationError(
                f"{pattern!r} is no regular expression ({error}); a character that means itself has"
                " a backslash before it, and TOML wants such patterns in single quotes: '\\?'."
            ) from None
    for reply in checked.say:
        _check_reply(reply, patterns)
    return Rule(place, patterns, checked.say)


def _check_reply(reply: str, patterns: Sequence[re.Pattern[str]]) -> None:
    """See that what a reply takes from the pattern is there, whichever pattern fits."""
    try:
        names = [(name, form, kind) for _, name, form, kind in string.Formatter().parse(reply)]
    except ValueError as error:
        raise ConfigurationError(f"{reply!r}: {error}; a brace itself is {{{{ or }}}}.") from None
    for name, form, kind in names:
        if name is None:
            continue
        if form or kind or not all(name in pattern.groupindex for pattern in patterns):
            raise ConfigurationError(
                f"{reply!r} takes {{{name}}}, which not every pattern finds: (?P<{name}>...)."
            )
