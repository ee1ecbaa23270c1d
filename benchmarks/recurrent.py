"""How fast the recurrent layers learn beside torch's own, on one core:

    OMP_NUM_THREADS=1 python benchmarks/recurrent.py peephole   the LSTM with peepholes, nn.LSTM
    OMP_NUM_THREADS=1 python benchmarks/recurrent.py lengths    sequences of different lengths
    OMP_NUM_THREADS=1 python benchmarks/recurrent.py options    what the options of Recurrent cost

A run is forwards and backwards, with the gradients of inputs and weights. Peers are run in turn, so
that what else the machine does hits them alike; shown is the median of the processor time.
`--quick` tries the script on a tiny layer. Each prints Markdown, to be put into docs/results.md.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from itertools import product

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from jpseq.batch import Batch
from jpseq.network.recurrent import Cell, Recurrent

Layer = Callable[[Batch], Tensor]
TORCH = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}


def table(*columns: str) -> None:
    print("| " + " | ".join(columns) + " |")
    print("|" + " --- |" * len(columns))


def row(*cells: object) -> None:
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def ours(network: Recurrent) -> tuple[nn.Module, Layer]:
    return network, lambda batch: network(batch)[0].values


def torchs(network: nn.RNNBase) -> tuple[nn.Module, Layer]:
    """torch's layer as one would call it: packed where lengths differ."""

    def read(batch: Batch) -> Tensor:
        if bool((batch.lengths == batch.values.shape[1]).all()):
            return network(batch.values)[0]
        packed = pack_padded_sequence(
            batch.values, batch.lengths, batch_first=True, enforce_sorted=False
        )
        return pad_packed_sequence(network(packed)[0], batch_first=True)[0]

    return network, read


def milliseconds(
    peers: dict[str, tuple[nn.Module, Layer]], batch: Batch, runs: int, low: bool = False
) -> dict[str, float]:
    """Medians; the first run of each is not counted."""
    seconds: dict[str, list[float]] = {name: [] for name in peers}
    batch.values.requires_grad_()
    slope = torch.randn(*batch.values.shape[:2], 1)
    for index in range(runs + 1):
        for name, (module, read) in peers.items():
            start = time.process_time()
            with torch.autocast("cpu", torch.bfloat16, enabled=low):
                outputs = read(batch)
            torch.autograd.grad((outputs * slope).sum(), [batch.values, *module.parameters()])
            if index:
                seconds[name].append(time.process_time() - start)
    return {name: 1000 * statistics.median(each) for name, each in seconds.items()}


def draw(size: int, steps: int, features: int, filled: float = 1.0) -> Batch:
    """Lengths are drawn evenly so that this share of the batch is no padding."""
    shortest = max(1, round(steps * (2 * filled - 1)))
    lengths = torch.randint(shortest, steps + 1, (size,))
    lengths[0] = steps
    return Batch(torch.randn(size, steps, features), lengths)


def peephole(quick: bool, runs: int) -> None:
    sizes = [(4, 3, 8)] if quick else list(product((64, 128), (12, 50), (256, 512)))
    table("B", "T", "hidden", "precision", "nn.LSTM, ms", "peephole, ms", "speed beside nn.LSTM")
    for (size, steps, hidden), low in product(sizes, (False, True)):
        batch = draw(size, steps, hidden)
        peers = {
            "torch": torchs(nn.LSTM(hidden, hidden, batch_first=True)),
            "own": ours(Recurrent("peephole", hidden, hidden)),
        }
        took = milliseconds(peers, batch, runs, low)
        precision = "bfloat16" if low else "float32"
        times = (f"{took[name]:.1f}" for name in peers)
        row(size, steps, hidden, precision, *times, f"{took['torch'] / took['own']:.2f}")


def lengths(quick: bool, runs: int) -> None:
    """Both directions, hidden 256."""
    sizes = [(4, 5, 8)] if quick else [(64, 12, 256), (64, 50, 256)]
    columns = ("torch's, packed, ms", "Recurrent, ms", "speed beside torch's")
    table("cell", "B", "T", "filled", *columns)
    cells: tuple[Cell, ...] = ("rnn", "gru", "lstm", "peephole")
    for (size, steps, hidden), cell, filled in product(sizes, cells, (0.6, 0.8, 0.95)):
        batch = draw(size, steps, hidden, filled)
        peer = TORCH.get(cell, nn.LSTM)(hidden, hidden, batch_first=True, bidirectional=True)
        peers = {
            "torch": torchs(peer),
            "own": ours(Recurrent(cell, hidden, hidden, bidirectional=True)),
        }
        took = milliseconds(peers, batch, runs)
        share = f"{100 * batch.lengths.double().mean() / steps:.0f} %"
        times = (f"{took[name]:.1f}" for name in peers)
        name = cell if cell in TORCH else f"{cell} (nn.LSTM)"
        row(name, size, steps, share, *times, f"{took['torch'] / took['own']:.2f}")


def options(quick: bool, runs: int) -> None:
    """Two layers in both directions, B 64, T 12, hidden 256 each."""
    size, steps, hidden = (4, 3, 8) if quick else (64, 12, 256)
    batch = draw(size, steps, hidden)
    table("cell", "options", "ms", "beside the first")
    cells: tuple[Cell, ...] = ("gru", "lstm", "peephole")
    for cell in cells:
        settings: dict[str, dict[str, object]] = {
            "none": {},
            "dropout=0.2": {"dropout": 0.2},
            "dropout=0.2, variational=True": {"dropout": 0.2, "variational": True},
            "normalize=True": {"normalize": True},
            'merge="add"': {"merge": "add"},
        }
        peers = {
            name: ours(Recurrent(cell, hidden, hidden, 2, bidirectional=True, **each))
            for name, each in settings.items()
        }
        took = milliseconds(peers, batch, runs)
        for name, each in took.items():
            row(cell, f"`{name}`", f"{each:.1f}", f"{each / took['none']:.2f}")


COMMANDS = {"peephole": peephole, "lengths": lengths, "options": options}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("--runs", type=int, default=9, help="of each peer (default 9)")
    parser.add_argument("--quick", action="store_true", help="a tiny layer")
    arguments = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(1)
    COMMANDS[arguments.command](arguments.quick, arguments.runs)
