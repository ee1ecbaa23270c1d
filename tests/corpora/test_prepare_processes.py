"""Preparing in many processes that are killed, interrupted, started from odd places."""

import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from jpseq import Characters
from jpseq.corpora import workers as workers_module
from jpseq.corpora.prepare import prepare
from jpseq.corpora.workers import workers
from jpseq.errors import JpseqError

# A tokenizer that takes its time, so that there is something to interrupt. A user's script: it has
# no `if __name__ == "__main__"`, and its class is nowhere but in it.
SCRIPT = """
import sys, time
from jpseq import Characters
from jpseq.corpora.prepare import prepare

class Slow(Characters):
    name = "slow"

    def words(self, text):
        time.sleep(0.002)
        return super().words(text)

source, output, workers, scheduler = sys.argv[1:]
print("begun", flush=True)
prepare(source, output, tokenizer=Slow(), workers=int(workers), scheduler=scheduler or None,
        block_size=300, progress=lambda p: print(p.done, flush=True))
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    (tmp_path / "script.py").write_text(SCRIPT)
    chance = random.Random(5)
    lines = ("".join(chance.choices("海空山川の。", k=chance.randrange(12))) for _ in range(600))
    (tmp_path / "a.txt").write_text("\n".join(lines) + "\n", "utf-8")
    return tmp_path / "script.py"


def start(script: Path, workers: int = 2, scheduler: str = "") -> "subprocess.Popen[str]":
    folder = script.parent
    arguments = [script, folder / "a.txt", folder / "out", workers, scheduler]
    return subprocess.Popen(
        [sys.executable, "-W", "error", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def check_result(folder: Path) -> None:
    """It is what one process makes of the text, and nothing else is left."""
    wanted = prepare(folder / "a.txt", folder / "wanted", tokenizer=Characters(), workers=1)
    for path in wanted.folder.iterdir():
        if path.name != "corpus.json":  # which names the tokenizer
            assert path.read_bytes() == (folder / "out" / path.name).read_bytes()
    assert sorted(path.name for path in folder.iterdir()) == [
        *("a.txt", "out", "script.py", "wanted")
    ]


def children(process: "subprocess.Popen[str]") -> list[int]:
    """The processes that a process has started, and that run."""
    path = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    return [int(child) for child in path.read_text().split()]


def is_running(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rsplit(") ", 1)[1]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state[0] != "Z"


def wait_for(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_script_needs_no_guard_and_its_tokenizer_is_known(script: Path) -> None:
    done = start(script)
    output, errors = done.communicate(timeout=100)
    assert (done.returncode, errors) == (0, "")
    assert output.startswith("begun\n")
    assert output.count("begun") == 1
    check_result(script.parent)


def test_killed_at_any_moment_it_goes_on_and_leaves_no_process_behind(script: Path) -> None:
    chance = random.Random(7)
    killed = 0
    while True:
        process = start(script)
        assert process.stdout is not None
        for _ in range(chance.randrange(1, 12)):  # killed after so many lines of output
            process.stdout.readline()
        if process.poll() is not None:
            break
        started = children(process)
        process.kill()
        process.communicate()
        killed += 1
        wait_for(lambda: not any(map(is_running, started)))  # noqa: B023
    _, errors = process.communicate()
    assert (process.returncode, errors) == (0, "")
    assert killed > 2
    check_result(script.parent)


def test_if_a_worker_is_killed_it_is_said_and_what_is_finished_is_kept(script: Path) -> None:
    process = start(script)
    assert process.stdout is not None
    for _ in range(5):
        process.stdout.readline()
    os.kill(children(process)[-1], signal.SIGKILL)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "JpseqError: A worker process was killed, perhaps because the memory" in errors
    assert len(list((script.parent / "out.partial").glob("*.npz"))) > 2
    again = start(script)
    output, _ = again.communicate(timeout=60)
    assert int(output.split()[1]) > 900  # of the first block that is finished now
    check_result(script.parent)


def test_an_interrupt_lets_the_blocks_under_way_finish(script: Path) -> None:
    folder = script.parent
    (folder / "a.txt").write_text((folder / "a.txt").read_text("utf-8") * 500, "utf-8")
    options = ["--output", folder / "out", "--tokenizer", "characters", "--workers", "2"]
    process = subprocess.Popen(
        [sys.executable, "-m", "jpseq.cli.app", "corpus", "prepare", folder / "a.txt", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    wait_for(lambda: len(children(process)) > 1)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all of its processes
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, output) == (130, "")
    assert errors == "Interrupted. What is finished is kept: the same command goes on from there.\n"
    assert not (folder / "out").exists()
    assert len(list((folder / "out.partial").glob("*.npz"))) >= 2


def test_the_errors_of_another_process_are_its_own() -> None:
    with pytest.raises(JpseqError) as caught, workers(fail, b"x", 2) as run:
        run([1], print)
    assert str(caught.value) == "x1"
    assert type(caught.value) is JpseqError


def fail(shared: bytes, item: int) -> None:
    raise JpseqError(f"{shared.decode()}{item}")


@pytest.mark.parametrize("count", [1, 3])
def test_each_item_is_done_once_in_runs_as_long_as_wanted(count: int) -> None:
    found: list[int] = []
    with workers(double, b"ab", count) as run:
        run(range(5), found.append)
        assert sorted(found) == [0, 4, 8, 12, 16]
        run([100], found.append)
        run([], found.append)
    assert found[5:] == [400]


def test_one_process_does_them_in_order() -> None:
    found: list[int] = []
    with workers(double, b"a", 1) as run:
        run(range(30), found.append)
    assert found == [*range(0, 60, 2)]


def double(shared: bytes, item: int) -> int:
    return 2 * item * len(shared)


# A cluster


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def dask(folder: Path, *arguments: object) -> "Iterator[subprocess.Popen[bytes]]":
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", *map(str, arguments), "--no-dashboard"],
            stdout=log,
            stderr=log,
            cwd=folder,
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def test_a_cluster_gives_the_same_though_a_worker_is_killed(
    script: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("cluster")
    port = free_port()
    address = f"tcp://127.0.0.1:{port}"
    worker = ("distributed.cli.dask_worker", address, "--nthreads", 1, "--no-nanny")
    with (
        dask(folder, "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", port),
        dask(folder, *worker) as first,
        dask(folder, *worker),
    ):
        process = start(script, scheduler=address)
        partial = script.parent / "out.partial"
        wait_for(lambda: len(list(partial.glob("*.npz"))) > 2)
        first.kill()
        _, errors = process.communicate(timeout=100)
        assert process.returncode == 0, errors
    check_result(script.parent)


def test_a_cluster_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    address = f"tcp://127.0.0.1:{free_port()}"
    monkeypatch.setattr(workers_module, "PATIENCE", 0.2)
    with (
        pytest.raises(JpseqError, match=f"There is no dask scheduler at {address}"),
        workers(double, b"", 1, address),
    ):
        pass


def test_without_the_extra_its_name_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with (
        pytest.raises(JpseqError, match=r'Type: pip install "jpseq\[cluster\]"'),
        workers(double, b"", 1, "tcp://127.0.0.1:1"),
    ):
        pass
