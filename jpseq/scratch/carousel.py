"""The constant error carousel (定誤差カルーセル; Hochreiter & Schmidhuber 1997).

The one path in an LSTM that has no matrix and no activation in it is that of the memory cell,
c_t = f_t * c_{t-1} + i_t * g_t. Where nothing else comes in, the error on it is, after k steps,

    dc_{T-k} = f_T * f_{T-1} * ... * f_{T-k+1} * dc_T

In 1997 there was no forget gate, which is to say f = 1, and the error goes round for ever. The
forget gate (Gers et al. 2000) makes f something the network chooses for each cell and each step:
it can let go of what is done with, and still hold on, near 1, to what is not.
"""

import numpy as np

from jpseq.scratch.layer import Array
from jpseq.scratch.lstm import LSTM

SHUT, OPEN = -1000.0, 1000.0
"""So far out that σ is 0 and 1 to the last digit."""


def carousel(units: int, forget_bias: float = OPEN, rng: np.random.Generator | int = 0) -> LSTM:
    """An LSTM of one input whose error goes by its memory cells only.

    W_h is 0: no gate looks at h. The forget gate does not look at x either, so that f is σ of the
    forget bias, always; with the default, exactly 1.
    """
    lstm = LSTM(1, units, forget_bias, rng=rng)
    lstm.parameters["W_h"][:] = 0
    lstm.parameters["W_x"][:, units : 2 * units] = 0
    return lstm


def memory_error(lstm: LSTM, x: Array) -> Array:
    """‖dL/dc_{T-k}‖ for k = 0 ... T - 1, where L is the sum of h_T: x (B, T, I) -> (T,)."""
    dh = np.zeros_like(lstm.forward(x))
    dh[:, -1] = 1
    lstm.backward(dh)
    norms: Array = np.linalg.norm(lstm.dc, axis=2).mean(axis=0)
    return norms[::-1]
