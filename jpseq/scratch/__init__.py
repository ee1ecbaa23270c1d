"""Recurrent networks from first principles: NumPy, and every derivative written out.

To be read, from top to bottom:

    layer               parameters, gradients, and the linear layer
    activations         sigmoid, tanh, ReLU
    initialization      how weights begin
    recurrent           what all recurrent layers share; BPTT in three sentences
    rnn                 the simple RNN
    lstm                long short-term memory
    peephole_lstm       with gates that see the memory
    gru                 the gated recurrent unit
    bidirectional       both directions, concatenated
    losses              squared error, cross entropies
    optimizers          SGD, momentum, Adam
    clipping            of the gradient by its norm, and the cliff it is for
    network             a layer, a readout, and the training loop
    truncated_bptt      a long sequence, window by window
    gradient_check      how to know that a derivative is right
    gradient_flow       how far back a gradient reaches
    carousel            why it reaches further in an LSTM
    weight_conflict     what else is wrong with a simple RNN
    tasks               adding, copy, temporal order, binary addition
    sine                a forecast that goes on alone

For use rather than for reading there is torch; the tests show that both compute the same.
"""

from jpseq.scratch.bidirectional import Bidirectional
from jpseq.scratch.clipping import clip_by_norm
from jpseq.scratch.gru import GRU
from jpseq.scratch.layer import Linear
from jpseq.scratch.losses import (
    mean_squared_error,
    sigmoid_cross_entropy,
    softmax_cross_entropy,
)
from jpseq.scratch.lstm import LSTM
from jpseq.scratch.network import Network, train
from jpseq.scratch.optimizers import SGD, Adam, Momentum
from jpseq.scratch.peephole_lstm import PeepholeLSTM
from jpseq.scratch.rnn import RNN
from jpseq.scratch.truncated_bptt import truncated_bptt

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "SGD",
    "Adam",
    "Bidirectional",
    "Linear",
    "Momentum",
    "Network",
    "PeepholeLSTM",
    "clip_by_norm",
    "mean_squared_error",
    "sigmoid_cross_entropy",
    "softmax_cross_entropy",
    "train",
    "truncated_bptt",
]
