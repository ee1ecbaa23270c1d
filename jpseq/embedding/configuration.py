"""What parameters of models that learn vectors may be; their constructors say what they mean."""

from typing import Annotated, Any, Literal

from pydantic import Field

from jpseq.configuration import Configuration
from jpseq.text.subword import SentencePiece
from jpseq.text.tokenizer import Tokenizer

Positive = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, le=1)]
Seed = Annotated[int, Field(ge=0, lt=2**63)]


class Word2VecConfiguration(Configuration):
    """What the parameters of Word2Vec may be."""

    dim: Annotated[int, Field(ge=1, le=10_000)]
    window: Annotated[int, Field(ge=1, le=1000)]
    negative: Annotated[int, Field(ge=1, le=1000)]
    sample: Share
    min_count: Positive
    max_words: Positive | None
    epochs: Positive
    method: Literal["skipgram", "cbow"]
    dynamic_window: bool
    noise_exponent: Share
    hierarchical: bool
    ngrams: (
        Annotated[list[Positive] | tuple[Positive, Positive], Field(min_length=2, max_length=2)]
        | None
    )
    buckets: Annotated[int, Field(ge=1, lt=2**31)]
    learning_rate: Annotated[float, Field(gt=0, le=1)]
    final_rate: Annotated[float, Field(ge=0, le=1)]
    threads: Annotated[int, Field(ge=1, le=1024)]
    seed: Seed
    tokenizer: Tokenizer | None


class FitConfiguration(Configuration):
    """What the options of fit may be."""

    held_out: Annotated[float, Field(ge=0, lt=1)]
    patience: Positive | None


class MaskedLMConfiguration(Configuration):
    """What the parameters of MaskedLM may be."""

    tokenizer: Tokenizer | None
    subwords: SentencePiece | None
    encoder: Literal["transformer", "recurrent"]
    cell: Literal["rnn", "lstm", "gru", "peephole"]
    embedding: Positive
    hidden: Annotated[int, Field(ge=2, multiple_of=2)]
    layers: Positive
    heads: Positive
    dropout: Annotated[float, Field(ge=0, lt=1)]
    masked: Annotated[float, Field(gt=0, lt=1)]
    longest: Annotated[int, Field(ge=2, le=100_000)]
    min_count: Positive
    max_words: Positive | None
    epochs: Positive
    batch_tokens: Positive
    learning_rate: Annotated[float, Field(gt=0, lt=1)]
    training: dict[str, Any] | None
    seed: Seed
