"""The catalogue of public corpora: what there is, where, under which licence, in which form.

The entries are data, in catalogue.toml. The project ships none of the corpora; `get_corpus` in
`jpseq.corpora.public` gets them.
"""

import hashlib
import json
import tomllib
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

import pydantic

from jpseq.configuration import Configuration
from jpseq.errors import ConfigurationError, did_you_mean

Form = Literal["text", "parallel", "dialogues", "table", "evaluation"]
Hexadecimal = Annotated[str, pydantic.Field(pattern=r"^[0-9a-f]+$")]
Written = Annotated[str, pydantic.Field(min_length=1)]

_READING = 1
"""Counted up when a reader gives something else, so that what is kept is made again."""


class UpstreamFile(Configuration):
    """A file as its makers publish it."""

    address: Annotated[str, pydantic.Field(pattern=r"^https?://[^\s]+$")]
    name: Annotated[str, pydantic.Field(pattern=r"^[\w][\w.-]*$")]
    """Its name on this machine."""
    sha256: Annotated[Hexadecimal, pydantic.Field(min_length=64, max_length=64)] | None = None
    git: Annotated[Hexadecimal, pydantic.Field(min_length=40, max_length=40)] | None = None
    """The id by which git knows its content: SHA-1 of "blob", its size and itself."""
    unchecked: Written | None = None
    """Why there is no checksum."""
    unpacked: int | None = None
    """Bytes that an archive holds, about."""

    @pydantic.model_validator(mode="after")
    def _checksum_or_reason(self) -> "UpstreamFile":
        if (self.sha256 is None and self.git is None) == (self.unchecked is None):
            raise ValueError(f"{self.name} needs either a checksum or a reason for having none")
        return self


class Licence(Configuration):
    """Under what a corpus may be used."""

    name: Written
    address: str | None = None
    read: Written
    """Where it was read."""
    verified: bool
    """Whether that was its makers' own statement."""


class Entry(Configuration):
    """A public corpus."""

    title: Written
    languages: list[str]
    form: Form
    """Of its plain form. "evaluation": to measure with; a file as it is published."""
    size: Written
    homepage: Written
    licence: Licence
    terms: list[str] = pydantic.Field(default_factory=list)
    """What its makers ask of whoever uses it, beside the licence."""
    citation: Written
    notes: list[str] = pydantic.Field(default_factory=list)
    files: list[UpstreamFile]
    reader: Literal[
        "aligned",
        "aozora",
        "as published",
        "columns",
        "contexts",
        "conversations",
        "dialogues",
        "jmultiwoz",
        "livedoor",
        "tatoeba",
        "wikipedia",
    ]
    """What turns the files into the plain form; see `jpseq.corpora.upstream`."""
    options: dict[str, Any] = pydantic.Field(default_factory=dict)
    """Its parameters."""
    plain: dict[str, list[str]]
    """Each file of the plain form, and the upstream files (patterns) that it is made of."""

    @property
    def recipe(self) -> str:
        """A name for all that decides what the plain form holds."""
        made_of = [self.files, self.reader, self.options, self.plain]
        dumped = [_READING, *json.loads(pydantic.TypeAdapter(list[Any]).dump_json(made_of))]
        return hashlib.sha256(json.dumps(dumped, sort_keys=True).encode()).hexdigest()[:16]


@cache
def catalogue() -> dict[str, Entry]:
    """All entries by name, in the order of their names.

    >>> catalogue()["kftt"].form
    'parallel'
    """
    written = tomllib.loads(Path(__file__).with_name("catalogue.toml").read_text("utf-8"))
    return {name: Entry.check(written[name]) for name in sorted(written)}


def find_entry(name: str) -> Entry:
    """The entry of a corpus.

    Raises:
        ConfigurationError: there is none of that name.
    """
    entries = catalogue()
    if name not in entries:
        raise ConfigurationError(
            f"There is no corpus {name!r} in the catalogue.{did_you_mean(name, entries)}"
            f" It has: {', '.join(entries)}."
        )
    return entries[name]
