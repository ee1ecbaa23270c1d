"""Every example of the guide runs, and prints what stands below it.

```python is run in one namespace a page and compared with the ```text that follows; ```console is
given to a shell, each command after "$ ", and compared with what stands below it. All blocks of a
page share an empty folder. In what is shown, `...` stands for anything, for instance a figure that
differs between machines. Blocks in other languages (toml, json, bash) are not run.
"""

import contextlib
import doctest
import io
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

GUIDE = Path(__file__).parent.parent / "docs"
PAGES = sorted(page.name for page in (GUIDE / "en").glob("*.md"))
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


class Example(NamedTuple):
    """A block that is run, and what is shown of its output: None where nothing is."""

    language: str
    content: str
    shown: str | None


def examples(page: Path) -> list[Example]:
    text = page.read_text(encoding="utf-8")
    blocks = list(FENCED.finditer(text))
    assert text.count("```") == 2 * len(blocks), f"{page}: a block is not closed, or is indented"
    found = []
    for block, following in zip(blocks, [*blocks[1:], None], strict=True):
        shown = None
        if following is not None and following[1] == "text":
            assert block[1] == "python", f"{page}: output without its example"
            assert not text[block.end() : following.start()].strip(), f"{page}: text between"
            shown = following[2]
        if block[1] in ("python", "console"):
            found.append(Example(block[1], block[2], shown))
    return found


def check(shown: str, printed: str) -> None:
    if not doctest.OutputChecker().check_output(shown, printed, doctest.ELLIPSIS):
        assert printed == shown


def run_console(content: str) -> None:
    folder = str(Path(sys.executable).parent)
    environment = os.environ | {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}
    for part in re.split(r"^\$ ", content, flags=re.MULTILINE)[1:]:
        command, _, shown = part.partition("\n")
        done = subprocess.run(
            ["bash", "-c", command],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
        )
        check(shown, done.stdout)


@pytest.mark.parametrize("page", PAGES)
def test_examples_print_what_stands_below_them(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("JPSEQ_CACHE", str(tmp_path / "cache"))
    namespace = {"__name__": "guide"}
    for place, (language, content, shown) in enumerate(examples(GUIDE / "en" / page), 1):
        if language == "console":
            run_console(content)
            continue
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(content, f"{page}, example {place}", "exec"), namespace)
        check(shown or "", printed.getvalue())


@pytest.mark.parametrize("page", PAGES)
def test_both_languages_have_the_same_examples(page):
    # So the Japanese page's examples are run above, too.
    assert examples(GUIDE / "ja" / page) == examples(GUIDE / "en" / page)
    assert examples(GUIDE / "en" / page)


def test_both_languages_have_the_same_pages_and_all_are_in_the_navigation():
    assert sorted(page.name for page in (GUIDE / "ja").glob("*.md")) == PAGES
    navigation = (GUIDE.parent / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:")[2]
    for page in GUIDE.rglob("*.md"):
        assert f" {page.relative_to(GUIDE).as_posix()}\n" in navigation, page
