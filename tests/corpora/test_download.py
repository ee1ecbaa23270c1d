"""Downloads: resumed, verified, never half there."""

import errno
import gzip
import hashlib
import random
import subprocess
from pathlib import Path
from typing import Any

import pytest

from jpseq.corpora import download as module
from jpseq.corpora.catalogue import UpstreamFile
from jpseq.corpora.download import download
from jpseq.errors import DataError

CONTENT = bytes(range(256)) * 2000  # 512,000 bytes: eight pieces
PIECE = module.PIECE


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAIT", 0.0)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def nothing(what: str, done: int, total: int | None) -> None:
    pass


def upstream(site: Any, **checksum: str) -> UpstreamFile:
    checksum = checksum or {"unchecked": "it changes"}
    site.files.setdefault("/a", CONTENT)
    return UpstreamFile.check({"address": f"{site.address}/a", "name": "a", **checksum})


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_what_came_is_there_once_and_progress_is_told(site, tmp_path):
    told = []
    file = upstream(site, sha256=sha256(CONTENT))
    for _ in range(2):
        path = download(file, tmp_path, lambda *done: told.append(done))
        assert path == tmp_path / "a"
        assert path.read_bytes() == CONTENT
    assert names(tmp_path) == ["a"]
    assert site.asked == [("/a", None)]
    assert told[-1] == ("a", len(CONTENT), len(CONTENT))
    assert [done for _, done, _ in told] == sorted({done for _, done, _ in told})


def test_a_wrong_checksum_leaves_nothing(site, tmp_path):
    with pytest.raises(DataError, match=f"not what the catalogue knows.*{sha256(CONTENT)}"):
        download(upstream(site, sha256="0" * 64), tmp_path, nothing)
    assert names(tmp_path) == []


def test_gits_id_is_a_checksum(site, tmp_path):
    (tmp_path / "there").write_bytes(CONTENT)
    command = ["git", "hash-object", "--no-filters", str(tmp_path / "there")]
    known = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    download(upstream(site, git=known), tmp_path / "right", nothing)
    with pytest.raises(DataError, match=f"git's id is {known}, not {'0' * 40}"):
        download(upstream(site, git="0" * 40), tmp_path / "wrong", nothing)
    assert names(tmp_path / "wrong") == []


def test_the_checksum_found_first_is_remembered(site, tmp_path):
    file = upstream(site)
    download(file, tmp_path, nothing)
    assert (tmp_path / "a.sha256").read_text() == f"{sha256(CONTENT)}  a\n"
    (tmp_path / "a").write_bytes(b"damaged")
    assert download(file, tmp_path, nothing).read_bytes() == CONTENT
    (tmp_path / "a").unlink()
    site.files["/a"] = b"another"
    with pytest.raises(DataError, match=r"not what came the first time.*remove .*a\.sha256"):
        download(file, tmp_path, nothing)
    assert names(tmp_path) == ["a.sha256"]
    (tmp_path / "a.sha256").unlink()
    assert download(file, tmp_path, nothing).read_bytes() == b"another"


def test_a_cut_connection_is_taken_up_where_it_broke(site, tmp_path):
    site.cuts = [200_000, 0, 100_000]
    path = download(upstream(site, sha256=sha256(CONTENT)), tmp_path, nothing)
    assert path.read_bytes() == CONTENT
    ranges = [asked for _, asked in site.asked]
    assert ranges == [None, "bytes=200000-", "bytes=200000-", "bytes=300000-"]


def test_what_has_come_is_kept_for_the_next_time(site, tmp_path):
    file = upstream(site, sha256=sha256(CONTENT))
    site.cuts = [200_000, *[0] * module.TRIES]
    with pytest.raises(DataError, match="200,000 bytes that have come are kept"):
        download(file, tmp_path, nothing)
    assert names(tmp_path) == ["a.part", "a.part.json"]
    assert len(site.asked) == module.TRIES
    site.cuts.clear()
    assert download(file, tmp_path, nothing).read_bytes() == CONTENT
    assert site.asked[-1] == ("/a", "bytes=200000-")
    assert names(tmp_path) == ["a"]


@pytest.mark.parametrize("etag", [None, 'W/"weak"'])
def test_without_a_mark_of_the_state_it_begins_anew(site, tmp_path, etag):
    site.etag = etag
    site.cuts = [200_000]
    assert download(upstream(site), tmp_path, nothing).read_bytes() == CONTENT
    assert site.asked == [("/a", None)] * 2


