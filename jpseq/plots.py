"""Every picture of jpseq, readable in Japanese on any machine.

    figure = plots.heatmap(weights, rows=["the", "cat"], columns=["猫", "が"])
    plots.save(figure, "attention.png")

Each function takes plain arrays and returns a matplotlib Figure, to be saved or, in a notebook
after `%matplotlib inline`, to be shown. pyplot is not used, and the user's rcParams are neither
read nor changed: the Japanese font (IPAex Gothic, from the package matplotlib-fontja) and all else
are set in each picture by itself.
"""

import importlib.util
import io
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import cache, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec

import numpy as np
import numpy.typing as npt
from cycler import cycler
from matplotlib import font_manager, style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from jpseq.errors import ConfigurationError, DataError

if TYPE_CHECKING:
    from jpseq.scratch.clipping import Descent
    from jpseq.scratch.weight_conflict import Pull

Numbers = npt.NDArray[Any]
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
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise ConfigurationError(
            f"A picture is saved as {' or '.join(SUFFIXES)}, and {str(path)!r} ends in neither. "
            f"Write for instance {path.with_suffix('.png').name!r}."
        )
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


@in_japanese
def heatmap(
    matrix: npt.ArrayLike,
    rows: Sequence[str],
    columns: Sequence[str],
    title: str = "",
    row_title: str = "",
    column_title: str = "",
    numbers: str = "",
    lowest: float | None = None,
    highest: float | None = None,
) -> Figure:
    """A matrix in colours: attention weights (注意の重み), or how results depend on two choices.

    Args:
        matrix: (R, C).
        rows, columns: R and C names, in any language; one may come twice.
        numbers: how to write each number into its field, for instance ".2f"; "" for not at all.
        lowest, highest: what the first and the last colour stand for; if left out, the least and
            the greatest number.

    Raises:
        DataError: the matrix has another shape.
    """
    values = np.asarray(matrix, dtype=float)
    if values.shape != (len(rows), len(columns)) or not values.size:
        raise DataError(
            f"The matrix has the shape {values.shape}, but there are {len(rows)} names of rows and "
            f"{len(columns)} of columns; there must be one of each at least."
        )
    # In inches: a Japanese letter is 0.14 wide. Where that is too much, names stand upright.
    longest = max(map(len, columns))
    upright = 0.15 * longest * len(columns) > 8
    cell = 0.42 if upright else max(0.42, 0.15 * longest + 0.1)
    width, height = cell * len(columns) + 2.5, 0.36 * len(rows) + 1.4
    figure = Figure(figsize=(max(width, 4), max(height, 2)), layout="constrained")
    axes = figure.add_subplot()
    image = axes.imshow(values, aspect="auto", interpolation="nearest", vmin=lowest, vmax=highest)
    # A word may have dollar signs in it, which matplotlib would take for a formula.
    axes.set_xticks(range(len(columns)), columns, parse_math=False)
    axes.set_yticks(range(len(rows)), rows, parse_math=False)
    if upright:
        axes.tick_params(axis="x", rotation=90)
    axes.set(title=title, xlabel=column_title, ylabel=row_title)
    if numbers:
        begin, end = image.get_clim()
        for (row, column), value in np.ndenumerate(values):
            colour = "white" if value < begin + 0.6 * (end - begin) else "black"
            axes.text(column, row, format(value, numbers), ha="center", va="center", color=colour)
    else:
        figure.colorbar(image)
    return figure


@in_japanese
def gates(
    values: Mapping[str, npt.ArrayLike], steps: Sequence[str] | None = None, title: str = ""
) -> Figure:
    """Gates over time (ゲートの値): a heat map for each gate, all with colours from 0 to 1.

    Args:
        values: name of the gate -> (T, H), all of one shape.
        steps: T names for the steps, for instance what is read there; their numbers if left out.
    """
    figure = Figure(figsize=(9, 0.8 + 1.1 * len(values)), layout="constrained")
    panels = figure.subplots(len(values), sharex=True, squeeze=False)[:, 0]
    for axes, (name, gate) in zip(panels, values.items(), strict=True):
        units = np.asarray(gate).T
        image = axes.imshow(
            units,
            vmin=0,
            vmax=1,
            aspect="auto",
            interpolation="nearest",
            extent=(0.5, units.shape[1] + 0.5, units.shape[0] + 0.5, 0.5),  # both count from 1
        )
        axes.set(title=name, ylabel="ユニット")
        axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    panels[-1].set_xlabel("時刻 t")
    if steps is not None:
        panels[-1].set_xticks(range(1, len(steps) + 1), steps, parse_math=False)
    figure.colorbar(image, ax=list(panels))
    figure.suptitle(title)
    return figure


