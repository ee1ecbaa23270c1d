"""jpseq embed train: what it prints and writes, and how it ends."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jpseq import Model
from jpseq.embedding.word2vec import Word2Vec
from jpseq.vectors import Embeddings

TEXT = "春に桜が咲く\n春に梅が咲く\n秋に月が出る\n秋に星が出る\n" * 40
QUICK = ("--dim", 8, "--epochs", 2, "--sample", 0)
Said = Callable[..., tuple[int, str, str]]


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "seasons.txt"
    path.write_text(TEXT, encoding="utf-8")
    return path


def test_text_becomes_vectors(run: Said, text: Path, tmp_path: Path) -> None:
    output = tmp_path / "vectors"
    code, out, err = run(
        "embed", "train", text, "-o", output, *QUICK, "--held-out", 0.1, "--seed", 3
    )
    assert (code, out) == (0, f"{output}: 10 words, 8 dimensions\n")
    lines = err.splitlines()
    assert lines[0] == "800 words, 10 different ones get vectors, which take about 1 MB"
    assert lines[1].startswith("epoch 1/2  loss ")
    assert ", held out " in lines[2]
    assert lines[-1] == f"Look at it: jpseq embed similar {output} WORD"
    model = Model.load(output)
    assert isinstance(model, Word2Vec)
    assert (model.dim, model.sample, model.seed) == (8, 0, 3)
    assert "data:seasons.txt|share:0.1|seed:3" in model.metrics["held-out loss"]
    assert "held-out loss" in (output / "README.md").read_text("utf-8")
    code, out, _ = run("embed", "similar", output, "桜", "--count", 2)
    assert code == 0
    assert len(out.splitlines()) == 2


def test_a_tree_and_ngrams(run: Said, text: Path, tmp_path: Path) -> None:
    output = tmp_path / "vectors"
    more = ("--hierarchical", "--ngrams", 1, 3, "--buckets", 100)
    assert run("embed", "train", text, "-o", output, *QUICK, *more)[0] == 0
    model = Model.load(output)
    assert isinstance(model, Word2Vec)
    assert (model.hierarchical, tuple(model.ngrams or ()), model.buckets) == (True, (1, 3), 100)
    code, out, _ = run("embed", "similar", output, "月見", "--count", 1)
    assert (code, len(out.splitlines())) == (0, 1)
    code, _, err = run("embed", "train", text, "-o", tmp_path / "no", *QUICK, "--ngrams", 3, 1)
    assert code == 2
    assert "the shortest comes first" in err


def test_a_prepared_corpus_gives_the_same_vectors(run: Said, text: Path, tmp_path: Path) -> None:
    assert run("corpus", "prepare", text, "-o", tmp_path / "corpus")[0] == 0
    for source, name in ((text, "one"), (tmp_path / "corpus", "two")):
        assert run("embed", "train", source, "-o", tmp_path / name, *QUICK)[0] == 0
    one, two = ((tmp_path / name / "weights.safetensors").read_bytes() for name in ("one", "two"))
    assert one == two


def test_several_files_and_another_tokenizer(run: Said, text: Path, tmp_path: Path) -> None:
    more = tmp_path / "more.txt"
    more.write_text("冬に雪が降る\n" * 9, encoding="utf-8")
    done = run(
        "embed", "train", text, more, "-o", tmp_path / "v", *QUICK, "--tokenizer", "characters"
    )
    assert done[0] == 0
    assert "雪" in Embeddings.load(tmp_path / "v")


def test_going_on_with_a_model(run: Said, text: Path, tmp_path: Path) -> None:
    assert run("embed", "train", text, "-o", tmp_path / "v", *QUICK, "--window", 3)[0] == 0
    more = tmp_path / "more.txt"
    more.write_text("冬に雪が降る\n" * 9, encoding="utf-8")
    again = ("embed", "train", more, "-o", tmp_path / "v", "--continue", tmp_path / "v")
    assert run(*again, "--epochs", 1)[0] == 0
    model = Model.load(tmp_path / "v")
    assert isinstance(model, Word2Vec)
    assert (model.dim, model.window, model.epochs) == (8, 3, 1)
    assert {"雪", "桜"} <= set(model.embeddings.words)
    code, _, err = run(*again, "--dim", 9)
    assert code == 2
    assert "dim was 8 and is 9" in err


def test_options_from_a_file(run: Said, text: Path, tmp_path: Path) -> None:
    config = tmp_path / "recipe.toml"
    config.write_text('dim = 4\nepochs = 3\nmethod = "cbow"\nheld_out = 0.1\n', "utf-8")
    done = run(
        *("embed", "train", text, "-o", tmp_path / "v", "--config", config),
        *("--epochs", 1, "--set", "window=2"),
    )
    assert done[0] == 0
    params = json.loads((tmp_path / "v" / "model.json").read_text("utf-8"))["parameters"]
    assert [params[name] for name in ("dim", "epochs", "method", "window")] == [4, 1, "cbow", 2]


@pytest.mark.parametrize(
    ("content", "options", "code", "message"),
    [
        ("", [], 1, "holds no word"),
        ("春\n" * 9, [], 1, "nothing to learn from"),
        ("春に桜が咲く\n", [], 1, "the most frequent one 1 times"),
        ("春\n桜\n" * 9, [], 1, "no sentence holds two words"),
        (TEXT, ["--learning-rate", "nan"], 2, "learning_rate"),
        (TEXT, ["--held-out", "1"], 2, "held_out"),
        (TEXT, ["--patience", "0"], 2, "patience"),
        (TEXT, ["--set", "epoch=3"], 2, "Did you mean 'epochs'?"),
        (TEXT, ["--set", 'dim="8"'], 2, "dim: "),
        (TEXT, ["--set", "held_out=true"], 2, "held_out"),
        (TEXT, ["--set", 'patience="x"'], 2, "patience"),
        (TEXT, ["--tokenizer", "mecap"], 2, "Did you mean 'mecab'?"),
        (TEXT, ["--continue", "nowhere"], 1, "not a model folder"),
        (TEXT, ["--config", "nowhere.toml"], 1, "no such file"),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_written(
    run: Said,
    text: Path,
    tmp_path: Path,
    content: str,
    options: list[str],
    code: int,
    message: str,
) -> None:
    text.write_text(content, encoding="utf-8")
    got, out, err = run("embed", "train", text, "-o", tmp_path / "v", *options)
    assert (got, out) == (code, "")
    assert message in err
    assert "Traceback" not in err
    assert not (tmp_path / "v").exists()


def test_a_folder_of_something_else_is_not_overwritten(
    run: Said, text: Path, tmp_path: Path
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("大切な手紙", "utf-8")
    code, _, err = run("embed", "train", text, "-o", tmp_path / "mine")
    assert code == 1
    assert "mine" in err
    assert (tmp_path / "mine" / "letter.txt").read_text("utf-8") == "大切な手紙"


def test_a_full_disk_loses_nothing(
    run: Said, text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "v"
    assert run("embed", "train", text, "-o", output, *QUICK)[0] == 0
    before = {path.name: path.read_bytes() for path in output.iterdir()}

    def full(self: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    code, out, err = run("embed", "train", text, "-o", output, *QUICK, "--seed", 1)
    assert (code, out) == (1, "")
    assert "No space left on device" in err
    assert {path.name: path.read_bytes() for path in output.iterdir()} == before


def test_ctrl_c_saves_what_was_learnt(text: Path, tmp_path: Path) -> None:
    text.write_text(TEXT * 100, encoding="utf-8")
    command = [sys.executable, "-m", "jpseq", "embed", "train", str(text), "-o"]
    process = subprocess.Popen(
        [*command, str(tmp_path / "v"), "--epochs", "100000"],
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    errors: Any = process.stderr
    with process:
        for line in errors:
            if line.startswith("epoch 2/"):
                process.send_signal(signal.SIGINT)
                break
        rest = errors.read()
    assert process.returncode == 130, rest
    assert "Interrupted: what was learnt until then is saved" in rest
    assert "Traceback" not in rest
    assert len(Embeddings.load(tmp_path / "v")) == 10


# The tokenizer


def test_a_model_goes_on_with_the_tokenizer_it_has(run: Said, text: Path, tmp_path: Path) -> None:
    first = ("embed", "train", text, "-o", tmp_path / "v", *QUICK, "--tokenizer", "characters")
    assert run(*first)[0] == 0
    again = ("embed", "train", text, "-o", tmp_path / "w", "--continue", tmp_path / "v")
    assert run(*again)[0] == 0
    words = set(Embeddings.load(tmp_path / "v").words)
    assert words == set(Embeddings.load(tmp_path / "w").words)
    assert "咲く" not in words


@pytest.mark.parametrize("command", ["train", "pretrain"])
def test_a_prepared_corpus_has_its_own_tokenizer(
    run: Said, text: Path, tmp_path: Path, command: str
) -> None:
    corpus = tmp_path / "corpus"
    assert run("corpus", "prepare", text, "-o", corpus, "--tokenizer", "characters")[0] == 0
    small = ["--hidden", 8, "--embedding", 8, "--epochs", 1] if command == "pretrain" else QUICK
    asked = ("embed", command, corpus, "-o", tmp_path / "v", *small)
    code, _, err = run(*asked, "--tokenizer", "mecab")
    assert code == 2
    assert "was analysed with Characters(), and MeCab() is asked for" in err
    assert run(*asked)[0] == 0
    model = json.loads((tmp_path / "v" / "model.json").read_text("utf-8"))
    assert "characters" in json.dumps(model["parameters"]["tokenizer"])


def test_what_a_run_on_a_prepared_corpus_was_begun_with_can_be_used_again(
    run: Said, text: Path, tmp_path: Path
) -> None:
    corpus, begun = tmp_path / "corpus", tmp_path / "run"
    assert run("corpus", "prepare", text, "-o", corpus, "--tokenizer", "characters")[0] == 0
    asked = ("embed", "pretrain", corpus, "-o", tmp_path / "v", "--hidden", 8, "--epochs", 1)
    assert run(*asked, "--run", begun)[0] == 0
    again = ("embed", "pretrain", corpus, "-o", tmp_path / "w", "--config", begun / "config.toml")
    assert run(*again)[0] == 0
