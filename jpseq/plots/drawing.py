"""What all pictures share: the Japanese font, the colours, how a picture becomes a file."""

import importlib.util
import io
import os
import tempfile
from collections.abc import Callable
from functools import cache, wraps
from pathlib import Path
from typing import ParamSpec

from cycler import cycler
from matplotlib import font_manager, style
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from jpseq.errors import ConfigurationError, DataError

P = ParamSpec("P")

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe and Ito's, which the colour-blind can tell apart."""
TRUTH = "#999999"
STYLE = {
    "axes.prop_cycle": cycler(color=COLOURS),
    "svg.fonttype": "path",  # letters become outlines, so that an SVG needs no font
    "svg.hashsalt": "jpseq",  # and its ids are the same each time
}
SUFFIXES = (".png", ".svg")


@cache
def japanese_font() -> str:
    """The name of the Japanese font, once matplotlib has been told of its file.

    The package is not imported: its import would set the font of all figures in the process.
    """
    package = importlib.util.find_spec("matplotlib_fontja")
    if package is None or not package.submodule_search_locations:
        raise ConfigurationError(
            "The Japanese font for pictures is missing: pip install matplotlib-fontja"
        )
    file = Path(package.submodule_search_locations[0]) / "fonts" / "ipaexg.ttf"
    font_manager.fontManager.addfont(file)
    return font_manager.FontProperties(fname=file).get_name()


def in_japanese(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """What a picture draws is drawn in the Japanese font, and nothing outside it is."""

    @wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> Figure:
        with style.context(["default", {"font.family": [japanese_font()], **STYLE}]):
            return draw(*args, **kwargs)

    return drawn


def save(figure: Figure, path: Path | str, dpi: int = 150) -> None:
    """Write a picture as PNG or SVG, whole or not at all; the same picture gives the same bytes.

    Args:
        path: ends in .png or .svg; missing folders are made, a former picture is replaced.
        dpi: dots per inch of a PNG.

    Raises:
        ConfigurationError: another suffix.
        DataError: the path cannot be written.
    """
    path = Path(path)
    check_suffix(path)
    suffix = path.suffix.lower()
    content = io.BytesIO()
    metadata = {"Date": None} if suffix == ".svg" else None
    with style.context(["default", STYLE]):
        figure.savefig(content, format=suffix[1:], dpi=dpi, bbox_inches="tight", metadata=metadata)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".picture-", dir=path.parent) as folder:
            new = Path(folder) / path.name
            new.write_bytes(content.getvalue())
            os.replace(new, path)
    except OSError as error:
        raise DataError(f"cannot be written ({error.strerror or error}).", path) from error


def check_suffix(path: Path) -> None:
    """Whether a picture can be saved under this name; long work asks before it begins.

    Raises:
        ConfigurationError: the name ends in another suffix.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise ConfigurationError(
            f"A picture is saved as {' or '.join(SUFFIXES)}, and {str(path)!r} ends in neither. "
            f"Write for instance {path.with_suffix('.png').name!r}."
        )


def panels_of(figure: Figure, rows: int, columns: int, sharey: bool = False) -> list[Axes]:
    """The axes of rows times columns of panels, one row after another."""
    return list(figure.subplots(rows, columns, sharey=sharey, squeeze=False).flat)


def finish(axes: Axes, title: str, x_title: str, y_title: str, log: bool) -> None:
    """Titles, scale, grid, and a legend where lines have names."""
    axes.set(title=title, xlabel=x_title, ylabel=y_title, yscale="log" if log else "linear")
    axes.grid(alpha=0.3)
    if axes.get_legend_handles_labels()[1]:
        axes.legend()
