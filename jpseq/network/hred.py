"""HRED: a network that reads a whole conversation before it replies (Serban et al. 2016)."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from jpseq.batch import Batch
from jpseq.network.attention import Score
from jpseq.network.attentional_decoder import AttentionalDecoder
from jpseq.network.conditioned_decoder import Conditioned, ConditionedDecoder
from jpseq.network.conversation import Talk, take, turns_of, unfold
from jpseq.network.decoder import Decoder
from jpseq.network.encoder import Encoder
from jpseq.network.loss import Loss
from jpseq.network.recurrent import Cell, Recurrent
from jpseq.network.seq2seq import start_embeddings

ABOUT = 16
"""Features that say who speaks, and when."""


class Replies(NamedTuple):
    """All replies of a batch of dialogues, R of them, and what each answers."""

    condition: Tensor
    """(R, K) the context before the reply, and who replies and when, where the network knows it."""
    memory: Batch
    """values (R, S, hidden_size), the words of the utterance before."""
    target: Batch
    """values (R, T) ids of the reply, from start to end."""
    vectors: Tensor
    """(R, hidden_size) the reply itself, encoded."""


class HRED(nn.Module):
    """A hierarchical recurrent encoder–decoder.

        v_n = encoder(w_n)                       an utterance becomes a vector
        c_n = recurrent(v_n, c_{n-1})            the conversation so far becomes the context
        w_{n+1} ~ decoder started from c_n       the reply

    All utterances of a batch are encoded as one flat batch, and all replies decoded in one call.
    Each utterance but the first of a dialogue is a reply.

    Args:
        vocabulary_size: number of ids.
        embedding_size: features of an embedded word; all sides share the embedding.
        hidden_size: features of an encoded utterance, and of the decoder's state (even).
        context_size: features of c.
        cell, layers, dropout: as in Recurrent; the context layer is a single one.
        word_drop: share of words left blank while training, of those that the encoder reads.
        target_drop: the same, of the previous words of the reply.
        attention: how the decoder looks at the utterance before, as in Attention; None for not.
        speakers: of how many different speakers the network knows who speaks and who replies; 0 for
            not at all.
        positions: of how many places in a dialogue it knows them apart (those beyond are one); 0
            for not at all.
        latent_size: features that a network made of this one gives to its decoder besides.
    """

    def __init__(
        self,
        vocabulary_size: int,
        embedding_size: int,
        hidden_size: int,
        context_size: int,
        cell: Cell = "gru",
        layers: int = 1,
        dropout: float = 0.0,
        word_drop: float = 0.0,
        target_drop: float = 0.0,
        attention: Score | None = None,
        speakers: int = 0,
        positions: int = 0,
        latent_size: int = 0,
    ) -> None:
        super().__init__()
        sizes = (vocabulary_size, embedding_size, hidden_size)
        encoder = Encoder(*sizes, cell, layers, dropout, word_drop)
        decoder: Decoder = (
            Decoder(*sizes, cell, layers, dropout, word_drop=target_drop)
            if attention is None
            else AttentionalDecoder(
                *sizes,
                memory_size=hidden_size,
                cell=cell,
                layers=layers,
                dropout=dropout,
                word_drop=target_drop,
                attention=attention,
            )
        )
        self.encoder, decoder = start_embeddings(encoder, decoder, shared=True)
        self.speakers = nn.Embedding(speakers, ABOUT) if speakers else None
        self.positions = nn.Embedding(positions, ABOUT) if positions else None
        about = ABOUT * (bool(speakers) + bool(positions))
        self.context = Recurrent(cell, hidden_size + about, context_size)
        self.known = context_size + about
        """K"""
        self.decoder = ConditionedDecoder(decoder, self.known + latent_size, latent_size > 0)

    def encode(self, talk: Talk, speakers: Tensor) -> Conditioned:
        """The state before the first word of the reply to each dialogue.

        Args:
            talk: D dialogues, as far as they have come.
            speakers: (D,) who replies.
        """
        return self.decoder.begin(*self.before(talk, speakers))

    def before(self, talk: Talk, speakers: Tensor) -> tuple[Tensor, Batch]:
        """(D, K) what is known before the reply to each dialogue, and the last utterances' words,
        values (D, S, hidden_size)."""
        memory, _, contexts = self._read(talk)
        turns = turns_of(talk.utterances)
        last = torch.cumsum(turns, 0) - 1
        return self._about(contexts[last], speakers, turns), take(memory, last)

    def replies(self, talk: Talk) -> Replies:
        """Every reply of the dialogues with what was said before it."""
        memory, vectors, contexts = self._read(talk)
        places = talk.places
        replies = (places > 0).nonzero()[:, 0]
        condition = self._about(contexts[replies - 1], talk.speakers[replies], places[replies])
        target = take(talk.utterances, replies)
        return Replies(condition, take(memory, replies - 1), target, vectors[replies])

    def _read(self, talk: Talk) -> tuple[Batch, Tensor, Tensor]:
        """All utterances: their words (U, S, hidden_size), themselves, and the contexts after."""
        memory, state = self.encoder(talk.read)
        vectors = state.hidden[-1]
        turns = turns_of(talk.utterances)
        said = unfold(self._about(vectors, talk.speakers, talk.places), turns)
        contexts, _ = self.context(said)
        return memory, vectors, contexts.values[contexts.mask]

    def _about(self, vectors: Tensor, speakers: Tensor, places: Tensor) -> Tensor:
        """(B, F) vectors with who speaks and when."""
        parts = [vectors]
        if self.speakers is not None:
            parts.append(self.speakers(speakers.clamp(max=self.speakers.num_embeddings - 1)))
        if self.positions is not None:
            parts.append(self.positions(places.clamp(max=self.positions.num_embeddings - 1)))
        return torch.cat([part.to(vectors.dtype) for part in parts], dim=1)

    def step(self, previous: Tensor, state: Conditioned) -> tuple[Tensor, Conditioned]:
        """One step of search: (B,) ids and a state → (B, V) scores and the next state."""
        return self.decoder.step(previous, state)

    def loss(self, talk: Talk) -> Loss:
        """Cross-entropy of all words of all replies, summed, and how many they are."""
        replies = self.replies(talk)
        state = self.decoder.begin(replies.condition, replies.memory)
        total = self.decoder.nll(replies.target, state)
        return Loss(total, (replies.target.lengths - 1).sum())
