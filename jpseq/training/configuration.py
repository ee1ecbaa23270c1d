"""What a training can be told, with the reason for each default."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from jpseq.configuration import Configuration
from jpseq.errors import ConfigurationError

CHOOSING = {"monitor", "best", "patience", "plateau", "keep", "average"}
"""Settings that compare epochs by a figure, and so need one to be measured."""

Positive = Annotated[int, Field(ge=1)]


class TrainingConfiguration(Configuration):
    """How `fit` trains.

    The learning rate rises over `warmup` steps, stays, and falls linearly to zero over the last
    part, `cooldown`, of all steps; `plateau` halves it besides when nothing improves.
    """

    epochs: Positive = 10
    """How often the stream is gone through."""

    learning_rate: Annotated[float, Field(gt=0, lt=1)] = 2e-3
    """The highest rate of Adam."""

    warmup: Annotated[int, Field(ge=0)] = 0
    """Steps over which the rate rises from zero. Recurrent networks hardly need any."""

    cooldown: Annotated[float, Field(ge=0, le=1)] = 1.0
    """Share of all steps over which the rate falls to zero: at a constant rate the last epochs only
    wander."""

    plateau: Positive | None = None
    """After so many epochs without a better figure the rate is halved."""

    clip: Annotated[float, Field(gt=0)] | None = 1.0
    """Longest gradient (norm of the mean over predictions), so that one odd batch cannot throw the
    weights far off (Pascanu et al. 2013)."""

    accumulate: Positive = 1
    """Batches whose gradients are added up for one step, where memory is short."""

    precision: Literal["auto", "bf16", "fp32"] = "auto"
    """Of the matrix products. auto: bf16 for large networks where the hardware computes in it."""

    monitor: str | None = None
    """Which of the figures measured after each epoch decides; the first where left out."""

    best: Literal["lowest", "highest"] = "lowest"
    """Which value of that figure is the best."""

    patience: Positive | None = None
    """After so many epochs without a better figure training stops."""

    keep: Positive = 1
    """The weights of so many of the best epochs are kept."""

    average: bool = False
    """Whether the network ends as the mean of the kept weights rather than as the best of them."""

    save_every: Positive = 500
    """Steps between checkpoints; there is one after each epoch and at Ctrl-C, too."""

    tensorboard: bool = False
    """Whether the log of a run is written for TensorBoard, too."""

    @classmethod
    def settings(cls, training: Mapping[str, Any] | None, model: str, **own: Any) -> dict[str, Any]:
        """What `fit` is told by a model that has some of the settings as its own parameters.

        Args:
            training: more settings, by their names.
            model: what it is called in an error.
            own: settings that are parameters of the model.

        Raises:
            ConfigurationError: a setting is not allowed, or is one of the model's own.
        """
        if twice := sorted(own.keys() & (training or {}).keys()):
            raise ConfigurationError(
                f"training: {' and '.join(twice)} cannot be set there, but as a parameter of the"
                f" {model} itself."
            )
        settings = {**(training or {}), **own}
        cls.check(settings)
        return settings
