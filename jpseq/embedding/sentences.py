"""What word vectors are learnt from: sentences of ids, gone through piece by piece."""

import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from jpseq.corpora.prepared import MARK, Prepared
from jpseq.corpora.words import Words
from jpseq.errors import DataError
from jpseq.sequences import Ragged, Tokens
from jpseq.text.tokenizer import Tokenizer
from jpseq.vocabulary import Vocabulary

Corpus = Prepared | Path | str | Iterable[Tokens | Sequence[str]]
"""A prepared corpus or its folder, files, or lists of words."""

PIECE = 50_000
"""Words of a piece, about: some 20 ms of work, after which one can look up or stop."""
NOWHERE = np.iinfo(np.int32).max
"""An id beyond any vocabulary: such words are passed over."""


class Counted(NamedTuple):
    """Sentences, and the vocabulary whose ids they are made of."""

    ids: Ragged
    vocabulary: Vocabulary


def loaded(corpus: Corpus) -> Corpus:
    """A prepared corpus for its folder; anything else as it is."""
    if isinstance(corpus, str | Path) and (Path(corpus) / MARK).exists():
        return Prepared.load(corpus)
    return corpus


@contextmanager
def opened(
    corpus: Corpus, tokenizer: Tokenizer | None = None, workers: int | None = None
) -> Iterator[Counted]:
    """The ids of a corpus, whatever its form, and its words with their counts.

    Args:
        corpus: see Corpus. Files are prepared in a temporary folder first.
        tokenizer: cuts the text of files into words.
        workers: processes that do so; None for one on each core.

    Raises:
        DataError: it cannot be read, or holds no words.
    """
    corpus = loaded(corpus)
    if isinstance(corpus, Prepared):
        yield Counted(corpus.ids, corpus.vocabulary)
    elif isinstance(corpus, str | Path):
        from jpseq.corpora.prepare import prepare

        with tempfile.TemporaryDirectory(prefix="jpseq-") as folder:
            prepared = prepare(
                corpus, Path(folder) / "corpus", tokenizer=tokenizer, workers=workers
            )
            yield Counted(prepared.ids, prepared.vocabulary)
    else:
        yield _encoded(corpus)


def _encoded(rows: Iterable[Tokens | Sequence[str]]) -> Counted:
    """One pass: words are numbered as they come, and by frequency at the end."""
    words = Words()
    try:
        for row in rows:
            if isinstance(row, str):
                raise DataError(
                    f"rows of words are wanted, got a text: {row[:20]!r}. Cut it into words:"
                    " MeCab().words(text); the name of a file is given by itself."
                )
            words.add(row.form if isinstance(row, Tokens) else row)
        provisional, different = words.ids(), words.different()
    except TypeError as error:
        raise DataError(f"rows of words are wanted, lists of texts ({error}).") from None
    if foreign := next((word for word in different if not isinstance(word, str)), None):
        raise DataError(f"rows of words are wanted, lists of texts; got the word {foreign!r}.")
    counts = np.bincount(provisional, minlength=len(different))
    order = np.argsort(-counts, kind="stable")
    final = np.empty(len(different), np.int32)
    final[order] = np.arange(len(different))
    vocabulary = Vocabulary()
    vocabulary.counts_ = Counter(dict(zip(different, counts.tolist(), strict=True)))
    offsets = np.concatenate([[0], np.cumsum(words.lengths, dtype=np.int64)])
    return Counted(Ragged(final[provisional], offsets), vocabulary)


def renamed(there: Vocabulary, here: Vocabulary) -> npt.NDArray[np.int32]:
    """(len(there),) the id in `here` of each word, beyond all ids where there is none."""
    words = here.words
    ids = dict(zip(words, range(len(words)), strict=True))
    names = (ids.get(word, NOWHERE) for word in there.words)
    return np.fromiter(names, np.int32, len(there))


class Piece(NamedTuple):
    """Some sentences on their own."""

    ids: npt.NDArray[np.int32]
    offsets: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Pieces:
    """Sentences cut into pieces of about equally many words, each copied when it is asked for.

    Args:
        ids: the sentences, perhaps memory-mapped.
        names: (V,) what each id of theirs is called here.
        left_out: (S,) sentences that are passed over; None for none of them.
        size: words of a piece, about; a longer sentence is a piece of its own.
    """

    ids: Ragged
    names: npt.NDArray[np.int32]
    left_out: npt.NDArray[np.bool_] | None = None
    size: int = PIECE

    def bounds(self) -> npt.NDArray[np.int64]:
        """(P + 1,) before which sentences pieces begin."""
        offsets = self.ids.offsets
        wanted = np.arange(offsets[0], offsets[-1], self.size)
        cuts = np.searchsorted(offsets[:-1], wanted)
        return np.unique([0, *cuts, len(self.ids)])

    def words_before(self) -> npt.NDArray[np.int64]:
        """(P + 1,) words before each piece, and of all."""
        places: npt.NDArray[np.int64] = self.ids.offsets[self.bounds()] - self.ids.offsets[0]
        return places

    def piece(self, first: int, last: int) -> Piece:
        """Sentences from first to last - 1."""
        offsets = np.array(self.ids.offsets[first : last + 1])
        ids = self.names[self.ids.values[offsets[0] : offsets[-1]]]
        if self.left_out is not None:
            out = np.repeat(self.left_out[first:last], np.diff(offsets))
            ids[out] = NOWHERE
        return Piece(ids, offsets - offsets[0])


def drawn(sentences: int, share: float, seed: int) -> npt.NDArray[np.bool_]:
    """(S,) a share of sentences, drawn by chance: at least one where there are two."""
    chosen: npt.NDArray[np.bool_] = np.zeros(sentences, np.bool_)
    count = min(sentences - 1, max(1, round(sentences * share))) if share else 0
    places: Any = np.random.default_rng(seed).choice(sentences, max(0, count), replace=False)
    chosen[places] = True
    return chosen
