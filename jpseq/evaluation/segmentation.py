"""Word segmentation against a gold standard: span precision, recall and F1."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from jpseq.corpora.readers import read_lines
from jpseq.errors import DataError
from jpseq.text.tokenizer import Tokenizer

Span = tuple[int, int]


@dataclass(frozen=True)
class Segmentation:
    """How many word spans agree."""

    sentences: int
    gold: int
    found: int
    right: int
    disagreements: list[tuple[str, str, int]]
    """Gold words, found words (both joined by spaces) and how often, most frequent first."""
    signature: str

    @property
    def precision(self) -> float:
        return self.right / self.found if self.found else 0.0

    @property
    def recall(self) -> float:
        return self.right / self.gold if self.gold else 0.0

    @property
    def f1(self) -> float:
        """2 right / (gold + found)"""
        both = self.gold + self.found
        return 2 * self.right / both if both else 0.0


def read_conllu(path: Path | str) -> Iterator[list[str]]:
    """The words of each sentence of a CoNLL-U file.

    Raises:
        DataError: names file and line of what is no CoNLL-U; no sentence at all.
    """
    words: list[str] = []
    empty = True
    for number, line in enumerate([*read_lines(path), ""], 1):
        if not line.strip():
            if words:
                empty = False
                yield words
            words = []
        elif not line.startswith("#"):
            columns = line.split("\t")
            if len(columns) != 10:
                raise DataError(
                    f"{len(columns)} columns; CoNLL-U has 10, with tabs between them.", path, number
                )
            if columns[0].isdecimal():  # 1-2 are ranges, 1.1 are empty words
                words.append(columns[1])
    if empty:
        raise DataError("holds no sentence.", path)


def evaluate(
    tokenizer: Tokenizer, sentences: Iterable[list[str]], data: str = "given"
) -> Segmentation:
    """Tokenize the text of each sentence and compare spans.

    Args:
        tokenizer: what is judged.
        sentences: the gold words of each.
        data: their name, for the signature.
    """
    count = gold_count = found_count = right = 0
    disagreements: Counter[tuple[str, str]] = Counter()
    for words in sentences:
        text = "".join(words)
        gold = _spans(words)
        tokens = tokenizer.tokenize(text)
        found = list(zip(tokens.start, tokens.end, strict=True))
        count += 1
        gold_count += len(gold)
        found_count += len(found)
        right += len({*gold} & {*found})
        for a, b in _differences(gold, found):
            disagreements[_joined(text, a), _joined(text, b)] += 1
    ranked = [(a, b, n) for (a, b), n in disagreements.most_common()]
    signature = f"data:{data}|sentences:{count}|tok:{tokenizer!r}|unit:code points"
    return Segmentation(count, gold_count, found_count, right, ranked, signature)


def _spans(words: Iterable[str]) -> list[Span]:
    spans, end = [], 0
    for word in words:
        spans.append((end, end + len(word)))
        end += len(word)
    return spans


def _differences(gold: list[Span], found: list[Span]) -> Iterator[tuple[list[Span], list[Span]]]:
    """Stretches between common word boundaries where the two do not agree."""
    a: list[Span] = []
    b: list[Span] = []
    rest = iter(found)
    for span in gold:
        a.append(span)
        while (not b or b[-1][1] < span[1]) and (following := next(rest, None)):
            b.append(following)
        if not b or b[-1][1] <= span[1]:
            if a != b:
                yield a, b
            a, b = [], []


def _joined(text: str, spans: list[Span]) -> str:
    return " ".join(text[start:end] for start, end in spans)
