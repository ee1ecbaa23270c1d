"""What the READMEs print is what runs."""

import contextlib
import io
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
READMES = [ROOT / "README.md", ROOT / "README.ja.md"]


@pytest.mark.parametrize("readme", READMES, ids=lambda path: path.name)
def test_python_in_the_readme_prints_what_stands_below_it(readme):
    text = readme.read_text(encoding="utf-8")
    examples = re.findall(r"```python\n(.*?)```\n\n```\n(.*?)```", text, re.DOTALL)
    assert len(examples) == 2
    for code, printed in examples:
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            exec(compile(code, readme.name, "exec"), {})
        assert output.getvalue() == printed


@pytest.mark.parametrize("readme", READMES, ids=lambda path: path.name)
def test_both_commands_are_one_line_each_and_the_same_in_both_languages(readme):
    lines = readme.read_text(encoding="utf-8").splitlines()
    commands = [line for line in lines if line.startswith("python3 -m venv")]
    assert commands == [
        "python3 -m venv .venv && .venv/bin/pip install . && .venv/bin/jpseq chat",
        'python3 -m venv .venv && .venv/bin/pip install ".[dev]"'
        " && .venv/bin/pytest -n 2 --dist loadfile",
    ]


def test_every_room_of_the_house_exists():
    for readme in READMES:
        for name in re.findall(r"\| `(jpseq/[^`]+)`", readme.read_text(encoding="utf-8")):
            assert (ROOT / name).exists(), name
