"""Preparing a corpus: how fast, in how much memory, and whether it survives.

    JPSEQ_CORPORA=... python benchmarks/prepare.py speed [--rounds 3] [--spacy PYTHON]
    JPSEQ_CORPORA=... python benchmarks/prepare.py memory
    JPSEQ_CORPORA=... python benchmarks/prepare.py kills
    JPSEQ_CORPORA=... python benchmarks/prepare.py cluster

On the Aozora Bunko texts, cut by MeCab with unidic-lite. spaCy stands beside us in an environment
of its own: PYTHON is an interpreter with spacy, sudachipy and sudachidict-core.
"""

import argparse
import hashlib
import os
import random
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from jpseq.corpora.prepare import prepare
from jpseq.corpora.prepared import Prepared

TEXT = Path(os.environ.get("JPSEQ_CORPORA", ".")) / "aozora" / "aozora.txt"

ANALYSER = """
import sys, fugashi
parse = fugashi.Tagger("-Owakati").parse
tokens = 0
with open(sys.argv[1], encoding="utf-8") as lines:
    for line in lines:
        tokens += len(parse(line).split())
"""
PLAIN = """
import sys, fugashi, numpy as np
from gensim.corpora import Dictionary
from gensim.models.word2vec import LineSentence
text, output = sys.argv[1:]
parse = fugashi.Tagger("-Owakati").parse
with open(text, encoding="utf-8") as lines, open(output + ".txt", "w", encoding="utf-8") as file:
    for line in lines:
        if line.strip():
            file.write(parse(line.strip()) + "\\n")
dictionary = Dictionary(LineSentence(output + ".txt"))
numbers = dictionary.token2id
ids = [np.array([numbers[word] for word in words], np.int32)
       for words in LineSentence(output + ".txt")]
np.save(output + ".values.npy", np.concatenate(ids))
np.save(output + ".offsets.npy", np.cumsum([0, *map(len, ids)]))
dictionary.save_as_text(output + ".words")
"""
SPACY = """
import sys, time, numpy as np, spacy
from spacy.attrs import ORTH
nlp = spacy.blank("ja")
count = int(sys.argv[2])
with open(sys.argv[1], encoding="utf-8") as lines:
    kept = [line.strip() for line, _ in zip(lines, range(count)) if line.strip()]
begun = time.perf_counter()
arrays = [doc.to_array([ORTH]) for doc in nlp.pipe(kept)]
took = time.perf_counter() - begun
size = sum(len(line.encode()) + 1 for line in kept)
print(size / took / 1e6, sum(map(len, arrays)) / took)
"""
OURS = """
import sys
from jpseq.corpora.prepare import prepare
source, output, workers, scheduler = sys.argv[1:5]
prepare(source, output, workers=int(workers), scheduler=scheduler or None,
        progress=lambda p: print(p.done, flush=True) if len(sys.argv) > 5 else None)
"""


def timed(*command: object) -> float:
    """Seconds of a whole process."""
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", *map(str, command)], check=True)
    return time.perf_counter() - begun


