"""jpseq tokenize: text in, words out."""

import json
from pathlib import Path
from typing import Annotated

import typer

from jpseq.cli.stages import TokenizerName, tokenizer_of

Files = Annotated[
    list[Path] | None,
    typer.Argument(help="Text files in UTF-8; standard input where there are none, or for '-'."),
]


def tokenize(
    files: Files = None,
    tokenizer: TokenizerName = "mecab",
    as_json: Annotated[
        bool,
        typer.Option("--json", help="One JSON object a line, with spans, lemmas, readings ..."),
    ] = False,
    evaluate: Annotated[
        Path | None,
        typer.Option(metavar="GOLD", help="Compare with the words of a CoNLL-U file."),
    ] = None,
) -> None:
    """Cut text into words: one line in, one line out, the words joined by spaces."""
    from jpseq.cli.inputs import lines

    stage = tokenizer_of(tokenizer)
    if evaluate is not None:
        if files:
            raise typer.BadParameter("with --evaluate the text comes from the gold file alone.")
        _evaluate(stage, evaluate)
    elif as_json:
        for line in lines(files):
            tokens = stage.tokenize(line)
            content = {"text": line, "tokens": [token._asdict() for token in tokens]}
            print(json.dumps(content, ensure_ascii=False))
    else:
        for line in lines(files):
            print(" ".join(stage.words(line)))


def _evaluate(stage: object, gold: Path) -> None:
    from jpseq.evaluation.segmentation import evaluate, read_conllu
    from jpseq.text.tokenizer import Tokenizer

    assert isinstance(stage, Tokenizer)
    result = evaluate(stage, read_conllu(gold), data=gold.name)
    print(f"precision {result.precision:.4f}  recall {result.recall:.4f}  F1 {result.f1:.4f}")
    print(f"{result.sentences:,} sentences, {result.gold:,} gold words, {result.found:,} found")
    print(result.signature)
    if result.disagreements:
        print("\nmost frequent disagreements (gold / found):")
        for wanted, found, count in result.disagreements[:20]:
            print(f"{count:6}  {wanted} / {found}")
