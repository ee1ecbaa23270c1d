"""Latent Gaussians against torch.distributions and by hand; annealing and free bits, by hand."""

from math import log, pi

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.distributions import Normal, kl_divergence

from jpseq.network.latent import Annealing, Gaussian, GaussianLayer, KLTerm


def draw(*shape: int) -> Tensor:
    return torch.randn(shape, dtype=torch.float64)


def some(rows: int = 4, features: int = 3) -> Gaussian:
    return Gaussian(draw(rows, features), draw(rows, features))


def known(gaussian: Gaussian) -> Normal:
    """The same as torch has it."""
    return Normal(gaussian.mean, gaussian.log_variance.exp().sqrt())


def one(mean: float, variance: float) -> Gaussian:
    return Gaussian(
        torch.tensor([[mean]], dtype=torch.float64),
        torch.tensor([[variance]], dtype=torch.float64).log(),
    )


def test_the_divergence_is_that_of_torch() -> None:
    torch.manual_seed(0)
    q, p = some(), some()
    torch.testing.assert_close(q.kl(p), kl_divergence(known(q), known(p)))


@pytest.mark.parametrize(
    ("q", "p", "kl"),
    [
        (one(0, 1), one(0, 1), 0.0),
        (one(3, 1), one(1, 1), 2.0),  # (3 - 1)² / 2
        (one(3, 4), one(1, 4), 0.5),  # the same in units of a standard deviation
        (one(0, 4), one(0, 1), (4 - 1 - log(4)) / 2),
        (one(0, 1), one(0, 4), (0.25 - 1 + log(4)) / 2),
    ],
)
def test_the_divergence_by_hand(q: Gaussian, p: Gaussian, kl: float) -> None:
    assert q.kl(p).item() == pytest.approx(kl, rel=1e-12)


numbers = st.floats(-5, 5)


@given(numbers, numbers, numbers, numbers)
def test_a_divergence_is_never_negative(a: float, b: float, c: float, d: float) -> None:
    parts = [torch.tensor([[x]], dtype=torch.float64) for x in (a, b, c, d)]
    q, p = Gaussian(*parts[:2]), Gaussian(*parts[2:])
    assert q.kl(p).item() >= -1e-12
    assert q.kl(q).item() == 0


def test_log_densities_are_those_of_torch() -> None:
    torch.manual_seed(0)
    q, z = some(), draw(5, 4, 3)
    found = q.log_p(z)
    assert tuple(found.shape) == (5, 4)
    torch.testing.assert_close(found, known(q).log_prob(z).sum(-1))
    assert one(2, 4).log_p(torch.tensor([[6.0]])).item() == pytest.approx(
        -(4 + log(4) + log(2 * pi)) / 2
    )


def test_the_standard_one() -> None:
    p = Gaussian.standard(draw(4, 3))
    assert p.mean.tolist() == p.log_variance.tolist() == [[0.0] * 3] * 4
    assert p.mean.dtype == torch.float64


def test_a_sample_is_the_mean_and_noise_times_the_deviation() -> None:
    mean = torch.tensor([[1.0, -2.0]], requires_grad=True)
    log_variance = torch.tensor([[0.0, log(9)]], requires_grad=True)
    z = Gaussian(mean, log_variance).sample(torch.tensor([[2.0, 1.0]]))
    torch.testing.assert_close(z, torch.tensor([[3.0, 1.0]]))
    z.sum().backward()
    assert mean.grad is not None
    assert log_variance.grad is not None
    assert mean.grad.tolist() == [[1.0, 1.0]]
    # d z / d log variance is half of what the noise adds.
    torch.testing.assert_close(log_variance.grad, torch.tensor([[1.0, 1.5]]))


def test_samples_have_the_moments() -> None:
    torch.manual_seed(0)
    many = 40_000
    q = Gaussian(torch.full((many, 1), 2.0), torch.full((many, 1), log(0.25)))
    z = q.sample()
    # Five standard errors of mean and variance.
    assert z.mean().item() == pytest.approx(2, abs=5 * 0.5 / many**0.5)
    assert z.var().item() == pytest.approx(0.25, abs=5 * 0.25 * (2 / many) ** 0.5)


