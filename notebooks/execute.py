"""Run the notebooks from top to bottom and store what they show.

    python notebooks/execute.py             all of them
    python notebooks/execute.py NOTEBOOK    these

What is stored has no times, versions or paths in it, and small pictures.
"""

import base64
import io
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode
from PIL import Image

FOLDER = Path(__file__).parent
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def execute(path: Path) -> NotebookNode:
    """The notebook with its outputs, as it should be stored.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell has failed.
    """
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(
        notebook,
        timeout=300,
        record_timing=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(path.parent)}},
    ).execute()
    notebook.metadata = nbformat.from_dict(METADATA)
    for output in outputs(notebook):
        if "image/png" in output.get("data", {}):
            output.data["image/png"] = small(output.data["image/png"])
    return notebook


def outputs(notebook: NotebookNode) -> list[NotebookNode]:
    """Everything that its cells show."""
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


def small(picture: str) -> str:
    """A PNG, in base 64, with 256 colours: a third of the size, and nobody sees the difference."""
    image = Image.open(io.BytesIO(base64.b64decode(picture))).convert("RGB")
    content = io.BytesIO()
    image.quantize(256, dither=Image.Dither.NONE).save(content, "PNG", optimize=True)
    return base64.b64encode(content.getvalue()).decode()


if __name__ == "__main__":
    for path in [Path(name) for name in sys.argv[1:]] or NOTEBOOKS:
        nbformat.write(execute(path), path)
        print(path.name)
