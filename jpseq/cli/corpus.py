"""jpseq corpus: public corpora by name, and from files to sequences of ids, once."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from jpseq.cli import catalogue
from jpseq.cli.notes import note
from jpseq.cli.stages import TokenizerName, tokenizer_of

if TYPE_CHECKING:
    from jpseq.corpora.blockwise import Progress
    from jpseq.corpora.prepared import Prepared

app = typer.Typer(
    help="Get public corpora by name; analyse corpora once, in parallel.", no_args_is_help=True
)
app.command("list")(catalogue.show_list)
app.command("get")(catalogue.get)


@app.command()
def prepare(
    context: typer.Context,
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE...",
            help="Files, folders, or quoted patterns: 'logs/**/*.jsonl'. Also .gz and .zst.",
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder to write.")],
    target: Annotated[
        list[str] | None,
        typer.Option(help="The other side of parallel text, aligned; may be repeated."),
    ] = None,
    kind: Annotated[
        Literal["text", "dialogues", "parallel", "table"] | None,
        typer.Option(help="Told by .txt, .jsonl, .tsv, .csv where it is not given."),
    ] = None,
    tokenizer: TokenizerName = "mecab",
    lemma: Annotated[bool, typer.Option("--lemma", help="Words are dictionary forms.")] = False,
    sentences: Annotated[
        bool, typer.Option("--sentences", help="A sequence for each sentence, not each line.")
    ] = False,
    columns: Annotated[
        str | None,
        typer.Option(help="Columns to read: 1,3 of parallel text; names of a table: high,low."),
    ] = None,
    time: Annotated[
        str | None, typer.Option(help="The column of a table that says when; it is left out.")
    ] = None,
    encoding: Annotated[str, typer.Option(help="For instance cp932 or euc-jp.")] = "utf-8",
    on_error: Annotated[
        Literal["raise", "skip"], typer.Option(help="skip counts lines that cannot be read.")
    ] = "raise",
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes; one for each core where not given.")
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="A dask scheduler with workers: tcp://10.0.0.1:8786"),
    ] = None,
) -> None:
    """Turn files into ids, once: a folder that opens at once and that models are trained on.

    After an interruption the same command goes on where it was.
    """
    from jpseq.cli.configuration import given
    from jpseq.corpora.prepare import prepare
    from jpseq.corpora.sources import find_sources

    where = sources[0] if len(sources) == 1 else sources
    other = target[0] if target and len(target) == 1 else target
    is_table = find_sources(where, other, kind).kind == "table"
    stage = None
    if not is_table or lemma or given(context, ["tokenizer"]):
        stage = tokenizer_of(tokenizer)
    if stage is not None and lemma:
        stage.set_params(lemma=True)
    try:
        with progress_bar() as progress:
            prepared = prepare(
                where,
                output,
                target=other,
                kind=kind,
                tokenizer=stage,
                sentences=sentences,
                encoding=encoding,
                on_error=on_error,
                columns=_columns(columns, is_table),
                time=time,
                workers=workers,
                scheduler=scheduler,
                progress=progress,
                note=note,
            )
    except KeyboardInterrupt:
        note("Interrupted. What is finished is kept: the same command goes on from there.")
        raise typer.Exit(130) from None
    print(f"{output}: {_summary(prepared)}")


def _columns(columns: str | None, is_table: bool) -> tuple[int, int] | list[str] | None:
    if columns is None:
        return None
    names = [name.strip() for name in columns.split(",")]
    if not is_table and len(names) == 2 and all(name.isdecimal() for name in names):
        return int(names[0]), int(names[1])
    return names


_LABELS = {
    "text": {"groups": "documents", "sequences": "sequences"},
    "dialogues": {"groups": "dialogues", "sequences": "turns"},
    "parallel": {"sequences": "pairs"},
    "table": {"sequences": "tables"},
}


def _summary(prepared: "Prepared") -> str:
    labels = {"words": "different words", "skipped": "skipped lines"} | _LABELS[prepared.kind]
    return ", ".join(
        _many(count, labels.get(name, name))
        for name, count in prepared.counts.items()
        if count or name != "skipped"
    )


def _many(count: int, name: str) -> str:
    return f"{count:,} {name.removesuffix('s') if count == 1 else name}"


@contextmanager
def progress_bar() -> "Iterator[Callable[[Progress], None] | None]":
    """A bar on standard error, on a terminal only."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bar

    with Bar(
        TextColumn("analysing"),
        BarColumn(),
        TextColumn("{task.percentage:.0f} %  {task.fields[figures]}"),
        console=Console(stderr=True),
    ) as bar:
        task = bar.add_task("", total=None, figures="reading the files")

        def show(progress: "Progress") -> None:
            minutes, seconds = divmod(round(progress.seconds_left), 60)
            speed = progress.tokens / max(progress.seconds, 1e-9)
            figures = f"{speed:,.0f} tokens/s, {minutes}:{seconds:02} left"
            bar.update(task, completed=progress.done, total=progress.total, figures=figures)

        yield show


@app.command()
def info(
    corpus: Annotated[
        str,
        typer.Argument(
            metavar="FOLDER|NAME",
            help="A folder that `jpseq corpus prepare` wrote, or a name of `jpseq corpus list`.",
        ),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of lines to read.")] = False,
) -> None:
    """Say what a corpus is: a prepared one in a folder, or a public one by its name."""
    from jpseq.corpora.prepared import Prepared

    folder = Path(corpus)
    if not folder.exists() and len(folder.parts) == 1:
        catalogue.describe(corpus, as_json)
        return
    prepared = Prepared.load(folder)
    description = prepared.description
    if as_json:
        print(json.dumps(description.model_dump(), ensure_ascii=False))
        return
    print(f"{prepared.kind}: {_summary(prepared)}")
    for name in ("source", "target") if prepared.kind == "parallel" else ():
        print(f"{name}: {_summary(getattr(prepared, name))}")
    size = sum(source.bytes for source in description.sources)
    print(f"from {_many(len(description.sources), 'files')}, {_many(size, 'bytes')}")
    for stage in description.stages:
        params = ", ".join(f"{key}={value!r}" for key, value in stage["params"].items())
        print(f"{stage['kind']}: {stage['name']}({params})")
    for name, value in description.options.items():
        print(f"{name}: {value}")
