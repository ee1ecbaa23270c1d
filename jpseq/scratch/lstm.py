"""Long short-term memory (LSTM; Hochreiter & Schmidhuber 1997; forget gate: Gers et al. 2000).

    i_t = σ(x_t W_xi + h_{t-1} W_hi + b_i)       input gate (入力ゲート): how much is written
    f_t = σ(x_t W_xf + h_{t-1} W_hf + b_f)       forget gate (忘却ゲート): how much is kept
    g_t = tanh(x_t W_xg + h_{t-1} W_hg + b_g)    what would be written
    o_t = σ(x_t W_xo + h_{t-1} W_ho + b_o)       output gate (出力ゲート): how much is shown
    c_t = f_t * c_{t-1} + i_t * g_t              memory cell (記憶セル)
    h_t = o_t * tanh(c_t)

The memory c is not multiplied by a matrix from step to step and goes through no activation; it is
only scaled by f_t. Back along that path the gradient is scaled by f_t too:

    dc_{t-1} = f_t * dc_t + (what comes in through h_{t-1})

With f_t = 1 it arrives unchanged however long the way is: the constant error carousel, tried out in
carousel.py. And the gates take apart what a simple RNN asks of a single weight, to let one input in
and to keep another out: weight_conflict.py.
"""

import numpy as np

from jpseq.scratch.activations import sigmoid, sigmoid_derivative, tanh_derivative
from jpseq.scratch.initialization import INITIALIZATIONS, draw_gates
from jpseq.scratch.layer import Array, sum_of_products
from jpseq.scratch.recurrent import Recurrent, named


class LSTM(Recurrent):
    """Long short-term memory, with BPTT by hand.

    Args:
        inputs, units: I and H.
        forget_bias: b_f in the beginning. With 0 every step would halve the memory (σ(0) = 1/2)
            before anything is learnt; 1 keeps 73 % (Gers et al. 2000; Jozefowicz et al. 2015).
        initialization: of W_x and W_h, one of "xavier", "standard", "he", "orthogonal".
        rng: a generator, or a seed for one.

    Parameters: W_x (I, 4H), W_h (H, 4H), b (4H,): the four gates side by side, in the order
    i, f, g, o, so that a step is one product and not four.

    torch's nn.LSTM has the same order: W_x = weight_ih_l0', W_h = weight_hh_l0' and
    b = bias_ih_l0 + bias_hh_l0.
    """

    state_names = ("h0", "c0")

    c: Array
    """(B, T + 1, H), all memory cells of the last pass: c[:, t] is c_t."""
    gates: Array
    """(B, T, 4H), i_t, f_t, g_t and o_t side by side."""
    dc: Array
    """(B, T, H), the whole gradient that reached each c_t."""

    def __init__(
        self,
        inputs: int,
        units: int,
        forget_bias: float = 1.0,
        initialization: str = "xavier",
        rng: np.random.Generator | int = 0,
    ) -> None:
        draw = named("initialization", initialization, INITIALIZATIONS)
        rng = np.random.default_rng(rng)
        b = np.zeros(4 * units)
        b[units : 2 * units] = forget_bias
        super().__init__(
            inputs,
            units,
            {
                "W_x": draw_gates(draw, rng, inputs, units, 4),
                "W_h": draw_gates(draw, rng, units, units, 4),
                "b": b,
            },
        )

    def forward(self, x: Array, *state: Array) -> Array:
        """x (B, T, I), h0 (B, H), c0 (B, H) -> h (B, T, H)."""
        h_0, c_0 = self._begin(x, state)
        B, T, _ = x.shape
        H = self.units
        W_x, W_h, b = self.parameters["W_x"], self.parameters["W_h"], self.parameters["b"]

        a_x = x @ W_x + b
        h, c = np.empty((B, T + 1, H)), np.empty((B, T + 1, H))
        h[:, 0], c[:, 0] = h_0, c_0
        self.gates = np.empty((B, T, 4 * H))
        for t in range(1, T + 1):
            a_i, a_f, a_g, a_o = np.split(a_x[:, t - 1] + h[:, t - 1] @ W_h, 4, axis=1)
            i, f, g, o = sigmoid(a_i), sigmoid(a_f), np.tanh(a_g), sigmoid(a_o)
            c[:, t] = f * c[:, t - 1] + i * g
            h[:, t] = o * np.tanh(c[:, t])
            self.gates[:, t - 1] = np.concatenate([i, f, g, o], axis=1)

        self.h, self.c = h, c
        self.state = (h[:, T], c[:, T])
        return h[:, 1:]

    def backward(self, dh: Array, *dstate: Array) -> Array:
        """dh (B, T, H), from above -> dx (B, T, I), with the gradients of W_x, W_h and b.

        Going back from t = T to 1, with the equations of forward from the last to the first:

            dh_t     = (dh_t from above) + da_{t+1} W_h'
            do_t     = dh_t * tanh(c_t)
            dc_t     = f_{t+1} * dc_{t+1} + dh_t * o_t * (1 - tanh(c_t)²)
            di_t     = dc_t * g_t
            df_t     = dc_t * c_{t-1}
            dg_t     = dc_t * i_t
            da_i     = di_t * i_t (1 - i_t)         and so da_f and da_o
            da_g     = dg_t * (1 - g_t²)
            dx_t     = da_t W_x'                    with da_t = [da_i, da_f, da_g, da_o]
            dW_x     = sum_t x_t' da_t
            dW_h     = sum_t h_{t-1}' da_t
            db       = sum_t da_t
        """
        dh_from_the_right, dc_from_the_right = self._begin_back(dh, dstate)
        T = dh.shape[1]
        W_x, W_h = self.parameters["W_x"], self.parameters["W_h"]

        self.dh, self.dc = np.empty_like(dh), np.empty_like(dh)
        self.da = np.empty_like(self.gates)
        for t in range(T, 0, -1):
            i, f, g, o = np.split(self.gates[:, t - 1], 4, axis=1)
            tanh_c = np.tanh(self.c[:, t])

            dh_t = dh[:, t - 1] + dh_from_the_right
            do = dh_t * tanh_c
            dc_t = dc_from_the_right + dh_t * o * tanh_derivative(tanh_c)
            di, df, dg = dc_t * g, dc_t * self.c[:, t - 1], dc_t * i
            da_t = np.concatenate(
                [
                    di * sigmoid_derivative(i),
                    df * sigmoid_derivative(f),
                    dg * tanh_derivative(g),
                    do * sigmoid_derivative(o),
                ],
                axis=1,
            )
            dh_from_the_right = da_t @ W_h.T
            dc_from_the_right = f * dc_t
            self.dh[:, t - 1], self.dc[:, t - 1], self.da[:, t - 1] = dh_t, dc_t, da_t

        self.gradients = {
            "W_x": sum_of_products(self.x, self.da),
            "W_h": sum_of_products(self.h[:, :-1], self.da),
            "b": self.da.sum(axis=(0, 1)),
        }
        self.dstate = (dh_from_the_right, dc_from_the_right)
        return self.da @ W_x.T
