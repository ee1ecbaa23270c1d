"""jpseq embed pretrain, fill, and evaluate of what they make."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from jpseq import MaskedLM, Model, Translator
from jpseq.vectors import Embeddings

TEXT = "春に桜が咲く\n春に梅が咲く\n秋に月が出る\n秋に星が出る\n" * 40
QUICK = (
    *("--embedding", 8, "--hidden", 8, "--layers", 1, "--heads", 2, "--epochs", 2),
    *("--batch-tokens", 200, "--min-count", 1),
)
Said = Callable[..., tuple[int, str, str]]


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "seasons.txt"
    path.write_text(TEXT, encoding="utf-8")
    return path


@pytest.fixture
def model(run: Said, text: Path, tmp_path: Path) -> Path:
    output = tmp_path / "model"
    assert run("embed", "pretrain", text, "-o", output, *QUICK, "--held-out", 0.1)[0] == 0
    return output


def test_text_becomes_a_model(run: Said, text: Path, tmp_path: Path) -> None:
    output = tmp_path / "model"
    code, out, err = run(
        *("embed", "pretrain", text, "-o", output, *QUICK, "--held-out", 0.1, "--seed", 3),
        *("--encoder", "transformer", "--set", "training.warmup=2"),
    )
    first, last = out.splitlines()
    assert code == 0
    assert first.startswith("masked words: accuracy ")
    words = Model.load(output).vocabularies["vocabulary"].hash()[:8]
    signature = f"sequences:16|tok:mecab|words:10 {words}|unknown:"
    assert signature in first
    assert "|masked:0.15|seed:3|longest:128" in first
    assert last == f"{output}: 10 words, 8 features"
    assert "fill" in err.splitlines()[-1]
    again = Model.load(output)
    assert isinstance(again, MaskedLM)
    assert (again.encoder, again.hidden, again.seed) == ("transformer", 8, 3)
    assert again.subwords is None
    assert "masked words" in (output / "README.md").read_text("utf-8")


def test_a_prepared_corpus_and_pieces(run: Said, text: Path, tmp_path: Path) -> None:
    assert run("corpus", "prepare", text, "-o", tmp_path / "corpus")[0] == 0
    made = ("embed", "pretrain", tmp_path / "corpus", "-o", tmp_path / "model", *QUICK)
    code, out, _ = run(*made, "--pieces", 15, "--held-out", 0)
    assert (code, out) == (0, f"{tmp_path / 'model'}: 14 pieces, 8 features\n")
    assert MaskedLM.load(tmp_path / "model").subwords is not None


def test_fill(run: Said, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code, out, _ = run("embed", "fill", model, "春に［MASK］が咲く", "--count", 3)
    assert code == 0
    rows = [line.split() for line in out.splitlines()]
    assert len(rows) == 3
    assert [float(p) for p, _ in rows] == sorted((float(p) for p, _ in rows), reverse=True)
    code, out, _ = run("embed", "fill", model, "［MASK］に[MASK]が", "--count", 1)
    assert [line for line in out.splitlines() if line.endswith(":")] == ["1:", "2:"]
    code, out, _ = run("embed", "fill", model, "春に[MASK]が咲く", "--count", 1, "--json")
    (found,) = json.loads(out)["masks"]
    assert found[0].keys() == {"word", "p"}
    code, out, err = run("embed", "fill", model, "春に桜が咲く")
    assert (code, out) == (1, "")
    assert "write it where a word is wanted" in err


def test_lines_of_standard_input_are_filled(
    run: Said, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = tmp_path / "lines"
    lines.write_text("春に[MASK]が咲く\n春\n", "utf-8")
    with lines.open(encoding="utf-8") as file:
        monkeypatch.setattr("sys.stdin", file)
        code, out, err = run("embed", "fill", model, "--count", 1)
    assert code == 1
    text, likeliest = out.splitlines()
    assert text == "春に[MASK]が咲く"
    assert len(likeliest.split()) == 2
    assert "standard input, line 2: there is no ［MASK］" in err


def test_its_vectors_are_looked_at_and_measured(run: Said, model: Path, tmp_path: Path) -> None:
    assert run("embed", "similar", model, "桜", "--count", 2)[0] == 0
    pairs = tmp_path / "pairs.jsonl"
    rows = [("春に桜が咲く", "春に梅が咲く", 4), ("春", "秋に月が出る", 1), ("", "月", 0)]
    lines = [json.dumps({"sentence1": a, "sentence2": b, "label": s}) for a, b, s in rows]
    pairs.write_text("\n".join(lines), "utf-8")
    code, out, _ = run("embed", "evaluate", model, pairs)
    assert code == 0
    names = [line.split(":")[0] for line in out.splitlines()[::2]]
    assert names == [
        "pairs.jsonl, mean of word vectors",
        "pairs.jsonl, mean of contextual vectors",
        "pairs.jsonl, shared characters alone",
    ]
    assert "sentence:mean of contextual vectors|features:8|" in out
    static = tmp_path / "static"
    assert run("embed", "export", model, static)[0] == 0
    assert len(Embeddings.load(static)) == 10
    out = run("embed", "evaluate", static, pairs)[1]
    assert "contextual" not in out


def test_a_run_is_resumed_as_it_was_begun(run: Said, text: Path, tmp_path: Path) -> None:
    begun = ("embed", "pretrain", text, "-o", tmp_path / "v", *QUICK, "--run", tmp_path / "run")
    assert run(*begun)[0] == 0
    weights = (tmp_path / "v" / "weights.safetensors").read_bytes()
    assert run(*begun)[0] == 2
    assert run(*begun, "--resume")[0] == 0
    assert (tmp_path / "v" / "weights.safetensors").read_bytes() == weights
    code, _, err = run(*begun, "--resume", "--seed", 5)
    assert code == 2
    assert "seed was 0 and is 5" in err


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--set", "epoch=3"], 2, "Did you mean 'epochs'?"),
        (["--pieces", "900"], 2, "is the largest possible one"),
        (["--pieces", "-1"], 2, "pieces"),
        (["--set", "held_out=0.9"], 2, "held_out"),
        (["--encoder", "transformer", "--heads", "3"], 2, "multiple of heads"),
        (["--learning-rate", "nan"], 2, "learning_rate"),
        (["--resume"], 2, "--run FOLDER"),
        (["--tokenizer", "mecap"], 2, "Did you mean 'mecab'?"),
        (["--config", "nowhere.toml"], 1, "no such file"),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_written(
    run: Said, text: Path, tmp_path: Path, options: list[str], code: int, message: str
) -> None:
    found = run("embed", "pretrain", text, "-o", tmp_path / "v", *QUICK, *options)
    assert found[:2] == (code, "")
    assert message in found[2]
    assert "Traceback" not in found[2]
    assert not (tmp_path / "v").exists()


def test_fill_needs_a_masked_language_model(run: Said, model: Path, tmp_path: Path) -> None:
    description = model / "model.json"
    content = json.loads(description.read_text("utf-8")) | {"model": "word2vec"}
    description.write_text(json.dumps(content), "utf-8")
    code, _, err = run("embed", "fill", model, "［MASK］")
    assert code == 1
    assert "MaskedLM is wanted" in err
    assert run("embed", "fill", tmp_path / "nowhere", "［MASK］")[0] == 1


def test_a_translator_begins_with_it(
    run: Said, model: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pairs = tmp_path / "pairs.tsv"
    pairs.write_text("春に桜が咲く\tcherries bloom\n秋に月が出る\tthe moon is out\n" * 4, "utf-8")
    made = ("translate", "train", pairs, "-o", tmp_path / "t", "--encoder", model)
    small = ("hidden=8", "embedding=8", "epochs=1", 'source="ja"', 'target="en"')
    given = [part for setting in small for part in ("--set", setting)]
    with caplog.at_level("INFO", logger="jpseq"):
        assert run(*made, *given)[0] == 0
    assert "source vectors: 100.0% of the words have one" in caplog.text
    assert isinstance(Model.load(tmp_path / "t"), Translator)
    code, _, err = run(*made, *given, "--set", "hidden=16")
    assert code == 2
    assert "8 features read, 8 given" in err
