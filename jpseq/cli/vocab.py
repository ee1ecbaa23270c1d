"""jpseq vocab: build, show, coverage."""

import json
from pathlib import Path
from typing import Annotated

import typer

from jpseq.cli.stages import TokenizerName, tokenizer_of
from jpseq.cli.tokenize import Files

app = typer.Typer(help="Words and their ids: build, show, coverage.", no_args_is_help=True)
VocabularyFile = Annotated[
    Path, typer.Argument(help="A file that `jpseq vocab build` has written.")
]
AsJson = Annotated[bool, typer.Option("--json", help="JSON instead of lines to read.")]


@app.command()
def build(
    output: Annotated[Path, typer.Option("--output", "-o", help="The JSON file to write.")],
    files: Files = None,
    tokenizer: TokenizerName = "mecab",
    min_count: Annotated[int, typer.Option(min=1, help="Rarer words get no id.")] = 1,
    max_size: Annotated[int | None, typer.Option(min=1, help="At most so many ids.")] = None,
    special: Annotated[
        list[str] | None, typer.Option(help="A special word, before all others; may be repeated.")
    ] = None,
) -> None:
    """Count the words of text files and write their vocabulary."""
    from jpseq.cli.inputs import lines
    from jpseq.errors import DataError
    from jpseq.vocabulary import Vocabulary

    stage = tokenizer_of(tokenizer)
    vocabulary = Vocabulary(tuple(special or ()), min_count, max_size)
    vocabulary.fit(stage.words(line) for line in lines(files))
    if not vocabulary.counts_:
        raise DataError("there is no word in the text; nothing was written.")
    try:
        vocabulary.save(output)
    except OSError as error:
        raise DataError(f"cannot be written ({error.strerror}).", output) from error
    total = vocabulary.counts_.total()
    print(f"{output}: {len(vocabulary):,} words with ids, of {total:,} words counted")


@app.command()
def show(
    vocabulary: VocabularyFile,
    top: Annotated[int, typer.Option(min=1, help="How many words.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Show the most frequent words: id, count, word."""
    from jpseq.vocabulary import Vocabulary

    loaded = Vocabulary.load(vocabulary)
    counts = loaded.counts.tolist()
    rows = list(zip(range(top), counts, loaded.words, strict=False))
    if as_json:
        keys = ("id", "count", "word")
        words = [dict(zip(keys, row, strict=True)) for row in rows]
        print(json.dumps({"size": len(loaded), "words": words}, ensure_ascii=False))
        return
    for i, count, word in rows:
        print(f"{i}\t{count}\t{word}")


@app.command()
def coverage(
    vocabulary: VocabularyFile,
    files: Files = None,
    tokenizer: TokenizerName = "mecab",
    as_json: AsJson = False,
) -> None:
    """How much of a text the vocabulary knows, and the most frequent words it does not."""
    from jpseq.cli.inputs import lines
    from jpseq.vocabulary import Vocabulary

    stage = tokenizer_of(tokenizer)
    result = Vocabulary.load(vocabulary).coverage(stage.words(line) for line in lines(files))
    if as_json:
        content = {
            "tokens": result.tokens,
            "known": result.known,
            "types": result.types,
            "known_types": result.known_types,
            "missing": result.missing[:20],
        }
        print(json.dumps(content, ensure_ascii=False))
        return
    print(f"{result.known:,} of {result.tokens:,} tokens known ({result.rate:.2%})")
    print(f"{result.known_types:,} of {result.types:,} different words known")
    for word, count in result.missing[:20]:
        print(f"{count:6}  {word}")
