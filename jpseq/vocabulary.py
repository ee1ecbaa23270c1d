"""Words and their ids: Tokens ↔ Ragged ids, one-hot rows, coverage.

The worked example: seven words, ids 0 to 6, one-hot rows of length seven, and an embedding (any
table with a row for each word) that the same ids look up.

>>> from jpseq.text.mecab import MeCab
>>> tokens = MeCab().transform(["私は普通の日本人です"])
>>> vocabulary = Vocabulary().fit(tokens)
>>> vocabulary.words
('私', 'は', '普通', 'の', '日本', '人', 'です')
>>> ids = vocabulary.transform(tokens)[0]
>>> ids
array([0, 1, 2, 3, 4, 5, 6], dtype=int32)
>>> vocabulary.one_hot(ids)[2]
array([0., 0., 1., 0., 0., 0., 0.], dtype=float32)
>>> embedding = np.array([[1, 2], [3, 4], [5, 6], [7, 8], [9, 0], [1, 3], [5, 7]])
>>> embedding[ids[2]]
array([5, 6])
>>> np.array_equal(vocabulary.one_hot(ids) @ embedding, embedding[ids])
True
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from jpseq.errors import ConfigurationError, DataError, NotFittedError
from jpseq.parameters import check_names
from jpseq.sequences import Ragged, Tokens
from jpseq.stage import Stage

UNKNOWN = "<unk>"
FORMAT_VERSION = 1


@dataclass(frozen=True)
class Coverage:
    """How much of a text a vocabulary knows."""

    tokens: int
    known: int
    types: int
    known_types: int
    missing: list[tuple[str, int]]
    """Unknown words with their counts, most frequent first."""

    @property
    def rate(self) -> float:
        """Share of the tokens that are known; 1 for an empty text."""
        return self.known / self.tokens if self.tokens else 1.0


class Vocabulary(Stage):
    """Tokens → ids. Ids go by frequency, ties by first occurrence; specials come first.

    All words are kept with their exact counts. `min_count` and `max_size` are one upper bound on
    ids: `len(vocabulary)` and `words` stop there, and a word beyond it is an unknown one.

    Args:
        specials: words that get the first ids whatever the text, for instance
            ("<pad>", "<unk>"). With "<unk>" among them an unknown word gets its id; without,
            an unknown word is an error.
        min_count: words rarer than this are unknown.
        max_size: at most so many ids, specials included; None for no limit.

    Raises:
        ConfigurationError: specials is no list of texts, or a bound is below 1.
    """

    kind: ClassVar[str] = "vocabulary"
    name: ClassVar[str] = "words"
    takes: ClassVar[str] = "tokens"
    gives: ClassVar[str] = "ids"

    def __init__(
        self, specials: Sequence[str] = (), min_count: int = 1, max_size: int | None = None
    ) -> None:
        self.specials = specials
        self.min_count = min_count
        self.max_size = max_size

    # Learning: counts in order of first occurrence, so that parts can be merged in their order.

    def fit(self, rows: Iterable[Tokens | Sequence[str]], y: object = None) -> Self:
        """Count the words of rows (Tokens or lists of words), forgetting what was learnt before."""
        self.counts_: Counter[str] = Counter()
        return self.partial_fit(rows)

    def partial_fit(self, rows: Iterable[Tokens | Sequence[str]], y: object = None) -> Self:
        """Count the words of more rows."""
        counts = self.__dict__.setdefault("counts_", Counter())
        for row in rows:
            counts.update(_words(row))
        return self._forget_ids()

    def merge(self, other: "Vocabulary") -> Self:
        """Add the counts of a vocabulary that was fitted on the text after this one's."""
        self.__dict__.setdefault("counts_", Counter()).update(other._fitted_counts())
        return self._forget_ids()

    def set_params(self, **params: Any) -> Self:
        super().set_params(**params)
        return self._forget_ids()

    def _forget_ids(self) -> Self:
        for name in ("_ids", "_words"):
            self.__dict__.pop(name, None)
        return self

    # Looking up

    @property
    def words(self) -> tuple[str, ...]:
        """The words by id, within the bound."""
        return self._table()[0]

    @property
    def counts(self) -> npt.NDArray[np.int64]:
        """(len(self),) how often each word was counted; 0 for a special that no text held."""
        counts = self._fitted_counts()
        return np.array([counts.get(word, 0) for word in self.words], np.int64)

    def id(self, word: str) -> int:
        """The id of a word.

        Raises:
            DataError: the word is unknown and there is no "<unk>".
        """
        ids = self._table()[1]
        found = ids.get(word, ids.get(UNKNOWN))
        if found is None:
            raise DataError(
                f"the word {word!r} is not in the vocabulary of {len(self)} words. Fit it on text"
                " with this word, or give unknown words an id:"
                f' Vocabulary(specials=("{UNKNOWN}",)).'
            )
        return found

    def __contains__(self, word: str) -> bool:
        return word in self._table()[1]

    def __len__(self) -> int:
        return len(self.words)

    def transform(self, rows: Iterable[Tokens | Sequence[str]]) -> Ragged:
        """Ids of rows of words."""
        ids = self._table()[1]
        unknown = ids.get(UNKNOWN)
        flat: list[int] = []
        offsets = [0]
        for row in rows:
            words = _words(row)
            if unknown is None:
                flat += [ids[word] if word in ids else self.id(word) for word in words]
            else:
                flat += [ids.get(word, unknown) for word in words]
            offsets.append(len(flat))
        return Ragged(np.array(flat, np.int32), np.array(offsets, np.int64))

    def inverse_transform(self, rows: Iterable[npt.ArrayLike]) -> list[list[str]]:
        """Words of rows of ids."""
        words = self.words
        result = []
        for row in rows:
            ids = np.asarray(row)
            if ids.size and (ids.min() < 0 or ids.max() >= len(words)):
                raise DataError(f"ids run from 0 to {len(words) - 1}, got {ids.tolist()}.")
            result.append([words[i] for i in ids.tolist()])
        return result

    def one_hot(self, ids: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """(T,) ids → (T, len(self)) rows that are 1 at the id and 0 elsewhere."""
        places = np.asarray(ids, np.int64)
        if places.size and (places.min() < 0 or places.max() >= len(self)):
            raise DataError(f"ids run from 0 to {len(self) - 1}, got {places.tolist()}.")
        rows = np.zeros((*places.shape, len(self)), np.float32)
        np.put_along_axis(rows, places[..., None], 1, axis=-1)
        return rows

    def coverage(self, rows: Iterable[Tokens | Sequence[str]]) -> Coverage:
        """How many of these words are known, and which are not."""
        counts: Counter[str] = Counter()
        for row in rows:
            counts.update(_words(row))
        missing = Counter({w: n for w, n in counts.items() if w not in self})
        return Coverage(
            tokens=counts.total(),
            known=counts.total() - missing.total(),
            types=len(counts),
            known_types=len(counts) - len(missing),
            missing=missing.most_common(),
        )

    def _fitted_counts(self) -> "Counter[str]":
        try:
            return self.counts_
        except AttributeError:
            raise NotFittedError("This vocabulary is empty: call fit(rows) or load one.") from None

    def _table(self) -> tuple[tuple[str, ...], dict[str, int]]:
        if "_ids" not in self.__dict__:
            counts = self._fitted_counts()
            check_names("specials", self.specials)
            if self.min_count < 1 or (self.max_size is not None and self.max_size < 1):
                raise ConfigurationError("min_count and max_size of a vocabulary are at least 1.")
            words = [*dict.fromkeys(self.specials)]
            special = set(words)
            # sorted is stable, and a Counter keeps the order of first occurrence.
            ranked = sorted(counts.items(), key=lambda item: -item[1])
            words += [w for w, n in ranked if n >= self.min_count and w not in special]
            self._words = tuple(words[: self.max_size])
            self._ids = {word: i for i, word in enumerate(self._words)}
        return self._words, self._ids

    # Files

    def to_json(self) -> str:
        """All words and counts as JSON, the same bytes for the same content.

        Raises:
            DataError: a word is no text, or cannot be written in UTF-8.
        """
        check_names("specials", self.specials)
        ranked = sorted(self._fitted_counts().items(), key=lambda item: -item[1])
        for word in (*self.specials, *self._fitted_counts()):
            _check_word(word)
        content = {
            "format": "jpseq vocabulary",
            "version": FORMAT_VERSION,
            "specials": list(self.specials),
            "min_count": self.min_count,
            "max_size": self.max_size,
            "words": [word for word, _ in ranked],
            "counts": [count for _, count in ranked],
        }
        return json.dumps(content, ensure_ascii=False, indent=0) + "\n"

    def hash(self) -> str:
        """SHA-256 of the JSON; errors as in to_json."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    def save(self, path: Path | str) -> None:
        """Write the JSON to a file; errors as in to_json."""
        Path(path).write_text(self.to_json(), encoding="utf-8")

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """Read what save has written.

        Raises:
            DataError: the file is missing or is no vocabulary.
        """
        try:
            content = json.loads(Path(path).read_text(encoding="utf-8"))
        except OSError as error:
            raise DataError(f"cannot be read ({error.strerror}).", path) from error
        except ValueError as error:
            raise DataError(f"not a vocabulary: {error}.", path) from error
        if not isinstance(content, dict) or content.get("format") != "jpseq vocabulary":
            raise DataError("not a vocabulary; `jpseq vocab build` writes one.", path)
        if content.get("version") != FORMAT_VERSION:
            raise DataError(
                f"a vocabulary of format {content.get('version')}; this jpseq reads"
                f" {FORMAT_VERSION}.",
                path,
            )
        keys = ("words", "counts", "specials", "min_count", "max_size")
        fields: list[Any] = [content.get(key) for key in keys]
        words, counts, specials, min_count, max_size = fields
        sound = (
            isinstance(words, list)
            and isinstance(counts, list)
            and isinstance(specials, list)
            and all(isinstance(word, str) for word in words + specials)
            and len(words) == len(counts) == len(set(words))
            and all(isinstance(count, int) and count > 0 for count in counts)
            and isinstance(min_count, int)
            and isinstance(max_size, int | None)
        )
        if not sound:
            raise DataError("damaged: words, counts and bounds do not fit together.", path)
        vocabulary = cls(tuple(specials), min_count, max_size)
        vocabulary.counts_ = Counter(dict(zip(words, counts, strict=True)))
        return vocabulary

    def save_state(self, folder: Path) -> None:
        self.save(folder / "vocabulary.json")

    def load_state(self, folder: Path) -> None:
        self.counts_ = self.load(folder / "vocabulary.json").counts_
        self._forget_ids()


def _check_word(word: object) -> None:
    if not isinstance(word, str):
        raise DataError(
            f"the word {word!r} is of type {type(word).__name__}; words of a vocabulary are texts."
        )
    try:
        word.encode()
    except UnicodeEncodeError:
        raise DataError(
            f"the word {word!r} cannot be written in UTF-8; leave it out of the words or specials."
        ) from None


def _words(row: Tokens | Sequence[str]) -> Sequence[str]:
    if isinstance(row, str):
        raise DataError("a row of words is wanted (Tokens or a list), got one text; tokenize it.")
    return row.form if isinstance(row, Tokens) else row
