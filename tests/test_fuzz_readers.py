"""Damaged files through every reader; benchmarks/fuzz_readers.py does it with 10,000 of them."""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pytest

from benchmarks.fuzz_readers import FORMS, fuzz
from jpseq.corpora import dialogues, files
from jpseq.corpora.records import Skipped


def test_no_crash_and_nothing_lost_in_silence(tmp_path: Path) -> None:
    results = fuzz(seed=1, numbers=range(600), folder=tmp_path, limit=60)
    assert results.total() == 600
    for form in FORMS:
        for outcome in ("damaged compression", "read whole", "refused as a whole"):
            assert results[f"{form}: {outcome}"]
        assert results[f"{form}: some lines skipped"]


def test_a_lost_line_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sound = files.split_lines

    def lossy(file: BinaryIO, path: Path | str) -> Iterator[bytes]:
        return (line for number, line in enumerate(sound(file, path)) if number != 7)

    monkeypatch.setattr(files, "split_lines", lossy)
    with pytest.raises(AssertionError):
        fuzz(seed=1, numbers=range(600), folder=tmp_path, limit=60)


def test_a_line_that_is_not_counted_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Skipped, "add", lambda self, error: self.first.append(str(error)))
    with pytest.raises(AssertionError):
        fuzz(seed=1, numbers=range(600), folder=tmp_path, limit=60)


def test_half_a_character_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialogues, "_check_surrogates", lambda *_: None)
    with pytest.raises(UnicodeEncodeError):
        fuzz(seed=1, numbers=range(600), folder=tmp_path, limit=60)
