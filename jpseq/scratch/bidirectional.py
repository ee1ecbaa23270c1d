"""The bidirectional recurrent network (双方向 RNN; Schuster & Paliwal 1997).

    →h_t = f(x_t, →h_{t-1})         reads x_1 ... x_T
    ←h_t = f(x_t, ←h_{t+1})         reads x_T ... x_1, with weights of its own
    h_t  = [→h_t ; ←h_t]            side by side

so that h_t knows the whole sequence, what follows x_t as well as what went before. That is right
for reading (what part of speech is this word?) and impossible for forecasting, where what follows
is not there yet.
"""

import numpy as np

from jpseq.scratch.layer import Array, check_shape
from jpseq.scratch.recurrent import Recurrent


class Bidirectional(Recurrent):
    """Two recurrent layers over the same input, one of them from its end.

    Args:
        forwards, backwards: two layers with the same number of inputs; of what sort and with how
            many units (H→ and H←) is left to them.

    Parameters: theirs, as "forwards.W_x", "backwards.W_x" and so on.

    `units` is H→ + H←. `state` is that of `forwards` after x_T, then that of `backwards` after x_1.
    `h`, `dh` and `da` are those of both side by side, at t what belongs to x_t; h[:, 0] is what
    both began from, →h_0 and ←h_{T+1}.
    """

    def __init__(self, forwards: Recurrent, backwards: Recurrent) -> None:
        if forwards.inputs != backwards.inputs:
            raise ValueError(
                "Both directions read the same sequence, but forwards has "
                f"{forwards.inputs} inputs and backwards has {backwards.inputs}."
            )
        self.forwards = forwards
        self.backwards = backwards
        self.state_names = forwards.state_names + backwards.state_names
        super().__init__(
            forwards.inputs, forwards.units + backwards.units, self._both("parameters")
        )

    def forward(self, x: Array, *state: Array) -> Array:
        """x (B, T, I) -> h (B, T, H→ + H←); the state is that of both, in order."""
        check_shape("x", x, "B", "T", self.inputs)
        self._check_count(state, self.state_names)
        split = len(self.forwards.state_names) if state else 0
        right = self.forwards.forward(x, *state[:split])
        # [:, ::-1] turns the steps round. Twice: once so that it reads from the end, once so that
        # what it has to say about x_t stands at t again, beside the other's h_t.
        left = self.backwards.forward(x[:, ::-1], *state[split:])[:, ::-1]
        self.x = x
        self.state = self.forwards.state + self.backwards.state
        first = np.concatenate([self.forwards.h[:, :1], self.backwards.h[:, :1]], axis=2)
        h = np.concatenate([right, left], axis=2)
        self.h = np.concatenate([first, h], axis=1)
        return h

    def backward(self, dh: Array, *dstate: Array) -> Array:
        """dh (B, T, H→ + H←), from above -> dx (B, T, I), with the gradients of both layers.

        Each gets its own columns of dh, the one from the end turned round as its output was. x was
        read by both, so that dx is the sum.
        """
        self._check_dh(dh)
        self._check_count(dstate, [f"d{name[0]}_T" for name in self.state_names])
        d_right, d_left = np.split(dh, [self.forwards.units], axis=2)
        split = len(self.forwards.state_names) if dstate else 0
        dx_right = self.forwards.backward(d_right, *dstate[:split])
        dx_left = self.backwards.backward(d_left[:, ::-1], *dstate[split:])[:, ::-1]
        self.gradients = self._both("gradients")
        self.dstate = self.forwards.dstate + self.backwards.dstate
        self.dh = np.concatenate([self.forwards.dh, self.backwards.dh[:, ::-1]], axis=2)
        self.da = np.concatenate([self.forwards.da, self.backwards.da[:, ::-1]], axis=2)
        return dx_right + dx_left

    def _both(self, what: str) -> dict[str, Array]:
        layers = {"forwards": self.forwards, "backwards": self.backwards}
        return {
            f"{direction}.{name}": array
            for direction, layer in layers.items()
            for name, array in getattr(layer, what).items()
        }
