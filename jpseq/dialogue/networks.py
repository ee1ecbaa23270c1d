"""The networks that can stand behind a bot, and what they begin with."""

import logging
from typing import TYPE_CHECKING, Any

from torch import nn

from jpseq.dialogue.configuration import hierarchy, latent
from jpseq.errors import ConfigurationError
from jpseq.network.hred import HRED
from jpseq.network.latent import Annealing
from jpseq.network.seq2seq import Seq2Seq
from jpseq.network.vhred import VHRED
from jpseq.training.pretrained import Reader, begin_with, begin_with_encoder
from jpseq.vectors import Embeddings
from jpseq.vocabulary import Vocabulary

if TYPE_CHECKING:
    from jpseq.dialogue.chatbot import Chatbot

LOG = logging.getLogger("jpseq.dialogue")


def build(bot: "Chatbot") -> nn.Module:
    """The untrained network of a bot, from its parameters and its vocabulary."""
    sizes: dict[str, Any] = {
        "vocabulary_size": len(bot.vocabulary),
        "embedding_size": bot.embedding,
        "hidden_size": bot.hidden,
    }
    rest: dict[str, Any] = {
        "cell": bot.cell,
        "layers": bot.layers,
        "dropout": bot.dropout,
        "word_drop": bot.word_drop,
        "target_drop": bot.reply_drop,
    }
    if bot.architecture == "seq2seq":
        return Seq2Seq(**sizes, **rest)
    above = hierarchy(bot.hierarchy)
    rest |= {
        "context_size": above.size,
        "attention": above.attention,
        "speakers": above.speakers,
        "positions": above.positions,
    }
    if bot.architecture == "hred":
        return HRED(**sizes, **rest)
    drawn = latent(bot.latent)
    return VHRED(
        **sizes,
        **rest,
        latent_size=drawn.size,
        annealing=Annealing(drawn.anneal, drawn.cycles),
        free_bits=drawn.free_bits,
        bag_of_words=drawn.bag_of_words,
    )


def begin(
    network: Any, vocabulary: Vocabulary, vectors: Embeddings | None, encoder: Reader | None
) -> float | None:
    """Give a network word vectors, or an encoder with its own, as its first weights.

    Returns:
        the share of the text's words that have a vector; None where none are given.

    Raises:
        ConfigurationError: both are given; they have other sizes.
    """
    if vectors is None and encoder is None:
        return None
    if vectors is not None and encoder is not None:
        raise ConfigurationError(
            "vectors and encoder: the encoder brings its own vectors; leave one of the two out."
        )
    if encoder is not None:
        share = begin_with_encoder(network.encoder, vocabulary, encoder)
    else:
        assert vectors is not None
        share = begin_with(network.encoder.embedding, vocabulary, vectors, frozen=False)
    LOG.info("vectors: %.1f%% of the words have one", 100 * share)
    return share
