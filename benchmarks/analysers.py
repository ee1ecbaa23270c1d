"""The analysers beside one another: how fast, how near to words cut by hand, how large.

    pip install "jpseq[sudachi,janome,nagisa]" sudachidict_small
    JPSEQ_CORPORA=... OMP_NUM_THREADS=1 python benchmarks/analysers.py

Speed is of whole Tokens, with all columns that an analyser has, in thousand tokens a second of
processor time, on the same lines of aozora; the analysers take turns, and the median of the rounds
counts. F1 is of spans on the dev part of UD Japanese GSD, in code points (see
jpseq.evaluation.segmentation). Size is that of the package which holds the dictionary, or network.
"""

import argparse
import importlib.util
import os
import statistics
import time
from itertools import islice
from pathlib import Path

from jpseq import MeCab
from jpseq.corpora.readers import read_lines
from jpseq.evaluation.segmentation import evaluate, read_conllu
from jpseq.text.janome import Janome
from jpseq.text.nagisa import Nagisa
from jpseq.text.sudachi import Sudachi
from jpseq.text.tokenizer import Tokenizer

ANALYSERS: dict[str, tuple[Tokenizer, str]] = {
    "MeCab, unidic-lite": (MeCab(), "unidic_lite"),
    "Sudachi A, core": (Sudachi("A"), "sudachidict_core"),
    "Sudachi B, core": (Sudachi("B"), "sudachidict_core"),
    "Sudachi C, core": (Sudachi("C"), "sudachidict_core"),
    "Sudachi A, small": (Sudachi("A", "small"), "sudachidict_small"),
    "Janome, IPADIC": (Janome(), "janome"),
    "nagisa": (Nagisa(), "nagisa"),
}


def megabytes(package: str) -> float:
    found = importlib.util.find_spec(package)
    assert found is not None
    assert found.origin is not None
    files = Path(found.origin).parent.rglob("*")
    return sum(file.stat().st_size for file in files if file.is_file()) / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    corpora = Path(os.environ["JPSEQ_CORPORA"])
    lines = [line for line in read_lines(corpora / "aozora" / "aozora.txt") if line.strip()]
    lines = list(islice(lines, given.lines))
    speeds: dict[str, list[float]] = {name: [] for name in ANALYSERS}
    for analyser, _ in ANALYSERS.values():
        analyser.tokenize("夜")  # starts it
    for _ in range(given.rounds):
        for name, (analyser, _) in ANALYSERS.items():
            begun = time.process_time()
            count = sum(len(analyser.tokenize(line).form) for line in lines)
            speeds[name].append(count / (time.process_time() - begun) / 1e3)
    gold = list(read_conllu(corpora / "ud_japanese_gsd" / "ja_gsd-ud-dev.conllu"))
    print("| analyser | thousand tokens/s | precision | recall | F1 | MB |")
    print("|---|---|---|---|---|---|")
    for name, (analyser, package) in ANALYSERS.items():
        found = evaluate(analyser, gold, data="ja_gsd-ud-dev.conllu")
        print(
            f"| {name} | {statistics.median(speeds[name]):.0f} | {found.precision:.4f} |"
            f" {found.recall:.4f} | {found.f1:.4f} | {megabytes(package):.0f} |"
        )
    print(f"\n{len(lines):,} lines, median of {given.rounds} rounds; {found.signature}")


if __name__ == "__main__":
    main()
