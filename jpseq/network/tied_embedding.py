"""An embedding that is the output layer, too."""

import torch
from torch import Tensor, nn


class TiedEmbedding(nn.Embedding):
    """One table for the words read and the scores of words (Press & Wolf 2017).

    Scores have to be small at first, so its values are: their standard deviation is 1 / sqrt(E).
    What is read is multiplied by sqrt(E), and has the standard deviation 1 (Vaswani et al. 2017,
    section 3.4). Otherwise recurrent layers on one another pass on next to nothing of a word at
    first, and learning what was said some turns ago takes several times as long.

    Args:
        vocabulary_size: number of ids.
        embedding_size: E, features of an embedded word.
    """

    scale: Tensor

    def __init__(self, vocabulary_size: int, embedding_size: int) -> None:
        super().__init__(vocabulary_size, embedding_size)
        nn.init.normal_(self.weight, std=embedding_size**-0.5)
        # Among the weights, so that weights which were learnt without it are not taken for others.
        self.register_buffer("scale", torch.tensor(float(embedding_size) ** 0.5))

    def forward(self, ids: Tensor) -> Tensor:
        """(...) ids → (..., E)."""
        return super().forward(ids) * self.scale
