"""Why a network gave a reply: what it looked at, how likely the reply was, what z did.

Where the network has attention, its weights tell what it looked at, in the mean over the words of
the reply. Where it has none, each word of the last turn is left out in turn: what makes the reply
less likely when it is missing has mattered (Li et al. 2016, "Understanding neural networks through
representation erasure", section 5).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from jpseq.batch import Batch
from jpseq.dialogue.reading import ENDS, ByTurn, Ids, Reading
from jpseq.dialogue.reranking import scores
from jpseq.network.search import forced
from jpseq.network.vhred import VHRED
from jpseq.sequences import Ragged

SHOWN = 5
"""Words that are told of."""


@torch.no_grad()
def explain(
    network: Any, reading: Reading, history: Sequence[Ids], last: Sequence[str], reply: list[int]
) -> dict[str, str]:
    """What there is to say of a reply, by name.

    Args:
        network, reading: of a bot.
        history: the turns that were read, as ids.
        last: the words of the last of them.
        reply: the ids of its words.
    """
    found = {"turns read": str(len(history))}
    heard, places = reading.heard(last), reading.heard(range(len(last)))
    weights = attention(network, reading, history, reply)
    if weights is not None:
        found["attended to"] = _words([*heard, "(end)"], weights.tolist())
    elif heard:
        found["mattered"] = _words(heard, erased(network, reading, history, places, reply))
    here, both = (float(scores(network, reading, history, [reply], w)[0]) for w in (0.0, 1.0))
    found["nats a word"] = f"{-here:.2f} after this, {both - here:.2f} after nothing"
    if isinstance(network, VHRED) and isinstance(reading, ByTurn):
        said = reading.before([[*history, np.array(reply, np.int32)]])[0]
        inferred = network.infer(said)
        kl = inferred.posterior.kl(inferred.prior)[-1]
        active = int((kl > 0.01).sum())
        found["z"] = f"KL {float(kl.sum()):.2f} nats; {active} of {len(kl)} units above 0.01"
    return found


def attention(
    network: Any, reading: Reading, history: Sequence[Ids], reply: list[int]
) -> torch.Tensor | None:
    """(S,) the mean attention to the words of the last turn and its end; None without attention."""
    state = network.encode(*reading.before([history]))
    rows = []
    for previous in (ENDS["start"], *reply):
        _, state = network.step(torch.tensor([previous]), state)
        weights = getattr(state, "weights", None)
        if weights is None:
            return None
        rows.append(weights[0, -1])
    return torch.stack(rows).mean(dim=0)


def erased(
    network: Any,
    reading: Reading,
    history: Sequence[Ids],
    places: Sequence[int],
    reply: list[int],
) -> list[float]:
    """By how many nats the reply is less likely without the words in some places of the last
    turn, each left out alone."""
    *before, turn = history
    without = [[*before, np.delete(turn, place)] for place in places]
    state = network.encode(*reading.before([history, *without]))
    target = Batch.from_ragged(Ragged.from_sequences([reply] * (len(without) + 1)))
    whole, *rest = forced(network.step, state, target, **ENDS).tolist()
    return [whole - one for one in rest]


def _words(words: Sequence[str], weights: Sequence[float]) -> str:
    """The words with the greatest weights, in their order."""
    best = sorted(np.argsort(weights)[::-1][:SHOWN].tolist())
    return "  ".join(f"{words[place]} {weights[place]:.2f}" for place in best)
