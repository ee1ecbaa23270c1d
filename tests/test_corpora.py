"""The bundled corpora keep what their READMEs promise."""

import csv
import json
import re
import runpy
from collections import Counter

import pytest

from jpseq.corpora.bundled import bundled


def bare(sentence: str) -> str:
    return sentence.casefold().rstrip(" .!?。！？")


@pytest.fixture(scope="module")
def dialogues() -> list[dict]:
    files = sorted(bundled("dialogues").glob("*.jsonl"))
    return [json.loads(line) for f in files for line in f.read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def pairs() -> dict[str, list[list[str]]]:
    return {
        name: [
            line.split("\t")
            for line in (bundled("pairs") / f"{name}.tsv").read_text("utf-8").splitlines()
        ]
        for name in ("train", "dev", "test")
    }


@pytest.fixture(scope="module")
def prose() -> list[str]:
    return [f.read_text("utf-8") for f in sorted(bundled("prose").glob("*.txt"))]


def test_the_dialogues_are_many_and_on_many_topics(dialogues):
    assert len(dialogues) >= 1500
    assert len({d["topic"] for d in dialogues}) >= 25


def test_dialogues_have_4_to_10_turns_and_the_speakers_alternate(dialogues):
    for d in dialogues:
        assert set(d) == {"topic", "turns"}
        assert 4 <= len(d["turns"]) <= 10
        assert [t["speaker"] for t in d["turns"]] == list("ABABABABAB")[: len(d["turns"])]
        assert all(t["text"] and t["text"] == t["text"].strip() for t in d["turns"])


def test_a_dialogue_lies_in_the_file_of_its_topic():
    for f in bundled("dialogues").glob("*.jsonl"):
        lines = f.read_text("utf-8").splitlines()
        assert {json.loads(line)["topic"] for line in lines} == {f.stem}


def test_turns_hardly_repeat(dialogues):
    turns = Counter(t["text"] for d in dialogues for t in d["turns"])
    assert len(turns) / turns.total() >= 0.60
    assert turns.most_common(1)[0][1] / turns.total() <= 0.01


def test_no_dialogue_occurs_twice(dialogues):
    texts = [tuple(t["text"] for t in d["turns"]) for d in dialogues]
    assert len(set(texts)) == len(texts)


def test_pairs_are_enough_and_have_two_columns(pairs):
    assert sum(len(rows) for rows in pairs.values()) >= 3000
    assert len(pairs["dev"]) == len(pairs["test"]) == 150
    for rows in pairs.values():
        assert all(len(row) == 2 for row in rows)
        assert all(re.fullmatch(r"[\x21-\x7e][\x20-\x7e]*[.!?\"']", row[0]) for row in rows)
        assert all(re.search(r"[ぁ-んァ-ヶ]", row[1]) and row[1][-1] in "。！？" for row in rows)


@pytest.mark.parametrize("side", [0, 1])
def test_no_sentence_occurs_twice_in_a_split_or_across_splits(pairs, side):
    sentences = [bare(row[side]) for rows in pairs.values() for row in rows]
    assert [s for s, n in Counter(sentences).items() if n > 1] == []


def test_prose_is_200_kilobytes_without_a_repeated_paragraph(prose):
    assert sum(len(text.encode()) for text in prose) >= 200_000
    paragraphs = [line for text in prose for line in text.splitlines() if line]
    assert len(set(paragraphs)) == len(paragraphs)
    assert all(100 <= len(p) <= 350 for p in paragraphs)


def test_the_synthetic_series_are_regenerated_byte_for_byte():
    folder = bundled("series")
    series = runpy.run_path(str(folder / "make_series.py"))["series"]()
    assert {f.name for f in folder.glob("*.csv")} == {*series, "sunspots.csv"}
    for name, text in series.items():
        assert (folder / name).read_bytes() == text.encode(), name


def test_the_script_writes_the_series_into_a_folder(tmp_path, monkeypatch):
    script = bundled("series") / "make_series.py"
    monkeypatch.setattr("sys.argv", ["make_series.py", str(tmp_path)])
    runpy.run_path(str(script), run_name="__main__")
    assert (tmp_path / "sine.csv").read_bytes() == (script.parent / "sine.csv").read_bytes()
    assert len(list(tmp_path.iterdir())) == 4


def test_sunspots_are_one_number_a_year():
    rows = list(csv.reader((bundled("series") / "sunspots.csv").read_text("utf-8").splitlines()))
    assert rows[0] == ["year", "sunspots"]
    assert [int(year) for year, _ in rows[1:]] == list(range(1700, 2009))
    assert all(0 <= float(value) < 200 for _, value in rows[1:])


def test_every_corpus_has_a_readme_with_its_licence_and_nothing_else_lies_there():
    for name in ("dialogues", "pairs", "prose", "series"):
        folder = bundled(name)
        assert "CC0 1.0" in (folder / "README.md").read_text("utf-8")
        kinds = {f.suffix for f in folder.iterdir() if f.name != "make_series.py"}
        assert kinds <= {".md", ".jsonl", ".tsv", ".txt", ".csv"}
        assert all(b"\r" not in f.read_bytes() for f in folder.iterdir())
