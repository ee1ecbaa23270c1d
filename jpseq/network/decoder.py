"""The decoder: from a state, word after word."""

from typing import Any

from torch import Tensor, nn

from jpseq.batch import Batch
from jpseq.network.dropout import Dropout, WordDrop
from jpseq.network.recurrent import Cell, Recurrent, State
from jpseq.network.tied_embedding import TiedEmbedding


class Decoder(nn.Module):
    """Embedding, a recurrent layer that starts from a given state, and a score for every word.

    Args:
        vocabulary_size: number of ids.
        embedding_size: features of an embedded word.
        hidden_size: features of the state.
        cell, layers, dropout: as in Recurrent; words and outputs are dropped out, too.
        tied: whether the output layer is the embedding itself, turned round (see TiedEmbedding):
            small corpora cannot fill two tables of the vocabulary's size.
        word_drop: share of previous words that are left blank while training.
        fed_size, read_size: for decoders made of this one: features that join the embedded word on
            the way into the recurrent layer, and its output on the way to the scores.
    """

    def __init__(
        self,
        vocabulary_size: int,
        embedding_size: int,
        hidden_size: int,
        cell: Cell = "gru",
        layers: int = 1,
        dropout: float = 0.0,
        tied: bool = True,
        word_drop: float = 0.0,
        fed_size: int = 0,
        read_size: int = 0,
    ) -> None:
        super().__init__()
        self.hidden_size = hidden_size
        table = TiedEmbedding if tied else nn.Embedding
        self.embedding: nn.Embedding = table(vocabulary_size, embedding_size)
        self.dropout = Dropout(dropout)
        self.word_drop = WordDrop(word_drop)
        read = embedding_size + fed_size
        self.recurrent = Recurrent(cell, read, hidden_size, layers, dropout=dropout)
        self.projection = nn.Linear(hidden_size + read_size, embedding_size)
        self.output = None if tied else nn.Linear(embedding_size, vocabulary_size, bias=False)
        self.bias = nn.Parameter(self.embedding.weight.new_zeros(vocabulary_size))

    def begin(self, memory: Batch, state: State) -> Any:
        """The state before the first word.

        Args:
            memory: values (B, S, M), of the source; this decoder does not look at it.
            state: the context vector, parts (layers, B, hidden_size).
        """
        return state

    def forward(self, previous: Batch, state: Any) -> tuple[Batch, Any]:
        """Read the previous words (teacher forcing gives all at once, search one by one).

        Args:
            previous: values (B, T), the word before each one that is to be predicted.
            state: where to start from, as `begin` gives it.

        Returns:
            outputs, values (B, T, embedding_size), for `logits`, and the last state.
        """
        return self.read(self.embed(previous), state)

    def embed(self, previous: Batch) -> Batch:
        """Ids, values (B, T) → embedded words, values (B, T, embedding_size)."""
        embedded = self.dropout(self.embedding(previous.values))
        return previous.replace(self.word_drop(embedded))

    def read(self, embedded: Batch, state: Any) -> tuple[Batch, Any]:
        """What `forward` gives, from embedded words."""
        outputs, state = self.recurrent(embedded, state)
        projected = self.projection(self.dropout(outputs.values))
        return outputs.replace(self.dropout(projected)), state

    @property
    def output_layer(self) -> tuple[Tensor, Tensor]:
        """(vocabulary_size, embedding_size) weights and (vocabulary_size,) biases of the scores."""
        weight = self.embedding.weight if self.output is None else self.output.weight
        return weight, self.bias

    def logits(self, outputs: Tensor) -> Tensor:
        """(..., embedding_size) outputs → (..., vocabulary_size) scores before the softmax."""
        return nn.functional.linear(outputs, *self.output_layer)
