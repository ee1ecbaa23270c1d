"""Predicting a sine, one step at a time, and then without looking (閉ループ予測).

Trained on sin(2π t / period), the network is asked for the next value. That is easy. Then it is
left alone: each prediction is its next input (closed loop). It must now be a clock, and a small
error in its frequency adds up: after how many periods does it no longer show the right time?
"""

from collections.abc import Iterator

import numpy as np

from jpseq.scratch.layer import Array
from jpseq.scratch.losses import mean_squared_error
from jpseq.scratch.network import Network, train
from jpseq.scratch.optimizers import Adam


def sine(period: float, phase: Array, T: int) -> Array:
    """sin(2π t / period + phase) for t = 0 ... T - 1: phase (B,) -> (B, T, 1)."""
    t = np.arange(T)
    return np.asarray(np.sin(2 * np.pi * t / period + phase[:, None])[:, :, None])


def next_steps(
    rng: np.random.Generator, period: float, window: int, noise: float = 0.0, B: int = 32
) -> Iterator[tuple[Array, Array]]:
    """Batches without end: x, `window` steps from any phase, and the target of the later half.

    The target is what comes one step later. The first half is for finding out where in the wave one
    is, from a state of zeros: errors there are unavoidable, and would only disturb the rest.

    Args:
        noise: standard deviation of what is added to x, and not to the target. A network left alone
            reads its own mistakes; one that has learnt with noise has learnt to correct them. It
            steadies the simple RNN, but LSTM and GRU keep time better without it.
    """
    while True:
        wave = sine(period, rng.uniform(0, 2 * np.pi, B), window + 1)
        x = wave[:, :-1]
        yield x + rng.normal(0, noise, x.shape), wave[:, 1:][:, window // 2 :]


def learn_sine(
    network: Network,
    period: float,
    window: int,
    steps: int,
    noise: float = 0.0,
    learning_rate: float = 0.01,
    seed: int = 0,
) -> Array:
    """Train with Adam on next_steps; returns the loss of each step (steps,).

    The learning rate goes down to zero along a cosine: a clock must be exact, and the last digits
    are only found by small steps.
    """
    optimizer = Adam(learning_rate)
    batches = next_steps(np.random.default_rng(seed), period, window, noise)
    losses: list[float] = []
    for step in range(steps):
        optimizer.learning_rate = learning_rate * 0.5 * (1 + np.cos(np.pi * step / steps))
        losses += train(network, [next(batches)], mean_squared_error, optimizer)
    return np.array(losses)


def closed_loop(network: Network, x: Array, steps: int) -> Array:
    """Read x (B, T, 1), then go on alone for `steps`: (B, steps, 1).

    The state goes along, so that each further step costs one step and not another T.
    """
    y = np.empty((len(x), steps, 1))
    y[:, 0] = network.forward(x)[:, -1]
    for t in range(1, steps):
        y[:, t] = network.forward(y[:, t - 1 : t], *network.recurrent.state)[:, 0]
    return y


def phase_error(y: Array, period: float, phase: float) -> Array:
    """By how much of a period y is late, period by period: y (T,) -> (number of periods,).

    y should be sin(2π t / period + phase). Both go upwards through zero once a period, at times
    found by interpolation between two steps; compared is the n-th time of both. It ends where y
    does: a wave that dies away crosses zero no more.
    """
    before, after = y[:-1], y[1:]
    up = np.flatnonzero((before < 0) & (after >= 0))
    crossings = up + before[up] / (before[up] - after[up])
    # The first crossing of the truth that is not before the first step, then one every period.
    first = -phase / (2 * np.pi) * period % period
    # Counted from the one that is nearest to where y begins.
    offset = round((crossings[0] - first) / period) if len(crossings) else 0
    n = offset + np.arange(len(crossings))
    return np.asarray((crossings - first) / period - n)


def periods_in_phase(y: Array, period: float, phase: float, tolerance: float = 0.1) -> float:
    """Periods until the phase error first passes the tolerance, or the wave is no more.

    Args:
        y: (T,), what the closed loop gave for sin(2π t / period + phase).
    """
    late = phase_error(y, period, phase)
    wrong = np.flatnonzero(np.abs(late) > tolerance)
    return float(wrong[0] if len(wrong) else min(len(late), len(y) / period))