@in_japanese
def curves(
    lines: Mapping[str, npt.ArrayLike],
    title: str = "学習曲線",
    x_title: str = "学習回数",
    y_title: str = "損失",
    log: bool = True,
) -> Figure:
    """Lines, one each; by the titles left as they are, how networks learn (学習曲線).

    Args:
        lines: name -> (N,), one number a step from 1, or (N, 2), the step and the number.
        log: whether the axis of the numbers is logarithmic, as losses need it.
    """
    figure = Figure(figsize=(7, 3.6), layout="constrained")
    axes = figure.add_subplot()
    for name, line in lines.items():
        points = np.asarray(line, dtype=float)
        if points.ndim == 1:
            points = np.stack([np.arange(1, len(points) + 1), points], axis=1)
        axes.plot(points[:, 0], points[:, 1], label=name)
    _finish(axes, title, x_title, y_title, log)
    return figure


@in_japanese
def gradient_flow(
    norms: Mapping[str, Numbers],
    gains: Sequence[float],
    title: str = "勾配はどこまで届くか",
    lowest: float = 1e-16,
) -> Figure:
    """The norm of dL/dh_{T-k} for each k (勾配消失と勾配爆発), a panel a gain and a line a cell.

    Args:
        norms: name of the cell -> (gains, T), as `gradient_flow.norms_by_gain` of jpseq.scratch.
        gains: of the recurrent weights, one for each panel.
        lowest: where the axis ends; gradients below it are lost in rounding anyhow.
    """
    figure = Figure(figsize=(3.2 * len(gains) + 0.6, 3.6), layout="constrained")
    panels = _panels(figure, 1, len(gains), sharey=True)
    for place, (axes, gain) in enumerate(zip(panels, gains, strict=True)):
        for name, rows in norms.items():
            axes.plot(rows[place], label=name if place == 0 else "")
        _finish(axes, f"再帰の重み {gain:g} 倍", "さかのぼる時間 k", "", log=True)
    panels[0].set_ylabel("勾配のノルム")
    panels[0].set_ylim(bottom=lowest)
    figure.suptitle(title)
    return figure


@in_japanese
def carousel(errors: Mapping[str, npt.ArrayLike], lowest: float = 1e-16) -> Figure:
    """The error in the memory cell, k steps back (定誤差カルーセル).

    Args:
        errors: what the forget gate is set to -> (T,), as `carousel.memory_error` gives them.
        lowest: where the axis ends.
    """
    figure = Figure(figsize=(7, 3.6), layout="constrained")
    axes = figure.add_subplot()
    for name, error in errors.items():
        axes.plot(np.asarray(error), label=name)
    _finish(axes, "記憶セルを通る誤差", "さかのぼる時間 k", "誤差のノルム", log=True)
    axes.set_ylim(bottom=lowest)
    return figure


@in_japanese
def clipping(clipped: "Descent", free: "Descent") -> Figure:
    """Gradient descent at a cliff, with clipping (勾配クリッピング) and without it.

    Args:
        clipped, free: what `clipping.descend_the_cliff` of jpseq.scratch gives.
    """
    figure = Figure(figsize=(9, 3.8), layout="constrained")
    way, loss = _panels(figure, 1, 2)
    for name, descent in (("クリッピングあり", clipped), ("クリッピングなし", free)):
        (line,) = way.plot(descent.w, descent.b, marker=".", markersize=3, linewidth=0.7)
        way.plot(descent.w[-1], descent.b[-1], marker="o", color=line.get_color())
        loss.plot(descent.loss, label=name)
    way.plot(clipped.w[0], clipped.b[0], marker="*", color="black", markersize=10)
    way.annotate("出発点", (clipped.w[0], clipped.b[0]), (6, 6), textcoords="offset points")
    _finish(way, "重みのたどる道（● は終点）", "w", "b", log=False)
    _finish(loss, "損失", "学習回数", "損失", log=True)
    return figure


@in_japanese
def weight_conflict(pulls: Mapping[str, Sequence["Pull"]]) -> Figure:
    """What pulls at the input weight while a unit learns (重み衝突), and what becomes of the loss.

    Args:
        pulls: name of the unit -> one pull a step, as `weight_conflict.tug_of_war` gives them.
    """
    figure = Figure(figsize=(3.2 * (len(pulls) + 1) + 0.6, 3.6), layout="constrained")
    *units, losses = _panels(figure, 1, len(pulls) + 1)
    for axes, (name, record) in zip(units, pulls.items(), strict=True):
        axes.plot([pull.store for pull in record], label="覚える時刻から")
        axes.plot([pull.ignore for pull in record], label="無視する時刻から")
        _finish(axes, name, "学習回数", "重みの勾配", log=False)
        axes.sharey(units[0])
        losses.plot([pull.loss for pull in record], label=name)
    _finish(losses, "損失", "学習回数", "損失", log=True)
    return figure


