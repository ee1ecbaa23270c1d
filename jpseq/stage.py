"""A stage: one step of the way from text to ids, row by row.

Rows are independent, so a stage can be mapped over chunks on any number of machines; one that
learns counts with partial_fit and joins the counts with merge. A stage is also a scikit-learn
transformer: it works in sklearn.pipeline.Pipeline, clone and GridSearchCV.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar, Self

from jpseq.errors import ConfigurationError
from jpseq.parameters import Parameters

KINDS = ("text", "tokens", "ids", "numbers")
"""What rows can be: str, Tokens, the sequences of a Ragged of int32, those of one of float32."""


class Stage(Parameters):
    """Base of all stages. A stage names itself and says what rows it takes and gives.

    A new one sets the four class variables and writes `transform` (and `inverse_transform` where
    there is a way back). It is found by others when it is registered as the entry point
    "kind.name" in the group jpseq.stages.
    """

    kind: ClassVar[str]
    """What sort of stage: "tokenizer", "vocabulary", ..."""
    name: ClassVar[str]
    """Its registered name within the kind."""
    takes: ClassVar[str]
    gives: ClassVar[str]

    def fit(self, rows: Iterable[Any], y: object = None) -> Self:
        """Learn from rows. A stage that has nothing to learn returns itself."""
        return self

    def transform(self, rows: Iterable[Any]) -> Any:
        """Take each row one step further."""
        raise NotImplementedError

    def inverse_transform(self, rows: Any) -> Any:
        """Take each row one step back."""
        raise ConfigurationError(f"{type(self).__name__} has no way back.")

    def fit_transform(self, rows: Iterable[Any], y: object = None) -> Any:
        """fit, then transform, on the same rows."""
        rows = rows if isinstance(rows, list) else list(rows)
        return self.fit(rows, y).transform(rows)

    def save_state(self, folder: Path) -> None:
        """Write what was learnt into a folder that exists; by default there is nothing."""

    def load_state(self, folder: Path) -> None:
        """Read what save_state has written."""

    def __sklearn_tags__(self) -> Any:
        # Asked for by scikit-learn only, so it is loaded.
        from sklearn.utils import InputTags, Tags, TargetTags, TransformerTags

        return Tags(
            estimator_type="transformer",
            target_tags=TargetTags(required=False),
            transformer_tags=TransformerTags(),
            input_tags=InputTags(string=self.takes == "text", two_d_array=False),
        )
