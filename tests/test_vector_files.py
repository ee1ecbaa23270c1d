"""Files of word vectors: every form there and back, against gensim, and spoilt in every way."""

import gzip
import json
import os
import pickle
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from gensim.models import KeyedVectors
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_array_equal
from safetensors.numpy import load_file, save_file

from jpseq.errors import ConfigurationError, DataError, ModelError
from jpseq.model import Model
from jpseq.vectors import Embeddings

WORDS = ["の", "夜", "空", "銀河鉄道"]
ROWS = np.array([[0.1, -2], [3e-8, 4], [5, 1e9], [-1, 1 / 3]], np.float32)
FORMS = {"folder": "a", "text": "a.txt", "binary": "a.bin", "safetensors": "a.safetensors"}
TEXT = b"2 2\n\xe5\xa4\x9c 1 2\n\xe7\xa9\xba 3 4\n"  # 夜 1 2, 空 3 4


@pytest.fixture
def embeddings() -> Embeddings:
    return Embeddings(WORDS, ROWS)


def same(a: Embeddings, b: Embeddings) -> None:
    assert a.words == b.words
    assert_array_equal(a.vectors, b.vectors, strict=True)


def refused(path: Path, content: bytes, **options: Any) -> str:
    """What is said of a file with this content, without the path at its start."""
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        Embeddings.load(path, **options)
    assert str(caught.value).startswith(str(path))
    return str(caught.value).removeprefix(str(path))


# There and back


@pytest.mark.parametrize("name", [*FORMS.values(), "a.vec"])
def test_every_form_gives_the_same_back(name: str, embeddings: Embeddings, tmp_path: Path) -> None:
    embeddings.export(tmp_path / "deep" / name)
    same(Embeddings.load(tmp_path / "deep" / name), embeddings)
    first = Embeddings.load(tmp_path / "deep" / name, limit=2)
    same(first, Embeddings(WORDS[:2], ROWS[:2]))
    same(Embeddings.load(tmp_path / "deep" / name, limit=99), embeddings)
    assert [path.name for path in (tmp_path / "deep").iterdir()] == [name]


