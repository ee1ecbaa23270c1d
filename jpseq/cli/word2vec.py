"""jpseq embed train: word vectors of one's own corpus."""

import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from jpseq.cli.notes import note
from jpseq.cli.stages import TokenizerName, tokenizer_of
from jpseq.cli.training import PREPARE_AGAIN, Output, check_known

if TYPE_CHECKING:
    from jpseq.corpora.prepared import Prepared
    from jpseq.embedding.progress import Epoch, Moment, Start
    from jpseq.embedding.word2vec import Word2Vec
    from jpseq.text.tokenizer import Tokenizer

Sources = Annotated[
    list[str],
    typer.Argument(
        metavar="CORPUS...",
        help="A folder that `jpseq corpus prepare` wrote, or files of text, a sentence a line.",
    ),
]
Dim = Annotated[int, typer.Option(help="Values of a vector.")]
Window = Annotated[int, typer.Option(help="Words on either side at most.")]
Negative = Annotated[int, typer.Option(help="Words drawn by chance for each predicted one.")]
Sample = Annotated[
    float, typer.Option(help="More frequent words are left out now and then; 0 keeps all.")
]
MinCount = Annotated[int, typer.Option(help="Rarer words get no vector.")]
Epochs = Annotated[int, typer.Option(help="How often the corpus is gone through.")]
WhichMethod = Annotated[
    Literal["skipgram", "cbow"], typer.Option(help="What predicts what; cbow is quicker.")
]
Threads = Annotated[
    int, typer.Option(help="That learn at once; with one, the same seed gives the same vectors.")
]
Seed = Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Decides what chance decides.")]


def train(
    context: typer.Context,
    sources: Sources,
    output: Output,
    dim: Dim = 100,
    window: Window = 5,
    negative: Negative = 5,
    sample: Sample = 1e-3,
    min_count: MinCount = 5,
    max_words: Annotated[
        int | None, typer.Option(help="At most so many words get a vector.")
    ] = None,
    epochs: Epochs = 5,
    method: WhichMethod = "skipgram",
    dynamic_window: Annotated[
        bool, typer.Option(help="Draw each window's width, so that near words count more.")
    ] = True,
    noise_exponent: Annotated[
        float, typer.Option(help="Negatives are drawn in proportion to counts to this power.")
    ] = 0.75,
    hierarchical: Annotated[
        bool,
        typer.Option("--hierarchical", help="Predict words by a tree and not beside negatives."),
    ] = False,
    ngrams: Annotated[
        tuple[int, int] | None,
        typer.Option(
            metavar="SHORTEST LONGEST",
            help="Words are made of character n-grams, too, and unknown words of theirs: 1 3.",
        ),
    ] = None,
    buckets: Annotated[int, typer.Option(help="Rows that n-grams share.")] = 500_000,
    learning_rate: Annotated[float, typer.Option(help="Of the first step ...")] = 0.025,
    final_rate: Annotated[float, typer.Option(help="... and of the last.")] = 1e-4,
    threads: Threads = 1,
    seed: Seed = 0,
    tokenizer: TokenizerName = "mecab",
    held_out: Annotated[
        float, typer.Option(help="Share of sentences that the loss is measured on.")
    ] = 0.0,
    patience: Annotated[
        int | None, typer.Option(help="Stop after so many epochs without a lower loss.")
    ] = None,
    start: Annotated[
        Path | None,
        typer.Option("--continue", metavar="FOLDER", help="Go on with this model's vectors."),
    ] = None,
    config: Annotated[Path | None, typer.Option(help="A TOML file with these options.")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="Over the file, for instance --set epochs=3.")
    ] = None,
) -> None:
    """Learn word vectors by word2vec.

    After Ctrl-C what was learnt until then is saved.
    """
    from jpseq.cli.configuration import given, override
    from jpseq.corpora.toml import read_toml
    from jpseq.embedding.configuration import FitConfiguration
    from jpseq.folders import check_replaceable
    from jpseq.training.processes import is_first

    check_replaceable(output, "model.json")
    params: dict[str, Any] = {
        "dim": dim,
        "window": window,
        "negative": negative,
        "sample": sample,
        "min_count": min_count,
        "max_words": max_words,
        "epochs": epochs,
        "method": method,
        "dynamic_window": dynamic_window,
        "noise_exponent": noise_exponent,
        "hierarchical": hierarchical,
        "ngrams": ngrams,
        "buckets": buckets,
        "learning_rate": learning_rate,
        "final_rate": final_rate,
        "threads": threads,
        "seed": seed,
        "tokenizer": tokenizer,
        "held_out": held_out,
        "patience": patience,
    }
    chosen = read_toml(config) if config is not None else {}
    chosen = override(chosen | given(context, params), settings or [])
    check_known(chosen, params)
    params |= chosen
    params["tokenizer"] = tokenizer_of(str(params["tokenizer"]))
    options = {name: params.pop(name) for name in ("held_out", "patience")}
    FitConfiguration.check(options)
    model = _model(start, params, chosen)
    model.check()
    model.check_kind()
    asked = model.tokenizer if start is not None or "tokenizer" in chosen else None
    with opened(sources, asked) as corpus, reported(model.epochs) as report:
        model.tokenizer = corpus.tokenizer
        model.partial_fit(corpus, **options, report=report)
        if model.held_out_loss is not None:
            share = f"share:{options['held_out']:g}|seed:{model.seed}"
            data = ",".join(Path(source).name for source in sources)
            model.metrics = {"held-out loss": f"{model.held_out_loss:.4f} (data:{data}|{share})"}
    if not is_first():
        return
    model.save(output)
    print(f"{output}: {len(model.vocabulary):,} words, {model.dim} dimensions")
    if not model.completed:
        note(f"Interrupted: what was learnt until then is saved in {output}.")
        raise typer.Exit(130)
    note(f"Look at it: jpseq embed similar {output} WORD")


