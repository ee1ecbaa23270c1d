"""Truncated backpropagation through time (打ち切り BPTT; Williams & Peng 1990).

BPTT over a sequence of T steps has to keep all T of them. Truncated, the sequence is cut into
windows. The state goes on from one to the next, so that forwards nothing changes at all; backwards,
the gradient stops at the beginning of each window:

    window 1            window 2            window 3
    x_1 ... x_k    →    x_k+1 ... x_2k  →   x_2k+1 ... x_3k          the state goes on
    ←←←←←←←←←←←    |    ←←←←←←←←←←←←←   |   ←←←←←←←←←←←←←←           the gradient does not

The network can still use what it saw longer ago than k steps, but it gets no credit for having
remembered it: what must be stored for longer than a window is learnt by luck only.
"""

from collections.abc import Iterator

from jpseq.scratch.layer import Array
from jpseq.scratch.losses import Loss, Target
from jpseq.scratch.network import Network


def truncated_bptt(
    network: Network, x: Array, target: Target, loss: Loss, window: int
) -> Iterator[tuple[float, float]]:
    """Go through a sequence window by window; after each, `network.gradients` are that window's.

    Not for a bidirectional layer: what reads from the end begins at the end, and cannot be cut so.
    One may make a step of the optimiser after each window, which is what makes it fast, or sum.

    Args:
        x: (B, T, I).
        target: (B, T, ...), for every step.
        loss: gives the mean over the steps it is given.
        window: k, at least 1; the last window is what remains.

    Yields:
        The loss of the window, and the window's share of all steps, for sums that are means.
    """
    T = x.shape[1]
    if window < 1:
        raise ValueError(f"A window has at least one step, but {window} came.")
    if target.shape[:2] != x.shape[:2]:
        raise ValueError(
            f"target should begin with the shape {x.shape[:2]} of x, but has {target.shape}."
        )
    state: tuple[Array, ...] = ()
    for start in range(0, T, window):
        steps = slice(start, start + window)
        y = network.forward(x[:, steps], *state)
        value, dy = loss(y, target[:, steps])
        network.backward(dy)
        state = network.recurrent.state
        yield value, y.shape[1] / T
