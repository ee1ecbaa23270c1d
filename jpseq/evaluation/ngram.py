"""N-gram models: what counting alone foretells, the mark that a network has to beat.

The models frame every sequence themselves: n - 1 starts before it and one end after it. The end is
predicted like a word, a start never. The vocabulary is closed, ids 0 to V - 1 with start and end
among them, and the probabilities of all V ids after any history sum to one, as those of a network
over the same vocabulary do. Whoever compares perplexities gives both the same ids, unknown words
as <unk>.

An n-gram of ids is one int64, with the ids as digits to the base V: n-grams are counted by sorting
and looked up by binary search. Its remainder by V to the power k is the n-gram of its last k ids,
its quotient by V the context of its last id.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from jpseq.errors import ConfigurationError, DataError, NotFittedError
from jpseq.evaluation.perplexity import Perplexity
from jpseq.parameters import Parameters
from jpseq.sequences import Ragged

Ids = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Sequences = Ragged | Iterable[npt.ArrayLike]
Choose = Callable[[Floats], int]


@dataclass(frozen=True)
class Level:
    """What the n-grams of one order say, and what they leave to the next lower order.

    p(word | context) = kept(context word) + left(context) * lower(word); of what was never seen,
    nothing is kept, and all is left.
    """

    size: int
    """V, the ids there are."""
    keys: Ids
    """(K,) n-grams, ascending."""
    kept: Floats
    """(K,) their probability before anything is added from lower orders."""
    contexts: Ids
    """(C,) n-grams without their last id, ascending."""
    left: Floats
    """(C,) what lower orders share."""

    @classmethod
    def weighted(cls, keys: Ids, counts: Ids, size: int, weight: float) -> Self:
        """Relative frequencies count for `weight`, lower orders for the rest."""
        contexts, totals, types = _contexts(keys, counts, size)
        kept = weight * counts / np.repeat(totals, types)
        return cls(size, keys, kept, contexts, np.full(len(contexts), 1 - weight))

    @classmethod
    def discounted(cls, keys: Ids, counts: Ids, size: int) -> Self:
        """Each count loses the same; what is taken goes to lower orders (absolute discounting).

        The discount is n1 / (n1 + 2 n2), n1 and n2 the n-grams counted once and twice (Ney, Essen &
        Kneser 1994). Where there are none of either it would be 0 or 1, and 1/2 stands for it.
        """
        once, twice = (int(np.count_nonzero(counts == n)) for n in (1, 2))
        discount = once / (once + 2 * twice) if once and twice else 0.5
        contexts, totals, types = _contexts(keys, counts, size)
        kept = (counts - discount) / np.repeat(totals, types)
        return cls(size, keys, kept, contexts, discount * types / totals)

    def p(self, keys: Ids, lower: Floats) -> Floats:
        """(N,) n-grams, and (N,) what lower orders say → (N,) probabilities of their last ids."""
        kept = _look_up(keys, self.keys, self.kept, 0.0)
        left = _look_up(keys // self.size, self.contexts, self.left, 1.0)
        return kept + left * lower

    def distribution(self, context: int, lower: Floats) -> Floats:
        """A context, and (V,) what lower orders say → (V,) probabilities of all ids after it."""
        begin = context * self.size
        some = slice(*np.searchsorted(self.keys, [begin, begin + self.size]).tolist())
        p = lower * _look_up(np.array([context]), self.contexts, self.left, 1.0)
        p[self.keys[some] - begin] += self.kept[some]
        return p


class NGram(Parameters):
    """Base of the models: framing, scoring, writing. A model says what its levels are.

    Before fit, everything else raises a NotFittedError; what is no id from 0 to V - 1, a DataError.
    """

    order: int  # n: the ids of an n-gram, of which n - 1 are history
    start: int
    end: int

    def _levels(self, keys: Ids) -> list[Level]:
        """The levels, lowest first, from (N,) all n-grams of the training."""
        raise NotImplementedError

    def fit(self, sequences: Sequences, vocabulary_size: int) -> Self:
        """Count the n-grams of sequences.

        Args:
            sequences: of ids, without start and end. A Ragged is the fastest.
            vocabulary_size: V; ids are 0 to V - 1.

        Raises:
            ConfigurationError: start and end are not two of the ids; too many ids for n-grams of
                63 bits; a parameter that is not allowed.
            DataError: no sequence at all.
        """
        ids = range(vocabulary_size)
        if self.start not in ids or self.end not in ids or self.start == self.end:
            raise ConfigurationError(
                f"start and end are two different ids from 0 to {vocabulary_size - 1}, got"
                f" {self.start} and {self.end}."
            )
        if vocabulary_size**self.order >= 2**63:
            raise ConfigurationError(
                f"{vocabulary_size:,} words are too many for n-grams of {self.order}; about"
                f" {int(2 ** (63 / self.order)):,} have place. Take rare ones as unknown."
            )
        self.vocabulary_size = vocabulary_size
        self.levels_ = self._levels(self._keys(sequences))
        return self

    # Scoring

    def log_p(self, sequence: npt.ArrayLike) -> Floats:
        """(T,) ids → (T + 1,) natural logarithms of the probability of each, and of the end."""
        return self._log_p([sequence])

    def perplexity(
        self, sequences: Sequences, data: str = "given", characters: int | None = None
    ) -> Perplexity:
        """How well sequences are foreseen, their ends included.

        Args:
            sequences: of ids, as in fit; at least one.
            data: their name, for the signature.
            characters: of their text, where it is known.
        """
        log_p = self._log_p(sequences)
        signature = f"data:{data}|vocabulary:{self.vocabulary_size}"
        return Perplexity(-float(log_p.mean()), len(log_p), signature, characters)

    def distribution(self, history: Sequence[int] = ()) -> Floats:
        """(V,) the probabilities of all ids after the first ids of a sequence; they sum to one."""
        levels, size = self._fitted(), self.vocabulary_size
        p = np.full(size, 1 / size)
        context = int(self._keys([history])[-1]) // size  # that of the end
        for k, level in enumerate(levels):
            p = level.distribution(context % size**k, p)
        return p

    # Writing

    def sample(
        self, rng: np.random.Generator, longest: int = 40, forbidden: Sequence[int] = ()
    ) -> Ids:
        """Draw a sequence, word by word.

        Args:
            rng: decides what chance decides.
            longest: after so many ids it stops without an end.
            forbidden: ids that are never drawn, besides the start.

        Returns:
            (T,) ids, without start and end.
        """
        return self._write(lambda p: int(rng.choice(len(p), p=p / p.sum())), longest, forbidden)

    def likeliest(self, longest: int = 40, forbidden: Sequence[int] = ()) -> Ids:
        """(T,) the likeliest id after each, ties by id (see sample). It may go round in circles."""
        return self._write(lambda p: int(p.argmax()), longest, forbidden)

    def _write(self, choose: Choose, longest: int, forbidden: Sequence[int]) -> Ids:
        never = [self.start, *forbidden]
        written: list[int] = []
        while len(written) < longest:
            p = self.distribution(written[1 - self.order :])
            p[never] = 0
            if not p.any():
                raise ConfigurationError("every id is forbidden; leave some, and the end.")
            word = choose(p)
            if word == self.end:
                break
            written.append(word)
        return np.array(written, np.int64)

    # Ids → n-grams

    def _fitted(self) -> list[Level]:
        try:
            return self.levels_
        except AttributeError:
            raise NotFittedError("This model has counted nothing yet: call fit.") from None

    def _log_p(self, sequences: Sequences) -> Floats:
        levels, size = self._fitted(), self.vocabulary_size
        keys = self._keys(sequences)
        p = np.full(len(keys), 1 / size)
        for k, level in enumerate(levels):
            p = level.p(keys % size ** (k + 1), p)
        scores: Floats = np.log(p)
        return scores

    def _keys(self, sequences: Sequences) -> Ids:
        """(N,) the n-gram that ends with each predicted id, sequence after sequence."""
        size = self.vocabulary_size
        rows = sequences if isinstance(sequences, Ragged) else Ragged.from_sequences(sequences)
        if not len(rows):
            raise DataError("there is nothing to count: no sequence at all.")
        values: npt.NDArray[Any] = rows.values[rows.offsets[0] : rows.offsets[-1]]
        if values.ndim != 1 or (values.size and (values.min() < 0 or values.max() >= size)):
            raise DataError(f"a sequence is of ids, whole numbers from 0 to {size - 1}.")
        row = np.arange(len(rows))
        predicted = np.full(len(values) + len(rows), self.end, np.int64)
        predicted[np.arange(len(values)) + np.repeat(row, rows.lengths)] = values
        # Before each sequence are n - 1 starts, so its ids are by so many further on than before.
        places = np.arange(len(predicted)) + (self.order - 1) * np.repeat(row + 1, rows.lengths + 1)
        framed = np.full(int(places[-1]) + 1, self.start, np.int64)
        framed[places] = predicted
        keys = np.zeros(len(predicted), np.int64)
        for back in reversed(range(self.order)):
            keys = keys * size + framed[places - back]
        return keys


class Bigram(NGram):
    """Bigrams, interpolated with unigrams, and these with the uniform (Jelinek & Mercer 1980).

    p(w | v) = weight * c(v w) / c(v) + (1 - weight) * p(w); after a v never seen it is p(w) =
    (1 - uniform) * c(w) / N + uniform / V.

    Args:
        start, end: the ids that frame a sequence.
        weight: of the bigram, at least 0 and below 1.
        uniform: the weight of the uniform distribution in the unigram, above 0 and at most 1.
    """

    order = 2

    def __init__(self, start: int, end: int, weight: float = 0.8, uniform: float = 0.2) -> None:
        self.start = start
        self.end = end
        self.weight = weight
        self.uniform = uniform

    def _levels(self, keys: Ids) -> list[Level]:
        if not (0 <= self.weight < 1 and 0 < self.uniform <= 1):  # so that all have a chance
            raise ConfigurationError(
                "weight is at least 0 and below 1, uniform above 0 and at most 1, got"
                f" {self.weight} and {self.uniform}."
            )
        size = self.vocabulary_size
        return [
            Level.weighted(*np.unique(keys % size, return_counts=True), size, 1 - self.uniform),
            Level.weighted(*np.unique(keys, return_counts=True), size, self.weight),
        ]


class KneserNey(NGram):
    """Kneser-Ney trigrams (Chen & Goodman 1999, section 2.7), interpolated and not backing off.

    Lower orders count in how many contexts an n-gram stands and not how often, for what they say
    matters only where the context is new: after a word never seen, a word that follows many is
    likelier than one that is frequent in one phrase. Each order has one discount (Level.discounted)
    and is interpolated; the lowest leaves its share to the uniform distribution over all V ids.

    Args:
        start, end: the ids that frame a sequence.
    """

    order = 3

    def __init__(self, start: int, end: int) -> None:
        self.start = start
        self.end = end

    def _levels(self, keys: Ids) -> list[Level]:
        size = self.vocabulary_size
        levels = []
        for k in reversed(range(self.order)):
            # From the second time on keys are different n-grams of one more id: counted are these.
            keys, counts = np.unique(keys % size ** (k + 1), return_counts=True)
            levels.append(Level.discounted(keys, counts, size))
        return levels[::-1]


def _contexts(keys: Ids, counts: Ids, size: int) -> tuple[Ids, Ids, Ids]:
    """(K,) n-grams and counts → (C,) contexts, the sum of their counts, their different words."""
    contexts, first, types = np.unique(keys // size, return_index=True, return_counts=True)
    return contexts, np.add.reduceat(counts, first), types


def _look_up(keys: Ids, known: Ids, values: Floats, missing: float) -> Floats:
    """(N,) values of keys in a table that is sorted by them; `missing` where there is none."""
    places = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    return np.where(known[places] == keys, values[places], missing)
