"""jpseq embed: word vectors, learnt, looked at, measured."""

import typer

app = typer.Typer(help="Word vectors: train, search, evaluate.", no_args_is_help=True)
