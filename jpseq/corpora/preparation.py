"""What can be chosen when a corpus is prepared."""

from typing import Annotated

import pydantic

from jpseq.configuration import Configuration
from jpseq.corpora.prepared import Kind
from jpseq.corpora.records import OnError
from jpseq.corpora.sources import Sources
from jpseq.errors import ConfigurationError
from jpseq.text.tokenizer import Tokenizer

AtLeast1 = Annotated[int, pydantic.Field(ge=1)]


class Preparation(Configuration):
    """The choices; `jpseq.corpora.prepare.prepare` says what each means."""

    kind: Kind | None
    sentences: bool
    encoding: str
    on_error: OnError
    columns: tuple[int, int] | list[str] | None
    time: str | None
    workers: AtLeast1 | None
    scheduler: str | None
    block_size: AtLeast1
    words_in_memory: AtLeast1

    def check_for(self, sources: Sources, tokenizer: Tokenizer | None) -> None:
        """Whether the choices, and the tokenizer if one was given, make sense for what there is.

        Raises:
            ConfigurationError: one is for another kind of corpus.
        """
        kind = sources.kind
        problems = []
        if self.sentences and kind != "text":
            problems.append("sentences: only text is divided into sentences.")
        if self.time is not None and kind != "table":
            problems.append("time: only a table has a time.")
        if kind == "table":
            if tokenizer is not None:
                problems.append("tokenizer (--tokenizer, --lemma): a table has no words.")
            for name in ("workers", "scheduler"):
                if getattr(self, name) is not None:
                    problems.append(f"{name}: a table is read by one process.")
        if isinstance(self.columns, tuple) and (kind != "parallel" or sources.targets):
            problems.append("columns: two numbers are for parallel text in one file.")
        elif isinstance(self.columns, tuple) and min(self.columns) < 1:
            problems.append(f"columns: they count from 1, got {self.columns}.")
        if isinstance(self.columns, list) and kind != "table":
            problems.append("columns: names are for a table.")
        if problems:
            raise ConfigurationError(f"{' '.join(problems)} This is {kind}.")
