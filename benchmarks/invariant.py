"""Every line of a text, through every tokenizer: nothing may be lost.

    JPSEQ_CORPORA=... python benchmarks/invariant.py

Checks on each line that spans never overlap or go back, that gaps hold only whitespace, NUL or what
the normaliser drops, that the text is rebuilt exactly, and that words() and tokenize() agree.
"""

import argparse
import os
import re
import time
from itertools import pairwise
from pathlib import Path

from jpseq import Characters, MeCab, Tokenizer, Whitespace
from jpseq.text.normalizer import RULES


def dropped(gap: str) -> bool:
    """Whether a gap holds nothing but whitespace, NUL and invisible characters."""
    for start, end, _ in reversed(list(RULES["invisible"](gap))):
        gap = gap[:start] + gap[end:]
    return not re.sub(r"[\s\0]", "", gap)


def check(tokenizer: Tokenizer, line: str) -> int:
    tokens = tokenizer.tokenize(line)
    assert tokens.rebuild() == line, line
    assert all(start < end for start, end in zip(tokens.start, tokens.end, strict=True)), line
    assert all(
        a <= b
        for a, b in pairwise(x for s in zip(tokens.start, tokens.end, strict=True) for x in s)
    )
    assert all(map(dropped, tokens.gaps)), line
    assert tokenizer.words(line) == tokens.form, line
    return len(tokens)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    corpora = Path(os.environ.get("JPSEQ_CORPORA", "."))
    parser.add_argument("--text", type=Path, default=corpora / "aozora" / "aozora.txt")
    options = parser.parse_args()
    for tokenizer in (MeCab(), MeCab(rules=()), Characters(), Whitespace()):
        begun = time.perf_counter()
        lines = tokens = 0
        with options.text.open(encoding="utf-8") as file:
            for line in file:
                lines += 1
                tokens += check(tokenizer, line)
        seconds = time.perf_counter() - begun
        print(f"{tokenizer!r}: {lines:,} lines, {tokens:,} tokens, {seconds:.0f} s: holds")


if __name__ == "__main__":
    main()
