"""A block → its words as provisional ids: what each worker does.

Provisional ids number the words of one block in the order of their first occurrence in it. For that
nothing needs to be known of the other blocks, and NumPy turns them into final ids at the end.
"""

import io
import pickle
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple

from jpseq.corpora.block_file import BlockFile
from jpseq.corpora.blocks import Block, Piece, read_block
from jpseq.corpora.dialogues import Dialogue, parse_dialogue
from jpseq.corpora.files import decode
from jpseq.corpora.parallel import Pair, parse_pair
from jpseq.corpora.records import OnError, Skipped
from jpseq.corpora.words import Words
from jpseq.errors import DataError
from jpseq.text.sentences import split_sentences
from jpseq.text.tokenizer import Tokenizer

Kind = Literal["text", "dialogues", "parallel"]


@dataclass(frozen=True)
class Analysis:
    """What is done with each block, the same on every machine.

    Args:
        folder: where the files of blocks are.
        key: a name for everything here that decides what a block gives.
    """

    kind: Kind
    tokenizer: Tokenizer
    folder: Path
    key: str
    encoding: str = "utf-8"
    on_error: OnError = "raise"
    sentences: bool = False
    columns: tuple[int, int] | None = None

    def finished(self, block: Block) -> Path | None:
        """The file that holds what a block gave, if that is there."""
        paths = [self._path(block, skipped=False)]
        if self.on_error == "skip":
            paths.append(self._path(block, skipped=True))
        return next((path for path in paths if path.exists()), None)

    def run(self, block: Block) -> "Finished":
        """Analyse a block and write its file, unless that is there."""
        done = self.finished(block)
        if done is not None:
            with BlockFile(done) as file:
                return Finished(block.size, file.tokens)
        lines = _LINES[self.kind](self)
        for piece, data in zip(block.pieces, read_block(block, self.folder), strict=True):
            lines.read(piece, data)
        path = self._path(block, skipped=bool(lines.skipped))
        BlockFile.write(path, lines.sides, lines.breaks, lines.skipped)
        return Finished(block.size, sum(side.tokens for side in lines.sides))

    def _path(self, block: Block, skipped: bool) -> Path:
        # on_error is no part of the key: a block in which nothing was skipped suits both choices.
        end = "-skipped.npz" if skipped else ".npz"
        return self.folder / f"{block.number:08}-{self.key}-{block.digest}{end}"


class Finished(NamedTuple):
    """What is told of a block when it is finished."""

    size: int
    """Bytes."""
    tokens: int


def analyse(pickled: bytes, block: Block) -> Finished:
    """Run an Analysis on a block, in whatever process this is.

    Args:
        pickled: the Analysis. A process unpickles it once, and so loads the dictionary once.

    Raises:
        DataError: a line is not what it should be (unless on_error="skip"); a file has changed; the
            disk is full.
    """
    return _unpickled(pickled).run(block)


@lru_cache(1)
def _unpickled(pickled: bytes) -> Analysis:
    analysis: Analysis = pickle.loads(pickled)
    return analysis


# Lines → sequences


class _Lines(ABC):
    """What the lines of a block give.

    Attributes:
        sides: the sequences; two sides of parallel text.
        breaks: before which sequences a group of them (a document, a dialogue) begins.
        skipped: the lines passed over.
    """

    count: ClassVar[int] = 1
    """How many sides there are."""

    def __init__(self, analysis: Analysis) -> None:
        self.analysis = analysis
        self.words = analysis.tokenizer.words
        self.sides = [Words() for _ in range(self.count)]
        self.breaks: list[int] = []
        self.skipped = Skipped()

    def read(self, piece: Piece, data: list[bytes]) -> None:
        """Add the lines of a piece."""
        lines = zip(*map(io.BytesIO, data), strict=True)
        for number, raw in enumerate(lines, piece[0].line):
            try:
                record = self.parse(piece, raw, number)
            except DataError as error:
                if self.analysis.on_error == "raise":
                    raise
                self.skipped.add(error)
            else:
                self.add(record)

    @abstractmethod
    def parse(self, piece: Piece, raw: tuple[bytes, ...], number: int) -> Any:
        """What a line holds; None if it is blank."""

    @abstractmethod
    def add(self, record: Any) -> None:
        """Analyse what a line holds."""

    def _decode(self, piece: Piece, raw: tuple[bytes, ...], number: int, side: int = 0) -> str:
        line = decode(raw[side], piece[side].path, number, self.analysis.encoding)
        return "" if line.isspace() else line

    def _break(self) -> None:
        self.breaks.append(len(self.sides[0].lengths))


class _Text(_Lines):
    def read(self, piece: Piece, data: list[bytes]) -> None:
        if piece[0].line == 1:  # a document ends with its file
            self._break()
        super().read(piece, data)

    def parse(self, piece: Piece, raw: tuple[bytes, ...], number: int) -> str:
        return self._decode(piece, raw, number)

    def add(self, line: str) -> None:
        if not line:
            self._break()
        elif self.analysis.sentences:
            for sentence in split_sentences(line):
                self.sides[0].add(self.words(sentence))
        else:
            self.sides[0].add(self.words(line))


class _Dialogues(_Lines):
    def parse(self, piece: Piece, raw: tuple[bytes, ...], number: int) -> Dialogue | None:
        line = self._decode(piece, raw, number)
        return parse_dialogue(line, piece[0].path, number) if line else None

    def add(self, dialogue: Dialogue | None) -> None:
        if dialogue is not None:
            self._break()
            for turn in dialogue:
                self.sides[0].add(self.words(turn.text))


class _Pairs(_Lines):
    count: ClassVar[int] = 2

    def parse(self, piece: Piece, raw: tuple[bytes, ...], number: int) -> Pair | None:
        source = self._decode(piece, raw, number)
        if len(piece) == 1:
            columns = self.analysis.columns
            return parse_pair(source, piece[0].path, number, columns) if source else None
        target = self._decode(piece, raw, number, side=1)
        if bool(source) != bool(target):
            blank, other = (piece[1], piece[0]) if source else piece
            raise DataError(f"blank, and line {number} of {other.path} is not.", blank.path, number)
        return (source, target) if source else None

    def add(self, pair: Pair | None) -> None:
        if pair is not None:
            for side, text in zip(self.sides, pair, strict=True):
                side.add(self.words(text))


_LINES: dict[Kind, type[_Lines]] = {"text": _Text, "dialogues": _Dialogues, "parallel": _Pairs}
