"""Tokenizers as they are named on the command line."""

import re
import tomllib
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from jpseq.text.tokenizer import Tokenizer

TokenizerName = Annotated[
    str,
    typer.Option(
        "--tokenizer",
        help="mecab, characters, whitespace, sudachi ... or with parameters: sudachi:mode=C.",
    ),
]


def tokenizer_of(text: str) -> "Tokenizer":
    """The tokenizer of a name, with parameters where some are given.

    >>> tokenizer_of("mecab:lemma=true").words("食べた")
    ['食べる', 'た']

    Args:
        text: NAME, or NAME:PARAMETER=VALUE,PARAMETER=VALUE; a value as in TOML, or plain text.

    Raises:
        PluginError: there is no such tokenizer, or what it needs is not installed.
        ConfigurationError: a parameter has no value, or the tokenizer has no such parameter.
    """
    from jpseq.errors import ConfigurationError
    from jpseq.plugins import find

    name, _, rest = text.partition(":")
    tokenizer: Tokenizer = find("stages", name, "tokenizer")()
    for setting in re.split(r",(?=\w+=)", rest) if rest else ():
        key, separator, value = setting.partition("=")
        if not separator:
            raise ConfigurationError(
                f"--tokenizer {text}: after the colon stand parameters, as in"
                f" {name}:rules=[]; got {setting!r}."
            )
        try:
            tokenizer.set_params(**{key: tomllib.loads(f"value = {value}")["value"]})
        except tomllib.TOMLDecodeError:
            tokenizer.set_params(**{key: value})
    return tokenizer
