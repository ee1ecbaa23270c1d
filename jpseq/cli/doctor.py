"""jpseq doctor: is everything there, and what to do where it is not."""

import json
import platform
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated

import typer

CORE = ("numpy", "torch", "lightning", "fugashi", "unidic-lite", "safetensors", "prompt_toolkit")
Check = tuple[str, bool, str]
"""What, whether it is well, and the finding (with the remedy where it is not)."""


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of lines to read.")] = False,
) -> None:
    """Check the installation: versions, dictionary, device, cache, plug-ins."""
    checks = [_python(), *(_package(name) for name in CORE)]
    checks += [_safely(*each) for each in _PARTS]
    if as_json:
        content = [{"check": name, "ok": ok, "finding": found} for name, ok, found in checks]
        print(json.dumps(content, ensure_ascii=False))
    else:
        for name, ok, found in checks:
            print(f"{'ok     ' if ok else 'PROBLEM'}  {name:<16} {found}")
    if not all(ok for _, ok, _ in checks):
        raise typer.Exit(1)


def _python() -> Check:
    return "python", sys.version_info >= (3, 11), f"{platform.python_version()} (3.11 or later)"


def _package(name: str) -> Check:
    try:
        return name, True, version(name)
    except PackageNotFoundError:
        return name, False, f"not installed. Type: pip install {name}"


def _safely(name: str, part: Callable[[], str], remedy: str) -> Check:
    try:
        return name, True, part()
    except Exception as error:  # whatever is broken, the doctor reports it and goes on
        return name, False, f"{type(error).__name__}: {error} {remedy}"


def _dictionary() -> str:
    from jpseq.text.mecab import MeCab

    tokens = MeCab().tokenize("形態素解析")
    return f"unidic-lite reads 形態素解析 as {' '.join(tokens.reading)}"


def _device() -> str:
    import torch

    if torch.cuda.is_available():
        return f"GPU: {torch.cuda.get_device_name()}"
    if torch.backends.mps.is_available():
        return "GPU: Apple (mps)"
    return f"CPU, {torch.get_num_threads()} threads"


def _cache() -> str:
    import tempfile

    from jpseq.folders import cache_folder

    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder):
        return f"{folder} can be written"


def _plugins() -> str:
    from jpseq.errors import PluginError
    from jpseq.plugins import extra_of, find, names

    found, wanted = [], []
    for full_name in names("stages"):
        kind, _, name = full_name.partition(".")
        try:
            find("stages", name, kind)
            found.append(full_name)
        except PluginError:
            extra = extra_of("stages", full_name)
            if not extra:
                raise
            wanted.append(extra)
    more = f"; more with {', '.join(wanted)}" if wanted else ""
    return ", ".join(found) + more


def _bundled() -> str:
    from jpseq.corpora.bundled import bundled
    from jpseq.corpora.readers import read_dialogues

    return f"{sum(1 for _ in read_dialogues(bundled('dialogues'))):,} bundled dialogues"


_PARTS = (
    ("dictionary", _dictionary, "Type: pip install --force-reinstall fugashi unidic-lite"),
    ("device", _device, "Type: pip install --force-reinstall torch"),
    ("cache", _cache, "Set JPSEQ_CACHE to a folder that can be written."),
    ("stages", _plugins, ""),
    ("corpora", _bundled, "Type: pip install --force-reinstall jpseq"),
)
