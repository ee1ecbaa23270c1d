"""Public corpora by name: found, downloaded, turned, kept; and the commands that do it."""

import errno
import hashlib
import io
import json
import re
import tarfile
from pathlib import Path
from typing import Any

import pytest

import jpseq
from jpseq.corpora import catalogue as module
from jpseq.corpora import download, public
from jpseq.corpora.catalogue import Entry, UpstreamFile, catalogue, find_entry
from jpseq.corpora.plain import Plain
from jpseq.corpora.public import get_corpus
from jpseq.corpora.readers import read_pairs
from jpseq.errors import ConfigurationError, DataError
from jpseq.folders import lock


def packed(files: dict[str, str]) -> bytes:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as opened:
        for name, text in files.items():
            header = tarfile.TarInfo(name)
            header.size = len(text.encode())
            opened.addfile(header, io.BytesIO(text.encode()))
    return archive.getvalue()


ARCHIVE = packed({"top/train.en": "rain\nwind\n", "top/train.ja": "雨\n風\n", "top/README": "x"})


@pytest.fixture
def entry(site, tmp_path, monkeypatch) -> dict[str, Any]:
    """What the catalogue says of the one corpus that it has, "rain"; may be changed."""
    monkeypatch.setenv("JPSEQ_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("JPSEQ_CORPORA", raising=False)
    monkeypatch.setattr(download, "WAIT", 0.0)
    site.files["/rain.tar.gz"] = ARCHIVE
    file = {"address": f"{site.address}/rain.tar.gz", "name": "rain.tar.gz"}
    values: dict[str, Any] = {
        "title": "Rain and wind",
        "languages": ["en", "ja"],
        "form": "parallel",
        "size": "2 pairs",
        "homepage": site.address,
        "licence": {"name": "CC0", "read": "nowhere", "verified": False},
        "terms": ["No redistribution."],
        "citation": "us",
        "files": [file | {"sha256": hashlib.sha256(ARCHIVE).hexdigest()}],
        "reader": "aligned",
        "plain": {"train.tsv": ["train.en", "train.ja"]},
    }
    monkeypatch.setattr(module, "catalogue", lambda: {"rain": Entry.check(values)})
    return values


def everything(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


CACHED = ["rain.upstream/lock", "rain.upstream/rain.tar.gz"]
MADE = ["rain/source.json", "rain/train.tsv"]


def test_a_corpus_is_downloaded_turned_and_kept(entry, site, tmp_path):
    notes: list[str] = []
    folder = get_corpus("rain", note=notes.append)
    assert folder == tmp_path / "cache" / "corpora" / "rain"
    assert list(read_pairs(folder)) == [("rain", "雨"), ("wind", "風")]
    assert notes == [
        "Rain and wind, 2 pairs",
        "Licence: CC0",
        "  not read at its source: nowhere",
        "Terms: No redistribution.",
        f"from {site.address}/rain.tar.gz",
        "train.tsv: 2 pairs",
    ]
    assert everything(tmp_path / "cache" / "corpora") == [*CACHED, *MADE]
    said = json.loads((folder / "source.json").read_text("utf-8"))
    assert said["terms"] == ["No redistribution."]
    assert said["files"][0] == {
        "name": "rain.tar.gz",
        "address": f"{site.address}/rain.tar.gz",
        "bytes": len(ARCHIVE),
        "sha256": hashlib.sha256(ARCHIVE).hexdigest(),
    }
    assert jpseq.get_corpus("rain", note=notes.append) == folder
    assert len(notes) == 6
    assert len(site.asked) == 1


def test_the_licence_is_told_before_anything_is_asked_for(entry, site):
    asked: list[int] = []
    get_corpus("rain", note=lambda _: asked.append(len(site.asked)))
    assert asked[:5] == [0] * 5


def test_python_tells_the_licence_on_standard_error(entry, capsys):
    get_corpus("rain")
    assert "Licence: CC0\n" in capsys.readouterr().err


def test_offline_with_the_file_in_the_cache(entry, site, tmp_path):
    get_corpus("rain")
    site.status = 503
    folder = get_corpus("rain", tmp_path / "out")
    assert folder == tmp_path / "out"
    assert everything(folder) == ["source.json", "train.tsv"]
    entry["plain"] = {"other.tsv": ["train.en", "train.ja"]}  # the catalogue of a later version
    assert everything(get_corpus("rain")) == ["other.tsv", "source.json"]
    assert len(site.asked) == 1


def test_plain_form_in_jpseq_corpora_comes_first(entry, site, tmp_path, monkeypatch):
    own = tmp_path / "home" / "rain"
    own.mkdir(parents=True)
    (own / "mine.tsv").write_text("sea\t海\n", "utf-8")
    monkeypatch.setenv("JPSEQ_CORPORA", str(tmp_path / "home"))
    assert get_corpus("rain") == own
    assert everything(get_corpus("rain", tmp_path / "out")) == ["mine.tsv", "source.json"]
    assert (tmp_path / "out" / "mine.tsv").read_bytes() == (own / "mine.tsv").read_bytes()
    assert site.asked == []
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("whole", [True, False])
def test_files_as_published_in_jpseq_corpora(entry, site, tmp_path, monkeypatch, whole):
    own = tmp_path / "home" / "rain"
    own.mkdir(parents=True)
    monkeypatch.setenv("JPSEQ_CORPORA", str(tmp_path / "home"))
    content = ARCHIVE if whole else packed({"train.en": "sea\n", "train.ja": "海\n"})
    (own / "rain.tar.gz").write_bytes(content)
    notes: list[str] = []
    pairs = list(read_pairs(get_corpus("rain", note=notes.append)))
    assert pairs == ([("rain", "雨"), ("wind", "風")] if whole else [("sea", "海")])
    assert any("not the version that the catalogue knows" in note for note in notes) != whole
    assert site.asked == []
    assert everything(tmp_path / "home") == ["rain/rain.tar.gz"]
    (own / "rain.tar.gz").write_bytes(packed({"train.en": "snow, fog\n", "train.ja": "雪、霧\n"}))
    assert list(read_pairs(get_corpus("rain"))) == [("snow, fog", "雪、霧")]


def test_a_licence_is_no_text_to_learn_from(tmp_path):
    entry = find_entry("ldcc")
    for name in ("LICENSE.txt", "README.ja.txt", "mine.txt", "movie-enter.txt", "notes.md"):
        (tmp_path / name).write_text("雨\n", "utf-8")
    found = [file.name for file in public._plain_files(tmp_path, entry)]
    assert found == ["mine.txt", "movie-enter.txt"]


def test_a_folder_in_jpseq_corpora_with_something_else(entry, site, tmp_path, monkeypatch):
    (tmp_path / "home" / "rain").mkdir(parents=True)
    monkeypatch.setenv("JPSEQ_CORPORA", str(tmp_path / "home"))
    notes: list[str] = []
    assert list(read_pairs(get_corpus("rain", note=notes.append)))
    assert notes[0].startswith(f"{tmp_path / 'home' / 'rain'} holds neither")
    assert len(site.asked) == 1


@pytest.mark.parametrize("where", ["pair", "copy"])
def test_an_interrupted_conversion_leaves_no_half_of_it(entry, site, tmp_path, monkeypatch, where):
    if where == "copy":
        entry["reader"] = "as published"

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Plain, where, interrupted)
        with pytest.raises(KeyboardInterrupt):
            get_corpus("rain", tmp_path / "out")
    assert everything(tmp_path / "cache" / "corpora") == CACHED
    assert not (tmp_path / "out").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["cache"]
    assert everything(get_corpus("rain", tmp_path / "out")) == ["source.json", "train.tsv"]
    assert len(site.asked) == 1


def test_what_was_there_stays_when_a_new_conversion_fails(entry, monkeypatch):
    folder = get_corpus("rain")
    before = (folder / "train.tsv").read_bytes()
    entry["plain"] = {"train.tsv": ["train.ja", "train.en"]}

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Plain, "pair", full)
        with pytest.raises(DataError, match="No space left on device; nothing that was there"):
            get_corpus("rain")
    assert (folder / "train.tsv").read_bytes() == before
    assert next(iter(read_pairs(get_corpus("rain")))) == ("雨", "rain")


