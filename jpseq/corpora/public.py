"""Public corpora by name: found or downloaded, verified, unpacked, turned into plain form.

JPSEQ_CORPORA/NAME ──▶ plain form there already
          │
          ▼                      ┌─ the cache: files as published, with checksums
files as published ──reader──▶ plain form, with source.json beside it
"""

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from jpseq.corpora.catalogue import Entry, Form, UpstreamFile, find_entry
from jpseq.corpora.download import Progress, download, git_id
from jpseq.corpora.plain import Plain
from jpseq.corpora.unpacking import is_archive, unpack
from jpseq.corpora.upstream import READERS
from jpseq.errors import DataError
from jpseq.folders import cache_folder, check_replaceable, lock, replace_folder

MARK = "source.json"
"""Says what a folder was made of."""

_SUFFIX: dict[Form, str] = {
    "text": ".txt",
    "parallel": ".tsv",
    "dialogues": ".jsonl",
    "table": ".csv",
}

_ABOUT = ("license", "licence", "readme", "changes")
"""Names of files that tell about others, and are no text to learn from."""

Note = Callable[[str], None]


def get_corpus(
    name: str,
    output: Path | str | None = None,
    *,
    note: Note | None = None,
    progress: Progress | None = None,
) -> Path:
    """The folder of a public corpus in plain form, which the readers take.

    First the folder of that name in the folder that JPSEQ_CORPORA names is looked at: plain form
    there (*.txt, *.tsv, *.jsonl, *.csv as its form is) is taken as it is; files as their makers
    publish them, packed or not, are turned into plain form. Otherwise they are downloaded to the
    cache once, and need no network afterwards. The licence is told before.

        read_pairs(get_corpus("kftt") / "train.tsv")

    Args:
        name: a name of the catalogue; `jpseq corpus list` shows them.
        output: the folder to write; None for one in the cache.
        note: called with what a person should know; None writes to standard error.
        progress: called with a file's name, bytes or records done, and of how many.

    Raises:
        ConfigurationError: there is no such corpus.
        DataError: the corpus cannot be had, is not what it should be, or cannot be written. What
            was downloaded is kept.
    """
    entry = find_entry(name)
    note = note or _tell
    kept = cache_folder() / "corpora" / name
    local = _local(name)
    if local is not None and (found := _plain_files(local, entry)):
        if output is None:
            return local
        with replace_folder(Path(output), MARK) as new:
            for file in found:
                shutil.copyfile(file, new / file.name)
            _describe(new, name, entry, [_record(file) for file in found], {})
        return Path(output)
    place = kept if output is None else Path(output)
    if _is_made(place, entry, local):
        return place
    check_replaceable(place, MARK)
    work = _Work(entry, kept.with_name(f"{name}.upstream"), note, progress or _silent)
    with work.files(local) as (roots, records):
        _make(place, name, work, roots, records)
    return place


def terms(entry: Entry) -> list[str]:
    """What whoever uses a corpus must know, a line each."""
    licence = entry.licence
    address = f" ({licence.address})" if licence.address else ""
    read = "read in" if licence.verified else "not read at its source:"
    return [
        f"Licence: {licence.name}{address}",
        f"  {read} {licence.read}",
        *(f"Terms: {term}" for term in entry.terms),
    ]


def _tell(text: str) -> None:
    print(text, file=sys.stderr)


def _silent(what: str, done: int, total: int | None) -> None:
    pass


def _local(name: str) -> Path | None:
    home = os.environ.get("JPSEQ_CORPORA")
    folder = Path(home) / name if home else None
    return folder if folder is not None and folder.is_dir() else None


def _plain_files(folder: Path, entry: Entry) -> list[Path]:
    """What a folder holds in plain form."""
    suffix = _SUFFIX.get(entry.form)
    try:
        files = sorted(file for file in folder.iterdir() if file.is_file())
    except OSError as error:
        raise DataError(f"cannot be read ({error.strerror}).", folder) from error
    return [
        file
        for file in files
        if file.name in entry.plain
        or (file.suffix == suffix and not file.stem.lower().startswith(_ABOUT))
    ]


