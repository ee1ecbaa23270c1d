"""Search over a network that is a table: what follows each word is known beforehand."""

import math
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from jpseq.batch import Batch
from jpseq.errors import ConfigurationError
from jpseq.network.sampling import sampled
from jpseq.network.search import Rules, decode, forced, greedy
from jpseq.sequences import Ragged

START, END = 0, 1
# The score of each next word (a column) after each word (a row): 0 is the start, 1 the end.
TABLE = torch.tensor(
    [
        [9.0, 0.0, 2.0, 1.0, 0.0],  # start: itself, were it allowed; then 2
        [0.0, 0.0, 0.0, 9.0, 0.0],  # after the end: 3, if anyone asked
        [0.0, 1.0, 0.0, 3.0, 2.0],  # 2: 3
        [0.0, 1.0, 0.0, 0.0, 2.0],  # 3: 4
        [0.0, 5.0, 4.0, 0.0, 0.0],  # 4: the end
    ]
)


def step(previous: Tensor, state: Any) -> tuple[Tensor, Any]:
    return TABLE[previous], state


def write(size: int = 1, max_length: int = 10, state: Any = None, **options: Any) -> Any:
    options = {"step": step, "forbidden": [START], **options}
    return decode(
        state=state, size=size, start=START, end=END, max_length=max_length, **options
    ).to_ragged()


def test_greedy_by_hand() -> None:
    assert write().tolist() == [[2, 3, 4]]


def test_greedy_takes_the_lowest_id_among_equals() -> None:
    assert greedy(torch.tensor([[0.0, 3.0, 3.0], [1.0, 1.0, 1.0]])).tolist() == [1, 0]


def test_without_forbidden_ids_the_highest_score_wins() -> None:
    assert write(forbidden=[], max_length=3).tolist() == [[0, 0, 0]]


def test_a_forbidden_id_is_passed_over_for_the_next_best() -> None:
    assert write(forbidden=[START, 3]).tolist() == [[2, 4]]


def test_forbidden_ids_are_never_drawn() -> None:
    choose = sampled(5.0, torch.Generator().manual_seed(0))
    written = write(size=200, choose=choose, forbidden=[0, 3], max_length=20)
    assert set(written.values.tolist()) == {2, 4}


def test_the_networks_own_scores_are_left_alone() -> None:
    scores = TABLE[START].clone()

    def one_row(previous: Tensor, state: None) -> tuple[Tensor, None]:
        return scores.expand(len(previous), -1), state

    assert write(step=one_row, size=2, max_length=2).tolist() == [[2, 2], [2, 2]]
    assert torch.equal(scores, TABLE[START])


@pytest.mark.parametrize(("max_length", "wanted"), [(0, []), (1, [2]), (3, [2, 3, 4])])
def test_what_has_not_ended_is_cut(max_length: int, wanted: list[int]) -> None:
    assert write(max_length=max_length).tolist() == [wanted]


def test_an_ending_at_once_gives_nothing() -> None:
    assert write(size=2, forbidden=[0, 2, 3, 4]).tolist() == [[], []]


def test_no_sequences_at_all() -> None:
    assert write(size=0).tolist() == []


