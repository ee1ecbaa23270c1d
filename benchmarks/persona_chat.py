"""Dialogue on real_persona_chat: seq2seq, HRED and VHRED, and what they have to be better than.

    export JPSEQ_CORPORA=... OMP_NUM_THREADS=1
    python benchmarks/persona_chat.py train [--only hred]
    python benchmarks/persona_chat.py measure [--only hred]

`train` makes the models of recipes/real_persona_chat, about an hour of one core each; a training
that was stopped goes on where it stopped, and several with different --only may run side by side.
--work names the folder of models and runs. `measure` is `jpseq chat evaluate` on dev; it adds the
rows that docs/results.md does not have yet.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from results_table import add_row, has_row

from jpseq import read_dialogues
from jpseq.embedding.word2vec import Word2Vec
from jpseq.text.mecab import MeCab

KINDS = ("seq2seq", "hred", "vhred")
RECIPES = Path(__file__).resolve().parent.parent / "recipes" / "real_persona_chat"
DATA = Path(os.environ.get("JPSEQ_CORPORA", ".")) / "real_persona_chat"
LIKELIHOODS = "### real_persona_chat: how likely people's replies are"
REPLIES = "### real_persona_chat: what is replied"


def train(kind: str, work: Path) -> None:
    learn = ["chat", "train", str(DATA / "train.jsonl"), "--config", str(RECIPES / f"{kind}.toml")]
    kept = ["-o", str(work / kind), "--run", str(work / f"{kind}-run"), "--resume"]
    subprocess.run([sys.executable, "-m", "jpseq", *learn, *kept], check=True)


def vectors(work: Path) -> Path:
    """Skip-gram vectors of the words of train, for the similarity to people's replies."""
    folder = work / "vectors"
    if not folder.exists():
        turns = (turn.text for talk in read_dialogues(DATA / "train.jsonl") for turn in talk)
        tokenizer = MeCab()
        words = [tokenizer.words(text) for text in turns]
        Word2Vec(100, min_count=5, epochs=5).fit(words).save(folder)
    return folder


def measure(work: Path, kinds: Sequence[str], contexts: int) -> None:
    near = ["--vectors", str(vectors(work)), "--contexts", str(contexts), "--json"]
    found = subprocess.run(
        [
            *(sys.executable, "-m", "jpseq", "chat", "evaluate", *(str(work / k) for k in kinds)),
            *("--on", str(DATA / "dev.jsonl"), "--learnt", str(DATA / "train.jsonl"), *near),
        ],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    rows = [json.loads(line) for line in found.stdout.splitlines()]
    changes = next((row for row in rows if "name" not in row), {})
    changes = changes.get("greedy replies that change with z", {})
    for row in rows:
        if "perplexity" in row and not has_row(LIKELIHOODS, row["name"]):
            add_row(LIKELIHOODS, *likelihood(row, changes))
        elif "diversity" in row and not has_row(REPLIES, row["name"]):
            add_row(REPLIES, *reply(row))


def likelihood(row: dict[str, Any], changes: dict[str, float]) -> list[str]:
    """Perplexity, nats a character, the tighter bound, nats a dialogue by the tightest, and what
    the latent variable does."""
    perplexity, tighter, latent = row["perplexity"], row["tighter"], row["latent"]
    best = tighter or perplexity
    changing = changes.get(row["name"])
    return [
        row["name"],
        f"{math.exp(perplexity['nll']):.1f}",
        f"{perplexity['nll'] * perplexity['tokens'] / perplexity['characters']:.3f}",
        f"{math.exp(tighter['nll']):.1f}" if tighter else "",
        f"{best['nll'] * best['tokens'] / row['dialogues']:.0f}",
        f"{latent['kl']:.2f}" if latent else "",
        f"{latent['active']} of {latent['units']}" if latent else "",
        "" if changing is None else f"{changing:.0%}",
    ]


def reply(row: dict[str, Any]) -> list[str]:
    """How diverse the replies are, and how near to those of people."""
    diverse, bleu, near = row["diversity"], row["bleu"], row["similarity"]
    similar = [near[way] for way in ("average", "greedy", "extrema")] if near else []
    return [
        row["name"],
        f"{diverse['distinct_1']:.3f}",
        f"{diverse['distinct_2']:.3f}",
        f"{diverse['share']:.1%}",
        f"{diverse['entropy']:.2f}",
        f"{diverse['length']:.1f}",
        f"{bleu['value']:.1f} ± {bleu['half_width']:.1f}" if bleu else "",
        *(f"{way['value']:.3f} ± {way['half_width']:.3f}" for way in similar),
        *([""] * (3 - len(similar))),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["train", "measure"])
    parser.add_argument("--only", action="append", choices=KINDS)
    parser.add_argument("--contexts", type=int, default=500)
    parser.add_argument(
        "--work", type=Path, default=Path(tempfile.gettempdir()) / "jpseq-persona-chat"
    )
    given = parser.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    if given.what == "measure":
        measure(given.work, given.only or KINDS, given.contexts)
    else:
        for kind in given.only or KINDS:
            train(kind, given.work)


if __name__ == "__main__":
    main()
