"""Archives: what leads out, what is no file, and what is too large is refused, all of it."""

import bz2
import io
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jpseq.corpora import unpacking
from jpseq.corpora.unpacking import open_packed, unpack
from jpseq.errors import DataError


def tar(path: Path, members: dict[str, bytes], **changes: object) -> Path:
    """A tar file; `changes` are made to the header of each member."""
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members.items():
            header = tarfile.TarInfo(name)
            header.size = len(content)
            for key, value in changes.items():
                setattr(header, key, value)
            archive.addfile(header, io.BytesIO(content))
    return path


def zipped(path: Path, members: dict[str, bytes], mode: int = 0) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            header = zipfile.ZipInfo()  # its constructor would tidy the name
            header.filename = name
            header.external_attr = mode << 16
            archive.writestr(header, content, zipfile.ZIP_DEFLATED)
    return path


MAKERS = {"a.tar.gz": tar, "a.zip": zipped}


@pytest.fixture(params=MAKERS)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


def refuse(archive: Path, tmp_path: Path, message: str, unpacked: int | None = None) -> None:
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(DataError, match=message) as error:
        unpack(archive, tmp_path / "out", unpacked)
    assert error.value.path == archive
    assert sorted(tmp_path.rglob("*")) == before


def test_files_and_folders_come_out(tmp_path, kind):
    members = {"top/a.txt": "雨".encode(), "top/deep/er/b": b"", "top/..c": b"x"}
    unpack(MAKERS[kind](tmp_path / kind, members), tmp_path / "out")
    found = {p.relative_to(tmp_path / "out").as_posix(): p for p in (tmp_path / "out").rglob("*")}
    assert {name: p.read_bytes() for name, p in found.items() if p.is_file()} == members


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("../evil", "leads out of the folder"),
        ("a/../../evil", "leads out of the folder"),
        ("a\\..\\..\\evil", "leads out of the folder"),
        ("/etc/evil", "an absolute path"),
        ("\\evil", "an absolute path"),
        ("C:/evil", "an absolute path"),
        ("c:evil", "an absolute path"),
    ],
)
def test_paths_that_lead_out(tmp_path, kind, name, message):
    refuse(MAKERS[kind](tmp_path / kind, {"good": b"x", name: b"x"}), tmp_path, message)


@pytest.mark.parametrize(
    ("type_", "what"),
    [
        (tarfile.SYMTYPE, "a link"),
        (tarfile.LNKTYPE, "a link"),
        (tarfile.CHRTYPE, "a device"),
        (tarfile.FIFOTYPE, "a device"),
    ],
)
def test_links_and_devices_in_tar(tmp_path, type_, what):
    archive = tar(tmp_path / "a.tar.gz", {"good": b""}, type=type_, linkname="/etc/passwd")
    refuse(archive, tmp_path, f"'good' is {what}")


def test_links_and_devices_in_zip(tmp_path):
    archive = zipped(tmp_path / "a.zip", {"link": b"/etc/passwd"}, stat.S_IFLNK | 0o777)
    refuse(archive, tmp_path, "'link' is a link")
    archive = zipped(tmp_path / "a.zip", {"pipe": b""}, stat.S_IFIFO | 0o777)
    refuse(archive, tmp_path, "'pipe' is a device")


def test_a_link_with_a_file_behind_it(tmp_path):
    # The second member would be written through the first.
    path = tmp_path / "a.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        link = tarfile.TarInfo("a")
        link.type, link.linkname = tarfile.SYMTYPE, str(tmp_path)
        archive.addfile(link)
        behind = tarfile.TarInfo("a/evil")
        archive.addfile(behind, io.BytesIO())
    refuse(path, tmp_path, "'a' is a link")


def test_a_bomb_is_stopped_by_its_ratio(tmp_path, kind, monkeypatch):
    monkeypatch.setattr(unpacking, "ALLOWANCE", 0)
    archive = MAKERS[kind](tmp_path / kind, {"zeros": bytes(3_000_000)})
    assert archive.stat().st_size * unpacking.RATIO < 3_000_000
    refuse(archive, tmp_path, "probably made to fill the disk")


def test_a_bomb_is_stopped_by_what_was_declared(tmp_path, kind):
    archive = MAKERS[kind](tmp_path / kind, {"a": b"x" * 600, "b": b"x" * 500})
    refuse(archive, tmp_path, "more than 1,000 bytes", 500)
    unpack(archive, tmp_path / "out", 550)


def test_too_many_files(tmp_path, kind, monkeypatch):
    monkeypatch.setattr(unpacking, "MOST", 3)
    archive = MAKERS[kind](tmp_path / kind, dict.fromkeys("abcd", b""))
    refuse(archive, tmp_path, "more than 3 files")


def test_a_file_twice(tmp_path):
    path = tmp_path / "a.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for _ in range(2):
            archive.addfile(tarfile.TarInfo("a"), io.BytesIO())
    refuse(path, tmp_path, "'a' is there twice")


def test_a_file_that_is_a_folder_to_others(tmp_path, kind):
    refuse(MAKERS[kind](tmp_path / kind, {"a": b"", "a/b": b""}), tmp_path, "there twice")


@pytest.mark.parametrize("length", [0, 10, 60, 100])
def test_cut_off(tmp_path, kind, length):
    whole = MAKERS[kind](tmp_path / kind, {"a": bytes(range(256)) * 40}).read_bytes()
    (tmp_path / kind).write_bytes(whole[:length])
    refuse(tmp_path / kind, tmp_path, "is damaged, or no archive")


def test_a_page_that_is_no_archive(tmp_path, kind):
    (tmp_path / kind).write_text("<html>not here any more</html>")
    refuse(tmp_path / kind, tmp_path, "is damaged, or no archive")


def test_an_encrypted_zip(tmp_path):
    archive = zipped(tmp_path / "a.zip", {"a": b"secret"})
    content = bytearray(archive.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    archive.write_bytes(content)
    refuse(archive, tmp_path, "'a' is encrypted")


@given(st.text("aB.:/\\\0 雨", max_size=12))
def test_whatever_a_member_is_called_it_stays_inside(name):
    try:
        inside = unpacking._inside(name, Path("a.zip"))
    except DataError:
        return
    root = Path("/root/of/all")
    assert (root / inside).parts[:4] == root.parts
    assert ".." not in inside.parts


def test_a_compressed_file_that_is_a_bomb(tmp_path, monkeypatch):
    path = tmp_path / "a.bz2"
    path.write_bytes(bz2.compress(bytes(10_000_000)))
    monkeypatch.setattr(unpacking, "ALLOWANCE", 1000)
    with open_packed(path) as file, pytest.raises(DataError, match="fill the disk"):
        file.read()


def test_a_compressed_file_that_is_cut_off(tmp_path):
    path = tmp_path / "a.bz2"
    path.write_bytes(bz2.compress("雨の日".encode())[:-5])
    with open_packed(path) as file, pytest.raises(DataError, match="is cut off"):
        file.read()
