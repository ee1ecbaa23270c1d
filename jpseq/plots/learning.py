"""How networks learn, and why they do not."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from jpseq.plots.drawing import finish, in_japanese, panels_of

if TYPE_CHECKING:
    from jpseq.scratch.clipping import Descent
    from jpseq.scratch.weight_conflict import Pull

Numbers = npt.NDArray[Any]


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
    finish(axes, title, x_title, y_title, log)
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
    panels = panels_of(figure, 1, len(gains), sharey=True)
    for place, (axes, gain) in enumerate(zip(panels, gains, strict=True)):
        for name, rows in norms.items():
            axes.plot(rows[place], label=name if place == 0 else "")
        finish(axes, f"再帰の重み {gain:g} 倍", "さかのぼる時間 k", "", log=True)
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
    finish(axes, "記憶セルを通る誤差", "さかのぼる時間 k", "誤差のノルム", log=True)
    axes.set_ylim(bottom=lowest)
    return figure


@in_japanese
def clipping(clipped: "Descent", free: "Descent") -> Figure:
    """Gradient descent at a cliff, with clipping (勾配クリッピング) and without it.

    Args:
        clipped, free: what `clipping.descend_the_cliff` of jpseq.scratch gives.
    """
    figure = Figure(figsize=(9, 3.8), layout="constrained")
    way, loss = panels_of(figure, 1, 2)
    for name, descent in (("クリッピングあり", clipped), ("クリッピングなし", free)):
        (line,) = way.plot(descent.w, descent.b, marker=".", markersize=3, linewidth=0.7)
        way.plot(descent.w[-1], descent.b[-1], marker="o", color=line.get_color())
        loss.plot(descent.loss, label=name)
    way.plot(clipped.w[0], clipped.b[0], marker="*", color="black", markersize=10)
    way.annotate("出発点", (clipped.w[0], clipped.b[0]), (6, 6), textcoords="offset points")
    finish(way, "重みのたどる道（● は終点）", "w", "b", log=False)
    finish(loss, "損失", "学習回数", "損失", log=True)
    return figure


@in_japanese
def weight_conflict(pulls: Mapping[str, Sequence["Pull"]]) -> Figure:
    """What pulls at the input weight while a unit learns (重み衝突), and what becomes of the loss.

    Args:
        pulls: name of the unit -> one pull a step, as `weight_conflict.tug_of_war` gives them.
    """
    figure = Figure(figsize=(3.2 * (len(pulls) + 1) + 0.6, 3.6), layout="constrained")
    *units, losses = panels_of(figure, 1, len(pulls) + 1)
    for axes, (name, record) in zip(units, pulls.items(), strict=True):
        axes.plot([pull.store for pull in record], label="覚える時刻から")
        axes.plot([pull.ignore for pull in record], label="無視する時刻から")
        finish(axes, name, "学習回数", "重みの勾配", log=False)
        axes.sharey(units[0])
        losses.plot([pull.loss for pull in record], label=name)
    finish(losses, "損失", "学習回数", "損失", log=True)
    return figure
