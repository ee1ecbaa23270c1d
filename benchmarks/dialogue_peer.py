"""Dialogue beside VHCR, the public code of Park et al. (2018): HRED and VHRED; one thread.

    export JPSEQ_CORPORA=... OMP_NUM_THREADS=1
    python benchmarks/dialogue_peer.py speed --vhcr PYTHON --code FOLDER [--rounds 3]
    python benchmarks/dialogue_peer.py perplexity --vhcr PYTHON --code FOLDER [--minutes 12]

FOLDER is a work tree of the repository of ctr4si on GitHub that is called
A-Hierarchical-Latent-Structure-for-Variational-Conversation-Modeling, PYTHON the interpreter of an
environment with the torch that we have, numpy and pandas. vhcr.py runs there: it mends what has to
be as it is read, and changes nothing in FOLDER. `speed` is target tokens a second of processor time
over the same batches, after the first two; `perplexity` that of dev after equal processor time.
Each adds rows to docs/results.md, and what has a row is not added again: remove those of `speed` to
have them anew from more rounds. All rounds are kept in --work, where a call goes on from.

Data: windows of at most 10 turns of real_persona_chat, MeCab's words, the first 29 of a turn and an
end, the 20,000 most frequent ids of 20,000 windows. Both sides get the same ids in the same batches
of 20 windows, in the same order. A target token is a word, or the end, of any turn of a window but
the first. Perplexity is exp of the nats a target token on 500 windows of dev, in fp32; of VHRED exp
of the bound, with one z a turn from the posterior and the whole KL. VHCR's comes from its own
`evaluate`, only without the gradients that it would keep, ours from `jpseq.training.fit.evaluate`.

Sizes: embedding 300, encoder 2 x 250, context 500, decoder 500, z 100, GRUs, no dropout, Adam at a
constant 1e-3, gradients clipped at 1. VHCR trains by its own loop, we by `jpseq.training.fit`, as
our users do. Ours is measured twice. "jpseq" scores words by the embedding that it reads them with,
behind 500 x 300 weights. With "same output layer" it has VHCR's, 500 x 20,000 weights of its own;
the library has no such choice, so it is put into the network here. This still differs:

- VHCR clips the gradient of the summed loss, we that of the mean.
- VHCR starts with orthogonal recurrent weights and its update gates at 2, we as torch does.
- VHCR pads turns to 30 and computes in fp32. We pack them, in bf16 where the processor has it.
- VHCR's z only starts the decoder, ours joins each word, too. Its prior and posterior have two
  hidden layers, ours one. Both leave out a quarter of the words that the decoder reads, VHCR at
  a step those of all turns at once, and both raise the weight of KL to 1 over 50 updates.
"""

import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import lightning
import numpy as np
import numpy.typing as npt
import torch
from results_table import add_row, has_row
from torch import Tensor, nn
from training import watched

from jpseq import Batch, MeCab, Ragged, Vocabulary
from jpseq.corpora.readers import read_dialogues
from jpseq.network.conversation import Talk
from jpseq.network.hred import HRED
from jpseq.network.latent import Annealing
from jpseq.network.vhred import VHRED
from jpseq.training.fit import evaluate, fit
from jpseq.training.stream import Stream

SPECIALS = ("<pad>", "<unk>", "<s>", "</s>")  # VHCR's ids
START, END = 2, 3
TURNS, WORDS, VOCABULARY, BATCH = 10, 30, 20_000, 20
WINDOWS = {"train": 20_000, "dev": 500}
EMBEDDING, HIDDEN, CONTEXT, LATENT = 300, 500, 500, 100
RATE, WORD_DROP, ANNEALED = 1e-3, 0.25, 50
WARM = 2
"""Updates that no speed is taken of."""


class Course(NamedTuple):
    """What came of a training."""

    marks: list[tuple[float, int]]
    """After each update: processor seconds, and target tokens, since the first began."""
    nll: float | None
    """Nats a target token of dev, where it was asked for."""
    parameters: int

    @property
    def speed(self) -> float:
        """Target tokens a processor second."""
        (begun, before), (end, after) = self.marks[WARM - 1], self.marks[-1]
        return (after - before) / (end - begun)


