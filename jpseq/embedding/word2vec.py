"""word2vec: words that stand in the same company get vectors that are near.

>>> sentences = [["春", "の", "桜", "が", "咲く"], ["秋", "の", "月", "が", "出る"]] * 50
>>> model = Word2Vec(dim=8, sample=0, epochs=2).fit(sentences)
>>> model.embeddings
<Embeddings of 8 words, 8 dimensions>
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from jpseq.embedding.configuration import FitConfiguration, Word2VecConfiguration
from jpseq.embedding.draws import Chances, chances
from jpseq.embedding.exchange import Meeting, rounds
from jpseq.embedding.hogwild import Weights, train_epoch
from jpseq.embedding.learnt_vectors import LearntVectors
from jpseq.embedding.ngrams import Parts
from jpseq.embedding.progress import Epoch, Moment, Report, Start
from jpseq.embedding.sentences import Corpus, Pieces, drawn, opened, renamed
from jpseq.embedding.windows import Options
from jpseq.errors import ConfigurationError, DataError, TrainingError
from jpseq.text.tokenizer import Tokenizer
from jpseq.training.processes import total, world_size
from jpseq.vocabulary import Vocabulary

Matrix = npt.NDArray[np.float32]


class Word2Vec(LearntVectors):
    """Vectors for the words of a corpus (Mikolov et al. 2013a, 2013b), by negative sampling or a
    hierarchical softmax.

    One seed and one thread give the same bytes each time on one kind of processor. Several threads
    write into the same weights without waiting (see hogwild), so that runs differ a little. Under
    torchrun all processes learn together (see exchange), and each ends with the same vectors.

    Args:
        dim: values of a vector.
        window: words on either side at most.
        negative: words drawn by chance for each one that is predicted. All of a skip-gram's window
            share them.
        sample: words with a larger share of the text than this are left out now and then; 0 keeps
            all.
        min_count, max_words: words rarer, or beyond that many, get no vector.
        epochs: how often the corpus is gone through.
        method: "skipgram": each word around predicts the one in the middle; "cbow": their mean
            does, which is quicker and better for frequent words, worse for rare ones.
        dynamic_window: draw each window's width from 1 to `window`, so that near words count more.
        noise_exponent: negatives are drawn in proportion to counts to this power.
        hierarchical: predict a word by its path in a tree (see huffman) and not by telling it from
            negatives, of which there are none then. Better for rare words, and slower.
        ngrams: the shortest and the longest character n-grams that words are made of besides
            themselves (see ngrams), for instance (1, 3) for Japanese; None for words alone. Then
            any word has a vector, also one that was never read.
        buckets: rows that the n-grams share.
        learning_rate, final_rate: of the first and the last step; between them it falls evenly.
        threads: that learn at once.
        seed: of everything that chance decides.
        tokenizer: cuts the text of files into words; None for MeCab(). Not needed for words.
    """

    name: ClassVar[str] = "word2vec"

    def __init__(
        self,
        dim: int = 100,
        window: int = 5,
        negative: int = 5,
        sample: float = 1e-3,
        min_count: int = 5,
        epochs: int = 5,
        method: str = "skipgram",
        max_words: int | None = None,
        dynamic_window: bool = True,
        noise_exponent: float = 0.75,
        hierarchical: bool = False,
        ngrams: Sequence[int] | None = None,
        buckets: int = 500_000,
        learning_rate: float = 0.025,
        final_rate: float = 1e-4,
        threads: int = 1,
        seed: int = 0,
        tokenizer: Tokenizer | None = None,
    ) -> None:
        self.dim = dim
        self.window = window
        self.negative = negative
        self.sample = sample
        self.min_count = min_count
        self.epochs = epochs
        self.method = method
        self.max_words = max_words
        self.dynamic_window = dynamic_window
        self.noise_exponent = noise_exponent
        self.hierarchical = hierarchical
        self.ngrams = ngrams
        self.buckets = buckets
        self.learning_rate = learning_rate
        self.final_rate = final_rate
        self.threads = threads
        self.seed = seed
        self.tokenizer = tokenizer
        self.weights: Weights | None = None
        self.metrics: Mapping[str, str] = {}
        self.learnt_as: Mapping[str, Any] | None = None
        self.held_out_loss: float | None = None
        """Of the weights that were kept, on the sentences that were held out of the last corpus."""
        self._found: tuple[Vocabulary, Parts] | None = None

    # Learning

    def fit(
        self,
        corpus: Corpus,
        *,
        held_out: float = 0.0,
        patience: int | None = None,
        report: Report = lambda _: None,
    ) -> Self:
        """Learn from a corpus, forgetting what was learnt before.

        After Ctrl-C `completed` is False and what was learnt until then is kept.

        Args:
            corpus: a prepared corpus or its folder; the name of a file or folder of text; or lists
                of words.
            held_out: share of sentences that are not learnt from but measured on.
            patience: stop after so many epochs without a lower loss, on held-out sentences where
                there are any; the weights of the best epoch are kept.
            report: is given a Start, Moments, and an Epoch after each.

        Raises:
            ConfigurationError: a parameter is not allowed.
            DataError: the corpus cannot be read, or has fewer than two words that are frequent
                enough.
            TrainingError: weights became infinite.
        """
        self.check()
        self.weights, self.learnt_as = None, None
        return self.partial_fit(corpus, held_out=held_out, patience=patience, report=report)

    def partial_fit(
        self,
        corpus: Corpus,
        *,
        held_out: float = 0.0,
        patience: int | None = None,
        report: Report = lambda _: None,
    ) -> Self:
        """Go on with another corpus: as fit, but what was learnt before stays.

        Counts are added up. Words that are frequent enough by now and were not before get vectors
        as at the beginning. Of a hierarchical softmax the output layer begins anew, since other
        counts make another tree. After an error the model is what it was before.
        """
        self.check()
        self.check_kind()
        FitConfiguration.check({"held_out": held_out, "patience": patience})
        before = dict(self.__dict__)
        try:
            self._learn(corpus, held_out, patience, report)
        except Exception:
            self.__dict__.update(before)
            raise
        return self

    def _learn(self, corpus: Corpus, held_out: float, patience: int | None, report: Report) -> None:
        with opened(corpus, self.tokenizer) as counted:
            vocabulary = self._known_with(counted.vocabulary)
            self.weights = self._first_weights(vocabulary)
            self.vocabulary = vocabulary
            self.learnt_as, self.metrics = self._kind, {}
            tables = self._chances()
            all_tables = (tables.keep, tables.noise, *tables.paths, *tables.parts)
            bytes_of_tables = sum(table.nbytes for table in all_tables)
            words = len(counted.ids.values)
            report(Start(words, len(vocabulary), self.weights.memory + bytes_of_tables))
            left_out = drawn(len(counted.ids), held_out, self.seed)
            names = renamed(counted.vocabulary, vocabulary)
            learnt, kept = Pieces(counted.ids, names, left_out), None
            if held_out:
                kept = Pieces(counted.ids.take(np.flatnonzero(left_out)), names)
            self._go_through(learnt, kept, tables, patience, report)

    def _go_through(
        self,
        learnt: Pieces,
        kept: Pieces | None,
        tables: Chances,
        patience: int | None,
        report: Report,
    ) -> None:
        weights = self.trained()
        words = int(learnt.words_before()[-1])
        whole = self.epochs * words
        begun, done = time.monotonic(), 0
        best: tuple[float, list[Matrix]] | None = None
        worse, held_out = 0, None

        def tell(count: int) -> None:
            nonlocal done
            done = min(whole, done + count * world_size())
            report(Moment(done, whole, time.monotonic() - begun))

        def rate(words_before: int) -> float:
            gone = (number * words + words_before) / whole
            return self.learning_rate + (self.final_rate - self.learning_rate) * gone

        self.completed, predictions = False, 0
        meeting = Meeting(weights)
        try:
            for number in range(self.epochs):
                seed = (self.seed, number)
                loss = self._epoch(learnt, tables, rate, seed, tell, meeting.meet)
                predictions += loss[1]
                self._check_finite()
                held_out = None if kept is None else self._loss(kept, tables)
                seconds = max(time.monotonic() - begun, 1e-9)
                left = (whole - done) * seconds / max(1, done)
                report(Epoch(number + 1, _mean(*loss), held_out, done / seconds, left))
                if patience is None:
                    continue
                figure = _mean(*loss) if held_out is None else held_out
                figure = math.inf if math.isnan(figure) else figure
                if best is None or figure < best[0]:
                    best, worse = (figure, [layer.copy() for layer in weights.all]), 0
                elif (worse := worse + 1) >= patience:
                    break
            self.completed = True
        except KeyboardInterrupt:
            pass
        if self.completed and not predictions:
            raise _nothing_to_predict()
        if best is not None:
            for layer, kept_layer in zip(weights.all, best[1], strict=True):
                layer[:] = kept_layer
        if best is None:  # after an interruption the weights are later ones
            self.held_out_loss = held_out if self.completed else None
        else:
            self.held_out_loss = None if kept is None else best[0]

    def _epoch(
        self,
        pieces: Pieces,
        tables: Chances,
        rate: Callable[[int], float],
        seed: tuple[int, ...],
        tell: Callable[[int], None] = lambda _: None,
        meet: Callable[[], None] = lambda: None,
    ) -> tuple[float, int]:
        """Go through all pieces once, this process and the others through theirs; the loss of all,
        and of how many predictions."""
        loss, predictions = 0.0, 0
        given = pieces, self.trained(), self._options, tables, rate, seed, tell
        for numbers in rounds(len(pieces.bounds()) - 1):
            some, count = train_epoch(*given, numbers)
            loss, predictions = loss + some, predictions + count
            meet()
        return total(loss), round(total(predictions))

    def check(self) -> None:
        """See that all parameters are allowed.

        Raises:
            ConfigurationError: names every one that is not.
        """
        Word2VecConfiguration.check(self.get_params(deep=False))
        if self.ngrams is not None and self.ngrams[0] > self.ngrams[1]:
            raise ConfigurationError(
                f"ngrams: the shortest comes first, as in (1, 3); got {tuple(self.ngrams)}."
            )

    def restore(self, vocabularies: dict[str, Vocabulary]) -> None:
        self.check()
        self.vocabulary, self.learnt_as = vocabularies["vocabulary"], self._kind

    def _known_with(self, found: Vocabulary) -> Vocabulary:
        """The words of a corpus, and those that are known from before."""
        vocabulary = Vocabulary(min_count=self.min_count, max_size=self.max_words)
        if self.weights is not None:
            vocabulary.merge(self.vocabulary)
        vocabulary.merge(found)
        if len(vocabulary) < 2:
            counts = vocabulary.counts_.most_common(1)
            most = f", the most frequent one {counts[0][1]:,} times" if counts else ""
            raise DataError(
                "there is nothing to learn from: two different words are needed that stand"
                f" {self.min_count:,} times or more (min_count, --min-count), and there are"
                f" {len(vocabulary.counts_):,} different words{most}."
            )
        return vocabulary

    def _first_weights(self, vocabulary: Vocabulary) -> Weights:
        """Vectors evenly drawn around 0, and 0 for the output layer; what is known stays."""
        weights = self._no_weights(len(vocabulary))
        draw = np.random.default_rng(self.seed)
        for layer in (weights.x, weights.grams):
            for start in range(0, len(layer), 65_536):
                rows = layer[start : start + 65_536]
                rows[:] = (draw.random(rows.shape, np.float32) - 0.5) / self.dim
        if self.weights is not None:
            here = renamed(self.vocabulary, vocabulary)
            known = here < len(vocabulary)
            weights.x[here[known]] = self.weights.x[known]
            if self.ngrams is not None:
                weights.grams[:] = self.weights.grams
            if not self.hierarchical:
                weights.o[here[known]] = self.weights.o[known]
        return weights

    @property
    def _options(self) -> Options:
        cbow = self.method == "cbow"
        return Options(cbow, self.window, self.dynamic_window, self.negative, self.hierarchical)

    def _chances(self) -> Chances:
        counts = self.vocabulary.counts
        tables = chances(counts, self.sample, self.noise_exponent, self.hierarchical)
        return tables._replace(parts=self._parts())

    def _check_finite(self) -> None:
        weights = self.trained()
        for layer in weights.all:
            if layer.size and not (math.isfinite(layer.min()) and math.isfinite(layer.max())):
                raise TrainingError(
                    "weights became infinite: training has diverged, and nothing of it is kept."
                    f" Take a third of the learning rate ({self.learning_rate:g})."
                )

    # What was learnt

    def loss(self, corpus: Corpus) -> float:
        """The mean loss (see Epoch) on sentences, with draws that are always the same.

        Under torchrun every process calls it.

        Raises:
            NotFittedError: it has learnt nothing.
            DataError: the corpus cannot be read, or no sentence holds two words with vectors.
        """
        self.trained()
        with opened(corpus, self.tokenizer) as counted:
            names = renamed(counted.vocabulary, self.vocabulary)
            loss = self._loss(Pieces(counted.ids, names), self._chances())
        if math.isnan(loss):
            raise _nothing_to_predict()
        return loss

    def _loss(self, pieces: Pieces, tables: Chances) -> float:
        # Steps of length 0: everything is computed as in training, and nothing changes.
        return _mean(*self._epoch(pieces, tables, lambda _: 0.0, (0,)))


def _mean(total: float, predictions: int) -> float:
    """NaN where nothing was predicted, as can be in an epoch over very little text."""
    return total / predictions if predictions else math.nan


def _nothing_to_predict() -> DataError:
    return DataError(
        "no sentence holds two words that have vectors, so that nothing can be predicted. Are words"
        " within a sentence in one list, or on one line? In a very small corpus all words are"
        " frequent ones, which are left out: take sample=0 (--sample 0)."
    )
