"""Translations as they are scored: BLEU of words, chrF of texts."""

from collections.abc import Sequence

from jpseq.evaluation.translation import Translated
from jpseq.text.mecab import default_tokenizer
from jpseq.text.subword import SentencePiece
from jpseq.text.tokenizer import Tokenizer
from jpseq.text.whitespace import Whitespace
from jpseq.translation.translation import Translation


class Forms:
    """Words and texts of translations and references, for a tokenizer of the target.

    BLEU is of the tokenizer's own words. Where these are pieces of words it is of MeCab's, or, if
    the texts were already tokenized (identity), of what spaces separate.

    Args:
        tokenizer: of the target side.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.pieces = isinstance(tokenizer, SentencePiece)
        self.tokenizer = tokenizer
        if isinstance(tokenizer, SentencePiece):
            self.tokenizer = Whitespace(()) if tokenizer.identity else default_tokenizer()

    def translations(self, found: Sequence[Sequence[Translation]]) -> Translated:
        """Of the best of each text's translations."""
        best = [some[0] for some in found]
        if self.pieces:
            return self.texts([translation.text for translation in best])
        words = [translation.words for translation in best]
        return Translated(words, [translation.text for translation in best])

    def is_like(self, other: "Forms") -> bool:
        """Whether another has the same words of the same translations."""
        return self.pieces == other.pieces and self.tokenizer.is_like(other.tokenizer)

    def of_any_text(self) -> "Forms":
        """The same for texts that another translator has written, too.

        A tokenizer that looks for spaces only finds no words in these: then it is MeCab's.
        """
        return Forms(default_tokenizer()) if isinstance(self.tokenizer, Whitespace) else self

    def texts(self, texts: Sequence[str]) -> Translated:
        """Of texts."""
        return Translated([self.tokenizer.words(text) for text in texts], texts)
