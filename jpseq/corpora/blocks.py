"""Files → blocks: whole lines, of about one size in all, which one worker analyses at once.

A block is known by what it holds, not by where it stands. So finished work is found again after an
interruption, also when a line somewhere else has been mended, and a file that changes under way is
noticed.
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NamedTuple, Self

from jpseq.configuration import Configuration
from jpseq.corpora.files import MAX_LINE, is_compressed, open_bytes
from jpseq.errors import DataError


class Part(NamedTuple):
    """Whole lines of one file."""

    path: Path
    start: int
    end: int
    """Bytes of the file's text, which is decompressed if the file is compressed."""
    line: int
    """The number of the first line, from 1."""


Piece = tuple[Part, ...]
"""One part, or the same lines of a file and of those aligned with it."""


@dataclass(frozen=True)
class Block:
    """Pieces of a corpus that follow one another; several where files are small."""

    number: int
    pieces: tuple[Piece, ...]
    digest: str
    size: int
    """Bytes."""


class Source(Configuration):
    """A file as a prepared corpus remembers it: by its text, whatever its name and compression."""

    bytes: int
    sha256: str


@dataclass(frozen=True)
class Plan:
    """All blocks of a corpus, in its order, and the files they come from."""

    blocks: list[Block]
    sources: list[Source]

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(source.bytes for source in self.sources)


def plan(files: Sequence[Path], size: int, targets: Sequence[Path] = ()) -> Plan:
    """Cut files into blocks of `size` bytes and the rest of a line.

    Each file is read once, in constant memory.

    Args:
        targets: as many files again, aligned with `files`: a block holds the same lines of both,
            and the size is that of its lines in `files`.

    Raises:
        DataError: a file cannot be read, or only once (a pipe); aligned files are not of one
            length.
    """
    if targets and len(files) != len(targets):
        raise DataError(
            f"{len(files)} files on the one side and {len(targets)} on the other; aligned files"
            " come in twos."
        )
    rows = list(zip(files, targets, strict=True)) if targets else [(file,) for file in files]
    sources: list[list[Source]] = [[] for _ in range(2 if targets else 1)]
    blocks: list[Block] = []
    waiting: list[list[_Cut]] = []
    room = size
    for row in rows:
        with ExitStack() as stack:
            texts = [stack.enter_context(_Text(path)) for path in row]
            while cuts := _read_aligned(texts, room):
                waiting.append(cuts)
                room -= cuts[0].size
                if room <= 0:
                    blocks.append(_block(len(blocks), waiting))
                    waiting, room = [], size
            for side, text in zip(sources, texts, strict=True):
                side.append(Source(bytes=text.position, sha256=text.sha256.hexdigest()))
    if waiting:
        blocks.append(_block(len(blocks), waiting))
    return Plan(blocks, [source for side in sources for source in side])


class _Cut(NamedTuple):
    part: Part
    lines: int
    digest: str

    @property
    def size(self) -> int:
        return self.part.end - self.part.start


def _block(number: int, cuts: list[list[_Cut]]) -> Block:
    pieces = tuple(tuple(cut.part for cut in piece) for piece in cuts)
    known = [(cut.part, cut.digest) for piece in cuts for cut in piece]
    return Block(number, pieces, _digest(known), sum(cut.size for piece in cuts for cut in piece))


def _digest(parts: Sequence[tuple[Part, str]]) -> str:
    # Where a file begins a document begins, so the same bytes can mean something else there.
    named = "".join(f"{digest}{'^' if part.line == 1 else ' '}" for part, digest in parts)
    return _hash(named.encode())


