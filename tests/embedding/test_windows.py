"""The kernel takes the steps of the NumPy reference, whatever code the processor gets."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numba import njit

from jpseq.embedding import reference, windows
from jpseq.embedding.draws import Chances
from tests.embedding.agreement import difference

EXACT = 1e-5
NEVER_LEFT_OUT = np.full(4, 2**32 - 1, np.uint32)


@pytest.mark.parametrize("cbow", [False, True])
@pytest.mark.parametrize("negatives", [0, 1, 5, 6, 12])
@pytest.mark.parametrize("dim", [1, 16, 100])
def test_weights_and_losses_are_those_of_the_reference(
    cbow: bool, negatives: int, dim: int
) -> None:
    assert difference(cbow, negatives, dim) < EXACT


def test_windows_of_one_width_too() -> None:
    assert difference(cbow=False, negatives=5, dim=20, dynamic=False) < EXACT


@pytest.mark.parametrize("cbow", [False, True])
@pytest.mark.parametrize("negatives", [0, 5])
@pytest.mark.parametrize("buckets", [1, 40])
def test_words_made_of_ngrams_too(cbow: bool, negatives: int, buckets: int) -> None:
    assert difference(cbow, negatives, 20, buckets=buckets) < EXACT


@pytest.mark.parametrize(("processor", "width"), [("haswell", 8), ("generic", 0)])
def test_other_processors_take_the_same_steps(processor: str, width: int) -> None:
    script = Path(__file__).with_name("agreement.py")
    root = Path(__file__).parents[2]
    environment = os.environ | {
        "NUMBA_CPU_NAME": processor,
        "NUMBA_CPU_FEATURES": "",
        "PYTHONPATH": str(root),
    }
    if processor == "haswell":
        del environment["NUMBA_CPU_FEATURES"]
    done = subprocess.run(
        [sys.executable, str(script)], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found, largest = done.stdout.split()
    assert int(found) == width
    assert float(largest) < EXACT


def noise(*words: int) -> np.ndarray:
    """A table from which the words come in place of each of four."""
    return np.array([[0, word] for word in words], np.uint32)


def layers(x: list[list[float]], o: list[list[float]]) -> windows.Layers:
    """Layers of four words with 2 values each, in rows of 16."""
    flat = np.zeros((2, 5, 16), np.float32)
    flat[0, :4, :2], flat[1, :4, :2] = x, o
    return windows.Layers(flat[0].ravel(), flat[1].ravel(), 16, 0, 0)


def test_one_window_by_hand() -> None:
    # Two words, one on either side of nothing: each is predicted once by the other. The negative
    # is always word 3. σ(0) = 1/2, so that the first step is half the rate.
    given = layers([[1, 0], [0, 2], [0, 0], [0, 0]], [[0, 0]] * 4)
    options = windows.Options(False, 1, False, 1)
    tables = Chances(NEVER_LEFT_OUT, noise(3, 3, 3, 3))
    loss, count = windows.train(
        np.array([0, 1], np.int32),
        np.array([0, 2]),
        given,
        options,
        tables,
        (1.0, 1.0),
        np.array([1, 2], np.uint64),
    )
    o = given.o.reshape(5, 16)
    x = given.x.reshape(5, 16)
    assert count == 2
    # Word 0 in the middle: x of word 1, (0, 2), against o of 0 (wanted) and of 3 (not wanted).
    np.testing.assert_allclose(o[0, :2], [0, 1], rtol=1e-6)
    # Word 1 in the middle: x of word 0, (1, 0), against o of 1 = 0 and of 3 = (0, -1): scores 0.
    np.testing.assert_allclose(o[1, :2], [0.5, 0], rtol=1e-6)
    np.testing.assert_allclose(o[3, :2], [-0.5, -1], rtol=1e-6)
    # While o of 0 and 3 were zero, x of 1 stayed; x of 0 learns from o of 3: -1/2 (0, -1).
    np.testing.assert_allclose(x[:2, :2], [[1, 0.5], [0, 2]], rtol=1e-6)
    assert loss == pytest.approx(4 * np.log(2), rel=1e-7)


def test_a_negative_that_is_the_word_itself_teaches_nothing() -> None:
    given = layers([[1, 0], [1, 0], [0, 0], [0, 0]], [[0, 0]] * 4)
    tables = Chances(NEVER_LEFT_OUT, noise(0, 0, 0, 0))
    options = windows.Options(False, 1, False, 5)
    windows.train(
        np.array([0, 1], np.int32),
        np.array([0, 2]),
        given,
        options,
        tables,
        (1.0, 1.0),
        np.array([1, 2], np.uint64),
    )
    # Word 0 is predicted once, from x = (1, 0), and is no negative of its own. Of word 1 it is the
    # negative, five times at once, each with σ(1/2).
    step = 5 / (1 + np.exp(-0.5))
    np.testing.assert_allclose(given.o.reshape(5, 16)[0, 0], 0.5 - step, rtol=1e-6)


def test_a_rate_of_zero_measures_and_changes_nothing() -> None:
    draw = np.random.default_rng(0)
    given = layers(*draw.normal(size=(2, 4, 2)).tolist())
    before = given.x.copy(), given.o.copy()
    for cbow in (False, True):
        loss, count = windows.train(
            np.array([0, 1, 2, 3, 0], np.int32),
            np.array([0, 5]),
            given,
            windows.Options(cbow, 2, True, 3),
            Chances(NEVER_LEFT_OUT, noise(0, 1, 2, 3)),
            (0.0, 0.0),
            np.array([1, 2], np.uint64),
        )
        assert loss > 0 < count
    np.testing.assert_array_equal(given.x, before[0])
    np.testing.assert_array_equal(given.o, before[1])


@njit
def learn(scores, signs, count, rate, losses):  # type: ignore[no-untyped-def]
    """Vector code can be called from numba's code only."""
    windows.learn(scores, signs, count, rate, losses)


