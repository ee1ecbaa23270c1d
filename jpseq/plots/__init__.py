"""Every picture of jpseq, readable in Japanese on any machine.

    figure = plots.heatmap(weights, rows=["the", "cat"], columns=["猫", "が"])
    plots.save(figure, "attention.png")

Each function takes plain arrays and returns a matplotlib Figure, to be saved or, in a notebook
after `%matplotlib inline`, to be shown. pyplot is not used, and the user's rcParams are neither
read nor changed: the Japanese font (IPAex Gothic, from the package matplotlib-fontja) and all else
are set in each picture by itself.
"""

from jpseq.plots.drawing import japanese_font, save
from jpseq.plots.forecasts import closed_loop, forecast
from jpseq.plots.learning import carousel, clipping, curves, gradient_flow, weight_conflict
from jpseq.plots.matrices import gates, heatmap
from jpseq.plots.words import word_map

__all__ = [
    "carousel",
    "clipping",
    "closed_loop",
    "curves",
    "forecast",
    "gates",
    "gradient_flow",
    "heatmap",
    "japanese_font",
    "save",
    "weight_conflict",
    "word_map",
]
