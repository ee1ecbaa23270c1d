"""A tokenizer and a responder of another package."""

import re
from collections.abc import Sequence

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
