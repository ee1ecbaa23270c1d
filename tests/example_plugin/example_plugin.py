"""A tokenizer and a responder of another package."""

import re
from collections.abc import Sequence
from pathlib import Path

from jpseq import Tokenizer, Tokens


class Commas(Tokenizer):
    """What stands between commas is a token, spaces aside."""

    name = "commas"

    def analyse(self, text: str) -> Tokens:
        words = [*re.finditer("[^,、 ]+|[,、]", text)]
        return Tokens(
            text, [w.start() for w in words], [w.end() for w in words], [w[0] for w in words]
        )


class Parrot:
    """Says what was said."""

    def reply(self, history: Sequence[str], *, temperature: float = 0.0, seed: int = 0) -> str:
        return history[-1]


class Shiritori:
    """Answers a word by one that begins with its last sound; the guide shows this responder."""

    def __init__(self, file: Path) -> None:
        self.words = Path(file).read_text("utf-8").split()

    def find(self, history: Sequence[str]) -> list[str]:
        last = history[-1].rstrip("。！？")
        return [word for word in self.words if word[0] == last[-1:] and word not in history]

    def reply(self, history: Sequence[str], *, temperature: float = 0.0, seed: int = 0) -> str:
        found = self.find(history)
        if not found:
            return "参りました。"
        word = found[seed % len(found) if temperature else 0]
        return f"{word}。"

    def refusal(self, history: Sequence[str]) -> str | None:
        return None if self.find(history) else "参りました。"
