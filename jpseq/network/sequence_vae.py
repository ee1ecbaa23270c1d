"""Autoencoders of sentences, plain and variational: a sentence becomes a point, and comes back."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from jpseq.batch import Batch
from jpseq.network.conditioned_decoder import Conditioned, ConditionedDecoder
from jpseq.network.decoder import Decoder
from jpseq.network.encoder import Encoder
from jpseq.network.latent import Annealing, Bound, Gaussian, GaussianLayer, KLTerm, Noise
from jpseq.network.loss import Loss
from jpseq.network.recurrent import Cell
from jpseq.network.seq2seq import start_embeddings


class Sentences(NamedTuple):
    """A batch of sentences, as a training takes it."""

    sentences: Batch
    """values (B, T) ids, from start to end."""


class SequenceVAE(nn.Module):
    """Encoder, code z, decoder (Bowman et al. 2016).

    Variational, the code of a sentence is a Gaussian, z is drawn from it, and the KL divergence to
    N(0, 1) keeps the codes of all sentences together: what lies between two codes is a sentence,
    too. Otherwise it is a plain autoencoder, whose codes may lie anywhere.

    Args:
        vocabulary_size, embedding_size, hidden_size, cell, layers, dropout: as in Seq2Seq.
        latent_size: Z, features of a code.
        variational: whether codes are Gaussians.
        target_drop: share of previous words that the decoder does not see while training, so that
            it has to ask the code (section 3.1.2).
        annealing, free_bits: of the KL term, see KLTerm.
    """

    def __init__(
        self,
        vocabulary_size: int,
        embedding_size: int,
        hidden_size: int,
        latent_size: int,
        variational: bool = True,
        cell: Cell = "gru",
        layers: int = 1,
        dropout: float = 0.0,
        target_drop: float = 0.0,
        annealing: Annealing = Annealing(),  # noqa: B008  # it cannot be changed
        free_bits: float = 0.0,
    ) -> None:
        super().__init__()
        sizes = (vocabulary_size, embedding_size, hidden_size)
        encoder = Encoder(*sizes, cell, layers, dropout)
        decoder = Decoder(*sizes, cell, layers, dropout, word_drop=target_drop)
        self.encoder, decoder = start_embeddings(encoder, decoder, shared=True)
        self.decoder = ConditionedDecoder(decoder, latent_size, joins=True)
        self.variational = variational
        self.latent_size = latent_size
        self.posterior = GaussianLayer(hidden_size, latent_size)
        self.kl = KLTerm(annealing, free_bits)

    def infer(self, sentences: Batch) -> Gaussian:
        """The codes of sentences, values (B, T) ids from start to end: Gaussians of (B, Z)."""
        read = Batch(sentences.values[:, 1:], sentences.lengths - 1)
        _, state = self.encoder(read)
        posterior: Gaussian = self.posterior(state.hidden[-1])
        return posterior

    def encode(self, z: Tensor) -> Conditioned:
        """The decoder's state before the first word, from (B, Z) codes."""
        return self.decoder.begin(z)

    def step(self, previous: Tensor, state: Conditioned) -> tuple[Tensor, Conditioned]:
        """One step of search: (B,) ids and a state → (B, V) scores and the next state."""
        return self.decoder.step(previous, state)

    def loss(self, batch: Sentences) -> Loss:
        """Cross-entropy of the words, and the KL term of a variational one; how many words."""
        (sentences,) = batch
        codes = self.infer(sentences)
        z = codes.sample() if self.variational else codes.mean
        total = self.decoder.nll(sentences, self.encode(z))
        if self.variational:
            total = total + self.kl(codes.kl(Gaussian.standard(codes.mean)))
        return Loss(total, (sentences.lengths - 1).sum())

    @torch.no_grad()
    def bound(self, batch: Sentences, noise: Noise) -> Bound:
        """What the bound on the likelihood of each sentence is made of, with one z each; of a
        variational one."""
        (sentences,) = batch
        codes = self.infer(sentences)
        log_p = self.decoder.log_p(sentences, self.encode(codes.sample(noise(codes.mean))))
        return Bound(log_p, Gaussian.standard(codes.mean), codes, sentences.lengths - 1)


def interpolate(first: Tensor, last: Tensor, steps: int) -> Tensor:
    """(steps, Z) codes on the line from one (Z,) to another, both included."""
    share = torch.linspace(0, 1, steps, dtype=first.dtype, device=first.device)[:, None]
    return first + share * (last - first)
