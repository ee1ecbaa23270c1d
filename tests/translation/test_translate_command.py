"""jpseq translate: what it prints and writes, and how it ends."""

import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from jpseq import Translator
from jpseq.cli.translate import heat_map
from jpseq.corpora.bundled import bundled
from jpseq.corpora.readers import read_pairs
from jpseq.errors import TrainingError
from jpseq.translation.translation import Translation

Said = Callable[..., tuple[int, str, str]]
RECIPE = """
source = "en"
target = "ja"
embedding = 16
hidden = 32
dropout = 0.0
learning_rate = 0.02
epochs = 12
batch_tokens = 120
source_tokenizer = "whitespace"

[target_tokenizer]
name = "whitespace"
rules = []

[training]
monitor = "bleu"
best = "highest"
"""
SUBJECTS = {"i": "私", "you": "君", "he": "彼", "she": "彼女", "we": "僕ら"}
VERBS = {"eat": "食べる", "see": "見る", "buy": "買う", "sell": "売る", "like": "好む"}
OBJECTS = {"fish": "魚", "rice": "飯", "bread": "パン", "fruit": "果物", "soup": "汁", "meat": "肉"}
PAIRS = [
    (f"{s} {v} {o} .", f"{SUBJECTS[s]} は {OBJECTS[o]} を {VERBS[v]} 。")
    for s in SUBJECTS
    for v in VERBS
    for o in OBJECTS
]
UNSEEN = PAIRS[7::13]
SEEN = [pair for pair in PAIRS if pair not in UNSEEN]


