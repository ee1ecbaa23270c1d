"""Vectors against human judgements: similarity of words and of sentences, by Spearman's rho."""

import csv
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from jpseq.corpora.readers import read_lines
from jpseq.errors import DataError, did_you_mean
from jpseq.evaluation.correlation import Correlation, correlate
from jpseq.text.tokenizer import Tokenizer
from jpseq.vectors import Embeddings, Unknown, Vectors, unit

_BOOTSTRAP = {"samples": 1000, "seed": 0}
_INTERVAL = "interval:95% bootstrap 1000 seed 0"


class Pair(NamedTuple):
    """Two words, or two sentences, and how similar people found them."""

    a: str
    b: str
    score: float


@dataclass(frozen=True)
class Judgements:
    """Pairs that people have judged."""

    name: str
    """For the signature: the file and the column of the scores."""
    pairs: list[Pair]


@dataclass(frozen=True)
class Similarity:
    """How well cosines follow human judgements."""

    spearman: Correlation
    pairs: int
    scored: int
    """Pairs that the correlation is of; fewer where unknown words are skipped."""
    coverage: float
    """Share of pairs of which both words have vectors; with sentences, of words that have one."""
    signature: str

    def __str__(self) -> str:
        return (
            f"Spearman {self.spearman}, {self.scored:,} of {self.pairs:,} pairs,"
            f" coverage {self.coverage:.1%}"
        )


# Words


def read_word_pairs(path: Path | str, score: str | None = None) -> Judgements:
    """Word pairs of a table: two words and a score a line, then whatever else.

    Columns are divided by tabs, else by commas, else by spaces; a first line that has no number
    for a score names the columns. That is JWSD, WordSim-353, SimLex-999, MEN, RG-65 and their like.

    Args:
        path: the file.
        score: the column of the scores by its name, or its number counted from 1. None for the
            third of three, or for the one named "mean".

    Raises:
        DataError: names file and line of what is no such pair; no pair at all; no such column.
    """
    path = Path(path)
    rows = [(number, line) for number, line in enumerate(read_lines(path), 1) if line.strip()]
    if not rows:
        raise DataError("holds no pairs.", path)
    number, first = rows[0]
    delimiter = "\t" if "\t" in first else "," if "," in first else None
    titles = _columns(first, delimiter, path, number)
    column = _score_column(titles, score, path, number)
    if not _is_number(titles[column]):
        rows, name = rows[1:], f"{path.name}[{titles[column]}]"
    else:
        name = f"{path.name}[{column + 1}]"
    pairs = []
    for number, line in rows:
        fields = _columns(line, delimiter, path, number)
        if len(fields) <= column or not (fields[0] and fields[1] and _is_number(fields[column])):
            raise DataError(f"not two words and, in column {column + 1}, a number.", path, number)
        pairs.append(Pair(fields[0], fields[1], float(fields[column])))
    if not pairs:
        raise DataError("holds no pairs, only the names of columns.", path)
    return Judgements(name, pairs)


def _columns(line: str, delimiter: str | None, path: Path, number: int) -> list[str]:
    if delimiter is None:
        return line.split()
    try:
        (fields,) = csv.reader([line], delimiter=delimiter, strict=True)
    except csv.Error as error:
        raise DataError(f"not a line of a table ({error}).", path, number) from None
    return [field.strip() for field in fields]


def _score_column(titles: list[str], score: str | None, path: Path, number: int) -> int:
    if len(titles) < 3:
        raise DataError(
            f"{len(titles)} columns; a pair is two words and a score, with tabs, commas or spaces"
            " between. (Analogies begin with a line ': section'.)",
            path,
            number,
        )
    if score is None and (len(titles) == 3 or "mean" in titles[2:]):
        return 2 if len(titles) == 3 else titles.index("mean", 2)
    if score in titles[2:]:
        return titles.index(score, 2)
    if score is not None and score.isdecimal() and 3 <= int(score) <= len(titles):
        return int(score) - 1
    which = "which column is the score?" if score is None else f"there is no column {score!r}."
    raise DataError(
        f"{which}{did_you_mean(score or '', titles[2:])} Give one by its name or its number, 3 to"
        f" {len(titles)}: {', '.join(titles[2:])}.",
        path,
        number,
    )


def _is_number(field: Any) -> bool:
    try:
        return math.isfinite(float(field))
    except (TypeError, ValueError, OverflowError):
        return False


def evaluate_words(
    embeddings: Embeddings, judgements: Judgements, unknown: Unknown = "skip"
) -> Similarity:
    """Correlate the cosines of word pairs with their scores.

    Args:
        embeddings: what is judged.
        judgements: from read_word_pairs.
        unknown: the rule for words without a vector. "skip" leaves their pairs out; with "zero" and
            "parts" every pair counts, and a pair with a zero vector has the cosine 0.

    Raises:
        DataError: a word has no vector, and the rule is "error".
    """
    known = [a in embeddings and b in embeddings for a, b, _ in judgements.pairs]
    pairs = judgements.pairs
    if unknown == "skip":
        pairs = [pair for pair, both in zip(pairs, known, strict=True) if both]
    a = embeddings.lookup([pair.a for pair in pairs], unknown)
    b = embeddings.lookup([pair.b for pair in pairs], unknown)
    return Similarity(
        correlate(_cosines(a, b), [pair.score for pair in pairs], **_BOOTSTRAP),
        pairs=len(known),
        scored=len(pairs),
        coverage=sum(known) / len(known),
        signature=f"data:{judgements.name}|pairs:{len(known)}|unknown:{unknown}"
        f"|vectors:{len(embeddings)}x{embeddings.dim}|{_INTERVAL}",
    )


