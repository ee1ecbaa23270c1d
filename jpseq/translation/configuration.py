"""What the parameters of a Translator and of its search may be."""

from typing import Annotated, Any, Literal

from pydantic import Field

from jpseq.configuration import Configuration
from jpseq.text.tokenizer import Tokenizer

Positive = Annotated[int, Field(ge=1)]
Count = Annotated[int, Field(ge=0)]
Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, lt=1)]
Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}$")]


class TranslatorConfiguration(Configuration):
    """What the parameters of a Translator may be."""

    source: Language
    target: Language
    source_tokenizer: Tokenizer | None
    target_tokenizer: Tokenizer | None
    shared: bool
    attention: Literal["general", "dot", "additive"] | None
    input_feeding: bool
    coverage: Annotated[float, Field(ge=0)]
    bidirectional: bool
    tied: bool
    cell: Literal["rnn", "lstm", "gru", "peephole"]
    embedding: Positive
    hidden: Annotated[int, Field(ge=2, multiple_of=2)]
    layers: Positive
    dropout: Share
    word_drop: Share
    label_smoothing: Share
    frozen: bool
    min_count: Positive
    max_words: Positive | None
    longest: Positive
    epochs: Positive
    batch_tokens: Positive
    learning_rate: Annotated[float, Field(gt=0, lt=1)]
    training: dict[str, Any] | None
    seed: Annotated[int, Field(ge=0, lt=2**63)]


class SearchConfiguration(Configuration):
    """What the parameters of a search may be."""

    beam: Positive
    alpha: Weight
    beta: Weight
    max_length: Positive | None
    min_length: Count
    no_repeat: Count


class DrawConfiguration(Configuration):
    """What the parameters of drawing words may be."""

    temperature: Weight
    top_k: Positive | None
    top_p: Annotated[float, Field(gt=0, le=1)]
