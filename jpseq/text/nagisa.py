"""nagisa: a recurrent network that cuts and tags, without a dictionary of words to look up."""

import unicodedata
from collections.abc import Sequence
from typing import ClassVar

import nagisa

from jpseq.sequences import Tokens
from jpseq.text.analyser import Analyser, add, nothing
from jpseq.text.normalizer import Aligned, clusters
from jpseq.text.tokenizer import whole_words


class Nagisa(Analyser):
    """Words with part of speech, by nagisa: a bidirectional LSTM over characters.

    It gives no lemma and no reading.

    >>> Nagisa().words("東京で寿司を食べた")
    ['東京', 'で', '寿司', 'を', '食べ', 'た']

    Args:
        pos: keep only these parts of speech, as in MeCab.
        rules: names of the normaliser's rules; None for all, () for none.
    """

    name: ClassVar[str] = "nagisa"

    def __init__(self, pos: Sequence[str] = (), rules: Sequence[str] | None = None) -> None:
        super().__init__(rules)
        self.pos = pos

    def morphemes(self, text: str) -> Tokens:
        # nagisa brings the text to NFKC first, whatever our rules: its words are those of that
        # text, and their places are found again by what each character became.
        seen = _compatible(text)
        found = nagisa.tagging(seen.text)
        tokens = nothing(seen.text)
        end = 0
        for word, pos in zip(found.words, found.postags, strict=True):
            add(tokens, end, end + len(word), pos=pos)
            end += len(word)
        tokens.text = text
        if seen.start is not None:
            tokens = whole_words(tokens, seen)
        return Tokens(text, tokens.start, tokens.end, tokens.surface, pos=tokens.pos)


def _compatible(text: str) -> Aligned:
    """A text in NFKC, and where each of its characters comes from."""
    if unicodedata.is_normalized("NFKC", text):
        return Aligned(text)
    pieces, start, end = [], [], []
    done = 0
    for cluster in clusters(text):
        piece = unicodedata.normalize("NFKC", cluster)
        one_for_one = len(piece) == len(cluster)
        for i in range(len(piece)):
            start.append(done + i if one_for_one else done)
            end.append(done + i + 1 if one_for_one else done + len(cluster))
        pieces.append(piece)
        done += len(cluster)
    return Aligned("".join(pieces), start, end)
