"""Word vectors: look-up, rules for unknown words, neighbours, analogies, gensim."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from jpseq.errors import ConfigurationError, DataError, PluginError
from jpseq.vectors import Embeddings, unit

WORDS = ["王", "男", "女", "女王", "犬"]
ROWS = [[1, 1, 0], [0, 1, 0], [0, 0, 1], [1, 0, 1], [-1, 0, 0]]


@pytest.fixture
def embeddings() -> Embeddings:
    return Embeddings(WORDS, np.array(ROWS, np.float32))


def test_words_have_the_rows_of_the_array(embeddings: Embeddings) -> None:
    assert len(embeddings) == 5
    assert embeddings.dim == 3
    assert embeddings.words == tuple(WORDS)
    assert_array_equal(embeddings["女王"], np.array([1, 0, 1], np.float32), strict=True)
    assert embeddings.id("犬") == 4
    assert "犬" in embeddings
    assert "猫" not in embeddings
    assert repr(embeddings) == "<Embeddings of 5 words, 3 dimensions>"


def test_float32_is_not_copied_and_cannot_be_changed() -> None:
    rows = np.array(ROWS, np.float32)
    embeddings = Embeddings(WORDS, rows)
    assert np.shares_memory(embeddings.vectors, rows)
    with pytest.raises(ValueError, match="read-only"):
        embeddings.vectors[0] = 1
    rows[0, 0] = 1  # the caller's own array stays as it was
    for other in (np.array(ROWS), np.array(ROWS, np.float64), ROWS):
        assert_array_equal(Embeddings(WORDS, other).vectors, rows, strict=True)


@pytest.mark.parametrize(
    ("words", "vectors", "problem"),
    [
        ("王男", [[1], [2]], "got one text"),
        (["王", 3], [[1], [2]], "word 1 is 3, a int"),
        (["王", "男"], [[1]], r"2 words need an array \(2, D\)"),
        (["王"], [1], r"with D at least 1, got \(1,\)"),
        (["王"], np.empty((1, 0)), r"got \(1, 0\)"),
        (["王"], [["a"]], "real numbers, got an array of <U1"),
        (["王"], [[1j]], "complex128"),
        (["王", "男", "王"], [[1], [2], [3]], "the word '王' stands there twice"),
        (["王", "男"], [[1.0], [np.nan]], "vector of '男' holds a value that is not finite"),
        (["王", "男"], [[1.0], [-np.inf]], "vector of '男' holds"),
        (["王"], [[1e300]], "not finite, or huge"),
    ],
)
def test_what_does_not_fit_is_refused(words: list[str], vectors: object, problem: str) -> None:
    with pytest.raises(DataError, match=problem):
        Embeddings(words, vectors)  # type: ignore[arg-type]


def test_no_words_are_allowed_and_find_nothing() -> None:
    empty = Embeddings([], np.empty((0, 3)))
    assert len(empty) == 0
    assert empty.similar([1, 0, 0]) == []
    assert_array_equal(empty.mean(["王"]), np.zeros(3, np.float32), strict=True)


# Unknown words


def test_an_unknown_word_is_an_error_with_a_proposal(embeddings: Embeddings) -> None:
    with pytest.raises(DataError, match=r"'女王様' has no vector; there are 5\. .* '女王'\?"):
        embeddings["女王様"]
    with pytest.raises(DataError, match="猫"):
        embeddings.lookup(["王", "猫"])


def test_skip_leaves_unknown_words_out(embeddings: Embeddings) -> None:
    assert_array_equal(embeddings.lookup(["王", "猫", "犬"], "skip"), [ROWS[0], ROWS[4]])
    assert embeddings.lookup(["猫"], "skip").shape == (0, 3)


def test_zero_gives_unknown_words_zeros(embeddings: Embeddings) -> None:
    assert_array_equal(embeddings.lookup(["猫", "犬"], "zero"), [[0, 0, 0], ROWS[4]])


def test_parts_are_the_longest_words_from_left_to_right(embeddings: Embeddings) -> None:
    assert embeddings.parts("女王男犬") == ["女王", "男", "犬"]
    assert embeddings.parts("小犬と女") == ["犬", "女"]
    assert embeddings.parts("猫") == []
    assert embeddings.parts("") == []
    # 女王 (1, 0, 1) and 犬 (-1, 0, 0); a known word stays itself, 猫 has no parts.
    assert_array_equal(
        embeddings.lookup(["女王犬", "女王", "猫"], "parts"), [[0, 0, 0.5], ROWS[3], [0, 0, 0]]
    )


def test_the_mean_by_each_rule(embeddings: Embeddings) -> None:
    words = ["王", "猫", "女犬"]
    assert_allclose(embeddings.mean(words), [1, 1, 0])
    assert_allclose(embeddings.mean(words, "zero"), np.array([1, 1, 0]) / 3)
    assert_allclose(embeddings.mean(words, "parts"), np.array([0.5, 1, 0.5]) / 3)
    with pytest.raises(DataError, match="猫"):
        embeddings.mean(words, "error")
    assert_array_equal(embeddings.mean([]), [0, 0, 0])


def test_an_unknown_rule_is_named(embeddings: Embeddings) -> None:
    with pytest.raises(ConfigurationError, match=r"no rule 'skipp'.*Did you mean 'skip'.*parts"):
        embeddings.lookup(["王"], "skipp")  # type: ignore[arg-type]


def test_a_text_is_no_list_of_words(embeddings: Embeddings) -> None:
    with pytest.raises(DataError, match="got one text"):
        embeddings.lookup("王女")


# Neighbours


def test_similarity_is_the_cosine(embeddings: Embeddings) -> None:
    assert embeddings.similarity("王", "女王") == pytest.approx(0.5)
    assert embeddings.similarity("王", "犬") == pytest.approx(-(0.5**0.5))
    assert embeddings.similarity("王", "猫", "zero") == 0
    assert embeddings.similarity("王", "猫", "skip") == 0
    assert embeddings.similarity("男犬", "王", "parts") == pytest.approx(0)
    with pytest.raises(DataError, match="猫"):
        embeddings.similarity("王", "猫")


def test_similar_words_come_nearest_first_without_the_word(embeddings: Embeddings) -> None:
    found = embeddings.similar("王", count=3)
    assert [word for word, _ in found] == ["男", "女王", "女"]
    assert [cosine for _, cosine in found] == pytest.approx([0.5**0.5, 0.5, 0])
    assert [word for word, _ in embeddings.similar("王", count=99)] == ["男", "女王", "女", "犬"]


def test_similar_takes_a_vector_and_an_unknown_word_by_its_parts(embeddings: Embeddings) -> None:
    assert embeddings.similar([1, 1, 0], count=1) == [("王", pytest.approx(1))]
    assert embeddings.similar("小犬", count=1, unknown="parts") == [("犬", pytest.approx(1))]


def test_what_has_no_direction_has_no_neighbours(embeddings: Embeddings) -> None:
    for unknown in ("skip", "zero", "parts"):
        with pytest.raises(DataError, match="'猫' has no vector but zero"):
            embeddings.similar("猫", unknown=unknown)  # type: ignore[arg-type]
    with pytest.raises(DataError, match="the vector asked for has no"):
        embeddings.similar([0, 0, 0])


@pytest.mark.parametrize(
    ("query", "problem"),
    [([1, 2], "a query has 3 values"), ([np.nan, 0, 0], "not finite"), ([1e300, 0, 0], "huge")],
)
def test_queries_that_do_not_fit(query: list[float], problem: str, embeddings: Embeddings) -> None:
    with pytest.raises(DataError, match=problem):
        embeddings.similar(query)


def test_count_is_at_least_one(embeddings: Embeddings) -> None:
    with pytest.raises(ConfigurationError, match="at least 1, got 0"):
        embeddings.similar("王", count=0)


def test_many_neighbours_at_once(embeddings: Embeddings) -> None:
    ids, cosines = embeddings.neighbours(ROWS[:2], count=4, exclude=[[0, 1], [1, -1]])
    assert_array_equal(ids, [[3, 2, 4, -1], [0, 2, 3, 4]])  # 女, 女王, 犬 are at right angles to 男
    assert_allclose(cosines[0, :3], [0.5, 0, -(0.5**0.5)], atol=1e-15)
    assert cosines[0, 3] == -np.inf


def test_a_vector_too_short_for_float32_counts_as_zero() -> None:
    embeddings = Embeddings(["点", "王"], np.array([[1e-38, 0], [1, 0]], np.float32))
    assert embeddings.neighbours([[1, 0]], 2)[1].tolist() == [[1, 0]]
    assert_array_equal(unit(embeddings.vectors), [[0, 0], [1, 0]])


# Analogies


@pytest.mark.parametrize("method", ["3cosadd", "3cosmul"])
def test_an_analogy(method: str, embeddings: Embeddings) -> None:
    found = embeddings.analogy("男", "王", "女", count=2, method=method)  # type: ignore[arg-type]
    assert [word for word, _ in found] == ["女王", "犬"]


def test_3cosadd_by_hand(embeddings: Embeddings) -> None:
    # 王 - 男 + 女, each of length 1: (h, h - 1, 1) with h = sqrt(1/2). 女王 is (h, 0, h).
    h = 0.5**0.5
    offset = np.array([h, h - 1, 1])
    wanted = (h * h + h) / np.linalg.norm(offset)
    assert embeddings.analogy("男", "王", "女", count=1) == [("女王", pytest.approx(wanted))]


def test_3cosmul_by_hand(embeddings: Embeddings) -> None:
    # Cosines of 女王: with 男 0, with 王 1/2, with 女 sqrt(1/2); moved to 0 ... 1.
    wanted = (1.5 / 2) * ((1 + 0.5**0.5) / 2) / (0.5 + 0.001)
    found = embeddings.analogy("男", "王", "女", count=1, method="3cosmul")
    assert found == [("女王", pytest.approx(wanted))]


def test_an_unknown_method_is_named(embeddings: Embeddings) -> None:
    with pytest.raises(ConfigurationError, match=r"no method '3cosad'.*mean '3cosadd'.*3cosmul"):
        embeddings.analogy("男", "王", "女", method="3cosad")  # type: ignore[arg-type]


def test_nothing_heavy_is_imported(embeddings: Embeddings, tmp_path: Path) -> None:
    embeddings.save(tmp_path / "a")
    embeddings.export(tmp_path / "a.safetensors")
    code = (
        "import sys\nfrom jpseq.vectors import Embeddings\n"
        "from jpseq.evaluation import analogies, similarity\n"
        "for name in ('a', 'a.safetensors'):\n"
        "    Embeddings.load(name).similar('王')\n"
        "print(*sorted({'gensim', 'matplotlib', 'numba', 'sklearn', 'scipy', 'torch'}"
        " & {*sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", code], cwd=tmp_path, capture_output=True, check=True
    )
    assert done.stdout == b"\n"


# gensim


def random_embeddings() -> Embeddings:
    rng = np.random.default_rng(1)
    return Embeddings([f"語{i}" for i in range(300)], rng.normal(size=(300, 20)))


def test_gensim_gets_and_gives_the_same_vectors() -> None:
    embeddings = random_embeddings()
    keyed = embeddings.to_gensim()
    assert keyed.index_to_key == list(embeddings.words)
    back = Embeddings.from_gensim(keyed)
    assert back.words == embeddings.words
    assert_array_equal(back.vectors, embeddings.vectors, strict=True)
    keyed.vectors[0] = 0  # gensim's is a copy
    assert embeddings.vectors[0].any()


def test_neighbours_and_analogies_are_those_of_gensim() -> None:
    embeddings = random_embeddings()
    keyed = embeddings.to_gensim()
    for word in ("語0", "語7", "語299"):
        theirs = keyed.most_similar(word, topn=20)
        ours = embeddings.similar(word, count=20)
        assert [w for w, _ in ours] == [w for w, _ in theirs]
        assert [s for _, s in ours] == pytest.approx([s for _, s in theirs], abs=1e-6)
    for a, b, c in [("語1", "語2", "語3"), ("語9", "語8", "語7")]:
        theirs = keyed.most_similar(positive=[b, c], negative=[a], topn=20)
        ours = embeddings.analogy(a, b, c, count=20)
        assert [w for w, _ in ours] == [w for w, _ in theirs]
        assert [s for _, s in ours] == pytest.approx([s for _, s in theirs], abs=1e-6)


def test_gensims_3cosmul_differs_by_its_epsilon_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jpseq.nearest.EPSILON", 1e-6)  # theirs
    embeddings = random_embeddings()
    with pytest.warns(DeprecationWarning, match="init_sims"):  # gensim's own
        theirs = embeddings.to_gensim().most_similar_cosmul(["語2", "語3"], ["語1"], topn=20)
    ours = embeddings.analogy("語1", "語2", "語3", count=20, method="3cosmul")
    assert [w for w, _ in ours] == [w for w, _ in theirs]
    assert [s for _, s in ours] == pytest.approx([s for _, s in theirs], abs=1e-5)


def test_what_is_no_keyed_vectors_is_named() -> None:
    with pytest.raises(DataError, match=r"wanted, got dict; those of a gensim model are model\.wv"):
        Embeddings.from_gensim({})


def test_a_missing_gensim_is_told_with_its_remedy(
    monkeypatch: pytest.MonkeyPatch, embeddings: Embeddings, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "gensim.models", None)
    with pytest.raises(PluginError, match=r'pip install "jpseq\[gensim\]"'):
        embeddings.to_gensim()
    with pytest.raises(PluginError, match="gensim is not installed"):
        embeddings.export(tmp_path / "a.kv")
    assert list(tmp_path.iterdir()) == []
