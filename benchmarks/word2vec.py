"""word2vec beside gensim: speed, quality, from raw text to vectors, at any length.

    JPSEQ_CORPORA=... python benchmarks/word2vec.py speed [--rounds 5]
    JPSEQ_CORPORA=... python benchmarks/word2vec.py quality [--method cbow] [--threads 2]
    JPSEQ_CORPORA=... python benchmarks/word2vec.py speed --kind tree        # and quality; ngrams
    JPSEQ_CORPORA=... python benchmarks/word2vec.py whole [--rounds 3]
    JPSEQ_CORPORA=... python benchmarks/word2vec.py processes [--seeds 2]
    JPSEQ_CORPORA=... python benchmarks/word2vec.py length

All with window 5, negative 5, sample 1e-3, min_count 5, on Aozora Bunko texts cut by MeCab; --kind
tree has a hierarchical softmax in place of negatives, --kind ngrams is beside gensim's FastText.
The first call cuts the texts and keeps the words in a folder of the system's temporary one.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jpseq import Ragged, Whitespace
from jpseq.corpora.prepare import prepare
from jpseq.corpora.prepared import Prepared
from jpseq.embedding.draws import chances
from jpseq.embedding.hogwild import Weights, train_epoch
from jpseq.embedding.huffman import Paths
from jpseq.embedding.ngrams import NGrams, parts
from jpseq.embedding.sentences import Pieces, drawn, renamed
from jpseq.embedding.windows import Options
from jpseq.embedding.word2vec import Word2Vec
from jpseq.evaluation.similarity import evaluate_words, read_word_pairs
from jpseq.vocabulary import Vocabulary

SETTINGS: dict[str, Any] = {"window": 5, "negative": 5, "sample": 1e-3, "min_count": 5}
NGRAMS: dict[str, Any] = {"ngrams": (1, 3), "buckets": 500_000}
KINDS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "negative": ({}, {}),
    "tree": ({"hierarchical": True}, {"hs": 1, "negative": 0}),
    "ngrams": (NGRAMS, {"min_n": 1, "max_n": 3, "bucket": 500_000}),
}
"""Negative sampling, a hierarchical softmax, and words made of n-grams too: for us, for gensim."""
FIRST_RATE, LAST_RATE = 0.025, 1e-4
HERE = Path(tempfile.gettempdir()) / "jpseq-word2vec-benchmark"


def corpora() -> Path:
    return Path(os.environ["JPSEQ_CORPORA"])


class Texts(NamedTuple):
    """The corpus in the forms that both sides read."""

    prepared: Prepared
    words: Path
    """A sentence a line, words with spaces between."""
    held_out: list[list[str]]


def texts(share: float = 0.01) -> Texts:
    """Aozora without a share of its paragraphs, and these."""
    if not (HERE / "learnt" / "corpus.json").exists():
        HERE.mkdir(exist_ok=True)
        whole = prepare(corpora() / "aozora" / "aozora.txt", HERE / "whole")
        chosen = drawn(len(whole.ids), share, seed=0)
        write(whole, np.flatnonzero(~chosen), HERE / "learnt.txt")
        write(whole, np.flatnonzero(chosen), HERE / "held_out.txt")
        prepare(HERE / "learnt.txt", HERE / "learnt", tokenizer=Whitespace())
    lines = (HERE / "held_out.txt").read_text("utf-8").splitlines()
    held_out = [line.split() for line in lines]
    return Texts(Prepared.load(HERE / "learnt"), HERE / "learnt.txt", held_out)


def write(corpus: Prepared, rows: Iterable[int], path: Path) -> None:
    words = corpus.vocabulary.words
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            file.write(" ".join(words[i] for i in corpus.ids[int(row)].tolist()) + "\n")


def in_gensim(
    path: Path, method: str, dim: int, workers: int, kind: str = "negative", seed: int = 1
) -> Any:
    """A gensim model that has counted the words and learnt nothing."""
    from gensim import models

    theirs = models.FastText if kind == "ngrams" else models.Word2Vec
    model = theirs(
        vector_size=dim,
        sg=int(method == "skipgram"),
        workers=workers,
        seed=seed,
        alpha=FIRST_RATE,
        min_alpha=LAST_RATE,
        **SETTINGS | KINDS[kind][1],
    )
    model.build_vocab(corpus_file=str(path))
    return model


def train_theirs(model: Any, path: Path, epochs: int) -> None:
    model.train(
        corpus_file=str(path),
        total_examples=model.corpus_count,
        total_words=model.corpus_total_words,
        epochs=epochs,
    )


def as_ours(model: Any, vocabulary: Vocabulary, method: str, kind: str) -> Word2Vec:
    """gensim's weights in a Word2Vec, so that the same function measures both."""
    ours = Word2Vec(model.vector_size, method=method, **KINDS[kind][0], **SETTINGS)
    ours.vocabulary = Vocabulary(min_count=SETTINGS["min_count"]).merge(vocabulary)
    ours.weights = weights = ours._no_weights(len(ours.vocabulary))
    rows = [model.wv.key_to_index[word] for word in ours.vocabulary.words]
    weights.x[:] = (model.wv.vectors_vocab if kind == "ngrams" else model.wv.vectors)[rows]
    weights.o[:] = model.syn1 if kind == "tree" else model.syn1neg[rows]
    if kind == "ngrams":  # the hash is the same
        weights.grams[:] = model.wv.vectors_ngrams
    if kind == "tree":  # where words are as frequent as others, its tree is another one
        words = [model.wv.index_to_key[row] for row in rows]
        nodes, codes = (
            [model.wv.get_vecattr(word, name) for word in words] for name in ("point", "code")
        )
        paths = Paths(
            np.cumsum([0, *map(len, codes)]),
            np.concatenate(nodes).astype(np.int32),
            (1 - 2 * np.concatenate(codes).astype(np.float32)),
        )
        own = ours._chances()._replace(paths=paths)
        ours._chances = lambda: own  # type: ignore[method-assign]
    return ours