words = st.text(
    st.characters(exclude_categories=("Cs",), exclude_characters=" \t\n\r\v\f"), min_size=1
)
values = arrays(np.float32, (3, 2), elements=st.floats(-(2.0**99), 2.0**99, width=32))


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=25)
@given(chosen=st.lists(words, min_size=3, max_size=3, unique=True), rows=values)
def test_any_words_and_values_come_back(
    form: str, chosen: list[str], rows: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / FORMS[form]
    embeddings = Embeddings(chosen, rows)
    embeddings.export(path)
    same(Embeddings.load(path), embeddings)


def test_a_folder_is_mapped_into_memory(embeddings: Embeddings, tmp_path: Path) -> None:
    embeddings.save(tmp_path / "a")
    loaded = Embeddings.load(tmp_path / "a", limit=3)
    assert isinstance(loaded.vectors, np.memmap)
    assert loaded.similar("夜") == Embeddings(WORDS[:3], ROWS[:3]).similar("夜")
    loaded.save(tmp_path / "a")  # in the place it is read from
    same(Embeddings.load(tmp_path / "a"), Embeddings(WORDS[:3], ROWS[:3]))


def test_a_form_can_be_named_where_the_suffix_says_nothing(
    embeddings: Embeddings, tmp_path: Path
) -> None:
    for form in ("text", "binary", "safetensors"):
        embeddings.export(tmp_path / "a.dat", form)  # type: ignore[arg-type]
        same(Embeddings.load(tmp_path / "a.dat", form=form), embeddings)  # type: ignore[arg-type]
    embeddings.export(tmp_path / "v1.2", "folder")
    same(Embeddings.load(tmp_path / "v1.2"), embeddings)


def test_forms_that_do_not_exist(embeddings: Embeddings, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"suffix '\.dat' tells no form.*safetensors"):
        embeddings.export(tmp_path / "a.dat")
    with pytest.raises(ConfigurationError, match=r"no form 'txt'.*mean 'text'.*Forms: folder,"):
        embeddings.export(tmp_path / "a.dat", "txt")  # type: ignore[arg-type]
    (tmp_path / "a.dat").write_bytes(TEXT)
    with pytest.raises(ConfigurationError, match=r"a\.dat: the suffix '\.dat' tells no form"):
        Embeddings.load(tmp_path / "a.dat")
    with pytest.raises(ConfigurationError, match="limit is at least 1, got 0"):
        Embeddings.load(tmp_path / "a.dat", limit=0)


@pytest.mark.parametrize("name", ["a.vec", "a.bin"])
def test_compressed_files_are_read(name: str, embeddings: Embeddings, tmp_path: Path) -> None:
    embeddings.export(tmp_path / name)
    packed = gzip.compress((tmp_path / name).read_bytes())
    (tmp_path / f"{name}.gz").write_bytes(packed)
    same(Embeddings.load(tmp_path / f"{name}.gz"), embeddings)
    for damaged in (packed[:-12], packed[:30] + b"\0\0\0" + packed[33:]):
        assert "damaged gzip file" in refused(tmp_path / f"{name}.gz", damaged)


def test_a_pipe_is_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    writer = os.open(tmp_path / "pipe", os.O_RDWR)  # opened for both, so that nobody waits
    os.write(writer, TEXT)
    loaded = Embeddings.load(tmp_path / "pipe", limit=1, form="text")
    os.close(writer)
    same(loaded, Embeddings(["夜"], [[1, 2]]))


# gensim reads ours, and we read gensim's


@pytest.mark.parametrize("binary", [False, True])
def test_word2vec_files_are_those_of_gensim(
    binary: bool, embeddings: Embeddings, tmp_path: Path
) -> None:
    ours, theirs = ((tmp_path / name).with_suffix(".bin" if binary else ".txt") for name in "ab")
    embeddings.export(ours)
    keyed = KeyedVectors.load_word2vec_format(str(ours), binary=binary)
    same(Embeddings.from_gensim(keyed), embeddings)
    keyed.save_word2vec_format(str(theirs), binary=binary)
    same(Embeddings.load(theirs), embeddings)


def test_gensim_loads_the_pickle_that_we_do_not(embeddings: Embeddings, tmp_path: Path) -> None:
    embeddings.export(tmp_path / "a.kv")
    assert [path.name for path in tmp_path.iterdir()] == ["a.kv"]
    same(Embeddings.from_gensim(KeyedVectors.load(str(tmp_path / "a.kv"))), embeddings)
    for name in ("a.kv", "a.bin", "a.txt"):
        content = (tmp_path / "a.kv").read_bytes()
        assert "Embeddings.from_gensim(KeyedVectors.load(path))" in refused(
            tmp_path / name, content
        )


def test_safetensors_hold_what_the_table_says(embeddings: Embeddings, tmp_path: Path) -> None:
    embeddings.export(tmp_path / "a.safetensors")
    tensors = load_file(tmp_path / "a.safetensors")
    assert_array_equal(tensors["vectors"], ROWS, strict=True)
    assert tensors["words"].tobytes().decode() == "".join(WORDS)
    assert tensors["offsets"].tolist() == [0, 3, 6, 9, 21]


# Text


def test_text_as_others_write_it(tmp_path: Path) -> None:
    # fastText ends lines with a space, Windows with \r\n; a word may hold spaces; more blank lines.
    path = tmp_path / "a.vec"
    path.write_bytes("3 2\r\nNew York 1 2 \n全\u3000角 3 -4e-1\r\n<s> +5 .5\n\n \n".encode())
    same(
        Embeddings.load(path),
        Embeddings(["New York", "全\u3000角", "<s>"], [[1, 2], [3, -0.4], [5, 0.5]]),
    )


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", ", line 1: is empty."),
        ("夜 1 2\n".encode(), ", line 1: the first line is to say how many words"),
        (b"2\n", ", line 1: the first line is to say"),
        (b"2 0\n", ", line 1: the first line is to say"),
        (b"0 2\n", ", line 1: the first line is to say"),
        (b"-1 2\n", ", line 1: the first line is to say"),
        (b"2 " + b"9" * 30, ", line 1: the first line is to say"),
        (b"\xba\x16\x4f\x2f\x0c\0\0\0", ", line 1: fastText's own binary model; read the .vec"),
        (
            b"9 2\n" + b"x 1 2\n",
            ", line 1: promises 9 words of 2 dimensions, at least 54 bytes, but",
        ),
        (b"3 2\n" + "夜 1.0000 2.0\n空 3.0 4.0\n".encode(), ", line 4: ends after 2 words, where"),
        (TEXT[:-1], ", line 3: ends in the middle of a line, where the first line promises 2"),
        (TEXT + "山 5 6\n".encode(), ", line 4: holds more words than the 2 that its first"),
        (TEXT.replace(b" 4", b""), ", line 3: 1 values, where the first line promises 2."),
        (TEXT.replace(b"4", b"four"), ", line 3: 'four' is no number; a line is a word and 2"),
        (TEXT.replace(b"4", b"\xff"), ", line 3: '\ufffd' is no number"),
        (TEXT.replace(b" 4", b"  4"), ", line 3: '' is no number"),
        (TEXT.replace(b"4", b"nan"), ", line 3: a value of '空' is not finite."),
        (TEXT.replace(b"4", b"-inf"), ", line 3: a value of '空' is not finite."),
        (TEXT.replace(b"4", b"1e99"), ", line 3: a value of '空' is not finite."),
        (
            TEXT.replace(b"4", b"3e38"),
            ": the vector of '空' holds a value that is not finite, or hu",
        ),
        (
            TEXT.replace(b"\xe7\xa9\xba", b"\xe5\xa4\x9c"),
            ", line 3: the word '夜' stands in line 2",
        ),
        (
            TEXT.replace(b"\xe7\xa9\xba", b"\xe7\xa9"),
            ", line 3: the word is not UTF-8 (byte 0xe7).",
        ),
        (TEXT.replace(b"\xe7\xa9\xba", b""), ", line 3: there is no word before the values."),
    ],
)
def test_spoilt_text_names_its_line(content: bytes, problem: str, tmp_path: Path) -> None:
    assert refused(tmp_path / "a.txt", content).startswith(problem)


