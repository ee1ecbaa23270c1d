"""jpseq corpus, as a user meets it."""

import json
import subprocess
import sys
from pathlib import Path

from jpseq.corpora.prepared import Prepared


def corpus(folder: Path, *arguments: object) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "jpseq.cli.app", "corpus", *map(str, arguments)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100)


def said(folder: Path, *arguments: object) -> str:
    """What a command says that goes well and has nothing to note."""
    result = corpus(folder, *arguments)
    assert (result.returncode, result.stderr) == (0, "")
    return result.stdout


def test_files_become_a_corpus_that_info_describes(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("海と空\n\n空の海。\n山\n", "utf-8")
    (tmp_path / "b.txt").write_text("海\n", "utf-8")
    assert said(tmp_path, "prepare", "*.txt", "-o", "out") == (
        "out: 3 documents, 4 sequences, 9 tokens, 6 different words\n"
    )
    assert said(tmp_path, "info", "out") == (
        "text: 3 documents, 4 sequences, 9 tokens, 6 different words\n"
        "from 2 files, 32 bytes\n"
        "tokenizer: mecab(dictionary=None, user_dictionary=None, lemma=False, pos=[], rules=None)\n"
        "encoding: utf-8\n"
        "sentences: False\n"
    )
    assert json.loads(said(tmp_path, "info", "--json", "out")) == json.loads(
        (tmp_path / "out" / "corpus.json").read_text("utf-8")
    )


def test_the_options_reach_the_reader(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes("1\t空を飛んだ\tflew\nbad\n".encode("cp932"))
    options = ["--kind", "parallel", "--columns", "2,3", "--encoding", "cp932", "--lemma"]
    result = corpus(tmp_path, "prepare", "a", "-o", "out", *options, "--on-error", "skip")
    assert (result.returncode, result.stdout) == (0, "out: 1 pair, 1 skipped line\n")
    assert "line 2: 1 column; columns=(2, 3) needs 3." in result.stderr
    prepared = Prepared.load(tmp_path / "out")
    assert prepared.source.vocabulary.words == ("空", "を", "飛ぶ", "た")
    assert said(tmp_path, "info", "out").splitlines()[:3] == [
        "parallel: 1 pair, 1 skipped line",
        "source: 1 sequence, 4 tokens, 4 different words",
        "target: 1 sequence, 1 token, 1 different word",
    ]


def test_aligned_files_and_tables(tmp_path: Path) -> None:
    (tmp_path / "a.ja").write_text("海\n空\n", "utf-8")
    (tmp_path / "a.en").write_text("sea\nsky\n", "utf-8")
    arguments = ("a.en", "--target", "a.ja", "-o", "out", "--tokenizer", "whitespace")
    assert said(tmp_path, "prepare", *arguments) == "out: 2 pairs\n"
    (tmp_path / "a.csv").write_text("day,high,low\n2024,1,2\n", "utf-8")
    arguments = ("a.csv", "--time", "day", "--columns", "low", "-o", "out")
    assert said(tmp_path, "prepare", *arguments) == "out: 1 table, 1 row\n"
    assert Prepared.load(tmp_path / "out").numbers.tolist() == [[[2.0]]]
    assert not (tmp_path / "out" / "source").exists()


def test_columns_of_a_table_may_be_called_by_numbers(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("mean,2023,2024\n1,2,3\n", "utf-8")
    for columns, numbers in (("2023,2024", [[2.0, 3.0]]), ("2024", [[3.0]])):
        arguments = ("a.csv", "--columns", columns, "-o", "out")
        assert said(tmp_path, "prepare", *arguments) == "out: 1 table, 1 row\n"
        assert Prepared.load(tmp_path / "out").numbers.tolist() == [numbers]


def test_what_is_for_words_is_refused_with_a_table(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("high,low\n1,2\n", "utf-8")
    for options, problem in (
        (["--workers", 2], "workers: a table is read by one process."),
        (["--scheduler", "tcp://a:1"], "scheduler: a table is read by one process."),
        (["--lemma"], "tokenizer (--tokenizer, --lemma): a table has no words."),
        (["--tokenizer", "mecab"], "tokenizer (--tokenizer, --lemma): a table has no words."),
    ):
        result = corpus(tmp_path, "prepare", "a.csv", "-o", "out", *options)
        assert (result.returncode, result.stdout) == (2, "")
        assert result.stderr == f"jpseq: {problem} This is table.\n"
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


def test_what_is_wrong_is_one_paragraph(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("{}\n", "utf-8")
    for arguments, code, problem in (
        (("prepare", "b.jsonl", "-o", "out"), 1, "b.jsonl: no such file. Did you mean 'a.jsonl'?"),
        (("prepare", "a.jsonl", "-o", "out"), 1, 'a.jsonl, line 1: no list "turns".'),
        (("prepare", "a.jsonl", "-o", "out", "--sentences"), 2, "sentences: only text is"),
        (("prepare", "a.jsonl", "-o", "out", "--tokenizer", "mecap"), 2, "Did you mean 'mecab'?"),
        (("prepare", "a.jsonl", "-o", "a.jsonl"), 1, "a.jsonl: is a file"),
        (("info", "."), 1, "corpus.json: cannot be read (No such file or directory)"),
    ):
        result = corpus(tmp_path, *arguments)
        assert (result.returncode, result.stdout) == (code, "")
        assert result.stderr.startswith("jpseq: ")
        assert problem in result.stderr
        assert len(result.stderr.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["a.jsonl"]
