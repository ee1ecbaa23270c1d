"""jpseq embed pretrain, fill: a masked language model of one's own corpus."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from jpseq.cli.notes import note
from jpseq.cli.stages import TokenizerName, tokenizer_of
from jpseq.cli.training import Output, Resume, Run, Settings, check_known, learn
from jpseq.cli.word2vec import Epochs, Seed, Sources, is_prepared, opened

if TYPE_CHECKING:
    from jpseq.embedding.masked_lm import MaskedLM

MANY, PIECES = 40_000, 16_000
"""Different words from which on they are cut into pieces, and how many of these there are."""


def pretrain(
    context: typer.Context,
    sources: Sources,
    output: Output,
    encoder: Annotated[
        Literal["recurrent", "transformer"],
        typer.Option(
            help="What reads the words; a Transformer reads half as fast, and wants layers."
        ),
    ] = "recurrent",
    pieces: Annotated[
        int | None,
        typer.Option(
            help="Rare words are spelt from so many pieces; 0: whole words alone. Without: 16,000"
            " where the corpus has 40,000 different words, else 0."
        ),
    ] = None,
    cell: Annotated[
        Literal["rnn", "lstm", "gru", "peephole"], typer.Option(help="Of the recurrent encoder.")
    ] = "lstm",
    embedding: Annotated[int, typer.Option(help="Features of a word as it is read.")] = 256,
    hidden: Annotated[int, typer.Option(help="Features of a word in its context.")] = 256,
    layers: Annotated[int, typer.Option(help="Of the encoder.")] = 2,
    heads: Annotated[int, typer.Option(help="Of the Transformer's attention.")] = 4,
    dropout: Annotated[float, typer.Option(help="Share of features dropped.")] = 0.0,
    masked: Annotated[float, typer.Option(help="Share of the text that is masked.")] = 0.15,
    longest: Annotated[int, typer.Option(help="Pieces that are read at once.")] = 128,
    min_count: Annotated[
        int, typer.Option(help="Rarer words are unknown; with pieces they have no static vector.")
    ] = 5,
    max_words: Annotated[int | None, typer.Option(help="At most so many words.")] = None,
    epochs: Epochs = 3,
    batch_tokens: Annotated[int, typer.Option(help="Padded pieces in a step.")] = 2048,
    learning_rate: Annotated[float, typer.Option(help="Of the first step; it falls to 0.")] = 2e-3,
    held_out: Annotated[
        float, typer.Option(min=0, max=0.5, help="Share of sequences to measure on.")
    ] = 0.01,
    seed: Seed = 0,
    tokenizer: TokenizerName = "mecab",
    config: Annotated[
        Path | None, typer.Option(help="A TOML file with these options, and a table [training].")
    ] = None,
    settings: Settings = None,
    run: Run = None,
    resume: Resume = False,
) -> None:
    """Learn to foretell masked words, from the words on both sides.

    After Ctrl-C what was learnt until then is saved. With --run and --resume a training that was
    stopped, however it was stopped, goes on as if it had not been.
    """
    from jpseq.cli.configuration import given, is_begun, keep, override
    from jpseq.corpora.toml import read_toml
    from jpseq.folders import check_replaceable

    check_replaceable(output, "model.json")
    params: dict[str, Any] = {
        "tokenizer": tokenizer,
        "pieces": pieces,
        "encoder": encoder,
        "cell": cell,
        "embedding": embedding,
        "hidden": hidden,
        "layers": layers,
        "heads": heads,
        "dropout": dropout,
        "masked": masked,
        "longest": longest,
        "min_count": min_count,
        "max_words": max_words,
        "epochs": epochs,
        "batch_tokens": batch_tokens,
        "learning_rate": learning_rate,
        "held_out": held_out,
        "seed": seed,
    }
    chosen = read_toml(config) if config is not None else {}
    chosen = override(chosen | given(context, params), settings or [])
    params |= chosen
    kept = dict(params)
    if "tokenizer" not in chosen and is_prepared(sources):
        del kept["tokenizer"]  # the corpus has its own, and a run's file is not to say mecab
    begun = is_begun(run, resume, kept)
    model = _model(params)
    with opened(sources, model.tokenizer if "tokenizer" in chosen else None) as corpus:
        from jpseq.embedding.masking import SPECIALS
        from jpseq.text.subword import SentencePiece

        model.tokenizer = corpus.tokenizer
        if params["pieces"] is None and len(corpus.vocabulary) >= MANY:
            model.subwords = SentencePiece(PIECES, identity=True)
        keep(run, begun, kept)

        def fit() -> None:
            model.fit(corpus, held_out=params["held_out"], run=run, resume=resume)

        def tell() -> None:
            for name, figure in model.metrics.items():
                print(f"{name}: {figure}")
            kind = "words" if model.subwords is None else "pieces"
            known = len(model.vocabulary) - len(SPECIALS)
            print(f"{output}: {known:,} {kind}, {model.hidden} features")

        learn(model, output, fit, tell)
    note(f"Ask it: jpseq embed fill {output} 春に［MASK］が咲く")


def _model(params: dict[str, Any]) -> "MaskedLM":
    """The model that has learnt nothing yet, its parameters checked."""
    from jpseq.embedding.masked_lm import MaskedLM
    from jpseq.errors import ConfigurationError
    from jpseq.text.subword import SentencePiece

    own = {name: value for name, value in params.items() if name not in ("held_out", "pieces")}
    known = [name for name in MaskedLM().get_params(deep=False) if name != "subwords"]
    check_known(own, [*known, "held_out", "pieces"])
    own["tokenizer"] = tokenizer_of(str(own["tokenizer"]))
    share, pieces = params["held_out"], params["pieces"]
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 0.5:
        raise ConfigurationError(f"held_out: a share from 0 to 0.5 is wanted, got {share!r}.")
    if pieces is not None and (type(pieces) is not int or pieces < 0):
        raise ConfigurationError(f"pieces: a number, or 0 for none, is wanted, got {pieces!r}.")
    model = MaskedLM(**own, subwords=SentencePiece(pieces, identity=True) if pieces else None)
    model.check()
    return model


def fill(
    model: Annotated[Path, typer.Argument(help="A folder that `jpseq embed pretrain` wrote.")],
    texts: Annotated[
        list[str] | None,
        typer.Argument(
            help="Texts with ［MASK］ or [MASK] where a word is wanted; the lines of standard input"
            " where there are none."
        ),
    ] = None,
    count: Annotated[int, typer.Option(min=1, help="Words for each mask.")] = 5,
    as_json: Annotated[
        bool, typer.Option("--json", help="A JSON object for each text, instead of lines.")
    ] = False,
) -> None:
    """Show the likeliest words for each mask, with their probabilities."""
    from jpseq.cli.inputs import stdin_lines
    from jpseq.embedding.masked_lm import MaskedLM
    from jpseq.errors import DataError

    filler = MaskedLM.load(model)
    for number, text in enumerate(texts or stdin_lines(), 1):
        try:
            filled = filler.fill(text, count)
        except DataError as error:
            if texts:
                raise
            raise DataError(error.problem, "standard input", number) from error
        if as_json:
            masks = [[{"word": word, "p": p} for word, p in found] for found in filled]
            print(json.dumps({"text": text, "masks": masks}, ensure_ascii=False))
            continue
        if texts is None or len(texts) > 1:
            print(text)
        for place, found in enumerate(filled, 1):
            if len(filled) > 1:
                print(f"{place}:")
            for word, p in found:
                print(f"{p:7.4f}  {word}")
