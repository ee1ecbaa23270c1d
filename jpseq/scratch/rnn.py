"""The simple recurrent network (単純 RNN; Elman 1990).

    a_t = x_t W_x + h_{t-1} W_h + b
    h_t = f(a_t)

h_t is all that the network remembers of x_1 ... x_t, and every step replaces it wholly. That is why
it forgets: see gradient_flow.py for how fast, and weight_conflict.py for what its weights are asked
to do at once.
"""

import numpy as np

from jpseq.scratch.activations import ACTIVATIONS
from jpseq.scratch.initialization import INITIALIZATIONS
from jpseq.scratch.layer import Array, sum_of_products
from jpseq.scratch.recurrent import Recurrent, named


class RNN(Recurrent):
    """Elman's simple recurrent network, with BPTT by hand.

    Args:
        inputs, units: I and H.
        activation: f, one of "tanh", "sigmoid", "relu", "identity".
        initialization: of W_x and W_h, one of "xavier", "standard", "he", "orthogonal".
        rng: a generator, or a seed for one.

    Parameters: W_x (I, H), W_h (H, H), b (H,).

    torch's nn.RNN is the same with W_x = weight_ih_l0', W_h = weight_hh_l0' and
    b = bias_ih_l0 + bias_hh_l0: of two biases that are only ever added, one is enough.
    """

    def __init__(
        self,
        inputs: int,
        units: int,
        activation: str = "tanh",
        initialization: str = "xavier",
        rng: np.random.Generator | int = 0,
    ) -> None:
        self.activation = named("activation", activation, ACTIVATIONS)
        draw = named("initialization", initialization, INITIALIZATIONS)
        rng = np.random.default_rng(rng)
        super().__init__(
            inputs,
            units,
            {
                "W_x": draw(rng, inputs, units),
                "W_h": draw(rng, units, units),
                "b": np.zeros(units),
            },
        )

    def forward(self, x: Array, *state: Array) -> Array:
        """x (B, T, I), h0 (B, H) -> h (B, T, H)."""
        (h_0,) = self._begin(x, state)
        B, T, _ = x.shape
        W_x, W_h, b = self.parameters["W_x"], self.parameters["W_h"], self.parameters["b"]

        # The input's part of a_t does not wait for h_{t-1}: one product for all steps.
        a_x = x @ W_x + b
        h = np.empty((B, T + 1, self.units))
        h[:, 0] = h_0
        for t in range(1, T + 1):
            # Step t reads x_t, which is x[:, t - 1]: Python counts inputs from 0, h from h_0.
            a_t = a_x[:, t - 1] + h[:, t - 1] @ W_h
            h[:, t] = self.activation.function(a_t)

        self.h = h
        self.state = (h[:, T],)
        return h[:, 1:]

    def backward(self, dh: Array, *dstate: Array) -> Array:
        """dh (B, T, H), from above -> dx (B, T, I), with the gradients of W_x, W_h and b.

        Going back from t = T to 1 (Werbos 1990):

            dh_t     = (dh_t from above) + da_{t+1} W_h'
            da_t     = dh_t * f'(a_t)
            dx_t     = da_t W_x'
            dW_x     = sum_t x_t' da_t
            dW_h     = sum_t h_{t-1}' da_t
            db       = sum_t da_t
        """
        (from_the_right,) = self._begin_back(dh, dstate)
        T = dh.shape[1]
        W_x, W_h = self.parameters["W_x"], self.parameters["W_h"]

        self.dh, self.da = np.empty_like(dh), np.empty_like(dh)
        for t in range(T, 0, -1):
            dh_t = dh[:, t - 1] + from_the_right
            da_t = dh_t * self.activation.derivative(self.h[:, t])
            from_the_right = da_t @ W_h.T
            self.dh[:, t - 1], self.da[:, t - 1] = dh_t, da_t

        self.gradients = {
            "W_x": sum_of_products(self.x, self.da),
            "W_h": sum_of_products(self.h[:, :-1], self.da),
            "b": self.da.sum(axis=(0, 1)),
        }
        self.dstate = (from_the_right,)
        return self.da @ W_x.T
