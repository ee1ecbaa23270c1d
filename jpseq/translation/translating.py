"""The part of a translator that translates: texts in, their translations and scores out."""

import copy
import inspect
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Self

import torch

from jpseq.errors import ConfigurationError, DataError
from jpseq.evaluation.translation import Difference, Score, Translated, compare, evaluate
from jpseq.model import Model
from jpseq.network.beam import Hypothesis, Scoring
from jpseq.network.ensemble import Ensemble
from jpseq.network.sampling import sampled
from jpseq.text.mecab import default_tokenizer
from jpseq.text.tokenizer import Tokenizer
from jpseq.translation.bitext import check_language, checked, direction
from jpseq.translation.configuration import DrawConfiguration, SearchConfiguration
from jpseq.translation.decoding import draw, search
from jpseq.translation.forms import Forms
from jpseq.translation.translation import Translation, replaced
from jpseq.vocabulary import Vocabulary


class Translating(Model):
    """A model that translates; what it learns and how is the business of its subclass."""

    source_vocabulary: Vocabulary
    target_vocabulary: Vocabulary
    # Parameters; the subclass's constructor says what they mean.
    source: str
    target: str
    source_tokenizer: Tokenizer | None
    target_tokenizer: Tokenizer | None
    attention: str | None

    @property
    def direction(self) -> str:
        """From which language to which."""
        return direction(self.source, self.target)

    def translate(self, texts: Sequence[str], **search: Any) -> list[str]:
        """The best translation of each text; that of an empty one is empty.

        Args:
            texts: in the source language.
            search: how to search, as in `translations`.

        Raises:
            NotFittedError: it has learnt nothing.
            ConfigurationError: a parameter of the search is not allowed.
            DataError: a text is in the wrong language.
        """
        return [found[0].text for found in self.translations(texts, **search)]

    def translations(
        self,
        texts: Sequence[str],
        *,
        beam: int = 5,
        alpha: float = 1.0,
        beta: float = 0.0,
        max_length: int | None = None,
        min_length: int = 0,
        no_repeat: int = 0,
        replace_unknown: bool = True,
    ) -> list[list[Translation]]:
        """Up to `beam` translations of each text, the best first.

        Args:
            texts: in the source language.
            beam: how many hypotheses are followed; 1 is greedy search.
            alpha, beta: weights of length normalisation and coverage penalty, see Scoring.
            max_length: in words; twice as many as the source has and ten where left out.
            min_length, no_repeat: see decode.
            replace_unknown: instead of "<unk>" write the source word that was looked at most (Luong
                et al. 2015b). Without it, or without attention, "<unk>" is never written.

        Raises:
            NotFittedError: it has learnt nothing.
            ConfigurationError: a parameter of the search is not allowed.
            DataError: a text is in the wrong language.
        """
        network = self.trained()
        lengths = {"max_length": max_length, "min_length": min_length, "no_repeat": no_repeat}
        SearchConfiguration.check({"beam": beam, "alpha": alpha, "beta": beta, **lengths})
        sources = self._read(texts)
        found = search(
            network,
            self.source_vocabulary.transform(sources),
            beam=beam,
            scoring=Scoring(alpha, beta),
            unknown=replace_unknown and self.attention is not None,
            **lengths,
        )
        return [
            [self._translation(source, h) for h in some]
            for source, some in zip(sources, found, strict=True)
        ]

    def sample(
        self,
        texts: Sequence[str],
        *,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float = 1.0,
        seed: int = 0,
    ) -> list[str]:
        """A translation of each text, drawn by the probabilities; see jpseq.network.sampling.

        The same texts and seed give the same translations.

        Raises:
            NotFittedError: it has learnt nothing.
            ConfigurationError: temperature, top_k or top_p is not allowed.
            DataError: a text is in the wrong language.
        """
        network = self.trained()
        DrawConfiguration.check({"temperature": temperature, "top_k": top_k, "top_p": top_p})
        sources = self.source_vocabulary.transform(self._read(texts))
        # A generator draws on its own device alone.
        generator = torch.Generator(next(network.parameters()).device).manual_seed(seed)
        choose = sampled(temperature, generator, top_k, top_p)
        words = self.target_vocabulary.inverse_transform(draw(network, sources, choose))
        return self._tokenizer("target").inverse_transform(words)

    def together(self, *others: "Translating") -> Self:
        """An ensemble: one that translates by the mean of all their probabilities.

        Raises:
            ConfigurationError: they do not have the same vocabularies and the same tokenizers.
        """
        for other in others:
            for name, vocabulary in self.vocabularies.items():
                if name not in other.vocabularies or (
                    other.vocabularies[name].hash() != vocabulary.hash()
                ):
                    raise ConfigurationError(
                        f"the models differ in their {name.replace('_', ' ')}; an ensemble is of"
                        " models that learnt from the same pairs, for instance with other seeds."
                    )
            for side in ("source", "target"):
                ours, theirs = self._tokenizer(side), other._tokenizer(side)
                if not ours.is_like(theirs):
                    raise ConfigurationError(
                        f"the models cut the {side} with {ours!r} and with {theirs!r}; an ensemble"
                        f" is of models with the same tokenizers. Train one again with"
                        f" {side}_tokenizer={ours!r}."
                    )
        ensemble = copy.copy(self)
        networks: Any = Ensemble([self.trained(), *(other.trained() for other in others)])
        ensemble.network = networks
        if any(model.attention is None for model in others):
            ensemble.attention = None  # no place of the source is looked at by all of them
        return ensemble

    def save(self, folder: Path | str) -> None:
        if isinstance(self.network, Ensemble):
            raise ConfigurationError("an ensemble is no model of its own; save its models.")
        super().save(folder)

    def _translation(self, source: list[str], hypothesis: Hypothesis) -> Translation:
        (words,) = self.target_vocabulary.inverse_transform([hypothesis.ids])
        weights = None if hypothesis.weights is None else hypothesis.weights.float().cpu().numpy()
        if weights is not None:
            words = replaced(words, source, weights)
        (text,) = self._tokenizer("target").inverse_transform([words])
        return Translation(text, words, source, hypothesis.score, hypothesis.log_p, weights)

    def _read(self, texts: Sequence[str]) -> list[list[str]]:
        if isinstance(texts, str):
            raise DataError("a list of texts is wanted, got one text; put it in a list: [text].")
        check_language(texts, self.source, self.direction)
        tokenizer = self._tokenizer("source")
        return [tokenizer.words(text) for text in texts]

    # Scoring

    def score(
        self, pairs: Iterable[tuple[str, str]], data: str = "given pairs", **search: Any
    ) -> list[Score]:
        """BLEU and chrF of translations against the targets of pairs.

        BLEU is of words: those of the target tokenizer, or MeCab's where it is one of pieces of
        words. chrF is of texts.

        Args:
            pairs: ones that were not learnt from.
            data: their name, for the signatures.
            search: how to search, as in `translations`.
        """
        return evaluate(*self.scored(pairs, **search), self.searched(data, **search))

    def compare(
        self,
        baseline: "Translating",
        pairs: Iterable[tuple[str, str]],
        data: str = "given pairs",
        scored: tuple[Translated, Translated] | None = None,
        **search: Any,
    ) -> list[Difference]:
        """Whether this translator is better than another, on the same pairs (paired bootstrap).

        BLEU is of the words of this one's target tokenizer. Where the other cuts otherwise, the
        texts of both are cut with it, or with MeCab if it is one that only looks for spaces.

        Args:
            baseline: the other one.
            pairs: ones that neither has learnt from.
            data: their name, for the signatures.
            scored: what `scored` gave for these pairs and this search, if it is there already.
            search: how both search, as in `translations`.
        """
        rows = checked(pairs)
        ours, references = scored or self.scored(rows, **search)
        theirs, _ = baseline.scored(rows, **search)
        name = self.searched(data, **search)
        own, other = (Forms(model._tokenizer("target")) for model in (self, baseline))
        if not own.is_like(other):
            forms = own.of_any_text()
            name += f"|words:{forms.tokenizer.name}"
            ours, theirs, references = (
                forms.texts(side.texts) for side in (ours, theirs, references)
            )
        return compare(theirs, ours, references, name)

    def searched(self, data: str, **search: Any) -> str:
        """The name of data with how its sources are translated, for the signature of a score.

        It tells beam, alpha and beta, what else differs from the defaults of `translations`, and
        how many models an ensemble has.
        """
        parameters = inspect.signature(self.translations).parameters
        defaults = {name: p.default for name, p in parameters.items() if p.kind is p.KEYWORD_ONLY}
        told = {
            name: value
            for name, value in (defaults | search).items()
            if name in ("beam", "alpha", "beta") or value != defaults[name]
        }
        if isinstance(self.network, Ensemble):
            told["models"] = len(self.network.networks)
        return "|".join([data, *(f"{name}:{_short(value)}" for name, value in told.items())])

    def scored(
        self, pairs: Iterable[tuple[str, str]], **search: Any
    ) -> tuple[Translated, Translated]:
        """Translations of the sources of pairs, and their targets, in the forms that are scored."""
        rows, forms = checked(pairs), Forms(self._tokenizer("target"))
        found = self.translations([source for source, _ in rows], **search)
        texts = [target for _, target in rows]
        check_language(texts, self.target, self.direction)
        return forms.translations(found), forms.texts(texts)

    # Tokenizers

    def _tokenizer(self, side: str) -> Tokenizer:
        chosen: Tokenizer | None = getattr(self, f"{side}_tokenizer")
        return default_tokenizer() if chosen is None else chosen


def _short(value: Any) -> str:
    """A parameter in a signature: 1, not 1.0, and no, not False."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
