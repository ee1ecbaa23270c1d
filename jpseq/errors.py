"""Errors that say what was wrong, where, what is allowed and what to do next.

Every error a user can cause is a JpseqError; the command line prints its text as one paragraph and
exits with its `exit_code` instead of a traceback.
"""

import difflib
from collections.abc import Iterable
from pathlib import Path


class JpseqError(Exception):
    """Base of all errors that jpseq raises on purpose."""

    exit_code = 1


class ConfigurationError(JpseqError, ValueError):
    """A parameter has a value that is not allowed, or does not exist."""

    exit_code = 2


class DataError(JpseqError, ValueError):
    """A file or a row of data is not what it should be; names file and line where there are any."""

    def __init__(self, problem: str, path: Path | str | None = None, line: int | None = None):
        where = "" if path is None else f"{path}" if line is None else f"{path}, line {line}"
        super().__init__(f"{where}: {problem}" if where else problem)
        self.problem = problem
        self.path = path
        self.line = line


class ModelError(JpseqError):
    """A model folder cannot be read or written."""


class TrainingError(JpseqError):
    """A training cannot go on."""


class NotFittedError(JpseqError, AttributeError):
    """A stage or model is used before it has learnt anything."""


class PluginError(JpseqError, LookupError):
    """No stage, responder or model of that name, or one whose extra is not installed."""

    exit_code = 2


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """' Did you mean ...?' for the choice nearest to a misspelt word; '' where none is near.

    >>> did_you_mean("mecap", ["mecab", "characters"])
    " Did you mean 'mecab'?"
    """
    near = difflib.get_close_matches(word, list(choices), n=1)
    return f" Did you mean {near[0]!r}?" if near else ""
