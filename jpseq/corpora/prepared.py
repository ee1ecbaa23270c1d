"""A prepared corpus: a folder of ids, or of numbers, that is opened at once whatever its size.

========================= ==================================================================
values.npy                ids of all sequences, one after another; rows of numbers of a table
offsets.npy, groups.npy   where sequences begin, and where documents or dialogues (see Ragged)
vocabulary.json           every word with its exact count
corpus.json               what it was made of, how, and how much there is
tokenizer/                what the tokenizer has learnt, if it is one that learns
========================= ==================================================================

Of parallel text there are two such folders in one, source/ and target/. Nothing in any of the files
depends on the machine, the time, the names of the sources or how the work was divided.
"""

import json
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self

from jpseq import plugins
from jpseq.configuration import Configuration
from jpseq.corpora.blocks import Source
from jpseq.errors import ConfigurationError, DataError
from jpseq.sequences import Ragged
from jpseq.text.tokenizer import Tokenizer
from jpseq.vocabulary import Vocabulary

Kind = Literal["text", "dialogues", "parallel", "table"]
MARK = "corpus.json"


class Description(Configuration):
    """What corpus.json says."""

    format: Literal["jpseq corpus"] = "jpseq corpus"
    version: Literal[1] = 1
    kind: Kind
    sources: list[Source]
    """The files it was made of, in their order."""
    stages: list[dict[str, Any]]
    """What made ids of text: kind, name and params of each stage."""
    options: dict[str, Any]
    """How the files were read."""
    counts: dict[str, int]
    """How much there is, and how many lines were skipped."""

    def save(self, folder: Path) -> None:
        """Write corpus.json, the same bytes for the same content."""
        text = json.dumps(self.model_dump(), ensure_ascii=False, indent=1) + "\n"
        (folder / MARK).write_text(text, encoding="utf-8")


class Prepared:
    """A prepared corpus; `jpseq corpus prepare` and `jpseq.corpora.prepare.prepare` write one."""

    def __init__(self, folder: Path, description: Description) -> None:
        self.folder = folder
        self.description = description

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        """Open a prepared corpus; its arrays are memory-mapped.

        Raises:
            DataError: the folder is none, or is damaged.
        """
        path = Path(folder) / MARK
        try:
            description = Description.model_validate_json(path.read_bytes())
        except OSError as error:
            raise DataError(
                f"cannot be read ({error.strerror}); is {folder} a prepared corpus?"
                " `jpseq corpus prepare` writes one.",
                path,
            ) from error
        except ValueError as error:
            raise DataError(f"is not of a prepared corpus, or is damaged: {error}", path) from error
        return cls(Path(folder), description)

    @property
    def kind(self) -> Kind:
        """What it was made of."""
        return self.description.kind

    @property
    def counts(self) -> dict[str, int]:
        """How much there is: sequences, tokens, different words ..."""
        return self.description.counts

    @cached_property
    def ids(self) -> Ragged:
        """The sequences of ids: paragraphs (or sentences) in groups that are documents, or turns in
        groups that are dialogues."""
        self._check("ids", "text", "dialogues")
        return self._ragged("tokens")

    @cached_property
    def numbers(self) -> Ragged:
        """The rows of numbers of a table, a sequence for each file."""
        self._check("numbers", "table")
        return self._ragged("rows")

    @property
    def columns(self) -> list[str]:
        """The names of a table's columns."""
        self._check("columns", "table")
        columns: list[str] = self.description.options["columns"]
        return columns

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """Every word with its exact count; its ids are those of `ids`."""
        self._check("vocabulary", "text", "dialogues")
        path = self.folder / "vocabulary.json"
        vocabulary = Vocabulary.load(path)
        if len(vocabulary) != self.counts["words"]:
            raise DataError(
                f"damaged: it holds {len(vocabulary):,} words, and the corpus"
                f" {self.counts['words']:,}.",
                path,
            )
        return vocabulary

    @cached_property
    def source(self) -> "Prepared":
        """The one side of parallel text."""
        self._check("source", "parallel")
        return type(self).load(self.folder / "source")

    @cached_property
    def target(self) -> "Prepared":
        """The other side; its sequence i translates sequence i of the source."""
        self._check("target", "parallel")
        return type(self).load(self.folder / "target")

    def check_tokenizer(self, asked: Tokenizer, advice: str) -> None:
        """See that the text was analysed with a tokenizer that is asked for.

        Raises:
            ConfigurationError: it was analysed otherwise; ends with the advice.
        """
        if not asked.is_like(self.tokenizer):
            raise ConfigurationError(
                f"{self.folder}: was analysed with {self.tokenizer!r}, and {asked!r} is asked for."
                f" {advice}"
            )

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer that the text was analysed with.

        Raises:
            PluginError: its package is not installed.
        """
        if self.kind == "parallel":
            return self.source.tokenizer
        self._check("tokenizer", "text", "dialogues")
        (entry,) = self.description.stages
        try:
            stage = plugins.find("stages", entry["name"], entry["kind"])(**entry["params"])
        except (KeyError, TypeError) as error:
            raise DataError(
                f"damaged: the tokenizer cannot be built ({error}).", self.folder / MARK
            ) from error
        if (self.folder / "tokenizer").is_dir():
            stage.load_state(self.folder / "tokenizer")
        assert isinstance(stage, Tokenizer)
        return stage

    def _check(self, what: str, *kinds: Kind) -> None:
        if self.kind in kinds:
            return
        instead = {
            "parallel": "ask its sides: .source and .target.",
            "table": "it has .numbers and .columns.",
        }.get(self.kind, "it has .ids and .vocabulary.")
        raise ConfigurationError(
            f"{self.folder} is prepared {self.kind}, which has no {what}; {instead}"
        )

    def _ragged(self, steps: str) -> Ragged:
        ragged = Ragged.load(self.folder)
        if len(ragged.values) != self.counts[steps]:
            raise DataError(
                f"damaged: it holds {len(ragged.values):,} {steps}, and {MARK} says"
                f" {self.counts[steps]:,}.",
                self.folder / "values.npy",
            )
        return ragged

    def __repr__(self) -> str:
        counts = ", ".join(f"{count:,} {name}" for name, count in self.counts.items())
        return f"Prepared({str(self.folder)!r}, {self.kind}: {counts})"
