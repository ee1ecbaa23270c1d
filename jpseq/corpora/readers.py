"""Files → texts and dialogues. Every error names file and line; nothing is dropped in silence."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jpseq.errors import DataError, did_you_mean


@dataclass(frozen=True)
class Turn:
    """What one speaker says at once."""

    speaker: str
    text: str


Dialogue = list[Turn]


def read_lines(path: Path | str) -> Iterator[str]:
    """The lines of a UTF-8 file, one at a time, without their line ends.

    A byte-order mark at the start is dropped.

    Raises:
        DataError: the file is missing or cannot be read, or a line is not UTF-8 or holds NUL.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            for number, raw in enumerate(file, 1):
                if number == 1:
                    raw = raw.removeprefix(b"\xef\xbb\xbf")
                yield _decode(raw, path, number)
    except FileNotFoundError:
        raise DataError(f"no such file.{_neighbours(path)}", path) from None
    except IsADirectoryError:
        raise DataError("is a folder; name a file in it.", path) from None
    except OSError as error:
        raise DataError(f"cannot be read ({error.strerror}).", path) from error


def _decode(raw: bytes, path: Path, number: int) -> str:
    if b"\0" in raw:
        raise DataError("holds a NUL byte: not a text file.", path, number)
    try:
        return raw.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError as error:
        encoding = _guess(raw)
        raise DataError(
            f"not UTF-8 (byte 0x{raw[error.start]:02x} at column {error.start + 1})."
            f"{f' It may be {_ENCODINGS[encoding]}.' if encoding else ''}"
            f" Convert it, for instance: iconv -f {encoding or 'CP932'} -t UTF-8 {path}",
            path,
            number,
        ) from None


_ENCODINGS = {"CP932": "Shift JIS (CP932)", "EUC-JP": "EUC-JP"}


def _guess(raw: bytes) -> str:
    for encoding in _ENCODINGS:
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        if any("ぁ" <= c <= "ヶ" or "一" <= c <= "鿿" for c in text):
            return encoding
    return ""


def _neighbours(path: Path) -> str:
    try:
        return did_you_mean(path.name, [sibling.name for sibling in path.parent.iterdir()])
    except OSError:
        return f" There is no folder {path.parent} either."


def read_texts(path: Path | str) -> Iterator[str]:
    """The paragraphs of a text file, a line each; blank lines are left out.

    Raises:
        DataError: as read_lines, and when the file holds no text at all.
    """
    empty = True
    for line in read_lines(path):
        if line.strip():
            empty = False
            yield line
    if empty:
        raise DataError("holds no text.", path)


def read_dialogues(path: Path | str) -> Iterator[Dialogue]:
    """Dialogues of a JSON Lines file, or of all *.jsonl files of a folder in order of their names.

    Each line is {"turns": [{"speaker": "A", "text": "..."}, ...]}; "spk" is read as "speaker",
    other keys are ignored, blank lines are left out.

    Raises:
        DataError: as read_lines; a line that is no dialogue; no dialogues at all.
    """
    path = Path(path)
    files = sorted(path.glob("*.jsonl")) if path.is_dir() else [path]
    if not files:
        raise DataError("a folder without *.jsonl files.", path)
    empty = True
    for file in files:
        for number, line in enumerate(read_lines(file), 1):
            if line.strip():
                empty = False
                yield _dialogue(line, file, number)
    if empty:
        raise DataError("holds no dialogues.", path)


_FORM = 'A dialogue is {"turns": [{"speaker": "A", "text": "..."}, ...]}.'


def _dialogue(line: str, path: Path, number: int) -> Dialogue:
    try:
        content = json.loads(line)
    except ValueError as error:
        raise DataError(f"not JSON ({error}). {_FORM}", path, number) from None
    except RecursionError:
        raise DataError(f"nested too deeply. {_FORM}", path, number) from None
    if not isinstance(content, dict) or not isinstance(content.get("turns"), list):
        raise DataError(f'no list "turns". {_FORM}', path, number)
    return [_turn(turn, place, path, number) for place, turn in enumerate(content["turns"], 1)]


def _turn(turn: Any, place: int, path: Path, number: int) -> Turn:
    if not isinstance(turn, dict):
        raise DataError(f"turn {place} is no object. {_FORM}", path, number)
    speaker = turn.get("speaker", turn.get("spk"))
    text = turn.get("text")
    if not isinstance(text, str):
        raise DataError(f'turn {place} has no "text". {_FORM}', path, number)
    if not isinstance(speaker, str):
        raise DataError(f'turn {place} has no "speaker". {_FORM}', path, number)
    return Turn(speaker, text)