def speed(rounds: int, spacy: str | None) -> None:
    """Whole processes, from the file to ids and counts on disk, in turn; medians of rounds."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)

        def ours(workers: int) -> float:
            shutil.rmtree(place / "ours", ignore_errors=True)
            return timed(OURS, TEXT, place / "ours", workers, "")

        contestants: dict[str, Callable[[], float]] = {
            "the analyser alone (fugashi parse and split)": lambda: timed(ANALYSER, TEXT),
            "plain script: fugashi, LineSentence, Dictionary": lambda: timed(
                PLAIN, TEXT, place / "plain"
            ),
            "jpseq, 1 worker": lambda: ours(1),
            "jpseq, 2 workers": lambda: ours(2),
        }
        took: dict[str, list[float]] = {name: [] for name in contestants}
        for _ in range(rounds):
            for name, contestant in contestants.items():
                took[name].append(contestant())
        tokens = Prepared.load(place / "ours").counts["tokens"]
    size = TEXT.stat().st_size / 1e6
    print(f"{size:.1f} MB, {tokens:,} tokens, {rounds} rounds\n")
    print("| | seconds | lowest - highest | MB/s | thousand tokens/s |\n|---|---|---|---|---|")
    medians = {}
    for name, values in took.items():
        seconds = medians[name] = statistics.median(values)
        shown = f"{min(values):.1f} - {max(values):.1f}"
        print(
            f"| {name} | {seconds:.1f} | {shown} | {size / seconds:.2f}"
            f" | {tokens / seconds / 1e3:,.0f} |"
        )
    alone, plain, one, two = medians.values()
    print(f"\none worker / analyser {one / alone:.2f}; plain / two workers {plain / two:.2f};")
    print(f"one worker / two {one / two:.2f}; plain / one worker {plain / one:.2f}")
    if spacy is not None:
        lines = "10000"
        command = [spacy, "-c", SPACY, str(TEXT), lines]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        megabytes, speed = map(float, done.stdout.split())
        print(
            f"spaCy's blank ja pipeline, its first {lines} lines, loading not counted:"
            f" {megabytes:.2f} MB/s, {speed / 1e3:,.0f} thousand tokens/s"
        )


def memory(megabytes: tuple[int, ...] = (10, 50, 500)) -> None:
    """Peak resident memory of the process, one worker, and what the table of words takes of it."""
    print("| MB of text | different words | peak MB |\n|---|---|---|")
    for size in megabytes:
        with tempfile.TemporaryDirectory() as folder:
            text = Path(folder) / "long.txt"
            repeat(text, size * 1_000_000)
            script = OURS + (
                "import resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
            )
            output = Path(folder) / "out"
            command = [sys.executable, "-c", script, str(text), str(output), "1", ""]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            words = Prepared.load(output).counts["words"]
        print(f"| {size} | {words:,} | {int(done.stdout) / 1000:,.0f} |", flush=True)


def repeat(path: Path, size: int) -> None:
    """The lines of the texts in any order, again and again, until there is so much.

    Never in their own order: neighbours share their words, and blocks of them need less memory.
    """
    lines = TEXT.read_bytes().splitlines(keepends=True)
    draw = random.Random(0)
    written = 0
    with path.open("wb") as file:
        while written < size:
            draw.shuffle(lines)
            for line in lines:
                written += file.write(line)
                if written >= size:
                    break


def digest(folder: Path) -> str:
    """Of all files of a prepared corpus."""
    content = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        content.update(path.name.encode() + path.read_bytes())
    return content.hexdigest()


def start(output: Path, workers: int, scheduler: str = "") -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-c", OURS, str(TEXT), str(output), str(workers), scheduler, "tell"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)


def kills(count: int, seed: int) -> None:
    """kill -9 at random moments, with two workers; then the same bytes as without."""
    draw = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        begun = time.monotonic()
        prepare(TEXT, Path(folder) / "straight", workers=2)
        whole = time.monotonic() - begun
        output = Path(folder) / "killed"
        done = 0
        while done < count:
            process = start(output, workers=2)
            time.sleep(draw.uniform(0, 2 + 1.5 * whole / count))
            if process.poll() is not None:  # it was finished: once more from the beginning
                shutil.rmtree(output)
                continue
            process.kill()
            process.wait()
            done += 1
            print(f"killed {done}", flush=True)
        start(output, workers=2).wait()
        same = digest(output) == digest(Path(folder) / "straight")
    print(f"{count} kills: the files are {'the same, byte for byte' if same else 'DIFFERENT'}")
    sys.exit(not same)


def cluster() -> None:
    """A scheduler and two workers on the loopback, one of them killed in the middle."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    port = address.rsplit(":", 1)[1]
    with tempfile.TemporaryDirectory() as folder:
        prepare(TEXT, Path(folder) / "straight", workers=2)
        dask = [sys.executable, "-m", "distributed.cli.dask_scheduler"]
        options = ["--host", "127.0.0.1", "--port", port, "--no-dashboard"]
        processes = [subprocess.Popen([*dask, *options], stderr=subprocess.DEVNULL)]
        dask = [sys.executable, "-m", "distributed.cli.dask_worker", address]
        options = ["--nthreads", "1", "--no-dashboard", "--host", "127.0.0.1", "--no-nanny"]
        for number in range(2):
            local = ["--local-directory", str(Path(folder) / f"worker-{number}")]
            processes.append(subprocess.Popen([*dask, *options, *local], stderr=subprocess.DEVNULL))
        output = Path(folder) / "clustered"
        try:
            begun = time.monotonic()
            command = [sys.executable, "-c", OURS, str(TEXT), str(output), "1", address, "tell"]
            process = subprocess.Popen(command, stdout=subprocess.PIPE)
            assert process.stdout is not None
            half = TEXT.stat().st_size / 2
            for line in process.stdout:
                if int(line) > half and len(processes) == 3:
                    processes.pop().send_signal(signal.SIGKILL)
                    print(f"one worker killed after {time.monotonic() - begun:.0f} s", flush=True)
            code = process.wait()
        finally:
            for process in processes:
                process.kill()
        same = code == 0 and digest(output) == digest(Path(folder) / "straight")
    print(f"the files are {'the same, byte for byte' if same else 'DIFFERENT'}")
    sys.exit(not same)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["speed", "memory", "kills", "cluster"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--spacy", metavar="PYTHON")
    parser.add_argument("--count", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    actions: dict[str, Callable[[], None]] = {
        "speed": lambda: speed(given.rounds, given.spacy),
        "memory": memory,
        "kills": lambda: kills(given.count, given.seed),
        "cluster": cluster,
    }
    actions[given.what]()


if __name__ == "__main__":
    main()