def test_the_layer_begins_near_the_standard_one() -> None:
    torch.manual_seed(0)
    layer = GaussianLayer(50, 8)
    gaussian = layer(torch.randn(100, 50))
    assert tuple(gaussian.mean.shape) == tuple(gaussian.log_variance.shape) == (100, 8)
    kl = gaussian.kl(Gaussian.standard(gaussian.mean))
    assert 0 < kl.mean().item() < 0.02


def test_the_layer_by_hand() -> None:
    torch.manual_seed(0)
    layer, x = GaussianLayer(3, 2).double(), draw(4, 3)
    w, b = layer.output.weight, layer.output.bias
    outputs = torch.tanh(x @ layer.hidden.weight.T + layer.hidden.bias) @ w.T + b
    mean, log_variance = layer(x)
    torch.testing.assert_close(mean, outputs[:, :2])
    torch.testing.assert_close(log_variance, outputs[:, 2:])


def test_under_autocast_the_gaussian_is_in_single_precision() -> None:
    with torch.autocast("cpu", torch.bfloat16):
        mean, log_variance = GaussianLayer(3, 2)(torch.randn(4, 3))
    assert mean.dtype == log_variance.dtype == torch.float32


@pytest.mark.parametrize(
    ("annealing", "weights"),
    [
        (Annealing(), [1, 1, 1]),
        (Annealing(steps=0, cycles=3), [1, 1, 1]),
        (Annealing(steps=1), [0, 1, 1, 1]),
        (Annealing(steps=4), [0, 0.25, 0.5, 0.75, 1, 1, 1, 1, 1, 1]),
        (Annealing(steps=1, cycles=3), [0, 1, 0, 1, 0, 1, 1, 1]),
        (Annealing(steps=2, cycles=2), [0, 0.5, 1, 1, 0, 0.5, 1, 1, 1, 1, 1]),
    ],
)
def test_annealing_by_hand(annealing: Annealing, weights: list[float]) -> None:
    assert [annealing(step) for step in range(len(weights))] == weights


@given(st.integers(0, 20), st.integers(1, 5), st.integers(0, 300))
def test_annealing_repeats_and_then_stays(steps: int, cycles: int, step: int) -> None:
    weight = Annealing(steps, cycles)(step)
    cycle = 2 * steps
    if step >= cycle * cycles:
        assert weight == 1
    else:
        assert weight == Annealing(steps)(step % cycle)
        assert 0 <= weight <= 1


KL = torch.tensor([[1.0, 0.0, 4.0], [3.0, 0.2, 0.0]])  # of features in the mean 2, 0.1 and 2


def test_measured_the_term_is_the_plain_sum() -> None:
    term = KLTerm(Annealing(5), free_bits=3).eval()
    assert term(KL).item() == pytest.approx(8.2)
    assert int(term.updates) == 0


def test_while_training_it_is_annealed() -> None:
    term = KLTerm(Annealing(2)).train()
    assert [term(KL).item() for _ in range(4)] == pytest.approx([0, 4.1, 8.2, 8.2])
    assert int(term.updates) == 4


def test_free_bits_are_of_the_mean_of_each_feature() -> None:
    # The second feature is below 0.5, the others are above; both rows count.
    assert KLTerm(free_bits=0.5).train()(KL).item() == pytest.approx(2 * (2 + 0.5 + 2))
    kl = KL.clone().requires_grad_()
    KLTerm(free_bits=0.5).train()(kl).backward()
    assert kl.grad is not None
    assert kl.grad.tolist() == [[1.0, 0.0, 1.0]] * 2


def test_no_rows_cost_nothing() -> None:
    for term in (KLTerm(free_bits=0.5).train(), KLTerm().eval()):
        assert term(torch.zeros(0, 3)).item() == 0


def test_a_training_that_goes_on_anneals_on() -> None:
    term = KLTerm(Annealing(4)).train()
    for _ in range(3):
        term(KL)
    other = KLTerm(Annealing(4)).train()
    other.load_state_dict(term.state_dict())
    assert other(KL).item() == pytest.approx(0.75 * 8.2)
    assert list(term.state_dict()) == ["updates"]
