"""The best weights of a run, each in a file, and their mean."""

import os
from pathlib import Path
from typing import Literal

import torch
from safetensors.torch import load_file, save_model
from torch import Tensor, nn


class Best:
    """Keeps the weights of the n best epochs in a folder, as epoch-N.safetensors.

    Args:
        folder: of the run.
        keep: n.
        best: whether the lowest or the highest figures are the best.
    """

    def __init__(self, folder: Path, keep: int, best: Literal["lowest", "highest"]) -> None:
        self.folder = folder
        self.keep = keep
        self.sign = 1.0 if best == "lowest" else -1.0
        self.kept: list[tuple[float, int]] = []
        """Figures and epochs, the best first; the earlier one where two are equal."""

    def better(self, figure: float) -> bool:
        """Whether a figure is better than all before it. NaN never is."""
        return figure == figure and (
            not self.kept or self._order(figure) < self._order(self.figure)
        )

    @property
    def figure(self) -> float:
        """The best of all."""
        return self.kept[0][0]

    def add(self, network: nn.Module, figure: float, epoch: int) -> None:
        """Keep the weights of an epoch, if it is one of the best.

        The file of an epoch that is pushed out stays until `prune`: a run that is killed in between
        may need it again.
        """
        if figure != figure:
            return
        ranked = sorted([*self.kept, (figure, epoch)], key=lambda k: (self._order(k[0]), k[1]))
        self.kept = ranked[: self.keep]
        if (figure, epoch) in self.kept:
            new = self._path(epoch).with_suffix(".new")
            save_model(network, str(new))
            os.replace(new, self._path(epoch))

    def prune(self) -> None:
        """Remove the files of epochs that are no longer among the best."""
        wanted = {self._path(epoch) for _, epoch in self.kept}
        for path in self.folder.glob("epoch-*.safetensors"):
            if path not in wanted:
                path.unlink()

    def restore(self, network: nn.Module, average: bool) -> None:
        """Give a network the best weights, or the mean of all that are kept.

        The mean of several points near one minimum is often better than each of them (Izmailov et
        al. 2018).
        """
        epochs = [epoch for _, epoch in self.kept] if average else [self.kept[0][1]]
        mean: dict[str, Tensor] = {}
        for epoch in epochs:
            for name, weight in load_file(self._path(epoch)).items():
                share = weight.double() / len(epochs) if weight.is_floating_point() else weight
                mean[name] = mean[name] + share if name in mean and share is not weight else share
        with torch.no_grad():
            for name, parameter in network.state_dict().items():
                if name in mean:  # a tied weight is kept once, under its first name
                    parameter.copy_(mean[name])

    def _order(self, figure: float) -> float:
        return self.sign * figure

    def _path(self, epoch: int) -> Path:
        return self.folder / f"epoch-{epoch:03}.safetensors"
