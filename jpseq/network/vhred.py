"""VHRED: HRED with a latent variable for what a reply will be about (Serban et al. 2017)."""

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from jpseq.batch import Batch
from jpseq.network.conditioned_decoder import Conditioned
from jpseq.network.conversation import Talk
from jpseq.network.hred import HRED, Replies
from jpseq.network.latent import Annealing, Bound, Gaussian, GaussianLayer, KLTerm, Noise
from jpseq.network.loss import Loss


class Inferred(NamedTuple):
    """What is known of the latent variables of R replies."""

    replies: Replies
    prior: Gaussian
    """p(z | context)"""
    posterior: Gaussian
    """q(z | context, reply)"""


class VHRED(HRED):
    """A reply is drawn in two steps: first what it will be about, then its words.

        z_n ~ p(z | c_{n-1})                     the prior, all that is known when replying
        w_n ~ decoder started from [c_{n-1}; z_n], which joins each word that it reads, too

    It learns by a bound on log p(w_n | c_{n-1}), with z from the posterior, which has seen the
    reply (sections 3 and 4 there):

        log p(w_n | c) >= E_q[log p(w_n | z, c)] - KL(q(z | c, w_n) || p(z | c))

    Args:
        latent_size: Z, features of z.
        annealing, free_bits: of the KL term, see KLTerm.
        bag_of_words: weight of a second loss while training: the words of the reply, in any order,
            foreseen from c and z alone (Zhao et al. 2017, section 3.3).
        options: as in HRED, by name.
    """

    def __init__(
        self,
        latent_size: int,
        annealing: Annealing = Annealing(),  # noqa: B008  # it cannot be changed
        free_bits: float = 0.0,
        bag_of_words: float = 0.0,
        **options: Any,
    ) -> None:
        super().__init__(latent_size=latent_size, **options)
        decoder = self.decoder.decoder
        both, width = self.known + latent_size, decoder.embedding.embedding_dim
        self.latent_size = latent_size
        self.prior = GaussianLayer(self.known, latent_size)
        self.posterior = GaussianLayer(self.known + decoder.hidden_size, latent_size)
        self.kl = KLTerm(annealing, free_bits)
        self.bag_of_words = bag_of_words
        # Processes that train together wait for the gradient of every weight there is.
        self.bag = nn.Sequential(nn.Linear(both, width), nn.Tanh()) if bag_of_words else None

    def encode(self, talk: Talk, speakers: Tensor, noise: Tensor | None = None) -> Conditioned:
        """The state before the first word of the reply to each dialogue.

        Args:
            talk: D dialogues, as far as they have come.
            speakers: (D,) who replies.
            noise: (D, Z) drawn from N(0, 1), for z from the prior; its mean where left out.
        """
        condition, memory = self.before(talk, speakers)
        prior = self.prior(condition)
        z = prior.mean if noise is None else prior.sample(noise)
        return self.decoder.begin(torch.cat([condition, z], dim=1), memory)

    def infer(self, talk: Talk) -> Inferred:
        """Prior and posterior of every reply."""
        replies = self.replies(talk)
        both = torch.cat([replies.condition, replies.vectors], dim=1)
        return Inferred(replies, self.prior(replies.condition), self.posterior(both))

    def loss(self, talk: Talk) -> Loss:
        """The negative bound with one z a reply, summed, and how many words there are.

        While training the KL term is that of KLTerm, and the bag-of-words loss is added.
        """
        replies, prior, posterior = self.infer(talk)
        known = torch.cat([replies.condition, posterior.sample()], dim=1)
        state = self.decoder.begin(known, replies.memory)
        total = self.decoder.nll(replies.target, state) + self.kl(posterior.kl(prior))
        if self.training and self.bag is not None:
            bags = self.bag(known)
            total = total + self.bag_of_words * self._unordered(bags, replies.target)
        return Loss(total, (replies.target.lengths - 1).sum())

    def _unordered(self, bags: Tensor, target: Batch) -> Tensor:
        """() the negative log-likelihood of the words of each reply, each from its one bag."""
        scores = self.decoder.decoder.logits(bags)
        log_p = scores.to(torch.promote_types(scores.dtype, torch.float32)).log_softmax(dim=1)
        words = Batch(target.values[:, 1:], target.lengths - 1)
        return -(log_p.gather(1, words.values) * words.mask).sum()

    @torch.no_grad()
    def reconstruct(self, inferred: Inferred, noise: Tensor) -> tuple[Tensor, Tensor]:
        """How likely the words of each reply are for a z from its posterior.

        Args:
            inferred: of R replies.
            noise: (R, Z) drawn from N(0, 1).

        Returns:
            z (R, Z), and (R,) log p(w | z, c) in nats.
        """
        replies, z = inferred.replies, inferred.posterior.sample(noise)
        state = self.decoder.begin(torch.cat([replies.condition, z], dim=1), replies.memory)
        return z, self.decoder.log_p(replies.target, state)

    @torch.no_grad()
    def bound(self, talk: Talk, noise: Noise) -> Bound:
        """What the bound on the likelihood of each reply is made of, with one z each."""
        inferred = self.infer(talk)
        replies, prior, posterior = inferred
        _, log_p = self.reconstruct(inferred, noise(posterior.mean))
        return Bound(log_p, prior, posterior, replies.target.lengths - 1)

    @torch.no_grad()
    def log_weights(self, talk: Talk, noise: Tensor) -> Tensor:
        """log of p(w | z, c) p(z | c) / q(z | c, w) for z drawn from the posterior.

        The mean over draws of these logarithms estimates the bound that is learnt; the logarithm of
        the mean of the weights a tighter one (Burda et al. 2016, equation 8).

        Args:
            talk: dialogues with R replies in all.
            noise: (L, R, Z) drawn from N(0, 1).

        Returns:
            (L, R) nats.
        """
        inferred = self.infer(talk)
        weights = []
        for one in noise:
            z, log_p = self.reconstruct(inferred, one)
            weights.append(log_p + inferred.prior.log_p(z) - inferred.posterior.log_p(z))
        return torch.stack(weights)