def test_a_compressed_file_is_kept_as_it_is_whatever_the_server_calls_it(site, tmp_path):
    site.headers = {"Content-Encoding": "x-gzip"}
    site.files["/a"] = packed = gzip.compress(random.Random(0).randbytes(300_000))
    site.cuts = [200_000]
    path = download(upstream(site, sha256=sha256(packed)), tmp_path, nothing)
    assert path.read_bytes() == packed
    assert site.asked[-1] == ("/a", "bytes=200000-")


def test_a_server_without_ranges_sends_all_again(site, tmp_path):
    site.ranges = False
    site.cuts = [200_000]
    path = download(upstream(site, sha256=sha256(CONTENT)), tmp_path, nothing)
    assert path.read_bytes() == CONTENT
    assert site.asked == [("/a", None), ("/a", "bytes=200000-")]


def test_a_file_that_changed_meanwhile_is_not_put_together(site, tmp_path):
    file = upstream(site)
    site.cuts = [200_000, *[0] * module.TRIES]
    with pytest.raises(DataError):
        download(file, tmp_path, nothing)
    site.cuts.clear()
    site.files["/a"], site.etag = CONTENT[::-1], '"two"'
    assert download(file, tmp_path, nothing).read_bytes() == CONTENT[::-1]


def test_a_file_that_was_complete_when_the_process_ended_is_taken(site, tmp_path):
    file = upstream(site, sha256=sha256(CONTENT))
    (tmp_path / "a.part").write_bytes(CONTENT)
    note = f'{{"address": "{file.address}", "mark": {chr(34)}\\"one\\"{chr(34)}}}'
    (tmp_path / "a.part.json").write_text(note)
    assert download(file, tmp_path, nothing).read_bytes() == CONTENT
    assert names(tmp_path) == ["a"]
    assert len(site.asked) == 1


def test_a_part_longer_than_the_file_is_thrown_away(site, tmp_path):
    file = upstream(site, sha256=sha256(CONTENT))
    (tmp_path / "a.part").write_bytes(CONTENT + b"more")
    note = f'{{"address": "{file.address}", "mark": {chr(34)}\\"one\\"{chr(34)}}}'
    (tmp_path / "a.part.json").write_text(note)
    assert download(file, tmp_path, nothing).read_bytes() == CONTENT


@pytest.mark.parametrize("status", [403, 404, 503])
def test_what_the_server_refuses_is_said_with_a_way_out(site, tmp_path, status):
    site.status = status
    with pytest.raises(DataError, match=rf"/a: the server answers {status}.*JPSEQ_CORPORA"):
        download(upstream(site), tmp_path, nothing)
    assert names(tmp_path) == []


def test_nobody_at_the_address(tmp_path, site):
    address = "http://127.0.0.1:9/a"  # the port that discards; nothing listens there
    file = UpstreamFile.check({"address": address, "name": "a", "unchecked": "it changes"})
    with pytest.raises(DataError, match=r"9/a: cannot be downloaded \(.*refused"):
        download(file, tmp_path, nothing)


def test_a_full_disk(site, tmp_path, monkeypatch):
    file = upstream(site, sha256=sha256(CONTENT))
    opened = Path.open

    def full(path: Path, mode: str = "r", **options: Any) -> Any:
        stream = opened(path, mode, **options)
        if path.name != "a.part" or mode != "ab":
            return stream

        class Full:
            written = 0

            def __enter__(self):
                return self

            def __exit__(self, *_):
                stream.close()

            def write(self, piece):
                if self.written:
                    raise OSError(errno.ENOSPC, "No space left on device")
                self.written = stream.write(piece)

        return Full()

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", full)
        with pytest.raises(DataError, match=r"No space left on device.*free some space"):
            download(file, tmp_path, nothing)
    assert names(tmp_path) == ["a.part", "a.part.json"]
    assert download(file, tmp_path, nothing).read_bytes() == CONTENT
    assert site.asked[-1] == ("/a", f"bytes={PIECE}-")


def test_ctrl_c_keeps_what_has_come(site, tmp_path):
    file = upstream(site, sha256=sha256(CONTENT))

    def interrupted(what: str, done: int, total: int | None) -> None:
        if done > 200_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download(file, tmp_path, interrupted)
    assert download(file, tmp_path, nothing).read_bytes() == CONTENT
    assert site.asked[-1] == ("/a", f"bytes={4 * PIECE}-")
    assert names(tmp_path) == ["a"]
