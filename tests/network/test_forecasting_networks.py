"""Networks that forecast: heads and levels by hand, shapes, and what may not change a forecast."""

import math

import pytest
import torch
from torch import Tensor

from jpseq.batch import Batch
from jpseq.network.committee import Committee
from jpseq.network.direct import Direct, known_loss
from jpseq.network.heads import Gaussian, Head, Point, Quantiles
from jpseq.network.level import level
from jpseq.network.recursive import Recursive
from jpseq.network.window import Window

NAN = float("nan")


def window(
    size: int = 4, steps: int = 6, horizon: int = 3, known: int = 0, past: int = 0
) -> Window:
    draw = torch.Generator().manual_seed(7)
    values = torch.randn(size, steps, 2 + known + past, generator=draw)
    future = torch.randn(size, horizon, known, generator=draw)
    lengths = torch.full((size,), steps), torch.full((size,), horizon)
    target = torch.randn(size, horizon, 2, generator=draw)
    return Window(Batch(values, lengths[0]), Batch(future, lengths[1]), target)


def direct(known: int = 0, past: int = 0, head: Head | None = None, **options: object) -> Direct:
    torch.manual_seed(0)
    options = {"hidden_size": 5, "level": "none", **options}
    return Direct(3, 6, 2, known, past, head or Point(), **options).eval()  # type: ignore[arg-type]


def recursive(known: int = 0, head: Head | None = None, **options: object) -> Recursive:
    torch.manual_seed(0)
    options = {"hidden_size": 5, "level": "none", **options}
    return Recursive(2, known, head or Point(), **options).eval()  # type: ignore[arg-type]


# Heads


def test_point() -> None:
    parameters, target = torch.tensor([[1.0], [5.0]]), torch.tensor([3.0, 4.0])
    assert Point("mae").loss(parameters, target).tolist() == [2, 1]
    assert Point("mse").loss(parameters, target).tolist() == [4, 1]
    placed = Point().placed(parameters, torch.tensor([10.0, 20.0]), torch.tensor([2.0, 3.0]))
    assert placed.tolist() == [[12], [35]]
    assert Point().interval(parameters, 0.9) is None


def test_quantiles_are_sorted_and_lose_by_the_pinball_loss() -> None:
    head = Quantiles([0.1, 0.5, 0.9])
    crossed = torch.tensor([3.0, 2.0, 1.0])
    assert head.point(crossed) == 2
    low, high = head.interval(crossed, 0.8) or (None, None)
    assert (low, high) == (1, 3)
    assert head.interval(crossed, 0.5) is None
    # 2 / 3 of .1 * 1 + .5 * 2 + .9 * 3
    loss = head.loss(crossed.flip(0), torch.tensor(4.0))
    assert float(loss) == pytest.approx(2 / 3 * (0.1 * 3 + 0.5 * 2 + 0.9 * 1))


def test_the_median_alone_loses_the_absolute_error() -> None:
    parameters, target = torch.tensor([[1.0], [5.0]]), torch.tensor([3.0, 4.0])
    losses = [head.loss(parameters, target) for head in (Quantiles([0.5]), Point("mae"))]
    assert torch.equal(*losses)


def test_gaussian() -> None:
    head = Gaussian()
    parameters = torch.tensor([[2.0, 0.5]])
    wanted = torch.distributions.Normal(2.0, 0.5).log_prob(torch.tensor([1.0]))
    assert torch.allclose(head.loss(parameters, torch.tensor([1.0])), -wanted)
    low, high = head.interval(parameters, 0.95)
    assert float(high - 2) == pytest.approx(1.959964 * 0.5, abs=1e-5)
    assert float(2 - low) == pytest.approx(float(high - 2))
    placed = head.placed(parameters, torch.tensor([10.0]), torch.tensor([3.0]))
    assert placed.tolist() == [[16, 1.5]]
    # Of N(0, 1) and N(2, 1): mean 1, variance 1 + 1.
    both = head.together(torch.tensor([[0.0, 1.0], [2.0, 1.0]]))
    assert both.tolist() == pytest.approx([1, math.sqrt(2)])
    assert (head.raw(torch.tensor([[0.0, -50.0]]))[:, 1] > 0).all()


# Levels


@pytest.mark.parametrize(
    ("kind", "shift", "scale"),
    [
        ("last", 6.0, 1.0),
        ("mean", 3.0, 1.0),
        ("standard", 3.0, math.sqrt(14 / 3)),
        ("none", 0.0, 1.0),
    ],
)
def test_level(kind: str, shift: float, scale: float) -> None:
    found = level(kind, torch.tensor([[[1.0], [2.0], [6.0]]]))  # type: ignore[arg-type]
    assert [float(part) for part in found] == pytest.approx([shift, scale])


def test_a_constant_window_is_not_blown_up() -> None:
    shift, scale = level("standard", torch.full((1, 4, 1), 7.0))
    assert float(shift) == 7
    assert 0 < float(scale) <= 1


@pytest.mark.parametrize("kind", ["last", "mean"])
@pytest.mark.parametrize("make", [direct, recursive])
def test_what_is_shifted_is_foreseen_shifted(kind: str, make: object) -> None:
    network = make(level=kind)  # type: ignore[operator]
    here = window()
    there = here._replace(past=here.past.replace(here.past.values + 100))
    assert torch.allclose(network.forecast(here) + 100, network.forecast(there), atol=1e-3)


