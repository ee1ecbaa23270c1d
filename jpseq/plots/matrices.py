"""Numbers as colours: attention weights, gates."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from jpseq.errors import DataError
from jpseq.plots.drawing import in_japanese


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
