"""The encoder: a sequence of ids becomes a memory and a context vector."""

from torch import nn

from jpseq.batch import Batch
from jpseq.network.dropout import Dropout, WordDrop
from jpseq.network.recurrent import Cell, Recurrent, State


class Encoder(nn.Module):
    """Embedding, then a recurrent layer, in both directions (Sutskever et al. 2014).

    Args:
        vocabulary_size: number of ids.
        embedding_size: features of an embedded word.
        hidden_size: features of the output; each of two directions has half of them, so it must be
            even.
        cell, layers, dropout: as in Recurrent; embedded words are dropped out, too.
        word_drop: share of words that are left blank while training, so that a word never seen
            does not confuse.
        bidirectional: whether it reads from the end, too.
    """

    def __init__(
        self,
        vocabulary_size: int,
        embedding_size: int,
        hidden_size: int,
        cell: Cell = "gru",
        layers: int = 1,
        dropout: float = 0.0,
        word_drop: float = 0.0,
        bidirectional: bool = True,
    ) -> None:
        super().__init__()
        self.word_drop = WordDrop(word_drop)
        self.embedding = nn.Embedding(vocabulary_size, embedding_size)
        self.dropout = Dropout(dropout)
        each = hidden_size // 2 if bidirectional else hidden_size
        self.recurrent = Recurrent(
            cell, embedding_size, each, layers, bidirectional=bidirectional, dropout=dropout
        )

    def forward(self, source: Batch) -> tuple[Batch, State]:
        """Read the source.

        Args:
            source: values (B, T) ids.

        Returns:
            the memory, values (B, T, hidden_size), and the state after reading: its `hidden`
            (layers, B, hidden_size) is the context vector of a sequence-to-sequence network.
        """
        embedded = self.word_drop(self.dropout(self.embedding(source.values)))
        memory, state = self.recurrent(source.replace(embedded))
        return memory, state