@pytest.mark.parametrize("make", [direct, recursive])
def test_a_standard_level_takes_the_unit_away_too(make: object) -> None:
    network = make(level="standard")  # type: ignore[operator]
    here = window()
    there = here._replace(past=here.past.replace(here.past.values * 30 - 5))
    assert torch.allclose(network.forecast(here) * 30 - 5, network.forecast(there), atol=1e-3)


def test_without_a_level_it_is_not() -> None:
    network, here = direct(), window()
    there = here._replace(past=here.past.replace(here.past.values + 100))
    assert not torch.allclose(network.forecast(here) + 100, network.forecast(there), atol=1)


# Networks


HEADS: list[Head] = [Point(), Quantiles([0.1, 0.5, 0.9]), Gaussian()]


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru", "peephole"])
@pytest.mark.parametrize("head", HEADS, ids=["point", "quantile", "gaussian"])
def test_shapes_and_gradients(cell: str, head: Head) -> None:
    here = window(known=3, past=1)
    network = direct(3, 1, head, cell=cell, level="last").train()
    assert network(here).shape == (4, 3, 2, head.size)
    loss = network.loss(here)
    assert int(loss.predicted) == 4 * 3 * 2
    loss.total.backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())


def test_direct_without_anything_learnt_foresees_the_level_and_its_recurrent_part() -> None:
    network = direct(level="last")
    torch.nn.init.zeros_(network.output.weight)
    torch.nn.init.zeros_(network.output.bias)
    here = window()
    wanted = here.past.values[:, -1:].expand(-1, 3, -1)
    assert torch.equal(network.forecast(here)[..., 0], wanted)


def test_recursive_without_anything_learnt_foresees_the_last_value() -> None:
    network = recursive()
    torch.nn.init.zeros_(network.output.weight)
    torch.nn.init.zeros_(network.output.bias)
    here = window()
    wanted = here.past.values[:, -1:].expand(-1, 3, -1)
    assert torch.allclose(network.forecast(here)[..., 0], wanted)


@pytest.mark.parametrize("known", [0, 2])
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru", "peephole"])
def test_recursive_reads_what_it_has_said(known: int, cell: str) -> None:
    """The losses of teacher forcing are those of the forecast where it is taught what it says."""
    network, here = recursive(known, cell=cell, layers=2), window(known=known)
    said = network.forecast(here)[..., 0]
    taught = here._replace(target=said)
    assert network.loss(taught).total.item() == pytest.approx(0, abs=1e-5)
    moved = here._replace(target=said + 1)
    assert network.loss(moved).total.item() > 1


def test_recursive_goes_on_as_far_as_is_wanted() -> None:
    network = recursive(1)
    far, near = window(horizon=9, known=1), window(horizon=9, known=1)
    near = near._replace(
        future=Batch(near.future.values[:, :3], torch.full((4,), 3)), target=near.target[:, :3]
    )
    assert torch.allclose(network.forecast(far)[:, :3], network.forecast(near), atol=1e-6)


def test_drawn_futures_spread_and_come_again() -> None:
    network, here = recursive(head=Gaussian()), window(horizon=12)
    said = network.forecast(here)
    assert said.shape == (4, 12, 2, 2)
    assert torch.equal(said, network.forecast(here))
    assert (said[:, -1, :, 1] > said[:, 0, :, 1]).all()  # errors add up on the way


@pytest.mark.parametrize("make", [direct, recursive])
def test_what_came_changes_no_forecast(make: object) -> None:
    network = make(level="last")  # type: ignore[operator]
    here = window()
    for target in (torch.zeros_like(here.target), torch.full_like(here.target, NAN)):
        other = here._replace(target=target)
        assert torch.equal(network.forecast(here), network.forecast(other))


def test_what_nobody_knows_is_not_learnt() -> None:
    target = torch.tensor([[[1.0], [NAN]]])
    parameters = torch.tensor([[[[3.0]], [[9.0]]]], requires_grad=True)
    loss = known_loss(Point(), parameters, target)
    assert (loss.total.item(), int(loss.predicted)) == (2, 1)
    loss.total.backward()
    gradient = parameters.grad
    assert isinstance(gradient, Tensor)
    assert gradient.flatten().tolist() == [1, 0]


@pytest.mark.parametrize("make", [direct, recursive])
def test_gaps_in_what_came_leave_the_gradients_finite(make: object) -> None:
    network = make(head=Gaussian(), level="last").train()  # type: ignore[operator]
    here = window()
    here.target[0, 1] = NAN
    network.loss(here).total.backward()
    assert all(p.grad.isfinite().all() for p in network.parameters() if p.grad is not None)


def test_a_committee_says_the_mean() -> None:
    one, two, here = direct(), direct(level="last"), window()
    together = Committee([one, two]).forecast(here)
    assert torch.allclose(together, (one.forecast(here) + two.forecast(here)) / 2)
    assert torch.equal(Committee([one]).forecast(here), one.forecast(here))
