"""The gated recurrent unit (GRU; Cho et al. 2014, in the form torch computes).

    r_t = σ(x_t W_xr + h_{t-1} W_hr + b_r)                      reset gate (リセットゲート)
    z_t = σ(x_t W_xz + h_{t-1} W_hz + b_z)                      update gate (更新ゲート)
    n_t = tanh(x_t W_xn + b_n + r_t * (h_{t-1} W_hn + b_hn))    the new state it would take
    h_t = (1 - z_t) * n_t + z_t * h_{t-1}

It does with two gates and no memory cell what the LSTM does with three: z_t is the forget gate, and
1 - z_t takes the place of the input gate, so that what is written is exactly what was given up.
With z_t = 1, h goes on unchanged and so does its gradient.

Cho et al. reset the state before the product, tanh(x_t W_xn + (r_t * h_{t-1}) W_hn + b_n); here, as
in torch and cuDNN, the product is reset, and so it has a bias b_hn of its own. The one is as good
as the other, but in this form the three products with h_{t-1} are one.
"""

import numpy as np

from jpseq.scratch.activations import sigmoid, sigmoid_derivative, tanh_derivative
from jpseq.scratch.initialization import INITIALIZATIONS, draw_gates
from jpseq.scratch.layer import Array, sum_of_products
from jpseq.scratch.recurrent import Recurrent, named


class GRU(Recurrent):
    """The gated recurrent unit, with BPTT by hand.

    Args:
        inputs, units: I and H.
        update_bias: b_z in the beginning. With 0, as in torch, every step gives up half of the
            state; for memories of a hundred steps begin with 3, which keeps 95 %.
        initialization: of W_x and W_h, one of "xavier", "standard", "he", "orthogonal".
        rng: a generator, or a seed for one.

    Parameters: W_x (I, 3H), W_h (H, 3H), b (3H,), in the order r, z, n, and b_hn (H,).

    torch's nn.GRU has the same order: W_x = weight_ih_l0', W_h = weight_hh_l0',
    b_hn = bias_hh_l0[2H:], and b = bias_ih_l0 with bias_hh_l0[:2H] added to its first 2H.
    """

    gates: Array
    """(B, T, 3H), r_t, z_t and n_t side by side."""
    m: Array
    """(B, T, H), m_t = h_{t-1} W_hn + b_hn, what the reset gate lets through or not."""

    def __init__(
        self,
        inputs: int,
        units: int,
        update_bias: float = 0.0,
        initialization: str = "xavier",
        rng: np.random.Generator | int = 0,
    ) -> None:
        draw = named("initialization", initialization, INITIALIZATIONS)
        rng = np.random.default_rng(rng)
        b = np.zeros(3 * units)
        b[units : 2 * units] = update_bias
        super().__init__(
            inputs,
            units,
            {
                "W_x": draw_gates(draw, rng, inputs, units, 3),
                "W_h": draw_gates(draw, rng, units, units, 3),
                "b": b,
                "b_hn": np.zeros(units),
            },
        )

    def forward(self, x: Array, *state: Array) -> Array:
        """x (B, T, I), h0 (B, H) -> h (B, T, H)."""
        (h_0,) = self._begin(x, state)
        B, T, _ = x.shape
        H = self.units
        W_x, W_h, b = self.parameters["W_x"], self.parameters["W_h"], self.parameters["b"]

        a_x = x @ W_x + b
        h = np.empty((B, T + 1, H))
        h[:, 0] = h_0
        self.gates, self.m = np.empty((B, T, 3 * H)), np.empty((B, T, H))
        for t in range(1, T + 1):
            x_r, x_z, x_n = np.split(a_x[:, t - 1], 3, axis=1)
            h_r, h_z, h_n = np.split(h[:, t - 1] @ W_h, 3, axis=1)
            m = h_n + self.parameters["b_hn"]
            r, z = sigmoid(x_r + h_r), sigmoid(x_z + h_z)
            n = np.tanh(x_n + r * m)
            h[:, t] = (1 - z) * n + z * h[:, t - 1]
            self.gates[:, t - 1], self.m[:, t - 1] = np.concatenate([r, z, n], axis=1), m

        self.h = h
        self.state = (h[:, T],)
        return h[:, 1:]

    def backward(self, dh: Array, *dstate: Array) -> Array:
        """dh (B, T, H), from above -> dx (B, T, I), with the gradients of all parameters.

        Going back from t = T to 1, with m_t = h_{t-1} W_hn + b_hn:

            dh_t     = (dh_t from above) + z_{t+1} * dh_{t+1} + da'_{t+1} W_h'
            dz_t     = dh_t * (h_{t-1} - n_t)
            dn_t     = dh_t * (1 - z_t)
            da_z     = dz_t * z_t (1 - z_t)
            da_n     = dn_t * (1 - n_t²)
            dm_t     = da_n * r_t
            dr_t     = da_n * m_t
            da_r     = dr_t * r_t (1 - r_t)
            dx_t     = da_t W_x'                    with da_t = [da_r, da_z, da_n]
            dW_x     = sum_t x_t' da_t
            dW_h     = sum_t h_{t-1}' da'_t         with da'_t = [da_r, da_z, dm_t]
            db       = sum_t da_t
            db_hn    = sum_t dm_t

        The state goes back by two ways: by z_t without any matrix, and by the products with W_h.
        """
        (from_the_right,) = self._begin_back(dh, dstate)
        T = dh.shape[1]
        W_x, W_h = self.parameters["W_x"], self.parameters["W_h"]

        self.dh = np.empty_like(dh)
        self.da = np.empty_like(self.gates)
        # da_t and da'_t differ in their last third only, where r_t stands between n_t and m_t.
        da_h = np.empty_like(self.gates)
        for t in range(T, 0, -1):
            r, z, n = np.split(self.gates[:, t - 1], 3, axis=1)

            dh_t = dh[:, t - 1] + from_the_right
            da_z = dh_t * (self.h[:, t - 1] - n) * sigmoid_derivative(z)
            da_n = dh_t * (1 - z) * tanh_derivative(n)
            dm = da_n * r
            da_r = da_n * self.m[:, t - 1] * sigmoid_derivative(r)

            self.dh[:, t - 1] = dh_t
            self.da[:, t - 1] = np.concatenate([da_r, da_z, da_n], axis=1)
            da_h[:, t - 1] = np.concatenate([da_r, da_z, dm], axis=1)
            from_the_right = z * dh_t + da_h[:, t - 1] @ W_h.T

        self.gradients = {
            "W_x": sum_of_products(self.x, self.da),
            "W_h": sum_of_products(self.h[:, :-1], da_h),
            "b": self.da.sum(axis=(0, 1)),
            "b_hn": da_h[:, :, 2 * self.units :].sum(axis=(0, 1)),
        }
        self.dstate = (from_the_right,)
        return self.da @ W_x.T