# Speed


def sgemm_rate(dim: int = 1536) -> float:
    """GFLOP/s of a matrix product in single precision on one thread."""
    from threadpoolctl import threadpool_limits

    a, b = np.random.default_rng(0).random((2, dim, dim), np.float32)
    with threadpool_limits(1):
        a @ b
        begun = time.perf_counter()
        for _ in range(5):
            a @ b
        return 10 * dim**3 / (time.perf_counter() - begun) / 1e9


def speed(rounds: int, seconds: float, kind: str) -> None:
    """Words of the corpus a second, vocabulary and tables made before; medians of rounds."""
    corpus = texts()
    counts = corpus.prepared.vocabulary.counts
    known = Vocabulary(min_count=SETTINGS["min_count"]).merge(corpus.prepared.vocabulary)
    tables = chances(known.counts, SETTINGS["sample"], 0.75, kind == "tree")
    buckets = 0
    if kind == "ngrams":
        buckets = NGRAMS["buckets"]
        tables = tables._replace(parts=parts(known.words, NGrams(*NGRAMS["ngrams"], buckets)))
    names = renamed(corpus.prepared.vocabulary, known)
    print(f"{counts.sum():,} words, {len(known):,} different ones, {rounds} rounds")
    print(f"sgemm on one thread: {sgemm_rate():.0f} GFLOP/s\n")
    print("| | threads | gensim | jpseq | ratio | of jpseq's one thread | GFLOP/s |")
    print("|---|---|---|---|---|---|---|")
    for method in ("skipgram", "cbow"):
        for dim in (100, 300):
            theirs: dict[int, list[float]] = {1: [], 2: []}
            ours: dict[int, list[float]] = {1: [], 2: []}
            flops = 0.0
            for _ in range(rounds):
                for threads in (1, 2):
                    # A part of the corpus that takes about so long on either side.
                    path, words = part(corpus.words, int(seconds * 250_000 * threads))
                    model = in_gensim(corpus.words, method, dim, threads, kind)
                    begun = time.perf_counter()
                    model.train(
                        corpus_file=str(path),
                        total_examples=model.corpus_count,
                        total_words=words,
                        epochs=1,
                    )
                    theirs[threads].append(words / (time.perf_counter() - begun))
                    weights = Weights(len(known), dim, threads, buckets)
                    draw = np.random.default_rng(0)
                    for layer in (weights.x, weights.grams):
                        layer[:] = (draw.random(layer.shape, np.float32) - 0.5) / dim
                    ids = corpus.prepared.ids
                    last = int(np.searchsorted(ids.offsets, seconds * 2_500_000 * threads))
                    pieces = Pieces(ids[:last], names)
                    options = Options(method == "cbow", 5, True, 5, kind == "tree")

                    def rate(_: int) -> float:
                        return FIRST_RATE

                    train_epoch(Pieces(ids[:50], names), weights, options, tables, rate, (1,))
                    begun = time.perf_counter()
                    _, predictions = train_epoch(pieces, weights, options, tables, rate, (2,))
                    took = time.perf_counter() - begun
                    ours[threads].append(int(pieces.words_before()[-1]) / took)
                    if threads == 1 and method == "skipgram" and kind == "negative":
                        flops = predictions * 6 * 6 * dim / took / 1e9  # six outputs, six each
            for threads in (1, 2):
                a, b = statistics.median(theirs[threads]), statistics.median(ours[threads])
                scaling = b / statistics.median(ours[1])
                rate_shown = f"{flops:.0f}" if flops and threads == 1 else ""
                print(
                    f"| {method} {dim} | {threads} | {a / 1e3:,.0f} ({spread(theirs[threads])})"
                    f" | {b / 1e3:,.0f} ({spread(ours[threads])}) | {b / a:.1f} | {scaling:.2f}"
                    f" | {rate_shown} |",
                    flush=True,
                )


