"""Sequences that can be gone through several times."""

from collections.abc import Iterator

from jpseq.errors import DataError


def check_reiterable(sequences: object) -> None:
    """Whether several passes over sequences see all of them each time.

    >>> check_reiterable(["夜の空", "朝の海"])
    >>> check_reiterable(line for line in ["夜の空", "朝の海"])
    Traceback (most recent call last):
    jpseq.errors.DataError: a generator can be read once only, and several passes are needed. Give a
    list, a file's name, or an object whose __iter__ starts anew each time.

    Raises:
        DataError: they are an iterator, or always give the same one, or cannot be iterated at all.
    """
    name = type(sequences).__name__
    try:
        once = isinstance(sequences, Iterator) or iter(sequences) is iter(sequences)  # type: ignore[call-overload]
    except TypeError:
        raise DataError(f"sequences are needed, and {name} holds none.") from None
    if once:
        raise DataError(
            f"a {name} can be read once only, and several passes are needed. Give a list, a"
            " file's name, or an object whose __iter__ starts anew each time."
        )
