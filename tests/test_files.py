"""Files are found in a fixed order, decompressed as they are read, and cut into bounded lines."""

import gzip
import os
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from jpseq.corpora import files
from jpseq.corpora.files import (
    check_encoding,
    decode,
    find_files,
    is_compressed,
    open_bytes,
    split_lines,
)
from jpseq.corpora.readers import read_texts
from jpseq.errors import ConfigurationError, DataError

TEXT = ("夜の空に星が見えた。\n" * 3000).encode()
ZSTD = zstandard.ZstdCompressor().compress
PACK = {".gz": lambda data: gzip.compress(data, mtime=0), ".zst": ZSTD}


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("夜\n", encoding="utf-8")


def refusal(source: object) -> str:
    with pytest.raises(DataError) as caught:
        find_files(source, (".txt",))  # type: ignore[arg-type]
    return str(caught.value)


def test_a_file_is_taken_whatever_its_name(tmp_path: Path) -> None:
    touch(tmp_path / "notes", tmp_path / "[x]*.md")
    assert find_files(tmp_path / "notes", (".txt",)) == [tmp_path / "notes"]
    assert find_files(str(tmp_path / "[x]*.md"), (".txt",)) == [tmp_path / "[x]*.md"]


def test_a_folder_stands_for_its_files_in_order_of_their_names(tmp_path: Path) -> None:
    names = ["10.txt", "2.txt.zst", "B.TXT", "a.txt.gz", "あ.txt"]
    others = [".hidden.txt", "a.csv", "b.gz", "txt"]
    touch(*(tmp_path / name for name in [*reversed(names), *others]))
    touch(tmp_path / "folder.txt" / "c.txt")
    assert [file.name for file in find_files(tmp_path, (".txt",))] == names
    found = [file.name for file in find_files(tmp_path, (".csv", ".txt"))]
    assert found == sorted([*names, "a.csv"])


def test_a_pattern_stands_for_what_matches(tmp_path: Path) -> None:
    touch(tmp_path / "b" / "1.txt", tmp_path / "a" / "2.txt", tmp_path / "a" / "c" / "3.txt")
    touch(tmp_path / "b-" / "4.md", tmp_path / "a" / ".5.txt")

    def found(pattern: str) -> list[str]:
        paths = find_files(f"{tmp_path}/{pattern}", (".txt",))
        return [path.relative_to(tmp_path).as_posix() for path in paths]

    assert found("*/*") == ["a/2.txt", "b/1.txt", "b-/4.md"]
    assert found("**/*.txt") == ["a/2.txt", "a/c/3.txt", "b/1.txt"]
    assert found("[ab]/?.txt") == ["a/2.txt", "b/1.txt"]
    assert refusal(tmp_path / "*.jsonl") == f"{tmp_path}/*.jsonl: no file matches this pattern."


def test_a_list_keeps_its_own_order(tmp_path: Path) -> None:
    touch(tmp_path / "x" / "b.txt", tmp_path / "x" / "a.txt", tmp_path / "z.md")
    found = find_files([tmp_path / "z.md", str(tmp_path / "x")], (".txt",))
    assert [file.name for file in found] == ["z.md", "a.txt", "b.txt"]
    assert refusal([]) == "no files are named: the list is empty."


def test_what_is_not_there_is_said_with_what_to_do(tmp_path: Path) -> None:
    touch(tmp_path / "night.txt", tmp_path / "deep" / "er" / "a.txt")
    wrong = tmp_path / "nigth.txt"
    assert refusal(wrong) == f"{wrong}: no such file. Did you mean 'night.txt'?"
    nowhere = tmp_path / "no" / "a.txt"
    assert refusal(nowhere).endswith(f"no such file. There is no folder {tmp_path}/no either.")
    assert refusal(tmp_path / "deep") == (
        f"{tmp_path}/deep: a folder without *.txt files (plain, .gz or .zst)."
        f' For files in folders within it give a pattern: "{tmp_path}/deep/**/*.txt"'
    )
    assert refusal("") == 'a file name is empty. The current folder is ".".'
    assert "no such file." in refusal("a\0b")
    assert "cannot be read (File name too long)." in refusal("x" * 5000)


def test_a_file_beside_its_compressed_self_is_refused(tmp_path: Path) -> None:
    touch(tmp_path / "a.txt", tmp_path / "a.txt.gz")
    assert refusal(tmp_path) == (
        f"{tmp_path}: holds a.txt and a.txt.gz, probably the same text twice. Remove one of them,"
        " or name the files."
    )


def content(path: Path) -> bytes:
    with open_bytes(path) as file:
        return file.read()


