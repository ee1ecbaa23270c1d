"""The decoder: from a state, word after word."""

from torch import Tensor, nn

from jpseq.batch import Batch
from jpseq.network.dropout import Dropout
from jpseq.network.recurrent import Cell, Recurrent, State


class Decoder(nn.Module):
    """Embedding, a recurrent layer that starts from a given state, and a score for every word.

    Args:
        vocabulary_size: number of ids.
        embedding_size: features of an embedded word.
        hidden_size: features of the state.
        cell, layers, dropout: as in Recurrent; words and outputs are dropped out, too.
    """

    def __init__(
        self,
        vocabulary_size: int,
        embedding_size: int,
        hidden_size: int,
        cell: Cell = "gru",
        layers: int = 1,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary_size, embedding_size)
        self.dropout = Dropout(dropout)
        self.recurrent = Recurrent(cell, embedding_size, hidden_size, layers, dropout=dropout)
        # The output layer is the embedding itself, turned round (Press & Wolf 2017): the small
        # corpora this is for cannot fill two tables of the vocabulary's size.
        self.projection = nn.Linear(hidden_size, embedding_size)
        self.bias = nn.Parameter(self.embedding.weight.new_zeros(vocabulary_size))

    def forward(self, previous: Batch, state: State) -> tuple[Batch, State]:
        """Read the previous words (teacher forcing gives all at once, search one by one).

        Args:
            previous: values (B, T), the word before each one that is to be predicted.
            state: where to start from, parts (layers, B, hidden_size).

        Returns:
            outputs, values (B, T, embedding_size), for `logits`, and the last state.
        """
        embedded = self.dropout(self.embedding(previous.values))
        outputs, state = self.recurrent(previous.replace(embedded), state)
        projected = self.projection(self.dropout(outputs.values))
        return outputs.replace(self.dropout(projected)), state

    @property
    def output_layer(self) -> tuple[Tensor, Tensor]:
        """(vocabulary_size, embedding_size) weights and (vocabulary_size,) biases of the scores."""
        return self.embedding.weight, self.bias

    def logits(self, outputs: Tensor) -> Tensor:
        """(..., embedding_size) outputs → (..., vocabulary_size) scores before the softmax."""
        return nn.functional.linear(outputs, *self.output_layer)
