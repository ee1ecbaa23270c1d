"""What the tests share."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

from jpseq.cli.app import main

# Two processes test side by side: threads of torch would wait for one another on two cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# No deadline: how long an example takes depends on the machine. The same examples every time: what
# a run says depends on the code alone.
settings.register_profile("jpseq", deadline=None, derandomize=True)
settings.load_profile("jpseq")


@pytest.fixture(scope="session")
def corpora() -> Path:
    """The folder of real corpora, which no clone holds."""
    folder = os.environ.get("JPSEQ_CORPORA")
    if not folder:
        pytest.skip("JPSEQ_CORPORA is not set: it names the folder of the real corpora")
    return Path(folder)


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Exit code, standard output and standard error of `jpseq ...`, in this process."""

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["jpseq", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        code = end.value.code
        assert code is None or isinstance(code, int)
        return (code or 0, *capsys.readouterr())

    return run
