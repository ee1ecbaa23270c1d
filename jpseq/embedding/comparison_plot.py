"""The picture of a comparison: a bar for each side."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from jpseq.embedding.comparison import Comparison
from jpseq.plots.drawing import COLOURS, in_japanese


@in_japanese
def picture(found: Comparison) -> Figure:
    """Speed, seconds, memory, held-out loss and similarities with their intervals, side by side."""
    sides = (found.ours, found.theirs)
    names = [side.name for side in sides]
    figure = Figure(figsize=(12, 3.4), layout="constrained")
    speed, time, memory, loss, similarity = figure.subplots(1, 5, width_ratios=(1, 1.2, 1, 1, 1.6))
    colours = COLOURS[:2]
    speed.bar(names, [side.words_per_second / 1e6 for side in sides], color=colours)
    speed.set_title("million words/s")
    _stack(time, found)
    memory.bar(names, [side.memory for side in sides], color=colours)
    memory.set_title("peak memory, MB")
    losses = [side.held_out for side in sides]
    loss.scatter(names, losses, color=colours)  # no bars: they would have to begin at 0
    loss.margins(x=0.6, y=0.6)
    loss.set_title("held-out loss")
    similarity.axhline(0, color="#999999", linewidth=0.8)
    for number, (side, colour) in enumerate(zip(sides, colours, strict=True)):
        points = [judged.spearman for judged in side.similarities.values()]
        middle = np.array([point.value for point in points])
        ends = [[point.low for point in points], [point.high for point in points]]
        spread = np.abs(np.array(ends).reshape(2, -1) - middle)
        places = np.arange(len(points)) + 0.15 * (2 * number - 1)
        similarity.errorbar(places, middle, spread, fmt="o", color=colour, label=side.name)
    similarity.set_xticks(range(len(found.ours.similarities)), list(found.ours.similarities))
    similarity.set_title("Spearman, 95 %")
    similarity.margins(x=0.4)
    if found.ours.similarities:
        similarity.legend(frameon=False)
    figure.suptitle(found.signature, fontsize=7)
    return figure


def _stack(axes: Axes, found: Comparison) -> None:
    """Seconds of each step upon one another."""
    bottom = np.zeros(2)
    for step, colour in zip(found.ours.seconds, COLOURS[2:], strict=False):
        heights = np.array([side.seconds[step] for side in (found.ours, found.theirs)])
        axes.bar([found.ours.name, found.theirs.name], heights, bottom=bottom, color=colour)
        bottom += heights
        axes.plot([], [], "s", color=colour, label=step)
    axes.legend(frameon=False, fontsize=8)
    axes.set_title("seconds from text to vectors")
