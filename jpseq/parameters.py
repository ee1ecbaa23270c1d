"""The constructor's arguments as parameters: scikit-learn's contract, without scikit-learn.

A constructor only stores its arguments, each under its own name; they are checked when used. Then
get_params, set_params, clone and grid search work (https://scikit-learn.org, "Developing
scikit-learn estimators").
"""

import inspect
from collections.abc import Collection
from typing import Any, Self

from jpseq.errors import ConfigurationError, did_you_mean


class Parameters:
    """Base of everything with parameters: stages and models."""

    @classmethod
    def _parameter_names(cls) -> list[str]:
        signature = inspect.signature(cls.__init__)
        return [name for name in signature.parameters if name != "self"]

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The constructor's arguments by name; deep adds those of parts as part__name."""
        params = {name: getattr(self, name) for name in self._parameter_names()}
        if deep:
            for name, value in list(params.items()):
                if isinstance(value, Parameters):
                    inner = value.get_params()
                    params |= {f"{name}__{key}": part for key, part in inner.items()}
        return params

    def set_params(self, **params: Any) -> Self:
        """Change parameters by name, those of parts as part__name."""
        known = self.get_params()
        for name, value in params.items():
            if name not in known:
                raise ConfigurationError(
                    f"{type(self).__name__} has no parameter {name!r}."
                    f"{did_you_mean(name, known)} Its parameters: {', '.join(known) or 'none'}."
                )
            part, _, rest = name.partition("__")
            if rest:
                known[part].set_params(**{rest: value})
            else:
                setattr(self, name, value)
        return self

    def clone(self) -> Self:
        """A new one with the same parameters that has learnt nothing."""
        params = {
            name: value.clone() if isinstance(value, Parameters) else value
            for name, value in self.get_params(deep=False).items()
        }
        return type(self)(**params)

    def __repr__(self) -> str:
        defaults = inspect.signature(type(self).__init__).parameters
        shown = [
            f"{name}={value!r}"
            for name, value in self.get_params(deep=False).items()
            if not _same(value, defaults[name].default)
        ]
        return f"{type(self).__name__}({', '.join(shown)})"


def check_names(parameter: str, names: object) -> None:
    """Whether the value of a parameter is a list (or another collection) of texts.

    Raises:
        ConfigurationError: it is one text, whose letters would be taken for names, or no list.
    """
    one = isinstance(names, str)
    if one or not (isinstance(names, Collection) and all(isinstance(n, str) for n in names)):
        example = f" Write {parameter}={[names]}." if one else ""
        raise ConfigurationError(f"{parameter}: a list of texts is wanted, got {names!r}.{example}")


def _same(value: Any, default: Any) -> bool:
    try:
        return bool(value == default)
    except ValueError:  # arrays
        return False