def test_what_lies_beyond_the_limit_is_not_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(TEXT.replace(b"2 2", b"900 2") + b"\xff\xff")
    same(Embeddings.load(path, limit=2), Embeddings(["夜", "空"], [[1, 2], [3, 4]]))


def test_a_promise_beyond_the_memory_is_told(tmp_path: Path) -> None:
    packed = gzip.compress(b"99999999999999 99999\n" + TEXT)
    assert "do not fit into the memory. limit reads" in refused(tmp_path / "a.txt.gz", packed)


# Binary


def binary(header: str, *rows: tuple[str, list[float]], end: bytes = b"") -> bytes:
    packed = [w.encode() + b" " + np.array(v, "<f4").tobytes() + end for w, v in rows]
    return header.encode() + b"\n" + b"".join(packed)


NIGHT, SKY = ("夜", [1.0, 2.0]), ("空", [3.0, 4.0])


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_binary_with_and_without_line_ends(end: bytes, tmp_path: Path) -> None:
    # A vector's own bytes may look like spaces and line ends.
    strange = np.frombuffer(b"  \n  \n\n ", "<f4").tolist()
    path = tmp_path / "a.bin"
    path.write_bytes(binary("3 2", NIGHT, ("空", strange), ("\u3000", [5, 6]), end=end))
    same(Embeddings.load(path), Embeddings(["夜", "空", "\u3000"], [[1, 2], strange, [5, 6]]))


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", ", line 1: is empty."),
        (
            binary("9 2", NIGHT, SKY),
            ", line 1: promises 9 words of 2 dimensions, at least 90 bytes",
        ),
        (binary("2 2", NIGHT, SKY)[:-1], ": ends within word 2, where the first line promises 2."),
        (binary("2 2", NIGHT, SKY) + b"x", ": holds more words than the 2 that its first line"),
        (binary("2 2", NIGHT, NIGHT), ": words 1 and 2 are both '夜'."),
        (binary("2 2", NIGHT, ("", [1, 2]), end=b"\n") + b" ", ": word 2 is empty."),
        (binary("2 2", NIGHT, ("空", [1, np.nan])), ": a value of word 2, '空', is not finite."),
        (binary("1 2", NIGHT).replace(b"\x9c", b"\xff"), ": word 1 is not UTF-8."),
        (TEXT, ": is word2vec's text form, not the binary one. Choose the form text."),
        (b"1 2\n" + b"x" * 3_000_000, ": word 1 has no end."),
    ],
)
def test_spoilt_binary_names_its_word(content: bytes, problem: str, tmp_path: Path) -> None:
    assert refused(tmp_path / "a.bin", content).startswith(problem)


def test_words_and_vectors_across_the_borders_of_what_is_read_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jpseq.word2vec_format._CHUNK", 7)
    embeddings = Embeddings(WORDS, ROWS)
    embeddings.export(tmp_path / "a.bin")
    same(Embeddings.load(tmp_path / "a.bin"), embeddings)


