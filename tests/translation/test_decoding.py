"""Search and sampling of a translator: on the device where its network is."""

from typing import Any

import pytest
import torch
from torch import nn

from jpseq.batch import Batch
from jpseq.network.ensemble import Ensemble
from jpseq.sequences import Ragged
from jpseq.translation import decoding

SOURCES = Ragged.from_sequences([[4, 5], [6]])


class Elsewhere(nn.Module):
    """A network with its weights on another device, which shows what it is given."""

    def __init__(self, given: list[str]) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1, device="meta"))
        self.given = given

    def encode(self, source: Batch) -> None:
        self.given += [source.values.device.type, source.lengths.device.type]

    def step(self, previous: torch.Tensor, state: Any) -> Any:
        raise NotImplementedError


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("name", ["beam_search", "decode"])
def test_what_is_read_and_searched_is_on_the_networks_device(
    name: str, several: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[str] = []

    def looked_at(step: Any, state: Any, *, size: int, device: torch.device, **_: Any) -> Any:
        given.append(device.type)
        if name == "beam_search":
            return [[]] * size
        return Batch(torch.zeros(size, 0, dtype=torch.int64), torch.zeros(size, dtype=torch.int64))

    monkeypatch.setattr(decoding, name, looked_at)
    network: Any = Elsewhere(given)
    if several:
        network = Ensemble([network])
    if name == "beam_search":
        decoding.search(network, SOURCES, beam=2)
    else:
        decoding.draw(network, SOURCES, lambda scores: scores.argmax(dim=1))
    assert given == ["meta"] * 3
