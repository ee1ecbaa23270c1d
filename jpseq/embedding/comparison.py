"""word2vec beside gensim's: the same sentences, words, settings; who is faster, who is better?

Each side learns in a process of its own, so that its memory is its own, too. gensim reads the
sentences from a file (corpus_file), which is its fastest way.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from jpseq.corpora.prepare import prepare
from jpseq.corpora.prepared import Prepared
from jpseq.embedding.hogwild import Weights
from jpseq.embedding.progress import Start
from jpseq.embedding.sentences import drawn
from jpseq.embedding.word2vec import Word2Vec
from jpseq.errors import ConfigurationError, DataError, JpseqError, PluginError
from jpseq.evaluation.similarity import Judgements, Similarity, evaluate_words
from jpseq.vectors import Embeddings
from jpseq.vocabulary import Vocabulary

NAMES = ("jpseq", "gensim")
FREQUENT = 1000
"""Words whose neighbours are compared: the most frequent ones."""


@dataclass(frozen=True)
class Side:
    """What one of them has reached."""

    name: str
    words_per_second: float
    """Of the corpus, while learning."""
    seconds: Mapping[str, float]
    """Of each step from text to vectors: analysing, counting, learning."""
    memory: float
    """MB, the most that its process had."""
    held_out: float
    """Mean loss on sentences that neither has learnt from, measured by the same function."""
    similarities: Mapping[str, Similarity]
    """By the names of files."""
    embeddings: Embeddings


@dataclass(frozen=True)
class Comparison:
    """Both sides."""

    ours: Side
    theirs: Side
    overlap: float
    """Share of the ten nearest words that both have, over the most frequent words."""
    signature: str

    def rows(self) -> list[tuple[str, str, str, str]]:
        """What is compared, as texts: name, ours, gensim's, and how many times better where that
        makes sense."""
        ours, theirs = self.ours, self.theirs
        speed = ours.words_per_second / theirs.words_per_second
        rows = [
            (
                "words/s while learning",
                f"{ours.words_per_second:,.0f}",
                f"{theirs.words_per_second:,.0f}",
                f"{speed:.1f} x",
            )
        ]
        for step in ours.seconds:
            rows.append(
                (f"seconds, {step}", f"{ours.seconds[step]:.1f}", f"{theirs.seconds[step]:.1f}", "")
            )
        whole = [sum(side.seconds.values()) for side in (ours, theirs)]
        rows += [
            (
                "seconds in all",
                f"{whole[0]:.1f}",
                f"{whole[1]:.1f}",
                f"{whole[1] / whole[0]:.1f} x",
            ),
            ("peak memory, MB", f"{ours.memory:,.0f}", f"{theirs.memory:,.0f}", ""),
            ("held-out loss", f"{ours.held_out:.4f}", f"{theirs.held_out:.4f}", ""),
        ]
        for name, found in ours.similarities.items():
            other = theirs.similarities[name]
            rows.append((name, str(found.spearman), str(other.spearman), ""))
        return rows

    def as_json(self) -> dict[str, Any]:
        """All figures."""

        def plain(side: Side) -> dict[str, Any]:
            similarities = {name: asdict(found) for name, found in side.similarities.items()}
            return {
                "words_per_second": side.words_per_second,
                "seconds": dict(side.seconds),
                "memory_mb": side.memory,
                "held_out_loss": side.held_out,
                "similarities": similarities,
            }

        return {
            "jpseq": plain(self.ours),
            "gensim": plain(self.theirs),
            "overlap": self.overlap,
            "signature": self.signature,
        }


def compare(
    corpus: Prepared | Sequence[str],
    model: Word2Vec,
    *,
    held_out: float = 0.01,
    similarity: Mapping[str, Judgements] | None = None,
    note: Callable[[str], None] = lambda _: None,
) -> Comparison:
    """Train both on a corpus.

    Args:
        corpus: a prepared corpus, or names of text files; with these, analysing them counts, too.
        model: the settings.
        held_out: share of the sentences that are measured on.
        similarity: human judgements of word pairs, by name.
        note: is told what happens.

    Raises:
        PluginError: gensim is not installed.
        DataError: the corpus cannot be read, or holds too little.
        ConfigurationError: a setting is not allowed.
    """
    model.check()
    if model.hierarchical or model.ngrams is not None:
        raise ConfigurationError(
            "gensim is compared with on words and negative sampling: leave hierarchical and ngrams"
            " out."
        )
    if find_spec("gensim") is None:
        raise PluginError('gensim: not installed. Install it with: pip install "jpseq[gensim]"')
    with tempfile.TemporaryDirectory(prefix="jpseq-") as name:
        folder = Path(name)
        begun = time.perf_counter()
        if isinstance(corpus, Prepared):
            prepared = corpus
        else:
            note("jpseq: analysing")
            prepared = prepare(
                list(corpus), folder / "corpus", kind="text", tokenizer=model.tokenizer
            )
        analysing = time.perf_counter() - begun
        chosen = drawn(len(prepared.ids), held_out, model.seed)
        if not chosen.any():
            raise DataError(
                "to compare on, a sentence must be held out; take a larger corpus or share"
                f" (held_out is {held_out:g})."
            )
        vocabulary = Vocabulary(min_count=model.min_count, max_size=model.max_words)
        vocabulary.merge(prepared.vocabulary)
        settings = {
            name: value
            for name, value in model.get_params(deep=False).items()
            if name != "tokenizer"
        }
        words = _write(prepared, np.flatnonzero(~chosen), folder / "learnt.txt")
        asked = {
            "settings": settings,
            "held_out": held_out,
            "corpus": str(prepared.folder.resolve()),
            "sources": [] if isinstance(corpus, Prepared) else list(corpus),
            "sentences": len(chosen) - int(chosen.sum()),
            "words": words,
            "counts": dict(zip(vocabulary.words, vocabulary.counts.tolist(), strict=True)),
        }
        (folder / "asked.json").write_text(json.dumps(asked), encoding="utf-8")
        rows = prepared.ids.take(np.flatnonzero(chosen))
        kept = prepared.vocabulary.inverse_transform(rows)
        sides = []
        for name in NAMES:
            note(f"{name}: learning")
            _run(name, folder)
            trained = _read(folder / name, model, vocabulary)
            told = json.loads((folder / name / "told.json").read_text("utf-8"))
            seconds = told["seconds"]
            if name == "jpseq":
                seconds = {"analysing": analysing} | seconds
            embeddings = trained.embeddings
            sides.append(
                Side(
                    name,
                    words * model.epochs / seconds["learning"],
                    seconds,
                    told["memory"],
                    trained.loss(kept),
                    {
                        title: evaluate_words(embeddings, pairs)
                        for title, pairs in (similarity or {}).items()
                    },
                    embeddings,
                )
            )
    signature = f"words:{words}|vectors:{len(vocabulary)}|held-out:{held_out:g}|" + "|".join(
        f"{name}:{value}" for name, value in settings.items() if value is not None
    )
    ours, theirs = sides
    return Comparison(ours, theirs, _overlap(ours.embeddings, theirs.embeddings), signature)


def _write(corpus: Prepared, sentences: npt.NDArray[np.int64], path: Path) -> int:
    """Sentences as lines of words; how many words."""
    names = np.array(corpus.vocabulary.words, object)
    count = 0
    with path.open("w", encoding="utf-8") as file:
        for number in sentences.tolist():
            ids = corpus.ids[number]
            count += len(ids)
            file.write(" ".join(names[ids]) + "\n")
    return count


def _overlap(ours: Embeddings, theirs: Embeddings, count: int = 10) -> float:
    """Both have the same words in the same order."""
    asked = np.arange(min(FREQUENT, len(ours)))
    found = [
        side.neighbours(side.vectors[asked], count, asked[:, None])[0] for side in (ours, theirs)
    ]
    shared = [
        len(set(a[a >= 0]) & set(b[b >= 0])) / max(1, int((a >= 0).sum()))
        for a, b in zip(*found, strict=True)
    ]
    return float(np.mean(shared))


# Each side in its own process


def _run(name: str, folder: Path) -> None:
    (folder / name).mkdir()
    command = [sys.executable, "-m", "jpseq.embedding.comparison", name, str(folder)]
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise JpseqError(f"{name} could not learn: {lines[-1]}")


def _read(folder: Path, model: Word2Vec, vocabulary: Vocabulary) -> Word2Vec:
    """What a side has learnt, as a model of ours."""
    trained = model.clone()
    trained.vocabulary = vocabulary
    trained.weights = Weights(len(vocabulary), model.dim, model.threads)
    trained.weights.x[:] = np.load(folder / "input.npy")
    trained.weights.o[:] = np.load(folder / "output.npy")
    return trained


def _learn_ours(asked: Any) -> tuple[Any, Any, dict[str, float]]:
    begun = time.perf_counter()
    corpus = Prepared.load(asked["corpus"])
    started = begun

    def report(event: object) -> None:
        nonlocal started
        if isinstance(event, Start):
            started = time.perf_counter()

    model = Word2Vec(**asked["settings"])
    model.fit(corpus, held_out=asked["held_out"], report=report)
    ended = time.perf_counter()
    weights = model.trained()
    return weights.x, weights.o, {"counting": started - begun, "learning": ended - started}


def _learn_theirs(asked: Any, folder: Path) -> tuple[Any, Any, dict[str, float]]:
    from gensim.models import Word2Vec as Gensim

    learnt, settings, seconds = str(folder / "learnt.txt"), asked["settings"], {}
    begun = time.perf_counter()
    if asked["sources"]:
        _analyse(asked["sources"], folder / "analysed.txt")
    seconds["analysing"] = time.perf_counter() - begun

    def empty() -> Any:
        return Gensim(
            vector_size=settings["dim"],
            window=settings["window"],
            negative=settings["negative"],
            sample=settings["sample"],
            min_count=settings["min_count"],
            max_final_vocab=settings["max_words"],
            sg=int(settings["method"] == "skipgram"),
            shrink_windows=settings["dynamic_window"],
            ns_exponent=settings["noise_exponent"],
            alpha=settings["learning_rate"],
            min_alpha=settings["final_rate"],
            workers=settings["threads"],
            seed=settings["seed"],
            epochs=settings["epochs"],
        )

    begun = time.perf_counter()
    empty().build_vocab(corpus_file=learnt)  # as one does; but both shall have the same words
    seconds["counting"] = time.perf_counter() - begun
    model = empty()
    model.build_vocab_from_freq(asked["counts"], corpus_count=asked["sentences"])
    begun = time.perf_counter()
    model.train(
        corpus_file=learnt,
        total_examples=asked["sentences"],
        total_words=asked["words"],
        epochs=settings["epochs"],
    )
    seconds["learning"] = time.perf_counter() - begun
    rows = [model.wv.key_to_index[word] for word in asked["counts"]]
    return model.wv.vectors[rows], model.syn1neg[rows], seconds


def _analyse(sources: Sequence[str], output: Path) -> None:
    """Text to words, as in a script that goes before gensim."""
    import fugashi  # type: ignore[import-untyped, unused-ignore]

    from jpseq.corpora.texts import read_texts

    parse = fugashi.Tagger("-Owakati").parse
    with output.open("w", encoding="utf-8") as file:
        for source in sources:
            for line in read_texts(source):
                file.write(parse(line) + "\n")


def _main(name: str, folder: Path) -> None:
    asked = json.loads((folder / "asked.json").read_text("utf-8"))
    learn = _learn_ours(asked) if name == "jpseq" else _learn_theirs(asked, folder)
    inputs, outputs, seconds = learn
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    np.save(folder / name / "input.npy", inputs)
    np.save(folder / name / "output.npy", outputs)
    told = {"seconds": seconds, "memory": memory}
    (folder / name / "told.json").write_text(json.dumps(told), encoding="utf-8")


if __name__ == "__main__":
    _main(sys.argv[1], Path(sys.argv[2]))
