"""A network: a recurrent layer, a linear layer that reads it, and how it is trained."""

from collections.abc import Iterable

import numpy as np

from jpseq.scratch.clipping import clip_by_norm
from jpseq.scratch.layer import Array, Layer, Linear
from jpseq.scratch.losses import Loss, Target
from jpseq.scratch.optimizers import Optimizer
from jpseq.scratch.recurrent import Recurrent


class Network(Layer):
    """x_t -> recurrent -> h_t -> linear -> y_t, at every step.

    Args:
        recurrent: any recurrent layer, of H units.
        outputs: O.
        rng: a generator, or a seed for one.

    Parameters: those of both layers, as "recurrent.W_x" ..., "linear.W", "linear.b". They are the
    very arrays of the layers, so that changing them in place changes the layers.
    """

    def __init__(
        self, recurrent: Recurrent, outputs: int, rng: np.random.Generator | int = 0
    ) -> None:
        self.recurrent = recurrent
        self.linear = Linear(recurrent.units, outputs, rng)
        super().__init__(
            {f"recurrent.{name}": array for name, array in recurrent.parameters.items()}
            | {f"linear.{name}": array for name, array in self.linear.parameters.items()}
        )

    def forward(self, x: Array, *state: Array) -> Array:
        """x (B, T, I) -> y (B, T, O); the state is that of the recurrent layer."""
        return self.linear.forward(self.recurrent.forward(x, *state))

    def backward(self, dy: Array) -> Array:
        """dy (B, T, O) -> dx (B, T, I), with the gradients of both layers."""
        dx = self.recurrent.backward(self.linear.backward(dy))
        self.gradients = {
            f"recurrent.{name}": array for name, array in self.recurrent.gradients.items()
        } | {f"linear.{name}": array for name, array in self.linear.gradients.items()}
        return dx

    def learn(self, x: Array, target: Target, loss: Loss) -> float:
        """Forward, loss, backward: returns the loss and leaves the gradients.

        The target is for the last K steps, target (B, K, ...): all of them where K is T, and only
        the last where the network answers when it has read everything. The other steps' outputs
        are free.
        """
        y = self.forward(x)
        K = target.shape[1]
        dy = np.zeros_like(y)
        value, dy[:, -K:] = loss(y[:, -K:], target)
        self.backward(dy)
        return value


def train(
    network: Network,
    batches: Iterable[tuple[Array, Target]],
    loss: Loss,
    optimizer: Optimizer,
    max_norm: float = 1.0,
) -> list[float]:
    """One step of the optimiser a batch; returns the loss of each, before its step.

    Args:
        max_norm: gradients longer than this are clipped; float("inf") for never.
    """
    losses = []
    for x, target in batches:
        losses.append(network.learn(x, target, loss))
        clip_by_norm(network.gradients, max_norm)
        optimizer.step(network.parameters, network.gradients)
    return losses