def _is_made(folder: Path, entry: Entry, local: Path | None) -> bool:
    """Whether a folder holds the plain form already, of the files that are at hand if any are."""
    try:
        made = json.loads((folder / MARK).read_text("utf-8"))
        sizes = {file["name"]: file["bytes"] for file in made["files"]}
        recipe = made["recipe"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    own = [local / file.name for file in entry.files] if local is not None else []
    return (
        recipe == entry.recipe
        and all((folder / file).is_file() for file in entry.plain)
        and all(file.stat().st_size == sizes.get(file.name) for file in own if file.is_file())
    )


@dataclass(frozen=True)
class _Work:
    """A corpus on its way from its makers."""

    entry: Entry
    cache: Path
    """Where downloads are kept."""
    note: Note
    progress: Progress

    @contextmanager
    def files(self, local: Path | None) -> Iterator[tuple[list[Path], list[dict[str, Any]]]]:
        """Folders in which the files are, as published, and what source.json says of them."""
        with lock(self.cache / "lock", "another process is getting this corpus; wait for it."):
            self._tidy()
            if local is not None and self._complete([local]):
                there = [file for file in self.entry.files if (local / file.name).is_file()]
                yield [local], [self._compared(local, file) for file in there]
                return
            if local is not None and all((local / f.name).is_file() for f in self.entry.files):
                folder = local
            else:
                folder = self.cache
                if local is not None:
                    self.note(f"{local} holds neither plain form nor all that its makers publish.")
                self._download()
            try:
                records = [self._compared(folder, file) for file in self.entry.files]
                yield [folder, *self._unpack(folder)], records
            except OSError as error:
                where = error.filename or self.cache
                raise DataError(f"cannot be used ({error.strerror}).", where) from error
            except DataError as error:
                path = Path(error.path or "")
                if self.cache in path.parents and path.is_file():
                    self.note(f"To download it anew, remove {self.cache}")
                raise
            finally:
                self._tidy()

    def _tidy(self) -> None:
        """Remove what is unpacked, and what a process left that was killed."""
        shutil.rmtree(self.cache / "unpacked", ignore_errors=True)
        for half in self.cache.parent.glob(f".{self.cache.stem}-*"):
            shutil.rmtree(half, ignore_errors=True)

    def _complete(self, roots: list[Path]) -> bool:
        patterns = {pattern for patterns in self.entry.plain.values() for pattern in patterns}
        return all(_matching(roots, pattern) for pattern in patterns)

    def _download(self) -> None:
        missing = [file for file in self.entry.files if not (self.cache / file.name).is_file()]
        if missing:
            self.note(f"{self.entry.title}, {self.entry.size}")
            for line in terms(self.entry):
                self.note(line)
        for file in self.entry.files:
            if file in missing:
                self.note(f"from {file.address}")
                if file.unchecked:
                    self.note(f"  no checksum in the catalogue: {file.unchecked}")
            download(file, self.cache, self.progress)

    def _compared(self, folder: Path, file: UpstreamFile) -> dict[str, Any]:
        """What source.json says of a file. One's own may be another version, and is used."""
        path = folder / file.name
        record = _record(path, file)
        known = file.sha256 in (None, record["sha256"])
        if not known or (file.git is not None and file.git != git_id(path)):
            self.note(f"{path}: not the version that the catalogue knows; used all the same.")
        return record

    def _unpack(self, folder: Path) -> Iterator[Path]:
        for number, file in enumerate(self.entry.files):
            if is_archive(folder / file.name):
                unpacked = self.cache / "unpacked" / str(number)
                unpack(folder / file.name, unpacked, file.unpacked)
                yield unpacked


def _matching(roots: list[Path], pattern: str) -> list[Path]:
    """The files of a pattern, in the order of their paths; archives often have a folder around."""
    for root in roots:
        for each in (pattern, f"*/{pattern}"):
            if found := sorted(path for path in root.glob(each) if path.is_file()):
                return found
    return []


def _make(
    place: Path, name: str, work: _Work, roots: list[Path], records: list[dict[str, Any]]
) -> None:
    entry = work.entry
    counts: dict[str, dict[str, int]] = {}
    with replace_folder(place, MARK) as new:
        for output, patterns in entry.plain.items():
            files = [_matching(roots, pattern) for pattern in patterns]
            for pattern, found in zip(patterns, files, strict=True):
                if not found:
                    raise DataError(f"holds no {pattern}: the form of {name} changed.", roots[-1])
            report = partial(_report, work.progress, output)
            with Plain(new / output, report) as plain:
                READERS[entry.reader](files, plain, **entry.options)
            counts[output] = dict(plain.counts)
            if not set(plain.counts) - {"left out"}:
                raise DataError(f"gives nothing for {output}: its form changed.", files[0][0])
            work.note(
                f"{output}: " + ", ".join(f"{n:,} {what}" for what, n in plain.counts.items())
            )
        _describe(new, name, entry, records, counts)


def _report(progress: Progress, output: str, records: int) -> None:
    progress(output, records, None)


def _describe(
    folder: Path,
    name: str,
    entry: Entry,
    records: list[dict[str, Any]],
    counts: dict[str, dict[str, int]],
) -> None:
    """Write source.json: with the data goes what they are, and what is asked of their users."""
    content = {
        "format": "jpseq source",
        "name": name,
        "title": entry.title,
        "homepage": entry.homepage,
        "licence": entry.licence.model_dump(),
        "terms": entry.terms,
        "citation": entry.citation,
        "recipe": entry.recipe,
        "files": records,
        "counts": counts,
    }
    text = json.dumps(content, ensure_ascii=False, indent=1) + "\n"
    (folder / MARK).write_text(text, encoding="utf-8")


def _record(path: Path, file: UpstreamFile | None = None) -> dict[str, Any]:
    record: dict[str, Any] = {"name": path.name}
    if file is not None:
        record["address"] = file.address
    return record | {"bytes": path.stat().st_size, "sha256": _sha256(path)}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
