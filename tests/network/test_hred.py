"""HRED: a flat batch against a loop over dialogues, turns and words; what it may know, and not."""

from itertools import pairwise
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from jpseq.batch import Batch
from jpseq.network.beam import Scoring, beam_search
from jpseq.network.conversation import Talk, take, unfold
from jpseq.network.hred import HRED
from jpseq.network.recurrent import State
from jpseq.network.search import decode
from jpseq.sequences import Ragged

START, END = 1, 2
Dialogue = list[list[int]]
DIALOGUES: list[Dialogue] = [
    [[START, 3, 4, END], [START, 5, END], [START, END], [START, 6, 6, 3, END]],
    [[START, 7, END]],  # nobody replies
    [[START, END], [START, 4, 8, 3, 5, END]],
]
SPEAKERS = [[0, 1, 0, 2], [0], [0, 0]]
KINDS: dict[str, dict[str, Any]] = {
    "plain": {},
    "rnn": {"cell": "rnn", "speakers": 2},
    "lstm": {"cell": "lstm", "layers": 2, "positions": 3},
    "gru": {"cell": "gru", "layers": 2, "attention": "dot", "speakers": 3, "positions": 2},
    "peephole": {"cell": "peephole", "attention": "general"},
    "additive": {"cell": "lstm", "attention": "additive", "speakers": 2},
    "general": {"layers": 2, "attention": "general"},
}
each_kind = pytest.mark.parametrize("kind", KINDS)


def small(kind: str = "plain", **more: Any) -> HRED:
    torch.manual_seed(0)
    return HRED(9, 5, 6, 7, **{**KINDS[kind], **more}).double().eval()


def talk(dialogues: list[Dialogue], speakers: list[list[int]]) -> Talk:
    batch = Batch.from_ragged(Ragged.from_groups(dialogues))
    return Talk(batch, torch.tensor([who for some in speakers for who in some]))


ALL = talk(DIALOGUES, SPEAKERS)


def ids(row: list[int]) -> Batch:
    return Batch.from_ragged(Ragged.from_sequences([row]))


def by_turns(network: HRED, dialogue: Dialogue, speakers: list[int]) -> list[Tensor]:
    """The loss of each reply: utterance by utterance and word by word, softmax written out."""

    def about(vector: Tensor, place: int) -> Tensor:
        parts = [vector]
        if network.speakers is not None:
            who = min(speakers[place], network.speakers.num_embeddings - 1)
            parts.append(network.speakers.weight[[who]])
        if network.positions is not None:
            when = min(place, network.positions.num_embeddings - 1)
            parts.append(network.positions.weight[[when]])
        return torch.cat(parts, 1)

    inner, start = network.decoder.decoder, network.decoder.start
    context: State | None = None
    losses = []
    for place, (turn, reply) in enumerate(pairwise(dialogue)):
        memory, state = network.encoder(ids(turn[1:]))
        said = about(state.hidden[-1], place)
        _, context = network.context(Batch(said[:, None], torch.tensor([1])), context)
        condition = about(context.hidden[0], place + 1)
        hidden = torch.tanh(condition @ start.weight.T + start.bias)
        hidden = torch.stack(hidden.chunk(inner.recurrent.layers, dim=1))
        cells = torch.zeros_like(hidden) if context.cell is not None else None
        known = inner.begin(memory, State(hidden, cells))
        loss = torch.zeros((), dtype=torch.float64)
        for previous, wanted in pairwise(reply):
            outputs, known = inner(ids([previous]), known)
            scores = inner.logits(outputs.values[0, 0])
            loss = loss + scores.exp().sum().log() - scores[wanted]
        losses.append(loss)
    return losses


@each_kind
def test_loss_and_gradients_of_a_batch_are_those_of_the_loop(kind: str) -> None:
    network = small(kind)
    loss = network.loss(ALL)
    assert loss.predicted.item() == (2 + 1 + 4) + 5
    loss.total.backward()
    found = {name: p.grad.clone() for name, p in network.named_parameters()}
    network.zero_grad()
    losses = [by_turns(network, *both) for both in zip(DIALOGUES, SPEAKERS, strict=True)]
    assert [len(some) for some in losses] == [3, 0, 1]
    total = torch.stack([one for some in losses for one in some]).sum()
    assert loss.total.item() == pytest.approx(total.item(), rel=1e-9)
    total.backward()
    for name, p in network.named_parameters():
        torch.testing.assert_close(found[name], p.grad)


dialogue = st.lists(
    st.lists(st.integers(3, 8), max_size=4).map(lambda row: [START, *row, END]),
    min_size=1,
    max_size=4,
)


