"""jpseq corpus list, get and what info says of a public corpus."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jpseq.cli.notes import note

if TYPE_CHECKING:
    from jpseq.corpora.catalogue import Entry
    from jpseq.corpora.download import Progress


def show_list(
    as_json: Annotated[bool, typer.Option("--json", help="All entries whole, as JSON.")] = False,
) -> None:
    """List the public corpora that can be had by name: form, licence, title.

    A licence with ? was not read at its source; `jpseq corpus info NAME` says where it was.
    """
    from jpseq.corpora.catalogue import catalogue

    entries = catalogue()
    if as_json:
        content = {name: entry.model_dump() for name, entry in entries.items()}
        print(json.dumps(content, ensure_ascii=False))
        return
    rows = [(name, entry.form, _licence(entry), entry.title) for name, entry in entries.items()]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        print("  ".join([*cells, row[-1]]))


def _licence(entry: "Entry") -> str:
    short = entry.licence.name.partition(":")[0].partition(";")[0].partition(" for ")[0]
    return short.partition(" (")[0] + ("" if entry.licence.verified else " ?")


def get(
    name: Annotated[str, typer.Argument(help="A name that `jpseq corpus list` shows.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The folder to write; else one in the cache."),
    ] = None,
) -> None:
    """Get a public corpus in plain form, and print its folder.

    Looked for in the folder JPSEQ_CORPORA/NAME first, where it may be in plain form (*.txt,
    *.tsv, *.jsonl, *.csv) or as its makers publish it; otherwise downloaded to the cache, once.
    The licence is shown before. After an interruption the same command goes on where it was.
    """
    from jpseq.corpora.public import get_corpus

    try:
        with _bar() as progress:
            folder = get_corpus(name, output, note=note, progress=progress)
    except KeyboardInterrupt:
        note("Interrupted. What was downloaded is kept: the same command goes on from there.")
        raise typer.Exit(130) from None
    print(folder)


@contextmanager
def _bar() -> "Iterator[Progress | None]":
    """A bar for each file on standard error, on a terminal only."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskID, TextColumn

    columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[figures]}")
    with Progress(*columns, console=Console(stderr=True)) as bar:
        tasks: dict[str, TaskID] = {}

        def show(what: str, done: int, total: int | None) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=None, figures="")
            figures = (
                f"{done:,}" if total is None else f"{done / 1e6:,.1f} of {total / 1e6:,.1f} MB"
            )
            bar.update(tasks[what], completed=done, total=total, figures=figures)

        yield show


def describe(name: str, as_json: bool) -> None:
    """Print the entry of a public corpus.

    Raises:
        ConfigurationError: there is none of that name.
    """
    from jpseq.corpora.catalogue import find_entry
    from jpseq.corpora.public import terms

    entry = find_entry(name)
    if as_json:
        print(json.dumps({"name": name, **entry.model_dump()}, ensure_ascii=False))
        return
    print(f"{name}: {entry.title}")
    languages = f" ({', '.join(entry.languages)})" if entry.languages else ""
    print(f"{entry.form}{languages}: {entry.size}")
    print(f"home: {entry.homepage}")
    for line in terms(entry):
        print(line)
    for text in entry.notes:
        print(f"note: {text}")
    for file in entry.files:
        print(f"from {file.address}")
        if file.sha256:
            print(f"  as {file.name}, SHA-256 {file.sha256}")
        elif file.git:
            print(f"  as {file.name}, git blob {file.git}")
        else:
            print(f"  as {file.name}; no checksum: {file.unchecked}")
    print(f"gives {', '.join(entry.plain)}, by the reader {entry.reader!r}")
    print(f"cite: {entry.citation.rstrip()}")
