"""What is left out, and how negatives are drawn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from jpseq.embedding.draws import ALWAYS, chances

Counts = arrays(np.int64, st.integers(1, 40), elements=st.integers(1, 10**6))


def probabilities(noise: np.ndarray) -> np.ndarray:
    """Of each word, from the table: 1/V a column, shared by its word and the other one."""
    own = noise[:, 0] / 2**32
    shares = own.copy()
    np.add.at(shares, noise[:, 1].astype(int), 1 - own)
    return shares / len(noise)


@given(Counts, st.floats(0, 1))
def test_noise_is_counts_to_a_power(counts: np.ndarray, exponent: float) -> None:
    wanted = counts.astype(float) ** exponent
    found = probabilities(chances(counts, 0, exponent).noise)
    np.testing.assert_allclose(found, wanted / wanted.sum(), rtol=1e-6, atol=1e-9)


def test_sampling_by_hand() -> None:
    # A share of 0.5 at a sample of 0.02: (√25 + 1) / 25 = 0.24; of 0.02: more than 1.
    keep = chances(np.array([50, 48, 2]), 0.02, 0.75).keep
    assert keep[0] == pytest.approx(0.24 * 2**32, rel=1e-9)
    assert keep[2] == ALWAYS


def test_no_sampling_keeps_all() -> None:
    assert (chances(np.array([10**9, 1]), 0, 0.75).keep == ALWAYS).all()
