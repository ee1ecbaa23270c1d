"""What the networks of jpseq.scratch can do, measured. One core is enough:

    OMP_NUM_THREADS=1 python benchmarks/scratch.py gradients   largest errors of the gradient checks
    OMP_NUM_THREADS=1 python benchmarks/scratch.py addition    binary addition with the simple RNN
    OMP_NUM_THREADS=1 python benchmarks/scratch.py sine        a sine in closed loop (--noise 0.05)
    OMP_NUM_THREADS=1 python benchmarks/scratch.py memory adding | copy | order

Each prints Markdown, to be put into docs/results.md.
"""

import argparse
import time
from collections.abc import Iterator
from itertools import count, islice, product
from pathlib import Path

import numpy as np

from jpseq.scratch import GRU, LSTM, RNN, Adam, Network, train
from jpseq.scratch.gradient_flow import cells
from jpseq.scratch.layer import Array
from jpseq.scratch.losses import Target
from jpseq.scratch.sine import closed_loop, learn_sine, periods_in_phase, sine
from jpseq.scratch.tasks import Adding, BinaryAddition, Copy, Task, TemporalOrder, practise


def table(*columns: str) -> None:
    print("| " + " | ".join(columns) + " |")
    print("|" + " --- |" * len(columns))


def row(*cells: object) -> None:
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def gradients() -> None:
    """The tests measure, and print what they measure."""
    import pytest  # needed here only

    here = Path(__file__).parent.parent / "tests" / "scratch"
    files = ("test_scratch_against_torch.py", "test_scratch_finite_differences.py")
    pytest.main(["-q", "-s", *(str(here / name) for name in files)])


def addition() -> None:
    """Learn sums of n bits until all 4^n are right, then ten times as long; each time add 20 bits.

    Carries across all 20 bits are rare in random sums, so that those are asked separately:
    k + (2^20 - k), where from the lowest 1 of k upwards every digit carries.
    """
    long, exam = BinaryAddition(20), np.random.default_rng(20)
    random = long.draw(exam, 100_000)
    k = exam.integers(1, 2**20, 100_000)
    carries = long.sums(k, 2**20 - k)

    table("f", "trained on", "seed", "steps", "all its sums", "20 bits, random", "20 bits, carries")
    for activation, bits, seed in product(("tanh", "sigmoid"), (8, 5, 4, 3), (0, 1, 2)):
        task = BinaryAddition(bits)
        everything = task.all_sums()
        for steps, network in adders(activation, task, everything, seed):
            sums = (everything, random, carries)
            right = (f"{100 * task.accuracy(network, *data):.3f} %" for data in sums)
            row(activation, f"{bits} bits", seed, steps, *right)


def adders(
    activation: str, task: BinaryAddition, everything: tuple[Array, Target], seed: int
) -> Iterator[tuple[int, Network]]:
    """Steps and network: once everything is right (5,000 at most), and after ten times as many."""
    rng, optimizer = np.random.default_rng(seed), Adam(0.01)
    network = Network(RNN(2, 16, activation, rng=rng), 1, rng)
    batches = (task.draw(rng, 64) for _ in count())
    steps = 0
    while steps < 5000 and task.accuracy(network, *everything) < 1:
        train(network, islice(batches, 50), task.loss, optimizer)
        steps += 50
    yield steps, network
    train(network, islice(batches, 9 * steps), task.loss, optimizer)
    yield 10 * steps, network


def sines(noise: float) -> None:
    """Periods in closed loop before the phase is wrong by 10 %, the fewest of 8 starting phases."""
    period, window, at_most = 50, 100, 400
    phases = np.linspace(0, 2 * np.pi, 8, endpoint=False)
    table("cell", "noise", "seed", "periods in phase", "largest value at the end", "seconds")
    for cell, seed in product((RNN, LSTM, GRU), (0, 1, 2)):
        start, rng = time.perf_counter(), np.random.default_rng(seed)
        network = Network(cell(1, 16, rng=rng), 1, rng)
        learn_sine(network, period, window, steps=2000, noise=noise, seed=seed)
        seconds = time.perf_counter() - start
        y = closed_loop(network, sine(period, phases, window), at_most * period)[:, :, 0]
        begin = phases + 2 * np.pi * window / period
        periods = min(
            periods_in_phase(wave, period, phase) for wave, phase in zip(y, begin, strict=True)
        )
        # What begins in the middle of a period has one crossing less.
        shown = f"{at_most} (all)" if periods >= at_most - 1 else f"{periods:.0f}"
        row(cell.__name__, noise, seed, shown, f"{y[:, -period:].max():.3f}", f"{seconds:.0f}")


def memory(task: Task, steps: int) -> None:
    """All cells alike: 32 units, Adam 0.01, clipped at 1, gates open (bias 3) in the beginning."""
    table("task", "cell", "right at the end", "best", "by chance", "steps", "seconds")
    for name, cell in cells(task.inputs, 32, gate_bias=3.0).items():
        start = time.perf_counter()
        curve = practise(Network(cell, task.outputs, 1), task, steps, learning_rate=0.01)
        done, _, right = curve[-1]
        percent = (f"{100 * share:.1f} %" for share in (right, curve[:, 2].max(), task.chance))
        seconds = time.perf_counter() - start
        row(type(task).__name__, name, *percent, int(done), f"{seconds:.0f}")


MEMORY = {
    "adding": (Adding(100), 2500),
    "copy": (Copy(60), 3000),
    "order": (TemporalOrder(100), 2000),
}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("gradients")
    commands.add_parser("addition")
    commands.add_parser("sine").add_argument("--noise", type=float, default=0.0)
    commands.add_parser("memory").add_argument("task", choices=MEMORY)
    arguments = parser.parse_args()
    match arguments.command:
        case "gradients":
            gradients()
        case "addition":
            addition()
        case "sine":
            sines(arguments.noise)
        case "memory":
            memory(*MEMORY[arguments.task])
