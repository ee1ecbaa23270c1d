"""Optimisers (最適化手法): how a parameter θ is changed, given its gradient g.

    optimizer = Adam(0.001)
    optimizer.step(network.parameters, network.gradients)

The arrays are changed in place, so that the network sees it. `learning_rate` may be changed between
steps, for instance to let it decay.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping

import numpy as np

from jpseq.scratch.layer import Array


class Optimizer(ABC):
    """Base of the optimisers."""

    def __init__(self, learning_rate: float) -> None:
        self.learning_rate = learning_rate

    @abstractmethod
    def step(self, parameters: Mapping[str, Array], gradients: Mapping[str, Array]) -> None:
        """Change every parameter in place; the gradients have the same names and shapes."""


class SGD(Optimizer):
    """Gradient descent (確率的勾配降下法): θ ← θ - η g."""

    def step(self, parameters: Mapping[str, Array], gradients: Mapping[str, Array]) -> None:
        for name, theta in parameters.items():
            theta -= self.learning_rate * gradients[name]


class Momentum(Optimizer):
    """Gradient descent with momentum (慣性項):

        v ← μ v + g
        θ ← θ - η v

    A ball that rolls: what points the same way again and again adds up, to 1 / (1 - μ) times g, and
    what swings to and fro cancels.
    """

    def __init__(self, learning_rate: float, momentum: float = 0.9) -> None:
        super().__init__(learning_rate)
        self.momentum = momentum
        self.v: dict[str, Array] = {}

    def step(self, parameters: Mapping[str, Array], gradients: Mapping[str, Array]) -> None:
        for name, theta in parameters.items():
            v = self.v.setdefault(name, np.zeros_like(theta))
            v *= self.momentum
            v += gradients[name]
            theta -= self.learning_rate * v


class Adam(Optimizer):
    """Adam (Kingma & Ba 2015, algorithm 1):

        m ← β1 m + (1 - β1) g           the mean of g
        v ← β2 v + (1 - β2) g²          the mean of g²
        m̂ = m / (1 - β1^t)              both begin at 0 and are too small at first;
        v̂ = v / (1 - β2^t)              this makes up for it exactly
        θ ← θ - η m̂ / (√v̂ + ε)

    A step is about η long in every parameter, however large or small its gradients are. The
    constants are the authors'.
    """

    def __init__(
        self, learning_rate: float, beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8
    ) -> None:
        super().__init__(learning_rate)
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.t = 0
        self.m: dict[str, Array] = {}
        self.v: dict[str, Array] = {}

    def step(self, parameters: Mapping[str, Array], gradients: Mapping[str, Array]) -> None:
        self.t += 1
        for name, theta in parameters.items():
            g = gradients[name]
            m = self.m.setdefault(name, np.zeros_like(theta))
            v = self.v.setdefault(name, np.zeros_like(theta))
            m += (1 - self.beta1) * (g - m)
            v += (1 - self.beta2) * (g**2 - v)
            m_hat = m / (1 - self.beta1**self.t)
            v_hat = v / (1 - self.beta2**self.t)
            theta -= self.learning_rate * m_hat / (np.sqrt(v_hat) + self.epsilon)
