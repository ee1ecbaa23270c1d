"""jpseq chat evaluate: bots, baselines and people in one table."""

import dataclasses
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jpseq.cli.notes import note

if TYPE_CHECKING:
    from jpseq.corpora.readers import Dialogue
    from jpseq.dialogue.evaluation import Answers, Likelihood

DIALOGUES = "JSON Lines of dialogues, as `jpseq chat train` takes them"


def evaluate(
    models: Annotated[
        list[Path], typer.Argument(help="Model folders; the words of the first are the baselines'.")
    ],
    on: Annotated[Path, typer.Option(help=f"{DIALOGUES}; not those it learnt from.")],
    learnt: Annotated[
        Path | None, typer.Option(help=f"{DIALOGUES}; those it learnt from, for the baselines.")
    ] = None,
    vectors: Annotated[
        Path | None, typer.Option(help="Word vectors, for the similarity to what people said.")
    ] = None,
    contexts: Annotated[
        int, typer.Option(min=1, help="So many of the replies are answered anew.")
    ] = 500,
    draws: Annotated[
        int, typer.Option(min=1, max=1000, help="Of the latent variable, for the tighter bound.")
    ] = 16,
    seed: Annotated[int, typer.Option(min=0, max=10**18, help="Of all that is drawn.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON object a row.")] = False,
) -> None:
    """Measure bots on dialogues: how likely what people said is, and what they say themselves.

    Refusals of unknown words are off. Baselines are a bigram, a Kneser-Ney trigram, the reply of
    the nearest context and the most frequent reply.
    """
    from jpseq.dialogue import evaluation as measures
    from jpseq.dialogue.chatbot import Chatbot
    from jpseq.network.vhred import VHRED
    from jpseq.vectors import Embeddings

    # Everything that can be wrong is found before the long part begins.
    dialogues = _read(on)
    before = None if learnt is None else _read(learnt)
    near = None if vectors is None else Embeddings.load(vectors)
    bots = {name: Chatbot.load(folder) for name, folder in _named(models).items()}
    first = next(iter(bots.values()))
    baselines = None
    if before is not None:
        note("counting the baselines")
        baselines = measures.Baselines(before, first)
    asked = measures.exchanges(dialogues, contexts, seed)
    histories = [exchange.history for exchange in asked]
    people = [first.words(exchange.reply) for exchange in asked]
    said: dict[str, list[list[str]]] = {}
    foreseen: list[Likelihood] = []
    drawn_again: dict[str, float] = {}
    for name, bot in bots.items():
        note(f"measuring {name}")
        bot.max_unknown = None  # no reply is a refusal
        foreseen.append(measures.likelihood(name, bot, dialogues, on.name, draws))
        for way, answer in measures.ways_of(bot, first.reader, seed).items():
            said[f"{name}, {way}"] = answer(histories)
        if isinstance(bot.network, VHRED):
            drawn_again[name] = measures.changes(bot, histories, seed)
    if baselines is not None:
        foreseen += baselines.likelihoods(dialogues, on.name)
        said |= baselines.replies(histories, seed)
    found = [measures.answers("people", people, None, data=on.name)]
    for name, replies in said.items():
        found.append(measures.answers(name, replies, people, near, on.name))
    if as_json:
        everything: list[Any] = [*foreseen, *found]
        for row in everything:
            print(json.dumps(_plain(dataclasses.asdict(row)), ensure_ascii=False))
        if drawn_again:
            print(json.dumps({"greedy replies that change with z": drawn_again}))
        return
    _show(foreseen, found, drawn_again)


def _read(path: Path) -> "list[Dialogue]":
    """Dialogues, of which one has two turns at least."""
    from jpseq.corpora.readers import read_dialogues
    from jpseq.errors import DataError

    dialogues = list(read_dialogues(path))
    if all(len(dialogue) < 2 for dialogue in dialogues):
        raise DataError("no dialogue has two turns; at least one is needed.", path)
    return dialogues


def _named(folders: list[Path]) -> dict[str, Path]:
    """Folders by their names; by their paths where two are named alike."""
    names = [folder.name or str(folder) for folder in folders]
    return {
        name if names.count(name) == 1 else str(folder): folder
        for name, folder in zip(names, folders, strict=True)
    }


def _plain(value: Any) -> Any:
    """A value as JSON has it, which knows no NaN."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return None if isinstance(value, float) and math.isnan(value) else value


def _show(
    foreseen: "list[Likelihood]", found: "list[Answers]", drawn_again: dict[str, float]
) -> None:
    from jpseq.columns import columns

    head = ["", "perplexity", "nats/character", "tighter", "nats/dialogue"]
    head += ["nats/reply of z", "active", "z changes"]
    rows = [head]
    for one in foreseen:
        per_character = one.perplexity.per_character
        use = one.latent
        rows.append(
            [
                one.name,
                f"{one.perplexity.value:.1f}",
                "" if per_character is None else f"{per_character:.3f}",
                "" if one.tighter is None else f"{one.tighter.value:.1f}",
                f"{one.per_dialogue:.1f}",
                "" if use is None else f"{use.kl:.2f}",
                "" if use is None else f"{use.active}/{use.units}",
                f"{drawn_again[one.name]:.0%}" if one.name in drawn_again else "",
            ]
        )
    print("\n".join(columns(rows)))
    for signature in dict.fromkeys(one.perplexity.signature for one in foreseen):
        print(signature)
    print()
    head = ["", "distinct-1", "distinct-2", "top reply", "bits/word", "words", "BLEU"]
    head += ["average", "greedy", "extrema", "compared"]
    print("\n".join(columns([head, *map(_row, found)])))
    print(f"{found[0].diversity.replies:,} replies")
    last = found[-1]
    for score in (last.bleu, last.similarity):
        if score is not None:
            print(score.signature)


def _row(one: "Answers") -> list[str]:
    spread, near = one.diversity, one.similarity
    similar: list[Any] = [""] * 4
    if near is not None:
        similar = [near.average, near.greedy, near.extrema, f"{near.scored}/{near.pairs}"]
    return [
        one.name,
        f"{spread.distinct_1:.3f}",
        f"{spread.distinct_2:.3f}",
        f"{spread.share:.1%}",
        f"{spread.entropy:.2f}",
        f"{spread.length:.1f}",
        "" if one.bleu is None else f"{one.bleu.value:.1f}",
        *map(str, similar),
    ]