def test_a_disk_that_is_full_while_unpacking(entry, tmp_path, monkeypatch):
    get_corpus("rain")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(public, "unpack", full)
    with pytest.raises(DataError, match="No space left on device"):
        get_corpus("rain", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_archive_that_climbs_leaves_nothing(entry, site, tmp_path):
    entry["files"][0] |= {"sha256": None, "unchecked": "a test"}
    site.files["/rain.tar.gz"] = packed({"train.en": "a\n", "../../../evil": "x"})
    with pytest.raises(DataError, match=r"leads out of the folder\. Nothing was unpacked"):
        get_corpus("rain")
    assert everything(tmp_path) == [
        *(f"cache/corpora/{name}" for name in CACHED),
        "cache/corpora/rain.upstream/rain.tar.gz.sha256",
    ]


def test_a_page_in_place_of_the_file(entry, site, tmp_path):
    entry["files"][0] |= {"sha256": None, "unchecked": "a test"}
    site.files["/rain.tar.gz"] = b"<html>Come back later</html>"
    notes: list[str] = []
    with pytest.raises(DataError, match=r"rain\.tar\.gz: is damaged, or no archive"):
        get_corpus("rain", note=notes.append)
    assert notes[-1] == f"To download it anew, remove {tmp_path / 'cache/corpora/rain.upstream'}"


def test_a_form_that_changed(entry, site, tmp_path):
    entry["plain"] = {"train.tsv": ["train.en", "train.jp"]}
    with pytest.raises(DataError, match=r"holds no train\.jp: the form of rain changed"):
        get_corpus("rain")
    assert everything(tmp_path / "cache" / "corpora") == CACHED


def test_a_folder_of_somebody_else_is_not_replaced(entry, site, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(DataError, match=r"holds other files \(and no source.json\)"):
        get_corpus("rain", tmp_path)
    assert site.asked == []


def test_what_a_killed_process_left_is_removed(entry, tmp_path):
    left = tmp_path / "cache" / "corpora"
    for name in (".rain-abcd", "rain.upstream/unpacked", ".other-abcd"):
        (left / name).mkdir(parents=True)
        (left / name / "half").write_text("x")
    get_corpus("rain")
    assert everything(left) == [".other-abcd/half", *CACHED, *MADE]


def test_two_processes_do_not_write_one_file(entry, tmp_path):
    held = lock(tmp_path / "cache" / "corpora" / "rain.upstream" / "lock", "")
    with held, pytest.raises(DataError, match="another process is getting this corpus"):
        get_corpus("rain")
    assert get_corpus("rain").is_dir()


def test_the_real_corpora(corpora, tmp_path, monkeypatch):
    monkeypatch.setenv("JPSEQ_CORPORA", str(corpora))
    monkeypatch.setenv("JPSEQ_CACHE", str(tmp_path))
    notes: list[str] = []
    pairs = read_pairs(get_corpus("small_parallel_enja", note=notes.append) / "train.tsv")
    assert sum(1 for _ in pairs) == 50_000
    # Upstream's own bytes: no note that they are another version, and nothing left out.
    assert notes == ["train.tsv: 50,000 pairs", "dev.tsv: 500 pairs", "test.tsv: 500 pairs"]
    for name in ("aozora", "asdc", "ett", "jwsd", "real_persona_chat", "series", "weather"):
        assert get_corpus(name) == corpora / name


# The commands


def test_get_prints_the_folder_alone(entry, run, tmp_path):
    code, out, err = run("corpus", "get", "rain", "-o", tmp_path / "out")
    assert (code, out) == (0, f"{tmp_path / 'out'}\n")
    assert "Terms: No redistribution.\n" in err
    assert run("corpus", "get", "rain", "-o", tmp_path / "out")[1:] == (out, "")


def test_a_misspelt_name(run):
    for command in (("get", "jparacrowl"), ("info", "jparacrowl")):
        code, out, err = run("corpus", *command)
        assert (code, out) == (2, "")
        assert "Did you mean 'jparacrawl'? It has: ami, aozora," in err


def test_a_failed_download_is_one_paragraph(entry, site, run):
    site.status = 404
    code, out, err = run("corpus", "get", "rain")
    assert (code, out) == (1, "")
    assert err.splitlines()[-1].startswith(f"jpseq: {site.address}/rain.tar.gz: the server answers")


def test_ctrl_c(entry, run, monkeypatch):
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Plain, "pair", interrupted)
    code, out, err = run("corpus", "get", "rain")
    assert (code, out) == (130, "")
    assert err.endswith("the same command goes on from there.\n")


def test_list_shows_every_entry_and_what_is_not_verified(run):
    code, out, _ = run("corpus", "list")
    rows = out.splitlines()
    assert code == 0
    assert [row.split()[0] for row in rows] == list(catalogue())
    assert [" ? " in row for row in rows] == [not e.licence.verified for e in catalogue().values()]
    code, out, _ = run("corpus", "list", "--json")
    assert list(json.loads(out)) == list(catalogue())


def test_info_shows_what_is_forbidden(run):
    code, out, _ = run("corpus", "info", "japanese_daily_dialogue")
    assert code == 0
    assert "Terms: No redistribution: it may not be given to others, in any form.\n" in out
    assert "Licence: CC BY-NC-ND 4.0 (https://creativecommons.org/" in out
    for name, entry in catalogue().items():
        out = run("corpus", "info", name)[1]
        assert out.startswith(f"{name}: {entry.title}\n")
        assert all(file.address in out for file in entry.files)
    code, out, _ = run("corpus", "info", "kftt", "--json")
    assert json.loads(out)["licence"]["verified"] is False


# The entries


def test_entries_are_sound():
    for name, entry in catalogue().items():
        assert name.isidentifier()
        assert name == name.lower()
        assert len({file.name for file in entry.files}) == len(entry.files)
        suffix = public._SUFFIX.get(entry.form)
        assert all(suffix is None or output.endswith(suffix) for output in entry.plain), name
        # A catalogue that pins a commit without a checksum would be an oversight, but for archives.
        for file in entry.files:
            if "raw.githubusercontent.com" in file.address:
                assert file.sha256 or file.git, file.address
            # What is kept without a checksum must not stand for another commit.
            if commit := re.search("/([0-9a-f]{40}).tar.gz$", file.address):
                assert commit[1][:7] in file.name


def test_the_recipe_changes_with_what_is_made_and_not_with_what_is_said(entry):
    before = find_entry("rain").recipe
    entry["title"] = "Other words"
    assert find_entry("rain").recipe == before
    entry["plain"] = {"test.tsv": ["train.en", "train.ja"]}
    assert find_entry("rain").recipe != before


@pytest.mark.parametrize(
    "values",
    [
        {"address": "https://a.example/a", "name": "a"},
        {"address": "https://a.example/a", "name": "a", "sha256": "0" * 64, "unchecked": "why"},
        {"address": "https://a.example/a", "name": "a", "sha256": "0" * 63},
        {"address": "https://a.example/a", "name": "../a", "sha256": "0" * 64},
        {"address": "ftp://a.example/a", "name": "a", "sha256": "0" * 64},
        {"address": "https://a.example/a", "name": "a", "sha512": "0" * 128},
    ],
)
def test_a_file_without_checksum_or_reason_is_no_entry(values):
    with pytest.raises(ConfigurationError):
        UpstreamFile.check(values)
