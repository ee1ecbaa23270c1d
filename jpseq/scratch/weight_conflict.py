"""The weight conflict (重み衝突; Hochreiter & Schmidhuber 1997, section 3.2).

A unit is to store one number of a sequence, the marked one, and to keep it to the end. Then its
input weight must be large when the marked number comes and zero when any other comes. But it is one
weight, so its gradient, the sum over all steps, is a tug of war:

    dw = sum over marked steps (store this!) + sum over all others (ignore that!)

For a linear unit h_t = h_{t-1} + w v_t with L = ½ (h_T - v_k)² and independent v of mean 0 and
variance s² it can be worked out. h_T - v_k is (w - 1) v_k + w (the other T - 1), hence, on average,

    from the step to store:      (w - 1) s²          negative: w should grow, until it is 1
    from those to ignore:        (T - 1) w s²        positive: w should shrink, until it is 0

They balance at w = 1 / T. There the gradient is zero, and nothing is solved: the unit shows the
mean of everything, and L is still ½ (1 - 1/T) s², nearly as bad as with w = 0. A longer sequence
makes it worse, and neither more training nor more data helps.

A gate resolves it. It multiplies what comes in by i_t, which depends on the mark: at steps to be
ignored i_t = 0, and their share of the gradient is multiplied by 0, too. The weight then hears only
"store this!" and goes to 1.

The same holds on the way out (the output weight conflict): one weight must show a memory when it is
wanted and hide it when not; the output gate resolves it.
"""

from typing import NamedTuple

import numpy as np

from jpseq.scratch.carousel import OPEN, SHUT
from jpseq.scratch.layer import Array
from jpseq.scratch.losses import mean_squared_error
from jpseq.scratch.lstm import LSTM
from jpseq.scratch.network import Network, train
from jpseq.scratch.optimizers import Adam
from jpseq.scratch.recurrent import Recurrent
from jpseq.scratch.rnn import RNN


class Pull(NamedTuple):
    """The gradient in the weight of the number, taken apart. Negative: the weight should grow."""

    store: float
    """From the marked steps."""
    ignore: float
    """From all others."""
    loss: float


def store_one(rng: np.random.Generator, B: int, T: int) -> tuple[Array, Array]:
    """Sequences of numbers of which one is marked, which is the answer.

    x (B, T, 2): number, mark. target (B, 1, 1). Any step may be the marked one.
    The numbers are from -1 to 1, so that s² = 1/3.
    """
    x = np.zeros((B, T, 2))
    x[:, :, 0] = rng.uniform(-1, 1, (B, T))
    each, marked = np.arange(B), rng.integers(0, T, B)
    x[each, marked, 1] = 1
    return x, x[each, marked, 0][:, None, None]


def pull(recurrent: Recurrent, x: Array, loss: float) -> Pull:
    """Take the gradient apart, after a backward: each step's share is x_t' da_t.

    Of an LSTM, the weight in question is that into g, what would be written.
    """
    unit = 2 * recurrent.units if isinstance(recurrent, LSTM) else 0
    shares = x[:, :, 0] * recurrent.da[:, :, unit]
    marked = x[:, :, 1] == 1
    return Pull(float(shares[marked].sum()), float(shares[~marked].sum()), loss)


def linear_unit(w: float) -> RNN:
    """h_t = h_{t-1} + w v_t: it sees the mark, but has no use for it."""
    unit = RNN(2, 1, activation="identity")
    unit.parameters["W_x"][:] = [[w], [0.0]]
    unit.parameters["W_h"][:] = 1
    return unit


def gated_unit(w: float) -> LSTM:
    """One LSTM unit set by hand: the input gate is open at the mark and shut elsewhere.

    What it writes is g_t = tanh(w v_t), and nothing is ever forgotten or hidden.
    """
    unit = LSTM(2, 1)
    unit.parameters["W_h"][:] = 0
    unit.parameters["W_x"][:] = [[0.0, 0.0, w, 0.0], [OPEN - SHUT, 0.0, 0.0, 0.0]]
    unit.parameters["b"][:] = [SHUT, OPEN, 0, OPEN]
    return unit


def pull_on(unit: Recurrent, x: Array, target: Array) -> Pull:
    """The pull on a single unit whose last h is the answer itself, with L = ½ mean (h_T - v_k)²."""
    error = unit.forward(x)[:, -1:] - target
    dh = np.zeros(unit.h[:, 1:].shape)
    dh[:, -1:] = error / len(x)
    unit.backward(dh)
    return pull(unit, x, float(0.5 * np.mean(error**2)))


def tug_of_war(unit: Recurrent, T: int, steps: int, seed: int = 0) -> list[Pull]:
    """Train a unit and a linear layer on store_one, and record the pull before each step.

    Args:
        unit: RNN(2, 1) or LSTM(2, 1).

    Returns:
        `steps` pulls, with L = mean (y_T - v_k)².
    """
    rng = np.random.default_rng(seed)
    network, optimizer = Network(unit, 1, rng), Adam(0.02)
    pulls = []
    for _ in range(steps):
        x, target = store_one(rng, 256, T)
        (loss,) = train(network, [(x, target)], mean_squared_error, optimizer)
        pulls.append(pull(unit, x, loss))
    return pulls
