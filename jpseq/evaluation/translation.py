"""Translations against references: BLEU and chrF, with intervals, signatures and paired tests.

The figures are sacrebleu's (Post 2018): BLEU (Papineni et al. 2002) of words as they were given,
and chrF (Popović 2015) of texts, whose spaces do not count.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jpseq.errors import DataError, PluginError

SAMPLES = 1000
"""Of the bootstrap (Koehn 2004)."""


@dataclass(frozen=True)
class Translated:
    """What was translated, in the two forms that are scored."""

    words: Sequence[Sequence[str]]
    texts: Sequence[str]

    def take(self, rows: Sequence[int]) -> "Translated":
        """Some of the sentences, by their numbers."""
        return Translated([self.words[i] for i in rows], [self.texts[i] for i in rows])


@dataclass(frozen=True)
class Score:
    """One figure of many sentences."""

    name: str
    value: float
    """0 to 100."""
    half_width: float
    """Half of the 95% bootstrap interval."""
    signature: str

    def __str__(self) -> str:
        return f"{self.name} {self.value:.1f} ± {self.half_width:.1f} ({self.signature})"


@dataclass(frozen=True)
class Difference:
    """Two systems on the same sentences."""

    name: str
    baseline: float
    value: float
    p: float
    """Share of bootstrap samples, paired, in which so large a difference comes by chance."""
    signature: str

    def __str__(self) -> str:
        return (
            f"{self.name} {self.value:.1f}, {self.value - self.baseline:+.1f} against"
            f" {self.baseline:.1f} (p = {self.p:.3f}; {self.signature})"
        )


def evaluate(system: Translated, references: Translated, data: str) -> list[Score]:
    """BLEU and chrF with 95% bootstrap intervals.

    Args:
        system, references: of the same sentences.
        data: their name, for the signature.

    Raises:
        DataError: not as many translations as references, or none.
    """
    _check(system, references)
    return [_score(name, *one, data) for name, one in _metrics(system, references).items()]


def evaluate_bleu(
    system: Sequence[Sequence[str]], references: Sequence[Sequence[str]], data: str
) -> Score:
    """BLEU of words alone, as `evaluate` has it."""
    both = Translated(system, []), Translated(references, [])
    _check(*both)
    return _score("BLEU", *_metrics(*both)["BLEU"], data)


def _score(name: str, metric: Any, ours: list[str], theirs: list[str], data: str) -> Score:
    result = metric.corpus_score(ours, [theirs], n_bootstrap=SAMPLES)
    signature = f"data:{data}|sentences:{len(ours)}|{metric.get_signature()}"
    return Score(name, float(result.score), float(result._ci), signature)


def bleu(system: Sequence[Sequence[str]], references: Sequence[Sequence[str]]) -> float:
    """BLEU of words alone, 0 to 100, for choosing between epochs."""
    both = Translated(system, []), Translated(references, [])
    metric, ours, theirs = _metrics(*both)["BLEU"]
    return float(metric.corpus_score(ours, [theirs]).score)


def compare(
    baseline: Translated, system: Translated, references: Translated, data: str
) -> list[Difference]:
    """Whether one system is better than another: paired bootstrap resampling (Koehn 2004).

    Raises:
        DataError: not as many translations as references, or none.
    """
    from sacrebleu.significance import PairedTest

    _check(baseline, references)
    _check(system, references)
    found = []
    theirs_by_name = _metrics(baseline, references)
    for name, (metric, ours, theirs) in _metrics(system, references).items():
        named: list[tuple[str, Sequence[str]]] = [
            ("baseline", theirs_by_name[name][1]),
            ("system", ours),
        ]
        test = PairedTest(named, {name: metric}, [theirs], "bs", SAMPLES)
        signatures, rows = test()
        first: Any
        second: Any
        first, second = next(row for key, row in rows.items() if key != "System")
        before, after = float(first.score), float(second.score)
        # Of equal systems sacrebleu says 0.001: no sample's difference is larger than none.
        p = float(second.p_value) if after != before else 1.0
        (own,) = signatures.values()
        signature = f"data:{data}|sentences:{len(ours)}|{own}"
        found.append(Difference(name, before, after, p, signature))
    return found


def _metrics(
    system: Translated, references: Translated
) -> dict[str, tuple[Any, list[str], list[str]]]:
    """Each metric, with the sentences in the form it takes."""
    try:
        from sacrebleu.metrics.bleu import BLEU
        from sacrebleu.metrics.chrf import CHRF
    except ImportError as error:
        raise PluginError(f"scores need sacrebleu: pip install sacrebleu ({error}).") from None
    joined = [[" ".join(row) for row in side.words] for side in (system, references)]
    return {
        "BLEU": (_plain(BLEU)(tokenize="none", force=True), joined[0], joined[1]),
        "chrF": (_plain(CHRF)(), list(system.texts), list(references.texts)),
    }


def _plain(metric: Any) -> Any:
    """A metric whose scores are all of one type.

    sacrebleu's bootstrap gives NumPy's floats, but Python's for samples without any match, and the
    mean of both is an error to Python's statistics.
    """

    class Plain(metric):  # type: ignore[misc]  # sacrebleu has no types
        def _compute_score_from_stats(self, stats: Any) -> Any:
            found = super()._compute_score_from_stats(stats)
            found.score = float(found.score)
            return found

    return Plain


def _check(system: Translated, references: Translated) -> None:
    if len(system.words) != len(references.words):
        raise DataError(
            f"{len(system.words):,} translations but {len(references.words):,} references."
        )
    if not references.words:
        raise DataError("there is nothing to score: no sentence at all.")
