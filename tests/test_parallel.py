"""Pairs, from tab-separated values and from aligned files."""

from pathlib import Path

import pytest

from jpseq import bundled
from jpseq.corpora.parallel import parse_pair
from jpseq.corpora.readers import read_pairs
from jpseq.errors import ConfigurationError, DataError


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8", newline="")
    return path


def problem(*sources: Path, **options: object) -> DataError:
    with pytest.raises(DataError) as caught:
        list(read_pairs(*sources, **options))  # type: ignore[arg-type]
    return caught.value


def test_a_pair_is_two_columns(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tsv", 'night\t夜\r\n\n "a" \tｱ\u3000b\n')
    pairs = read_pairs(path)
    assert [*pairs] == [*pairs] == [("night", "夜"), (' "a" ', "ｱ\u3000b")]


def test_the_bundled_pairs_are_pairs() -> None:
    folder = bundled("pairs")
    everything = [*read_pairs(folder)]
    assert everything == [
        pair for name in ("dev", "test", "train") for pair in read_pairs(folder / f"{name}.tsv")
    ]
    assert len(everything) == sum(
        len(file.read_text(encoding="utf-8").splitlines()) for file in folder.glob("*.tsv")
    )


@pytest.mark.parametrize(
    ("line", "columns", "reason"),
    [
        ("night", None, "1 column; a pair is two, with one tab between."),
        (
            "a\tb\tc",
            None,
            "3 columns; a pair is two, with one tab between. Name the two to read: columns=(1, 2)",
        ),
        ("a\tb", (1, 3), "2 columns; columns=(1, 3) needs 3."),
        ("a\t", None, "column 2 is empty; a pair has two texts."),
        ("1\t\u3000\tb", (2, 3), "column 2 is empty; a pair has two texts."),
    ],
)
def test_a_line_that_is_no_pair_is_named(
    line: str, columns: tuple[int, int] | None, reason: str, tmp_path: Path
) -> None:
    path = write(tmp_path / "a.tsv", f"x\ty\tz\n{line}\n" if columns else f"x\ty\n{line}\n")
    error = problem(path, columns=columns)
    assert (error.line, error.problem) == (2, reason)
    pairs = read_pairs(path, columns=columns, on_error="skip")
    assert len([*pairs]) == pairs.skipped.lines == 1


def test_columns_are_counted_from_one_and_may_change_places() -> None:
    assert parse_pair("1\tnight\t2\t夜", "a", 1, (4, 2)) == ("夜", "night")
    for wrong in ((0, 1), (1,), (1, 2, 3)):
        with pytest.raises(ConfigurationError, match="columns: two numbers from 1, got"):
            read_pairs(__file__, columns=wrong)  # type: ignore[arg-type]


def test_aligned_files_are_read_side_by_side(tmp_path: Path) -> None:
    en = write(tmp_path / "a.en", "night\n\nsea\t\n")
    ja = write(tmp_path / "a.ja", "\ufeff夜\r\n \n海")
    assert [*read_pairs(en, ja)] == [("night", "夜"), ("sea\t", "海")]


def test_several_aligned_files_go_together_in_their_order(tmp_path: Path) -> None:
    for side in ("en", "ja"):
        (tmp_path / side).mkdir()
        for name in ("b", "a"):
            write(tmp_path / side / f"{name}.txt", f"{name} {side}\n")
    pairs = [*read_pairs(tmp_path / "en", tmp_path / "ja")]
    assert pairs == [("a en", "a ja"), ("b en", "b ja")]
    with pytest.raises(
        DataError, match="aligned files come in twos: 1 on the one side, 2 on the other"
    ):
        read_pairs(tmp_path / "en" / "a.txt", tmp_path / "ja")


@pytest.mark.parametrize("on_error", ["raise", "skip"])
def test_aligned_files_of_two_lengths_are_refused(on_error: str, tmp_path: Path) -> None:
    en, ja = write(tmp_path / "en", "a\nb\n"), write(tmp_path / "ja", "ア\n")
    error = problem(en, ja, on_error=on_error)
    assert str(error) == f"{ja}: ends after line 1, and {en} does not: they are not aligned."
    error = problem(ja, en, on_error=on_error)
    assert error.path == ja


def test_a_line_blank_on_one_side_is_named(tmp_path: Path) -> None:
    en, ja = write(tmp_path / "en", "a\n\nc\n"), write(tmp_path / "ja", "ア\nイ\nウ\n")
    assert str(problem(en, ja)) == f"{en}, line 2: blank, and line 2 of {ja} is not."
    assert problem(ja, en).path == en
    pairs = read_pairs(en, ja, on_error="skip")
    assert [*pairs] == [("a", "ア"), ("c", "ウ")]
    assert pairs.skipped.lines == 1


def test_a_bad_line_takes_its_translation_with_it(tmp_path: Path) -> None:
    en, ja = tmp_path / "en", write(tmp_path / "ja", "ア\nイ\nウ\n")
    en.write_bytes(b"a\n\xff\nc\n")
    pairs = read_pairs(en, ja, on_error="skip")
    assert [*pairs] == [("a", "ア"), ("c", "ウ")]
    assert pairs.skipped.lines == 1
    assert pairs.skipped.first[0].startswith(f"{en}, line 2: not UTF-8")


def test_aligned_files_have_no_columns(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="columns: only for pairs in one file"):
        read_pairs(tmp_path, tmp_path, columns=(1, 2))


def test_nothing_is_an_error(tmp_path: Path) -> None:
    empty = write(tmp_path / "empty.tsv", "\n")
    assert problem(empty).problem == "holds no pairs."
    assert problem(empty, empty).problem == "holds no pairs, nor do the others of 2 files."