def table(path: Path, pairs: list[tuple[str, str]]) -> Path:
    path.write_text("".join(f"{source}\t{target}\n" for source, target in pairs), "utf-8")
    return path


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pairs, a recipe, and a model that learnt from them in a process of its own."""
    place = tmp_path_factory.mktemp("translate")
    table(place / "train.tsv", SEEN)
    table(place / "dev.tsv", UNSEEN)
    (place / "recipe.toml").write_text(RECIPE, "utf-8")
    command = [sys.executable, "-m", "jpseq", "translate", "train", place / "train.tsv"]
    options = ["--dev", place / "dev.tsv", "--config", place / "recipe.toml"]
    done = subprocess.run(
        [*command, *options, "-o", place / "model"], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    (place / "out").write_text(done.stdout)
    (place / "err").write_text(done.stderr)
    return place


@pytest.fixture
def piped(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """What standard input gives."""

    def give(text: str) -> None:
        stream = io.TextIOWrapper(io.BytesIO(text.encode()))
        monkeypatch.setattr("sys.stdin", stream)

    return give


def test_train_measures_and_saves(place: Path) -> None:
    perplexity, bleu, chrf = (place / "out").read_text().splitlines()
    assert perplexity.startswith("perplexity 1.")
    assert bleu.startswith("BLEU 100.0 ± 0.0 (data:dev.tsv|beam:5|alpha:1|beta:0|sentences:11|")
    assert chrf.startswith("chrF 100.0 ± 0.0 (data:dev.tsv|beam:5|alpha:1|beta:0|sentences:11|")
    assert (place / "err").read_text().endswith(f"jpseq translate run {place / 'model'} < TEXTS\n")
    model = Translator.load(place / "model")
    assert (model.direction, model.hidden, model.epochs) == ("en → ja", 32, 12)
    assert model.metrics["dev.tsv BLEU"] == bleu
    assert "dev.tsv chrF: chrF 100.0" in (place / "model" / "README.md").read_text("utf-8")


def test_run_writes_a_line_for_each_line(
    place: Path, run: Said, piped: Callable[[str], None]
) -> None:
    texts = [*UNSEEN[:2], ("", ""), UNSEEN[2]]
    piped("".join(source + "\n" for source, _ in texts))
    code, out, err = run("translate", "run", place / "model")
    assert (code, err) == (0, "")
    assert out.split("\n")[:-1] == [target.replace(" ", "") for _, target in texts]


def test_run_of_nothing_writes_nothing(
    place: Path, run: Said, piped: Callable[[str], None]
) -> None:
    piped("")
    assert run("translate", "run", place / "model") == (0, "", "")


def test_n_best_lines_have_number_score_and_translation(
    place: Path, run: Said, piped: Callable[[str], None]
) -> None:
    piped("we see rice .\ni buy meat .\n")
    code, out, _ = run("translate", "run", place / "model", "--n-best", 2, "--beam", 3)
    rows = [line.split("\t") for line in out.splitlines()]
    assert code == 0
    assert [row[0] for row in rows] == ["1", "1", "2", "2"]
    assert [rows[0][2], rows[2][2]] == ["僕らは飯を見る。", "私は肉を買う。"]
    assert float(rows[0][1]) >= float(rows[1][1])


def test_json_holds_words_and_attention(
    place: Path, run: Said, piped: Callable[[str], None]
) -> None:
    piped("we see rice .\n")
    code, out, _ = run("translate", "run", place / "model", "--json")
    assert code == 0
    found = json.loads(out)
    assert found["source"] == "we see rice ."
    (best,) = found["translations"]
    assert best["words"] == ["僕ら", "は", "飯", "を", "見る", "。"]
    assert best["source_words"] == ["we", "see", "rice", "."]
    assert [len(row) for row in best["attention"]] == [4] * 6
    assert all(abs(sum(row) - 1) < 1e-3 for row in best["attention"])


def test_evaluate_tells_seen_sources_apart_and_compares(place: Path, run: Said) -> None:
    both = table(place / "both.tsv", [SEEN[0], SEEN[1], *UNSEEN])
    arguments = ("--seen", place / "train.tsv", "--baseline", place / "model", "--beam", 2)
    code, out, err = run("translate", "evaluate", place / "model", both, *arguments)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert [line.split(" ", 1)[0] for line in lines] == ["BLEU", "chrF"] * 4
    assert "data:both.tsv|beam:2|alpha:1|beta:0|sentences:13|" in lines[0]
    assert "data:both.tsv seen|beam:2|alpha:1|beta:0|sentences:2|" in lines[2]
    assert "data:both.tsv unseen|beam:2|alpha:1|beta:0|sentences:11|" in lines[4]
    assert lines[6].startswith("BLEU 100.0, +0.0 against 100.0 (p = 1.000; ")


@pytest.mark.parametrize("form", ["a table", "the source's file"])
def test_seen_sources_are_known_whatever_the_file_is_called(
    place: Path, run: Said, tmp_path: Path, form: str
) -> None:
    seen = table(tmp_path / "learnt.txt", SEEN)
    if form == "the source's file":
        seen.write_text("".join(source + "\n" for source, _ in SEEN), "utf-8")
    both = table(tmp_path / "both.tsv", [SEEN[0], *UNSEEN])
    code, out, _ = run("translate", "evaluate", place / "model", both, "--seen", seen)
    assert code == 0
    assert "data:both.tsv seen|beam:5|alpha:1|beta:0|sentences:1|" in out
    assert "data:both.tsv unseen|beam:5|alpha:1|beta:0|sentences:11|" in out


def test_evaluate_as_json_with_an_ensemble(place: Path, run: Said) -> None:
    arguments = ("--with", place / "model", "--json", "--no-repeat", 1)
    code, out, _ = run("translate", "evaluate", place / "model", place / "dev.tsv", *arguments)
    assert code == 0
    bleu, chrf = map(json.loads, out.splitlines())
    assert (bleu["name"], round(bleu["value"], 6)) == ("BLEU", 100)
    search = "beam:5|alpha:1|beta:0|no_repeat:1|models:2"
    assert chrf["signature"].startswith(f"data:dev.tsv|{search}|sentences:11|")


@pytest.mark.parametrize("name", ["picture.png", "picture.svg"])
def test_attention_is_shown_and_drawn(place: Path, run: Said, tmp_path: Path, name: str) -> None:
    picture = tmp_path / name
    code, out, err = run("translate", "attention", place / "model", "he eat fish .", "-o", picture)
    assert (code, err) == (0, f"written to {picture}\n")
    lines = out.splitlines()
    assert lines[0] == "彼は魚を食べる。"
    assert lines[1].split() == ["he", "eat", "fish", "."]
    assert [line.split(" ")[0] for line in lines[2:]] == ["彼", "は", "魚", "を", "食べる", "。"]
    assert picture.stat().st_size > 5000


def test_the_heat_map_in_letters() -> None:
    weights = [[1.0, 0.0, 0.5], [0.125, 0.25, 0.625]]
    words = ["食べる", "。"]
    found = Translation("", words, ["eat", "り", "a"], 0.0, 0.0, weights)  # type: ignore[arg-type]
    assert heat_map(found) == [
        "       eat り a",
        "食べる ██     ▄▄",
        "。     ▁▁  ▂▂ ▅▅",
    ]


def test_a_run_goes_on_and_ends_with_the_same_weights(
    place: Path, run: Said, tmp_path: Path
) -> None:
    arguments = [place / "train.tsv", "--dev", place / "dev.tsv", "--set", "epochs=2"]
    arguments += ["--config", place / "recipe.toml", "--run", tmp_path / "run", "--resume"]
    for name in ("one", "two"):  # the second time nothing is left to do
        assert run("translate", "train", *arguments, "-o", tmp_path / name)[0] == 0
    one, two = ((tmp_path / name / "weights.safetensors").read_bytes() for name in ("one", "two"))
    assert one == two


def test_a_prepared_corpus_brings_its_tokenizers(place: Path, run: Said, tmp_path: Path) -> None:
    for side, number in (("en", 0), ("ja", 1)):
        lines = "".join(pair[number] + "\n" for pair in SEEN)
        (tmp_path / f"train.{side}").write_text(lines, "utf-8")
    sources = [tmp_path / "train.en", "--target", tmp_path / "train.ja"]
    corpus = tmp_path / "corpus"
    made = run("corpus", "prepare", *sources, "-o", corpus, "--tokenizer", "whitespace")
    assert made[0] == 0
    small = ["--set", "hidden=8", "--set", "embedding=4", "--set", "epochs=1"]
    same = ["--set", 'source_tokenizer="whitespace"']  # said once more, it is no contradiction
    assert run("translate", "train", corpus, "-o", tmp_path / "model", *small, *same)[0] == 0
    for chosen in ('"characters"', "{name='whitespace', rules=[]}"):
        other = ["-o", tmp_path / "other", "--set", f"target_tokenizer={chosen}"]
        code, _, err = run("translate", "train", corpus, *small, *other)
        assert code == 2
        assert f"{corpus}: was prepared with Whitespace()" in err
        assert "but target_tokenizer is " in err
        assert "Leave target_tokenizer out" in err
    code, _, err = run("translate", "train", corpus, "-o", tmp_path / "other", "--turned", *small)
    assert code == 2
    assert "prepare it again" in err
    assert not (tmp_path / "other").exists()


def test_ctrl_c_keeps_what_was_learnt(place: Path, tmp_path: Path) -> None:
    code = """
