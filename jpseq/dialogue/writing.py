"""From conversations to replies: greedy, with a beam, or drawn; many side by side."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch

from jpseq.dialogue.reading import ENDS, NEVER, Ids, Reading
from jpseq.dialogue.reranking import scores
from jpseq.network.beam import beam_search
from jpseq.network.sampling import sampled
from jpseq.network.search import Choice, decode, decoding, greedy
from jpseq.network.vhred import VHRED

BATCH, TURNS = 64, 1600
"""At most so many replies are written side by side, and so many turns read before them."""


@torch.no_grad()
def reranked(
    network: Any,
    reading: Reading,
    histories: Sequence[Sequence[Ids]],
    *,
    max_length: int,
    seed: int,
    candidates: int,
    temperature: float,
    weight: float,
) -> list[list[int]]:
    """The best of several replies to each history, drawn and then compared (see reranking).

    What is said to a history depends on it and the seed alone, and not on the others.
    """
    found = []
    for history in histories:
        several = write(
            network,
            reading,
            [history] * candidates,
            max_length=max_length,
            temperature=temperature,
            seed=seed,
            draw=seed,
        )
        distinct = sorted(set(map(tuple, several)))
        best = scores(network, reading, history, distinct, weight).argmax()
        found.append(list(distinct[int(best)]))
    return found


@torch.no_grad()
def write(
    network: Any,
    reading: Reading,
    histories: Sequence[Sequence[Ids]],
    *,
    max_length: int,
    beam: int = 1,
    temperature: float = 0.0,
    seed: int = 0,
    draw: int | None = None,
) -> list[list[int]]:
    """A reply to each history.

    Args:
        network: has `encode` and `step`.
        reading: how it reads.
        histories: of each the last turns as ids, at least one.
        max_length: in words.
        beam: how many hypotheses are followed where no words are drawn.
        temperature: above 0, words are drawn.
        seed: of the words drawn.
        draw: of a VHRED, the seed of z; None for its mean.

    Raises:
        ConfigurationError: beam is below 1.
    """
    choose = _choice(temperature, seed)
    latent = np.random.default_rng(draw)
    written: list[list[int]] = []
    size = max(1, min(BATCH, TURNS // max(map(len, histories), default=1)))
    for first in range(0, len(histories), size):
        some = histories[first : first + size]
        state = _begun(network, reading, some, None if draw is None else latent)
        search: dict[str, Any] = {"size": len(some), "max_length": max_length, "forbidden": NEVER}
        if beam != 1 and temperature <= 0:
            found = beam_search(network.step, state, beam=beam, **search, **ENDS)
            written += [hypotheses[0].ids for hypotheses in found]
        else:
            drawn = decode(network.step, state, choose=choose, **search, **ENDS)
            written += drawn.to_ragged().tolist()
    return written


def word_by_word(
    network: Any,
    reading: Reading,
    history: Sequence[Ids],
    *,
    max_length: int,
    temperature: float = 0.0,
    seed: int = 0,
    draw: int | None = None,
) -> Iterator[list[int]]:
    """The reply that `write` gives to one history, as far as it has come, after each word."""
    with torch.no_grad():
        state = _begun(
            network, reading, [history], None if draw is None else np.random.default_rng(draw)
        )
    choose = _choice(temperature, seed)
    search: dict[str, Any] = {"size": 1, "max_length": max_length, "forbidden": NEVER}
    for written, lengths in decoding(network.step, state, choose=choose, **search, **ENDS):
        yield written[0, : int(lengths[0])].tolist()


def _choice(temperature: float, seed: int) -> Choice:
    if temperature <= 0:
        return greedy
    return sampled(temperature, torch.Generator().manual_seed(seed))


def _begun(
    network: Any,
    reading: Reading,
    histories: Sequence[Sequence[Ids]],
    latent: np.random.Generator | None,
) -> Any:
    """The state before the first word; of a VHRED with z drawn, if there is something to draw."""
    options: dict[str, Any] = {}
    if latent is not None and isinstance(network, VHRED):
        noise = latent.standard_normal((len(histories), network.latent_size))
        options = {"noise": torch.from_numpy(noise).float()}
    return network.encode(*reading.before(histories), **options)