def _model(start: Path | None, params: dict[str, Any], chosen: dict[str, Any]) -> "Word2Vec":
    """A new model, or one to go on with, in which only what was chosen is changed."""
    from jpseq.embedding.word2vec import Word2Vec

    if start is None:
        return Word2Vec(**params)
    model = Word2Vec.load(start)
    names = chosen.keys() & params.keys()
    return model.set_params(**{name: params[name] for name in names})


def is_prepared(sources: list[str]) -> bool:
    """Whether a prepared corpus is named, and not files of text."""
    from jpseq.corpora.prepared import MARK

    return len(sources) == 1 and (Path(sources[0]) / MARK).exists()


@contextmanager
def opened(sources: list[str], tokenizer: "Tokenizer | None") -> "Iterator[Prepared]":
    """A prepared corpus, or files of text prepared for this time.

    Args:
        tokenizer: the one that was asked for; None for whichever there is.

    Raises:
        ConfigurationError: the corpus was prepared with another.
    """
    from jpseq.cli.corpus import progress_bar
    from jpseq.corpora.prepare import prepare
    from jpseq.corpora.prepared import Prepared

    if is_prepared(sources):
        found = Prepared.load(sources[0])
        if tokenizer is not None:
            found.check_tokenizer(tokenizer, PREPARE_AGAIN)
        yield found
        return
    with tempfile.TemporaryDirectory(prefix="jpseq-") as folder:
        with progress_bar() as progress:
            prepared = prepare(
                sources[0] if len(sources) == 1 else list(sources),
                Path(folder) / "corpus",
                kind="text",
                tokenizer=tokenizer,
                progress=progress,
                note=note,
            )
        yield prepared


class Reporter:
    """Says how a training goes on: a line for each epoch, and on a terminal a bar.

    Args:
        epochs: how many there are.
        bar: moves a bar, given a Moment and the loss of the last epoch; None where there is none.
        say: takes a line.
    """

    def __init__(
        self,
        epochs: int,
        bar: "Callable[[Moment, float | None], None] | None",
        say: Callable[[str], None],
    ) -> None:
        self.epochs, self.bar, self.say = epochs, bar, say
        self.loss: float | None = None

    def __call__(self, event: "Start | Moment | Epoch") -> None:
        from jpseq.embedding.progress import Epoch, Start

        if isinstance(event, Start):
            self.say(
                f"{event.words:,} words, {event.vectors:,} different ones get vectors, which take"
                f" about {max(1, round(event.memory / 1e6)):,} MB"
            )
        elif isinstance(event, Epoch):
            self.loss = event.loss
            held_out = "" if event.held_out is None else f", held out {event.held_out:.4f}"
            self.say(
                f"epoch {event.number}/{self.epochs}  loss {event.loss:.4f}{held_out}"
                f"  {event.words_per_second:,.0f} words/s  {_clock(event.seconds_left)} left"
            )
        elif self.bar is not None:
            self.bar(event, self.loss)


@contextmanager
def reported(epochs: int) -> Iterator[Reporter]:
    """What to give a training for its report; of several processes the first one reports."""
    from jpseq.training.processes import is_first

    if not is_first():
        yield Reporter(epochs, None, lambda _: None)
        return
    if not sys.stderr.isatty():
        yield Reporter(epochs, None, note)
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    console = Console(stderr=True)
    with Progress(
        TextColumn("learning"),
        BarColumn(),
        TextColumn("{task.percentage:.0f} %  {task.fields[figures]}"),
        console=console,
    ) as progress:
        task = progress.add_task("", total=None, figures="")

        def bar(moment: "Moment", loss: float | None) -> None:
            speed = moment.words / max(moment.seconds, 1e-9)
            epoch = min(epochs, 1 + epochs * moment.words // max(1, moment.of))
            shown = "" if loss is None else f"  loss {loss:.4f}"
            left = _clock((moment.of - moment.words) / max(speed, 1e-9))
            figures = f"epoch {epoch}/{epochs}{shown}  {speed:,.0f} words/s  {left} left"
            progress.update(task, completed=moment.words, total=moment.of, figures=figures)

        yield Reporter(epochs, bar, lambda line: console.print(line, highlight=False))


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}"
