"""Files → blocks of whole lines."""

import gzip
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jpseq.corpora import blocks
from jpseq.corpora.blocks import Block, Part, Spool, plan, read_block
from jpseq.errors import DataError


def write(folder: Path, *contents: bytes) -> list[Path]:
    paths = []
    for number, content in enumerate(contents):
        paths.append(folder / f"{number}.txt")
        paths[-1].write_bytes(content)
    return paths


def read(block: Block, spool: Path = Path()) -> list[list[bytes]]:
    return read_block(block, spool)


def test_blocks_are_whole_lines_of_at_least_a_size(tmp_path: Path) -> None:
    (path,) = write(tmp_path, b"ab\nc\n\nde\nf")
    planned = plan([path], 4)
    assert [block.pieces for block in planned.blocks] == [
        ((Part(path, 0, 5, 1),),),
        ((Part(path, 5, 9, 3),),),
        ((Part(path, 9, 10, 5),),),
    ]
    assert [read(block) for block in planned.blocks] == [[[b"ab\nc\n"]], [[b"\nde\n"]], [[b"f"]]]
    assert [block.size for block in planned.blocks] == [5, 4, 1]


def test_the_sources_are_known_by_their_text(tmp_path: Path) -> None:
    (path,) = write(tmp_path, b"abc")
    packed = tmp_path / "a.txt.gz"
    packed.write_bytes(gzip.compress(b"abc"))
    ((source, same),) = [plan([path, packed], 4).sources]
    assert source == same
    assert source.bytes == 3
    # FIPS 180-4's own example
    assert source.sha256.startswith("ba7816bf8f01cfea414140de5dae2223")


def test_small_files_share_a_block_and_keep_their_line_numbers(tmp_path: Path) -> None:
    paths = write(tmp_path, b"a\n", b"", b"b\nc\nd\n", b"e\n")
    planned = plan(paths, 5)
    assert [block.pieces for block in planned.blocks] == [
        ((Part(paths[0], 0, 2, 1),), (Part(paths[2], 0, 4, 1),)),
        ((Part(paths[2], 4, 6, 3),), (Part(paths[3], 0, 2, 1),)),
    ]
    assert [source.bytes for source in planned.sources] == [2, 0, 6, 2]


@given(st.lists(st.binary(max_size=30).map(lambda b: b.replace(b"a", b"\n"))), st.integers(1, 12))
def test_blocks_in_turn_are_the_files(
    tmp_path_factory: pytest.TempPathFactory, contents: list[bytes], size: int
) -> None:
    paths = write(tmp_path_factory.mktemp("blocks"), *contents)
    planned = plan(paths, size)
    again = dict.fromkeys(paths, b"")
    for block in planned.blocks:
        for piece, data in zip(block.pieces, read(block), strict=True):
            (part,), (lines,) = piece, data
            assert part.start == len(again[part.path])
            assert part.line == again[part.path].count(b"\n") + 1
            again[part.path] += lines
            assert lines.endswith(b"\n") or part.end == part.path.stat().st_size
    assert [*again.values()] == contents
    assert all(block.size >= size for block in planned.blocks[:-1])


def test_aligned_files_are_cut_at_the_same_lines(tmp_path: Path) -> None:
    source, target = write(tmp_path, b"a\nb\nc\nd", b"AAAA\n\nCCCCCCCC\nD\n")
    planned = plan([source], 4, [target])
    assert [read(block) for block in planned.blocks] == [
        [[b"a\nb\n", b"AAAA\n\n"]],
        [[b"c\nd", b"CCCCCCCC\nD\n"]],
    ]
    assert planned.blocks[1].pieces == ((Part(source, 4, 7, 3), Part(target, 6, 17, 3)),)


@pytest.mark.parametrize(
    ("source", "target", "short", "line"),
    [(b"a\nb\nc\n", b"A\nB\n", 1, 2), (b"a\n", b"A\nB\n", 0, 1), (b"", b"A", 0, 0)],
)
def test_files_that_are_not_aligned_are_told_before_the_work_begins(
    source: bytes, target: bytes, short: int, line: int, tmp_path: Path
) -> None:
    paths = write(tmp_path, source, target)
    with pytest.raises(DataError) as caught:
        plan(paths[:1], 2, paths[1:])
    assert caught.value.path == paths[short]
    assert caught.value.problem == (
        f"ends after line {line}, and {paths[1 - short]} does not: they are not aligned."
    )


def test_aligned_files_come_in_twos(tmp_path: Path) -> None:
    paths = write(tmp_path, b"a", b"b", b"c")
    with pytest.raises(DataError, match="1 files on the one side and 2 on the other"):
        plan(paths[:1], 2, paths[1:])


def test_a_pipe_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError, match="pipe: is a pipe or a device, which can be read once"):
        plan([tmp_path / "pipe"], 2)


def test_of_a_line_that_is_far_too_long_only_the_head_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "MAX_LINE", 4)
    (path,) = write(tmp_path, b"a\n" + b"b" * 50 + b"\nc\nd\n")
    planned = plan([path], 3)
    assert [read(block) for block in planned.blocks] == [[[b"a\nbbbbbb"]], [[b"c\nd\n"]]]
    assert [block.pieces[0][0].line for block in planned.blocks] == [1, 3]
    assert planned.sources[0].bytes == 57
    with pytest.raises(DataError, match=r"0.txt, line 2: longer than"):
        plan([path], 3, [path])


def test_a_file_that_changes_under_way_is_told(tmp_path: Path) -> None:
    (path,) = write(tmp_path, b"a\nb\n")
    (block,) = plan([path], 10).blocks
    path.write_bytes(b"a\nc\n")
    with pytest.raises(DataError, match=r"0.txt: has changed while it was read"):
        read(block)


def test_a_block_is_known_by_what_it_holds(tmp_path: Path) -> None:
    (path,) = write(tmp_path, b"a\nb\na\nb\n")
    first, second = plan([path], 4).blocks
    assert first.digest != second.digest  # at the head of a file a document begins
    (other,) = write(tmp_path, b"z\nz\na\nb\n")
    assert plan([other], 4).blocks[1].digest == second.digest


@pytest.mark.parametrize("aligned", [False, True])
def test_compressed_files_are_spooled_block_by_block(aligned: bool, tmp_path: Path) -> None:
    text = b"".join(b"%d\n" % number for number in range(1000))
    (plain,) = write(tmp_path, text)
    packed = tmp_path / "a.txt.gz"
    packed.write_bytes(gzip.compress(text))
    files = ([packed], [plain]) if aligned else ([plain, packed, packed], [])
    planned = plan(files[0], 300, files[1])
    folder = tmp_path / "spool"
    folder.mkdir()
    wanted = [
        b"".join(piece[0] for piece in read_block(b, folder))
        for b in plan([plain] * len(files[0]), 300).blocks
    ]
    with Spool(folder) as spool:
        for window in (planned.blocks[:3], planned.blocks[5:]):  # some are finished
            spool.write(window)
            for block in window:
                data = b"".join(piece[0] for piece in read(block, folder))
                assert data == wanted[block.number]
            spool.clear(window)
            assert list(folder.iterdir()) == []
