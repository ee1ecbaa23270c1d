"""Files → a prepared corpus: what is in it, and that nothing but the files decides that."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from jpseq import Characters, MeCab, SentencePiece, Vocabulary, Whitespace
from jpseq.corpora.blockwise import Progress
from jpseq.corpora.prepare import prepare
from jpseq.corpora.prepared import Prepared
from jpseq.corpora.readers import read_dialogues, read_documents
from jpseq.errors import ConfigurationError, DataError, JpseqError, NotFittedError

TEXT = "海と空\n\n\n空の海。\n山の空\n \n川\n"


def file(path: Path, content: str | bytes = TEXT) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def content(folder: Path) -> dict[str, bytes]:
    """All files in a folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


# What is in it


def test_a_text_becomes_ids_in_documents(tmp_path: Path) -> None:
    path = file(tmp_path / "a.txt")
    prepared = prepare(path, tmp_path / "out", tokenizer=MeCab(), workers=1)
    assert prepared.kind == "text"
    # 空 3, 海 2, の 2, then in order of first occurrence
    assert prepared.vocabulary.words == ("空", "海", "の", "と", "。", "山", "川")
    assert prepared.vocabulary.counts.tolist() == [3, 2, 2, 1, 1, 1, 1]
    assert prepared.ids.tolist() == [[1, 3, 0], [0, 2, 1, 4], [5, 2, 0], [6]]
    assert prepared.ids.groups is not None
    assert prepared.ids.groups.tolist() == [0, 1, 3, 4]
    assert prepared.counts == {
        "groups": 3, "sequences": 4, "tokens": 11, "words": 7, "skipped": 0
    }  # fmt: skip
    assert sorted(content(tmp_path / "out")) == [
        *("corpus.json", "groups.npy", "offsets.npy", "values.npy", "vocabulary.json")
    ]
    assert isinstance(prepared.ids.values, np.memmap)
    assert prepared.tokenizer.words("海と空") == ["海", "と", "空"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.txt", "out"]


def test_what_it_is_made_of_is_written_down(tmp_path: Path) -> None:
    prepare(file(tmp_path / "a.txt", "海\n"), tmp_path / "out", tokenizer=Characters(rules=()))
    assert json.loads((tmp_path / "out" / "corpus.json").read_text("utf-8")) == {
        "format": "jpseq corpus",
        "version": 1,
        "kind": "text",
        "sources": [
            {
                "bytes": 4,
                # printf '海\n' | sha256sum
                "sha256": "2bccb95a701d9639a39380d4f9d30653c11eec7f0d94374afe0bc9bbc900195b",
            }
        ],
        "stages": [{"kind": "tokenizer", "name": "characters", "params": {"rules": []}}],
        "options": {"encoding": "utf-8", "sentences": False},
        "counts": {"groups": 1, "sequences": 1, "tokens": 1, "words": 1, "skipped": 0},
    }


LINES = st.text("海空の。 \u3000a\u2028", max_size=6)


@settings(max_examples=40)
@given(st.lists(st.lists(LINES), min_size=1, max_size=4), st.integers(1, 40), st.integers(1, 6))
def test_it_holds_what_the_reader_and_a_vocabulary_give(
    tmp_path_factory: pytest.TempPathFactory, files: list[list[str]], size: int, words: int
) -> None:
    folder = tmp_path_factory.mktemp("prepare")
    paths = [file(folder / f"{i}.txt", "\n".join([*lines, "夜"])) for i, lines in enumerate(files)]
    prepared = prepare(
        paths,
        folder / "out",
        tokenizer=Characters(),
        workers=1,
        block_size=size,
        words_in_memory=words,
    )
    documents = list(read_documents(paths))
    lines = [Characters().words(line) for document in documents for line in document]
    vocabulary = Vocabulary().fit(lines)
    assert prepared.vocabulary.to_json() == vocabulary.to_json()
    assert prepared.ids.tolist() == vocabulary.transform(lines).tolist()
    assert prepared.ids.groups is not None
    assert np.diff(prepared.ids.groups).tolist() == [len(document) for document in documents]


def test_sentences_of_a_line_can_be_sequences(tmp_path: Path) -> None:
    path = file(tmp_path / "a.txt", "海。空！ 山\n川\n\n海。\n")
    prepared = prepare(path, tmp_path / "out", sentences=True, tokenizer=Characters())
    assert prepared.vocabulary.inverse_transform(prepared.ids) == [
        ["海", "。"], ["空", "！"], ["山"], ["川"], ["海", "。"]
    ]  # fmt: skip
    assert prepared.ids.groups is not None
    assert prepared.ids.groups.tolist() == [0, 4, 5]


def dialogue(*texts: str) -> str:
    turns = [{"speaker": "AB"[i % 2], "text": text} for i, text in enumerate(texts)]
    return json.dumps({"turns": turns}, ensure_ascii=False) + "\n"


def test_dialogues_are_groups_of_turns(tmp_path: Path) -> None:
    texts = [["海？", "空。"], [], ["山", "", "海"], ["川"]]
    path = file(tmp_path / "a.jsonl", "\n".join(dialogue(*turns) for turns in texts))
    prepared = prepare(path, tmp_path / "out", tokenizer=Characters(), block_size=50)
    assert prepared.kind == "dialogues"
    assert prepared.vocabulary.inverse_transform(prepared.ids) == [
        ["海", "？"], ["空", "。"], ["山"], [], ["海"], ["川"]
    ]  # fmt: skip
    assert prepared.ids.groups is not None
    assert prepared.ids.groups.tolist() == [0, 2, 2, 5, 6]
    assert [len(d) for d in read_dialogues(path)] == np.diff(prepared.ids.groups).tolist()
    assert prepared.counts["groups"] == 4


def check_pairs(prepared: Prepared) -> None:
    assert prepared.kind == "parallel"
    assert prepared.source.kind == prepared.target.kind == "text"
    assert prepared.source.vocabulary.words == ("sea", "a", "the", "and", "sky")
    assert prepared.source.ids.tolist() == [[1, 0], [2, 0, 3, 4]]
    assert prepared.target.vocabulary.words == ("海", "と", "空")
    assert prepared.target.ids.tolist() == [[0], [0, 1, 2]]
    assert prepared.counts == {"sequences": 2, "skipped": 0}
    assert isinstance(prepared.tokenizer, Whitespace)


@pytest.mark.parametrize("size", [1, 1000])
def test_pairs_are_two_sides_with_a_vocabulary_each(size: int, tmp_path: Path) -> None:
    path = file(tmp_path / "a.tsv", "a sea\t海\n\nthe sea and sky\t海 と 空\n")
    check_pairs(prepare(path, tmp_path / "out", tokenizer=Whitespace(), block_size=size))


def test_pairs_can_be_columns_of_many(tmp_path: Path) -> None:
    path = file(tmp_path / "a.tsv", "海\t1\ta sea\n海 と 空\t2\tthe sea and sky\n")
    check_pairs(prepare(path, tmp_path / "out", tokenizer=Whitespace(), columns=(3, 1)))


@pytest.mark.parametrize("size", [1, 1000])
def test_pairs_can_be_the_lines_of_two_files(size: int, tmp_path: Path) -> None:
    source = file(tmp_path / "a.en", "a sea\n\nthe sea and sky")
    target = file(tmp_path / "a.ja", "海\n \n海 と 空\n")
    prepared = prepare(
        source, tmp_path / "out", target=target, tokenizer=Whitespace(), block_size=size
    )
    check_pairs(prepared)
    assert [source.bytes for source in prepared.description.sources] == [22, 18]


def test_tables_are_rows_of_numbers(tmp_path: Path) -> None:
    file(tmp_path / "a.csv", "day,high,low\n2024-01-01,1.5,\n2024-01-02,2,-3\n")
    file(tmp_path / "b.csv", "day,high,low\n2024-01-01,0,0\n")
    prepared = prepare(tmp_path, tmp_path / "out", time="day")
    assert prepared.kind == "table"
    assert prepared.columns == ["high", "low"]
    assert prepared.numbers.offsets.tolist() == [0, 2, 3]
    np.testing.assert_array_equal(
        prepared.numbers.values, np.array([[1.5, np.nan], [2, -3], [0, 0]], np.float32)
    )
    assert prepared.counts == {"sequences": 2, "rows": 3, "skipped": 0}
    chosen = prepare(tmp_path, tmp_path / "low", columns=["low"])
    np.testing.assert_array_equal(chosen.numbers[0], np.array([[np.nan], [-3]], np.float32))


def test_tables_of_other_columns_are_refused(tmp_path: Path) -> None:
    file(tmp_path / "a.csv", "x,y\n1,2\n")
    file(tmp_path / "b.csv", "y,x\n1,2\n")
    with pytest.raises(DataError, match=r"b.csv: the columns are y, x, and in the files before"):
        prepare(tmp_path, tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "b.csv"]


def test_a_tokenizer_that_learns_is_kept_with_the_ids(tmp_path: Path) -> None:
    tokenizer = SentencePiece(size=12, model="bpe").fit(["海と空", "空の海", "山の空"])
    path = file(tmp_path / "a.txt")
    prepared = prepare(path, tmp_path / "out", tokenizer=tokenizer)
    rows = [prepared.tokenizer.words(line) for line in TEXT.split("\n") if line.strip()]
    assert prepared.vocabulary.inverse_transform(prepared.ids) == rows
    with pytest.raises(NotFittedError):
        prepare(path, tmp_path / "other", tokenizer=SentencePiece())
    with pytest.raises(ConfigurationError, match="a Tokenizer is wanted"):
        prepare(path, tmp_path / "other", tokenizer="mecab")  # type: ignore[arg-type]
    assert not (tmp_path / "other").exists()
    assert not (tmp_path / "other.partial").exists()


# Nothing but the files decides what is in it


@pytest.mark.parametrize(
    "choices",
    [
        {"workers": 2},
        {"workers": 2, "block_size": 1},
        {"block_size": 7, "words_in_memory": 1},
        {"block_size": 20, "words_in_memory": 3},
    ],
)
@pytest.mark.parametrize("form", ["text", "dialogues", "parallel"])
def test_the_bytes_do_not_depend_on_how_the_work_is_divided(
    form: str, choices: dict[str, int], tmp_path: Path
) -> None:
    path = {
        "text": file(tmp_path / "a.txt", TEXT * 3),
        "dialogues": file(tmp_path / "a.jsonl", dialogue("海", "空") * 3 + dialogue("山の", "空")),
        "parallel": file(tmp_path / "a.tsv", "海の\t空\n山\t海と川\n" * 4),
    }[form]
    prepare(path, tmp_path / "one", workers=1)
    prepare(path, tmp_path / "two", **choices)  # type: ignore[arg-type]
    assert content(tmp_path / "one") == content(tmp_path / "two")


@pytest.mark.parametrize("end", [".gz", ".zst"])
def test_nor_on_the_compression_or_the_name(end: str, tmp_path: Path) -> None:
    text = (TEXT * 50).encode()
    pack = gzip.compress if end == ".gz" else zstandard.ZstdCompressor().compress
    (tmp_path / "folder").mkdir()
    packed = file(tmp_path / "folder" / f"b.txt{end}", pack(text))
    prepare(file(tmp_path / "a.txt", text), tmp_path / "one", tokenizer=Characters())
    prepare(packed, tmp_path / "two", tokenizer=Characters(), block_size=300, workers=2)
    assert content(tmp_path / "one") == content(tmp_path / "two")


def test_nor_on_the_encoding_but_for_its_name(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    prepared = [
        prepare(
            file(tmp_path / "a.txt", TEXT.encode(encoding)),
            tmp_path / encoding,
            encoding=encoding,
            tokenizer=Characters(),
        )
        for encoding in ("utf-8", "cp932", "euc_jp", "iso2022_jp")
    ]
    files = [content(p.folder) for p in prepared]
    for one in files:
        del one["corpus.json"]
    assert files[1:] == files[:-1]


# What is wrong


def test_a_bad_line_is_named_or_counted(tmp_path: Path) -> None:
    path = file(tmp_path / "a.jsonl", dialogue("海") * 3 + "{}\n" + dialogue("空") + "\xff\n")
    with pytest.raises(DataError) as caught:
        prepare(path, tmp_path / "out", tokenizer=Characters(), block_size=60, workers=1)
    assert (caught.value.path, caught.value.line) == (path, 4)
    assert not (tmp_path / "out").exists()
    notes: list[str] = []
    prepared = prepare(
        path,
        tmp_path / "out",
        tokenizer=Characters(),
        block_size=60,
        on_error="skip",
        note=notes.append,
    )
    assert prepared.counts["skipped"] == 2
    assert prepared.counts["groups"] == 4
    assert notes[0] == "Going on: 1 of 3 blocks are finished."
    assert notes[1].startswith("2 lines were skipped")
    assert f"{path}, line 4: no list" in notes[1]


def test_two_processes_name_the_bad_line_too(tmp_path: Path) -> None:
    path = file(tmp_path / "a.txt", "海\n" * 20 + "a\0\n")
    with pytest.raises(DataError) as caught:
        prepare(path, tmp_path / "out", tokenizer=Characters(), block_size=8, workers=2)
    assert str(caught.value) == f"{path}, line 21: holds a NUL byte: not a text file."
    assert type(caught.value) is DataError


@pytest.mark.parametrize("text", ["", "\n \n", "\u200b\n"])
def test_a_text_without_words_is_no_corpus(text: str, tmp_path: Path) -> None:
    path = file(tmp_path / "a.txt", text)
    with pytest.raises(DataError, match=r"a.txt: holds no word; nothing was written"):
        prepare(path, tmp_path / "out")
    file(tmp_path / "b.txt", text)
    with pytest.raises(DataError, match="nor do the others of 2 files; nothing was written"):
        prepare(tmp_path, tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.txt", "b.txt"]


@pytest.mark.parametrize(
    ("choices", "problem"),
    [
        ({"sentences": True}, "sentences: only text is divided into sentences"),
        ({"time": "day"}, "time: only a table has a time"),
        ({"columns": ["x"]}, "columns: names are for a table"),
        ({"columns": (0, 1)}, "columns: two numbers are for parallel text in one file"),
        ({"workers": 0}, "workers: Input should be greater than or equal to 1"),
        ({"kind": "txt"}, "kind: Input should be 'text', 'dialogues', 'parallel' or 'table'"),
        ({"encoding": "utf-7000"}, "encoding: there is no 'utf-7000'"),
        ({"target": "b.txt"}, "target: only parallel text has one, and kind is 'dialogues'"),
    ],
)
def test_choices_that_make_no_sense_are_refused(
    choices: dict[str, object], problem: str, tmp_path: Path
) -> None:
    path = file(tmp_path / "a.jsonl", dialogue("海"))
    with pytest.raises(ConfigurationError) as caught:
        prepare(path, tmp_path / "out", **({"kind": "dialogues"} | choices))  # type: ignore[arg-type]
    assert problem in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["a.jsonl"]


def test_the_kind_is_told_by_the_names_or_asked_for(tmp_path: Path) -> None:
    file(tmp_path / "a.txt")
    file(tmp_path / "b.tsv.gz", gzip.compress(b"a\tb\n"))
    with pytest.raises(DataError, match=r"text \(a.txt\) and parallel \(b.tsv.gz\)"):
        prepare(tmp_path, tmp_path / "out")
    assert prepare(tmp_path, tmp_path / "out", kind="text").counts["groups"] == 3
    assert prepare(tmp_path, tmp_path / "out", kind="parallel").counts["sequences"] == 1
    other = file(tmp_path / "wiki_00")
    with pytest.raises(DataError, match="wiki_00: its kind cannot be told from its name"):
        prepare(other, tmp_path / "out")
    assert prepare(other, tmp_path / "out", kind="text").counts["groups"] == 3


def test_other_files_are_never_replaced(tmp_path: Path) -> None:
    path = file(tmp_path / "a.txt")
    for name in ("out", "out.partial"):
        (tmp_path / name).mkdir()
        letter = file(tmp_path / name / "letter")
        with pytest.raises(DataError, match="holds other files"):
            prepare(path, tmp_path / "out")
        assert letter.read_text("utf-8") == TEXT
        letter.unlink()


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    path = file(tmp_path / "a.txt")
    with pytest.raises(DataError, match=r"out.partial: cannot be written \(Not a directory\)"):
        prepare(path, path / "out")


# What is finished is kept


class Watch:
    """Counts the bytes that are analysed, and stops after some blocks."""

    def __init__(self, stop: int | None = None) -> None:
        self.stop = stop
        self.fresh = self.blocks = 0

    def __call__(self, progress: Progress) -> None:
        self.fresh = progress.fresh
        self.blocks += 1
        if self.blocks == self.stop:
            raise KeyboardInterrupt


def test_an_interrupted_preparation_goes_on(tmp_path: Path) -> None:
    path = file(tmp_path / "a.txt", "".join(f"{n:03}海\n" for n in range(100)))  # 700 bytes
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        prepare(path, out, tokenizer=Characters(), block_size=70, workers=1, progress=Watch(4))
    assert not out.exists()
    watch, notes = Watch(), list[str]()
    prepare(path, out, tokenizer=Characters(), workers=1, block_size=70, progress=watch,
            note=notes.append)  # fmt: skip
    assert (watch.blocks, watch.fresh) == (6, 420)
    assert notes == ["Going on: 4 of 10 blocks are finished."]
    prepare(path, tmp_path / "whole", tokenizer=Characters(), workers=1)
    assert content(out) == content(tmp_path / "whole")
    assert not (tmp_path / "out.partial").exists()


def test_after_a_line_was_mended_the_other_blocks_are_still_finished(tmp_path: Path) -> None:
    lines = [f"{n:03}海\n" for n in range(100)]
    path = file(tmp_path / "a.txt", "".join(lines[:95]) + "0\x0095海\n" + "".join(lines[96:]))
    out = tmp_path / "out"
    with pytest.raises(DataError, match="line 96: holds a NUL byte"):
        prepare(path, out, tokenizer=Characters(), block_size=70, workers=1)
    file(path, "".join(lines))
    watch = Watch()
    prepare(path, out, tokenizer=Characters(), block_size=70, workers=1, progress=watch)
    assert (watch.blocks, watch.fresh) == (1, 70)


@pytest.mark.parametrize(
    "other", [{"tokenizer": Whitespace()}, {"sentences": True}, {"block_size": 71}, {"text": True}]
)
def test_what_was_finished_otherwise_is_done_anew(other: dict[str, object], tmp_path: Path) -> None:
    path = file(tmp_path / "a.txt", "".join(f"{n:03}海\n" for n in range(100)))
    choices: dict[str, object] = {"tokenizer": Characters(), "block_size": 70, "workers": 1}
    with pytest.raises(KeyboardInterrupt):
        prepare(path, tmp_path / "out", **choices, progress=Watch(3))  # type: ignore[arg-type]
    if other.pop("text", False):
        file(path, "".join(f"{n:03}空\n" for n in range(100)))
    watch, notes = Watch(), list[str]()
    choices |= {**other, "progress": watch, "note": notes.append}
    prepare(path, tmp_path / "out", **choices)  # type: ignore[arg-type]
    assert watch.fresh == 700
    assert notes == [
        "The text, the tokenizer or an option has changed: everything is analysed anew."
    ]


def test_a_damaged_block_is_done_again(tmp_path: Path) -> None:
    path = file(tmp_path / "a.txt", TEXT)
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        prepare(path, out, tokenizer=Characters(), block_size=20, workers=1, progress=Watch(2))
    block, other = sorted((tmp_path / "out.partial").glob("*.npz"))
    block.write_bytes(block.read_bytes()[:-50])
    other.write_bytes(other.read_bytes().replace(b"\x93NUMPY", b"\x93NUMBY"))
    for _ in range(2):
        with pytest.raises(DataError, match=r"was damaged .* and is removed. Run the same again"):
            prepare(path, out, tokenizer=Characters(), block_size=20, workers=1)
    prepared = prepare(path, out, tokenizer=Characters(), block_size=20, workers=1)
    assert prepared.counts["sequences"] == 4


def test_only_one_process_prepares_a_corpus_at_a_time(tmp_path: Path) -> None:
    path = file(tmp_path / "a.txt", TEXT)

    def again(_: object) -> None:
        with pytest.raises(DataError, match="another process is preparing this corpus"):
            prepare(path, tmp_path / "out", tokenizer=Characters())

    prepared = prepare(path, tmp_path / "out", tokenizer=Characters(), progress=again)
    assert prepared.counts["sequences"] == 4


def test_a_full_disk_is_told_and_what_is_finished_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = file(tmp_path / "a.txt", TEXT)
    save, saved = np.savez, []

    def full(*arguments: object, **arrays: object) -> None:
        if len(saved) == 2:
            raise OSError(28, "No space left on device")
        saved.append(save(*arguments, **arrays))  # type: ignore[arg-type, func-returns-value]

    monkeypatch.setattr(np, "savez", full)
    choices = {"tokenizer": Characters(), "block_size": 10, "workers": 1}
    with pytest.raises(DataError, match=r"cannot be written \(No space left on device\). What is"):
        prepare(path, tmp_path / "out", **choices)  # type: ignore[arg-type]
    assert len(list((tmp_path / "out.partial").iterdir())) == 3  # two blocks and the mark
    monkeypatch.setattr(np, "savez", save)
    notes: list[str] = []
    prepare(path, tmp_path / "out", **choices, note=notes.append)  # type: ignore[arg-type]
    assert notes == ["Going on: 2 of 4 blocks are finished."]


# Reading


def test_what_is_no_prepared_corpus_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"corpus.json: cannot be read \(No such file"):
        Prepared.load(tmp_path)
    for bad in ("", "{}", '{"format": "jpseq model"}'):
        file(tmp_path / "corpus.json", bad)
        with pytest.raises(DataError, match=r"corpus.json: is not of a prepared corpus, or is"):
            Prepared.load(tmp_path)


def test_files_that_do_not_go_together_are_refused(tmp_path: Path) -> None:
    prepare(file(tmp_path / "a.txt"), tmp_path / "one", tokenizer=Characters())
    prepare(file(tmp_path / "b.txt", "海\n"), tmp_path / "two", tokenizer=Characters())
    for name in ("values.npy", "offsets.npy", "vocabulary.json"):
        file(tmp_path / "one" / name, (tmp_path / "two" / name).read_bytes())
    prepared = Prepared.load(tmp_path / "one")
    with pytest.raises(DataError, match=r"vocabulary.json: damaged: it holds 1 words, and the"):
        _ = prepared.vocabulary
    with pytest.raises(JpseqError):
        _ = prepared.ids


def test_a_kind_without_something_says_what_it_has(tmp_path: Path) -> None:
    text = prepare(file(tmp_path / "a.txt"), tmp_path / "text")
    pairs = prepare(file(tmp_path / "a.tsv", "海\t空\n"), tmp_path / "pairs")
    table = prepare(file(tmp_path / "a.csv", "x\n1\n"), tmp_path / "table")
    for get, problem in {
        lambda: text.source: "is prepared text, which has no source; it has .ids and",
        lambda: text.columns: "is prepared text, which has no columns; it has .ids and",
        lambda: pairs.ids: "is prepared parallel, which has no ids; ask its sides",
        lambda: table.vocabulary: "table, which has no vocabulary; it has .numbers",
        lambda: table.tokenizer: "table, which has no tokenizer; it has .numbers",
    }.items():
        with pytest.raises(ConfigurationError, match=problem):
            get()
