"""The encoder: a sequence of ids becomes a memory and a context vector."""

from torch import nn

from jpseq.batch import Batch
from jpseq.network.recurrent import Cell, Recurrent, State


class Encoder(nn.Module):
    """Embedding, then a bidirectional recurrent layer (Sutskever et al. 2014; Cho et al. 2014).

    Args:
        vocabulary_size: number of ids.
        embedding_size: features of an embedded word.
        hidden_size: features of the output; each direction has half of them, so it must be even.
        cell, layers, dropout: as in Recurrent; words are dropped out after embedding, too.
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
        self.dropout = nn.Dropout(dropout)
        self.recurrent = Recurrent(
            cell, embedding_size, hidden_size // 2, layers, bidirectional=True, dropout=dropout
        )

    def forward(self, source: Batch) -> tuple[Batch, State]:
        """Read the source.

        Args:
            source: values (B, T) ids.

        Returns:
            the memory, values (B, T, hidden_size), and the state after reading: its `hidden`
            (layers, B, hidden_size) is the context vector of a sequence-to-sequence network.
        """
        embedded = self.dropout(self.embedding(source.values))
        memory, state = self.recurrent(source.replace(embedded))
        return memory, state
