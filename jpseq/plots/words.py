"""Words in the plane."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from jpseq.errors import DataError
from jpseq.plots.drawing import in_japanese


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
