"""Dropout: the share it drops, the mean it keeps, and chance that can be repeated."""

import pytest
import torch
from torch import Tensor

from jpseq.batch import Batch
from jpseq.network.decoder import Decoder
from jpseq.network.dropout import Dropout, WordDrop

MANY = 200_000


def dropped(p: float, x: Tensor, seed: int = 0) -> Tensor:
    torch.manual_seed(seed)
    result: Tensor = Dropout(p).train()(x)
    return result


@pytest.mark.parametrize(("p", "kept"), [(0.5, 128), (0.1, 230), (0.3, 179), (0.75, 64)])
def test_what_is_kept_is_scaled_by_the_exact_share(p: float, kept: int) -> None:
    result = dropped(p, torch.ones(MANY, dtype=torch.float64))
    assert set(result.unique().tolist()) == {0.0, 256 / kept}
    # Five standard deviations of a binomial.
    share = kept / 256
    bound = 5 * (share * (1 - share) / MANY) ** 0.5
    assert (result > 0).double().mean().item() == pytest.approx(share, abs=bound)
    assert result.mean().item() == pytest.approx(1, abs=bound / share)
    assert abs(share - (1 - p)) <= 1 / 512


def test_a_half_doubles_the_rest() -> None:
    assert set(dropped(0.5, torch.full((1000,), 3.0)).tolist()) == {0.0, 6.0}


@pytest.mark.parametrize("p", [0.0, 0.0001, 1 / 600])
def test_a_share_nearest_to_nothing_drops_nothing(p: float) -> None:
    x = torch.randn(3000)
    assert torch.equal(dropped(p, x), x)


@pytest.mark.parametrize("p", [0.996, 0.9999])
def test_some_are_always_kept(p: float) -> None:
    result = dropped(p, torch.ones(MANY))
    assert set(result.tolist()) == {0.0, 256.0}


def test_features_are_dropped_independently() -> None:
    # Eight features share a draw: each pair of their places is dropped together as often as by
    # chance, 0.25 ± 0.014.
    zeros = (dropped(0.5, torch.ones(MANY)) == 0).view(-1, 8).double()
    together = zeros.T @ zeros / len(zeros)
    for i in range(8):
        for j in range(8):
            assert together[i, j].item() == pytest.approx(0.5 if i == j else 0.25, abs=0.016)
    first, second = zeros.flatten()[:-8], zeros.flatten()[8:]
    assert (first * second).mean().item() == pytest.approx(0.25, abs=0.006)


def test_the_gradient_goes_where_the_features_went() -> None:
    x = torch.randn(7, 13, requires_grad=True)
    torch.manual_seed(0)
    result = Dropout(0.4).train()(x)
    weights = torch.randn(7, 13)
    (result * weights).sum().backward()
    kept = round(0.6 * 256)
    mask = (result != 0) * (256 / kept)
    assert x.grad is not None
    torch.testing.assert_close(result, x * mask)
    torch.testing.assert_close(x.grad, weights * mask)
    assert 0 < int((x.grad == 0).sum()) < 91


def test_evaluation_drops_nothing_and_draws_nothing() -> None:
    x = torch.randn(100)
    torch.manual_seed(0)
    before = torch.get_rng_state()
    assert Dropout(0.9).eval()(x) is x
    assert torch.equal(torch.get_rng_state(), before)


def test_the_seed_decides() -> None:
    x = torch.ones(1000)
    assert torch.equal(dropped(0.5, x, 1), dropped(0.5, x, 1))
    assert not torch.equal(dropped(0.5, x, 1), dropped(0.5, x, 2))
    torch.manual_seed(0)
    layer = Dropout(0.5).train()
    assert not torch.equal(layer(x), layer(x))


@pytest.mark.parametrize("shape", [(0,), (3, 0), (), (1,), (7,), (9,), (3, 5, 17)])
def test_any_size(shape: tuple[int, ...]) -> None:
    result = dropped(0.5, torch.ones(shape))
    assert result.shape == shape
    assert set(result.flatten().tolist()) <= {0.0, 2.0}


def test_the_way_features_lie_in_memory_makes_no_difference() -> None:
    x = torch.randn(6, 10)
    assert torch.equal(dropped(0.5, x.t().contiguous().t()), dropped(0.5, x))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_the_precision_stays(dtype: torch.dtype) -> None:
    x = torch.ones(1000, dtype=dtype, requires_grad=True)
    result = dropped(0.5, x)
    result.sum().backward()
    assert result.dtype == dtype
    assert x.grad is not None
    assert x.grad.dtype == dtype
    assert torch.equal(x.grad, result)


def test_it_tells_its_share() -> None:
    assert repr(Dropout(0.25)) == "Dropout(p=0.25)"


def test_whole_words_are_left_blank() -> None:
    torch.manual_seed(0)
    x = torch.randn(40, 50, 3)
    result = WordDrop(0.3).train()(x)
    blank = (result == 0).all(dim=2)
    assert torch.equal(result[~blank], x[~blank])  # not scaled, and no word in part
    # Five standard deviations of a binomial.
    bound = 5 * (0.3 * 0.7 / blank.numel()) ** 0.5
    assert blank.float().mean().item() == pytest.approx(0.3, abs=bound)


def test_words_are_left_blank_independently() -> None:
    torch.manual_seed(0)
    blank = (WordDrop(0.5).train()(torch.ones(10_000, 2, 1)) == 0)[..., 0].double()
    for first, second in ((blank[:, 0], blank[:, 1]), (blank[:-1, 0], blank[1:, 0])):
        assert (first * second).mean().item() == pytest.approx(0.25, abs=0.022)


def test_a_blank_word_has_no_gradient() -> None:
    torch.manual_seed(0)
    x = torch.ones(4, 6, 2, requires_grad=True)
    result = WordDrop(0.5).train()(x)
    (3 * result).sum().backward()
    assert x.grad is not None
    assert torch.equal(x.grad, 3 * result)
    assert set(x.grad.flatten().tolist()) == {0.0, 3.0}


@pytest.mark.parametrize("layer", [WordDrop(0.9).eval(), WordDrop(0.0).train()])
def test_otherwise_all_words_are_there_and_nothing_is_drawn(layer: WordDrop) -> None:
    x = torch.randn(3, 4, 5)
    torch.manual_seed(0)
    before = torch.get_rng_state()
    assert layer(x) is x
    assert torch.equal(torch.get_rng_state(), before)


def test_all_words_can_be_left_blank() -> None:
    assert not WordDrop(1.0).train()(torch.ones(30, 30, 2)).any()


@pytest.mark.parametrize("shape", [(0, 3, 2), (3, 0, 2), (1, 1, 1)])
def test_words_of_any_shape(shape: tuple[int, ...]) -> None:
    torch.manual_seed(1)
    result = WordDrop(0.5).train()(torch.ones(shape))
    assert result.shape == shape
    assert repr(WordDrop(0.25)) == "WordDrop(p=0.25)"


def test_a_decoder_leaves_previous_words_blank_while_training() -> None:
    torch.manual_seed(0)
    decoder = Decoder(9, 4, 6, word_drop=0.5)
    previous = Batch(torch.full((30, 20), 7), torch.full((30,), 20))
    row = decoder.embedding(torch.tensor(7)).detach()
    embedded = decoder.train().embed(previous).values
    blank = (embedded == 0).all(dim=2)
    assert torch.equal(embedded[~blank], row.expand(int((~blank).sum()), 4))
    assert 200 < int(blank.sum()) < 400
    assert torch.equal(decoder.eval().embed(previous).values, row.expand(30, 20, 4))
