"""A responder: whatever answers a conversation."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from jpseq.errors import DataError


@runtime_checkable
class Responder(Protocol):
    """History → reply. Networks, rules and retrieval all stand behind this one face.

    One is found by others when it is registered in the entry-point group jpseq.responders.
    """

    def reply(self, history: Sequence[str], *, temperature: float = 0.0, seed: int = 0) -> str:
        """Answer the last turn.

        Args:
            history: what was said so far, the turns of both speakers in order; not empty.
            temperature: 0 for the most likely reply, more for more varied ones.
            seed: the same seed, history and temperature give the same reply.
        """
        ...


def check_history(history: Sequence[str]) -> None:
    """Whether there is something to answer.

    Raises:
        DataError: the history is empty, or one text and no list of turns.
    """
    if isinstance(history, str):
        raise DataError("the history is a list of turns, got one text; put it in a list: [text].")
    if not history:
        raise DataError("the history is empty; a reply needs at least one turn before it.")
