"""Word vectors: look-up, similarity, neighbours, analogies.

>>> embeddings = Embeddings(
...     ["王", "男", "女", "女王", "犬"],
...     np.array([[1, 1, 0], [0, 1, 0], [0, 0, 1], [1, 0, 1], [-1, 0, 0]], np.float32),
... )
>>> embeddings["女王"]
array([1., 0., 1.], dtype=float32)
>>> [(word, round(cosine, 3)) for word, cosine in embeddings.similar("王", count=2)]
[('男', 0.707), ('女王', 0.5)]
>>> [word for word, _ in embeddings.analogy("男", "王", "女", count=1)]
['女王']
"""

from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self, get_args

import numpy as np
import numpy.typing as npt

from jpseq.errors import ConfigurationError, DataError, PluginError, did_you_mean
from jpseq.nearest import Score, cosine, nearest, three_cos_mul

Form = Literal["folder", "text", "binary", "safetensors", "gensim"]
Method = Literal["3cosadd", "3cosmul"]
Unknown = Literal["error", "skip", "zero", "parts"]
"""What becomes of a word without a vector:

- "error": a DataError.
- "skip": it is left out.
- "zero": its vector is zero, and its cosine with everything is 0.
- "parts": the mean of the vectors of its parts: the longest words with a vector, from left to
  right; characters that belong to none are left out. Zero where there is no such part.
"""

Vectors = npt.NDArray[np.float32]
_ROWS = 16_384  # looked through at a time
_LONGEST = 1e38  # so that no float32 product overflows
_SHORTEST = 1e-30  # below, float32 has no digits left; such a vector counts as zero
_LOOKED_AT = 20_000  # words that a did-you-mean is sought among: the first are the frequent ones


