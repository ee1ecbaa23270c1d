"""Configurations: checked by pydantic, with all problems told at once."""

from collections.abc import Mapping
from typing import Any, Self

import pydantic

from jpseq.errors import ConfigurationError, did_you_mean


class Configuration(pydantic.BaseModel):
    """Base of all configurations. An unknown key is an error, and nothing changes afterwards."""

    model_config = pydantic.ConfigDict(
        extra="forbid",
        frozen=True,
        arbitrary_types_allowed=True,
        strict=True,  # values are used as they were given: "8" is no 8
    )

    @classmethod
    def check(cls, values: Mapping[str, Any]) -> Self:
        """The configuration with these values.

        Raises:
            ConfigurationError: names every key that is unknown or has a value that is not allowed.
        """
        try:
            return cls(**values)
        except pydantic.ValidationError as error:
            problems = [_problem(detail, cls.model_fields) for detail in error.errors()]
            raise ConfigurationError(" ".join(problems)) from None


def _problem(detail: Any, fields: Mapping[str, Any]) -> str:
    name = ".".join(map(str, detail["loc"]))
    if detail["type"] == "extra_forbidden":
        return f"There is no parameter {name!r}.{did_you_mean(name, fields)}"
    return f"{name}: {detail['msg']}, got {detail['input']!r}."
