"""jpseq embed compare: our word2vec and gensim's on the same sentences."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jpseq.cli.stages import TokenizerName, tokenizer_of
from jpseq.cli.word2vec import (
    Dim,
    Epochs,
    MinCount,
    Negative,
    Sample,
    Seed,
    Sources,
    Threads,
    WhichMethod,
    Window,
)

if TYPE_CHECKING:
    from jpseq.embedding.comparison import Comparison


def compare(
    sources: Sources,
    dim: Dim = 100,
    window: Window = 5,
    negative: Negative = 5,
    sample: Sample = 1e-3,
    min_count: MinCount = 5,
    epochs: Epochs = 5,
    method: WhichMethod = "skipgram",
    threads: Threads = 1,
    seed: Seed = 0,
    tokenizer: TokenizerName = "mecab",
    held_out: Annotated[
        float, typer.Option(help="Share of sentences that both are measured on.")
    ] = 0.01,
    similarity: Annotated[
        list[Path] | None, typer.Option(help="A table of word pairs with scores; may be repeated.")
    ] = None,
    words: Annotated[
        list[str] | None,
        typer.Option("--word", help="Show the neighbours of this word; may be repeated."),
    ] = None,
    plot: Annotated[Path | None, typer.Option(help="A picture of it, .png or .svg.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of lines to read.")] = False,
) -> None:
    """Train both on the same sentences and settings, and show who is faster and who is better."""
    from jpseq.corpora.prepared import MARK, Prepared
    from jpseq.embedding import comparison
    from jpseq.embedding.configuration import FitConfiguration
    from jpseq.embedding.word2vec import Word2Vec
    from jpseq.evaluation.similarity import read_word_pairs

    # What can be wrong is found before the long part begins.
    FitConfiguration.check({"held_out": held_out, "patience": None})
    if plot is not None:
        from jpseq.plots.drawing import check_suffix

        check_suffix(plot)
    model = Word2Vec(
        dim,
        window,
        negative,
        sample,
        min_count,
        epochs,
        method,
        threads=threads,
        seed=seed,
        tokenizer=tokenizer_of(tokenizer),
    )
    judged = {path.name: read_word_pairs(path) for path in similarity or []}
    corpus: Prepared | list[str] = sources
    if len(sources) == 1 and (Path(sources[0]) / MARK).exists():
        corpus = Prepared.load(sources[0])
    found = comparison.compare(
        corpus,
        model,
        held_out=held_out,
        similarity=judged,
        note=lambda text: print(text, file=sys.stderr),
    )
    near = _neighbours(found, words)
    if as_json:
        content = found.as_json() | {"neighbours": near}
        print(json.dumps(content, ensure_ascii=False))
    else:
        _show(found, near)
    if plot is not None:
        from jpseq import plots
        from jpseq.embedding.comparison_plot import picture

        plots.save(picture(found), plot)
        print(f"{plot}: written", file=sys.stderr)


def _neighbours(found: "Comparison", words: list[str] | None) -> dict[str, dict[str, list[str]]]:
    """Of words asked for, or of some that are neither the most frequent nor rare; [] of a word
    without a vector."""
    known = found.ours.embeddings.words
    chosen = known[100:400:100] if words is None else words
    return {
        word: {
            side.name: [near for near, _ in side.embeddings.similar(word, 8)]
            if word in side.embeddings
            else []
            for side in (found.ours, found.theirs)
        }
        for word in chosen
    }


def _show(found: "Comparison", near: dict[str, dict[str, list[str]]]) -> None:
    from jpseq.columns import columns

    print("\n".join(columns([("", "jpseq", "gensim", ""), *found.rows()])))
    print(f"the ten nearest of frequent words: {found.overlap:.0%} are the same")
    for word, sides in near.items():
        for name, others in sides.items():
            print(f"{word}  {name:<6}  {' '.join(others) or 'no vector'}")
    print(found.signature)
