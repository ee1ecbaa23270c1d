"""jpseq translate: train a translator, let it translate, measure it, look at its attention."""

import dataclasses
import json
import sys
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jpseq.cli.notes import note
from jpseq.cli.training import Output, Resume, Run, Settings, check_known, learn

if TYPE_CHECKING:
    from jpseq.text.tokenizer import Tokenizer
    from jpseq.translation.translation import Translation
    from jpseq.translation.translator import Translator

app = typer.Typer(help="Translate, and train translators.", no_args_is_help=True)
Model = Annotated[Path, typer.Argument(help="A model folder.")]
Others = Annotated[
    list[Path] | None,
    typer.Option("--with", help="A model more: together they are an ensemble. May be repeated."),
]
Source = Annotated[
    Path,
    typer.Argument(help="Pairs (SOURCE<TAB>TARGET a line), or the source's file with --target."),
]
Target = Annotated[
    Path | None, typer.Option("--target", "-t", help="The file aligned with the first one.")
]
Turned = Annotated[bool, typer.Option("--turned", help="Read the pairs the other way round.")]
Beam = Annotated[int, typer.Option(min=1, max=1000, help="Hypotheses followed; 1 is greedy.")]
Alpha = Annotated[float, typer.Option(min=0, max=10, help="Weight of length normalisation.")]
Beta = Annotated[float, typer.Option(min=0, max=10, help="Weight of the coverage penalty.")]
MinLength = Annotated[int, typer.Option(min=0, help="At least so many words.")]
MaxLength = Annotated[
    int | None, typer.Option(min=1, help="At most so many words; else twice the source's and 10.")
]
NoRepeat = Annotated[int, typer.Option(min=0, help="No run of so many words comes twice.")]
LEVELS = " ▁▂▃▄▅▆▇█"
"""How much attention a place gets, in eighths."""
CHUNK = 512
"""Lines that are read before the first of them is written."""


@app.command()
def train(
    pairs: Annotated[
        Path,
        typer.Argument(
            help="Pairs (SOURCE<TAB>TARGET a line), the source's file with --target, or a prepared"
            " corpus of parallel text, with its tokenizers."
        ),
    ],
    output: Output,
    target: Target = None,
    turned: Turned = False,
    dev: Annotated[
        Path | None, typer.Option(help="Pairs, or a source's file, to choose the best epoch on.")
    ] = None,
    dev_target: Annotated[Path | None, typer.Option(help="The file aligned with --dev.")] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            help="A recipe: a TOML file with parameters of Translator, see recipes/;"
            ' attention = "none" for a network without.'
        ),
    ] = None,
    settings: Settings = None,
    source_vectors: Annotated[
        Path | None,
        typer.Option(
            help="Word vectors to begin with, on the source side: a file, or what `jpseq embed"
            " train` or `pretrain` wrote."
        ),
    ] = None,
    target_vectors: Annotated[
        Path | None, typer.Option(help="The same, on the target side.")
    ] = None,
    encoder: Annotated[
        Path | None,
        typer.Option(
            help="What `jpseq embed pretrain --encoder recurrent` wrote, to read the source with."
        ),
    ] = None,
    run: Run = None,
    resume: Resume = False,
) -> None:
    """Train a translator on pairs of sentences.

    With --dev its perplexity and greedy BLEU are measured on other pairs after each epoch, and the
    best epoch is kept. After Ctrl-C what was learnt until then is saved.
    """
    from jpseq.cli.configuration import is_begun, keep, override
    from jpseq.corpora.toml import read_toml
    from jpseq.errors import ConfigurationError
    from jpseq.folders import check_replaceable

    if dev is None and dev_target is not None:
        raise ConfigurationError(
            f"--dev-target {dev_target}: is the other side of --dev, which is not there; add --dev"
            " FILE, the sources."
        )
    # What can be wrong is found before the long part begins.
    check_replaceable(output, "model.json")
    params = override(read_toml(config) if config is not None else {}, settings or [])
    resolved = dict(params)
    begun = is_begun(run, resume, resolved)
    learnt, tokenizers = _pairs_to_learn(pairs, target, turned)
    for side in ("source_tokenizer", "target_tokenizer"):
        if side in params:
            params[side] = _tokenizer(side, params[side])
            if side in tokenizers and not tokenizers[side].is_like(params[side]):
                raise ConfigurationError(
                    f"{pairs}: was prepared with {tokenizers[side]!r}, but {side} is"
                    f" {params[side]!r}. Leave {side} out, or prepare the corpus again: `jpseq"
                    " corpus prepare SOURCE --target TARGET --tokenizer NAME:PARAMETER=VALUE`."
                )
    params |= tokenizers
    if params.get("attention") == "none":  # TOML has no None
        params["attention"] = None
    held_out = None if dev is None else _pairs(dev, dev_target, turned)

    from jpseq.embedding.masked_lm import MaskedLM
    from jpseq.translation.translator import Translator
    from jpseq.vectors import Embeddings

    check_known(params, Translator().get_params(deep=False))
    translator = Translator(**params)
    translator.check()
    files = {"source": source_vectors, "target": target_vectors}
    vectors = {side: Embeddings.load(file) for side, file in files.items() if file is not None}
    reader = None if encoder is None else MaskedLM.load(encoder)
    keep(run, begun, resolved)

    def fit() -> None:
        translator.fit(
            learnt, held_out=held_out, vectors=vectors, encoder=reader, run=run, resume=resume
        )

    def tell() -> None:
        if held_out is None or dev is None or not translator.completed:
            return
        figures = [translator.perplexity(held_out, dev.name), *translator.score(held_out, dev.name)]
        translator.metrics = {
            f"{dev.name} {name}": str(figure)
            for name, figure in zip(("perplexity", "BLEU", "chrF"), figures, strict=True)
        }
        translator.save(output)
        for figure in figures:
            print(figure)

    learn(translator, output, fit, tell)
    note(f"Translate: jpseq translate run {output} < TEXTS")


