"""What was foreseen, and what came."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from jpseq.plots.drawing import COLOURS, TRUTH, finish, in_japanese

Numbers = npt.NDArray[Any]


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
    finish(begin, title, "時刻 t", "", log=False)
    finish(lost, where, "時刻 t", "", log=False)

    phase.plot(np.arange(len(late)), 100 * late, marker=".", color=COLOURS[0])
    for edge in (-tolerance, tolerance):
        phase.axhline(100 * edge, color=COLOURS[1], linestyle="--", linewidth=0.8)
    finish(phase, "位相の遅れ（負は進み）", "周期", "一周期に対する %", log=False)
    return figure


@in_japanese
def forecast(
    history: Numbers,
    values: Numbers,
    *,
    low: Numbers | None = None,
    high: Numbers | None = None,
    level: float | None = None,
    baselines: Mapping[str, Numbers] | None = None,
    truth: Numbers | None = None,
    time: tuple[Numbers, Numbers] | None = None,
    title: str = "予測",
    name: str = "",
) -> Figure:
    """A series until now, and its forecast with its interval, beside naive forecasts.

    Args:
        history: (T,), nan where there is a gap.
        values: (H,) the forecast.
        low, high: (H,) the interval that should hold a share `level`.
        baselines: (H,) each, by name: "naive", "drift", "seasonal naive" have Japanese names.
        truth: (H,) what came.
        time: (T,) and (H,) of the two; steps from now where left out.
        title: of the picture; name is that of the values.
    """
    figure = Figure(figsize=(9, 4.5), layout="constrained")
    axes = figure.add_subplot()
    before, after = (
        time
        if time is not None
        else (
            np.arange(1 - len(history), 1),
            np.arange(1, len(values) + 1),
        )
    )
    before, after = (np.asarray(side) for side in (before, after))
    if before.dtype.kind == "M":  # matplotlib knows no years or months, but days
        before, after = (side.astype("M8[s]") for side in (before, after))
    axes.plot(before, history, color="black", linewidth=1, label="履歴")
    if low is not None and high is not None:
        share = "" if level is None else f" {level:.0%}"
        axes.fill_between(
            after, low, high, color=COLOURS[0], alpha=0.2, linewidth=0, label=f"区間{share}"
        )
    dashes = ("--", ":", "-.")
    for place, (kind, line) in enumerate((baselines or {}).items()):
        axes.plot(
            after,
            line,
            color=COLOURS[1 + place % 5],
            linestyle=dashes[place % 3],
            linewidth=1,
            label=NAIVE.get(kind, kind),
        )
    if truth is not None:
        axes.plot(after, truth, color=TRUTH, linewidth=3, label="実際")
    marker = "o" if len(values) == 1 else ""  # one step is no line
    axes.plot(after, values, color=COLOURS[0], linewidth=2, marker=marker, label="予測")
    axes.axvline(before[-1], color="black", linewidth=0.8, linestyle=":")
    finish(
        axes, title, "" if before.dtype.kind == "M" else "時刻（今を 0 とする）", name, log=False
    )
    return figure


NAIVE = {"naive": "直前の値", "drift": "直線の延長", "seasonal naive": "一周期前の値"}