import os, signal
from jpseq.cli.app import main
from jpseq.network.seq2seq import EncoderDecoder
really, steps = EncoderDecoder.loss, []
def loss(network, pair):
    steps.append(pair)
    if len(steps) == 5:
        os.kill(os.getpid(), signal.SIGINT)
    return really(network, pair)
EncoderDecoder.loss = loss
main()
"""
    recipe = ["--config", place / "recipe.toml", "--dev", place / "dev.tsv", "--set", "epochs=1000"]
    command = ["translate", "train", place / "train.tsv", "-o", tmp_path / "model", *recipe]
    done = subprocess.run(
        [sys.executable, "-c", code, *command], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 130
    assert "Interrupted: what was learnt until then is saved" in done.stderr
    assert "Traceback" not in done.stderr
    assert Translator.load(tmp_path / "model").translate(["he eat fish ."])


def test_a_loss_that_is_not_finite_keeps_the_last_good_weights(
    place: Path, run: Said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fit(self: Translator, pairs: object, **_: object) -> None:
        self.__dict__.update(Translator.load(place / "model").__dict__)
        raise TrainingError("the loss is nan at step 3; these are the last good weights.")

    monkeypatch.setattr(Translator, "fit", fit)
    code, _, err = run("translate", "train", place / "train.tsv", "-o", tmp_path / "model")
    assert code == 1
    assert f"They are saved in {tmp_path / 'model'}." in err
    assert Translator.load(tmp_path / "model").hidden == 32


def test_bad_input_is_named_and_nothing_is_written(
    place: Path, run: Said, piped: Callable[[str], None], tmp_path: Path
) -> None:
    (tmp_path / "three.en").write_text("a b\nc d\ne f\n", "utf-8")
    (tmp_path / "two.ja").write_text("あ い\nう え\n", "utf-8")
    (tmp_path / "hole.ja").write_text("あ い\n\nう え\n", "utf-8")
    (tmp_path / "bad.toml").write_text("hiden = 3\n", "utf-8")
    turned = table(tmp_path / "turned.tsv", [(target, source) for source, target in SEEN])
    output = tmp_path / "model"
    train = ("translate", "train")
    good = place / "train.tsv"
    for wanted, arguments, *parts in (
        (1, (tmp_path / "three.en", "-t", tmp_path / "two.ja"), "two.ja: ends after line 2"),
        (1, (tmp_path / "three.en", "-t", tmp_path / "hole.ja"), "hole.ja, line 2"),
        (1, (turned,), "is Japanese", "turn the pairs round"),
        (1, (tmp_path / "no.tsv",), "no.tsv"),
        (2, (good, "--config", tmp_path / "bad.toml"), "hiden", "hidden"),
        (2, (good, "--config", place / "recipe.toml"), "monitor"),
        (2, (good, "--resume"), "--run FOLDER"),
        (2, (good, "--set", 'attention="luong"'), "attention", "additive"),
        (2, (good, "--set", "source_tokenizer=3"), "source_tokenizer"),
        (2, (good, "--set", "source_tokenizer={name='mecab', wide=1}"), "source_tokenizer", "wide"),
        (2, (good, "--set", "source_tokenizer={name='mecab', dictionary=5}"), "dictionary': 5"),
        (2, (good, "--set", "target_tokenizer={name='sentencepiece', size='x'}"), "size': 'x'"),
        (
            2,
            (good, "--set", "target_tokenizer={name='sentencepiece', size=1}"),
            "at least 2, got 1",
        ),
        (2, (good, "--dev-target", tmp_path / "two.ja"), "--dev-target", "two.ja", "add --dev"),
    ):
        code, out, err = run(*train, *arguments, "-o", output)
        assert (code, out) == (wanted, ""), err
        for part in parts:
            assert part in err
        assert "Traceback" not in err
        assert not output.exists()
    model = place / "model"
    piped("he eat fish .\n彼は魚を食べる。\n")
    code, _, err = run("translate", "run", model)
    assert code == 1
    assert "text 2 is Japanese" in err
    assert run("translate", "run", model, "--n-best", 9)[0] == 2
    assert run("translate", "run", tmp_path)[0] == 1
    assert run("translate", "evaluate", model, turned)[0] == 1
    for text in ("", " "):
        code, out, err = run("translate", "attention", model, text)
        assert (code, out) == (1, "")
        assert "there is nothing to show: the text has no word" in err
    (tmp_path / "plain.toml").write_text('hidden = 8\nepochs = 1\nattention = "none"\n', "utf-8")
    assert run(*train, good, "--config", tmp_path / "plain.toml", "-o", output)[0] == 0
    code, _, err = run("translate", "attention", output, "he eat fish .")
    assert code == 2
    assert "has no attention" in err


def test_the_bundled_recipe_is_a_recipe(run: Said, tmp_path: Path) -> None:
    """One epoch of what the README says, on some of the bundled pairs."""
    recipe = Path(__file__).parents[2] / "recipes" / "pairs.toml"
    folder = bundled("pairs")
    learnt, dev = (
        table(tmp_path / f"{part}.tsv", list(read_pairs(folder / f"{part}.tsv"))[:count])
        for part, count in (("train", 300), ("dev", 10))
    )
    arguments = ("--dev", dev, "--config", recipe, "--set", "epochs=1", "-o", tmp_path / "model")
    assert run("translate", "train", learnt, *arguments)[0] == 0
    assert Translator.load(tmp_path / "model").hidden == 128
