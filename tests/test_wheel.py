"""The wheel: what is in it, installed in another place."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def run(*arguments: object, **options: object) -> str:
    done = subprocess.run(
        [sys.executable, *map(str, arguments)], capture_output=True, text=True, **options
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run("-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT)
    (built,) = folder.glob("*.whl")
    return built


def test_jpseq_is_the_only_package_in_it(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"jpseq"}
    assert "jpseq/bundled/dialogues/README.md" in names
    assert "jpseq/corpora/catalogue.toml" in names
    assert not [name for name in names if "__pycache__" in name or name.startswith("jpseq/tests")]


def test_installed_elsewhere_the_corpora_are_found(wheel: Path, tmp_path: Path) -> None:
    place = tmp_path / "packages"
    run("-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", place, wheel)
    code = (
        "import jpseq\n"
        "folder = jpseq.bundled('dialogues')\n"
        "print(jpseq.__file__, folder, len(list(jpseq.read_dialogues(folder))), sep='\\n')"
    )
    shown = run(
        "-P", "-c", code, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(place)}
    ).splitlines()
    assert Path(shown[0]) == place / "jpseq" / "__init__.py"
    assert Path(shown[1]) == place / "jpseq" / "bundled" / "dialogues"
    assert int(shown[2]) >= 300
