"""Files in plain form as they are written: pairs, dialogues, documents, or as they were."""

import json
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

_BREAKS = re.compile("[\t\n\r\v\f\x1c-\x1e\x85\u2028\u2029]+")
_NO_TEXT = re.compile("[\0\ud800-\udfff]")


class Plain:
    """A file of one of the plain forms. Used in a with statement.

    Attributes:
        counts: how many records of each kind were written, and how many were "left out".
    """

    def __init__(self, path: Path, progress: Callable[[int], None]) -> None:
        self.path = path
        self.counts: Counter[str] = Counter()
        self._progress = progress

    def __enter__(self) -> Self:
        self._file = self.path.open("w", encoding="utf-8", newline="\n")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._file.close()

    def pair(self, source: str, target: str) -> None:
        """Two texts that translate each other; left out if one is blank."""
        both = clean(source), clean(target)
        if all(both):
            self._write("\t".join(both) + "\n", "pairs")
        else:
            self.leave_out()

    def dialogue(self, turns: Iterable[tuple[str, str]]) -> None:
        """(speaker, text) of each turn; blank turns are passed over."""
        said = [
            {"speaker": clean(speaker), "text": text}
            for speaker, raw in turns
            if (text := clean(raw))
        ]
        if said:
            self._write(json.dumps({"turns": said}, ensure_ascii=False) + "\n", "dialogues")
        else:
            self.leave_out()

    def document(self, paragraphs: Iterable[str]) -> None:
        """Paragraphs that belong together; blank ones are passed over."""
        lines = [text for raw in paragraphs if (text := clean(raw))]
        if lines:
            # A blank line between documents, and none at the end of the file.
            before = "\n" if self.counts["documents"] else ""
            self._write(before + "".join(f"{line}\n" for line in lines), "documents")
        else:
            self.leave_out()

    def copy(self, path: Path) -> None:
        """A whole file, to the byte."""
        with path.open("rb") as source:
            shutil.copyfileobj(source, self._file.buffer)
        self.counts["files"] += 1

    def leave_out(self, number: int = 1) -> None:
        """Count what is no record."""
        self.counts.update({"left out": number} if number else {})

    def _write(self, text: str, kind: str) -> None:
        self._file.write(text)
        self.counts[kind] += 1
        if self.counts[kind] % 1000 == 0:
            self._progress(self.counts[kind])


def clean(text: str) -> str:
    r"""Text that is safe in a line: breaks and tabs become a space, what is no text a mark.

    >>> clean(" 雨の\t日\n")
    '雨の 日'
    """
    return _NO_TEXT.sub("\ufffd", _BREAKS.sub(" ", text)).strip()
