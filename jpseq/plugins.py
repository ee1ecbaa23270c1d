"""Stages, models and responders by name, found through entry points.

A package offers its own by a few lines in its pyproject.toml; jpseq registers its own in the same
way, so that none has a privilege:

    [project.entry-points."jpseq.stages"]
    "tokenizer.mecab" = "jpseq.text.mecab:MeCab"
"""

from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from jpseq.errors import PluginError, did_you_mean


@cache
def _registered(group: str) -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=f"jpseq.{group}")}


def names(group: str, kind: str = "") -> list[str]:
    """What is registered in a group ("stages", "models", "responders"), of one kind if given.

    >>> names("stages", "vocabulary")
    ['words']
    """
    prefix = f"{kind}." if kind else ""
    return sorted(n.removeprefix(prefix) for n in _registered(group) if n.startswith(prefix))


def extra_of(group: str, full_name: str) -> str:
    """The extra of a package that one needs; "" where it needs none.

    >>> extra_of("stages", "tokenizer.sudachi")
    'jpseq[sudachi]'
    """
    point = _registered(group)[full_name]
    package = point.dist.name if point.dist else "jpseq"
    return f"{package}[{','.join(point.extras)}]" if point.extras else ""


def find(group: str, name: str, kind: str = "") -> Any:
    """The class registered under a name.

    Raises:
        PluginError: there is none of that name, or what it needs is not installed.
    """
    full = f"{kind}.{name}" if kind else name
    point = _registered(group).get(full)
    what = kind or group.removesuffix("s")
    if point is None:
        choices = names(group, kind)
        raise PluginError(
            f"There is no {what} {name!r}.{did_you_mean(name, choices)}"
            f" Known: {', '.join(choices) or 'none'}."
        )
    try:
        return point.load()
    except ImportError as error:
        package = extra_of(group, full) or (point.dist.name if point.dist else "jpseq")
        raise PluginError(
            f"The {what} {name!r} needs a package that is not installed ({error})."
            f' Type: pip install "{package}"'
        ) from error