@pytest.mark.parametrize("score", [-1e4, -50.0, -3.0, 0.0, 1e-3, 8.0, 50.0, 1e4])
def test_losses_and_steps_are_exact_for_any_score(score: float) -> None:
    scores = np.zeros(32, np.float32)
    scores[:3] = score
    signs = np.zeros(32, np.float32)
    signs[:2] = 1, -1
    losses = np.zeros(16)
    learn(scores, signs, 16, np.float32(0.5), losses)
    wanted = np.logaddexp(0, [-score, score])
    assert losses.sum() == pytest.approx(wanted.sum(), rel=3e-7)
    right = 0.5 * np.array([1 - sigmoid(score), -sigmoid(score), 0])
    np.testing.assert_allclose(scores[:3], right, rtol=1e-5, atol=1e-7)


def sigmoid(t: float) -> float:
    return float(np.exp(-np.logaddexp(0, -t)))


def test_sentences_of_no_or_one_word_and_words_without_vectors_are_passed_over() -> None:
    given = layers([[1, 1]] * 4, [[1, 1]] * 4)
    nothing = windows.train(
        np.array([1, 9, 9, 2, 7], np.int32),
        np.array([0, 0, 1, 3, 5]),
        given,
        windows.Options(False, 5, False, 1),
        Chances(NEVER_LEFT_OUT, noise(0, 1, 2, 3)),
        (1.0, 1.0),
        np.array([1, 2], np.uint64),
    )
    assert nothing == (0, 0)


def test_reference_and_kernel_share_their_random_numbers() -> None:
    from jpseq.embedding.draws import negative

    table = np.random.default_rng(0).integers(0, 2**32, (50, 2)).astype(np.uint32) % 50
    drawn, state = [], np.uint64(77)
    for _ in range(100):
        state, word = negative(state, table)
        drawn.append(int(word))
    random = reference.Random(77)
    assert drawn == [random.negative(table) for _ in range(100)]
