"""Stages one after another, checked when they are put together."""

import json
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

from jpseq import plugins
from jpseq.errors import ConfigurationError, DataError, JpseqError
from jpseq.folders import replace_folder
from jpseq.stage import Stage

FORMAT_VERSION = 1


class Pipeline(Stage):
    """Stages one after another, forwards and back, saved as one folder.

    >>> from jpseq import MeCab, Vocabulary
    >>> pipeline = Pipeline([MeCab(), Vocabulary()])
    >>> ids = pipeline.fit_transform(["私は日本人です", "日本の人"])
    >>> ids.tolist()
    [[2, 3, 0, 1, 4], [0, 5, 1]]
    >>> pipeline.inverse_transform(ids)
    ['私は日本人です', '日本の人']

    Args:
        stages: what each gives must be what the next one takes.

    Raises:
        ConfigurationError: two neighbours do not fit; it names the stage to put between.
    """

    kind = "pipeline"
    name = "pipeline"

    def __init__(self, stages: Sequence[Stage]) -> None:
        self.stages = stages
        if not stages:
            raise ConfigurationError("A pipeline needs at least one stage, such as MeCab().")
        for place, stage in enumerate(stages, 1):
            if not isinstance(stage, Stage):
                raise ConfigurationError(
                    f"Stage {place} of the pipeline is no stage: {stage!r}."
                    + (" Put brackets after the name." if isinstance(stage, type) else "")
                )
        for place, (left, right) in enumerate(pairwise(stages), 1):
            if left.gives != right.takes:
                raise ConfigurationError(
                    f"Stage {place} ({type(left).__name__}) gives {left.gives}, but stage"
                    f" {place + 1} ({type(right).__name__}) takes {right.takes}."
                    f"{_bridge(left.gives, right.takes)}"
                )
        self.takes = stages[0].takes  # type: ignore[misc]  # a pipeline's kinds are its stages'
        self.gives = stages[-1].gives  # type: ignore[misc]

    def fit(self, rows: Iterable[Any], y: object = None) -> Self:
        """Fit each stage on what the ones before it make of the rows."""
        rows = list(rows)
        for stage in self.stages[:-1]:
            rows = stage.fit(rows, y).transform(rows)
        self.stages[-1].fit(rows, y)
        return self

    def transform(self, rows: Iterable[Any]) -> Any:
        for stage in self.stages:
            rows = stage.transform(rows)
        return rows

    def inverse_transform(self, rows: Any) -> Any:
        for stage in reversed(self.stages):
            rows = stage.inverse_transform(rows)
        return rows

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """stages; deep adds theirs as kind__parameter, for instance tokenizer__lemma."""
        params: dict[str, Any] = {"stages": self.stages}
        if deep:
            for stage in reversed(self.stages):  # of two of a kind the first stays
                params[stage.kind] = stage
                params |= {f"{stage.kind}__{k}": v for k, v in stage.get_params().items()}
        return params

    def set_params(self, **params: Any) -> Self:
        """stages=[...], kind=stage to exchange a stage, or kind__parameter=value."""
        for name in list(params):
            kinds = [stage.kind for stage in self.stages]
            if name == "stages":
                self.__init__(params.pop(name))  # type: ignore[misc]  # the check again
            elif name in kinds:
                stages = list(self.stages)
                stages[kinds.index(name)] = params.pop(name)
                self.__init__(stages)  # type: ignore[misc]
            elif name.partition("__")[0] in kinds:
                kind, _, inner = name.partition("__")
                self.stages[kinds.index(kind)].set_params(**{inner: params.pop(name)})
        return super().set_params(**params)

    def clone(self) -> Self:
        return type(self)([stage.clone() for stage in self.stages])

    def save(self, folder: Path | str) -> None:
        """Write pipeline.json and what each stage has learnt; a former pipeline is replaced whole.

        Raises:
            DataError: the folder holds something else.
        """
        with replace_folder(Path(folder), "pipeline.json") as new:
            stages = []
            for place, stage in enumerate(self.stages):
                params = stage.get_params(deep=False)
                stages.append({"kind": stage.kind, "name": stage.name, "params": params})
                state = new / f"{place}-{stage.kind}"
                state.mkdir()
                stage.save_state(state)
            content = {"format": "jpseq pipeline", "version": FORMAT_VERSION, "stages": stages}
            text = json.dumps(content, ensure_ascii=False, indent=1) + "\n"
            (new / "pipeline.json").write_text(text, encoding="utf-8")

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        """Read what save has written; stages are found by their registered names.

        Raises:
            DataError: the folder is no pipeline or is damaged.
            PluginError: a stage's package is not installed.
        """
        path = Path(folder) / "pipeline.json"
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise DataError(f"cannot be read ({error.strerror}).", path) from error
        except ValueError as error:
            raise DataError(f"damaged: {error}.", path) from error
        if not isinstance(content, dict) or content.get("version") != FORMAT_VERSION:
            raise DataError(f"not a pipeline of format {FORMAT_VERSION}.", path)
        entries = content.get("stages")
        if not isinstance(entries, list) or not entries:
            raise DataError("damaged: it names no stages.", path)
        stages = []
        for place, entry in enumerate(entries):
            try:
                stage: Stage = plugins.find("stages", entry["name"], entry["kind"])(
                    **entry["params"]
                )
            except (KeyError, TypeError) as error:
                raise DataError(
                    f"damaged: stage {place + 1} cannot be built ({error}).", path
                ) from error
            stage.load_state(Path(folder) / f"{place}-{stage.kind}")
            stages.append(stage)
        return cls(stages)


def _bridge(gives: str, takes: str) -> str:
    """Which registered stage leads from one kind of rows to another."""
    for full_name in plugins.names("stages"):
        kind, _, name = full_name.partition(".")
        try:
            stage = plugins.find("stages", name, kind)
        except JpseqError:
            continue
        if (stage.takes, stage.gives) == (gives, takes):
            return f" Put a {kind} between them, such as {stage.__name__}()."
    return " No installed stage leads from one to the other."
