"""jpseq embed compare: both sides learn from the same, and are measured by the same."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from jpseq.cli.app import main
from jpseq.corpora.prepare import prepare
from jpseq.embedding import comparison
from jpseq.embedding.comparison import Comparison, compare
from jpseq.embedding.word2vec import Word2Vec
from jpseq.errors import ConfigurationError, DataError, PluginError
from jpseq.evaluation.similarity import read_word_pairs

TEXT = "春に桜が咲く\n春に梅が咲く\n秋に月が出る\n秋に星が出る\n" * 300
PAIRS = "桜,梅,9\n月,星,9\n桜,月,2\n春,出る,0\n"
SETTINGS = {"dim": 8, "sample": 0.0, "epochs": 8, "window": 2}
Said = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("comparison")
    (folder / "seasons.txt").write_text(TEXT, encoding="utf-8")
    (folder / "pairs.csv").write_text(PAIRS, encoding="utf-8")
    prepare(folder / "seasons.txt", folder / "corpus", workers=1)
    return folder


@pytest.fixture(scope="module")
def found(folder: Path) -> Comparison:
    corpus = prepare(folder / "seasons.txt", folder / "corpus", workers=1)
    pairs = {"pairs": read_word_pairs(folder / "pairs.csv")}
    return compare(corpus, Word2Vec(**SETTINGS), held_out=0.1, similarity=pairs)  # type: ignore[arg-type]


def test_both_have_learnt_the_same_words(found: Comparison) -> None:
    assert found.ours.embeddings.words == found.theirs.embeddings.words
    assert len(found.ours.embeddings) == 10
    for side in (found.ours, found.theirs):
        # Words in the same company are near, on either side.
        assert side.embeddings.similar("桜", 1)[0][0] == "梅"
        assert side.similarities["pairs"].scored == 4
        assert set(side.seconds) == {"analysing", "counting", "learning"}
        assert side.memory > 50


def test_losses_can_be_compared(found: Comparison) -> None:
    assert found.ours.held_out == pytest.approx(found.theirs.held_out, rel=0.1)
    # What knows nothing says log 2 for the word and for each negative that is not the word itself.
    assert max(found.ours.held_out, found.theirs.held_out) < 5 * np.log(2)


def test_ours_is_what_word2vec_learns_from_all_but_the_held_out(
    found: Comparison, folder: Path
) -> None:
    model = Word2Vec(**SETTINGS).fit(folder / "corpus", held_out=0.1)  # type: ignore[arg-type]
    np.testing.assert_array_equal(model.embeddings.vectors, found.ours.embeddings.vectors)


def test_the_table_and_the_signature(found: Comparison) -> None:
    rows = {name: figures for name, *figures in found.rows()}
    assert rows["words/s while learning"][2].endswith(" x")
    assert list(rows)[-2:] == ["held-out loss", "pairs"]
    assert found.signature.startswith("words:5400|vectors:10|held-out:0.1|dim:8|window:2|")
    assert 0 < found.overlap <= 1
    assert json.loads(json.dumps(found.as_json()))["gensim"]["similarities"]["pairs"]["pairs"] == 4


def test_without_gensim(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison, "find_spec", lambda _: None)
    with pytest.raises(PluginError, match=r"pip install \"jpseq\[gensim\]\""):
        compare([str(folder / "seasons.txt")], Word2Vec())


def test_nothing_to_measure_on(folder: Path) -> None:
    corpus = prepare(folder / "seasons.txt", folder / "corpus", workers=1)
    with pytest.raises(DataError, match="held out"):
        compare(corpus, Word2Vec(), held_out=0.0)


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr("sys.argv", ["jpseq", "embed", "compare", *map(str, arguments)])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code is None or isinstance(end.value.code, int)
    return end.value.code or 0


def test_the_command(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--dim", 4, "--epochs", 1, "--held-out", 0.1, "--similarity", folder / "pairs.csv"]
    picture = folder / "both.svg"
    code = run(
        *(monkeypatch, folder / "seasons.txt", *options, "--word", "桜", "--plot", picture),
    )
    out, err = capsys.readouterr()
    assert code == 0, err
    lines = out.splitlines()
    assert lines[0].split() == ["jpseq", "gensim"]
    assert any(line.startswith("pairs.csv") for line in lines)
    assert any(line.startswith("桜  gensim  ") for line in lines)
    assert picture.read_bytes().startswith(b"<?xml")
    words = ["--word", "桜", "--word", "鯨"]
    assert run(monkeypatch, folder / "corpus", *options, *words, "--json") == 0
    content = json.loads(capsys.readouterr().out)
    assert set(content["neighbours"]["桜"]) == {"jpseq", "gensim"}
    assert content["neighbours"]["鯨"] == {"jpseq": [], "gensim": []}
    assert run(monkeypatch, folder / "corpus", *options, *words) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-3:-1] == ["鯨  jpseq   no vector", "鯨  gensim  no vector"]


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--held-out", 1], 2, "held_out"),
        (["--dim", 0], 2, "dim"),
        (["--similarity", "nowhere.csv"], 1, "nowhere.csv"),
        (["--min-count", 5000], 1, "nothing to learn from"),
        (["--plot", "both.gif", "--min-count", 5000], 2, "'both.gif' ends in neither"),
    ],
)
def test_what_cannot_be_done_is_said(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: list[object],
    code: int,
    message: str,
) -> None:
    assert run(monkeypatch, folder / "corpus", *options) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert "Traceback" not in err


@pytest.mark.parametrize("params", [{"hierarchical": True}, {"ngrams": (1, 2)}])
def test_only_what_both_do_alike_is_compared(folder: Path, params: dict[str, object]) -> None:
    model = Word2Vec(**(SETTINGS | params))  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="leave hierarchical and ngrams out"):
        compare([str(folder / "seasons.txt")], model)
