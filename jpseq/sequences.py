"""The two types every stage shares before tensors: Tokens (one analysed text) and Ragged (many
sequences of ids or numbers). NumPy only."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal, NamedTuple, Self, overload

import numpy as np
import numpy.typing as npt

from jpseq.errors import DataError
from jpseq.folders import replace_file


class Token(NamedTuple):
    """One token of a text, as `tokens[i]` gives it."""

    surface: str
    """What stands in the text: text[start:end]."""
    start: int
    end: int
    form: str
    """The normalised word: what vocabularies count."""
    lemma: str
    reading: str
    pos: str
    known: bool


class Tokens:
    """The analysis of one text, in columns.

    >>> tokens = Tokens("夜 空", start=[0, 2], end=[1, 3], form=["夜", "空"])
    >>> tokens.form
    ['夜', '空']
    >>> tokens[1].surface, tokens.gaps
    ('空', ['', ' ', ''])

    Nothing of the text is lost: spans never overlap or go back, and what lies between them is
    whitespace, NUL or what the normaliser drops, so that gaps and surfaces in turn rebuild the text
    exactly (`rebuild`). Only pieces of words may have empty spans.

    Args:
        text: the original text.
        start, end: code points into text, one of each for every token.
        form: the normalised words.
        lemma, reading, pos, known: further columns; an analyser without them leaves them out, and
            they then read as the form, "", "" and True.
    """

    __slots__ = ("_known", "_lemma", "_pos", "_reading", "end", "form", "start", "text")

    def __init__(
        self,
        text: str,
        start: list[int],
        end: list[int],
        form: list[str],
        lemma: list[str] | None = None,
        reading: list[str] | None = None,
        pos: list[str] | None = None,
        known: list[bool] | None = None,
    ) -> None:
        self.text = text
        self.start = start
        self.end = end
        self.form = form
        self._lemma = lemma
        self._reading = reading
        self._pos = pos
        self._known = known

    @property
    def lemma(self) -> list[str]:
        """Dictionary forms; the form itself where the analyser gives none."""
        return self.form if self._lemma is None else self._lemma

    @property
    def reading(self) -> list[str]:
        """Readings in katakana, "" where there is none."""
        return [""] * len(self) if self._reading is None else self._reading

    @property
    def pos(self) -> list[str]:
        """Parts of speech, from coarse to fine, joined by "-"; "" where there is none."""
        return [""] * len(self) if self._pos is None else self._pos

    @property
    def known(self) -> list[bool]:
        """Whether the analyser's dictionary holds the word."""
        return [True] * len(self) if self._known is None else self._known

    @property
    def surface(self) -> list[str]:
        """The words as they stand in the text."""
        text = self.text
        return [text[start:end] for start, end in zip(self.start, self.end, strict=True)]

    @property
    def gaps(self) -> list[str]:
        """What lies before each token, and after the last: len(tokens) + 1 strings."""
        edges = zip([0, *self.end], [*self.start, len(self.text)], strict=True)
        return [self.text[end:start] for end, start in edges]

    def rebuild(self) -> str:
        """The original text, from gaps and surfaces."""
        gaps = self.gaps
        return gaps[0] + "".join(
            surface + gap for surface, gap in zip(self.surface, gaps[1:], strict=True)
        )

    def take(self, indices: Iterable[int]) -> "Tokens":
        """The tokens at these places (in order), as Tokens of the same text."""
        places = list(indices)

        def pick(column: list[Any] | None) -> list[Any] | None:
            return None if column is None else [column[i] for i in places]

        return Tokens(
            self.text,
            [self.start[i] for i in places],
            [self.end[i] for i in places],
            [self.form[i] for i in places],
            pick(self._lemma),
            pick(self._reading),
            pick(self._pos),
            pick(self._known),
        )

    def __len__(self) -> int:
        return len(self.form)

    def __getitem__(self, i: int) -> Token:
        start, end = self.start[i], self.end[i]
        return Token(
            self.text[start:end],
            start,
            end,
            self.form[i],
            self.lemma[i],
            self._reading[i] if self._reading is not None else "",
            self._pos[i] if self._pos is not None else "",
            self._known[i] if self._known is not None else True,
        )

    def __iter__(self) -> Iterator[Token]:
        columns = (self.surface, self.start, self.end, self.form)
        more = (self.lemma, self.reading, self.pos, self.known)
        return map(Token._make, zip(*columns, *more, strict=True))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Tokens):
            return NotImplemented
        return self.text == other.text and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # its columns are lists

    def __repr__(self) -> str:
        return f"Tokens({self.text!r}, {self.surface})"


