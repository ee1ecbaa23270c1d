"""What all recurrent layers share: the shapes, the states, and what is kept for looking at.

    layer = LSTM(inputs=3, units=8)
    h = layer.forward(x)                  x (B, T, 3) -> h (B, T, 8), from a state of zeros
    h = layer.forward(x, h0, c0)          from a given state; RNN and GRU have h0 only
    h = layer.forward(x, *layer.state)    on from where the last pass ended
    dx = layer.backward(dh)               and layer.gradients, layer.dstate, layer.dh, layer.da

Backpropagation through time (通時的誤差逆伝播, BPTT; Werbos 1990) in three sentences. Unrolled over
T steps, a recurrent layer is a network of T layers that share their weights. The loss reaches h_t
on two ways, from above (the output of step t) and from the right (h_{t+1} was computed from h_t);
the gradient is the sum of both, so one walks from the last step to the first, carrying the part
from the right along. A shared weight collects its gradient from every step.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np

from jpseq.scratch.layer import Array, Layer, check_shape

Entry = TypeVar("Entry")


class Recurrent(Layer):
    """Base of RNN, LSTM, PeepholeLSTM, GRU and Bidirectional.

    Args:
        inputs, units: I and H.
        parameters: name -> array.

    Attributes:
        h: (B, T + 1, H), all hidden states of the last pass, h[:, 0] the first: h[:, t] is h_t.
        state: the state after the last step, each (B, H).
        dstate: the gradient in the state before the first step, each (B, H).
        dh: (B, T, H), the whole gradient that reached each h_t, from above and from the right.
        da: (B, T, gates * H), the gradient in what goes into the activations and gates. W_x's
            gradient is the sum of x_t' da_t, so this tells what each step has contributed to it.
    """

    state_names: tuple[str, ...] = ("h0",)

    x: Array
    h: Array
    dh: Array
    da: Array
    state: tuple[Array, ...]
    dstate: tuple[Array, ...]

    def __init__(self, inputs: int, units: int, parameters: Mapping[str, Array]) -> None:
        super().__init__(parameters)
        self.inputs = inputs
        self.units = units

    @abstractmethod
    def forward(self, x: Array, *state: Array) -> Array:
        """x (B, T, I), the state before the first step, each (B, H) -> h_1 ... h_T (B, T, H)."""

    @abstractmethod
    def backward(self, dh: Array, *dstate: Array) -> Array:
        """dh (B, T, H), from above -> dx (B, T, I); goes back through the last forward.

        Args:
            dstate: where the last state has been used further, for instance to begin another
                layer: the gradient in it, each (B, H). Zeros if left out.
        """

    def _begin(self, x: Array, state: Sequence[Array]) -> tuple[Array, ...]:
        """Check what forward was given, and keep x; the state to begin with."""
        check_shape("x", x, "B", "T", self.inputs)
        begin = self._states(state, self.state_names, len(x))
        self.x = x
        return begin

    def _begin_back(self, dh: Array, dstate: Sequence[Array]) -> tuple[Array, ...]:
        """Check what backward was given; the gradient in the last state."""
        self._check_dh(dh)
        return self._states(dstate, [f"d{name[0]}_T" for name in self.state_names], len(dh))

    def _check_dh(self, dh: Array) -> None:
        if not hasattr(self, "x"):
            raise RuntimeError("backward goes back through a forward: call forward first.")
        check_shape("dh", dh, *self.x.shape[:2], self.units)

    def _states(self, given: Sequence[Array], names: Sequence[str], B: int) -> tuple[Array, ...]:
        """The states given, or zeros where there are none."""
        if not given:
            return tuple(np.zeros((B, self.units)) for _ in names)
        self._check_count(given, names)
        for name, array in zip(names, given, strict=True):
            check_shape(name, array, B, self.units)
        return tuple(given)

    def _check_count(self, given: Sequence[Array], names: Sequence[str]) -> None:
        if len(given) not in (0, len(names)):
            raise ValueError(
                f"{type(self).__name__} has the state {', '.join(names)}: give all or nothing, "
                f"but {len(given)} came."
            )


def named(kind: str, name: str, choices: Mapping[str, Entry]) -> Entry:
    """The entry of that name; a ValueError with the names there are if it is none of them."""
    if name not in choices:
        raise ValueError(f"The {kind} {name!r} is none of {', '.join(choices)}.")
    return choices[name]
