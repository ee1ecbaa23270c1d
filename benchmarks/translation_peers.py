"""Translation beside JoeyNMT and OpenNMT-py: training, the way to a BLEU, and decoding; one thread.

    export JPSEQ_CORPORA=... OMP_NUM_THREADS=1
    python benchmarks/translation_peers.py training --joeynmt PYTHON --opennmt PYTHON [--rounds 3]
    python benchmarks/translation_peers.py reaching --joeynmt PYTHON --opennmt PYTHON
    python benchmarks/translation_peers.py decoding --joeynmt PYTHON --opennmt PYTHON [--rounds 3]

English to Japanese on small_parallel_enja, words as given. Each PYTHON is the interpreter of an
environment with that toolkit (JoeyNMT 2.3.0 and importlib_metadata; OpenNMT-py 3.5.1 without its
dependencies, then configargparse, ctranslate2, pyyaml, sacrebleu, rapidfuzz, six, tensorboard,
flask, waitress, pyonmttok and pyahocorasick), both with the torch that we have. What of them does
not work with that torch is mended when they are started. `training` gives all the same network:
LSTM, embedding 256, hidden 256, encoder 2 x 128, "general" attention, input feeding, dropout .3,
label smoothing .1. `reaching` gives the processor time until dev BLEU (greedy) is --bleu, theirs
with that network and ours with one of our choice; `decoding` then uses the models that it made.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from jpseq.evaluation.translation import bleu

DATA = Path(os.environ.get("JPSEQ_CORPORA", ".")) / "small_parallel_enja"
DEV = [(DATA / f"dev.{side}").read_text("utf-8").splitlines() for side in ("en", "ja")]

JOEYNMT = """
import torch
plateau = torch.optim.lr_scheduler.ReduceLROnPlateau
begin = plateau.__init__
plateau.__init__ = lambda self, *a, verbose=None, **k: begin(self, *a, **k)
from joeynmt.__main__ import main
main()
"""
OPENNMT = """
import importlib, sys, types, torch
for name in ("spacy", "fasttext"):
    sys.modules[name] = types.ModuleType(name)
load = torch.load
torch.load = lambda *a, **k: load(*a, **{"weights_only": False, **k})
importlib.import_module("onmt.bin." + sys.argv.pop(1)).main()
"""
OURS = """
import json, sys, time
from pathlib import Path
from jpseq import Translator, Whitespace
folder, output, settings = sys.argv[1:]
sides = {p: [(Path(folder) / f"{p}.{s}").read_text("utf-8").splitlines() for s in ("en", "ja")]
         for p in ("train", "dev")}
