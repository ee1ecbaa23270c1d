"""jpseq embed: what it prints, what it writes, and how it ends."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from jpseq import vectors
from jpseq.cli import embed
from jpseq.vectors import Embeddings

WORDS = ["王", "男", "女", "女王", "犬"]
ROWS = [[1, 1, 0], [0, 1, 0], [0, 0, 1], [1, 0, 1], [-1, 0, 0]]
Said = Callable[..., tuple[int, str, str]]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "royal"
    Embeddings(WORDS, ROWS).save(path)
    return path


def test_the_choices_are_those_of_the_library() -> None:
    assert get_args(embed.Form) == get_args(vectors.Form)
    assert get_args(embed.Method) == get_args(vectors.Method)
    assert get_args(embed.Unknown) == get_args(vectors.Unknown)


# similar, analogy


def test_similar_shows_cosines_and_words(run: Said, model: Path) -> None:
    assert run("embed", "similar", model, "王", "--count", 2) == (
        0,
        " 0.7071  男\n 0.5000  女王\n",
        "",
    )
    assert run("embed", "similar", model, "王", "犬", "--count", 1) == (
        0,
        "王\n 0.7071  男\n犬\n 0.0000  男\n",
        "",
    )


def test_similar_as_json(run: Said, model: Path) -> None:
    code, out, err = run("embed", "similar", model, "王", "女", "--count", 1, "--json")
    assert (code, err) == (0, "")
    assert [json.loads(line) for line in out.splitlines()] == [
        {"word": "王", "similar": [{"word": "男", "cosine": pytest.approx(0.5**0.5)}]},
        {"word": "女", "similar": [{"word": "女王", "cosine": pytest.approx(0.5**0.5)}]},
    ]


def test_a_word_without_a_vector(run: Said, model: Path) -> None:
    code, out, err = run("embed", "similar", model, "女王様")
    assert (code, out) == (1, "")
    assert "'女王様' has no vector; there are 5. Did you mean '女王'?" in err
    assert run("embed", "similar", model, "女王様", "--unknown", "parts", "--count", 1) == (
        0,
        " 1.0000  女王\n",
        "",
    )


def test_limit_reads_the_first_words_only(run: Said, model: Path) -> None:
    assert run("embed", "similar", model, "王", "--limit", 2)[1] == " 0.7071  男\n"


def test_analogy(run: Said, model: Path) -> None:
    code, out, _ = run("embed", "analogy", model, "男", "王", "女")
    assert (code, out.splitlines()[0]) == (0, " 0.9586  女王")
    wanted = 0.75 * (1 + 0.5**0.5) / 2 / 0.501  # cosines 1/2, sqrt(1/2) and 0, moved to 0 ... 1
    found = run(
        "embed", "analogy", model, "男", "王", "女", "--method", "3cosmul", "--count", 1, "--json"
    )
    assert json.loads(found[1]) == {
        "a": "男",
        "b": "王",
        "c": "女",
        "method": "3cosmul",
        "answers": [{"word": "女王", "score": pytest.approx(wanted)}],
    }


# evaluate


def test_each_file_is_measured_by_what_it_begins_with(
    run: Said, model: Path, tmp_path: Path
) -> None:
    (tmp_path / "pairs.csv").write_text("a,b,mean\n王,男,9\n王,女王,5\n王,犬,0\n王,猫,1\n", "utf-8")
    (tmp_path / "analogies.txt").write_text("\n: 性\n男 王 女 女王\n男 王 女 犬\n", "utf-8")
    rows = [("王", "男", 2), ("女", "男", 0), ("女王", "女", 1)]
    lines = [json.dumps({"sentence1": a, "sentence2": b, "label": s}) for a, b, s in rows]
    (tmp_path / "sentences.jsonl").write_text("\n".join(lines), "utf-8")
    files = [tmp_path / name for name in ("pairs.csv", "analogies.txt", "sentences.jsonl")]
    code, out, err = run("embed", "evaluate", model, *files, "--tokenizer", "characters")
    assert (code, err) == (0, "")
    interval = "interval:95% bootstrap 1000 seed 0"
    assert out.splitlines() == [
        "pairs.csv: Spearman 1.000 [1.000, 1.000], 3 of 4 pairs, coverage 75.0%",
        f"  data:pairs.csv[mean]|pairs:4|unknown:skip|vectors:5x3|{interval}",
        "analogies.txt: accuracy 50.0%, 1 of 2 asked, 2 questions, coverage 100.0%",
        "  data:analogies.txt|questions:2|method:3cosadd|unknown:skip|vectors:5x3",
        "analogies.txt, 性: accuracy 50.0%, 1 of 2 asked, 2 questions, coverage 100.0%",
        "  data:analogies.txt[性]|questions:2|method:3cosadd|unknown:skip|vectors:5x3",
        # 王 男 0.707; 女 男 0; 女王 in characters 女 and 王, their mean with 女 0.577.
        "sentences.jsonl, mean of word vectors: Spearman 1.000 [1.000, 1.000], 3 of 3 pairs,"
        " coverage 100.0%",
        "  data:sentences.jsonl|pairs:3|sentence:mean of words|tok:Characters()|unknown:skip"
        f"|vectors:5x3|{interval}",
        # 0, 0 and 1/2 of the characters
        "sentences.jsonl, shared characters alone: Spearman .000 [-1.000, 1.000], 3 of 3 pairs,"
        " coverage 100.0%",
        f"  data:sentences.jsonl|pairs:3|sentence:set of characters|{interval}",
    ]


def test_evaluate_as_json_knows_no_nan(run: Said, model: Path, tmp_path: Path) -> None:
    (tmp_path / "pairs.csv").write_text("山 川 1\n", "utf-8")
    (tmp_path / "analogies.txt").write_text(": 性\n男 王 女 女王\n", "utf-8")
    _, out, _ = run(
        "embed", "evaluate", model, tmp_path / "pairs.csv", tmp_path / "analogies.txt", "--json"
    )
    pairs, analogies, section = map(json.loads, out.splitlines())
    assert pairs == {
        "name": "pairs.csv",
        "spearman": {"value": None, "low": None, "high": None},
        "pairs": 1,
        "scored": 0,
        "coverage": 0.0,
        "signature": "data:pairs.csv[3]|pairs:1|unknown:skip|vectors:5x3"
        "|interval:95% bootstrap 1000 seed 0",
    }
    assert (analogies["right"], analogies["asked"], section["name"]) == (1, 1, "analogies.txt, 性")


def test_evaluate_what_cannot_be(run: Said, model: Path, tmp_path: Path) -> None:
    assert run("embed", "evaluate", model, tmp_path / "none.csv")[0] == 1
    (tmp_path / "pairs.csv").write_text("夜,晩,x,y\n", "utf-8")
    code, out, err = run("embed", "evaluate", model, tmp_path / "pairs.csv")
    assert (code, out) == (1, "")
    assert "pairs.csv, line 1: which column is the score?" in err
    code, _, err = run("embed", "evaluate", model, tmp_path / "pairs.csv", "--tokenizer", "mecap")
    assert (code, "Did you mean 'mecab'?" in err) == (2, True)


# export, plot


@pytest.mark.parametrize(
    ("name", "form"),
    [("a.txt", None), ("a.bin", None), ("a.safetensors", None), ("folder", None), ("a", "text")],
)
def test_export_writes_what_can_be_read(
    name: str, form: str | None, run: Said, model: Path, tmp_path: Path
) -> None:
    options = ["--format", form] if form else []
    assert run("embed", "export", model, tmp_path / name, *options, "--limit", 3) == (
        0,
        f"{tmp_path / name}: 3 words, 3 dimensions\n",
        "",
    )
    loaded = Embeddings.load(tmp_path / name, form=form)  # type: ignore[arg-type]
    assert loaded.words == tuple(WORDS[:3])
    assert_array_equal(loaded.vectors, np.array(ROWS[:3], np.float32))
    options = ["--form", form] if form else []
    assert (
        run("embed", "similar", tmp_path / name, "王", "--count", 1, *options)[1] == " 0.7071  男\n"
    )


def test_export_to_what_cannot_be(run: Said, model: Path, tmp_path: Path) -> None:
    code, _, err = run("embed", "export", model, tmp_path / "a.dat")
    assert (code, "the suffix '.dat' tells no form" in err) == (2, True)
    code, _, err = run("embed", "export", tmp_path / "royals", tmp_path / "a.txt")
    assert (code, "no such file or folder. Did you mean 'royal'?" in err) == (1, True)
    assert [path.name for path in tmp_path.iterdir()] == ["royal"]


def test_plot_draws_the_first_words_or_those_of_a_file(
    run: Said, model: Path, tmp_path: Path
) -> None:
    picture = tmp_path / "map.svg"
    assert run("embed", "plot", model, "-o", picture, "--count", 3) == (
        0,
        f"{picture}: 3 words\n",
        "",
    )
    assert "<svg" in picture.read_text("utf-8")
    (tmp_path / "words.txt").write_text("王\n\n猫\n女王\n王\n", "utf-8")
    arguments = ("-o", tmp_path / "map.png", "--words", tmp_path / "words.txt")
    assert run("embed", "plot", model, *arguments) == (
        0,
        f"{tmp_path / 'map.png'}: 2 words\n",
        "no vector, left out: 猫\n",
    )
    assert (tmp_path / "map.png").read_bytes().startswith(b"\x89PNG")


def test_plot_by_tsne(run: Said, model: Path, tmp_path: Path) -> None:
    arguments = ("-o", tmp_path / "map.png", "--method", "tsne", "--seed", 3)
    assert run("embed", "plot", model, *arguments)[1] == f"{tmp_path / 'map.png'}: 5 words\n"
    code, _, err = run("embed", "plot", model, *arguments, "--count", 3)
    assert (code, "t-SNE needs four vectors at least" in err) == (1, True)


def test_plot_tells_letters_that_the_font_does_not_have(run: Said, tmp_path: Path) -> None:
    Embeddings(["猫", "😀"], [[1, 0], [0, 1]]).save(tmp_path / "a")
    code, out, err = run("embed", "plot", tmp_path / "a", "-o", tmp_path / "map.png")
    assert (code, out) == (0, f"{tmp_path / 'map.png'}: 2 words\n")
    assert "128512" in err
    assert "Traceback" not in err


def test_plot_of_what_cannot_be(run: Said, model: Path, tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("猫\n", "utf-8")
    arguments = ("--words", tmp_path / "words.txt")
    code, _, err = run("embed", "plot", model, "-o", tmp_path / "map.png", *arguments)
    assert (code, "words.txt: none of its words has a vector" in err) == (1, True)
    assert run("embed", "plot", model, "-o", tmp_path / "map.gif")[0] == 2
    assert not (tmp_path / "map.png").exists()
