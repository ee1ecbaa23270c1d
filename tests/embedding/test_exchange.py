"""Several processes that learn the same vectors."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from jpseq.embedding.exchange import MEETINGS, PIECES, _mean_change, rounds
from jpseq.embedding.hogwild import Matrix
from jpseq.embedding.word2vec import Word2Vec

SEASONS = "春に桜が咲く\n春に梅が咲く\n秋に月が出る\n秋に星が出る\n" * 100


def of_process(number: int, processes: int, pieces: int, patch: pytest.MonkeyPatch) -> list[range]:
    patch.setenv("RANK", str(number))
    patch.setenv("WORLD_SIZE", str(processes))
    return list(rounds(pieces))


@pytest.mark.parametrize("pieces", [0, 1, 5, 3 * PIECES, 3 * PIECES + 1, 200, 5000])
@pytest.mark.parametrize("processes", [1, 2, 3, 8])
def test_each_piece_is_learnt_once_and_all_meet_as_often(
    pieces: int, processes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [of_process(i, processes, pieces, monkeypatch) for i in range(processes)]
    assert sorted(n for some in found for one in some for n in one) == list(range(pieces))
    assert len({len(some) for some in found}) == 1
    if processes > 1:
        assert len(found[0]) >= min(MEETINGS, -(-pieces // processes))
        assert max((len(one) for some in found for one in some), default=0) <= PIECES


def test_a_row_moves_by_the_mean_over_processes_in_which_it_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here: Matrix = np.array([[1, 2], [4, 0], [0, 0], [0, 0]], np.float32)
    there = np.array([[3, 2], [0, 0], [0, 6], [0, 0]], np.float32)

    def add_the_other(tensor: torch.Tensor) -> None:
        other = there if tensor.ndim == 2 else (there != 0).any(1)
        tensor += torch.from_numpy(other.astype(np.float32))

    monkeypatch.setattr(torch.distributed, "all_reduce", add_the_other)
    assert _mean_change(here).tolist() == [[2, 2], [4, 0], [0, 6], [0, 0]]


SCRIPT = """
import sys, numpy as np
from jpseq.embedding.word2vec import Word2Vec
from jpseq.training.processes import rank
sentences = [list(line) for line in open(sys.argv[1], encoding="utf-8").read().splitlines()] * 40
model = Word2Vec(12, sample=0, epochs=4, learning_rate=0.1, ngrams=(1, 2), buckets=50)
model.fit(sentences, held_out=0.01)
layers = [layer.ravel() for layer in model.weights.all]
np.save(f"{sys.argv[2]}/{rank()}.npy", np.concatenate(layers))
with open(f"{sys.argv[2]}/{rank()}.txt", "w", encoding="utf-8") as file:
    print(model.similar("桜", 1)[0][0], model.loss(sentences[:400]), file=file)
"""


def started(*arguments: object) -> "subprocess.CompletedProcess[str]":
    """Python in two processes."""
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONUTF8": "1"}
    done = subprocess.run(
        [sys.executable, *torchrun, *map(str, arguments)],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done


def test_two_processes_end_with_the_same_vectors(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT, "utf-8")
    (tmp_path / "text").write_text(SEASONS, "utf-8")
    started(tmp_path / "script.py", tmp_path / "text", tmp_path)
    one, other = (np.load(tmp_path / f"{rank}.npy") for rank in (0, 1))
    np.testing.assert_array_equal(one, other)
    first, second = ((tmp_path / f"{rank}.txt").read_text("utf-8") for rank in (0, 1))
    assert first == second
    assert first.startswith("梅 ")


def test_the_command_under_torchrun_writes_one_model(tmp_path: Path) -> None:
    (tmp_path / "seasons.txt").write_text(SEASONS, "utf-8")
    output = tmp_path / "vectors"
    options = ["--dim", 8, "--epochs", 2, "--sample", 0]
    done = started(
        "-m", "jpseq", "embed", "train", tmp_path / "seasons.txt", "-o", output, *options
    )
    assert done.stdout == f"{output}: 10 words, 8 dimensions\n"
    assert len(Word2Vec.load(output).vocabulary) == 10