@settings(max_examples=25)
@given(st.lists(dialogue, min_size=1, max_size=4), st.sampled_from(sorted(KINDS)))
def test_a_batch_is_its_single_dialogues(dialogues: list[Dialogue], kind: str) -> None:
    network = small(kind)
    speakers = [[place % 3 for place in range(len(turns))] for turns in dialogues]
    together = network.loss(talk(dialogues, speakers))
    alone = [
        network.loss(talk([turns], [who])) for turns, who in zip(dialogues, speakers, strict=True)
    ]
    assert together.predicted == sum(loss.predicted for loss in alone)
    wanted = sum(loss.total.item() for loss in alone)
    assert together.total.item() == pytest.approx(wanted, rel=1e-9)


@each_kind
def test_every_weight_learns(kind: str) -> None:
    network = small(kind)
    network.loss(ALL).total.backward()
    for name, p in network.named_parameters():
        assert p.grad is not None, name
        assert bool(p.grad.any()), name


@each_kind
def test_a_reply_knows_what_was_said_before_and_nothing_after(kind: str) -> None:
    network = small(kind)

    def losses(turns: Dialogue) -> list[float]:
        """Of each reply: the difference that its turn makes."""
        totals = [
            network.loss(talk([turns[:n]], [SPEAKERS[0][:n]])).total.item()
            for n in range(1, len(turns) + 1)
        ]
        return [b - a for a, b in pairwise(totals)]

    turns = DIALOGUES[0]
    before = losses(turns)
    for changed in range(4):
        other = list(turns)
        other[changed] = [START, 8, 7, END]
        for reply, (a, b) in enumerate(zip(before, losses(other), strict=True), start=1):
            assert (a == pytest.approx(b, abs=1e-12)) == (reply < changed)


def condition_gradients(network: HRED, reply: int) -> list[bool]:
    """Whether what is known before a reply comes from each of the embedded words 3 to 8."""
    network.zero_grad()
    network.replies(ALL).condition[reply].sum().backward()
    gradient = network.encoder.embedding.weight.grad
    assert gradient is not None
    return [bool(row.any()) for row in gradient[3:]]


def test_the_context_comes_from_all_turns_before_and_from_no_other_dialogue() -> None:
    network = small()
    assert condition_gradients(network, 0) == [True, True, False, False, False, False]
    assert condition_gradients(network, 1) == [True, True, True, False, False, False]
    assert condition_gradients(network, 2) == [True, True, True, False, False, False]
    assert condition_gradients(network, 3) == [False] * 6  # after an empty turn


def test_replies_are_lined_up_with_what_they_answer() -> None:
    replies = small().replies(ALL)
    assert replies.target.to_ragged().tolist() == [*DIALOGUES[0][1:], DIALOGUES[2][1]]
    assert replies.memory.lengths.tolist() == [3, 2, 1, 1]  # without the start
    assert tuple(replies.condition.shape) == (4, 7)
    assert tuple(replies.vectors.shape) == (4, 6)


@each_kind
def test_search_scores_as_the_loss_does(kind: str) -> None:
    network = small(kind)
    for turns, who in zip(DIALOGUES, SPEAKERS, strict=True):
        wanted = by_turns(network, turns, who)
        for n in range(1, len(turns)):
            state = network.encode(talk([turns[:n]], [who[:n]]), torch.tensor([who[n]]))
            total = torch.zeros((), dtype=torch.float64)
            for previous, word in pairwise(turns[n]):
                scores, state = network.step(torch.tensor([previous]), state)
                total = total - scores[0].log_softmax(0)[word]
            torch.testing.assert_close(total, wanted[n - 1])


@each_kind
def test_greedy_and_beam_search_of_many_dialogues_at_once(kind: str) -> None:
    network = small(kind)
    options: dict[str, Any] = {"start": START, "end": END, "max_length": 6}
    with torch.no_grad():
        state = network.encode(ALL, torch.tensor([0, 1, 1]))
        written = decode(network.step, state, size=3, **options).to_ragged().tolist()
        found = beam_search(network.step, state, size=3, beam=3, scoring=Scoring(0), **options)
    for number, who in enumerate([0, 1, 1]):
        one = talk(DIALOGUES[number : number + 1], SPEAKERS[number : number + 1])
        with torch.no_grad():
            state = network.encode(one, torch.tensor([who]))
            (alone,) = decode(network.step, state, size=1, **options).to_ragged().tolist()
        assert written[number] == alone
        # A beam's best is a whole reply, and its probability that of the loss.
        best = next((h for h in found[number] if len(h.ids) < 6), None)
        if best is not None:
            whole = [*DIALOGUES[number], [START, *best.ids, END]]
            last = by_turns(network, whole, [*SPEAKERS[number], who])[-1]
            assert best.log_p == pytest.approx(-last.item(), rel=1e-5)


