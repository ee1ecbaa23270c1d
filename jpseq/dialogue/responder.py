"""A responder: whatever answers a conversation.

It needs one method, `reply`. It may have more, and the functions below do something sensible where
it has not:

=========== ======================================= ===========================================
method      what it is for                          without it
=========== ======================================= ===========================================
`stream`    the reply piece by piece                the reply is one piece
`refusal`   what it says where it knows no answer   it always answers
`why`       how the reply came about                only who spoke is known
`about`     what it is, and learnt from, in a line  the name of its class
=========== ======================================= ===========================================

`stream` and `why` have the arguments of `reply`, `refusal` has the history, `about` has none.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from jpseq.errors import ConfigurationError, DataError

DONT_KNOW = "わかりません。"
"""The reply of a responder that has none."""


@runtime_checkable
class Responder(Protocol):
    """History → reply. Networks, rules and retrieval all stand behind this one face.

    One is found by others when it is registered in the entry-point group jpseq.responders.
    """

    def reply(self, history: Sequence[str], *, temperature: float = 0.0, seed: int = 0) -> str:
        """Answer the last turn.

        Args:
            history: what was said so far, the turns of both speakers in order; not empty.
            temperature: 0 for the most likely reply, more for more varied ones; finite.
            seed: the same seed, history and temperature give the same reply; from 0 to 2**63 - 1.
        """
        ...


def stream(
    responder: Responder, history: Sequence[str], *, temperature: float = 0.0, seed: int = 0
) -> Iterator[str]:
    """The reply in pieces, as they come; joined they are what `reply` gives."""
    options: dict[str, Any] = {"temperature": temperature, "seed": seed}
    if hasattr(responder, "stream"):
        yield from responder.stream(history, **options)
    else:
        yield responder.reply(history, **options)


def refusal(responder: Responder, history: Sequence[str]) -> str | None:
    """What it says instead of an answer, where it knows none; None where it has an answer."""
    if not hasattr(responder, "refusal"):
        return None
    found: str | None = responder.refusal(history)
    return found


def why(
    responder: Responder, history: Sequence[str], *, temperature: float = 0.0, seed: int = 0
) -> Mapping[str, str]:
    """How the reply came about, as names and what is to be said of each."""
    if not hasattr(responder, "why"):
        return {"responder": type(responder).__name__}
    found: Mapping[str, str] = responder.why(history, temperature=temperature, seed=seed)
    return found


def about(responder: Responder) -> str:
    """What it is, and what it learnt from, in a line."""
    return str(responder.about()) if hasattr(responder, "about") else type(responder).__name__


def check_history(history: Sequence[str]) -> None:
    """Whether there is something to answer.

    Raises:
        DataError: the history is empty, or one text and no list of turns.
    """
    if isinstance(history, str):
        raise DataError("the history is a list of turns, got one text; put it in a list: [text].")
    if not history:
        raise DataError("the history is empty; a reply needs at least one turn before it.")


def check_draw(temperature: float, *seeds: int) -> None:
    """Whether a reply can be drawn so.

    Raises:
        ConfigurationError: the temperature is below 0 or not finite, or a seed is not from 0 to
            2**63 - 1.
    """
    if not 0 <= temperature < math.inf:
        raise ConfigurationError(
            f"temperature is {temperature}; it must be 0, for the most likely reply, or a finite"
            " number above it."
        )
    for seed in seeds:
        if not 0 <= seed < 2**63:
            raise ConfigurationError(f"the seed is {seed}; it must be from 0 to 2**63 - 1.")
