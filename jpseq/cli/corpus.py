"""jpseq corpus: from files to sequences of ids, once."""

import typer

app = typer.Typer(help="Prepare corpora: analyse them once, in parallel.", no_args_is_help=True)
