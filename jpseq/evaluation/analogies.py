"""Analogies: how often the nearest word is the right answer to "a is to b as c is to ?"."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from jpseq.corpora.readers import read_lines
from jpseq.errors import DataError
from jpseq.vectors import Embeddings, Method, Unknown, check_unknown


class Question(NamedTuple):
    """a is to b as c is to d."""

    section: str
    a: str
    b: str
    c: str
    d: str


@dataclass(frozen=True)
class Accuracy:
    """How many answers are right."""

    right: int
    asked: int
    """Fewer than `questions` where unknown words are skipped."""
    questions: int
    covered: int
    """Questions of which all four words have vectors."""
    signature: str

    @property
    def value(self) -> float:
        """right / asked; 0 where nothing was asked."""
        return self.right / self.asked if self.asked else 0.0

    def __str__(self) -> str:
        covered = self.covered / self.questions if self.questions else 0.0
        return (
            f"accuracy {self.value:.1%}, {self.right:,} of {self.asked:,} asked,"
            f" {self.questions:,} questions, coverage {covered:.1%}"
        )


def read_analogies(path: Path | str) -> list[Question]:
    """Questions in the form of word2vec's questions-words.txt.

    A line ": name" begins a section; each other one is four words with spaces between.

    Raises:
        DataError: names file and line of what is no question; no question at all.
    """
    section = ""
    questions = []
    for number, line in enumerate(read_lines(path), 1):
        if line.startswith(":"):
            section = line[1:].strip()
        elif line.strip():
            words = line.split()
            if len(words) != 4:
                raise DataError(
                    f"{len(words)} words; an analogy has four, with spaces between.", path, number
                )
            questions.append(Question(section, *words))
    if not questions:
        raise DataError("holds no analogies.", path)
    return questions


def evaluate_analogies(
    embeddings: Embeddings,
    questions: list[Question],
    method: Method = "3cosadd",
    unknown: Unknown = "skip",
    data: str = "given",
) -> dict[str, Accuracy]:
    """Answer questions, and count right answers in each section, and under "" in all.

    Args:
        embeddings: what is judged.
        questions: from read_analogies.
        method: as in Embeddings.analogies. The three words asked with are never the answer.
        unknown: the rule for words without a vector. "skip" leaves their questions out; with "zero"
            and "parts" all are asked, and an answer without a vector is never found.
        data: the name of the questions, for the signature.

    Raises:
        DataError: a word has no vector, and the rule is "error".
    """
    check_unknown(unknown)
    covered = [all(word in embeddings for word in question[1:]) for question in questions]
    if unknown == "error" and not all(covered):
        embeddings.lookup(questions[covered.index(False)][1:])
    asked = [both or unknown != "skip" for both in covered]
    right = [False] * len(questions)
    chosen = [question for question, ask in zip(questions, asked, strict=True) if ask]
    if chosen:
        columns = list(zip(*chosen, strict=True))[1:4]
        a, b, c = (embeddings.lookup(column, unknown) for column in columns)
        exclude = [[embeddings.id(w) if w in embeddings else -1 for w in q[1:4]] for q in chosen]
        ids, _ = embeddings.analogies(a, b, c, 1, method, exclude)
        found = iter(ids[:, 0].tolist())
        for i in np.flatnonzero(asked).tolist():
            answer = next(found)
            right[i] = answer >= 0 and embeddings.words[answer] == questions[i].d
    sections = dict.fromkeys(question.section for question in questions)
    result = {}
    for section in sorted(sections | {"": None}, key=bool):  # all of them first
        rows = [i for i, q in enumerate(questions) if not section or q.section == section]
        result[section] = Accuracy(
            right=sum(right[i] for i in rows),
            asked=sum(asked[i] for i in rows),
            questions=len(rows),
            covered=sum(covered[i] for i in rows),
            signature=f"data:{data}{f'[{section}]' if section else ''}|questions:{len(rows)}"
            f"|method:{method}|unknown:{unknown}|vectors:{len(embeddings)}x{embeddings.dim}",
        )
    return result
