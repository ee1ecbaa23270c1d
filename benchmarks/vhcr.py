"""One training of VHCR's HRED or VHRED, in its own environment; dialogue_peer.py starts it.

    PYTHON benchmarks/vhcr.py FOLDER WINDOWS SETTINGS

FOLDER is a work tree of VHCR, of which nothing is changed: what no longer works is mended as it is
read. WINDOWS is a JSON file of {"train": windows, "dev": windows}, a window being turns of ids,
each with its end. The model, loss, optimiser, loop, batches and the measure on dev are VHCR's own.
The last line printed is JSON.
"""

import importlib
import itertools
import json
import sys
import tempfile
import time
import types
from collections.abc import Callable, Iterator
from importlib.machinery import FileFinder, ModuleSpec, SourceFileLoader
from importlib.util import module_from_spec
from pathlib import Path
from typing import Any

import torch

MENDS = (
    # Gone from torch, and not used.
    ("from torch.nn._functions.thnn.rnnFusedPointwise import LSTMFused, GRUFused", ""),
    # A keyword of Python by now.
    ("async=False", "non_blocking=False"),
    ("gpu_id, async", "gpu_id, non_blocking"),
    # In pad(): without a GPU nothing could be padded.
    (".cuda()])", "])"),
)


class Mended(SourceFileLoader):
    """Reads a module of VHCR, and never a compiled one, which might not be mended."""

    def get_code(self, fullname: str) -> types.CodeType:
        text = self.get_source(fullname) or ""
        for old, new in MENDS:
            text = text.replace(old, new)
        return compile(text, self.path, "exec")


class Silent:
    """In place of tqdm."""

    def __new__(cls, batches: Any, **_: Any) -> Any:
        return batches

    write = print


def mend(code: Path) -> None:
    """Make its modules importable; packages that this benchmark has no use for are empty ones."""

    def finder(path: str) -> FileFinder:
        if not path.startswith(str(code)):
            raise ImportError(path)
        return FileFinder(path, (Mended, [".py"]))

    sys.path_hooks.insert(0, finder)
    sys.path.insert(0, str(code / "model"))
    unused = {"FreqDist": object, "SummaryWriter": object, "tqdm": Silent}
    for name in ("nltk", "gensim", "tensorboardX", "tqdm"):
        sys.modules[name] = module_from_spec(ModuleSpec(name, None))
        vars(sys.modules[name]).update(unused)


class Limited:
    """Batches again and again, until so many steps are done or so many processor seconds used."""

    def __init__(self, batches: Any, steps: float, seconds: float) -> None:
        self.batches, self.steps, self.seconds = batches, steps, seconds
        self.marks: list[tuple[float, int]] = []
        """After each step: processor seconds, and target tokens, since the first began."""

    def __iter__(self) -> Iterator[Any]:
        begun, tokens = time.process_time(), 0
        for batch in itertools.chain.from_iterable(itertools.repeat(self.batches)):
            yield batch
            tokens += sum(length for lengths in batch[2] for length in lengths[1:])
            self.marks.append((time.process_time() - begun, tokens))
            if len(self.marks) >= self.steps or self.marks[-1][0] >= self.seconds:
                return


def loader(windows: list[list[list[int]]], given: dict[str, Any]) -> Any:
    """Its own batches. It wants each turn padded to the longest allowed one."""
    longest = given["words"]
    padded = [[turn + [0] * (longest - len(turn)) for turn in window] for window in windows]
    return importlib.import_module("data_loader").get_loader(
        sentences=padded,
        conversation_length=[len(window) for window in windows],
        sentence_length=[[len(turn) for turn in window] for window in windows],
        vocab=types.SimpleNamespace(sent2id=list),  # they are ids already
        batch_size=given["config"]["batch_size"],
        shuffle=False,
    )


def main() -> None:
    code, windows, given = Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3])
    del sys.argv[1:]  # VHCR reads it, too
    mend(code)
    parts = json.loads(windows.read_text())
    configs, solvers = (importlib.import_module(name) for name in ("configs", "solver"))
    solvers.TensorboardWriter = lambda _: None
    with tempfile.TemporaryDirectory() as folder:
        configs.save_dir = Path(folder)
        config = configs.get_config(parse=False, data="cornell", n_epoch=1, **given["config"])
        kind = solvers.Solver if config.model == "HRED" else solvers.VariationalSolver
        batches = Limited(loader(parts["train"], given), given["steps"], given["seconds"])
        torch.manual_seed(0)
        solver = kind(config, batches, loader(parts["dev"], given), vocab=None, is_train=True)
        solver.build()
        measure: Callable[[], float] = solver.evaluate
        for name in ("evaluate", "generate_sentence", "save_model", "write_summary"):
            setattr(solver, name, lambda *_: None)
        solver.train()
        with torch.no_grad():
            nll = float(measure()) if given["measured"] else None
    found = {
        "marks": batches.marks,
        "nll": nll,
        "parameters": sum(weight.numel() for weight in solver.model.parameters()),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
