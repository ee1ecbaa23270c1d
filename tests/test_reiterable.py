"""Several passes need what can be gone through several times."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from jpseq import Ragged, bundled, read_texts
from jpseq.corpora.reiterable import check_reiterable
from jpseq.errors import DataError


class Anew:
    def __iter__(self) -> Iterator[str]:
        yield "夜"


class Same:
    def __init__(self) -> None:
        self.only = iter(["夜"])

    def __iter__(self) -> Iterator[str]:
        return self.only


def test_what_starts_anew_is_right() -> None:
    check_reiterable(["夜"])
    check_reiterable(("夜",))
    check_reiterable({"夜": 1}.keys())
    check_reiterable(range(3))
    check_reiterable(np.zeros((2, 3)))
    check_reiterable(Ragged(np.zeros(3, np.int32), np.array([0, 3])))
    check_reiterable(Anew())
    check_reiterable(read_texts(bundled("prose")))


def test_the_check_takes_nothing_away() -> None:
    begun = []

    class Watched:
        def __iter__(self) -> Iterator[int]:
            begun.append(1)
            yield 1

    watched = Watched()
    check_reiterable(watched)
    assert begun == []
    once = iter([1, 2])
    with pytest.raises(DataError):
        check_reiterable(once)
    assert list(once) == [1, 2]


def test_what_can_be_read_once_only_is_refused_with_the_reason(tmp_path: Path) -> None:
    for once in (iter([1]), (x for x in [1]), map(str, [1]), zip([1]), Same()):
        with pytest.raises(DataError, match="can be read once only, and several passes are needed"):
            check_reiterable(once)
    with (
        (tmp_path / "a").open("w+") as file,
        pytest.raises(DataError, match="Give a list, a file's name, or an object whose __iter__"),
    ):
        check_reiterable(file)


def test_what_holds_no_sequences_is_refused() -> None:
    with pytest.raises(DataError, match="sequences are needed, and int holds none"):
        check_reiterable(3)