words = {"source_tokenizer": Whitespace(()), "target_tokenizer": Whitespace(())}
translator = Translator(**words, **json.loads(settings))
dev = list(zip(*sides["dev"])) if "monitor" in settings else None
translator.fit(list(zip(*sides["train"])), held_out=dev, run=Path(output) / "run")
print("processor seconds:", time.process_time())
translator.save(Path(output) / "model")
"""
WRITE = """
import sys
from pathlib import Path
from jpseq import Translator
model, source, output = sys.argv[1:]
texts = Path(source).read_text("utf-8").splitlines()
found = Translator.load(model).translations(texts, beam=5, replace_unknown=False)
Path(output).write_text("".join(" ".join(some[0].words) + "\\n" for some in found), "utf-8")
"""
SAME: dict[str, Any] = {
    "input_feeding": True,
    "dropout": 0.3,
    "label_smoothing": 0.1,
    "learning_rate": 1e-3,
    "epochs": 1,
}
CHOICE: dict[str, Any] = {
    "min_count": 2,
    "dropout": 0.1,
    "batch_tokens": 800,
    "epochs": 3,
    "training": {"cooldown": 0.6, "monitor": "bleu", "best": "highest"},
}


# Commands


def joeynmt(python: str, work: Path, *, updates: int, frequency: int) -> list[str]:
    """Train, and measure dev (or, beyond the last update, do not) every so many updates."""
    one: dict[str, Any] = {
        "rnn_type": "lstm",
        "num_layers": 1,
        "dropout": 0.3,
        "embeddings": {"embedding_dim": 256, "scale": False},
    }
    side = {"max_length": 100, "level": "word", "voc_min_freq": 1}
    config = {
        "name": "peer",
        "joeynmt_version": "2.3.0",
        "model_dir": str(work / "joeynmt"),
        "use_cuda": False,
        "fp16": False,
        "random_seed": 1,
        "data": {
            "train": str(DATA / "train"),
            "dev": str(DATA / "dev"),
            "test": str(work / "sources"),
            "dataset_type": "plain",
            "src": {"lang": "en", **side},
            "trg": {"lang": "ja", **side},
            "special_symbols": {
                "unk_token": "<unk>",
                "pad_token": "<pad>",
                "bos_token": "<s>",
                "eos_token": "</s>",
                "unk_id": 0,
                "pad_id": 1,
                "bos_id": 2,
                "eos_id": 3,
            },
        },
        "testing": {
            "n_best": 1,
            "beam_size": 5,
            "beam_alpha": 1.0,
            "batch_size": 64,
            "batch_type": "sentence",
            "eval_metrics": ["bleu"],
            "max_output_length": 60,
            "sacrebleu_cfg": {"tokenize": "none"},
        },
        "training": {
            "optimizer": "adam",
            "learning_rate": 0.001,
            "learning_rate_min": 0.0001,
            "clip_grad_norm": 5.0,
            "weight_decay": 0.0,
            "loss": "crossentropy",
            "label_smoothing": 0.1,
            "batch_size": 128,
            "batch_type": "sentence",
            "normalization": "tokens",
            "scheduling": "plateau",
            "patience": 10,
            "epochs": 100,
            "updates": updates,
            "validation_freq": frequency,
            "logging_freq": 20,
            "early_stopping_metric": "bleu",
            "overwrite": True,
            "shuffle": True,
            "print_valid_sents": [],
            "keep_best_ckpts": 1,
        },
        "model": {
            "initializer": "xavier_uniform",
            "embed_initializer": "normal",
            "embed_init_weight": 0.1,
            "bias_initializer": "zeros",
            "init_rnn_orthogonal": False,
            "lstm_forget_gate": 1.0,
            "encoder": {"type": "recurrent", **one, "hidden_size": 128, "bidirectional": True},
            "decoder": {
                "type": "recurrent",
                **one,
                "hidden_size": 256,
                "hidden_dropout": 0.3,
                "input_feeding": True,
                "init_hidden": "bridge",
                "attention": "luong",
            },
        },
    }
    write_sources(DEV[0][:1], work)
    path = work / "joeynmt.yaml"
    path.write_text(yaml.safe_dump(config))
    return [python, "-c", JOEYNMT, "train", str(path), "--skip-test"]


def opennmt(python: str, work: Path, *, updates: int, frequency: int) -> list[str]:
    config = {
        "save_data": str(work / "opennmt"),
        "src_vocab": str(work / "opennmt" / "vocab.src"),
        "tgt_vocab": str(work / "opennmt" / "vocab.tgt"),
        "overwrite": True,
        "data": {
            "corpus_1": {"path_src": str(DATA / "train.en"), "path_tgt": str(DATA / "train.ja")},
            "valid": {"path_src": str(DATA / "dev.en"), "path_tgt": str(DATA / "dev.ja")},
        },
    }
    training = {
        "save_model": str(work / "opennmt" / "model"),
        "save_checkpoint_steps": frequency,
        "keep_checkpoint": 1,
        "valid_steps": frequency,
        "valid_metrics": ["BLEU"],
        "train_steps": updates,
        "report_every": 20,
        "seed": 1,
        "src_vocab_size": 20000,
        "tgt_vocab_size": 20000,
        "encoder_type": "brnn",
        "decoder_type": "rnn",
        "rnn_type": "LSTM",
        "word_vec_size": 256,
        "enc_layers": 1,
        "dec_layers": 1,
        "enc_hid_size": 256,
        "dec_hid_size": 256,
        "hidden_size": 256,
        "global_attention": "general",
        "input_feed": 1,
        "batch_size": 1200,
        "batch_type": "tokens",
        "normalization": "tokens",
        "optim": "adam",
        "learning_rate": 0.001,
        "label_smoothing": 0.1,
        "dropout": [0.3],
        "max_grad_norm": 5,
        "num_workers": 0,
        "bucket_size": 50000,
    }
    path, words = work / "opennmt.yaml", work / "opennmt-words.yaml"
    start = [python, "-W", "ignore", "-c", OPENNMT]
    words.write_text(yaml.safe_dump(config))
    path.write_text(yaml.safe_dump(config | training))
    if not (work / "opennmt" / "vocab.src").exists():
        (work / "opennmt").mkdir(exist_ok=True)
        build = [*start, "build_vocab", "-config", str(words), "-n_sample", "-1"]
        subprocess.run(build, check=True, capture_output=True)
    return [*start, "train", "-config", str(path)]


def ours(output: Path, settings: dict[str, Any]) -> list[str]:
    return [sys.executable, "-c", OURS, str(DATA), str(output), json.dumps(settings)]


def lines(command: list[str]) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """What a command writes, as it writes it; it is stopped when nobody asks for more."""
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    )
    assert process.stdout is not None
    tail: list[str] = []
    try:
        for line in process.stdout:
            tail = [*tail[-20:], line]
            yield line, process
        if process.wait():
            raise SystemExit("".join(tail))
    finally:
        process.kill()
        process.wait()


# How fast each learns


def training(given: argparse.Namespace) -> None:
    """Target tokens a second, without the first 20 updates of a peer; ours of a whole epoch."""

    def peer(command: list[str], pattern: str) -> float:
        found = [re.search(pattern, line) for line, _ in lines(command)]
        return statistics.mean([float(match[1]) for match in found if match][1:])

    def own(**settings: Any) -> float:
        with tempfile.TemporaryDirectory() as folder:
            list(lines(ours(Path(folder), SAME | settings)))
            log = next(Path(folder).glob("run/log/*/metrics.csv")).read_text().splitlines()
            return float(log[1].split(",")[log[0].split(",").index("tokens_per_second")])

    fp32 = {"training": {"precision": "fp32"}}
    run = {"updates": 100, "frequency": 100_000}
    contestants: dict[str, Callable[[], float]] = {
        "JoeyNMT": lambda: peer(
            joeynmt(given.joeynmt, given.work, **run), r"Tokens per Sec: +(\d+)"
        ),
        "OpenNMT-py": lambda: peer(opennmt(given.opennmt, given.work, **run), r"/(\d+) tok/s"),
        "jpseq, fp32": lambda: own(**fp32),
        "jpseq": own,
        "jpseq, without input feeding": lambda: own(input_feeding=False),
    }
    table(contestants, given.rounds, "target tokens/s")


def table(contestants: dict[str, Callable[[], float]], rounds: int, unit: str) -> None:
    """Rounds in which each runs once; medians, and how often as fast we are as each peer."""
    speeds: dict[str, list[float]] = {name: [] for name in contestants}
    for number in range(rounds):
        for name, run in contestants.items():
            speeds[name].append(run())
            print(f"round {number + 1}: {name} {speeds[name][-1]:,.0f}", flush=True)
    medians = {name: statistics.median(of) for name, of in speeds.items()}
    print(f"| | {unit} | lowest - highest | / JoeyNMT | / OpenNMT-py |\n|---|---|---|---|---|")
    for name, of in speeds.items():
        ratios = [f"{medians[name] / medians[peer]:.2f}" for peer in ("JoeyNMT", "OpenNMT-py")]
        print(
            f"| {name} | {medians[name]:,.0f} | {min(of):,.0f} - {max(of):,.0f} |"
            f" {' | '.join(ratios)} |"
        )


# How long it takes to a BLEU


def reaching(given: argparse.Namespace) -> None:
    """Processor time, start and all measures on dev included."""
    # About once an epoch. JoeyNMT wants a multiple of the updates between two lines of its log.
    contestants = {
        "JoeyNMT": (
            joeynmt(given.joeynmt, given.work, updates=100_000, frequency=400),
            r"Evaluation result.*bleu: +([\d.]+)",
        ),
        "OpenNMT-py": (
            opennmt(given.opennmt, given.work, updates=100_000, frequency=530),
            r"validation BLEU: ([\d.]+)",
        ),
    }
    print("| | processor minutes | dev BLEU, greedy |\n|---|---|---|", flush=True)
    for name, (command, pattern) in contestants.items():
        if given.only and name not in given.only:
            continue
        used, reached = 0.0, 0.0
        for line, process in lines(command):
            if match := re.search(pattern, line):
                used, reached = processor_seconds(process.pid), float(match[1])
                print(f"{name}: {reached:.1f} after {used / 60:.1f} minutes", flush=True)
            if reached >= given.bleu and "heckpoint" in line:  # and the model is kept
                break
        print(f"| {name} | {used / 60:.1f} | {reached:.1f} |", flush=True)
    if not given.only or "jpseq" in given.only:
        said = "".join(line for line, _ in lines(ours(given.work / "jpseq", CHOICE)))
        used = float(said.split("processor seconds:")[1].split()[0])
        log = next((given.work / "jpseq").glob("run/log/*/metrics.csv")).read_text()
        rows = [row.split(",") for row in log.splitlines()]
        reached = max(float(row[rows[0].index("bleu")]) for row in rows[1:])
        print(f"| jpseq | {used / 60:.1f} | {reached:.1f} |", flush=True)


def processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# How fast each writes


def decoding(given: argparse.Namespace) -> None:
    """Sentences a second with a beam of 5: of dev, beyond what starting and one sentence take."""
    model = max((given.work / "opennmt").glob("model_step_*.pt"), key=os.path.getmtime)
    joey = ["-c", JOEYNMT, "test", str(given.work / "joeynmt.yaml"), "-o"]
    contestants = {
        "JoeyNMT": lambda source, output: [given.joeynmt, *joey, str(output)],
        "OpenNMT-py": lambda source, output: [
            *(given.opennmt, "-W", "ignore", "-c", OPENNMT, "translate", "-model", str(model)),
            *("-src", str(source), "-output", str(output), "-beam_size", "5"),
            *("-batch_size", "64", "-max_length", "60"),
        ],
        "jpseq": lambda source, output: [
            *(sys.executable, "-c", WRITE, str(given.work / "jpseq/model")),
            *(str(source), str(output)),
        ],
    }

    def run(name: str) -> float:
        seconds = [took(contestants[name], texts, given.work)[0] for texts in (DEV[0][:1], DEV[0])]
        return (len(DEV[0]) - 1) / (seconds[1] - seconds[0])

    table({name: partial(run, name) for name in contestants}, given.rounds, "sentences/s")
    for name, command in contestants.items():
        written = took(command, DEV[0], given.work)[1]
        print(f"{name}: BLEU {bleu([t.split() for t in written], [t.split() for t in DEV[1]]):.1f}")


def took(
    command: Callable[[Path, Path], list[str]], texts: list[str], work: Path
) -> tuple[float, list[str]]:
    """Seconds that translating the texts takes, and what was written."""
    source, output = write_sources(texts, work), work / "written"
    begun = time.perf_counter()
    subprocess.run(command(source, output), check=True, capture_output=True)
    seconds = time.perf_counter() - begun
    # JoeyNMT adds the name of the part.
    found = output if output.exists() else work / "written.test"
    lines = found.read_text("utf-8").splitlines()
    found.unlink()
    return seconds, lines


def write_sources(texts: list[str], work: Path) -> Path:
    """The texts as a file; JoeyNMT wants references beside it."""
    for side, some in (("en", texts), ("ja", DEV[1][: len(texts)])):
        (work / f"sources.{side}").write_text("".join(text + "\n" for text in some), "utf-8")
    return work / "sources.en"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["training", "reaching", "decoding"])
    parser.add_argument("--joeynmt", metavar="PYTHON", required=True)
    parser.add_argument("--opennmt", metavar="PYTHON", required=True)
    parser.add_argument("--only", action="append", help="of reaching: JoeyNMT, OpenNMT-py, jpseq")
    parser.add_argument("--bleu", type=float, default=30.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--work", type=Path, default=Path(tempfile.gettempdir()) / "jpseq-translation-peers"
    )
    given = parser.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    {"training": training, "reaching": reaching, "decoding": decoding}[given.what](given)


if __name__ == "__main__":
    main()