def test_selected_states_go_on_as_the_whole_batch_does() -> None:
    network = small("gru")
    state = network.encode(ALL, torch.tensor([0, 1, 1]))
    whole, _ = network.step(torch.tensor([3, 4, 5]), state)
    some, _ = network.step(torch.tensor([5, 3, 3]), state.select(torch.tensor([2, 0, 0])))
    torch.testing.assert_close(some, whole[[2, 0, 0]])
    assert network.step(torch.tensor([3, 4, 5]), state)[1].weights.shape[:2] == (3, 1)
    plain = small()
    assert plain.encode(ALL, torch.tensor([0, 1, 1])).weights is None


def first_scores(network: HRED, dialogue: Dialogue, speakers: list[int], replies: int) -> Tensor:
    state = network.encode(talk([dialogue], [speakers]), torch.tensor([replies]))
    return network.step(torch.tensor([START]), state)[0][0]


def test_speakers_count_only_where_the_network_knows_them() -> None:
    turns = DIALOGUES[0]
    knows, not_at_all = small(speakers=2), small()
    for who, replies in [([0, 0, 0, 0], 0), ([0, 1, 0, 1], 1), ([0, 1, 0, 0], 0)]:
        same = first_scores(not_at_all, turns, [0, 1, 0, 1], 0)
        assert torch.equal(first_scores(not_at_all, turns, who, replies), same)
        reference = first_scores(knows, turns, [0, 1, 0, 1], 0)
        assert not torch.allclose(first_scores(knows, turns, who, replies), reference)
    # Those beyond the last are the last.
    last = first_scores(knows, turns, [0, 1, 0, 1], 1)
    assert torch.equal(first_scores(knows, turns, [0, 5, 0, 7], 3), last)


def test_places_count_only_where_the_network_knows_them() -> None:
    """An encoder and a context of zeros say nothing: what differs is the place."""
    turn = [START, 3, END]
    for network in (small(positions=3), small()):
        for p in (*network.encoder.parameters(), *network.context.parameters()):
            torch.nn.init.zeros_(p)
        starts = [
            network.encode(talk([[turn] * n], [[0] * n]), torch.tensor([0])).decoder.hidden
            for n in range(1, 5)
        ]
        assert torch.equal(starts[0], starts[1]) == (network.positions is None)
        # The third place and all beyond are one.
        assert torch.equal(starts[1], starts[2])
        assert torch.equal(starts[2], starts[3])


@each_kind
def test_without_any_reply_there_is_no_loss(kind: str) -> None:
    network = small(kind)
    loss = network.loss(talk([[[START, 3, END]], [[START, END]]], [[0], [0]]))
    assert loss.total.item() == loss.predicted.item() == 0
    loss.total.backward()
    assert all(p.grad is None or not bool(p.grad.any()) for p in network.parameters())


def test_places_and_folding_by_hand() -> None:
    assert ALL.places.tolist() == [0, 1, 2, 3, 0, 0, 1]
    assert ALL.read.to_ragged().tolist() == [turn[1:] for some in DIALOGUES for turn in some]
    turns = torch.tensor([2, 0, 1])
    folded = unfold(torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), turns)
    assert folded.values.tolist() == [[[1, 2], [3, 4]], [[0, 0], [0, 0]], [[5, 6], [0, 0]]]
    assert folded.lengths.tolist() == [2, 0, 1]


def test_taking_leaves_padding_behind() -> None:
    taken = take(ALL.utterances, torch.tensor([1, 4, 1]))
    assert taken.values.tolist() == [[START, 5, END], [START, 7, END], [START, 5, END]]
    none = take(ALL.utterances, torch.zeros(0, dtype=torch.int64))
    assert tuple(none.values.shape) == (0, 0)


@pytest.mark.parametrize("option", ["dropout", "word_drop", "target_drop"])
def test_dropout_only_while_training(option: str) -> None:
    network = small(**{option: 0.5})
    assert network.train().loss(ALL).total != network.loss(ALL).total
    assert network.eval().loss(ALL).total == network.loss(ALL).total


@pytest.mark.parametrize("kind", ["gru", "additive"])
def test_training_steps_run_in_bf16(kind: str) -> None:
    network = small(kind).float().train()
    plain = network.loss(ALL).total.item()
    with torch.autocast("cpu", torch.bfloat16):
        loss = network.loss(ALL).total
    loss.backward()
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(plain, rel=0.02)
    assert all(bool(p.grad.isfinite().all()) for p in network.parameters())