@pytest.mark.parametrize("suffix", PACK)
@given(parts=st.lists(st.binary(max_size=300), min_size=1))
def test_any_bytes_come_back_from_any_number_of_parts(
    suffix: str, parts: list[bytes], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / f"parts{suffix}"
    path.write_bytes(b"".join(map(PACK[suffix], parts)))
    assert content(path) == b"".join(parts)


@pytest.mark.parametrize("suffix", PACK)
def test_compressed_text_is_read_by_its_suffix(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.txt{suffix.upper()}"
    path.write_bytes(PACK[suffix](TEXT))
    assert is_compressed(path)
    assert not is_compressed(tmp_path / "a.txt")
    assert b"".join(split_lines(open_bytes(path), path)) == TEXT
    assert [*read_texts(path)] == TEXT.decode().split()


@pytest.mark.parametrize("suffix", PACK)
@given(data=st.data())
def test_a_file_cut_anywhere_is_an_error(
    suffix: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    packed = PACK[suffix](TEXT)
    path = tmp_path_factory.getbasetemp() / f"cut{suffix}"
    path.write_bytes(packed[: data.draw(st.integers(0, len(packed) - 1))])
    for reader in (content, lambda path: list(read_texts(path, on_error="skip"))):
        with pytest.raises(DataError, match=r"is cut off|is damaged|is empty") as caught:
            reader(path)
        assert caught.value.path == path


@pytest.mark.parametrize("suffix", PACK)
@pytest.mark.parametrize("damage", [lambda p: TEXT, lambda p: p + b"more", lambda p: b"\0" + p])
def test_what_is_not_compressed_as_its_name_says_is_an_error(
    suffix: str, damage: object, tmp_path: Path
) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(damage(PACK[suffix](TEXT)))  # type: ignore[operator]
    with pytest.raises(DataError, match="is damaged, or not compressed as its name says"):
        content(path)


@pytest.mark.parametrize("suffix", PACK)
def test_compressed_text_with_a_plain_name_is_recognised(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(PACK[suffix](TEXT))
    with pytest.raises(DataError) as caught:
        list(read_texts(path))
    assert str(caught.value) == f"{path}, line 1: is compressed: rename it to {path}{suffix}"


def test_frames_that_hold_no_text_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "a.zst"
    note = b"\x50\x2a\x4d\x18" + (4).to_bytes(4, "little") + b"note"
    path.write_bytes(note + ZSTD(b"a\n") + note + ZSTD(b"b\n") + note)
    assert content(path) == b"a\nb\n"


PEAK = """
import resource, sys
from jpseq.corpora.readers import read_texts
texts = read_texts(sys.argv[1])
next(iter(texts))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
lines = sum(1 for _ in texts)
print(lines, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.parametrize("suffix", PACK)
def test_decompressing_takes_the_same_memory_however_long_the_file(
    suffix: str, tmp_path: Path
) -> None:
    path = tmp_path / f"a{suffix}"
    text = f"{'夜の空に星が見えた。' * 100}\n".encode() * 10_000
    path.write_bytes(PACK[suffix](text))
    unit = 1024 if sys.platform != "darwin" else 1
    done = subprocess.run(
        [sys.executable, "-c", PEAK, path], capture_output=True, encoding="utf-8", check=True
    )
    lines, growth = map(int, done.stdout.split())
    assert lines == 10_000
    assert growth * unit < len(text) / 3


def test_a_line_beyond_the_limit_is_refused_and_the_next_one_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "MAX_LINE", 2**20)
    path = tmp_path / "a.txt"
    path.write_bytes(b"a" * (2**20 - 1) + b"\n" + b"b" * 2**20 + b"\nc\n" + b"d" * 9 * 2**20)
    texts = read_texts(path, on_error="skip")
    assert [text[0] for text in texts] == ["a", "c"]
    problem = "longer than 1 MiB, so probably no text, or one without line ends."
    assert texts.skipped.first == [f"{path}, line 2: {problem}", f"{path}, line 4: {problem}"]


def test_the_limit_is_generous() -> None:
    assert files.MAX_LINE == 64 * 2**20


@given(st.binary())
def test_lines_are_what_lies_between_line_feeds(data: bytes) -> None:
    assert [*split_lines(BytesIO(data), "a")] == BytesIO(data).readlines()


def test_a_line_is_decoded_by_itself() -> None:
    assert decode(b"\xef\xbb\xbfa\r\n", "a", 1) == "a"
    assert decode(b"\xef\xbb\xbfa\r\n", "a", 2) == "\ufeffa"
    assert decode("表\n".encode("cp932"), "a", 7, "cp932") == "表"
    with pytest.raises(DataError, match=r"^a, line 7: not UTF-8"):
        decode("表\n".encode("cp932"), "a", 7)
    with pytest.raises(ConfigurationError, match=r"there is no 'utf-9'. Did you mean 'utf-8'?"):
        decode(b"a", "a", 1, "utf-9")
    assert check_encoding("SHIFT-JIS") == "shift_jis"


def test_a_pipe_is_read_once_and_then_refused(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.txt"
    os.mkfifo(pipe)
    writer = subprocess.Popen(["bash", "-c", f"echo 夜 > {pipe}"])
    texts = read_texts(pipe)
    assert [*texts] == ["夜"]
    assert writer.wait() == 0
    with pytest.raises(DataError, match="is a pipe, which can be read once only"):
        list(texts)