class Embeddings:
    """Words and their vectors.

    Args:
        words: V different words, the frequent ones first by custom.
        vectors: (V, D) finite values; kept as float32 without copying where they are float32.

    Raises:
        DataError: the two do not fit together, a word stands twice, a value is not finite.
    """

    def __init__(self, words: Sequence[str], vectors: npt.ArrayLike) -> None:
        self.words = _checked_words(words)
        self.vectors: Vectors = _checked_vectors(vectors, len(self.words))
        """(V, D) float32, read-only; perhaps memory-mapped."""
        self._ids = {word: i for i, word in enumerate(self.words)}
        if len(self._ids) < len(self.words):
            word = next(word for i, word in enumerate(self.words) if self._ids[word] != i)
            raise DataError(f"the word {word!r} stands there twice; a word has one vector.")
        if not isinstance(self.vectors, np.memmap):  # a map is checked where it is read
            self._lengths  # noqa: B018

    # Looking up

    @property
    def dim(self) -> int:
        """D, how many values a vector has."""
        return int(self.vectors.shape[1])

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: object) -> bool:
        return word in self._ids

    def __getitem__(self, word: str) -> Vectors:
        """(D,) the vector of a word.

        Raises:
            DataError: the word has none.
        """
        vector: Vectors = self.lookup([word])[0]
        return vector

    def id(self, word: str) -> int:
        """Which row of `vectors` is the word's.

        Raises:
            DataError: the word has none.
        """
        if word not in self._ids:
            raise DataError(
                f"the word {word!r} has no vector; there are {len(self):,}."
                f"{did_you_mean(word, self.words[:_LOOKED_AT])}"
            )
        return self._ids[word]

    def lookup(self, words: Sequence[str], unknown: Unknown = "error") -> Vectors:
        """(N, D) the vectors of words; fewer rows than words only where unknown ones are skipped.

        Args:
            words: what to look up.
            unknown: the rule for words without a vector (see Unknown).

        Raises:
            DataError: a word has no vector, and the rule is "error".
        """
        check_unknown(unknown)
        if isinstance(words, str):
            raise DataError(f"a list of words is wanted, got one text: [{words!r}]?")
        ids = [self._ids.get(word, -1) for word in words]
        if unknown == "error" and -1 in ids:
            self.id(words[ids.index(-1)])
        if unknown == "skip":
            ids = [i for i in ids if i >= 0]
        places = np.array(ids, np.int64)
        known = places >= 0
        rows = np.zeros((len(places), self.dim), np.float32)
        rows[known] = self.vectors[places[known]]
        if unknown == "parts":
            for i in np.flatnonzero(~known).tolist():
                rows[i] = self.mean(self.parts(words[i]))
        if not np.isfinite(rows).all():
            raise DataError("a vector looked up holds values that are not finite; damaged.")
        return rows

    def first(self, count: int) -> "Embeddings":
        """Those of the first so many words, which are the frequent ones by custom."""
        return Embeddings(self.words[:count], self.vectors[:count])

    def mean(self, words: Sequence[str], unknown: Unknown = "skip") -> Vectors:
        """(D,) the mean of the words' vectors; zero where there are none."""
        rows = self.lookup(words, unknown)
        if not len(rows):
            return np.zeros(self.dim, np.float32)
        return np.asarray(rows.mean(0, np.float64), np.float32)

    def parts(self, word: str) -> list[str]:
        """The longest words with a vector that a word is made of, from left to right.

        >>> Embeddings(["書", "書籍", "店"], np.eye(3)).parts("新書籍店")
        ['書籍', '店']
        """
        found, start = [], 0
        while start < len(word):
            for end in range(min(len(word), start + self._longest_word), start, -1):
                if word[start:end] in self._ids:
                    found.append(word[start:end])
                    start = end
                    break
            else:
                start += 1
        return found

    # Comparing

    def similarity(self, a: str, b: str, unknown: Unknown = "error") -> float:
        """The cosine of two words' vectors; 0 if one is zero or left out."""
        rows = [unit(self.lookup([word], unknown)) for word in (a, b)]
        return float((rows[0] @ rows[1].T).sum())

    def similar(
        self, word: str | npt.ArrayLike, count: int = 10, unknown: Unknown = "error"
    ) -> list[tuple[str, float]]:
        """The words nearest to a word (itself left out) or to a (D,) vector, with their cosines.

        Raises:
            DataError: the word has no vector by the rule given, or its vector has no direction.
        """
        exclude = None
        if isinstance(word, str):
            query = self._queries(self.lookup([word], unknown))
            exclude = np.array([[self._ids.get(word, -1)]])
        else:
            query = self._queries(word)
        if not query.any():
            what = f"the word {word!r}" if isinstance(word, str) else "the vector asked for"
            raise DataError(f"{what} has no vector but zero: nothing is near it or far from it.")
        ids, scores = self.neighbours(query, count, exclude)
        return self._named(ids[0], scores[0])

    def neighbours(
        self, queries: npt.ArrayLike, count: int = 10, exclude: npt.ArrayLike | None = None
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """The nearest words of many vectors by cosine: exact, ties by id.

        Args:
            queries: (Q, D).
            count: K, but no more than there are words.
            exclude: (Q, E) ids never found for each query, -1 for none.

        Returns:
            (Q, K) ids, best first, and (Q, K) cosines; where fewer than K words are left, ids end
            with -1 and cosines with -inf.
        """
        return self._nearest(unit(self._queries(queries))[:, None], count, exclude, cosine)

    def analogy(
        self, a: str, b: str, c: str, count: int = 10, method: Method = "3cosadd"
    ) -> list[tuple[str, float]]:
        """What is to c as b is to a: analogy("男", "王", "女") should find 女王.

        The three words themselves are never found. Scores are as in `analogies`.

        Raises:
            DataError: a word has no vector.
        """
        asked = self.lookup([a, b, c])[:, None]
        exclude = [[self._ids.get(word, -1) for word in (a, b, c)]]
        ids, scores = self.analogies(asked[0], asked[1], asked[2], count, method, exclude)
        return self._named(ids[0], scores[0])

    def analogies(
        self,
        a: npt.ArrayLike,
        b: npt.ArrayLike,
        c: npt.ArrayLike,
        count: int = 1,
        method: Method = "3cosadd",
        exclude: npt.ArrayLike | None = None,
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """Many analogies at once, as vectors.

        Args:
            a, b, c: (Q, D) each.
            count: K, but no more than there are words.
            method: "3cosadd" scores by the cosine with b - a + c, each of unit length (Mikolov,
                Yih & Zweig 2013); "3cosmul" by cos(b) cos(c) / (cos(a) + 0.001), cosines moved to
                0 ... 1 (Levy & Goldberg 2014, equation 4).
            exclude: (Q, E) ids never found, -1 for none.

        Returns:
            (Q, K) ids and (Q, K) scores, as `neighbours`.
        """
        units = np.stack([unit(self._queries(x)) for x in (a, b, c)], axis=1)
        if method == "3cosadd":
            offset = units[:, 1] - units[:, 0] + units[:, 2]
            return self._nearest(unit(offset)[:, None], count, exclude, cosine)
        if method == "3cosmul":
            return self._nearest(units, count, exclude, three_cos_mul)
        raise ConfigurationError(
            f"There is no method {method!r}.{did_you_mean(str(method), get_args(Method))}"
            f" Methods: {', '.join(get_args(Method))}."
        )

    def _queries(self, queries: npt.ArrayLike) -> npt.NDArray[np.float64]:
        rows = np.atleast_2d(np.asarray(queries, np.float64))
        if rows.ndim != 2 or rows.shape[1] != self.dim:
            raise DataError(
                f"a query has {self.dim} values here, got an array {np.shape(queries)}."
            )
        if not (np.abs(rows) <= _LONGEST).all():  # NaN is not
            raise DataError("a query holds a value that is not finite, or huge.")
        return rows

    def _nearest(
        self,
        queries: npt.NDArray[np.float64],
        count: int,
        exclude: npt.ArrayLike | None,
        score: Score,
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        if count < 1:
            raise ConfigurationError(f"count is at least 1, got {count}.")
        left_out = None if exclude is None else np.asarray(exclude, np.int64)
        most = min(count, len(self))
        return nearest(self.vectors, self._lengths, queries, most, left_out, score)

    def _named(
        self, ids: npt.NDArray[np.int64], scores: npt.NDArray[np.float64]
    ) -> list[tuple[str, float]]:
        found = zip(ids.tolist(), scores.tolist(), strict=True)
        return [(self.words[i], score) for i, score in found if i >= 0]

    @cached_property
    def _longest_word(self) -> int:
        return max(map(len, self.words), default=0)

    @cached_property
    def _lengths(self) -> npt.NDArray[np.float64]:
        """(V,) Euclidean lengths, 0 for those that count as zero."""
        lengths = np.empty(len(self))
        for start in range(0, len(self), _ROWS):
            block = self.vectors[start : start + _ROWS].astype(np.float64)
            lengths[start : start + _ROWS] = np.sqrt(np.einsum("nd,nd->n", block, block))
        sound = lengths <= _LONGEST  # NaN is not
        if not sound.all():
            word = self.words[int(np.argmin(sound))]
            raise DataError(f"the vector of {word!r} holds a value that is not finite, or huge.")
        lengths[lengths < _SHORTEST] = 0
        return lengths

    # Files and gensim

    def save(self, folder: Path | str) -> None:
        """Write a folder (embeddings.json and vectors.npy) that load maps into memory.

        Raises:
            DataError: the folder holds something else, or cannot be written.
        """
        self.export(folder, "folder")

    def export(self, path: Path | str, form: Form | None = None) -> None:
        """Write the vectors in a form that others read, whole or not at all.

        Args:
            path: a file, or a folder for the form "folder".
            form: "folder", "text" (word2vec's, which is also fastText's .vec), "binary"
                (word2vec's), "safetensors" or "gensim" (a pickle of its KeyedVectors); None tells
                it by the path's suffix.

        Raises:
            ConfigurationError: no such form, or none that goes with the suffix.
            DataError: a word that the form cannot hold; the path cannot be written.
            PluginError: gensim is not installed.
        """
        from jpseq.vector_files import write

        write(self, Path(path), form)

    @classmethod
    def load(
        cls, path: Path | str, limit: int | None = None, form: Form | None = None
    ) -> "Embeddings":
        """Read vectors: what save and export have written, or a model's folder (its word vectors).

        A folder that save has written is mapped: vectors are read from the disk when used.

        Args:
            path: a folder, or a file of word2vec (text or binary), fastText (.vec) or safetensors;
                text and binary ones also compressed (.gz).
            limit: only the first so many words, which are the frequent ones by custom.
            form: as in export; None tells it by what is there.

        Raises:
            DataError: names file and line of what is wrong.
            ModelError: a model's folder that is damaged.
            ConfigurationError: no such form.
        """
        from jpseq.vector_files import read

        return read(Path(path), limit, form)

    def to_gensim(self) -> Any:
        """A gensim KeyedVectors with a copy of the vectors.

        Raises:
            PluginError: gensim is not installed.
        """
        try:
            from gensim.models import KeyedVectors
        except ImportError as error:
            raise PluginError(
                f'gensim is not installed ({error}). Type: pip install "jpseq[gensim]"'
            ) from error
        keyed = KeyedVectors(self.dim)
        keyed.add_vectors(list(self.words), np.array(self.vectors))
        return keyed

    @classmethod
    def from_gensim(cls, keyed: Any) -> Self:
        """The words and vectors of a gensim KeyedVectors (a model's are its `wv`), not copied."""
        try:
            words, vectors = keyed.index_to_key, keyed.vectors
        except AttributeError:
            raise DataError(
                f"KeyedVectors of gensim 4 are wanted, got {type(keyed).__name__}; those of a"
                " gensim model are model.wv."
            ) from None
        return cls(words, vectors)

    def __repr__(self) -> str:
        return f"<Embeddings of {len(self):,} words, {self.dim} dimensions>"


def check_unknown(rule: str) -> None:
    """Whether there is such a rule for unknown words.

    Raises:
        ConfigurationError: there is none.
    """
    if rule not in get_args(Unknown):
        raise ConfigurationError(
            f"There is no rule {rule!r} for unknown words.{did_you_mean(rule, get_args(Unknown))}"
            f" Rules: {', '.join(get_args(Unknown))}."
        )


def unit(rows: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """(N, D) → (N, D) in float64, each row of length 1; a row of zeros stays."""
    values = np.asarray(rows, np.float64)
    lengths = np.sqrt(np.einsum("nd,nd->n", values, values))[:, None]
    units = np.zeros_like(values)
    np.divide(values, lengths, out=units, where=lengths >= _SHORTEST)
    return units


def _checked_words(words: Iterable[str]) -> tuple[str, ...]:
    if isinstance(words, str):
        raise DataError("a list of words is wanted, got one text.")
    kept = tuple(words)
    for i, word in enumerate(kept):
        if not isinstance(word, str):
            raise DataError(f"word {i} is {word!r}, a {type(word).__name__}; words are texts.")
    return kept


def _checked_vectors(vectors: npt.ArrayLike, count: int) -> Vectors:
    values = np.asanyarray(vectors)
    if values.ndim != 2 or values.shape[0] != count or values.shape[1] < 1:
        raise DataError(
            f"{count} words need an array ({count}, D) with D at least 1, got {values.shape}."
        )
    if not (np.issubdtype(values.dtype, np.floating) or np.issubdtype(values.dtype, np.integer)):
        raise DataError(f"vectors are real numbers, got an array of {values.dtype}.")
    with np.errstate(over="ignore"):  # what is too large becomes infinite, and is found then
        values = values.astype(np.float32, order="C", copy=False)
    values = values.view()
    values.flags.writeable = False
    return values
