"""The training room: how fast, at what overhead, in how much memory, whether it resumes exactly.

    JPSEQ_CORPORA=... OMP_NUM_THREADS=1 python benchmarks/training.py speed
    JPSEQ_CORPORA=... OMP_NUM_THREADS=1 python benchmarks/training.py overhead
    JPSEQ_CORPORA=... OMP_NUM_THREADS=1 python benchmarks/training.py memory [--minutes 60]
    OMP_NUM_THREADS=1 python benchmarks/training.py kills

All train a sequence-to-sequence network (LSTM, hidden 256, bidirectional encoder) from Japanese to
English on small_parallel_enja, words as given.
"""

import argparse
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import lightning
import numpy as np
import torch
from torch import Tensor, nn

from jpseq import Ragged, Vocabulary
from jpseq.network import decoder, encoder, seq2seq
from jpseq.network.dropout import Dropout
from jpseq.network.seq2seq import Pair, Seq2Seq
from jpseq.training.fit import fit
from jpseq.training.stream import Stream, pairs

HERE = Path(__file__).resolve().parent
HIDDEN, TOKENS, DROPOUT, WORDS = 256, 1200, 0.3, 6638


def corpus(count: int | None = None) -> tuple[Ragged, Ragged, int]:
    """Sources and targets as ids, and how many ids there are. More than 50,000 pairs come again."""
    folder = Path(os.environ["JPSEQ_CORPORA"]) / "small_parallel_enja"
    sides = [
        [line.split() for line in (folder / f"train.{side}").read_text("utf-8").splitlines()]
        for side in ("ja", "en")
    ]
    vocabularies = [
        Vocabulary(("<pad>", "<unk>", "<s>", "</s>"), max_size=WORDS).fit(s) for s in sides
    ]
    source, target = (v.transform(s) for v, s in zip(vocabularies, sides, strict=True))
    framed = Ragged.from_sequences([np.concatenate([[2], row, [3]]) for row in target])
    rows = np.arange(count or len(source)) % len(source)
    return source.take(rows), framed.take(rows), max(map(len, vocabularies))


def network(size: int) -> Seq2Seq:
    torch.manual_seed(0)
    return Seq2Seq(size, HIDDEN, HIDDEN, "lstm", dropout=DROPOUT)