class Limit(NamedTuple):
    """When a training ends: after so many updates, or so many processor seconds."""

    steps: float = float("inf")
    seconds: float = float("inf")
    measured: bool = False
    """Whether dev is measured then."""


# Data

Window = list[list[int]]


def windows(work: Path) -> Path:
    """A file of {"train": windows, "dev": windows} of ids, each turn with its end."""
    path = work / "windows.json"
    if not path.exists():
        words = {part: list(analysed(part, count)) for part, count in WINDOWS.items()}
        known = Vocabulary(SPECIALS, max_size=VOCABULARY)
        known.fit(turn for window in words["train"] for turn in window)
        ids = {
            part: [[[*row.tolist(), END] for row in known.transform(window)] for window in some]
            for part, some in words.items()
        }
        made = path.with_suffix(".part")
        made.write_text(json.dumps(ids))
        made.replace(path)
    return path


def analysed(part: str, count: int) -> Iterator[list[list[str]]]:
    """The words of so many windows of a part, drawn from all."""
    corpus = read_dialogues(
        Path(os.environ["JPSEQ_CORPORA"]) / "real_persona_chat" / f"{part}.jsonl"
    )
    cut = [d[first : first + TURNS] for d in corpus for first in range(0, len(d), TURNS)]
    found = [window for window in cut if len(window) > 1]
    mecab = MeCab()
    for row in np.random.default_rng(0).permutation(len(found))[:count]:
        yield [mecab.words(turn.text)[: WORDS - 1] for turn in found[row]]


def stream(some: list[Window]) -> Stream[Talk]:
    """Batches of BATCH windows in the order given."""

    def make(rows: npt.NDArray[np.int64]) -> Talk:
        groups = [[[START, *turn] for turn in some[row]] for row in rows]
        utterances = Batch.from_ragged(Ragged.from_groups(groups))
        return Talk(utterances, torch.zeros(len(utterances), dtype=torch.int64))

    return Stream(np.ones(len(some), np.int64), make, BATCH, shuffle=False)


# One training


def theirs(given: argparse.Namespace, model: str, limit: Limit) -> Course:
    config = {
        "model": model,
        "vocab_size": VOCABULARY,
        "embedding_size": EMBEDDING,
        "encoder_hidden_size": HIDDEN // 2,
        "decoder_hidden_size": HIDDEN,
        "context_size": CONTEXT,
        "z_sent_size": LATENT,
        "dropout": 0.0,
        "word_drop": WORD_DROP if model == "VHRED" else 0.0,
        "kl_annealing_iter": ANNEALED,
        "learning_rate": RATE,
        "batch_size": BATCH,
        "max_unroll": WORDS,
    }
    settings = json.dumps({"config": config, "words": WORDS, **limit._asdict()})
    driver = Path(__file__).resolve().parent / "vhcr.py"
    files = (str(driver), str(given.code.resolve()), str(windows(given.work)))
    command = [given.vhcr, "-W", "ignore", *files, settings]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise SystemExit(f"{done.stdout}\nVHCR ended with {done.returncode}.")
    return Course(**json.loads(done.stdout.splitlines()[-1]))


def ours(
    given: argparse.Namespace, model: str, limit: Limit, *, same: bool, precision: str = "auto"
) -> Course:
    parts = json.loads(windows(given.work).read_text())
    learner = network(model, same)
    clock = Clock(limit)
    settings: dict[str, Any] = {"learning_rate": RATE, "cooldown": 0.0, "precision": precision}
    with watched(clock):
        fit(learner, stream(parts["train"]), epochs=1000, **settings)
    nll = evaluate(learner, stream(parts["dev"]))[0] if limit.measured else None
    return Course(clock.marks, nll, sum(weight.numel() for weight in learner.parameters()))


def network(model: str, same: bool) -> HRED:
    """Our network, with its own output layer or the same as VHCR's."""
    torch.manual_seed(0)
    sizes = {
        "vocabulary_size": VOCABULARY,
        "embedding_size": EMBEDDING,
        "hidden_size": HIDDEN,
        "context_size": CONTEXT,
    }
    if model == "HRED":
        made = HRED(**sizes)
    else:
        made = VHRED(LATENT, Annealing(ANNEALED), target_drop=WORD_DROP, **sizes)
    if same:
        decoder = made.decoder.decoder
        decoder.embedding = made.encoder.embedding = nn.Embedding(VOCABULARY, EMBEDDING)
        decoder.projection = nn.Identity()
        decoder.output = nn.Linear(HIDDEN, VOCABULARY, bias=False)
    return made


