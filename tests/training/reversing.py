"""The toy that the tests train on: a sequence in, the same backwards out."""

import sys
from pathlib import Path

import numpy as np
import torch

from jpseq.network.seq2seq import Pair, Seq2Seq
from jpseq.sequences import Ragged
from jpseq.training.fit import evaluate, fit
from jpseq.training.stream import Stream, pairs

START, END = 1, 2


def task(count: int = 60, longest: int = 6, seed: int = 0) -> tuple[Ragged, Ragged]:
    """Sources of ids from 3 to 12, and their targets."""
    draw = np.random.default_rng(seed)
    sources = [draw.integers(3, 13, draw.integers(1, longest + 1)) for _ in range(count)]
    targets = [[START, *source[::-1], END] for source in sources]
    return Ragged.from_sequences(sources), Ragged.from_sequences(targets)


def stream(batch_tokens: int = 40, count: int = 60) -> Stream[Pair]:
    return pairs(*task(count), batch_tokens)


def network(dropout: float = 0.3) -> Seq2Seq:
    torch.manual_seed(0)
    return Seq2Seq(13, 8, 16, dropout=dropout, word_drop=0.1 if dropout else 0.0)


def main(run: str, epochs: str) -> None:
    """Train in the folder `run`, or go on in it, and write the weights there when all is done."""
    learner = network()
    held_out = pairs(*task(12, seed=1), 40, shuffle=False)

    def measure() -> dict[str, float]:
        return {"nll": evaluate(learner, held_out)[0]}

    settings = {"epochs": int(epochs), "save_every": 3, "keep": 2, "average": True}
    fit(learner, stream(), measure=measure, run=run, resume=True, **settings)
    torch.save(learner.state_dict(), Path(run) / "weights.pt")


if __name__ == "__main__":
    main(*sys.argv[1:])