def bare_loop(
    learner: Seq2Seq,
    batches: list[Pair],
    bf16: bool = False,
    warm: int = 3,
    clock: Callable[[], float] = time.perf_counter,
) -> tuple[float, int]:
    """A plain torch loop: seconds and target tokens after some steps that are not counted."""
    learner.train()
    optimizer = torch.optim.Adam(learner.parameters(), lr=1e-3, fused=True)
    begun, tokens = 0.0, 0
    for step, pair in enumerate(batches):
        if step == warm:
            begun, tokens = clock(), 0
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            loss = learner.loss(pair)
        loss.mean.backward()
        nn.utils.clip_grad_norm_(learner.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        tokens += int(loss.predicted)
    return clock() - begun, tokens


@contextmanager
def plainly(loss: bool, dropout: bool) -> Iterator[None]:
    """Networks with torch's own cross-entropy over all scores, or its own dropout."""

    def whole(hidden: Tensor, weight: Tensor, bias: Tensor, targets: Tensor, _: float) -> Tensor:
        scores = nn.functional.linear(hidden, weight, bias).float()
        return nn.functional.cross_entropy(scores, targets, reduction="sum")

    class Own(nn.Dropout):
        pass

    with (
        mock.patch.object(
            seq2seq, "linear_cross_entropy", whole if loss else seq2seq.linear_cross_entropy
        ),
        mock.patch.object(encoder, "Dropout", Own if dropout else Dropout),
        mock.patch.object(decoder, "Dropout", Own if dropout else Dropout),
    ):
        yield


class Adaptive(nn.Module):
    """The same network with an adaptive softmax (Grave et al. 2017) for its output layer."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.inner = network(size)
        self.output = nn.AdaptiveLogSoftmaxWithLoss(HIDDEN, size, [500, 2500])

    def loss(self, pair: Pair) -> seq2seq.Loss:
        inner = self.inner
        previous = pair.target.__class__(pair.target.values[:, :-1], pair.target.lengths - 1)
        outputs, _ = inner.decoder(previous, inner.encode(pair.source))
        wanted = pair.target.values[:, 1:][previous.mask]
        with torch.autocast("cpu", enabled=False):
            found = self.output(outputs.values[previous.mask].float(), wanted)
        return seq2seq.Loss(-found.output.sum(), previous.lengths.sum())


def speed(rounds: int, steps: int) -> None:
    source, target, size = corpus()
    stream = pairs(source, target, TOKENS)
    batches = [pair for pair, _ in zip(stream, range(steps + 3), strict=False)]
    print(f"{size:,} words, {torch.get_num_threads()} thread(s), {steps} steps, {rounds} rounds")

    def run(loss: bool, dropout: bool, bf16: bool) -> float:
        with plainly(loss, dropout):
            seconds, tokens = bare_loop(network(size), batches, bf16)
        return tokens / seconds

    def adaptive() -> float:
        with plainly(False, False):
            seconds, tokens = bare_loop(Adaptive(size), batches, True)  # type: ignore[arg-type]
        return tokens / seconds

    contestants: dict[str, Callable[[], float]] = {
        "fp32, torch's loss and dropout": lambda: run(True, True, False),
        "+ bf16": lambda: run(True, True, True),
        "+ loss in chunks": lambda: run(False, True, True),
        "+ cheap dropout": lambda: run(False, False, True),
        "adaptive softmax in place of the loss": adaptive,
    }
    table("target tokens/s", contestants, rounds)


def overhead(rounds: int, steps: int) -> None:
    source, target, size = corpus()
    rows = np.random.default_rng(0).permutation(len(source))[: steps * 120]
    source, target = source.take(rows), target.take(rows)

    def stream() -> Stream[Pair]:
        return pairs(source, target, TOKENS)

    def bare() -> float:
        seconds, tokens = bare_loop(network(size), list(stream()), True, warm=0)
        return tokens / seconds

    def ours() -> float:
        clock = Clock()
        with watched(clock):
            fit(network(size), stream(), epochs=1, precision="bf16")
        return clock.tokens / clock.seconds

    bare_loop(network(size), list(stream())[:3], True)
    table("target tokens/s", {"bare torch loop": bare, "fit": ours}, rounds)


class Clock(lightning.Callback):
    """Seconds from the first step to the last: set-up is not a matter of the size of the data."""

    def on_train_start(self, *_: object) -> None:
        self.tokens, self.begun = 0, time.perf_counter()

    def on_train_batch_end(
        self, _: object, __: object, outputs: dict[str, Tensor], *___: object
    ) -> None:
        self.tokens += int(outputs["count"])
        self.seconds = time.perf_counter() - self.begun


@contextmanager
def watched(by: lightning.Callback) -> Iterator[None]:
    """fit with one callback more."""
    trainer = lightning.Trainer

    def with_callback(**options: object) -> lightning.Trainer:
        callbacks = [*options.pop("callbacks"), by]  # type: ignore[misc]
        return trainer(callbacks=callbacks, **options)  # type: ignore[arg-type]

    with mock.patch.object(lightning, "Trainer", with_callback):
        yield


def table(unit: str, contestants: dict[str, Callable[[], float]], rounds: int) -> None:
    figures: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, contestant in contestants.items():
            figures[name].append(contestant())
    first = statistics.median(next(iter(figures.values())))
    print(f"\n| | {unit} | lowest - highest | ratio |\n|---|---|---|---|")
    for name, values in figures.items():
        median = statistics.median(values)
        spread = f"{min(values):,.0f} - {max(values):,.0f}"
        print(f"| {name} | {median:,.0f} | {spread} | {median / first:.2f} |")


def memory(minutes: float) -> None:
    """Resident memory after equal numbers of steps, whatever the number of pairs."""
    if minutes:
        subprocess.run(
            [sys.executable, __file__, "train", "500000", "--minutes", str(minutes)], check=True
        )
        return
    print("| pairs | MB after 100 steps | after 200 | after 400 | peak |\n|---|---|---|---|---|")
    for count in (5_000, 50_000, 500_000):
        command = [sys.executable, __file__, "train", str(count), "--steps", "400"]
        subprocess.run(command, check=True)


class Resident(lightning.Callback):
    """Resident memory, printed as the row of a table."""

    def __init__(self, steps: int, minutes: float) -> None:
        self.steps, self.minutes = steps, minutes
        self.begun, self.shown, self.row = time.monotonic(), 0, []

    def on_train_batch_end(self, trainer: lightning.Trainer, *_: object) -> None:
        elapsed = (time.monotonic() - self.begun) / 60
        if self.minutes and elapsed >= self.shown:
            print(
                f"{elapsed:.0f} min, step {trainer.global_step}: {resident():,.0f} MB", flush=True
            )
            self.shown += 1
        if not self.minutes and trainer.global_step in (100, 200, 400):
            self.row.append(f"{resident():,.0f}")
        trainer.should_stop = (
            elapsed > self.minutes if self.minutes else trainer.global_step >= self.steps
        )


def resident() -> float:
    """MB that are resident now (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def train(count: int, steps: int, minutes: float) -> None:
    """One training for `memory`: sources are memory-mapped."""
    with tempfile.TemporaryDirectory() as folder:
        for name, side in zip(("source", "target"), corpus(count)[:2], strict=True):
            side.save(Path(folder) / name)
        size = corpus(1)[2]
        source, target = (Ragged.load(Path(folder) / name) for name in ("source", "target"))
        watch = Resident(steps, minutes)
        with watched(watch):
            fit(network(size), pairs(source, target, TOKENS), epochs=1000)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
        if not minutes:
            print(f"| {count:,} | {' | '.join(watch.row)} | {peak:,.0f} |", flush=True)


def kills(count: int = 10, seed: int = 0) -> None:
    """Kill -9 at ten random moments; the resumed run must end like an uninterrupted one."""
    script = HERE.parent / "tests" / "training" / "reversing.py"
    command = [sys.executable, str(script)]
    epochs = "400"
    draw = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        straight, run = Path(folder) / "straight", Path(folder) / "run"
        begun = time.monotonic()
        subprocess.run([*command, str(straight), epochs], check=True)
        whole = time.monotonic() - begun
        done = 0
        while done < count:
            process = subprocess.Popen([*command, str(run), epochs])
            # Anywhere: while it starts, loads, steps, measures or writes.
            time.sleep(draw.uniform(2, 2 + whole / 5))
            if process.poll() is None:
                process.kill()
                done += 1
                print(f"killed {done}", flush=True)
            elif process.wait() == 0:
                sys.exit(f"the run ended after {done} kills; take more epochs")
        subprocess.run([*command, str(run), epochs], check=True)
        ends = [torch.load(end / "weights.pt") for end in (straight, run)]
        same = all(torch.equal(ends[0][name], ends[1][name]) for name in ends[0])
        print(f"{count} kills: the weights are {'the same, bit for bit' if same else 'DIFFERENT'}")
        sys.exit(not same)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["speed", "overhead", "memory", "kills", "train"])
    parser.add_argument("count", type=int, nargs="?", default=5000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--minutes", type=float, default=0)
    given = parser.parse_args()
    if given.what == "speed":
        speed(given.rounds, given.steps)
    elif given.what == "overhead":
        overhead(given.rounds, given.steps)
    elif given.what == "memory":
        memory(given.minutes)
    elif given.what == "train":
        train(given.count, given.steps, given.minutes)
    else:
        kills()


if __name__ == "__main__":
    main()