def _hash(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()


class _Text:
    """A file that is gone through once, cut by cut."""

    def __init__(self, path: Path) -> None:
        if path.exists() and not path.is_file():
            raise DataError(
                "is a pipe or a device, which can be read once only. Write it to a file first.",
                path,
            )
        self.path = path
        self.file = open_bytes(path)
        self.position = 0
        self.line = 1
        self.sha256 = hashlib.sha256()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def read(self, size: int) -> _Cut | None:
        """So many bytes and the rest of their last line; None at the end."""
        with _readable(self.path):
            data = self.file.read(size)
            if data and not data.endswith(b"\n"):
                data += self.file.readline(MAX_LINE + 1)
            cut = self._cut(data, data.count(b"\n") + (not data.endswith(b"\n")))
            while data and not data.endswith(b"\n"):
                # The last line, or one so long that its head is enough to refuse it.
                data = self.file.readline(2**20)
                self.sha256.update(data)
                self.position += len(data)
        return cut

    def read_lines(self, count: int) -> _Cut | None:
        """So many lines, or what there is of them; None at the end."""
        with _readable(self.path):
            lines = list(islice(iter(lambda: self.file.readline(MAX_LINE + 1), b""), count))
        for number, line in enumerate(lines, self.line):
            if len(line) > MAX_LINE:
                raise DataError(f"longer than {MAX_LINE // 2**20} MiB.", self.path, number)
        return self._cut(b"".join(lines), len(lines))

    def _cut(self, data: bytes, lines: int) -> _Cut | None:
        if not data:
            return None
        part = Part(self.path, self.position, self.position + len(data), self.line)
        self.sha256.update(data)
        self.position += len(data)
        self.line += lines
        return _Cut(part, lines, _hash(data))


def _read_aligned(texts: Sequence[_Text], size: int) -> list[_Cut]:
    """The next lines of the first text and the same ones of the others; [] at the end."""
    first, *others = texts
    cut = first.read(size)
    cuts = [] if cut is None else [cut]
    for other in others:
        same = other.read_lines(1 if cut is None else cut.lines)
        if cut is None and same is not None:
            raise _not_aligned(first, other)
        if cut is not None:
            if same is None or same.lines < cut.lines:
                raise _not_aligned(other, first)
            cuts.append(same)
    return cuts


def _not_aligned(short: _Text, long: _Text) -> DataError:
    return DataError(
        f"ends after line {short.line - 1:,}, and {long.path} does not: they are not aligned.",
        short.path,
    )


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DataError(f"cannot be read ({error.strerror or error}).", path) from error


# Reading blocks


def read_block(block: Block, spool: Path) -> list[list[bytes]]:
    """The bytes of a block: of each piece, those of its parts.

    Args:
        spool: the folder where the parts of compressed files are (see Spool).

    Raises:
        DataError: a file is not what it was when the blocks were planned.
    """
    read: list[list[bytes]] = []
    known = []
    for place, piece in enumerate(block.pieces):
        read.append([])
        for side, part in enumerate(piece):
            packed = is_compressed(part.path)
            path = spool / _spooled(block, place, side) if packed else part.path
            with open_bytes(path) as file, _readable(path):
                file.seek(0 if packed else part.start)
                data = file.read(part.end - part.start)
            read[-1].append(data)
            known.append((part, _hash(data)))
    if _digest(known) != block.digest:
        raise DataError("has changed while it was read; run it again.", block.pieces[0][0].path)
    return read


@dataclass
class _Tape:
    """A file's text, which can be wound forwards only."""

    path: Path

    def __post_init__(self) -> None:
        self.file = open_bytes(self.path)
        self.position = 0

    def read(self, start: int, end: int) -> bytes:
        while self.position < start:
            passed = len(self.file.read(min(2**20, start - self.position)))
            if not passed:
                break
            self.position += passed
        data = self.file.read(end - start)
        self.position += len(data)
        return data


class Spool:
    """Parts of compressed files, written out for workers, who could not begin in the middle.

    Each file is decompressed once from beginning to end, as its blocks come, and only blocks that
    are being worked on take room on the disk.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._tapes: dict[int, _Tape] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for tape in self._tapes.values():
            tape.file.close()

    def write(self, blocks: Sequence[Block]) -> None:
        """Write the compressed parts of blocks, which come in the order of the corpus.

        Raises:
            DataError: a file is damaged.
            OSError: the disk is full.
        """
        for path, side, part in self._compressed(blocks):
            tape = self._tapes.get(side)
            if tape is None or tape.path != part.path or tape.position > part.start:
                if tape is not None:
                    tape.file.close()
                tape = self._tapes[side] = _Tape(part.path)
            path.write_bytes(tape.read(part.start, part.end))

    def clear(self, blocks: Sequence[Block]) -> None:
        """Remove what was written."""
        for path, _, _ in self._compressed(blocks):
            path.unlink(missing_ok=True)

    def _compressed(self, blocks: Sequence[Block]) -> Iterator[tuple[Path, int, Part]]:
        for block in blocks:
            for place, piece in enumerate(block.pieces):
                for side, part in enumerate(piece):
                    if is_compressed(part.path):
                        yield self.folder / _spooled(block, place, side), side, part


def _spooled(block: Block, place: int, side: int) -> str:
    return f"{block.number:08}-{place}-{side}.text"
