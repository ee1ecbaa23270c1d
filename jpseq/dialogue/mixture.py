"""Several responders as one: each answers what it can, in turn."""

from collections.abc import Iterator, Mapping, Sequence

from jpseq.dialogue.responder import (
    DONT_KNOW,
    Responder,
    about,
    check_history,
    refusal,
    stream,
    why,
)
from jpseq.errors import ConfigurationError


class Mixture:
    """The first responder that knows an answer speaks.

    Rules come first, since they are meant; then what has learnt: a network whose replies are drawn
    and reranked (see Chatbot), and before or after it a search among what people said, which needs
    no more than a few known words. Where none of them knows an answer, the first of them that says
    more than 「わかりません。」 is heard: a network names the word that it does not know.

    Args:
        responders: by the names that `why` calls them, in the order in which they are asked. One
            without a method `refusal` always answers.

    Raises:
        ConfigurationError: there is none.
    """

    def __init__(self, responders: Mapping[str, Responder]) -> None:
        if not responders:
            raise ConfigurationError("a mixture needs at least one responder.")
        self.responders = dict(responders)

    def reply(self, history: Sequence[str], *, temperature: float = 0.0, seed: int = 0) -> str:
        """Answer the last turn (see Responder).

        Raises:
            DataError: the history is empty.
        """
        return "".join(self.stream(history, temperature=temperature, seed=seed))

    def stream(
        self, history: Sequence[str], *, temperature: float = 0.0, seed: int = 0
    ) -> Iterator[str]:
        """What `reply` gives, as the one that speaks says it."""
        name, refusals = self.choose(history)
        if name is None:
            return iter([_heard(refusals)])
        return stream(self.responders[name], history, temperature=temperature, seed=seed)

    def choose(self, history: Sequence[str]) -> tuple[str | None, list[str]]:
        """The name of the one that speaks, or None, and what those before it said instead.

        Raises:
            DataError: the history is empty.
        """
        check_history(history)
        refusals: list[str] = []
        for name, responder in self.responders.items():
            said = refusal(responder, history)
            if said is None:
                return name, refusals
            refusals.append(said)
        return None, refusals

    def refusal(self, history: Sequence[str]) -> str | None:
        """What it says where none of them knows an answer."""
        name, refusals = self.choose(history)
        return _heard(refusals) if name is None else None

    def why(
        self, history: Sequence[str], *, temperature: float = 0.0, seed: int = 0
    ) -> Mapping[str, str]:
        """Who spoke, who had no answer, and what the one that spoke says of it."""
        name, refusals = self.choose(history)
        passed = ", ".join(list(self.responders)[: len(refusals)])
        if name is None:
            return {"responder": "none", "no answer": passed}
        more = why(self.responders[name], history, temperature=temperature, seed=seed)
        return {**more, "responder": name, **({"no answer": passed} if passed else {})}

    def about(self) -> str:
        """What each of them is."""
        return "; ".join(dict.fromkeys(about(responder) for responder in self.responders.values()))


def _heard(refusals: Sequence[str]) -> str:
    return next((said for said in refusals if said != DONT_KNOW), DONT_KNOW)
