"""The attentional decoder: against its formulas, step by step, with padding; and what it learns."""

from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor

from jpseq.batch import Batch
from jpseq.errors import ConfigurationError
from jpseq.network.attentional_decoder import Attending, AttentionalDecoder
from jpseq.network.decoder import Decoder
from jpseq.network.encoder import Encoder
from jpseq.network.recurrent import Cell, Recurrent, State
from jpseq.network.search import decode
from jpseq.network.seq2seq import EncoderDecoder, Pair, start_embeddings
from jpseq.sequences import Ragged
from jpseq.training.fit import fit
from jpseq.training.stream import pairs

START, END = 1, 2
SOURCES = [[3, 4, 5], [], [6], [4, 4, 3, 6, 5]]
TARGETS = [[START, 5, END], [START, 3, 6, 6, 4, END], [START, END], [START, 4, 8, END]]
KINDS: dict[str, dict[str, Any]] = {
    "general": {"cell": "lstm"},
    "two layers": {"cell": "gru", "layers": 2, "attention": "dot", "tied": False},
    "input feeding": {"cell": "lstm", "input_feeding": True},
    "peephole": {"cell": "peephole", "input_feeding": True, "layers": 2},
    "additive": {"cell": "gru", "attention": "additive"},
    "coverage": {"cell": "rnn", "attention": "additive", "coverage": True},
    "all": {"cell": "lstm", "attention": "additive", "coverage": True, "input_feeding": True},
}
each_kind = pytest.mark.parametrize("kind", KINDS)


def small(kind: str, loss: float = 0.0, **more: Any) -> EncoderDecoder:
    torch.manual_seed(0)
    options = KINDS[kind] | more
    cell, layers = options["cell"], options.get("layers", 1)
    encoder = Encoder(7, 5, 6, cell, layers)
    decoder = AttentionalDecoder(9, 5, 6, 6, **options)
    if decoder.attention.coverage is not None:
        torch.nn.init.normal_(decoder.attention.coverage)  # it starts at 0, and would not be seen
    parts = start_embeddings(encoder, decoder, shared=False)
    return EncoderDecoder(*parts, coverage=loss).double().eval()


def batch(sequences: list[list[int]]) -> Batch:
    return Batch.from_ragged(Ragged.from_sequences(sequences))


def by_tokens(network: EncoderDecoder, source: list[int], target: list[int]) -> Tensor:
    """Cross-entropy a token at a time, from the softmax written out."""
    state = network.encode(batch([source]))
    total = torch.zeros((), dtype=torch.float64)
    for previous, wanted in pairwise(target):
        scores, state = network.step(torch.tensor([previous]), state)
        total = total + scores[0].exp().sum().log() - scores[0, wanted]
    return total


@each_kind
def test_loss_and_gradients_of_a_batch_are_those_of_the_token_loop(kind: str) -> None:
    network = small(kind)
    loss = network.loss(Pair(batch(SOURCES), batch(TARGETS)))
    assert loss.predicted.item() == 2 + 5 + 1 + 3
    loss.total.backward()
    found = {name: p.grad.clone() for name, p in network.named_parameters()}
    network.zero_grad()
    alone = [by_tokens(network, s, t) for s, t in zip(SOURCES, TARGETS, strict=True)]
    assert loss.total.item() == pytest.approx(sum(alone).item(), rel=1e-6)
    sum(alone).backward()
    for name, p in network.named_parameters():
        torch.testing.assert_close(found[name], p.grad, rtol=1e-5, atol=1e-6)


@each_kind
def test_the_state_after_a_padded_batch_is_that_of_single_sequences(kind: str) -> None:
    network = small(kind)
    target = batch(TARGETS)
    _, together = network.decoder(target, network.encode(batch(SOURCES)))
    for row, (source, words) in enumerate(zip(SOURCES, TARGETS, strict=True)):
        _, alone = network.decoder(batch([words]), network.encode(batch([source])))
        torch.testing.assert_close(together.recurrent.hidden[:, row], alone.recurrent.hidden[:, 0])
        steps, places = alone.weights.shape[1:]
        torch.testing.assert_close(together.weights[row, :steps, :places], alone.weights[0])
        for name in ("fed", "repeated"):
            if getattr(alone, name) is not None:
                torch.testing.assert_close(getattr(together, name)[row], getattr(alone, name)[0])
        if alone.coverage is not None:
            torch.testing.assert_close(together.coverage[row, :places], alone.coverage[0])


def test_the_formulas_by_hand() -> None:
    """o_t = tanh(W [h_t; z_t] + b), fed back together with the next word."""
    decoder = small("input feeding").decoder
    memory = Batch(torch.randn(1, 3, 6, dtype=torch.float64), torch.tensor([3]))
    start = State(*(torch.randn(1, 1, 6, dtype=torch.float64) for _ in range(2)))
    words = [1, 5, 8]
    outputs, after = decoder(batch([words]), decoder.begin(memory, start))
    state, fed = start, torch.zeros(1, 5, dtype=torch.float64)
    for t, word in enumerate(words):
        x = torch.cat([5**0.5 * decoder.embedding.weight[[word]], fed], 1)
        h, state = decoder.recurrent(Batch(x[:, None], torch.tensor([1])), state)
        query, y = h.values[0, 0], memory.values[0]
        a = torch.softmax(query @ decoder.attention.key.weight @ y.T / 6**0.5, 0)
        joined = torch.cat([query, a @ y])
        fed = torch.tanh(decoder.projection.weight @ joined + decoder.projection.bias)[None]
        torch.testing.assert_close(outputs.values[:, t], fed)
        torch.testing.assert_close(after.weights[0, t], a)


