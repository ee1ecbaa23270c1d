"""A session: one conversation with a responder, which it may share with thousands of others."""

import json
import threading
import unicodedata
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path
from typing import Any, NamedTuple

from jpseq.dialogue.responder import Responder, stream, why
from jpseq.errors import ConfigurationError, DataError

AGAIN = 0.5
"""The temperature of another reply, where the likeliest one was not wanted."""
TRIES = 10
"""How often it is drawn while it is one that was given already ..."""
HOTTER = 1.3
"""... each time at so many times the temperature."""
NOTHING_SAID = "すみません、何もおっしゃっていないようです。"
TOO_LONG = "すみません、長すぎて読めません（{:,}文字まで）。"
_DIRECTIONS = {*"\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"}


class Asked(NamedTuple):
    """What a reply depends on."""

    responder: Responder
    history: list[str]
    temperature: float
    seed: int


class ChatSession:
    """A conversation: what was said, and how replies are drawn.

    A session holds nothing that belongs to another, and a responder nothing that belongs to a
    session: one that is loaded once serves thousands. Threads may share a session; what they say is
    then answered one after another, and each stream is read by the thread that began it. The same
    responder, seed and texts give the same conversation, whatever else happens in the process.

    What is said is made printable first: control characters go, line breaks become spaces. Nothing
    and too much are answered by the session itself, and are no part of the history.

    Args:
        responder: who answers.
        temperature, seed: as in Responder.reply; each turn of a conversation has a seed of its own.
        persona: a sentence about the bot that stands before the history, as said by itself. The
            session never forgets it, but a responder reads it only while it reads so far back: a
            seq2seq its last `history` words, hred and vhred their last `turns`, a Retrieval its
            last `turns`; rules read the last turn alone. What comes of it depends on what was
            learnt.
        speakers: the names of the two in logs and saved conversations.
        max_turns: the oldest turns are forgotten when there are more; at least 2.
        max_characters: the same for the characters of all turns, though never of the last two; and
            the longest text that may be said.
        log: a file that gets a line of JSON for each reply, a dialogue of two turns in the form
            that a bot learns from; sessions may share it.
        name: of the session in the log.

    Raises:
        ConfigurationError: a limit is not allowed.
        DataError: the log cannot be written.
    """

    def __init__(
        self,
        responder: Responder,
        temperature: float = 0.0,
        seed: int = 0,
        *,
        persona: str | None = None,
        speakers: tuple[str, str] = ("you", "bot"),
        max_turns: int = 100,
        max_characters: int = 10_000,
        log: Path | str | None = None,
        name: str = "",
    ) -> None:
        if max_turns < 2:
            raise ConfigurationError(f"max_turns is at least 2, got {max_turns}.")
        if max_characters < 1:
            raise ConfigurationError(f"max_characters is at least 1, got {max_characters}.")
        self.responder = responder
        self.temperature = temperature
        self.seed = seed
        self.persona = None if persona is None else printable(persona).strip()
        self.speakers = speakers
        self.max_turns = max_turns
        self.max_characters = max_characters
        self.log = None if log is None else Path(log)
        self.name = name
        self.history: list[str] = []
        self.turns = 0
        """How many there were in all, the forgotten ones included."""
        self._last: Asked | None = None
        self._given: set[str] = set()
        """Replies to what was said last."""
        self._lock = threading.Lock()
        self._owner: int | None = None
        if self.log is not None:
            _append(self.log, None)

    # Talking

    def say(self, text: str) -> str:
        """Say something and get the reply.

        Raises:
            JpseqError: the responder cannot answer, or the log cannot be written.
        """
        return "".join(self.stream(text))

    def stream(self, text: str) -> Iterator[str]:
        """Say something and get the reply piece by piece; joined they are what `say` gives.

        What is not read to its end was not said: it leaves no trace in the history. One thread
        reads a stream: meanwhile others that use the session wait, but the one that began it would
        wait for itself, and gets a ConfigurationError.
        """
        with self._turn():
            said = printable(text).strip()
            if not said:
                yield NOTHING_SAID
                return
            if len(said) > self.max_characters:
                yield TOO_LONG.format(self.max_characters)
                return
            # Each turn draws afresh, yet the same conversation and seed go the same way.
            seed = self.seed + self.turns + 1
            history = self._read([*self.history, said])
            asked = Asked(self.responder, history, self.temperature, seed)
            reply = yield from self._answered(asked)
            self.history += said, reply
            self.turns += 2
            self._last, self._given = asked, {reply}
            self._forget()
            self._write(said, reply, asked)

    def again(self) -> Iterator[str]:
        """Another reply to what was said last, in the place of the one that was given.

        It is drawn, at a temperature of 0.5 at least, and drawn again some times, ever hotter,
        while it is one that was given already; so it comes when it is whole.

        Raises:
            DataError: nothing was said yet.
        """
        with self._turn():
            if self._last is None:
                raise DataError("nothing was said yet that could be answered again.")
            asked, pieces = self._last._replace(responder=self.responder), list[str]()
            for number in range(TRIES):
                # Far from the seeds of later turns, so that no two replies share what is drawn.
                seed = asked.seed + 1_000_003
                temperature = max(self.temperature, AGAIN) * HOTTER**number
                asked = asked._replace(temperature=temperature, seed=seed)
                pieces = list(self._answered(asked))
                if "".join(pieces) not in self._given:
                    break
            yield from pieces
            reply = self.history[-1] = "".join(pieces)
            self._given.add(reply)
            self._last = asked
            self._write(self.history[-2], reply, asked)

    def why(self) -> Mapping[str, str]:
        """How the last reply came about, as the responder that gave it tells.

        Raises:
            DataError: nothing was said yet.
        """
        with self._turn():
            if self._last is None:
                raise DataError("nothing was said yet.")
            last = self._last
            return why(last.responder, last.history, temperature=last.temperature, seed=last.seed)

    def reset(self) -> None:
        """Forget the conversation, so that it begins as it did at first."""
        with self._turn():
            self.history.clear()
            self.turns, self._last = 0, None

    def save(self, file: Path | str) -> None:
        """Add what is remembered of the conversation to a file of dialogues, which a bot can learn
        from.

        Raises:
            DataError: nothing was said yet, or the file cannot be written.
        """
        with self._turn():
            if not self.history:
                raise DataError("nothing was said yet that could be saved.")
            _append(Path(file), self._dialogue(self.history))

    # Inside

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """One thread after another; one that would wait for itself is told so."""
        if self._owner == threading.get_ident():
            raise ConfigurationError(
                "the reply before is not finished: read its stream to the end, or close it."
            )
        with self._lock:
            self._owner = threading.get_ident()
            try:
                yield
            finally:
                self._owner = None

    def _answered(self, asked: Asked) -> Generator[str, None, str]:
        said = []
        options: dict[str, Any] = {"temperature": asked.temperature, "seed": asked.seed}
        for piece in stream(asked.responder, asked.history, **options):
            said.append(piece)
            yield piece
        return "".join(said)

    def _read(self, history: list[str]) -> list[str]:
        return history if self.persona is None else [self.persona, *history]

    def _forget(self) -> None:
        """Turns go in pairs, so that who is to speak stays the same."""
        characters = sum(map(len, self.history))
        first = 0
        while len(self.history) - first > 2 and (
            len(self.history) - first > self.max_turns or characters > self.max_characters
        ):
            characters -= len(self.history[first]) + len(self.history[first + 1])
            first += 2
        del self.history[:first]

    def _write(self, said: str, reply: str, asked: Asked) -> None:
        if self.log is None:
            return
        line = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "session": self.name,
            "turn": self.turns,
            "temperature": asked.temperature,
            "seed": asked.seed,
        }
        _append(self.log, line | self._dialogue([said, reply]))

    def _dialogue(self, texts: Sequence[str]) -> dict[str, Any]:
        """The plain form of a dialogue, which a bot learns from."""
        speakers = cycle(self.speakers)
        return {"turns": [{"speaker": next(speakers), "text": text} for text in texts]}


def printable(text: str) -> str:
    """A text without control characters, halves of surrogate pairs and changes of direction;
    whitespace of all kinds becomes spaces.

    >>> printable("a\\x1b[31m\\tb\\u202e")
    'a[31m b'
    """
    return "".join(
        " " if character.isspace() else character
        for character in text
        if character.isspace()
        or (unicodedata.category(character) not in ("Cc", "Cs") and character not in _DIRECTIONS)
    )


def _append(file: Path, line: dict[str, Any] | None) -> None:
    """Add a line to a file; None only sees whether that is possible."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a", encoding="utf-8", newline="\n") as opened:
            if line is not None:
                opened.write(json.dumps(line, ensure_ascii=False) + "\n")
    except OSError as error:
        raise DataError(f"cannot be written ({error.strerror}).", file) from error
