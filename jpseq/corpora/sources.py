"""Which files a corpus is made of, and what form they have."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jpseq.corpora import dialogues, parallel, table, texts
from jpseq.corpora.files import find_files, is_compressed
from jpseq.corpora.prepared import Kind
from jpseq.errors import ConfigurationError, DataError

Where = Path | str | Sequence[Path | str]

SUFFIXES: dict[Kind, tuple[str, ...]] = {
    "text": texts.SUFFIXES,
    "dialogues": dialogues.SUFFIXES,
    "parallel": parallel.SUFFIXES,
    "table": table.SUFFIXES,
}


@dataclass(frozen=True)
class Sources:
    """The files of one corpus, by absolute names; `targets` are aligned with `files`."""

    kind: Kind
    files: list[Path]
    targets: list[Path]


def find_sources(source: Where, target: Where | None = None, kind: Kind | None = None) -> Sources:
    """The files, and their kind by the ends of their names unless it is given.

    Raises:
        DataError: there is no such file; the kind cannot be told.
        ConfigurationError: a target for what is not parallel text.
    """
    if target is not None:
        if kind not in (None, "parallel"):
            raise ConfigurationError(f"target: only parallel text has one, and kind is {kind!r}.")
        files, targets = (find_files(side, texts.SUFFIXES) for side in (source, target))
        return Sources("parallel", _absolute(files), _absolute(targets))
    if kind is not None:
        return Sources(kind, _absolute(find_files(source, SUFFIXES[kind])), [])
    files = find_files(source, [suffix for suffixes in SUFFIXES.values() for suffix in suffixes])
    return Sources(_kind(files), _absolute(files), [])


def _kind(files: Sequence[Path]) -> Kind:
    found: dict[Kind, Path] = {}
    for file in files:
        suffix = Path(file.stem if is_compressed(file) else file.name).suffix.lower()
        kinds = [kind for kind, suffixes in SUFFIXES.items() if suffix in suffixes]
        if not kinds:
            raise DataError(
                f"its kind cannot be told from its name; give it: kind (--kind) is one of"
                f" {', '.join(SUFFIXES)}.",
                file,
            )
        found.setdefault(kinds[0], file)
    if len(found) > 1:
        both = " and ".join(f"{kind} ({file.name})" for kind, file in found.items())
        raise DataError(f"there is {both}, and a corpus is of one kind; give it: kind (--kind).")
    return next(iter(found))


def _absolute(files: Sequence[Path]) -> list[Path]:
    return [file.absolute() for file in files]  # workers elsewhere stand in other folders
