"""Beam search: the likeliest sequences, of which several are followed side by side."""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from jpseq.errors import ConfigurationError
from jpseq.network.search import Rules, Step, limits_of, select


class Hypothesis(NamedTuple):
    """A sequence that was found."""

    ids: list[int]
    """The words, without start and end."""
    score: float
    """What hypotheses are ordered by: log_p with length normalisation and coverage penalty."""
    log_p: float
    """The log probability of the words, and of the end if it has one."""
    weights: Tensor | None = None
    """(T, S) the attention weights of each word, if there is attention."""


class Scoring(NamedTuple):
    """The score of a finished hypothesis Y of a source X (Wu et al. 2016, equation 14).

        s(Y, X) = log P(Y | X) / lp(Y) + cp(X, Y)
        lp(Y) = ((5 + |Y|) / 6) ** alpha
        cp(X, Y) = beta * sum_i log(min(sum_j a_ij, 1))

    a_ij is the attention that word j pays to place i; |Y| counts the end, too.
    """

    alpha: float = 1.0
    """0 for no length normalisation: the shorter, the likelier."""
    beta: float = 0.0
    """0 for no coverage penalty."""

    def __call__(self, log_p: float, length: int, attended: Tensor | None = None) -> float:
        """The score; attended is (S,), the sum over words of the attention to each place."""
        score = log_p / float(((5 + length) / 6) ** self.alpha)
        if self.beta and attended is not None:
            # A place that got nothing at all costs much, and not everything.
            score += self.beta * float(attended.double().clamp(1e-9, 1).log().sum())
        return score


@torch.no_grad()
def beam_search(
    step: Step[Any],
    state: Any,
    *,
    size: int,
    start: int,
    end: int,
    max_length: int | Sequence[int],
    beam: int = 5,
    scoring: Scoring = Scoring(),  # noqa: B008  # it cannot be changed
    forbidden: Collection[int] = (),
    min_length: int = 0,
    no_repeat: int = 0,
    places: Sequence[int] | None = None,
    device: torch.device | str = "cpu",
) -> list[list[Hypothesis]]:
    """Follow the `beam` likeliest beginnings of each sequence, until as many have ended.

    Beginnings of one length compete by probability, finished hypotheses by their scores. With a
    beam of 1 it is greedy search; with one as wide as there are beginnings nothing is missed.
    Sequences that are done leave the batch.

    Args:
        step, state, size, start, end, forbidden, min_length, no_repeat: as in decode.
        max_length: a hypothesis that has not ended by then is cut; one number, or one for each.
        beam: K, how many are followed.
        scoring: how finished hypotheses compare.
        places: (B,) of how many places of the memory each source has; attention behind them is
            padding, and is no part of a hypothesis. All where left out.

    Returns:
        for each sequence up to K hypotheses, the best first.

    Raises:
        ConfigurationError: beam is below 1.
    """
    if beam < 1:
        raise ConfigurationError(f"beam is {beam}; it must be at least 1.")
    rules = Rules(end, forbidden, min_length, no_repeat, device)
    limits = limits_of(max_length, size, device)
    found: list[list[Hypothesis]] = [[] for _ in range(size)]
    # R sequences still going, W hypotheses of each: at first B and 1. V words, S places, t steps.
    # The network and its state have the hypotheses of all sequences in one row, RW of them.
    going = torch.arange(size, device=device)  # (R,)
    log_p = torch.zeros(size, 1, device=device)  # (R, W)
    written = torch.zeros(size, 1, 0, dtype=torch.int64, device=device)  # (R, W, t)
    seen: Tensor | None = None  # (R, W, t, S)
    previous = torch.full((size,), start, device=device)  # (RW,)

    def finish(row: int, words: Tensor, p: Tensor, length: int, weights: Tensor | None) -> None:
        """weights: (length, S), those of the end included, if it has one."""
        number = int(going[row])
        attended = None
        if weights is not None:
            weights = weights[:, : places[number] if places is not None else None]
            attended, weights = weights.sum(dim=0), weights[: len(words)]
        score = scoring(float(p), length, attended)
        found[number].append(Hypothesis(words.tolist(), score, float(p), weights))

    t = 0
    while len(going):
        width = log_p.shape[1]
        cut = limits[going] <= t  # (R,)
        if bool(cut.any()):
            for row, k in (cut[:, None] & log_p.isfinite()).nonzero().tolist():
                finish(
                    row, written[row, k], log_p[row, k], t, None if seen is None else seen[row, k]
                )
            stays = (~cut).nonzero()[:, 0]  # (R',)
            rows = (stays[:, None] * width + torch.arange(width, device=device)).flatten()  # (R'W,)
            going, log_p, written, previous = (
                going[stays],
                log_p[stays],
                written[stays],
                previous[rows],
            )
            seen = None if seen is None else seen[stays]
            state = select(state, rows)
            continue
        scores, state = step(previous, state)  # (RW, V)
        scores = scores.to(torch.promote_types(scores.dtype, torch.float32))
        # Each hypothesis can end in one way only, so that among 2K there are K that go on; and of
        # the 2K of a sequence no hypothesis has more than its own first 2K, or all V words.
        several = min(2 * beam, scores.shape[1])
        likely, word = rules.applied(scores, written.flatten(0, 1)).topk(several, dim=1)
        likely = likely - scores.logsumexp(dim=1, keepdim=True)  # (RW, 2K), as word is
        extended = log_p[:, :, None] + likely.view(-1, width, several)  # (R, W, 2K)
        # (R, W·2K) → (R, 2K), the likeliest first: log p, and where they stood.
        total, place = extended.flatten(1).topk(min(2 * beam, width * several), dim=1)
        parent = place // several  # (R, 2K) of 0 ... W - 1, which hypothesis each one goes on from
        word = word.view(-1, width * several).gather(1, place)  # (RW, 2K) → (R, 2K)
        if getattr(state, "weights", None) is not None:
            now = state.weights[:, -1].view(len(going), width, 1, -1)  # (RW, 1, S) → (R, W, 1, S)
            seen = now if seen is None else torch.cat([seen, now], dim=2)
        ended = (word == end) & total.isfinite()  # (R, 2K)
        for row, k in ended[:, :beam].nonzero().tolist():
            of = int(parent[row, k])
            finish(
                row, written[row, of], total[row, k], t + 1, None if seen is None else seen[row, of]
            )
        t += 1
        # Those that go on, the likeliest first: (R, 2K) → (R, K).
        log_p, order = total.masked_fill(word == end, -torch.inf).sort(
            dim=1, descending=True, stable=True
        )
        log_p, order = log_p[:, :beam], order[:, :beam]
        parent, word = parent.gather(1, order), word.gather(1, order)
        # Sequences that go on: R → R', and K is the next W.
        enough = torch.tensor(
            [len(found[number]) >= beam for number in going.tolist()], device=device
        )
        stays = (~enough & log_p.isfinite().any(dim=1)).nonzero()[:, 0]  # (R',)
        log_p, parent, word = log_p[stays], parent[stays], word[stays]  # (R', K)
        written = torch.cat([written[stays[:, None], parent], word[:, :, None]], dim=2)
        seen = None if seen is None else seen[stays[:, None], parent]
        state = select(state, (stays[:, None] * width + parent).flatten())
        previous, going = word.flatten(), going[stays]  # (R'K,) and (R',)
    return [sorted(some, key=lambda h: -h.score)[:beam] for some in found]