class Clock(lightning.Callback):
    """Notes the end of each update, and ends the training."""

    def __init__(self, limit: Limit) -> None:
        self.limit = limit
        self.marks: list[tuple[float, int]] = []

    def on_train_start(self, *_: object) -> None:
        self.begun, self.tokens = time.process_time(), 0

    def on_train_batch_end(
        self, trainer: lightning.Trainer, _: object, outputs: dict[str, Tensor], *__: object
    ) -> None:
        self.tokens += int(outputs["count"])
        self.marks.append((time.process_time() - self.begun, self.tokens))
        steps, seconds = len(self.marks), self.marks[-1][0]
        trainer.should_stop = steps >= self.limit.steps or seconds >= self.limit.seconds


# Both tables

SPEED, PERPLEXITY = "### Beside VHCR", "#### After equal processor time"
CONTESTANTS = {
    f"{model}, {name}": partial(run, model=model)
    for model in ("HRED", "VHRED")
    for name, run in {
        "VHCR": theirs,
        "jpseq, same output layer, fp32": partial(ours, same=True, precision="fp32"),
        "jpseq, same output layer": partial(ours, same=True),
        "jpseq": partial(ours, same=False),
    }.items()
}


def speed(given: argparse.Namespace) -> None:
    """Rounds in which each trains once on the same batches; a row of medians for each."""
    kept = given.work / f"speed-{given.steps}.json"
    figures: dict[str, list[list[float]]] = json.loads(kept.read_text()) if kept.exists() else {}
    for number in range(given.rounds):
        for name, run in CONTESTANTS.items():
            if len(figures.setdefault(name, [])) > number:
                continue
            course = run(given, limit=Limit(steps=WARM + given.steps))
            figures[name].append([course.speed, course.parameters])
            print(f"round {number + 1}: {name} {course.speed:,.0f} tokens/s", flush=True)
            kept.write_text(json.dumps(figures))
    medians = {name: statistics.median(speed for speed, _ in of) for name, of in figures.items()}
    for name, of in figures.items():
        if not has_row(SPEED, name):
            speeds, parameters = zip(*of, strict=True)
            fields = [f"{parameters[0] / 1e6:.1f}", f"{medians[name]:,.0f}"]
            fields += [f"{min(speeds):,.0f} - {max(speeds):,.0f}"]
            ratio = medians[name] / medians[f"{name.split(',')[0]}, VHCR"]
            add_row(SPEED, name, *fields, f"{ratio:.2f}")


def perplexity(given: argparse.Namespace) -> None:
    """A row for each as soon as it is measured."""
    for name, run in CONTESTANTS.items():
        if (given.only and name not in given.only) or has_row(PERPLEXITY, name):
            continue
        course = run(given, limit=Limit(seconds=60 * given.minutes, measured=True))
        seconds, tokens = course.marks[-1]
        fields = [f"{seconds / 60:.1f}", f"{len(course.marks):,}", f"{tokens:,}"]
        assert course.nll is not None
        add_row(PERPLEXITY, name, *fields, f"{np.exp(course.nll):.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["speed", "perplexity"])
    parser.add_argument("--vhcr", metavar="PYTHON", required=True)
    parser.add_argument("--code", metavar="FOLDER", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=3, help="of speed")
    parser.add_argument("--steps", type=int, default=8, help="of speed: updates that are timed")
    parser.add_argument("--minutes", type=float, default=12.0, help="of perplexity")
    parser.add_argument("--only", action="append", choices=list(CONTESTANTS), help="of perplexity")
    parser.add_argument(
        "--work", type=Path, default=Path(tempfile.gettempdir()) / "jpseq-dialogue-peer"
    )
    given = parser.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    {"speed": speed, "perplexity": perplexity}[given.what](given)


if __name__ == "__main__":
    main()