def spread(values: list[float]) -> str:
    return f"{min(values) / 1e3:,.0f} - {max(values) / 1e3:,.0f}"


def part(path: Path, words: int) -> tuple[Path, int]:
    """A file of the first so many words."""
    place = path.with_name(f"first-{words}.txt")
    count = 0
    with path.open(encoding="utf-8") as lines, place.open("w", encoding="utf-8") as file:
        for line in lines:
            file.write(line)
            count += line.count(" ") + 1
            if count >= words:
                break
    return place, count


# Quality


def one(
    side: str, method: str, dim: int, epochs: int, seed: int, threads: int, kind: str
) -> dict[str, float]:
    """A training; its loss on the held-out part, and Spearman on JWSD."""
    corpus = texts()
    begun = time.perf_counter()
    if side == "gensim":
        model = in_gensim(corpus.words, method, dim, threads, kind, seed + 1)
        train_theirs(model, corpus.words, epochs)
        ours = as_ours(model, corpus.prepared.vocabulary, method, kind)
    else:
        options = {"method": method, "epochs": epochs, "seed": seed, "threads": threads}
        ours = Word2Vec(dim, **KINDS[kind][0], **options, **SETTINGS).fit(corpus.prepared)
    seconds = time.perf_counter() - begun
    figures = {"seconds": seconds, "loss": ours.loss(corpus.held_out)}
    for name in ("noun", "adv"):
        pairs = read_word_pairs(corpora() / "jwsd" / f"score_{name}.csv")
        figures[name] = evaluate_words(ours.embeddings, pairs).spearman.value
    return figures


def quality(method: str, dim: int, epochs: int, seeds: int, threads: int, kind: str) -> None:
    print(f"{method}, {kind}, {dim} dimensions, {epochs} epochs, {threads} thread(s)")
    print("| | seed | held-out loss | JWSD nouns | JWSD adverbs | seconds |")
    print("|---|---|---|---|---|---|")
    texts()
    sides = ("jpseq", "gensim")
    rows: dict[str, list[dict[str, float]]] = {side: [] for side in sides}
    with ProcessPoolExecutor(1 if threads > 1 else os.cpu_count()) as pool:
        futures = {
            (side, seed): pool.submit(one, side, method, dim, epochs, seed, threads, kind)
            for seed in range(seeds)
            for side in sides
        }
        for (side, seed), future in futures.items():
            row = future.result()
            rows[side].append(row)
            print(
                f"| {side} | {seed} | {row['loss']:.4f} | {row['noun']:.4f} | {row['adv']:.4f}"
                f" | {row['seconds']:.0f} |",
                flush=True,
            )
    for side in sides:
        print(f"| {side} | mean ± deviation |", end="")
        for name in ("loss", "noun", "adv"):
            values = [row[name] for row in rows[side]]
            print(f" {statistics.mean(values):.4f} ± {statistics.stdev(values):.4f} |", end="")
        print(" |")


# From raw text to vectors


PLAIN = """
import sys
import fugashi
from gensim.models import Word2Vec
text, words, vectors = sys.argv[1:4]
parse = fugashi.Tagger("-Owakati").parse
with open(text, encoding="utf-8") as lines, open(words, "w", encoding="utf-8") as file:
    for line in lines:
        if line.strip():
            file.write(parse(line.strip()) + "\\n")
model = Word2Vec(corpus_file=words, vector_size=100, sg=1, window=5, negative=5, sample=1e-3,
                 min_count=5, epochs=5, workers=2)
model.wv.save_word2vec_format(vectors, binary=True)
"""
OURS = """
import sys
from jpseq.embedding.word2vec import Word2Vec
Word2Vec(dim=100, epochs=5, threads=2).fit(sys.argv[1]).embeddings.export(sys.argv[3])
"""


def whole(rounds: int) -> None:
    """Seconds of the whole process, five epochs of skip-gram with 100 dimensions, two cores."""
    text = corpora() / "aozora" / "aozora.txt"
    took: dict[str, list[float]] = {"fugashi + gensim": [], "jpseq": []}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(rounds):
            for side, script in (("fugashi + gensim", PLAIN), ("jpseq", OURS)):
                names = [str(Path(folder) / name) for name in ("words.txt", "vectors.bin")]
                begun = time.perf_counter()
                subprocess.run([sys.executable, "-c", script, str(text), *names], check=True)
                took[side].append(time.perf_counter() - begun)
    for side, seconds in took.items():
        shown = f"{min(seconds):.1f} - {max(seconds):.1f}"
        print(f"| {side} | {statistics.median(seconds):.1f} s | {shown} |")
    medians = [statistics.median(seconds) for seconds in took.values()]
    print(f"ratio {medians[0] / medians[1]:.1f}")


