"""Words that whitespace separates: for text that is already tokenized, and for languages with
spaces."""

from typing import ClassVar

from jpseq.sequences import Tokens
from jpseq.text.tokenizer import Tokenizer, spans


class Whitespace(Tokenizer):
    """What stands between spaces is a token.

    >>> Whitespace().words("this  is\\tit")
    ['this', 'is', 'it']
    """

    name: ClassVar[str] = "whitespace"

    def analyse(self, text: str) -> Tokens:
        form = text.split()
        start, end = spans(text, form)
        return Tokens(text, start, end, form)