def waiting(previous: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
    """Writes 3 as often as the state says, then the end, then 4 for ever."""
    wanted = torch.where(state > 0, 3, torch.where(state == 0, 1, 4))
    return nn.functional.one_hot(wanted, 5).float(), state - 1


def test_a_sequence_that_has_ended_stays_ended() -> None:
    written = write(step=waiting, state=torch.tensor([2, 0, 5, 1]), size=4)
    assert written.tolist() == [[3, 3], [], [3, 3, 3, 3, 3], [3]]


def test_a_batch_equals_one_by_one() -> None:
    alone = [write(step=waiting, state=torch.tensor([n])).tolist()[0] for n in (2, 0, 12, 1)]
    together = write(step=waiting, state=torch.tensor([2, 0, 12, 1]), size=4)
    assert together.tolist() == alone
    assert [len(row) for row in alone] == [2, 0, 10, 1]  # one was cut


def test_each_step_gets_the_word_before_and_the_state_before() -> None:
    seen: list[tuple[int, int]] = []

    def watched(previous: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        seen.append((int(previous), int(state)))
        return TABLE[previous], state + 1

    write(step=watched, state=torch.tensor([7]))
    assert seen == [(START, 7), (2, 8), (3, 9), (4, 10)]


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_sampling_follows_the_softmax(temperature: float) -> None:
    scores = [1.0, 0.0, 2.0, -1.0]
    weights = [math.exp(score / temperature) for score in scores]
    draws = 20_000
    choose = sampled(temperature, torch.Generator().manual_seed(1))
    counts = choose(torch.tensor([scores]).expand(draws, -1)).bincount(minlength=4).tolist()
    for count, weight in zip(counts, weights, strict=True):
        p = weight / sum(weights)
        assert abs(count - draws * p) < 4 * math.sqrt(draws * p * (1 - p))


@pytest.mark.parametrize("temperature", [1e-3, 1e-30, 1e-300, 5e-324])
def test_a_temperature_near_zero_is_greedy(temperature: float) -> None:
    choose = sampled(temperature, torch.Generator().manual_seed(0))
    written = write(size=50, choose=choose)
    assert written.tolist() == [[2, 3, 4]] * 50


def test_the_same_generator_state_draws_the_same() -> None:
    def drawn(seed: int) -> list[list[int]]:
        choose = sampled(2.0, torch.Generator().manual_seed(seed))
        return list(write(size=20, choose=choose).tolist())

    assert drawn(3) == drawn(3)
    assert drawn(3) != drawn(4)


def test_what_has_ended_leaves_the_batch() -> None:
    sizes: list[int] = []

    def counted(previous: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        sizes.append(len(previous))
        return waiting(previous, state)

    written = write(step=counted, state=torch.tensor([2, 0, 5, 1]), size=4, max_length=[9, 9, 4, 9])
    assert written.tolist() == [[3, 3], [], [3, 3, 3, 3], [3]]
    assert sizes == [4, 3, 2, 1]


def test_no_end_before_the_least_length() -> None:
    assert write(min_length=4).tolist() == [[2, 3, 4, 2, 3, 4]]
    assert write(min_length=3).tolist() == [[2, 3, 4]]


def test_where_nothing_may_follow_it_ends_all_the_same() -> None:
    assert write(min_length=5, forbidden=[0, 2, 3, 4]).tolist() == [[]]
    assert write(min_length=5, no_repeat=1).tolist() == [[2, 3, 4]]


def test_no_run_of_words_comes_twice() -> None:
    """3 again and again, were it allowed, and 4 for second choice, 2 for third."""

    def monotone(previous: Tensor, state: None) -> tuple[Tensor, None]:
        return torch.tensor([[0.0, -9.0, 1.0, 3.0, 2.0]]).expand(len(previous), -1), None

    def first(n: int) -> list[int]:
        options = {"step": monotone, "max_length": 8, "size": 2, "no_repeat": n}
        rows = write(**options).tolist()
        assert rows[0] == rows[1]
        return list(rows[0])

    assert first(0) == [3] * 8
    assert first(1) == [3, 4, 2]
    assert first(2) == [3, 3, 4, 3, 2, 3]  # then nothing is left but the end
    assert first(3) == [3, 3, 3, 4, 3, 3, 2, 3]


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({"top_k": 1}, [0]),
        ({"top_k": 2}, [0, 1]),
        ({"top_k": 9}, [0, 1, 2, 3]),
        ({"top_p": 0.4}, [0]),
        ({"top_p": 0.7}, [0, 1]),
        ({"top_p": 0.71}, [0, 1, 2]),
        ({"top_p": 1e-9}, [0]),
        ({"top_k": 3, "top_p": 0.6}, [0, 1]),
    ],
)
def test_only_likely_words_are_drawn_in_their_proportions(
    options: dict[str, Any], kept: list[int]
) -> None:
    p = torch.tensor([0.4, 0.3, 0.2, 0.1])
    shuffled = torch.tensor([2, 0, 3, 1])  # the most likely word is not the first
    draws = 20_000
    choose = sampled(generator=torch.Generator().manual_seed(2), **options)
    drawn = choose(p[shuffled].log().expand(draws, -1))
    counts = shuffled[drawn].bincount(minlength=4)
    assert counts.nonzero()[:, 0].tolist() == kept
    for word in kept:
        share = float(p[word] / p[kept].sum())
        assert abs(counts[word] - draws * share) <= 4 * math.sqrt(draws * share * (1 - share))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"top_k": 0}, "at least 1"),
        ({"top_p": 0.0}, "above 0"),
        ({"temperature": -1.0}, "temperature is -1.0; it must be 0 or more"),
        ({"temperature": math.nan}, "temperature is nan; it must be 0 or more"),
        ({"temperature": math.inf}, "temperature is inf; it must be 0 or more"),
    ],
)
def test_impossible_options_are_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        sampled(**options)


# How likely what is written already is


def log_p(*words: int) -> float:
    """By hand: the sum of the logarithms of the softmax of each row of the table."""
    total, previous = 0.0, START
    for word in (*words, END):
        row = TABLE[previous].tolist()
        total += row[word] - math.log(sum(map(math.exp, row)))
        previous = word
    return total


