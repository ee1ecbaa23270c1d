"""Of several replies that were drawn, the one that answers this and not anything.

The likeliest reply is the one that fits everywhere: "yes", "I see". Maximum mutual information asks
for a reply that is likely here and not elsewhere (Li et al. 2016, equation 9):

    score(T | S) = (log p(T | S) - weight * log p(T)) / |T|

p(T), how likely the reply is whatever was said, is what the network itself gives after a turn
without words. The end counts in |T|. (There it is a sum with a bonus for length, and not a mean.)
Of a latent variable model both are taken with z at the mean of the prior.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from jpseq.batch import Batch
from jpseq.dialogue.reading import ENDS, Ids, Reading
from jpseq.network.search import forced, select
from jpseq.sequences import Ragged


def scores(
    network: Any,
    reading: Reading,
    history: Sequence[Ids],
    replies: Sequence[Sequence[int]],
    weight: float,
) -> torch.Tensor:
    """(N,) the scores of replies to one history."""
    batch = Batch.from_ragged(Ragged.from_sequences(replies))
    here = _log_p(network, reading, history, batch)
    nothing = [np.zeros(0, np.int32)]
    anywhere = _log_p(network, reading, nothing, batch) if weight else 0.0
    return (here - weight * anywhere) / (batch.lengths + 1)


@torch.no_grad()
def _log_p(network: Any, reading: Reading, history: Sequence[Ids], replies: Batch) -> torch.Tensor:
    state = network.encode(*reading.before([history]))
    state = select(state, torch.zeros(len(replies), dtype=torch.int64))
    return forced(network.step, state, replies, **ENDS)
