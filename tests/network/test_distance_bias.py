"""What attention's scores have added for the distance of two steps."""

import pytest
import torch

from jpseq.network.distance_bias import DistanceBias
from jpseq.network.transformer import Transformer


def test_heads_begin_with_looking_near_to_either_side() -> None:
    bias = DistanceBias(heads=3, longest=4)
    found = bias(3)
    right = [[0, -0.5, -1], [-2.5, 0, -0.5], [-3, -2.5, 0]]
    left = [[0, -2.5, -3], [-0.5, 0, -2.5], [-1, -0.5, 0]]
    farther_right = [[0, -0.125, -0.25], [-2.125, 0, -0.125], [-2.25, -2.125, 0]]
    torch.testing.assert_close(found.detach(), torch.tensor([right, left, farther_right]).float())


def test_one_number_serves_all_steps_that_are_as_far_apart() -> None:
    bias = DistanceBias(heads=1, longest=4)
    bias(3)[0].sum().backward()
    assert bias.bias.grad is not None
    assert bias.bias.grad.tolist() == [[0, 1, 2, 3, 2, 1, 0]]


@pytest.mark.parametrize("learning", [True, False])
def test_what_is_said_to_be_far_away_is_not_looked_at(learning: bool) -> None:
    torch.manual_seed(0)
    encoder = Transformer(8, 8, layers=2, heads=2, longest=5).train(learning)
    with torch.no_grad():
        encoder.distances.bias.fill_(-100)
        encoder.distances.bias[:, 3] = 0  # one step to the left, and nothing else
        steps = torch.randn(1, 4, 8)
        other = torch.cat([torch.randn(1, 1, 8), steps[:, 1:]], dim=1)
        # Step 0 looks at all steps alike, since it has none on its left.
        found, changed = encoder._attended(steps), encoder._attended(other)
    assert not torch.allclose(found[:, 1:3], changed[:, 1:3], atol=1e-3)
    torch.testing.assert_close(found[:, 3], changed[:, 3])
