"""jpseq chat train: a bot of one's own dialogues."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from jpseq.cli.notes import note
from jpseq.cli.stages import TokenizerName, tokenizer_of
from jpseq.cli.training import PREPARE_AGAIN, Output, Resume, Run, Settings, check_known, learn

if TYPE_CHECKING:
    from jpseq.dialogue.turns import PreparedDialogues

Cell = Literal["rnn", "lstm", "gru", "peephole"]
Architecture = Literal["seq2seq", "hred", "vhred"]


def train(
    context: typer.Context,
    dialogues: Annotated[
        Path,
        typer.Argument(
            help='JSON Lines, or a folder of them: {"turns": [{"speaker": "A", "text": "..."}]};'
            " or a prepared corpus, with its own tokenizer."
        ),
    ],
    output: Output,
    tokenizer: TokenizerName = "mecab",
    architecture: Annotated[
        Architecture,
        typer.Option(
            "--model",
            help="seq2seq reads the last words, hred the conversation turn by turn; vhred draws"
            " what a reply will be about, too.",
        ),
    ] = "seq2seq",
    cell: Annotated[Cell, typer.Option(help="The recurrent cell.")] = "gru",
    embedding: Annotated[int, typer.Option(help="Features of a word.")] = 128,
    hidden: Annotated[int, typer.Option(help="Features of the state (even).")] = 256,
    layers: Annotated[int, typer.Option(help="Recurrent layers.")] = 1,
    dropout: Annotated[float, typer.Option(help="Share of features dropped.")] = 0.2,
    word_drop: Annotated[
        float, typer.Option(help="Share of words read that are left blank.")
    ] = 0.1,
    reply_drop: Annotated[
        float, typer.Option(help="Share of the reply's own words that are left blank.")
    ] = 0.0,
    history: Annotated[
        int, typer.Option(help="How many of the last words are read; with hred, of each turn.")
    ] = 40,
    turns: Annotated[int | None, typer.Option(help="How many of the last turns are read.")] = None,
    min_count: Annotated[int, typer.Option(help="Rarer words are unknown.")] = 2,
    max_words: Annotated[int, typer.Option(help="At most so many words are known.")] = 20_000,
    epochs: Annotated[int, typer.Option(help="How often the dialogues are gone through.")] = 10,
    batch_tokens: Annotated[
        int,
        typer.Option(help="Words in a step: padded reply words; with hred those of conversations."),
    ] = 1600,
    learning_rate: Annotated[float, typer.Option(help="Of the first step; it falls to 0.")] = 2e-3,
    held_out: Annotated[
        float, typer.Option(min=0.001, max=0.5, help="Share of dialogues to measure on.")
    ] = 0.05,
    seed: Annotated[int, typer.Option(min=0, max=10**18, help="Decides what chance decides.")] = 0,
    config: Annotated[
        Path | None,
        typer.Option(
            help="A TOML file with these options (architecture for --model), and tables [training],"
            " [hierarchy] for hred and vhred, [latent] for vhred, [rerank]."
        ),
    ] = None,
    settings: Settings = None,
    vectors: Annotated[
        Path | None,
        typer.Option(
            help="Word vectors to begin with: a file, or what `jpseq embed train` or `pretrain`"
            " wrote."
        ),
    ] = None,
    encoder: Annotated[
        Path | None,
        typer.Option(help="What `jpseq embed pretrain --encoder recurrent` wrote, to read with."),
    ] = None,
    run: Run = None,
    resume: Resume = False,
) -> None:
    """Train a bot on dialogues, and print its perplexity on held-out ones.

    After Ctrl-C what was learnt until then is saved. With --run and --resume a training that was
    stopped, however it was stopped, goes on as if it had not been.
    """
    from jpseq.cli.configuration import given, is_begun, keep, override
    from jpseq.corpora.readers import read_dialogues
    from jpseq.corpora.toml import read_toml
    from jpseq.errors import ConfigurationError, DataError
    from jpseq.folders import check_replaceable
    from jpseq.training.configuration import CHOOSING

    # Everything that can be wrong is found before the long part begins, and what can be found
    # without torch before torch is loaded.
    check_replaceable(output, "model.json")
    params: dict[str, Any] = {
        "tokenizer": tokenizer,
        "architecture": architecture,
        "cell": cell,
        "embedding": embedding,
        "hidden": hidden,
        "layers": layers,
        "dropout": dropout,
        "word_drop": word_drop,
        "reply_drop": reply_drop,
        "history": history,
        "turns": turns,
        "min_count": min_count,
        "max_words": max_words,
        "epochs": epochs,
        "batch_tokens": batch_tokens,
        "learning_rate": learning_rate,
        "held_out": held_out,
        "seed": seed,
    }
    chosen = ({} if config is None else read_toml(config)) | given(context, params)
    chosen = override(chosen, settings or [])
    params |= chosen
    resolved = dict(params)
    prepared = (dialogues / "corpus.json").exists()
    if prepared and "tokenizer" not in chosen:
        del resolved["tokenizer"]  # the corpus has its own, and a run's file is not to say mecab
    begun = is_begun(run, resume, resolved)
    share = params.pop("held_out")
    if not isinstance(share, float) or not 0.001 <= share <= 0.5:
        raise ConfigurationError(f"held_out: a share from 0.001 to 0.5 is wanted, got {share!r}.")
    params["tokenizer"] = tokenizer_of(str(params["tokenizer"]))
    everything: Any
    read: Any
    if prepared:
        everything, read = _read_prepared(dialogues)
        if "tokenizer" in chosen:
            everything.prepared.check_tokenizer(params["tokenizer"], PREPARE_AGAIN)
        params["tokenizer"] = everything.prepared.tokenizer
    else:
        everything = list(read_dialogues(dialogues))
        read = [dialogue for dialogue in everything if len(dialogue) > 1]
    if len(read) < 2:
        raise DataError(
            "at least two dialogues of two turns or more are needed: one to learn from, one to"
            f" measure on; there are {len(read)}.",
            dialogues,
        )
    from jpseq.dialogue.chatbot import Chatbot
    from jpseq.dialogue.turns import hold_out
    from jpseq.embedding.masked_lm import MaskedLM
    from jpseq.vectors import Embeddings

    check_known(params, [*Chatbot().get_params(deep=False), "held_out"])
    bot = Chatbot(**params)
    bot.check()
    begun_with = None if vectors is None else Embeddings.load(vectors)
    reader = None if encoder is None else MaskedLM.load(encoder)
    if alone := len(everything) - len(read):
        note(f"{alone:,} dialogues of fewer than two turns are left out")
    # What chooses between epochs must not be what is reported in the end.
    chooses = bool(CHOOSING & (params.get("training") or {}).keys())
    learnt, kept = hold_out(read, share, params["seed"])
    if chooses and len(learnt) < 2:
        raise DataError(
            "at least three dialogues of two turns or more are needed: one to learn from, one to"
            f" choose between epochs on, one to measure on; of {len(read)}, {len(kept)} held out"
            " to measure on leave too few. Take more dialogues, or a lower --held-out.",
            dialogues,
        )
    note(f"{len(learnt):,} dialogues to learn from, {len(kept):,} held out")
    keep(run, begun, resolved)
    chosen_on = None
    if chooses:
        learnt, chosen_on = hold_out(learnt, share, params["seed"])

    def fit() -> None:
        bot.fit(
            learnt,
            held_out=chosen_on,
            vectors=begun_with,
            encoder=reader,
            run=run,
            resume=resume,
        )

    def tell() -> None:
        perplexity = bot.perplexity(kept, data=f"{dialogues.name} held-out seed {params['seed']}")
        bot.metrics = {
            "learnt from": f"{len(learnt):,} dialogues of {dialogues.name}",
            "held-out": str(perplexity),
        }
        bot.save(output)
        print(f"held-out {perplexity}")

    learn(bot, output, fit, tell)
    note(f"Talk to it: jpseq chat --model {output}")


def _read_prepared(folder: Path) -> tuple["PreparedDialogues", "PreparedDialogues"]:
    """All dialogues of a prepared corpus, and those of two turns or more."""
    from jpseq.corpora.prepared import Prepared
    from jpseq.dialogue.turns import PreparedDialogues

    everything = PreparedDialogues.all_of(Prepared.load(folder))
    sizes = everything.sizes()
    return everything, everything.take(i for i, size in enumerate(sizes) if size > 1)
