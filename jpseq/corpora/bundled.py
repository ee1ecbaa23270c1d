"""The corpora that come with jpseq, written by the project itself."""

from pathlib import Path

from jpseq.errors import DataError, did_you_mean

_PACKAGE = Path(__file__).parent.parent


def _home() -> Path:
    """jpseq/bundled in an installed package, corpora/ beside it in the source tree."""
    installed = _PACKAGE / "bundled"
    return installed if installed.is_dir() else _PACKAGE.parent / "corpora"


def bundled(name: str) -> Path:
    """The folder of a bundled corpus, which holds its data and a README.

    >>> bundled("dialogues").name
    'dialogues'

    Raises:
        DataError: there is no bundled corpus of that name.
    """
    home = _home()
    folder = home / name
    if not name.isidentifier() or not folder.is_dir():
        names = sorted(f.name for f in home.iterdir() if f.is_dir()) if home.is_dir() else []
        raise DataError(
            f"there is no bundled corpus {name!r}.{did_you_mean(name, names)}"
            f" Bundled are: {', '.join(names) or 'none'}."
        )
    return folder
