"""The plain form of dialogues: JSON Lines, {"turns": [{"speaker": "A", "text": "..."}, ...]}."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jpseq.corpora.files import find_files
from jpseq.corpora.records import OnError, Records, Skipped
from jpseq.errors import DataError

SUFFIXES = (".jsonl",)


@dataclass(frozen=True)
class Turn:
    """What one speaker says at once."""

    speaker: str
    text: str


Dialogue = list[Turn]


def read_dialogues(
    source: Path | str | Sequence[Path | str],
    *,
    encoding: str = "utf-8",
    on_error: OnError = "raise",
) -> Records[Dialogue]:
    """The dialogues of JSON Lines files, a list of turns each.

    Each line is {"turns": [{"speaker": "A", "text": "..."}, ...]}; "spk" is read as "speaker",
    other keys are ignored, blank lines are left out. What is returned reads the files anew at each
    pass, a line at a time, and counts what it skips in `skipped`.

    Args:
        source: a file, a folder (all its *.jsonl files in order of their names), a pattern such as
            "logs/**/*.jsonl", or a list of them. Files that end with .gz or .zst are decompressed.
        encoding: for instance "cp932" or "euc-jp".
        on_error: "skip" counts a line that is no dialogue instead of raising an error.

    Raises:
        DataError: there is no such file; later, while reading: a line is no dialogue, there is no
            dialogue at all, or a file is damaged.
        ConfigurationError: there is no such encoding.
    """
    return _Dialogues(find_files(source, SUFFIXES), encoding, on_error)


class _Dialogues(Records[Dialogue]):
    nothing = "holds no dialogues"

    def _read(self, skipped: Skipped) -> Iterator[Dialogue]:
        for file in self.files:
            for number, line in self._lines(file, skipped):
                if not line or line.isspace():
                    continue
                try:
                    dialogue = parse_dialogue(line, file, number)
                except DataError as error:
                    self._report(error, skipped)
                    continue
                yield dialogue


_FORM = 'A dialogue is {"turns": [{"speaker": "A", "text": "..."}, ...]}.'
# An integer of 5,000 digits in a key that nobody reads is no reason to refuse a dialogue.
_JSON = json.JSONDecoder(parse_int=float)


def parse_dialogue(line: str, path: Path | str, number: int) -> Dialogue:
    """The dialogue that one line holds.

    >>> parse_dialogue('{"turns": [{"speaker": "A", "text": "はい。"}]}', "a.jsonl", 1)
    [Turn(speaker='A', text='はい。')]

    Raises:
        DataError: names file and line of what is no dialogue.
    """
    try:
        content = _JSON.decode(line)
    except ValueError as error:
        raise DataError(f"not JSON ({error}). {_FORM}", path, number) from None
    except RecursionError:
        raise DataError(f"nested too deeply. {_FORM}", path, number) from None
    if not isinstance(content, dict) or not isinstance(content.get("turns"), list):
        raise DataError(f'no list "turns". {_FORM}', path, number)
    dialogue = [_turn(turn, place, path, number) for place, turn in enumerate(content["turns"], 1)]
    if "\\u" in line:
        _check_surrogates(dialogue, path, number)
    return dialogue


def _turn(turn: Any, place: int, path: Path | str, number: int) -> Turn:
    if not isinstance(turn, dict):
        raise DataError(f"turn {place} is no object. {_FORM}", path, number)
    speaker = turn.get("speaker", turn.get("spk"))
    text = turn.get("text")
    if not isinstance(text, str):
        raise DataError(f'turn {place} has no "text". {_FORM}', path, number)
    if not isinstance(speaker, str):
        raise DataError(f'turn {place} has no "speaker". {_FORM}', path, number)
    return Turn(speaker, text)


def _check_surrogates(dialogue: Dialogue, path: Path | str, number: int) -> None:
    """JSON can escape half a character, which no UTF-8 file can hold and no analyser can read."""
    for place, turn in enumerate(dialogue, 1):
        for part in (turn.speaker, turn.text):
            try:
                part.encode()
            except UnicodeEncodeError as error:
                raise DataError(
                    f"turn {place} holds half a character, \\u{ord(part[error.start]):04x}.",
                    path,
                    number,
                ) from None
