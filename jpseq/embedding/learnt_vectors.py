"""The part of a word2vec model that has learnt: its vectors, and how they are kept."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jpseq.embedding.hogwild import Weights
from jpseq.embedding.ngrams import NO_PARTS, NGrams, Parts, SpelledEmbeddings, composed, parts
from jpseq.errors import ConfigurationError, ModelError, NotFittedError
from jpseq.model import Model
from jpseq.vectors import Embeddings
from jpseq.vocabulary import Vocabulary


class LearntVectors(Model):
    """A model that has vectors of words; how they are learnt is the business of its subclass."""

    vocabulary: Vocabulary
    weights: Weights | None
    learnt_as: Mapping[str, Any] | None
    """The parameters on which shape and meaning of the weights depend, as they were then."""
    _found: tuple[Vocabulary, Parts] | None
    # Parameters; the subclass's constructor says what they mean.
    dim: int
    min_count: int
    method: str
    hierarchical: bool
    ngrams: Sequence[int] | None
    buckets: int
    threads: int

    # What was learnt

    @property
    def embeddings(self) -> Embeddings:
        """Words and their vectors, the frequent ones first; with n-grams those of other words, too.

        Raises:
            NotFittedError: it has learnt nothing.
        """
        weights, words, ngrams = self.trained(), self.vocabulary.words, self._ngrams
        if ngrams is None:
            return Embeddings(words, weights.x)
        vectors = composed(weights.x, weights.grams, self._parts())
        return SpelledEmbeddings(words, vectors, ngrams, weights.grams)

    def similar(self, word: str, count: int = 10) -> list[tuple[str, float]]:
        """The nearest words with their cosines; for more of this kind see `embeddings`."""
        return self.embeddings.similar(word, count)

    # Keeping

    def trained(self) -> Weights:
        """The weights.

        Raises:
            NotFittedError: it has learnt nothing.
        """
        if self.weights is None:
            raise NotFittedError(
                "This Word2Vec has learnt nothing yet: call fit, or Word2Vec.load(folder)."
            )
        return self.weights

    @property
    def vocabularies(self) -> dict[str, Vocabulary]:
        return {"vocabulary": self.vocabulary}

    def save_weights(self, path: Path) -> None:
        from safetensors.numpy import save

        self.check_kind()
        weights = self.trained()
        layers = {"input": weights.x, "output": weights.o}
        if self.ngrams is not None:
            layers["ngrams"] = weights.grams
        # Not save_file: a full disk is an OSError only where Python itself writes.
        path.write_bytes(save({name: np.ascontiguousarray(x) for name, x in layers.items()}))

    def load_weights(self, path: Path) -> None:
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        again = "Copy the model folder again, or train it again."
        try:
            layers = load_file(path)
        except (SafetensorError, OSError) as error:
            raise ModelError(f"{path}: cannot be read ({error}). {again}") from error
        weights = self._no_weights(len(self.vocabulary))
        wanted = {"input": weights.x, "output": weights.o}
        if self.ngrams is not None:
            wanted["ngrams"] = weights.grams
        for name, rows in wanted.items():
            layer = layers.get(name)
            if layer is None or layer.shape != rows.shape or layer.dtype != np.float32:
                raise ModelError(f"{path}: {name} is not {rows.shape} values of float32. {again}")
            if not np.isfinite(layer).all():
                raise ModelError(f"{path}: {name} holds values that are not finite. {again}")
            rows[:] = layer
        self.weights = weights

    def card(self) -> str:
        """README.md of the model folder."""
        figures = "\n".join(f"- {name}: {value}" for name, value in self.metrics.items())
        return f"""# Word vectors

Trained with [jpseq](https://pypi.org/project/jpseq/): word2vec, {self.method}, {self.dim}
dimensions, {len(self.vocabulary):,} words that stand at least {self.min_count:,} times in
{self.vocabulary.counts_.total():,}.

{figures or "Nothing was measured."}

```python
from jpseq import Embeddings

embeddings = Embeddings.load("FOLDER")
embeddings.similar("WORD")
```

`jpseq embed export FOLDER vectors.bin` writes a file that gensim reads.
The vectors tell of the corpus they come from, its prejudices too; its licence says what may be done
with them.
"""

    @property
    def _kind(self) -> dict[str, Any]:
        kind: dict[str, Any] = {"dim": self.dim, "hierarchical": self.hierarchical, "ngrams": None}
        if self.ngrams is not None:
            kind |= {"ngrams": list(self.ngrams), "buckets": self.buckets}
        return kind

    def check_kind(self) -> None:
        """See that no parameter has changed without which the weights make no sense.

        Raises:
            ConfigurationError: names those that have.
        """
        now, before = self._kind, self.learnt_as
        if before is None or now == before:
            return
        changed = [
            f"{name} was {before.get(name)!r} and is {now.get(name)!r}"
            for name in {**before, **now}
            if before.get(name) != now.get(name)
        ]
        raise ConfigurationError(
            f"what was learnt cannot go on in another form: {'; '.join(changed)}. Leave it as it"
            " was, or learn anew (fit)."
        )

    # N-grams

    def _no_weights(self, words: int) -> Weights:
        buckets = 0 if self.ngrams is None else self.buckets
        return Weights(words, self.dim, self.threads, buckets)

    @property
    def _ngrams(self) -> NGrams | None:
        if self.ngrams is None:
            return None
        shortest, longest = self.ngrams
        return NGrams(shortest, longest, self.buckets)

    def _parts(self) -> Parts:
        """The n-grams of all words, found once for a vocabulary."""
        ngrams = self._ngrams
        if ngrams is None:
            return NO_PARTS
        if self._found is None or self._found[0] is not self.vocabulary:
            self._found = self.vocabulary, parts(self.vocabulary.words, ngrams)
        return self._found[1]
