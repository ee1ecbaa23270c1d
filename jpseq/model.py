"""A model: something that learns from sequences and is kept as a folder.

The folder holds model.json (registered name, format version, parameters, hashes of vocabularies),
the vocabularies, weights.safetensors and README.md, the model card. It never holds code or an
import path: the class is found by its registered name.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Self

from jpseq import plugins
from jpseq.errors import (
    ConfigurationError,
    DataError,
    JpseqError,
    ModelError,
    NotFittedError,
    PluginError,
)
from jpseq.folders import replace_folder
from jpseq.parameters import Parameters
from jpseq.stage import Stage
from jpseq.vocabulary import Vocabulary

if TYPE_CHECKING:
    from torch import nn

FORMAT_VERSION = 1
_MAKES = (
    "`jpseq chat train`, `translate train`, `forecast train`, `embed train` and `embed pretrain`"
    " make one."
)
_AGAIN = "Copy the model folder again, or train it again."


class Model(Parameters):
    """Base of all models.

    A new one is registered under `name` in the entry-point group jpseq.models, sets `network` and
    `vocabularies` in its fit, and writes `build`, which makes the untrained network again. One that
    is no network writes `trained`, `save_weights` and `load_weights` instead.
    """

    name: ClassVar[str]
    network: "nn.Module | None" = None
    completed: bool
    """Whether the last training came to its end, and was not interrupted."""
    metrics: Mapping[str, str]
    """What was measured, with the signature of each figure; for the model card."""
    facts: Mapping[str, Any] = MappingProxyType({})
    """What it knows of its data beside vocabularies and weights, as JSON; a scaler, for one."""

    def build(self) -> "nn.Module":
        """The untrained network, from the parameters and the vocabularies."""
        raise NotImplementedError

    @property
    def vocabularies(self) -> dict[str, Vocabulary]:
        """The fitted vocabularies by name."""
        raise NotImplementedError

    def restore(self, vocabularies: dict[str, Vocabulary]) -> None:
        """Take back the vocabularies of a saved model."""
        raise NotImplementedError

    def card(self) -> str:
        """README.md of the model folder."""
        raise NotImplementedError

    def trained(self) -> Any:
        """The network.

        Raises:
            NotFittedError: it has not been trained.
        """
        if self.network is None:
            raise NotFittedError(
                f"This {type(self).__name__} has learnt nothing yet: call fit, or"
                f" {type(self).__name__}.load(folder)."
            )
        return self.network

    def save(self, folder: Path | str) -> None:
        """Write the model's folder; a former model there is replaced whole, or not at all.

        Raises:
            NotFittedError: there is nothing to save.
            DataError: the folder holds something else, or cannot be written.
        """
        self.trained()
        with replace_folder(Path(folder), "model.json") as new:
            for name, vocabulary in self.vocabularies.items():
                vocabulary.save(new / f"{name}.json")
            for name, stage in self._stages():
                (new / name).mkdir()
                stage.save_state(new / name)
                if not any((new / name).iterdir()):  # it is one that learns nothing
                    (new / name).rmdir()
            content = {
                "format": "jpseq model",
                "version": FORMAT_VERSION,
                "model": self.name,
                "parameters": {k: _plain(v) for k, v in self.get_params(deep=False).items()},
                "vocabularies": {name: v.hash() for name, v in self.vocabularies.items()},
                "metrics": dict(self.metrics),
            }
            if self.facts:
                content["facts"] = dict(self.facts)
            text = json.dumps(content, ensure_ascii=False, indent=1) + "\n"
            (new / "model.json").write_text(text, encoding="utf-8")
            (new / "README.md").write_text(self.card(), encoding="utf-8")
            self.save_weights(new / "weights.safetensors")

    def save_weights(self, path: Path) -> None:
        """Write what was learnt to a file."""
        from safetensors.torch import save

        # A tied weight is one tensor under several names, which safetensors keeps once.
        weights = _distinct(self.trained().state_dict())
        # Not save_file: a full disk is an OSError only where Python itself writes.
        path.write_bytes(save(weights))

    def load_weights(self, path: Path) -> None:
        """Take back what save_weights has written; the vocabularies are there already.

        Raises:
            ModelError: the file is missing or damaged, or does not fit the parameters.
        """
        network = self.build()
        _load_weights(network, path)
        self.network = network.eval()

    def _stages(self) -> list[tuple[str, Stage]]:
        """The parameters that are stages, such as a tokenizer; one may have learnt something."""
        params = self.get_params(deep=False)
        return [(name, value) for name, value in params.items() if isinstance(value, Stage)]

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        """Read a model folder; Model.load reads a model of any kind.

        Raises:
            ModelError: the folder is no model, of another kind or version, or damaged.
            PluginError: a part of it is not installed.
        """
        folder = Path(folder)
        content = _description(folder)
        try:
            kind: type[Model] = plugins.find("models", content["model"])
        except PluginError as error:
            raise PluginError(f"{folder}/model.json: {error}") from error
        if not issubclass(kind, cls):
            raise ModelError(
                f"{folder}: a {kind.__name__} ({content['model']!r}), but a {cls.__name__} is"
                f" wanted. Load it with {kind.__name__}.load, or name another folder."
            )
        try:
            params = {k: _built(v) for k, v in content["parameters"].items()}
            model = kind(**params)
        except PluginError as error:
            raise PluginError(f"{folder}/model.json: {error}") from error
        except (KeyError, TypeError, AttributeError) as error:
            raise ModelError(
                f"{folder}/model.json: damaged parameters ({error}). {_AGAIN}"
            ) from error
        for name, stage in model._stages():
            if (folder / name).is_dir():
                try:
                    stage.load_state(folder / name)
                except DataError as error:
                    raise ModelError(f"{error} {_AGAIN}") from error
        vocabularies = {}
        for name, digest in content["vocabularies"].items():
            try:
                vocabularies[name] = Vocabulary.load(folder / f"{Path(name).name}.json")
            except DataError as error:
                raise ModelError(f"{error} {_AGAIN}") from error
            if vocabularies[name].hash() != digest:
                raise ModelError(
                    f"{folder}/{name}.json: not the vocabulary the weights were trained with (its"
                    f" hash differs). {_AGAIN}"
                )
        try:
            model.restore(vocabularies)
        except ConfigurationError as error:
            raise ModelError(f"{folder}/model.json: {error} {_AGAIN}") from error
        except KeyError as error:
            raise ModelError(
                f"{folder}/model.json: the vocabulary {error} is missing. {_AGAIN}"
            ) from None
        model.metrics = content.get("metrics", {})
        model.facts = content.get("facts", {})
        model.load_weights(folder / "weights.safetensors")
        return model


def _description(folder: Path) -> dict[str, Any]:
    path = folder / "model.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        there = "no model.json in it" if folder.is_dir() else "no such folder"
        raise ModelError(f"{folder}: not a model folder ({there}). {_MAKES}") from None
    except OSError as error:
        raise ModelError(
            f"{path}: cannot be read ({error.strerror}). A model is a folder that holds model.json;"
            " name one that you can read."
        ) from error
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path}: damaged ({error}). {_AGAIN}") from error
    if not isinstance(content, dict) or content.get("format") != "jpseq model":
        raise ModelError(f"{path}: not a jpseq model. Name another folder. {_MAKES}")
    if content.get("version") != FORMAT_VERSION:
        raise ModelError(
            f"{path}: format {content.get('version')}, but this jpseq reads {FORMAT_VERSION}."
            " Install the jpseq it was made with, or train it again."
        )
    for key, kind in (("model", str), ("parameters", dict), ("vocabularies", dict)):
        if not isinstance(content.get(key), kind):
            raise ModelError(f'{path}: damaged (no "{key}"). {_AGAIN}')
    return content


def _load_weights(network: "nn.Module", path: Path) -> None:
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        weights = load_file(path)
    except FileNotFoundError:
        raise ModelError(f"{path}: no such file. {_AGAIN}") from None
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path}: cannot be read ({error}). {_AGAIN}") from error
    wanted = _distinct(network.state_dict())
    if missing := wanted.keys() ^ weights.keys():
        raise ModelError(
            f"{path}: missing or foreign weights: {', '.join(sorted(missing))}. {_AGAIN}"
        )
    for name, tensor in weights.items():
        if tensor.shape != wanted[name].shape:
            raise ModelError(
                f"{path}: {name} is {tuple(tensor.shape)}, but model.json describes"
                f" {tuple(wanted[name].shape)}. {_AGAIN}"
            )
        if not bool(torch.isfinite(tensor).all()):
            raise ModelError(f"{path}: {name} holds values that are not finite. {_AGAIN}")
    network.load_state_dict(weights, strict=False)  # strict but for the second names of tied ones


def _distinct(weights: Mapping[str, Any]) -> dict[str, Any]:
    first: dict[int, str] = {}
    for name, tensor in weights.items():
        first.setdefault(tensor.data_ptr() if tensor.numel() else id(tensor), name)
    return {name: weights[name].contiguous() for name in first.values()}


def _plain(value: Any) -> Any:
    """A parameter as JSON: a stage by its registered name."""
    if isinstance(value, Stage):
        params = value.get_params(deep=False)
        return {"kind": value.kind, "name": value.name, "parameters": params}
    return value


def _built(value: Any) -> Any:
    if isinstance(value, dict) and value.keys() == {"kind", "name", "parameters"}:
        return plugins.find("stages", value["name"], value["kind"])(**value["parameters"])
    return value


def is_model(folder: Path) -> bool:
    """Whether a folder holds a model that can be described (its weights are not looked at)."""
    try:
        _description(folder)
    except JpseqError:
        return False
    return True
