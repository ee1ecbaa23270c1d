"""Characters as tokens."""

from typing import ClassVar

from jpseq.sequences import Tokens
from jpseq.text.tokenizer import Tokenizer


class Characters(Tokenizer):
    """Every character but the spaces is a token.

    >>> Characters().words("夜 空")
    ['夜', '空']
    """

    name: ClassVar[str] = "characters"

    def analyse(self, text: str) -> Tokens:
        start = [i for i, character in enumerate(text) if character != " "]
        return Tokens(text, start, [i + 1 for i in start], [text[i] for i in start])
