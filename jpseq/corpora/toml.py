"""Settings in TOML files."""

import tomllib
from pathlib import Path
from typing import Any

from jpseq.corpora.readers import read_lines
from jpseq.errors import DataError


def read_toml(path: Path) -> dict[str, Any]:
    """The tables and values of a TOML file.

    Raises:
        DataError: the file is missing or cannot be read, or is not TOML.
    """
    try:
        return tomllib.loads("\n".join(read_lines(path)))
    except tomllib.TOMLDecodeError as error:
        raise DataError(f"not TOML ({error}). A line is `name = value`.", path) from None