def test_binary_read_as_text_is_told(embeddings: Embeddings, tmp_path: Path) -> None:
    embeddings.export(tmp_path / "a.bin")
    assert ", line 2: " in refused(tmp_path / "a.txt", (tmp_path / "a.bin").read_bytes())


# Folders and safetensors


def edit(folder: Path, **values: object) -> None:
    path = folder / "embeddings.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | values), "utf-8")


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"format": "?"}, r"embeddings.json: holds no embeddings"),
        ({"version": 2}, r"embeddings.json: embeddings of format 2; this jpseq reads 1"),
        ({"words": "夜"}, r"embeddings.json: damaged: no list of words"),
        ({"words": ["夜"]}, r"vectors.npy: float32 \(4, 2\), where .* 1 words and 2 dimensions"),
        ({"dim": 3}, r"vectors.npy: float32 \(4, 2\), where .* 4 words and 3 dimensions"),
        ({"words": [1, 2, 3, 4]}, r"embeddings.json: word 0 is 1, a int"),
        ({"words": ["夜"] * 4}, r"embeddings.json: the word '夜' stands there twice"),
    ],
)
def test_a_description_that_does_not_fit(
    values: dict[str, object], problem: str, embeddings: Embeddings, tmp_path: Path
) -> None:
    embeddings.save(tmp_path / "a")
    edit(tmp_path / "a", **values)
    with pytest.raises(DataError, match=problem):
        Embeddings.load(tmp_path / "a")


def test_a_damaged_folder_is_told(embeddings: Embeddings, tmp_path: Path) -> None:
    place = tmp_path / "a" / "vectors.npy"
    embeddings.save(tmp_path / "a")
    whole = place.read_bytes()
    for content in (whole[:-4], whole[:40], b"", b"PK\3\4", pickle.dumps([1])):
        place.write_bytes(content)
        with pytest.raises(DataError, match=r"vectors\.npy: cannot be read .*embed export"):
            Embeddings.load(tmp_path / "a")
    place.unlink()
    with pytest.raises(DataError, match=r"vectors\.npy: cannot be read \(No such file"):
        Embeddings.load(tmp_path / "a")
    (tmp_path / "a" / "embeddings.json").write_text("{")
    with pytest.raises(DataError, match=r"embeddings\.json: damaged \(Expecting"):
        Embeddings.load(tmp_path / "a")


def test_values_that_are_not_finite_are_found_when_they_are_used(
    embeddings: Embeddings, tmp_path: Path
) -> None:
    embeddings.save(tmp_path / "a")
    rows = ROWS.copy()
    rows[2, 1] = np.nan
    np.save(tmp_path / "a" / "vectors.npy", rows)
    loaded = Embeddings.load(tmp_path / "a")
    assert_array_equal(loaded["夜"], ROWS[1])
    with pytest.raises(DataError, match="a vector looked up holds values that are not finite"):
        loaded["空"]
    with pytest.raises(DataError, match="the vector of '空' holds a value that is not finite"):
        loaded.similar("夜")


def test_folders_and_files_that_are_none(embeddings: Embeddings, tmp_path: Path) -> None:
    embeddings.export(tmp_path / "night.txt")
    with pytest.raises(DataError, match=r"no such file or folder\. Did you mean 'night\.txt'\?"):
        Embeddings.load(tmp_path / "nigth.txt")
    with pytest.raises(DataError, match=r"no such file or folder\. There is no folder .*none eith"):
        Embeddings.load(tmp_path / "none" / "a")
    with pytest.raises(DataError, match=r"holds neither embeddings\.json nor model\.json"):
        Embeddings.load(tmp_path)
    assert "is no folder" in refused(tmp_path / "plain", TEXT)
    (tmp_path / "model.json").write_text("{}")
    with pytest.raises(ModelError, match="not a jpseq model"):
        Embeddings.load(tmp_path)


def test_a_models_folder_gives_its_word_vectors(
    embeddings: Embeddings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "model.json").write_text("{}")
    model = SimpleNamespace(embeddings=embeddings)
    monkeypatch.setattr(Model, "load", lambda folder: model)
    assert Embeddings.load(tmp_path) is embeddings
    same(Embeddings.load(tmp_path, limit=2), Embeddings(WORDS[:2], ROWS[:2]))
    del model.embeddings
    with pytest.raises(DataError, match=r"which has no word vectors\. `jpseq embed train` makes"):
        Embeddings.load(tmp_path)