def test_forced_by_hand() -> None:
    sequences = [[2, 3, 4], [], [4, 4, 4, 4, 4], [3]]
    batch = Batch.from_ragged(Ragged.from_sequences(sequences))
    found = forced(step, None, batch, start=START, end=END)
    assert found.tolist() == pytest.approx([log_p(*words) for words in sequences])
    # The start has 9, 0, 2, 1, 0: after it the end, which has 0.
    total = sum(map(math.exp, (9, 0, 2, 1, 0)))
    assert found[1].item() == pytest.approx(-math.log(total))


def test_forced_of_nothing() -> None:
    empty = Batch(torch.zeros(0, 0, dtype=torch.int64), torch.zeros(0, dtype=torch.int64))
    assert forced(step, None, empty, start=START, end=END).tolist() == []


@given(st.lists(st.lists(st.integers(2, 4), max_size=6), min_size=1, max_size=5))
def test_forced_of_a_batch_is_forced_one_by_one(sequences: list[list[int]]) -> None:
    batch = Batch.from_ragged(Ragged.from_sequences(sequences))
    found = forced(step, None, batch, start=START, end=END)
    assert found.tolist() == pytest.approx([log_p(*words) for words in sequences], rel=1e-5)


def test_forced_keeps_the_state_of_each_sequence() -> None:
    """The state is the one word that is likely, and the next time the word after it."""

    def counting(previous: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        return 5.0 * nn.functional.one_hot(state, 5).float(), state + 1

    batch = Batch.from_ragged(Ragged.from_sequences([[2, 3], [], [1, 3]]))
    found = forced(counting, torch.tensor([2, 4, 1]), batch, start=START, end=4)
    right, wrong = 5 - math.log(math.exp(5) + 4), -math.log(math.exp(5) + 4)
    # 2 counts on to 3 and 4, the end; 4 is the end at once; from 1 only the first word is right.
    assert found.tolist() == pytest.approx([3 * right, right, right + 2 * wrong])


# What may follow

INF = math.inf
SCORES = torch.tensor([[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]])


@pytest.mark.parametrize(
    ("rules", "written", "wanted"),
    [
        # end, forbidden, least length, no repeat
        ((1, [], 0, 0), [[], []], [[1, 2, 3, 4], [5, 6, 7, 8]]),
        ((1, [0, 2], 0, 0), [[3], [3]], [[-INF, 2, -INF, 4], [-INF, 6, -INF, 8]]),
        ((1, [0], 2, 0), [[3], [3]], [[-INF, -INF, 3, 4], [-INF, -INF, 7, 8]]),
        ((1, [0], 2, 0), [[3, 3], [3, 2]], [[-INF, 2, 3, 4], [-INF, 6, 7, 8]]),
        # Not again 3; not again 2 or 3.
        ((1, [], 0, 1), [[3, 3], [3, 2]], [[1, 2, 3, -INF], [5, 6, -INF, -INF]]),
        # After 3 not again 2; after 2 nothing came yet.
        ((1, [], 0, 2), [[3, 2, 3], [3, 3, 2]], [[1, 2, -INF, 4], [5, 6, 7, 8]]),
        ((1, [], 0, 3), [[3, 2], [3, 3]], [[1, 2, 3, 4], [5, 6, 7, 8]]),
        # Nothing may follow the first row, so that the end may; the second can go on with 2.
        ((1, [0], 9, 1), [[2, 3], [3, 3]], [[-INF, 2, -INF, -INF], [-INF, -INF, 7, -INF]]),
        ((1, [0, 2, 3], 9, 0), [[], []], [[-INF, 2, -INF, -INF], [-INF, 6, -INF, -INF]]),
    ],
)
def test_scores_of_words_that_may_not_follow(
    rules: tuple[int, list[int], int, int], written: list[list[int]], wanted: list[list[float]]
) -> None:
    scores = SCORES.clone()
    found = Rules(*rules).applied(scores, torch.tensor(written, dtype=torch.int64))
    assert found.tolist() == wanted
    assert torch.equal(scores, SCORES)


@given(
    st.lists(st.lists(st.integers(0, 4), min_size=6, max_size=6), min_size=1, max_size=4),
    st.sets(st.sampled_from([0, 2, 3])),
    st.integers(0, 8),
    st.integers(0, 4),
)
def test_rules_word_by_word(
    written: list[list[int]], forbidden: set[int], least: int, n: int
) -> None:
    scores = torch.arange(5.0 * len(written)).view(-1, 5)
    found = Rules(END, forbidden, least, n).applied(scores, torch.tensor(written))
    for row, words in enumerate(written):
        runs = [words[i : i + n] for i in range(len(words) - n + 1)] if n else []
        may = [
            word not in forbidden
            and not (word == END and len(words) < least)
            and not (n and [*words[len(words) - n + 1 :], word] in runs)
            for word in range(5)
        ]
        may[END] |= not any(may)
        assert found[row].isfinite().tolist() == may
        assert torch.equal(found[row][may], scores[row][may])
