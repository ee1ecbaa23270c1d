"""How far back a gradient reaches (勾配消失と勾配爆発; Bengio et al. 1994, Pascanu et al. 2013).

In the simple RNN, going back one step multiplies the gradient by the same matrix each time, and by
the derivatives of the activation:

    dh_{t-1} = (dh_t * f'(a_t)) W_h'

so that after k steps it has been multiplied by something like gain^k, where the gain is how much
W_h stretches. Below 1 it vanishes, above 1 it explodes, and only exactly 1 would keep it: 0.9^100
is 0.00003 and 1.1^100 is 13,781. A year of daily data is a network of 365 layers.

Everything here gives arrays, to be looked at or drawn.
"""

import numpy as np

from jpseq.scratch.gru import GRU
from jpseq.scratch.initialization import orthogonal
from jpseq.scratch.layer import Array
from jpseq.scratch.lstm import LSTM
from jpseq.scratch.recurrent import Recurrent
from jpseq.scratch.rnn import RNN

SMALL, CRITICAL, LARGE = 0.5, 1.0, 2.0
"""Three gains: each step halves, keeps or doubles what the recurrent product gives back."""


def norms_by_lag(layer: Recurrent, x: Array) -> Array:
    """‖dL/dh_{T-k}‖ for k = 0 ... T - 1, where L sees h_T only: x (B, T, I) -> (T,).

    L is the sum of the last units divided by √H, so that dL/dh_T has the norm 1 and the rest can be
    read as "how much of it arrives". Averaged over the batch.
    """
    dh = np.zeros_like(layer.forward(x))
    dh[:, -1] = 1 / np.sqrt(layer.units)
    layer.backward(dh)
    norms: Array = np.linalg.norm(layer.dh, axis=2).mean(axis=0)
    return norms[::-1]


def set_gain(layer: Recurrent, gain: float, rng: np.random.Generator | int = 0) -> None:
    """Make W_h, or each gate's part of it, gain times an orthogonal matrix.

    Such a matrix stretches every vector by the same factor, so that gain alone decides; a random
    one stretches some and shrinks others.
    """
    rng = np.random.default_rng(rng)
    W_h, H = layer.parameters["W_h"], layer.units
    for gate in range(W_h.shape[1] // H):
        W_h[:, gate * H : (gate + 1) * H] = gain * orthogonal(rng, H, H)


def bound(rnn: RNN, lag: int) -> float:
    """The most by which `lag` steps back can stretch a gradient: (σ γ)^lag (Pascanu et al. 2013).

    σ is the largest singular value of W_h, γ the greatest derivative of the activation (1 for tanh,
    1/4 for the sigmoid). Below 1 the gradient must vanish; above 1 it may explode.
    """
    sigma = np.linalg.norm(rnn.parameters["W_h"], ord=2)
    return float(sigma * rnn.activation.greatest_derivative) ** lag


def reach(norms: Array, floor: float = 0.01) -> int:
    """How many steps back the gradient can go and still have `floor` of what it was at the end.

    Args:
        norms: (T,), as norms_by_lag gives them.
    """
    lost = np.flatnonzero(norms < floor * norms[0])
    return int(lost[0]) - 1 if len(lost) else len(norms) - 1


def cells(inputs: int, units: int, gate_bias: float = 1.0, seed: int = 0) -> dict[str, Recurrent]:
    """A simple RNN (tanh), an LSTM and a GRU, to be compared.

    Args:
        gate_bias: in the beginning, of the LSTM's forget gate and the GRU's update gate alike.
    """
    return {
        "RNN": RNN(inputs, units, rng=seed),
        "LSTM": LSTM(inputs, units, forget_bias=gate_bias, rng=seed),
        "GRU": GRU(inputs, units, update_bias=gate_bias, rng=seed),
    }


def norms_by_gain(
    x: Array,
    gains: tuple[float, ...] = (SMALL, CRITICAL, LARGE),
    units: int = 32,
    gate_bias: float = 1.0,
) -> dict[str, Array]:
    """norms_by_lag of each cell for each gain: x (B, T, I) -> {"RNN": (gains, T), ...}."""
    flow: dict[str, Array] = {}
    for name, layer in cells(x.shape[2], units, gate_bias).items():
        rows = []
        for gain in gains:
            set_gain(layer, gain)
            rows.append(norms_by_lag(layer, x))
        flow[name] = np.array(rows)
    return flow


def year_of_temperatures(rng: np.random.Generator | int = 0, years: int = 16) -> Array:
    """Made-up daily temperatures, standardised, a year a sequence: (years, 365, 1).

    The season, and weather on top of it: each day keeps 0.7 of yesterday's deviation.
    """
    rng = np.random.default_rng(rng)
    day = np.arange(365)
    celsius = np.tile(15 - 11 * np.cos(2 * np.pi * (day - 25) / 365), (years, 1))
    weather = np.zeros(years)
    for today in day:
        weather = 0.7 * weather + rng.normal(0, 2, years)
        celsius[:, today] += weather
    standardised: Array = (celsius - celsius.mean()) / celsius.std()
    return standardised[:, :, None]