@app.command(name="run")
def run_model(
    model: Model,
    others: Others = None,
    n_best: Annotated[int, typer.Option(min=1, help="So many translations of each line.")] = 1,
    as_json: Annotated[
        bool, typer.Option("--json", help="Words, scores and attention, a JSON object a line.")
    ] = False,
    beam: Beam = 5,
    alpha: Alpha = 1.0,
    beta: Beta = 0.0,
    min_length: MinLength = 0,
    max_length: MaxLength = None,
    no_repeat: NoRepeat = 0,
) -> None:
    """Translate the lines of standard input, each to a line of standard output.

    With --n-best a line is NUMBER<TAB>SCORE<TAB>TRANSLATION. An empty line stays one.
    """
    from jpseq.cli.inputs import stdin_lines
    from jpseq.errors import ConfigurationError
    from jpseq.translation.bitext import check_language

    if n_best > beam:
        raise ConfigurationError(
            f"--n-best {n_best}: a beam of {beam} finds at most {beam}; add --beam {n_best}."
        )
    translator = _load(model, others)
    options: dict[str, Any] = {
        "beam": beam,
        "alpha": alpha,
        "beta": beta,
        "min_length": min_length,
        "max_length": max_length,
        "no_repeat": no_repeat,
    }
    lines, number = stdin_lines(), 0
    while chunk := list(islice(lines, 1 if sys.stdin.isatty() else CHUNK)):
        check_language(chunk, translator.source, translator.direction, number + 1)
        for text, found in zip(chunk, translator.translations(chunk, **options), strict=True):
            number += 1
            best = found[:n_best]
            if as_json:
                rows = [_described(translation) for translation in best]
                print(json.dumps({"source": text, "translations": rows}, ensure_ascii=False))
            elif n_best > 1:
                for translation in best:
                    print(f"{number}\t{translation.score:.4f}\t{translation.text}")
            else:
                print(best[0].text)
        sys.stdout.flush()


@app.command()
def evaluate(
    model: Model,
    pairs: Source,
    target: Target = None,
    turned: Turned = False,
    others: Others = None,
    baseline: Annotated[
        Path | None, typer.Option(help="Another model, to compare with on the same pairs.")
    ] = None,
    seen: Annotated[
        Path | None,
        typer.Option(help="The training's pairs or source file: sources from it are told apart."),
    ] = None,
    beam: Beam = 5,
    alpha: Alpha = 1.0,
    beta: Beta = 0.0,
    no_repeat: NoRepeat = 0,
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of lines.")] = False,
) -> None:
    """Measure a translator: BLEU and chrF with 95% bootstrap intervals and signatures."""
    from jpseq.evaluation import translation as measures

    rows = _pairs(pairs, target, turned)
    parts = {pairs.name: list(range(len(rows)))}
    if seen is not None:
        known = _sources(seen, turned)
        for name, wanted in (("seen", True), ("unseen", False)):
            part = [i for i, (source, _) in enumerate(rows) if (source in known) is wanted]
            if part:
                parts[f"{pairs.name} {name}"] = part
    options: dict[str, Any] = {"beam": beam, "alpha": alpha, "beta": beta, "no_repeat": no_repeat}
    translator = _load(model, others)
    system, references = translator.scored(rows, **options)
    figures: list[Any] = []
    for name, part in parts.items():
        data = translator.searched(name, **options)
        figures += measures.evaluate(system.take(part), references.take(part), data)
    if baseline is not None:
        other, scored = _load(baseline, None), (system, references)
        figures += translator.compare(other, rows, pairs.name, scored, **options)
    for figure in figures:
        if as_json:
            print(json.dumps(dataclasses.asdict(figure), ensure_ascii=False))
        else:
            print(figure)