Values = npt.NDArray[np.int32] | npt.NDArray[np.float32]


class Ragged:
    """Many sequences of different length in two arrays.

    >>> ragged = Ragged.from_sequences([[3, 1], [], [4, 1, 5]])
    >>> len(ragged), ragged[2], ragged.lengths
    (3, array([4, 1, 5], dtype=int32), array([2, 0, 3]))
    >>> ragged[1:].tolist()
    [[], [4, 1, 5]]

    Slices and single sequences are views: nothing is copied, whether the arrays are in RAM or
    memory-mapped, and no Python object is kept for a sequence.

    Args:
        values: (N,) int32 ids or (N, F) float32 numbers.
        offsets: (S + 1,) int64; sequence i is values[offsets[i]:offsets[i + 1]].
        groups: optional (D + 1,) int64 over sequences: group d holds the sequences from groups[d]
            to groups[d + 1], the turns of a dialogue or the sentences of a document.

    Raises:
        DataError: the arrays do not fit together.
    """

    __slots__ = ("groups", "offsets", "values")

    def __init__(
        self,
        values: npt.NDArray[Any],
        offsets: npt.NDArray[np.int64],
        groups: npt.NDArray[np.int64] | None = None,
    ) -> None:
        _check_values(values)
        _check_bounds("offsets", offsets, "values", len(values))
        if groups is not None:
            _check_bounds("groups", groups, "sequences", len(offsets) - 1)
        self.values: Values = values
        self.offsets = offsets
        self.groups = groups

    @classmethod
    def from_sequences(cls, sequences: Iterable[npt.ArrayLike]) -> Self:
        """Copy sequences of ids (any integers that fit int32) or of number rows (T, F).

        A sequence of plain numbers (T,) becomes (T, 1). No sequences at all are taken for ids.
        """
        rows = [np.asarray(sequence) for sequence in sequences]
        offsets = np.zeros(len(rows) + 1, np.int64)
        np.cumsum([len(row) for row in rows], out=offsets[1:])
        filled = [row for row in rows if len(row)]
        if not filled:
            return cls(np.zeros(0, np.int32), offsets)
        if all(row.dtype.kind in "iu" and row.ndim == 1 for row in filled):
            values = np.concatenate(filled)
            limit = np.iinfo(np.int32)
            if values.min() < limit.min or values.max() > limit.max:
                raise DataError(f"ids must fit int32, got {values.min()} to {values.max()}.")
            return cls(values.astype(np.int32), offsets)
        columns = [row[:, None] if row.ndim == 1 else row for row in filled]
        if len({column.shape[1:] for column in columns}) != 1 or columns[0].ndim != 2:
            shapes = sorted({column.shape[1:] for column in columns})
            raise DataError(f"every sequence needs the same features a step, got shapes {shapes}.")
        return cls(np.concatenate(columns).astype(np.float32), offsets)

    @classmethod
    def from_groups(cls, groups: Iterable[Iterable[npt.ArrayLike]]) -> Self:
        """Copy groups of sequences, for instance dialogues of turns."""
        lists = [list(group) for group in groups]
        bounds = np.zeros(len(lists) + 1, np.int64)
        np.cumsum([len(group) for group in lists], out=bounds[1:])
        flat = cls.from_sequences(sequence for group in lists for sequence in group)
        return cls(flat.values, flat.offsets, bounds)

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """(S,) steps of each sequence."""
        return np.diff(self.offsets)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @overload
    def __getitem__(self, item: int) -> npt.NDArray[Any]: ...
    @overload
    def __getitem__(self, item: slice) -> Self: ...
    def __getitem__(self, item: int | slice) -> npt.NDArray[Any] | Self:
        """One sequence, (T,) or (T, F), or a run of sequences (which has no groups)."""
        if isinstance(item, slice):
            start, stop, step = item.indices(len(self))
            if step != 1:
                raise DataError("a Ragged is sliced in steps of 1; use take for other orders.")
            return type(self)(self.values, self.offsets[start : max(start, stop) + 1])
        i = range(len(self))[item]
        return self.values[self.offsets[i] : self.offsets[i + 1]]

    def __iter__(self) -> Iterator[npt.NDArray[Any]]:
        for i in range(len(self)):
            yield self[i]

    def group(self, d: int) -> Self:
        """The sequences of group d, for instance the turns of a dialogue (a view)."""
        if self.groups is None:
            raise DataError("this Ragged has no groups; build it with from_groups.")
        d = range(len(self.groups) - 1)[d]
        return self[int(self.groups[d]) : int(self.groups[d + 1])]

    def take(self, indices: npt.ArrayLike, longest: int | None = None) -> Self:
        """The sequences at these places, in this order (a copy, without groups).

        With `longest` a sequence that has more steps is cut after so many.
        """
        picked = np.asarray(indices, np.int64)
        picked = np.where(picked < 0, picked + len(self), picked)
        lengths = self.offsets[picked + 1] - self.offsets[picked]
        if longest is not None:
            lengths = np.minimum(lengths, longest)
        offsets = np.zeros(len(picked) + 1, np.int64)
        np.cumsum(lengths, out=offsets[1:])
        # Row k of the copy is row k of its own sequence: shift by where that sequence begins.
        shift = np.repeat(self.offsets[picked] - offsets[:-1], lengths)
        return type(self)(self.values[np.arange(offsets[-1]) + shift], offsets)

    def tolist(self) -> list[list[Any]]:
        """Plain Python lists, for looking at small ones."""
        return [sequence.tolist() for sequence in self]

    def save(self, folder: Path | str) -> None:
        """Write values.npy, offsets.npy and, where there are groups, groups.npy.

        Former ones are replaced when all are written, so what was loaded from a folder can be
        saved there.

        Raises:
            DataError: the folder cannot be written.
        """
        folder = Path(folder)
        first, last = self.offsets[0], self.offsets[-1]
        arrays = {"values.npy": self.values[first:last], "offsets.npy": self.offsets - first}
        if self.groups is not None:
            arrays["groups.npy"] = self.groups
        with ExitStack() as stack:
            for name, array in arrays.items():
                np.save(stack.enter_context(replace_file(folder / name)), array)
            if self.groups is None:
                (folder / "groups.npy").unlink(missing_ok=True)

    @classmethod
    def load(cls, folder: Path | str, mmap: bool = True) -> Self:
        """Read what save has written; memory-mapped unless told otherwise."""
        folder = Path(folder)
        mode: Literal["r"] | None = "r" if mmap else None
        arrays = []
        for name in ("values.npy", "offsets.npy", "groups.npy"):
            try:
                arrays.append(np.load(folder / name, mmap_mode=mode))
            except FileNotFoundError:
                if name != "groups.npy":
                    raise DataError(
                        "no such file; is it a Ragged's folder?", folder / name
                    ) from None
                arrays.append(None)
            except (ValueError, OSError, EOFError) as error:
                raise DataError(f"cannot be read as an array ({error}).", folder / name) from error
        return cls(*arrays)

    def __repr__(self) -> str:
        groups = "" if self.groups is None else f", {len(self.groups) - 1} groups"
        steps = int(self.offsets[-1] - self.offsets[0])
        return f"Ragged({len(self)} sequences, {steps} steps, {self.values.dtype}{groups})"