# Sentences


def read_sentence_pairs(path: Path | str) -> Judgements:
    """Sentence pairs in JSON Lines, as in JSTS: {"sentence1": ..., "sentence2": ..., "label": 3.4}.

    Raises:
        DataError: names file and line of what is no such pair; no pair at all.
    """
    path = Path(path)
    lines = enumerate(read_lines(path), 1)
    pairs = [_sentence_pair(line, path, number) for number, line in lines if line.strip()]
    if not pairs:
        raise DataError("holds no pairs.", path)
    return Judgements(path.name, pairs)


def _sentence_pair(line: str, path: Path, number: int) -> Pair:
    try:
        content = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataError(f"not JSON ({error}).", path, number) from None
    fields = content if isinstance(content, dict) else {}
    values: list[Any] = [fields.get(key) for key in ("sentence1", "sentence2", "label")]
    a, b, score = values
    number_given = _is_number(score) and not isinstance(score, str | bool)
    if not (isinstance(a, str) and isinstance(b, str) and number_given):
        raise DataError(
            'no sentence pair: {"sentence1": "...", "sentence2": "...", "label": 3.4}.',
            path,
            number,
        )
    return Pair(a, b, float(score))


def evaluate_sentences(
    embeddings: Embeddings,
    judgements: Judgements,
    tokenizer: Tokenizer,
    unknown: Unknown = "skip",
) -> Similarity:
    """Correlate the cosines of sentences' mean word vectors with the scores of their pairs.

    Every pair counts; a sentence without a known word has the cosine 0 with all others.

    Args:
        embeddings: what is judged.
        judgements: from read_sentence_pairs.
        tokenizer: cuts sentences into words; the one the vectors were trained with.
        unknown: the rule for words without a vector, before the mean is taken.

    Raises:
        DataError: a word has no vector, and the rule is "error".
    """
    words = known = 0
    means = []
    for side in ("a", "b"):
        rows = [tokenizer.words(getattr(pair, side)) for pair in judgements.pairs]
        words += sum(map(len, rows))
        known += sum(word in embeddings for row in rows for word in row)
        means.append(np.stack([embeddings.mean(row, unknown) for row in rows]))
    return Similarity(
        correlate(_cosines(*means), _scores(judgements.pairs), **_BOOTSTRAP),
        pairs=len(judgements.pairs),
        scored=len(judgements.pairs),
        coverage=known / words if words else 1.0,
        signature=f"data:{judgements.name}|pairs:{len(judgements.pairs)}|sentence:mean of words"
        f"|tok:{tokenizer!r}|unknown:{unknown}|vectors:{len(embeddings)}x{embeddings.dim}"
        f"|{_INTERVAL}",
    )


def evaluate_vectors(
    vectors_of: Callable[[Sequence[str]], Vectors], judgements: Judgements, name: str
) -> Similarity:
    """Correlate the cosines of sentences' vectors with the scores of their pairs.

    Args:
        vectors_of: N sentences → (N, D); a vector of zeros has the cosine 0 with all others.
        judgements: from read_sentence_pairs.
        name: what the vectors are, for the signature.
    """
    a, b = (vectors_of([getattr(pair, side) for pair in judgements.pairs]) for side in ("a", "b"))
    count = len(judgements.pairs)
    return Similarity(
        correlate(_cosines(a, b), _scores(judgements.pairs), **_BOOTSTRAP),
        pairs=count,
        scored=count,
        coverage=1.0,
        signature=f"data:{judgements.name}|pairs:{count}|sentence:{name}|features:{a.shape[1]}"
        f"|{_INTERVAL}",
    )


def evaluate_overlap(judgements: Judgements) -> Similarity:
    """What needs no vectors: the share of characters that two sentences have in common.

    |A ∩ B| / |A ∪ B| of the sets of their characters (Jaccard's index); a figure to be beaten.
    """
    overlaps = []
    for a, b, _ in judgements.pairs:
        both = {*a} | {*b}
        overlaps.append(len({*a} & {*b}) / len(both) if both else 0.0)
    count = len(judgements.pairs)
    return Similarity(
        correlate(overlaps, _scores(judgements.pairs), **_BOOTSTRAP),
        pairs=count,
        scored=count,
        coverage=1.0,
        signature=f"data:{judgements.name}|pairs:{count}|sentence:set of characters|{_INTERVAL}",
    )


def _cosines(a: Vectors, b: Vectors) -> npt.NDArray[np.float64]:
    """(N, D), (N, D) → (N,). Beyond six decimals lie float32's errors, which shall break no tie."""
    cosines: npt.NDArray[np.float64] = np.einsum("nd,nd->n", unit(a), unit(b))
    return cosines.round(6)


def _scores(pairs: Sequence[Pair]) -> list[float]:
    return [pair.score for pair in pairs]