@app.command()
def attention(
    model: Model,
    text: Annotated[str, typer.Argument(help="A text in the source language.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A picture: .png or .svg.")
    ] = None,
    others: Others = None,
    beam: Beam = 5,
) -> None:
    """Show where the translator looked for each word that it wrote."""
    from jpseq.errors import ConfigurationError, DataError

    ((best, *_),) = _load(model, others).translations([text], beam=beam)
    if not best.source:
        raise DataError("there is nothing to show: the text has no word.")
    if best.weights is None:
        raise ConfigurationError(
            f"{model}: has no attention. Train one that has: --set 'attention=\"general\"'."
        )
    if not best.words:
        raise DataError("there is nothing to show: the translation has no word.")
    print(best.text)
    print("\n".join(heat_map(best)))
    if output is not None:
        from jpseq import plots

        figure = plots.heatmap(
            best.weights, best.words, best.source, "注意の重み", "出力", "入力", lowest=0, highest=1
        )
        plots.save(figure, output)
        note(f"written to {output}")


def heat_map(translation: "Translation") -> list[str]:
    """A line for each word written, a column for each word read."""
    from rich.cells import cell_len, set_cell_size

    assert translation.weights is not None
    left = max(map(cell_len, translation.words))
    widths = [max(2, cell_len(word)) for word in translation.source]
    head = [set_cell_size(w, n) for w, n in zip(translation.source, widths, strict=True)]
    lines = [" ".join([" " * left, *head]).rstrip()]
    for word, row in zip(translation.words, translation.weights, strict=True):
        cells = [
            (LEVELS[min(8, round(8 * float(share)))] * 2).ljust(width)
            for share, width in zip(row, widths, strict=True)
        ]
        lines.append(" ".join([set_cell_size(word, left), *cells]).rstrip())
    return lines


def _described(translation: "Translation") -> dict[str, Any]:
    weights = translation.weights
    return {
        "text": translation.text,
        "words": translation.words,
        "source_words": translation.source,
        "score": translation.score,
        "log_p": translation.log_p,
        "attention": None
        if weights is None
        else [[round(float(w), 4) for w in r] for r in weights],
    }


def _load(model: Path, others: list[Path] | None) -> "Translator":
    from jpseq.translation.translator import Translator

    first, *rest = (Translator.load(folder) for folder in (model, *(others or [])))
    return first.together(*rest) if rest else first


def _pairs(source: Path, target: Path | None, turned: bool) -> list[tuple[str, str]]:
    from jpseq.corpora.readers import read_pairs

    rows = list(read_pairs(source, target))
    return [(b, a) for a, b in rows] if turned else rows


def _pairs_to_learn(
    source: Path, target: Path | None, turned: bool
) -> tuple[Any, dict[str, "Tokenizer"]]:
    """Pairs, or a prepared corpus of them with its tokenizers."""
    from jpseq.corpora.prepared import Prepared
    from jpseq.errors import ConfigurationError
    from jpseq.translation.bitext import sides

    if not (source / "corpus.json").exists():
        return _pairs(source, target, turned), {}
    prepared = Prepared.load(source)
    left, right = sides(prepared)
    if turned or target is not None:
        raise ConfigurationError(
            f"{source}: a prepared corpus has both sides and one direction; prepare it again with"
            " the files the other way round."
        )
    return prepared, {"source_tokenizer": left.tokenizer, "target_tokenizer": right.tokenizer}


def _sources(path: Path, turned: bool) -> set[str]:
    """The sources of training pairs, from a table of pairs or the source's own file."""
    from jpseq.corpora.readers import read_lines

    # By what stands in it, not by its name: taken for lines, a table would have no source at all.
    lines = list(read_lines(path))
    if any("\t" in line for line in lines):
        return {source for source, _ in _pairs(path, None, turned)}
    return set(lines)


def _tokenizer(name: str, described: Any) -> "Tokenizer":
    """A tokenizer from a recipe: its name, or a table with its name and parameters."""
    from jpseq.errors import ConfigurationError, NotFittedError
    from jpseq.plugins import find

    table = {"name": described} if isinstance(described, str) else described
    if not isinstance(table, dict) or not isinstance(table.get("name"), str):
        raise ConfigurationError(
            f'{name}: a name is wanted, as "mecab", or a table with one: {{name = "sentencepiece",'
            f" size = 4000}}; got {described!r}."
        )
    kind = find("stages", table["name"], "tokenizer")
    params = {key: value for key, value in table.items() if key != "name"}
    try:
        tokenizer: Tokenizer = kind(**params)
        # Some only see when they are used what they were given.
        with suppress(NotFittedError):
            tokenizer.words("夜")
    except (TypeError, ValueError) as error:
        problem = str(error).removesuffix(".")
        raise ConfigurationError(f"{name} {described!r}: {problem}.") from None
    return tokenizer
