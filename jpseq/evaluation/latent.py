"""Latent variables: whether they are used, and how likely replies are under all their values."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from jpseq.batch import moved
from jpseq.network.conversation import Talk
from jpseq.network.latent import Bound
from jpseq.network.sequence_vae import Sentences, SequenceVAE
from jpseq.network.vhred import VHRED

ACTIVE = 0.01
"""Variance from which on a unit is active (Burda et al. 2016, section 4)."""

LOG = logging.getLogger("jpseq.evaluation")
DEAD = (
    "the latent variable is dead: no unit says anything of the text, and every z gives the same"
    " words. Let the KL term rise more slowly (latent.anneal) or several times (latent.cycles),"
    " leave some nats of each unit free (latent.free_bits, for instance 0.05), leave previous words"
    " blank (reply_drop, for instance 0.25), or ask for the words of the reply in any order"
    " (latent.bag_of_words, for instance 0.3)."
)
"""The names are those of a Chatbot; SequenceVAE has annealing, free_bits and target_drop."""


@dataclass(frozen=True)
class LatentUse:
    """What a latent variable does for some texts: the replies of dialogues, or sentences."""

    reconstruction: float
    """Nats a word: the negative log-likelihood of the words, given z from the posterior."""
    kl: float
    """Nats a reply: how far the posterior is from the prior."""
    active: int
    """Units whose posterior mean varies between replies by more than 0.01, counted from the mean of
    the prior and in its standard deviations. (What the prior knows already says nothing of the
    reply; where it is N(0, 1), this is what Burda et al. count.)"""
    units: int
    words: int
    """Predicted, ends included."""
    replies: int

    @property
    def nll(self) -> float:
        """Nats a word: the negative of the bound, so a little above the true one."""
        return self.reconstruction + self.kl * self.replies / max(1, self.words)

    @property
    def is_dead(self) -> bool:
        """Whether no unit is active, of more than one reply: nothing varies within one."""
        return self.active == 0 and self.replies > 1


@torch.no_grad()
def latent_use(
    network: VHRED | SequenceVAE, texts: Iterable[Talk | Sentences], seed: int = 0
) -> LatentUse:
    """Look at the replies of dialogues, or at sentences, with one z for each from the posterior.

    Args:
        network: a VHRED, or a variational SequenceVAE.
        texts: batches as it learns from; how they are cut changes nothing.
        seed: of the draws.
    """
    draw = np.random.default_rng(seed)
    network.eval()
    log_p = kl = 0.0
    words = replies = 0
    total = squares = torch.zeros(network.latent_size, dtype=torch.float64)
    for batch in texts:
        bound: Bound = network.bound(moved(batch, network.kl.updates.device), partial(_noise, draw))
        prior, posterior = bound.prior, bound.posterior
        log_p += float(bound.log_p.double().sum())
        kl += float(posterior.kl(prior).double().sum())
        shift = (posterior.mean - prior.mean) * torch.exp(-prior.log_variance / 2)
        shift = shift.double().cpu()
        total, squares = total + shift.sum(dim=0), squares + (shift**2).sum(dim=0)
        words += int(bound.words.sum())
        replies += len(shift)
    variance = squares / max(1, replies) - (total / max(1, replies)) ** 2
    return LatentUse(
        -log_p / max(1, words),
        kl / max(1, replies),
        int((variance > ACTIVE).sum()),
        network.latent_size,
        words,
        replies,
    )


def told(network: VHRED | SequenceVAE, use: LatentUse) -> dict[str, float]:
    """What is told after an epoch of training; a latent variable that is dead is warned of.

    Before the KL term has counted in full it may only be asleep.
    """
    if use.is_dead and network.kl.has_risen:
        LOG.warning(DEAD)
    return {"reconstruction": use.reconstruction, "kl": use.kl, "active_units": float(use.active)}


@torch.no_grad()
def importance_weighted(
    network: VHRED, talks: Iterable[Talk], draws: int = 16, seed: int = 0
) -> tuple[float, int]:
    """A bound on the likelihood that is tighter than the one learnt, the more draws the tighter.

    log p(w | c) >= E[log 1/L sum_l p(w | z_l, c) p(z_l | c) / q(z_l | c, w)] (Burda et al. 2016,
    equation 8), of each reply on its own: given the words said, the latent variables of the replies
    of a dialogue are independent, so that the sum over its replies bounds the dialogue.

    Args:
        network: a VHRED.
        talks: batches of dialogues; how they are cut into batches changes nothing.
        draws: L.
        seed: of the draws.

    Returns:
        nats a word, as a negative log-likelihood, and how many words there are.
    """
    draw = np.random.default_rng(seed)
    network.eval()
    total, words, device = 0.0, 0, network.kl.updates.device
    for some in talks:
        talk: Talk = moved(some, device)
        replies = talk.places > 0
        like = torch.zeros(int(replies.sum()), draws * network.latent_size, device=device)
        noise = _noise(draw, like).view(len(like), draws, -1).transpose(0, 1)
        weights = network.log_weights(talk, noise).double()
        total += float((weights.logsumexp(dim=0) - np.log(draws)).sum())
        words += int((talk.utterances.lengths - 1)[replies].sum())
    return -total / max(1, words), words


def _noise(draw: np.random.Generator, like: Tensor) -> Tensor:
    """N(0, 1), drawn reply after reply, so that it does not depend on the batches."""
    return torch.from_numpy(draw.standard_normal(like.shape)).to(like)