def test_foreign_and_damaged_safetensors(embeddings: Embeddings, tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_file({"weights": ROWS}, path)
    assert "not a file of word vectors" in refused(path, path.read_bytes())
    embeddings.export(path)
    assert "cannot be read" in refused(path, path.read_bytes()[:-1])
    assert "cannot be read" in refused(path, b"")
    embeddings.export(path)
    good = load_file(path)
    for spoilt, problem in [
        ({"offsets": good["offsets"][::-1].copy()}, "offsets do not fit"),
        ({"offsets": good["offsets"] + 1}, "offsets do not fit"),
        ({"offsets": good["offsets"].astype(np.float32)}, "offsets do not fit"),
        ({"words": good["words"][::-1].copy()}, "words are not UTF-8"),
        ({"vectors": ROWS[:3]}, "4 words, but 3 vectors"),
        ({"vectors": np.full_like(ROWS, np.nan)}, "the vector of 'の' holds a value that is not"),
    ]:
        save_file(good | spoilt, path, {"format": "jpseq embeddings", "version": "1"})
        assert problem in refused(path, path.read_bytes())


@pytest.mark.parametrize("place", ["a.txt", "a.bin", "a.safetensors", "a/vectors.npy"])
@settings(max_examples=40)
@given(at=st.floats(0, 1), cut=st.integers(0, 9), put=st.binary(max_size=4))
def test_whatever_is_spoilt_is_told_and_never_crashes(
    place: str, at: float, cut: int, put: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / place
    whole = path if path.suffix != ".npy" else path.parent
    Embeddings(WORDS, ROWS).export(whole)
    content = path.read_bytes()
    start = int(at * len(content))
    path.write_bytes(content[:start] + put + content[start + cut :])
    try:
        loaded = Embeddings.load(whole)
        found = loaded.similar([1, 1])
    except DataError:
        return
    assert loaded.vectors.shape == (len(loaded), 2)
    assert all(np.isfinite(cosine) for _, cosine in found)


# Written whole or not at all


@pytest.mark.parametrize("word", ["New York", "", "\t", "夜\n", "\ud800"])
@pytest.mark.parametrize("name", ["a.txt", "a.bin"])
def test_words_that_word2vec_cannot_hold(name: str, word: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("before")
    embeddings = Embeddings(["夜", word], [[1.0], [2.0]])
    with pytest.raises(DataError, match=r"white space|is empty|cannot be written in UTF-8"):
        embeddings.export(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "before"


def test_other_forms_hold_any_word_but_half_a_surrogate_pair(tmp_path: Path) -> None:
    embeddings = Embeddings(["New York", "", "\n"], [[1.0], [2.0], [3.0]])
    for name in ("a", "a.safetensors"):
        embeddings.export(tmp_path / name)
        same(Embeddings.load(tmp_path / name), embeddings)
        with pytest.raises(DataError, match="cannot be written in UTF-8"):
            Embeddings(["\ud800"], [[1.0]]).export(tmp_path / name)
        same(Embeddings.load(tmp_path / name), embeddings)


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_an_interrupted_export_loses_nothing(
    error: BaseException, embeddings: Embeddings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise error

    for module, name in (("word2vec_format", "write_text"), ("vector_files", "write_text")):
        monkeypatch.setattr(f"jpseq.{module}.{name}", fail)
    (tmp_path / "a.txt").write_text("before")
    with pytest.raises((DataError, KeyboardInterrupt)) as caught:
        embeddings.export(tmp_path / "a.txt")
    if isinstance(error, OSError):
        assert str(caught.value).endswith("a.txt: cannot be written (No space left on device).")
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "before"


def test_places_that_cannot_be_written(embeddings: Embeddings, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter").write_text("拝啓")
    with pytest.raises(DataError, match="holds other files"):
        embeddings.save(tmp_path / "full")
    with pytest.raises(DataError, match="is a folder; choose the name of a file"):
        embeddings.export(tmp_path / "full", "text")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError, match="is no ordinary file; choose the name of a file"):
        embeddings.export(tmp_path / "pipe", "text")
    assert (tmp_path / "pipe").is_fifo()
    with pytest.raises(DataError, match=r"cannot be written \((Not a directory|File exists)\)"):
        embeddings.export(tmp_path / "full" / "letter" / "a.txt")
    with pytest.raises(DataError, match="there is no word to write"):
        Embeddings([], np.empty((0, 2))).export(tmp_path / "a.txt")
    embeddings.export(tmp_path / "a.txt")
    assert (tmp_path / "a.txt").stat().st_mode & 0o777 == 0o644
