"""The LSTM with peepholes (覗き穴結合; Gers & Schmidhuber 2000).

    i_t = σ(x_t W_xi + h_{t-1} W_hi + p_i * c_{t-1} + b_i)
    f_t = σ(x_t W_xf + h_{t-1} W_hf + p_f * c_{t-1} + b_f)
    g_t = tanh(x_t W_xg + h_{t-1} W_hg + b_g)
    c_t = f_t * c_{t-1} + i_t * g_t
    o_t = σ(x_t W_xo + h_{t-1} W_ho + p_o * c_t + b_o)
    h_t = o_t * tanh(c_t)

Without them the gates see the memory only through h_{t-1} = o_{t-1} * tanh(c_{t-1}): where the
output gate is shut, they are blind to the very thing they control. A peephole lets each gate look
at its own cell, through one weight a unit and not a matrix. The input and forget gates look before
the memory is changed, the output gate after.
"""

import numpy as np

from jpseq.scratch.activations import sigmoid, sigmoid_derivative, tanh_derivative
from jpseq.scratch.layer import Array, sum_of_products
from jpseq.scratch.lstm import LSTM


class PeepholeLSTM(LSTM):
    """The LSTM with peepholes, with BPTT by hand.

    Args:
        inputs, units, forget_bias, initialization, rng: as for LSTM.

    Parameters: W_x (I, 4H), W_h (H, 4H), b (4H,) as in LSTM, and the peepholes p_i, p_f, p_o, each
    (H,). They begin at 0, so that it begins as the same network as the LSTM of that seed.
    """

    def __init__(
        self,
        inputs: int,
        units: int,
        forget_bias: float = 1.0,
        initialization: str = "xavier",
        rng: np.random.Generator | int = 0,
    ) -> None:
        super().__init__(inputs, units, forget_bias, initialization, rng)
        peepholes = {name: np.zeros(units) for name in ("p_i", "p_f", "p_o")}
        self.parameters = {**self.parameters, **peepholes}

    def forward(self, x: Array, *state: Array) -> Array:
        """x (B, T, I), h0 (B, H), c0 (B, H) -> h (B, T, H)."""
        h_0, c_0 = self._begin(x, state)
        B, T, _ = x.shape
        H = self.units
        W_x, W_h, b = self.parameters["W_x"], self.parameters["W_h"], self.parameters["b"]
        p_i, p_f, p_o = (self.parameters[name] for name in ("p_i", "p_f", "p_o"))

        a_x = x @ W_x + b
        h, c = np.empty((B, T + 1, H)), np.empty((B, T + 1, H))
        h[:, 0], c[:, 0] = h_0, c_0
        self.gates = np.empty((B, T, 4 * H))
        for t in range(1, T + 1):
            a_i, a_f, a_g, a_o = np.split(a_x[:, t - 1] + h[:, t - 1] @ W_h, 4, axis=1)
            i = sigmoid(a_i + p_i * c[:, t - 1])
            f = sigmoid(a_f + p_f * c[:, t - 1])
            g = np.tanh(a_g)
            c[:, t] = f * c[:, t - 1] + i * g
            o = sigmoid(a_o + p_o * c[:, t])
            h[:, t] = o * np.tanh(c[:, t])
            self.gates[:, t - 1] = np.concatenate([i, f, g, o], axis=1)

        self.h, self.c = h, c
        self.state = (h[:, T], c[:, T])
        return h[:, 1:]

    def backward(self, dh: Array, *dstate: Array) -> Array:
        """dh (B, T, H), from above -> dx (B, T, I), with the gradients of all parameters.

        As in LSTM, with what goes back through the peepholes added. c_t has three more readers: the
        output gate of its own step, and the input and forget gates of the next.

            da_o     = dh_t * tanh(c_t) * o_t (1 - o_t)
            dc_t     = f_{t+1} * dc_{t+1} + da_i,{t+1} * p_i + da_f,{t+1} * p_f
                       + dh_t * o_t * (1 - tanh(c_t)²) + da_o * p_o
            dp_i     = sum_t da_i * c_{t-1}         dp_f alike
            dp_o     = sum_t da_o * c_t
        """
        dh_from_the_right, dc_from_the_right = self._begin_back(dh, dstate)
        T = dh.shape[1]
        W_x, W_h = self.parameters["W_x"], self.parameters["W_h"]
        p_i, p_f, p_o = (self.parameters[name] for name in ("p_i", "p_f", "p_o"))

        self.dh, self.dc = np.empty_like(dh), np.empty_like(dh)
        self.da = np.empty_like(self.gates)
        for t in range(T, 0, -1):
            i, f, g, o = np.split(self.gates[:, t - 1], 4, axis=1)
            tanh_c = np.tanh(self.c[:, t])

            dh_t = dh[:, t - 1] + dh_from_the_right
            da_o = dh_t * tanh_c * sigmoid_derivative(o)
            dc_t = dc_from_the_right + dh_t * o * tanh_derivative(tanh_c) + da_o * p_o
            da_i = dc_t * g * sigmoid_derivative(i)
            da_f = dc_t * self.c[:, t - 1] * sigmoid_derivative(f)
            da_g = dc_t * i * tanh_derivative(g)
            da_t = np.concatenate([da_i, da_f, da_g, da_o], axis=1)

            dh_from_the_right = da_t @ W_h.T
            dc_from_the_right = f * dc_t + da_i * p_i + da_f * p_f
            self.dh[:, t - 1], self.dc[:, t - 1], self.da[:, t - 1] = dh_t, dc_t, da_t

        da_i, da_f, _, da_o = np.split(self.da, 4, axis=2)
        self.gradients = {
            "W_x": sum_of_products(self.x, self.da),
            "W_h": sum_of_products(self.h[:, :-1], self.da),
            "b": self.da.sum(axis=(0, 1)),
            "p_i": (da_i * self.c[:, :-1]).sum(axis=(0, 1)),
            "p_f": (da_f * self.c[:, :-1]).sum(axis=(0, 1)),
            "p_o": (da_o * self.c[:, 1:]).sum(axis=(0, 1)),
        }
        self.dstate = (dh_from_the_right, dc_from_the_right)
        return self.da @ W_x.T
