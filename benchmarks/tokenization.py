"""How fast jpseq tokenizes, beside bare fugashi and konoha, in one run on the same lines.

    pip install "jpseq[benchmarks]"
    JPSEQ_CORPORA=... python benchmarks/tokenization.py

All analysers use unidic-lite and the MeCab library that fugashi brings. The contestants take turns;
each figure is the median of the rounds.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import fugashi
import unidic_lite

from jpseq import MeCab


def bare_wakati(lines: list[str]) -> int:
    tagger = fugashi.Tagger("-Owakati")
    return sum(len(tagger.parse(line).split()) for line in lines)


def jpseq_words(lines: list[str]) -> int:
    tokenizer = MeCab()
    return sum(len(tokenizer.words(line)) for line in lines)


def fugashi_nodes(lines: list[str]) -> int:
    tagger = fugashi.Tagger()
    count = 0
    for line in lines:
        columns: list[list[str]] = [[], [], [], []]
        for node in tagger(line):
            feature = node.feature
            columns[0].append(node.surface)
            columns[1].append(feature.lemma)
            columns[2].append(feature.kana)
            columns[3].append("-".join(p for p in feature[:4] if p != "*"))
        count += len(columns[0])
    return count


def jpseq_columns(lines: list[str]) -> int:
    tokenizer = MeCab()
    count = 0
    for line in lines:
        tokens = tokenizer.tokenize(line)
        count += len(tokens.form)
        assert len(tokens.lemma) == len(tokens.reading) == len(tokens.pos) == len(tokens.form)
    return count


def konoha(lines: list[str]) -> int:
    # konoha reads MeCab's plain form, which unidic-lite's own settings do not give.
    libraries = Path(fugashi.__file__).parent.parent / "fugashi.libs"
    with tempfile.NamedTemporaryFile("w", suffix=".rc") as resource:
        resource.write("output-format-type = plain\n")
        for kind in ("node", "unk"):
            resource.write(f"{kind}-format-plain = %m\\t%H\\n\n")
        resource.write("eos-format-plain = EOS\\n\n")
        resource.flush()
        os.environ["MECABRC"] = resource.name
        os.environ["MECAB_PATH"] = str(next(libraries.glob("libmecab*")))
        os.environ["MECAB_CHARSET"] = "utf-8"
        from konoha import WordTokenizer

        tokenizer = WordTokenizer(
            "MeCab", system_dictionary_path=unidic_lite.DICDIR, dictionary_format="unidic"
        )
    return sum(len(tokenizer.tokenize(line)) for line in lines)


CONTESTANTS: dict[str, Callable[[list[str]], int]] = {
    "fugashi wakati, parse().split()": bare_wakati,
    "jpseq words": jpseq_words,
    "fugashi nodes, surface lemma kana pos": fugashi_nodes,
    "jpseq Tokens, with lemma reading pos": jpseq_columns,
    "konoha, MeCab": konoha,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    corpora = Path(os.environ.get("JPSEQ_CORPORA", "."))
    parser.add_argument("--text", type=Path, default=corpora / "aozora" / "aozora.txt")
    parser.add_argument("--lines", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with options.text.open(encoding="utf-8") as file:
        lines = [line.rstrip("\n") for line in file if line.strip()][: options.lines]
    speeds: dict[str, list[float]] = {name: [] for name in CONTESTANTS}
    for _ in range(options.rounds):
        for name, contestant in CONTESTANTS.items():
            begun = time.perf_counter()
            count = contestant(lines)
            speeds[name].append(count / (time.perf_counter() - begun))
    medians = {name: statistics.median(values) for name, values in speeds.items()}
    print(f"{len(lines):,} lines of {options.text.name}, median of {options.rounds} rounds\n")
    print("| contestant | thousand tokens/s | lowest - highest |\n|---|---|---|")
    for name, values in speeds.items():
        low, high = min(values) / 1e3, max(values) / 1e3
        print(f"| {name} | {medians[name] / 1e3:.0f} | {low:.0f} - {high:.0f} |")
    wakati, words, nodes, columns, peer = medians.values()
    print(f"\nwords / fugashi wakati: {words / wakati:.2f}")
    print(f"Tokens / loop over fugashi nodes: {columns / nodes:.2f}")
    print(f"Tokens / konoha: {columns / peer:.2f}")


if __name__ == "__main__":
    main()