def test_coverage_and_its_loss_by_hand() -> None:
    network = small("coverage", loss=2.0)
    pair = Pair(batch([[3, 4, 5]]), batch([[START, 5, 3, END]]))
    _, state = network.decoder(batch([[START, 5, 3]]), network.encode(pair.source))
    first, second, third = state.weights[0]
    torch.testing.assert_close(state.coverage[0], first + second + third)
    wanted = torch.minimum(second, first).sum() + torch.minimum(third, first + second).sum()
    torch.testing.assert_close(state.repeated[0], wanted)
    plain = network.loss(pair).total
    learning = network.train().loss(pair).total
    assert (learning - plain).item() == pytest.approx(2 * wanted.item())


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru", "peephole"])
@pytest.mark.parametrize("normalize", [False, True])
def test_a_step_is_a_sequence_of_length_one(cell: Cell, normalize: bool) -> None:
    torch.manual_seed(0)
    layer = Recurrent(cell, 3, 4, layers=2, normalize=normalize).double()
    x = torch.randn(5, 3, dtype=torch.float64)
    has_cell = cell in ("lstm", "peephole")
    parts = [torch.randn(2, 5, 4, dtype=torch.float64) for _ in range(1 + has_cell)]
    outputs, wanted = layer(Batch(x[:, None], torch.ones(5, dtype=torch.int64)), State(*parts))
    output, state = layer.step(x, State(*parts))
    torch.testing.assert_close(output, outputs.values[:, 0])
    for part, other in zip(state, wanted, strict=True):
        if other is not None:
            torch.testing.assert_close(part, other)


def test_selected_states_go_on_as_the_whole_batch_does() -> None:
    network = small("all")
    state = network.encode(batch(SOURCES))
    _, state = network.step(torch.tensor([1, 1, 1, 1]), state)
    rows = torch.tensor([3, 0, 0])
    whole, _ = network.step(torch.tensor([4, 5, 6, 7]), state)
    some, _ = network.step(torch.tensor([7, 4, 4]), state.select(rows))
    torch.testing.assert_close(some, whole[rows])


@pytest.mark.parametrize("kind", ["general", "all"])
def test_training_steps_run_in_bf16(kind: str) -> None:
    network = small(kind).float().train()
    pair = Pair(batch(SOURCES), batch(TARGETS))
    plain = network.loss(pair).total.item()
    with torch.autocast("cpu", torch.bfloat16):
        loss = network.loss(pair).total
    loss.backward()
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(plain, rel=0.02)
    assert all(bool(p.grad.isfinite().all()) for p in network.parameters())


def test_a_memory_of_image_regions_can_be_described() -> None:
    """Any memory will do: here two regions of three features, and no encoder at all."""
    decoder = AttentionalDecoder(9, 5, 6, memory_size=3, cell="gru")
    regions = Batch(torch.rand(2, 2, 3), torch.tensor([2, 1]))
    state: Attending = decoder.begin(regions, State(torch.zeros(1, 2, 6)))
    outputs, state = decoder(batch([[1, 4], [1, 5]]), state)
    assert tuple(decoder.logits(outputs.values).shape) == (2, 2, 9)
    assert state.weights[1].tolist() == [[1, 0]] * 2


def test_states_of_different_sizes_are_named() -> None:
    with pytest.raises(ConfigurationError, match=r"is \(1, 8\), the decoder's \(1, 6\)"):
        EncoderDecoder(Encoder(7, 5, 8), AttentionalDecoder(9, 5, 6, 8, "gru"))


@pytest.mark.parametrize(
    ("tied", "shared", "tables"), [(True, True, 1), (True, False, 2), (False, False, 3)]
)
def test_tables_of_the_vocabulary(tied: bool, shared: bool, tables: int) -> None:
    decoder = AttentionalDecoder(7, 5, 6, 6, tied=tied)
    parts = start_embeddings(Encoder(7, 5, 6, "lstm"), decoder, shared)
    network = EncoderDecoder(*parts)
    assert sum(tuple(p.shape) == (7, 5) for p in network.parameters()) == tables
    assert (decoder.embedding is network.encoder.embedding) is shared


@pytest.mark.parametrize("kind", ["plain", "general", "all"])
def test_copying_is_learnt_with_attention_and_not_without(kind: str) -> None:
    """Eight words of forty are more than a context vector of 32 features soon learns to hold."""
    draw = torch.Generator().manual_seed(0)
    rows = [torch.randint(3, 40, (8,), generator=draw).tolist() for _ in range(700)]
    learnt, unseen = rows[:-40], rows[-40:]
    target = Ragged.from_sequences([[START, *row, END] for row in learnt])
    torch.manual_seed(0)
    encoder = Encoder(40, 24, 32, "lstm")
    decoder = (
        Decoder(40, 24, 32, "lstm")
        if kind == "plain"
        else AttentionalDecoder(40, 24, 32, 32, **KINDS[kind])
    )
    network = EncoderDecoder(*start_embeddings(encoder, decoder, shared=False))
    stream = pairs(Ragged.from_sequences(learnt), target, batch_tokens=400)
    assert fit(network, stream, epochs=14, learning_rate=0.02)
    with torch.no_grad():
        state = network.encode(batch(unseen))
    written = decode(network.step, state, size=40, start=START, end=END, max_length=12)
    right = sum(a == b for a, b in zip(written.to_ragged().tolist(), unseen, strict=True))
    assert right == 0 if kind == "plain" else right >= 30
