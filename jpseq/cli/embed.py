"""jpseq embed: word vectors, learnt, looked at, measured."""

import dataclasses
import json
import math
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from jpseq.cli.comparison import compare
from jpseq.cli.pretrain import fill, pretrain
from jpseq.cli.stages import TokenizerName, tokenizer_of
from jpseq.cli.word2vec import train

if TYPE_CHECKING:
    from jpseq.embedding.masked_lm import MaskedLM
    from jpseq.evaluation.analogies import Accuracy
    from jpseq.evaluation.similarity import Similarity
    from jpseq.text.tokenizer import Tokenizer
    from jpseq.vectors import Embeddings

app = typer.Typer(help="Word vectors: train, search, evaluate.", no_args_is_help=True)
app.command()(train)
app.command()(compare)
app.command()(pretrain)
app.command()(fill)
Form = Literal["folder", "text", "binary", "safetensors", "gensim"]
Method = Literal["3cosadd", "3cosmul"]
Unknown = Literal["error", "skip", "zero", "parts"]
Model = Annotated[
    Path,
    typer.Argument(
        help="A model's folder, one that export has written, or a file: .txt, .vec, .bin (word2vec,"
        " fastText; also with .gz), .safetensors."
    ),
]
ModelForm = Annotated[
    Form | None, typer.Option("--form", help="The form of MODEL, where its name does not tell it.")
]
Limit = Annotated[int | None, typer.Option(min=1, help="Read only the first so many words.")]
Count = Annotated[int, typer.Option(min=1, help="How many words.")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON instead of lines to read.")]


def _load(model: Path, limit: int | None, form: Form | None) -> "Embeddings":
    from jpseq.vectors import Embeddings

    return Embeddings.load(model, limit, form)


@app.command()
def similar(
    model: Model,
    words: Annotated[list[str], typer.Argument(help="Words, each by itself.")],
    count: Count = 10,
    unknown: Annotated[
        Literal["error", "parts"],
        typer.Option(help="parts: a word without a vector gets the mean of its parts' vectors."),
    ] = "error",
    as_json: AsJson = False,
    limit: Limit = None,
    form: ModelForm = None,
) -> None:
    """Show the words nearest to a word, with their cosines."""
    embeddings = _load(model, limit, form)
    for word in words:
        found = embeddings.similar(word, count, unknown)
        if as_json:
            rows = [{"word": near, "cosine": cosine} for near, cosine in found]
            print(json.dumps({"word": word, "similar": rows}, ensure_ascii=False))
            continue
        if len(words) > 1:
            print(word)
        for near, cosine in found:
            print(f"{cosine:7.4f}  {near}")


@app.command()
def analogy(
    model: Model,
    a: Annotated[str, typer.Argument(help="男")],
    b: Annotated[str, typer.Argument(help="王")],
    c: Annotated[str, typer.Argument(help="女")],
    count: Count = 5,
    method: Annotated[Method, typer.Option(help="How candidates are scored.")] = "3cosadd",
    as_json: AsJson = False,
    limit: Limit = None,
    form: ModelForm = None,
) -> None:
    """Find what is to C as B is to A."""
    found = _load(model, limit, form).analogy(a, b, c, count, method)
    if as_json:
        rows = [{"word": word, "score": score} for word, score in found]
        question = {"a": a, "b": b, "c": c, "method": method, "answers": rows}
        print(json.dumps(question, ensure_ascii=False))
        return
    for word, score in found:
        print(f"{score:7.4f}  {word}")


@app.command()
def evaluate(
    context: typer.Context,
    model: Model,
    files: Annotated[
        list[Path],
        typer.Argument(
            help="Word pairs (a table), sentence pairs (JSON Lines as in JSTS) or analogies (they"
            " begin with ': section')."
        ),
    ],
    unknown: Annotated[Unknown, typer.Option(help="The rule for words without a vector.")] = "skip",
    score: Annotated[
        str | None, typer.Option(help="The column of word pairs' scores, by name or number.")
    ] = None,
    method: Annotated[Method, typer.Option(help="How analogies are scored.")] = "3cosadd",
    tokenizer: TokenizerName = "mecab",
    as_json: AsJson = False,
    limit: Limit = None,
    form: ModelForm = None,
) -> None:
    """Measure vectors against human judgements and analogies.

    Spearman's rho comes with a 95% bootstrap interval, every figure with coverage and signature. Of
    a masked language model, the vectors that words are read as are measured, and on sentence pairs
    the means of contextual ones, too, both of the words of its own tokenizer where none is given.
    """
    from jpseq.cli.configuration import given

    reader = _reader_of_contexts(model)
    own = reader is not None and not given(context, ["tokenizer"])
    stage = reader.reader if reader is not None and own else tokenizer_of(tokenizer)
    embeddings = _load(model, limit, form)
    for file in files:
        for name, result in _measured(embeddings, file, unknown, score, method, stage, reader):
            if as_json:
                print(json.dumps({"name": name} | _plain(result), ensure_ascii=False))
            else:
                print(f"{name}: {result}\n  {result.signature}")


def _reader_of_contexts(model: Path) -> "MaskedLM | None":
    """The masked language model in a folder, if one is there."""
    if not (model / "model.json").exists() or (model / "embeddings.json").exists():
        return None
    from jpseq.embedding.masked_lm import MaskedLM
    from jpseq.model import Model

    found = Model.load(model)
    return found if isinstance(found, MaskedLM) else None


def _measured(
    embeddings: "Embeddings",
    file: Path,
    unknown: Unknown,
    score: str | None,
    method: Method,
    tokenizer: "Tokenizer",
    reader: "MaskedLM | None",
) -> Iterator[tuple[str, "Similarity | Accuracy"]]:
    """What is measured on a file, by what it begins with, each figure with its name."""
    from jpseq.corpora.readers import read_lines
    from jpseq.evaluation import analogies, similarity

    first = next((line for line in read_lines(file) if line.strip()), "")
    if first.startswith(":"):
        questions = analogies.read_analogies(file)
        sections = analogies.evaluate_analogies(embeddings, questions, method, unknown, file.name)
        for section, accuracy in sections.items():
            yield f"{file.name}, {section}" if section else file.name, accuracy
    elif first.lstrip().startswith("{"):
        pairs = similarity.read_sentence_pairs(file)
        means = similarity.evaluate_sentences(embeddings, pairs, tokenizer, unknown)
        yield f"{file.name}, mean of word vectors", means
        if reader is not None:
            vectors = similarity.evaluate_vectors(
                reader.sentence_vectors, pairs, "mean of contextual vectors"
            )
            yield f"{file.name}, mean of contextual vectors", vectors
        yield f"{file.name}, shared characters alone", similarity.evaluate_overlap(pairs)
    else:
        pairs = similarity.read_word_pairs(file, score)
        yield file.name, similarity.evaluate_words(embeddings, pairs, unknown)


def _plain(result: "Similarity | Accuracy") -> dict[str, Any]:
    """A result as JSON has it, which knows no NaN."""
    content = dataclasses.asdict(result)
    if "spearman" in content:
        values = content["spearman"].items()
        content["spearman"] = {k: None if math.isnan(v) else v for k, v in values}
    return content


@app.command()
def export(
    model: Model,
    output: Annotated[Path, typer.Argument(help="The file or folder to write.")],
    to: Annotated[
        Form | None,
        typer.Option(
            "--format",
            help="Without it the suffix of OUTPUT decides: .txt and .vec text, .bin binary,"
            " .safetensors, .kv gensim, none folder.",
        ),
    ] = None,
    limit: Limit = None,
    form: ModelForm = None,
) -> None:
    """Write vectors in another form: word2vec's text or binary, safetensors, gensim's, a folder."""
    embeddings = _load(model, limit, form)
    embeddings.export(output, to)
    print(f"{output}: {len(embeddings):,} words, {embeddings.dim} dimensions")


@app.command()
def plot(
    model: Model,
    output: Annotated[Path, typer.Option("--output", "-o", help="The picture: .png or .svg.")],
    words: Annotated[
        Path | None, typer.Option(help="A file of words, one a line; the first COUNT without.")
    ] = None,
    count: Count = 100,
    method: Annotated[
        Literal["pca", "tsne"], typer.Option(help="How vectors come into the plane.")
    ] = "pca",
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="For tsne.")] = 0,
    limit: Limit = None,
    form: ModelForm = None,
) -> None:
    """Draw a map of words."""
    from jpseq import plots
    from jpseq.corpora.readers import read_lines
    from jpseq.errors import DataError
    from jpseq.projection import pca, tsne

    embeddings = _load(model, limit, form)
    chosen = list(embeddings.words[:count])
    if words is not None:
        lines = [line.strip() for line in read_lines(words)]
        wanted = list(dict.fromkeys(line for line in lines if line))
        chosen = [word for word in wanted if word in embeddings]
        missing = [word for word in wanted if word not in embeddings]
        if not chosen:
            raise DataError("none of its words has a vector.", words)
        if missing:
            print(f"no vector, left out: {', '.join(missing)}", file=sys.stderr)
    rows = embeddings.lookup(chosen)
    coordinates = pca(rows) if method == "pca" else tsne(rows, seed)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        plots.save(plots.word_map(chosen, coordinates), output)
    for warning in caught:  # for instance of a letter that the font does not have
        print(warning.message, file=sys.stderr)
    print(f"{output}: {len(chosen):,} words")
