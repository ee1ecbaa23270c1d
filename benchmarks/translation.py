"""Translation on small_parallel_enja: what each step gains, the best models, how fast one writes.

    JPSEQ_CORPORA=... OMP_NUM_THREADS=1 python benchmarks/translation.py ladder [--minutes 15]
    JPSEQ_CORPORA=... OMP_NUM_THREADS=1 python benchmarks/translation.py best [--turned]
    JPSEQ_CORPORA=... OMP_NUM_THREADS=1 python benchmarks/translation.py decoding --model FOLDER

Words are those of the corpus, BLEU is of these words (tok:none), chrF of the joined text. Epochs
are chosen on dev. `ladder` reports dev; only `best` looks at test. A row is added to
docs/results.md for each model as soon as it is measured; what has a row is not made again, and a
training that was stopped goes on where it stopped (--work names the folder of models and runs). Two
calls with different --only may run side by side.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from results_table import add_row, has_row
from training import bare_loop

from jpseq import Translator, Vocabulary, Whitespace
from jpseq.embedding.word2vec import Word2Vec
from jpseq.sequences import framed
from jpseq.training.precision import choose
from jpseq.training.stream import pairs as batches_of
from jpseq.translation.decoding import ENDS, SPECIALS
from jpseq.vectors import Embeddings

Rows = list[tuple[str, str]]
TOKENS: dict[str, Any] = {
    "source_tokenizer": Whitespace(()),
    "target_tokenizer": Whitespace(()),
}
COMMON: dict[str, Any] = {
    **TOKENS,
    "embedding": 256,
    "hidden": 256,
    "batch_tokens": 800,
    "learning_rate": 2e-3,
}
CHOICE: dict[str, Any] = {"cooldown": 0.6, "monitor": "bleu", "best": "highest"}
BARE = {"dropout": 0.0, "label_smoothing": 0.0}
MUCH = {"dropout": 0.35, "label_smoothing": 0.1}
FULL = {"attention": "general", "dropout": 0.1, "label_smoothing": 0.1, "min_count": 2}
AVERAGED = {**FULL, "training": {**CHOICE, "keep": 2, "average": True}}
"""Of so few epochs: the mean of the best four of five is worse than the best."""
LADDER: dict[str, dict[str, Any]] = {
    "plain": {"attention": None, "bidirectional": False, **BARE},
    "bidirectional": {"attention": None, **BARE},
    "attention": {"attention": "general", **BARE},
    "input feeding": {"attention": "general", "input_feeding": True, **BARE},
    "smoothing and dropout": {"attention": "general", "input_feeding": True, **MUCH},
    "little dropout, no feeding": FULL,
    "averaging": AVERAGED,
    "averaging, seed 1": {**AVERAGED, "seed": 1},
    "averaging, seed 2": {**AVERAGED, "seed": 2},
    "word vectors": AVERAGED,
}
ENSEMBLE = ("averaging", "averaging, seed 1", "averaging, seed 2")


def read(part: str, turned: bool = False) -> Rows:
    """Pairs of English and Japanese; or, turned, of Japanese and English."""
    folder = Path(os.environ["JPSEQ_CORPORA"]) / "small_parallel_enja"
    sides = ("ja", "en") if turned else ("en", "ja")
    texts = [(folder / f"{part}.{side}").read_text("utf-8").splitlines() for side in sides]
    return list(zip(*texts, strict=True))


# Training


def epochs_within(translator: Translator, learnt: Rows, minutes: float, kept: Path) -> int:
    """How often all pairs can be gone through in so many minutes of one processor; once measured,
    it is kept in a file, for the trainings that go on."""
    if not kept.exists():
        sides = [[text.split() for text in side] for side in zip(*learnt, strict=True)]
        source, target = (v.transform(s) for v, s in zip(vocabularies(sides), sides, strict=True))
        translator.source_vocabulary, translator.target_vocabulary = vocabularies(sides)
        torch.manual_seed(0)
        stream = batches_of(source, framed(target, **ENDS), translator.batch_tokens)
        network = translator.build()
        bf16 = choose("auto", network) == "bf16"
        some = list(islice(stream, 43))
        seconds, tokens = bare_loop(network, some, bf16, clock=time.process_time)
        all_tokens = len(target.values) + len(target)
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(str(max(1, int(minutes * 60 * (tokens / seconds) / all_tokens))))
    return int(kept.read_text())


def vocabularies(sides: Sequence[Sequence[Sequence[str]]]) -> list[Vocabulary]:
    return [Vocabulary(SPECIALS).fit(side) for side in sides]


def vectors_of(learnt: Rows, work: Path, dim: int) -> dict[str, Embeddings]:
    """Skip-gram vectors of each side, learnt from the same pairs."""
    found = {}
    for number, side in enumerate(("source", "target")):
        folder = work / f"vectors-{side}"
        if not folder.exists():
            texts = [pair[number].split() for pair in learnt]
            Word2Vec(dim, min_count=1, epochs=20, sample=1e-3).fit(texts).save(folder)
        found[side] = Embeddings.load(folder)
    return found


def trained(name: str, params: dict[str, Any], work: Path) -> Translator:
    """The model of that name, made if it is not there yet."""
    folder = work / name.replace(" ", "-").replace(",", "")
    if (folder / "model" / "model.json").exists():
        return Translator.load(folder / "model")
    turned = params.get("source") == "ja"
    learnt, dev = read("train", turned), read("dev", turned)
    translator = Translator(**{**COMMON, "training": CHOICE, **params})
    begun = time.process_time()
    vectors = vectors_of(learnt, work, translator.embedding) if name == "word vectors" else None
    translator.fit(learnt, name, held_out=dev, vectors=vectors, run=folder / "run", resume=True)
    if not translator.completed:
        raise SystemExit("interrupted: the same call goes on from here.")
    translator.metrics = {"processor minutes": f"{(time.process_time() - begun) / 60:.1f}"}
    translator.save(folder / "model")
    return translator


# The ladder

LADDER_HEADING = "### What each step gains"


def ladder(minutes: float, only: list[str] | None, work: Path) -> None:
    """English to Japanese; a row for each model: greedy and with a beam, on dev."""
    dev = read("dev")
    for name, params in LADDER.items():
        if (only and name not in only) or has_row(LADDER_HEADING, name):
            continue
        rung = Translator(**{**COMMON, "training": CHOICE, **params})
        epochs = epochs_within(rung, read("train"), minutes, work / f"{name}.epochs")
        translator = trained(name, {**params, "epochs": epochs}, work)
        used = translator.metrics["processor minutes"]
        measured_row(LADDER_HEADING, name, translator, dev, f"{translator.epochs}", used)
    models = [work / name.replace(" ", "-").replace(",", "") / "model" for name in ENSEMBLE]
    if all(model.exists() for model in models) and not has_row(LADDER_HEADING, "ensemble of 3"):
        first, *rest = (Translator.load(model) for model in models)
        measured_row(LADDER_HEADING, "ensemble of 3", first.together(*rest), dev, "", "")


def measured_row(heading: str, name: str, translator: Translator, rows: Rows, *more: str) -> None:
    greedy = translator.score(rows, beam=1, replace_unknown=False)
    bleu, chrf = translator.score(rows, beam=5, replace_unknown=False)
    add_row(
        heading,
        name,
        *more,
        f"{greedy[0].value:.1f}",
        f"{bleu.value:.1f} ± {bleu.half_width:.1f}",
        f"{chrf.value:.1f}",
    )


# The best models

BEST_HEADING = "### The best models"
BEST: dict[str, Any] = {
    **FULL,
    "hidden": 512,
    "dropout": 0.3,
    "epochs": 19,
    "training": {**CHOICE, "keep": 4, "average": True},
}
SEARCH = {"beam": 10, "alpha": 1.3}
"""Chosen on dev, with seed 0: beam 5 and 10, alpha 0.6 to 2."""


def best(turned: bool, seeds: list[int], work: Path) -> None:
    """Models from English to Japanese and their ensemble, or one the other way; on test."""
    test = read("test", turned)
    known = {source for source, _ in read("train", turned)}
    direction = {"source": "ja", "target": "en"} if turned else {}
    models = []
    for seed in [0] if turned else seeds:
        name = f"{'ja → en' if turned else 'en → ja'}, seed {seed}"
        kept = f"best-{'ja-en' if turned else 'en-ja'}-{seed}"
        models.append(trained(kept, {**BEST, **direction, "seed": seed}, work))
        if not has_row(BEST_HEADING, name):
            tested_row(name, models[-1], test, known)
    if len(models) == 3 and not has_row(BEST_HEADING, "en → ja, ensemble of 3"):
        tested_row("en → ja, ensemble of 3", models[0].together(*models[1:]), test, known)


def tested_row(name: str, translator: Translator, test: Rows, known: set[str]) -> None:
    """Greedy, with a beam; sources that were seen in training and others apart."""
    seen, unseen = ([p for p in test if (p[0] in known) is there] for there in (True, False))
    greedy, _ = translator.score(test, beam=1, replace_unknown=False)
    bleu, chrf = translator.score(test, **SEARCH, replace_unknown=False)
    fields = [greedy, bleu, chrf]
    fields += [
        translator.score(some, **SEARCH, replace_unknown=False)[0] if some else None
        for some in (seen, unseen)
    ]
    shown = (f"{field.value:.1f} ± {field.half_width:.1f}" if field else "" for field in fields)
    add_row(BEST_HEADING, name, *shown)


# How fast it writes


def decoding(model: Path, rounds: int) -> None:
    """Sentences a second on dev, one thread."""
    translator = Translator.load(model)
    texts = [source for source, _ in read("dev", translator.source == "ja")]
    print(f"| beam | sentences/s | lowest - highest |  ({len(texts)} sentences of dev)")
    for beam in (1, 5, 10):
        speeds = []
        for _ in range(rounds):
            begun = time.perf_counter()
            translator.translate(texts, beam=beam)
            speeds.append(len(texts) / (time.perf_counter() - begun))
        print(
            f"| {beam} | {statistics.median(speeds):.0f} | {min(speeds):.0f} - {max(speeds):.0f} |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["ladder", "best", "decoding"])
    parser.add_argument(
        "--minutes", type=float, default=15, help="of one processor, for each rung of the ladder"
    )
    parser.add_argument("--only", action="append", choices=list(LADDER))
    parser.add_argument("--seed", type=int, action="append", help="of best; may be repeated")
    parser.add_argument("--turned", action="store_true", help="from Japanese to English")
    parser.add_argument("--model", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--work", type=Path, default=Path(tempfile.gettempdir()) / "jpseq-translation-benchmark"
    )
    given = parser.parse_args()
    if given.what == "ladder":
        ladder(given.minutes, given.only, given.work)
    elif given.what == "best":
        best(given.turned, given.seed or [0, 1, 2], given.work)
    elif given.model is None:
        parser.error("decoding needs --model FOLDER")
    else:
        decoding(given.model, given.rounds)


if __name__ == "__main__":
    main()
