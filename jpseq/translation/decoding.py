"""From ids of sources to ids of translations: search and sampling, many sources side by side."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from jpseq.batch import Batch
from jpseq.network.beam import Hypothesis, Scoring, beam_search
from jpseq.network.search import Choice, decode
from jpseq.sequences import Ragged
from jpseq.vocabulary import UNKNOWN

PAD, START, END = "<pad>", "<s>", "</s>"
SPECIALS = (PAD, UNKNOWN, START, END)
ENDS: dict[str, Any] = {"start": SPECIALS.index(START), "end": SPECIALS.index(END)}
BATCH = 64
"""Sentences that are translated side by side."""


def search(
    network: Any,
    sources: Ragged,
    *,
    beam: int,
    scoring: Scoring = Scoring(),  # noqa: B008  # it cannot be changed
    max_length: int | None = None,
    unknown: bool = False,
    **rules: Any,
) -> list[list[Hypothesis]]:
    """Hypotheses for each source; sources of about the same length are side by side.

    It searches on the network's own device: while it is trained, that is the accelerator.

    Args:
        network: has `encode`, `step` and `parameters`.
        sources: ids.
        beam, scoring, rules: as in beam_search.
        max_length: in words; twice as many as the source has and ten where left out.
        unknown: whether "<unk>" may be written.
    """
    order = np.argsort(sources.lengths, kind="stable")
    done: list[list[Hypothesis]] = []
    device = next(network.parameters()).device
    for some in _parts(sources.take(order)):
        with torch.no_grad():
            state = network.encode(Batch.from_ragged(some, device))
        done += beam_search(
            network.step,
            state,
            size=len(some),
            max_length=_limits(some, max_length),
            beam=beam,
            scoring=scoring,
            forbidden=_forbidden(unknown),
            places=some.lengths.tolist(),
            device=device,
            **ENDS,
            **rules,
        )
    return [done[place] for place in np.argsort(order)]


def draw(network: Any, sources: Ragged, choose: Choice) -> list[list[int]]:
    """A translation of each source, of words chosen one by one; on the network's own device."""
    written: list[list[int]] = []
    device = next(network.parameters()).device
    for some in _parts(sources):
        with torch.no_grad():
            state = network.encode(Batch.from_ragged(some, device))
        drawn = decode(
            network.step,
            state,
            size=len(some),
            max_length=_limits(some, None),
            choose=choose,
            forbidden=_forbidden(unknown=False),
            device=device,
            **ENDS,
        )
        written += drawn.to_ragged().tolist()
    return written


def _forbidden(unknown: bool) -> list[int]:
    names = (PAD, START) if unknown else (PAD, START, UNKNOWN)
    return [SPECIALS.index(name) for name in names]


def _limits(sources: Ragged, max_length: int | None) -> list[int]:
    """The longest translation of each source; of an empty one there is nothing to write."""
    lengths = sources.lengths.tolist()
    return [0 if not n else max_length or 2 * n + 10 for n in lengths]


def _parts(sources: Ragged) -> Iterator[Ragged]:
    for first in range(0, len(sources), BATCH):
        yield sources[first : first + BATCH]