@in_japanese
def closed_loop(
    x: Numbers,
    y: Numbers,
    truth: Numbers,
    late: Numbers,
    period: float,
    tolerance: float = 0.1,
    title: str = "閉ループ予測",
) -> Figure:
    """A forecast that reads its own output: its beginning, where its phase is lost, and how.

    Args:
        x: (T,), what was read before.
        y: (N,), the forecast, and truth (N,), what it should have been.
        late: (P,), by how much of a period it is late, period by period, as `sine.phase_error`.
        tolerance: of that; the second panel shows where it is first passed, where the wave ends,
            or the end of the forecast.
    """
    figure = Figure(figsize=(9, 5), layout="constrained")
    grid = figure.add_gridspec(2, 2)
    begin, lost = figure.add_subplot(grid[0, 0]), figure.add_subplot(grid[0, 1])
    phase = figure.add_subplot(grid[1, :])

    wrong = np.flatnonzero(np.abs(late) > tolerance)
    if len(wrong):
        right, where = wrong[0], f"位相が {tolerance:.0%} ずれるところ"
    elif len(late) < len(y) / period - 2:  # in the first and the last period it may not go up
        right, where = len(late), "波が消えるところ"
    else:
        right, where = len(y), f"終わり（位相のずれは {tolerance:.0%} 以内）"
    few = round(3 * period)
    last = min(round((right + 1.5) * period), len(y))

    begin.plot(np.arange(-len(x), 0), x, color="black", label="入力")
    for axes, steps in ((begin, slice(0, few)), (lost, slice(max(last - few, 0), last))):
        t = np.arange(len(y))[steps]
        axes.plot(t, truth[steps], color=TRUTH, linewidth=3, label="正解" if axes is begin else "")
        axes.plot(t, y[steps], color=COLOURS[0], label="予測" if axes is begin else "")
    begin.axvline(0, color="black", linewidth=0.8, linestyle=":")
    _finish(begin, title, "時刻 t", "", log=False)
    _finish(lost, where, "時刻 t", "", log=False)

    phase.plot(np.arange(len(late)), 100 * late, marker=".", color=COLOURS[0])
    for edge in (-tolerance, tolerance):
        phase.axhline(100 * edge, color=COLOURS[1], linestyle="--", linewidth=0.8)
    _finish(phase, "位相の遅れ（負は進み）", "周期", "一周期に対する %", log=False)
    return figure


@in_japanese
def word_map(words: Sequence[str], coordinates: npt.ArrayLike, title: str = "") -> Figure:
    """Words in the plane (単語の地図), each at its point, as jpseq.projection places them.

    Args:
        words: N words.
        coordinates: (N, 2), in any unit: only what lies near what is of interest.

    Raises:
        DataError: the two do not fit together, or there is no word.
    """
    places = np.asarray(coordinates, dtype=float)
    if places.shape != (len(words), 2) or not len(words):
        raise DataError(
            f"A map needs a word at least, and (N, 2) coordinates of N words; got {len(words)} "
            f"words and an array {places.shape}."
        )
    side = min(3 + 0.4 * len(words) ** 0.5, 20)  # inches; more words need more room
    figure = Figure(figsize=(1.3 * side, side), layout="constrained")
    axes = figure.add_subplot()
    axes.scatter(places[:, 0], places[:, 1], s=6)
    for word, place in zip(words, places, strict=True):
        # A word with dollar signs is a word, no formula.
        axes.annotate(word, place, (3, 1), textcoords="offset points", fontsize=9, parse_math=False)
    axes.margins(0.08)
    axes.set(title=title, xticks=[], yticks=[])
    return figure


def _panels(figure: Figure, rows: int, columns: int, sharey: bool = False) -> list[Axes]:
    return list(figure.subplots(rows, columns, sharey=sharey, squeeze=False).flat)


def _finish(axes: Axes, title: str, x_title: str, y_title: str, log: bool) -> None:
    """Titles, scale, grid, and a legend where lines have names."""
    axes.set(title=title, xlabel=x_title, ylabel=y_title, yscale="log" if log else "linear")
    axes.grid(alpha=0.3)
    if axes.get_legend_handles_labels()[1]:
        axes.legend()