def framed(rows: Ragged, start: int, end: int) -> Ragged:
    """Each sequence with the start id before it and the end id behind it.

    >>> framed(Ragged.from_sequences([[5, 6], []]), 1, 2).tolist()
    [[1, 5, 6, 2], [1, 2]]
    """
    offsets = np.zeros(len(rows) + 1, np.int64)
    np.cumsum(rows.lengths + 2, out=offsets[1:])
    values = np.empty(offsets[-1], np.int32)
    inner = np.ones(len(values), bool)
    inner[offsets[:-1]] = inner[offsets[1:] - 1] = False
    values[offsets[:-1]], values[offsets[1:] - 1] = start, end
    values[inner] = rows.values[rows.offsets[0] : rows.offsets[-1]]
    return Ragged(values, offsets)


def _check_values(values: npt.NDArray[Any]) -> None:
    ids = values.ndim == 1 and values.dtype == np.int32
    numbers = values.ndim == 2 and values.dtype == np.float32
    if not (ids or numbers):
        raise DataError(
            "values must be (N,) int32 ids or (N, F) float32 numbers, got "
            f"{values.shape} {values.dtype}; Ragged.from_sequences converts."
        )


def _check_bounds(name: str, bounds: npt.NDArray[Any], what: str, size: int) -> None:
    if bounds.ndim != 1 or bounds.dtype != np.int64 or len(bounds) == 0:
        raise DataError(f"{name} must be one row of int64, got {bounds.shape} {bounds.dtype}.")
    if bounds[0] < 0 or bounds[-1] > size:
        raise DataError(
            f"{name} run from {bounds[0]} to {bounds[-1]}, but there are {size} {what}."
        )
    if np.any(bounds[1:] < bounds[:-1]):
        raise DataError(f"{name} must never decrease.")
