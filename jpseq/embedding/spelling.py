"""How words are written in a network's ids: each by one id, or by those of its pieces."""

from collections import Counter
from collections.abc import Iterable, Iterator

import numpy as np

from jpseq.embedding.masking import MASK_ID, SPECIALS
from jpseq.errors import NotFittedError
from jpseq.sequences import Ragged
from jpseq.text.subword import SentencePiece
from jpseq.vocabulary import UNKNOWN, Vocabulary

Word = str | None
"""None for a word that is not known because it is masked."""

READ = 2_000_000
"""Words that pieces are learnt from: more of them change little."""
LINE = 900
"""Characters of a line of words; the trainer cuts longer ones in the middle of a word."""


def spell(
    words: Iterable[Word], vocabulary: Vocabulary, subwords: SentencePiece | None, longest: int
) -> Ragged:
    """The ids of each word; of one that cannot be written, that of <unk>.

    Args:
        words: in the order of the rows wanted.
        vocabulary: of pieces, or of words where there are no pieces.
        subwords: cuts words into pieces.
        longest: ids of a word; what goes beyond is left out.
    """
    flat: list[int] = []
    offsets = [0]
    unknown = vocabulary.id(UNKNOWN)
    for word in words:
        if word is None:
            flat.append(MASK_ID)
        elif word in SPECIALS:  # a text that talks of them
            flat.append(unknown)
        else:
            pieces = [word] if subwords is None else pieces_of(word, subwords)
            flat += [vocabulary.id(piece) for piece in pieces[:longest]] or [unknown]
        offsets.append(len(flat))
    return Ragged(np.array(flat, np.int32), np.array(offsets, np.int64))


def pieces_of(word: str, subwords: SentencePiece) -> list[str]:
    """The pieces of a word, without a ▁ alone: where words begin is known, and it would be read
    before every rare word."""
    pieces = subwords.words(word)
    return pieces[1:] if len(pieces) > 1 and pieces[0] == "▁" else pieces


def learn_pieces(subwords: SentencePiece, words: Vocabulary) -> Vocabulary:
    """The vocabulary of a model's pieces, with their counts in a corpus of words.

    Args:
        subwords: learns from the words, if it has not learnt yet.
        words: of the corpus, with their counts.

    Raises:
        ConfigurationError: its size does not suit the words.
    """
    try:
        subwords.words("夜")
    except NotFittedError:
        subwords.fit(_lines(words))
    counts: Counter[str] = Counter()
    for word, count in words.counts_.items():
        for piece in pieces_of(word, subwords):
            counts[piece] += count
    specials = (*SPECIALS, *(piece for piece in subwords.pieces if piece not in SPECIALS))
    vocabulary = Vocabulary(specials)
    vocabulary.counts_ = Counter({p: counts[p] for p in specials if counts[p]})
    return vocabulary


def _lines(words: Vocabulary) -> Iterator[str]:
    """Each word in proportion to its count, once at least, as texts that are tokenized already."""
    total = words.counts_.total()
    for word, count in words.counts_.items():
        copies = max(1, round(count * min(1.0, READ / total)))
        together = max(1, LINE // (len(word) + 1))
        for first in range(0, copies, together):
            yield " ".join([word] * min(together, copies - first))


def whole_words(vocabulary: Vocabulary, subwords: SentencePiece | None) -> list[int]:
    """The ids that are words by themselves: all, or the pieces that a word can begin with."""
    ids = range(len(SPECIALS), len(vocabulary))
    if subwords is None:
        return [*ids]
    words = vocabulary.words
    whole = [i for i in ids if words[i].startswith("▁") and len(words[i]) > 1]
    return whole or [*ids]  # so few pieces that each is a character
