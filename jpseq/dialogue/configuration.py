"""What the parameters of a Chatbot and of a Retrieval may be."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field

from jpseq.configuration import Configuration
from jpseq.errors import ConfigurationError
from jpseq.text.tokenizer import Tokenizer

Positive = Annotated[int, Field(ge=1)]
Natural = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(ge=0, lt=1)]
Weight = Annotated[float, Field(ge=0)]
P = TypeVar("P", bound=Configuration)


class ChatbotConfiguration(Configuration):
    """What the parameters of a Chatbot may be; its constructor says what they mean."""

    tokenizer: Tokenizer | None
    architecture: Literal["seq2seq", "hred", "vhred"]
    cell: Literal["rnn", "lstm", "gru", "peephole"]
    embedding: Positive
    hidden: Annotated[int, Field(ge=2, multiple_of=2)]
    layers: Positive
    dropout: Share
    word_drop: Share
    reply_drop: Share
    hierarchy: dict[str, Any] | None
    latent: dict[str, Any] | None
    rerank: dict[str, Any] | None
    history: Positive
    turns: Positive | None
    min_count: Positive
    max_words: Positive | None
    max_reply: Positive
    max_unknown: Natural | None
    epochs: Positive
    batch_tokens: Positive
    learning_rate: Annotated[float, Field(gt=0, lt=1)]
    training: dict[str, Any] | None
    seed: Annotated[int, Field(ge=0, lt=2**63)]


class HierarchyConfiguration(Configuration):
    """How a conversation is read, by hred and vhred; see HRED."""

    size: Positive = 256
    """Features of the context."""

    attention: Literal["additive", "dot", "general"] | None = None
    """How the decoder looks at the words said last."""

    speakers: Natural = 0
    """Of how many speakers the network knows who speaks; 0 for not at all. Where it answers, two
    are taken to speak in turn."""

    positions: Natural = 0
    """Of how many places in a conversation it knows which one it is; 0 for not at all."""


class LatentConfiguration(Configuration):
    """The latent variable of vhred, and what keeps it alive; see VHRED and KLTerm."""

    size: Positive = 64
    """Features of z."""

    anneal: Natural = 1000
    """Batches over which the KL term rises to its full weight."""

    cycles: Positive = 1
    """How often it does."""

    free_bits: Weight = 0.0
    """Nats of each feature that cost nothing."""

    bag_of_words: Weight = 0.0
    """Weight of the loss of the words in any order."""


class RerankConfiguration(Configuration):
    """Of several replies drawn, which is said; see jpseq.dialogue.reranking."""

    candidates: Annotated[int, Field(ge=1, le=1000)] = 16
    """How many are drawn."""

    temperature: Annotated[float, Field(gt=0, le=10)] = 0.7
    """At which; lower ones keep to what is likely."""

    weight: Weight = 0.5
    """How much it counts against a reply that it would be likely as an answer to anything."""


class RetrievalConfiguration(Configuration):
    """What the parameters of a Retrieval may be; its constructor says what they mean."""

    tokenizer: Tokenizer | None
    turns: Positive
    candidates: Positive
    least: Annotated[float, Field(ge=0, le=1)]
    repeats: bool


def hierarchy(given: Mapping[str, Any] | None) -> HierarchyConfiguration:
    """The part `hierarchy`.

    Raises:
        ConfigurationError: names every value that is not allowed.
    """
    return _part("hierarchy", HierarchyConfiguration, given)


def latent(given: Mapping[str, Any] | None) -> LatentConfiguration:
    """The part `latent`.

    Raises:
        ConfigurationError: names every value that is not allowed.
    """
    return _part("latent", LatentConfiguration, given)


def rerank(given: Mapping[str, Any] | None) -> RerankConfiguration:
    """The part `rerank`.

    Raises:
        ConfigurationError: names every value that is not allowed.
    """
    return _part("rerank", RerankConfiguration, given)


def _part(name: str, kind: type[P], given: Mapping[str, Any] | None) -> P:
    try:
        return kind.check(given or {})
    except ConfigurationError as error:
        raise ConfigurationError(f"{name}: {error}") from None
