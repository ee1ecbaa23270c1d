"""The notebooks run, and what is stored in them is what they show.

Their claims are assertions in their cells, so that a text that is not true fails here.
"""

from pathlib import Path

import nbformat
import pytest
from nbclient.exceptions import CellExecutionError

from notebooks.execute import METADATA, NOTEBOOKS, execute, outputs

NAMES = [
    "3_1_simple_RNN",
    "3_3_predict_sin",
    "attention_picture",
    "bidirectional_rnn",
    "dialogue",
    "forecasting",
    "lstm_gru_gates",
    "masked_lm",
    "translation",
    "word2vec",
]


@pytest.fixture(autouse=True)
def _no_personal_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))


def on_stderr(notebook: nbformat.NotebookNode) -> str:
    """What a reader would see in red, a missing letter's warning for instance."""
    return "".join(o.text for o in outputs(notebook) if o.get("name") == "stderr")


def test_they_are_all_there() -> None:
    assert [path.stem for path in NOTEBOOKS] == NAMES


@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_it_runs_without_errors_or_warnings(path: Path) -> None:
    executed, stored = execute(path), nbformat.read(path, as_version=4)
    assert on_stderr(executed) == ""
    # Figures may differ between machines in their last digits, but not in what there is to see.
    kinds = [[set(o.get("data", [])) for o in outputs(notebook)] for notebook in (executed, stored)]
    assert kinds[0] == kinds[1], "stored outputs are old: run notebooks/execute.py"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_what_is_stored_is_whole_small_and_of_no_machine(path: Path) -> None:
    content, notebook = path.read_text(encoding="utf-8"), nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert len(content.encode()) < 400_000
    assert notebook.metadata == METADATA
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert all(not cell.metadata for cell in notebook.cells)
    assert on_stderr(notebook) == ""
    assert not [word for word in ("/home/", "/tmp/", "/Users/", "ipykernel") if word in content]


@pytest.mark.parametrize("source", ["assert 1 + 1 == 3", "raise ValueError('no')", "undefined"])
def test_a_cell_that_fails_fails_here(tmp_path: Path, source: str) -> None:
    path = tmp_path / "failing.ipynb"
    cells = [nbformat.v4.new_code_cell(text) for text in ("x = 1", source, "x = 2")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=METADATA), path)
    with pytest.raises(CellExecutionError, match=r"AssertionError|ValueError|NameError"):
        execute(path)


def test_a_letter_that_no_font_has_is_seen_here(tmp_path: Path) -> None:
    path = tmp_path / "letters.ipynb"
    source = (
        "%matplotlib inline\n"
        "from jpseq import plots\n"
        "plots.heatmap([[0.0]], ['忘却 \\U0001f600'], ['a'])"
    )
    cells = [nbformat.v4.new_code_cell(source)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=METADATA), path)
    assert "missing from font" in on_stderr(execute(path))
