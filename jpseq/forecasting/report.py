"""A backtest in figures: the model beside the naive forecasts, and who wins."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from jpseq.columns import columns
from jpseq.evaluation.forecasts import (
    ForecastScore,
    coverage,
    errors,
    mae,
    mase,
    naive_error,
    pinball,
    rmse,
    smape,
)
from jpseq.forecasting.backtest import Backtest

SAMPLES = 1000
"""Of the bootstrap."""
LEAST = 0.01
"""By how much of a naive forecast's error a model's must be smaller to win; less is nothing."""
METRICS = ("MASE", "MAE", "RMSE", "sMAPE")


@dataclass(frozen=True)
class Skill:
    """By how much of a baseline's mean absolute error the model's is smaller; negative: larger."""

    baseline: str
    """The best of the naive forecasts."""
    value: float
    low: float
    high: float
    """The 95% interval, by the bootstrap over blocks of origins: forecasts whose futures overlap
    err alike, and are drawn together (Künsch 1989)."""

    @property
    def winner(self) -> str | None:
        """Who it is: "model", or the baseline's name; None where chance may have decided, or hardly
        anything is gained."""
        if self.low > 0 and self.value >= LEAST:
            return "model"
        return self.baseline if self.high < 0 else None

    def __str__(self) -> str:
        share = f"{abs(self.value):.1%}"
        interval = f"95% interval {self.low:+.1%} to {self.high:+.1%}"
        side = "below" if self.value > 0 else "above"
        fact = f"its MAE is {share} {side} that of {self.baseline}, the best naive forecast"
        if self.winner == "model":
            return f"The model wins: {fact} ({interval})."
        if self.winner is None:
            why = "that is next to nothing" if self.low > 0 else "chance may have decided"
            return (
                f"Neither wins: the model's{fact[3:]}, and {why} ({interval})."
                f" {self.baseline.capitalize()} costs nothing."
            )
        return f"The model loses: {fact} ({interval}). Use {self.baseline}."


@dataclass(frozen=True)
class Report:
    """The figures of one column."""

    name: str
    rows: dict[str, list[ForecastScore]]
    """Of "model" and of each baseline: the metrics, in the order of METRICS."""
    intervals: list[ForecastScore]
    """Coverage and pinball losses of the model's intervals, where there are any."""
    skill: Skill

    def lines(self) -> list[str]:
        """A table, and what it says."""
        head = [self.name, *METRICS]
        rows = [[name, *(_short(s.value) for s in scores)] for name, scores in self.rows.items()]
        protocol = self.rows["model"][0].signature
        return [
            *columns([head, *rows]),
            *map(str, self.intervals),
            f"({protocol})",
            str(self.skill),
        ]

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def facts(self) -> dict[str, Any]:
        """As JSON."""
        scores = {
            name: {score.name: _number(score.value) for score in row}
            for name, row in self.rows.items()
        }
        return {
            "target": self.name,
            "scores": scores,
            "intervals": {score.name: _number(score.value) for score in self.intervals},
            "signature": self.rows["model"][0].signature,
            "best_baseline": self.skill.baseline,
            "skill": [_number(v) for v in (self.skill.value, self.skill.low, self.skill.high)],
            "winner": self.skill.winner,
            "verdict": str(self.skill),
        }


def report(backtest: Backtest, data: str = "given series", m: int = 1) -> Report:
    """The figures of a backtest.

    Args:
        data: its name, for the signature.
        m: the step of the naive error that MASE is scaled by.
    """
    signature = (
        f"data:{data}|target:{backtest.name}|horizon:{backtest.truth.shape[1]}"
        f"|origins:{len(backtest.origins)}|stride:{backtest.stride}|refit:no"
    )
    signature += f"|season:{backtest.season or 'none'}|MASE:m={m}, rows before the test part"
    scale = naive_error(backtest.learnt, m)
    rows = {}
    for name, forecast in {"model": backtest.model, **backtest.baselines}.items():
        figures = (
            mase(forecast, backtest.truth, scale),
            mae(forecast, backtest.truth),
            rmse(forecast, backtest.truth),
            smape(forecast, backtest.truth),
        )
        rows[name] = [
            ForecastScore(metric, figure, signature)
            for metric, figure in zip(METRICS, figures, strict=True)
        ]
    intervals = []
    if backtest.low is not None and backtest.high is not None and backtest.level is not None:
        wanted = backtest.level
        sides = (((1 - wanted) / 2, backtest.low), ((1 + wanted) / 2, backtest.high))
        found = coverage(backtest.low, backtest.high, backtest.truth)
        intervals.append(ForecastScore("coverage", found, f"wanted:{wanted:g}"))
        for level, bound in sides:
            loss = pinball(bound, backtest.truth, level)
            intervals.append(ForecastScore("pinball", loss, f"quantile:{level:.4g}"))
    return Report(backtest.name, rows, intervals, skill(backtest))


def skill(backtest: Backtest, seed: int = 0) -> Skill:
    """The model against the best of the naive forecasts, by mean absolute error."""
    absolute = {
        name: np.abs(errors(forecast, backtest.truth))
        for name, forecast in {"model": backtest.model, **backtest.baselines}.items()
    }
    best = min(backtest.baselines, key=lambda name: float(np.nanmean(absolute[name])))
    ours, theirs = (np.nansum(absolute[name], axis=1) for name in ("model", best))
    total = float(theirs.sum())
    if not total:
        value = 0.0 if not ours.sum() else -math.inf
        return Skill(best, value, value, value)
    block = max(1, -(-backtest.truth.shape[1] // backtest.stride))
    draws = []
    rng = np.random.default_rng(seed)
    for _ in range(SAMPLES):
        rows = _blocks(len(ours), block, rng)
        below = float(theirs[rows].sum())
        draws.append(1 - float(ours[rows].sum()) / below if below else 0.0)
    low, high = np.percentile(draws, [2.5, 97.5]).tolist()
    return Skill(best, 1 - float(ours.sum()) / total, low, high)


def _blocks(count: int, block: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """(count,) rows: runs that begin anywhere and go round at the end."""
    block = min(block, count)
    begins = rng.integers(0, count, -(-count // block))
    return np.asarray((begins[:, None] + np.arange(block)).ravel()[:count] % count)


def _short(value: float) -> str:
    return f"{value:.4g}" if math.isfinite(value) else "-"


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
