"""Folders are written whole or not at all."""

from pathlib import Path

import pytest

from jpseq.errors import DataError
from jpseq.folders import cache_folder, check_replaceable, replace_folder


def write(folder: Path, text: str) -> None:
    with replace_folder(folder, "mark") as new:
        (new / "mark").write_text(text)


def test_a_new_folder_stands_there_with_its_parents(tmp_path: Path) -> None:
    write(tmp_path / "a" / "b", "1")
    assert (tmp_path / "a" / "b" / "mark").read_text() == "1"
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b"]
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o755


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    write(tmp_path / "a", "1")
    assert (tmp_path / "a" / "mark").read_text() == "1"


def test_a_former_result_is_replaced_whole(tmp_path: Path) -> None:
    write(tmp_path / "a", "1")
    (tmp_path / "a" / "more").write_text("old")
    write(tmp_path / "a", "2")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["mark"]
    assert (tmp_path / "a" / "mark").read_text() == "2"


def test_nothing_is_visible_before_the_end(tmp_path: Path) -> None:
    write(tmp_path / "a", "1")
    with replace_folder(tmp_path / "a", "mark") as new:
        (new / "mark").write_text("2")
        assert new != tmp_path / "a"
        assert (tmp_path / "a" / "mark").read_text() == "1"
    assert (tmp_path / "a" / "mark").read_text() == "2"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_failure_leaves_what_was_there(error: type[BaseException], tmp_path: Path) -> None:
    write(tmp_path / "a", "1")
    with pytest.raises(error):
        write_and_fail(tmp_path / "a", error)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a" / "mark").read_text() == "1"


def write_and_fail(folder: Path, error: type[BaseException]) -> None:
    with replace_folder(folder, "mark") as new:
        (new / "mark").write_text("2")
        raise error


def test_a_full_disk_is_told_and_loses_nothing(tmp_path: Path) -> None:
    write(tmp_path / "a", "1")
    with (
        pytest.raises(DataError, match=r"a: cannot be written \(No space left on device; nothing"),
        replace_folder(tmp_path / "a", "mark"),
    ):
        raise OSError(28, "No space left on device")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a" / "mark").read_text() == "1"


def test_if_the_new_folder_cannot_take_its_place_the_old_one_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "a", "1")
    rename = Path.rename

    def fail(path: Path, target: Path) -> Path:
        if (path / "mark").read_text() == "2":
            raise PermissionError(13, "Permission denied")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(DataError, match=r"cannot be written \(Permission denied\)"):
        write(tmp_path / "a", "2")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a" / "mark").read_text() == "1"


def test_a_link_stays_and_the_folder_behind_it_is_replaced(tmp_path: Path) -> None:
    write(tmp_path / "real", "1")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    write(tmp_path / "link", "2")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / "mark").read_text() == "2"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "real"]


def test_other_files_are_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "letter").write_text("拝啓")
    for check in (check_replaceable, write_nothing):
        with pytest.raises(DataError, match=r"holds other files \(and no mark\); choose an empty"):
            check(tmp_path, "mark")
        with pytest.raises(DataError, match="letter: is a file; choose another name"):
            check(tmp_path / "letter", "mark")
    assert [path.name for path in tmp_path.iterdir()] == ["letter"]
    assert (tmp_path / "letter").read_text() == "拝啓"


def write_nothing(folder: Path, mark: str) -> None:
    with replace_folder(folder, mark):
        pytest.fail("it must refuse before the work begins")


def test_a_parent_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "letter").write_text("拝啓")
    with pytest.raises(DataError, match=r"cannot be written \((Not a directory|File exists)\)"):
        write(tmp_path / "letter" / "a", "1")


def test_the_cache_can_be_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JPSEQ_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("JPSEQ_CACHE")
    assert cache_folder().name == "jpseq"