# Several processes


PROCESSES = """
import sys
from pathlib import Path
from jpseq.corpora.prepared import Prepared
from jpseq.embedding.word2vec import Word2Vec
from jpseq.training.processes import is_first
folder, dim, epochs, seed = Path(sys.argv[1]), *map(int, sys.argv[2:])
model = Word2Vec(dim, epochs=epochs, seed=seed).fit(Prepared.load(folder / "learnt"))
held_out = [line.split() for line in (folder / "held_out.txt").read_text("utf-8").splitlines()]
loss = model.loss(held_out)
if is_first():
    print("loss:", loss)
"""


def processes(dim: int, epochs: int, seeds: int) -> None:
    """Held-out loss of skip-gram learnt by one process, and by two and four under torchrun."""
    texts()
    print("| processes | held-out loss, of each seed | mean, of one process |\n|---|---|---|")
    alone = 0.0
    for count in (1, 2, 4):
        losses = []
        for seed in range(seeds):
            torchrun = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={count}"]
            with tempfile.NamedTemporaryFile("w", suffix=".py") as script:
                script.write(PROCESSES)
                script.flush()
                arguments = map(str, (script.name, HERE, dim, epochs, seed))
                command = [sys.executable, *(torchrun if count > 1 else ()), *arguments]
                done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            losses.append(float(done.stdout.split("loss:")[1]))
        alone = alone or statistics.mean(losses)
        shown = ", ".join(f"{loss:.4f}" for loss in losses)
        print(f"| {count} | {shown} | {statistics.mean(losses) / alone:.4f} |", flush=True)


# At any length


def length(millions: Iterable[int] = (1, 5, 10, 25, 50)) -> None:
    """Microseconds a word and resident memory, from 1 to 50 million words: Aozora again and again.

    Each in a process of its own, with the vocabulary of the whole of Aozora.
    """
    texts()
    print("| million words | words/s | peak MB | of which weights |\n|---|---|---|---|")
    for million in millions:
        subprocess.run([sys.executable, __file__, "long", "--words", str(million)], check=True)


def long(million: int) -> None:
    corpus = texts().prepared
    ids, offsets = np.array(corpus.ids.values), np.array(corpus.ids.offsets)
    folder = HERE / f"{million}-million"
    if not (folder / "values.npy").exists():
        times = -(-million * 1_000_000 // len(ids))
        folder.mkdir(exist_ok=True)
        bounds = np.concatenate([[0], *(offsets[1:] + t * len(ids) for t in range(times))])
        whole = Ragged(np.tile(ids, times), bounds)
        whole[: int(np.searchsorted(bounds, million * 1_000_000))].save(folder)
        del whole, bounds
        os.execv(sys.executable, [sys.executable, *sys.argv])  # with memory as at the beginning
    del ids, offsets
    rows = Ragged.load(folder)
    known = Vocabulary(min_count=SETTINGS["min_count"]).merge(corpus.vocabulary)
    weights = Weights(len(known), 100, 1)
    tables = chances(known.counts, SETTINGS["sample"], 0.75)
    pieces = Pieces(rows, renamed(corpus.vocabulary, known))
    options = Options(False, 5, True, 5)

    def rate(_: int) -> float:
        return FIRST_RATE

    train_epoch(Pieces(rows[:50], pieces.names), weights, options, tables, rate, (1,))
    begun = time.perf_counter()
    train_epoch(pieces, weights, options, tables, rate, (1,))
    words = int(pieces.words_before()[-1])
    took = time.perf_counter() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    print(
        f"| {million} | {words / took:,.0f} | {peak:,.0f} | {weights.memory / 1e6:,.0f} |",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "what", choices=["speed", "quality", "whole", "processes", "length", "long"]
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--method", default="skipgram")
    parser.add_argument("--dim", type=int, default=100)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--words", type=int, default=1)
    parser.add_argument("--kind", choices=list(KINDS), default="negative")
    given = parser.parse_args()
    actions: dict[str, Callable[[], None]] = {
        "speed": lambda: speed(given.rounds, given.seconds, given.kind),
        "quality": lambda: quality(
            *(given.method, given.dim, given.epochs, given.seeds, given.threads),
            given.kind,
        ),
        "whole": lambda: whole(given.rounds),
        "processes": lambda: processes(given.dim, given.epochs, given.seeds),
        "length": length,
        "long": lambda: long(given.words),
    }
    actions[given.what]()


if __name__ == "__main__":
    main()
