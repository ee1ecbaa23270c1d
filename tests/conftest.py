"""What the tests share."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

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
