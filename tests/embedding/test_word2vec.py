"""Word2Vec as a model: learning, going on, keeping, and what can go wrong."""

import json
import signal
import threading
from pathlib import Path

import numpy as np
import pytest

from jpseq import Model
from jpseq.embedding.ngrams import NGrams
from jpseq.embedding.progress import Epoch, Moment, Start
from jpseq.embedding.word2vec import Word2Vec
from jpseq.errors import ConfigurationError, DataError, ModelError, NotFittedError, TrainingError
from jpseq.vectors import Embeddings

SEASONS = [
    ["春", "に", "桜", "が", "咲く"],
    ["春", "に", "梅", "が", "咲く"],
    ["秋", "に", "月", "が", "出る"],
    ["秋", "に", "星", "が", "出る"],
]
WORDS = {word for sentence in SEASONS for word in sentence}
SMALL = {"dim": 12, "sample": 0.0, "epochs": 3, "learning_rate": 0.1}


def fitted(**params: object) -> Word2Vec:
    return Word2Vec(**(SMALL | params)).fit(SEASONS * 50)  # type: ignore[arg-type]


@pytest.mark.parametrize("hierarchical", [False, True])
@pytest.mark.parametrize("method", ["skipgram", "cbow"])
def test_words_in_the_same_company_are_near(method: str, hierarchical: bool) -> None:
    model = fitted(
        method=method, hierarchical=hierarchical, epochs=20, window=2, dynamic_window=False
    )
    for word, other in (("桜", "梅"), ("月", "星")):
        assert model.similar(word, 1)[0][0] == other


def test_losses_fall_and_are_those_of_a_model_that_knows_nothing_at_first() -> None:
    seen: list[Epoch] = []
    Word2Vec(**SMALL, min_count=1).fit(  # type: ignore[arg-type]
        SEASONS * 200, held_out=0.1, report=lambda e: isinstance(e, Epoch) and seen.append(e)
    )
    assert [epoch.number for epoch in seen] == [1, 2, 3]
    losses = [epoch.loss for epoch in seen]
    assert losses == sorted(losses, reverse=True)
    assert all(epoch.held_out is not None and 0 < epoch.held_out < 3 for epoch in seen)
    # All scores are 0 at first: log 2 for the word and each negative that is not the word itself.
    blank = Word2Vec(**(SMALL | {"learning_rate": 1e-30, "final_rate": 0.0}), min_count=1)  # type: ignore[arg-type]
    blank.fit(SEASONS * 200)
    assert 5 * np.log(2) < blank.loss(SEASONS) <= 6 * np.log(2)


def test_in_a_tree_the_loss_is_that_of_a_whole_softmax() -> None:
    model = fitted(hierarchical=True)
    weights, words = model.trained(), model.vocabulary.words
    paths = model._chances().paths
    scores = weights.x[words.index("春")].astype(np.float64) @ weights.o.T.astype(np.float64)

    def nll(word: str) -> float:
        path = slice(*paths.begins[words.index(word) :][:2])
        return float(np.logaddexp(0, -paths.signs[path] * scores[paths.nodes[path]]).sum())

    assert sum(np.exp(-nll(word)) for word in words) == pytest.approx(1)
    # Each of two words is predicted once, by the other.
    there = model.loss([["春", "桜"]])
    other = weights.x[words.index("桜")].astype(np.float64) @ weights.o.T.astype(np.float64)
    path = slice(*paths.begins[words.index("春") :][:2])
    back = np.logaddexp(0, -paths.signs[path] * other[paths.nodes[path]]).sum()
    assert there == pytest.approx((nll("桜") + back) / 2, rel=1e-5)


def test_going_on_with_a_tree_keeps_the_vectors_and_begins_the_tree_anew() -> None:
    model = fitted(hierarchical=True, learning_rate=0.05)
    before = model.embeddings["桜"].copy()
    model.set_params(learning_rate=1e-30, final_rate=0.0)
    model.partial_fit([["雪", "に", "桜"]] * 100)
    np.testing.assert_allclose(model.embeddings["桜"], before, rtol=1e-6)
    assert np.abs(model.trained().o).max() < 1e-20


def test_loss_is_the_mean_over_predictions() -> None:
    model = fitted()
    sentence = [["春", "に"]]
    assert model.loss(sentence * 3) == pytest.approx(model.loss(sentence * 3))
    with pytest.raises(DataError, match="no sentence holds two words"):
        model.loss([["春"], ["知らない", "に"]])


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    for name, seed in (("one", 3), ("two", 3), ("other", 4)):
        fitted(seed=seed).save(tmp_path / name)
    files = [
        (tmp_path / name / "weights.safetensors").read_bytes() for name in ("one", "two", "other")
    ]
    assert files[0] == files[1] != files[2]


def test_several_threads_learn_the_same_thing() -> None:
    lone, many = fitted(epochs=20), fitted(epochs=20, threads=3)
    assert many.loss(SEASONS) == pytest.approx(lone.loss(SEASONS), rel=0.05)
    assert {word for word, _ in many.similar("桜", 3)} == {
        word for word, _ in lone.similar("桜", 3)
    }


def test_going_on_keeps_vectors_counts_and_adds_words() -> None:
    model = fitted()
    before = {word: model.embeddings[word].copy() for word in WORDS}
    model.set_params(learning_rate=1e-30, final_rate=0.0)
    model.partial_fit([["夏", "に", "花火", "が", "上がる"]] * 60)
    assert set(model.embeddings.words) == WORDS | {"夏", "花火", "上がる"}
    for word, vector in before.items():
        np.testing.assert_allclose(model.embeddings[word], vector, rtol=1e-6)
    assert model.vocabulary.counts_["に"] == 260
    assert model.vocabulary.counts_["夏"] == 60
    assert model.embeddings.words[0] in ("に", "が")  # by frequency, as before


def test_a_word_that_was_too_rare_may_become_frequent_enough() -> None:
    model = Word2Vec(**SMALL).fit([*SEASONS * 50, *[["雪", "が"]] * 3])  # type: ignore[arg-type]
    assert "雪" not in model.embeddings
    model.partial_fit([["雪", "が"]] * 2)
    assert "雪" in model.embeddings


def test_going_on_without_a_beginning_is_a_beginning() -> None:
    begun = Word2Vec(**SMALL).partial_fit(SEASONS * 50)  # type: ignore[arg-type]
    np.testing.assert_array_equal(begun.embeddings.vectors, fitted().embeddings.vectors)


def test_fit_forgets() -> None:
    model = fitted().fit([["朝", "昼"]] * 10)
    assert model.embeddings.words == ("朝", "昼")


def test_a_saved_model_is_the_same_and_goes_on(tmp_path: Path) -> None:
    model = fitted(seed=1)
    model.save(tmp_path / "vectors")
    loaded = Model.load(tmp_path / "vectors")
    assert isinstance(loaded, Word2Vec)
    assert loaded.get_params() == model.get_params()
    np.testing.assert_array_equal(loaded.embeddings.vectors, model.embeddings.vectors)
    assert loaded.loss(SEASONS) == model.loss(SEASONS)
    for each in (model, loaded):
        each.partial_fit(SEASONS * 10)
    np.testing.assert_array_equal(loaded.embeddings.vectors, model.embeddings.vectors)
    read = Embeddings.load(tmp_path / "vectors", limit=3)
    assert read.words == loaded.embeddings.words[:3]


def test_damaged_weights_are_named(tmp_path: Path) -> None:
    model = fitted()
    folder = tmp_path / "vectors"
    model.save(folder)
    weights = folder / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(ModelError, match=r"weights\.safetensors"):
        Model.load(folder)
    model.trained().o[0, 0] = np.nan
    model.save(folder)
    with pytest.raises(ModelError, match="output holds values that are not finite"):
        Model.load(folder)
    description = json.loads((folder / "model.json").read_text("utf-8"))
    description["parameters"]["dim"] = 13
    (folder / "model.json").write_text(json.dumps(description), "utf-8")
    with pytest.raises(ModelError, match=r"input is not \(10, 13\)"):
        Model.load(folder)


def test_what_is_told() -> None:
    told: list[Start | Moment | Epoch] = []
    Word2Vec(**SMALL, threads=2).fit(SEASONS * 50, report=told.append)  # type: ignore[arg-type]
    start = told[0]
    assert isinstance(start, Start)
    assert (start.words, start.vectors) == (1000, 10)
    assert start.memory >= 2 * 10 * 16 * 4
    moments = [event for event in told if isinstance(event, Moment)]
    assert moments[-1].words == moments[-1].of == 3000
    assert [m.words for m in moments] == sorted(m.words for m in moments)


def test_patience_stops_and_keeps_the_best_epoch() -> None:
    epochs: list[Epoch] = []
    # A rate this high makes losses jump.
    model = Word2Vec(dim=4, sample=0, epochs=200, learning_rate=0.3, final_rate=0.3)
    model.fit(
        SEASONS * 20,
        held_out=0.1,
        patience=2,
        report=lambda event: isinstance(event, Epoch) and epochs.append(event),
    )
    figures = [epoch.held_out for epoch in epochs]
    assert len(figures) < 200
    assert figures[-3] == min(f for f in figures if f is not None)
    assert model.completed


def test_an_interrupted_training_keeps_what_was_learnt() -> None:
    sentences = SEASONS * 20_000  # 400,000 words, eight pieces
    others = set(threading.enumerate())

    def interrupt(event: object) -> None:
        if isinstance(event, Moment) and event.words > 100_000:
            signal.raise_signal(signal.SIGINT)

    for threads in (1, 2):
        model = Word2Vec(**SMALL, threads=threads)  # type: ignore[arg-type]
        model.fit(sentences, report=interrupt)
        assert not model.completed
        assert np.abs(model.trained().o).max() > 0
        assert set(threading.enumerate()) <= others


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"learning_rate": float("nan")}, "learning_rate"),
        ({"learning_rate": 0.0}, "learning_rate"),
        ({"final_rate": float("inf")}, "final_rate"),
        ({"method": "cbo"}, "method"),
        ({"dim": 0}, "dim"),
        ({"window": 0}, "window"),
        ({"negative": 0}, "negative"),
        ({"sample": -1.0}, "sample"),
        ({"threads": 0}, "threads"),
        ({"noise_exponent": 2.0}, "noise_exponent"),
    ],
)
def test_parameters_that_are_not_allowed(params: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        fitted(**params)


@pytest.mark.parametrize("options", [{"held_out": 1.0}, {"held_out": -0.1}, {"patience": 0}])
def test_options_that_are_not_allowed(options: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(options))):
        Word2Vec(**SMALL).fit(SEASONS * 50, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("corpus", [[], [[]], [["春"] * 99], SEASONS, [["春"], ["秋"]]])
def test_nothing_to_learn_from(corpus: list[list[str]]) -> None:
    with pytest.raises(DataError, match="nothing to learn from"):
        Word2Vec().fit(corpus)


def test_sentences_of_one_word_teach_nothing() -> None:
    with pytest.raises(DataError, match="no sentence holds two words"):
        Word2Vec().fit([["春"], ["秋"]] * 50)


def test_weights_that_run_away_are_no_model() -> None:
    model = Word2Vec(dim=4, sample=0, epochs=200, learning_rate=1, final_rate=1)
    with pytest.raises(TrainingError, match="third of the learning rate"):
        model.fit(SEASONS * 20)
    with pytest.raises(NotFittedError):
        model.embeddings  # noqa: B018


def test_a_sentence_of_a_million_words() -> None:
    model = Word2Vec(**(SMALL | {"epochs": 1})).fit([["春", "夏", "秋", "冬"] * 250_000])  # type: ignore[arg-type]
    assert np.isfinite(model.embeddings.vectors).all()
    assert set(model.embeddings.words) == set("春夏秋冬")


def test_one_that_has_learnt_nothing_says_so(tmp_path: Path) -> None:
    for act in (
        lambda: Word2Vec().embeddings,
        lambda: Word2Vec().similar("春"),
        lambda: Word2Vec().loss([["春"]]),
        lambda: Word2Vec().save(tmp_path / "nothing"),
    ):
        with pytest.raises(NotFittedError, match="call fit"):
            act()
    assert not (tmp_path / "nothing").exists()


# Words made of n-grams


def test_a_word_that_was_never_read_is_near_those_it_is_made_of() -> None:
    sentences = [["大きな", "図書館", "で", "読む"], ["小さな", "映画館", "で", "見る"]] * 100
    model = Word2Vec(16, sample=0, epochs=10, learning_rate=0.1, ngrams=(1, 3), buckets=500)
    embeddings = model.fit(sentences).embeddings
    assert "図書室" not in embeddings
    assert embeddings.similar("図書室", 1)[0][0] == "図書館"
    assert model.similar("映画", 1)[0][0] == "映画館"


def test_vectors_are_means_of_a_words_row_and_its_ngrams() -> None:
    model = fitted(ngrams=[1, 2], buckets=50)
    weights, words = model.trained(), model.vocabulary.words
    ngrams = NGrams(1, 2, 50)
    rows = [weights.x[words.index("咲く")], *weights.grams[ngrams.of("咲く")]]
    np.testing.assert_allclose(model.embeddings["咲く"], np.mean(rows, 0), rtol=1e-5)
    unread = weights.grams[ngrams.of("月見")].mean(0)
    np.testing.assert_allclose(model.embeddings["月見"], unread, rtol=1e-5)


def test_ngrams_are_kept_and_learnt_on(tmp_path: Path) -> None:
    model = fitted(ngrams=(1, 3), buckets=100)
    model.save(tmp_path / "model")
    loaded = Word2Vec.load(tmp_path / "model")
    np.testing.assert_array_equal(loaded.embeddings["月見"], model.embeddings["月見"])
    for limit in (None, 3):
        read = Embeddings.load(tmp_path / "model", limit)
        np.testing.assert_array_equal(read["月見"], model.embeddings["月見"])
    before = model.trained().grams.copy()
    model.set_params(learning_rate=1e-30, final_rate=0.0).partial_fit(SEASONS * 20)
    np.testing.assert_array_equal(model.trained().grams, before)
    model.loss(SEASONS)  # only measures
    np.testing.assert_array_equal(model.trained().grams, before)


def test_several_threads_learn_ngrams_too() -> None:
    model = fitted(ngrams=(1, 3), buckets=100, threads=2, epochs=10)
    assert model.similar("桜", 1)[0][0] == "梅"


@pytest.mark.parametrize("ngrams", [(3, 1), (0, 2), (1,), (1, 2, 3), "13"])
def test_ngrams_that_are_not_allowed(ngrams: object) -> None:
    with pytest.raises(ConfigurationError, match="ngrams"):
        fitted(ngrams=ngrams)


# What was learnt before


def test_after_an_error_the_model_is_what_it_was() -> None:
    model = fitted()
    model.metrics = {"a figure": "of its own"}
    before, words = model.trained().x.copy(), model.vocabulary.words
    with pytest.raises(DataError, match="no sentence holds two words"):
        model.partial_fit([["山"], ["川"]] * 9)
    with pytest.raises(TrainingError, match="nothing of it is kept"):
        model.set_params(learning_rate=1, final_rate=1, epochs=200).partial_fit(SEASONS * 5)
    with pytest.raises(ConfigurationError, match="dim"):
        model.set_params(learning_rate=0.1, final_rate=0, dim=-1).fit(SEASONS)
    model.set_params(dim=12)
    assert np.array_equal(model.trained().x, before)
    assert model.vocabulary.words == words
    assert model.metrics == {"a figure": "of its own"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"dim": 13}, "dim was 12 and is 13"),
        ({"hierarchical": True}, "hierarchical was False and is True"),
        ({"ngrams": (1, 2)}, r"ngrams was None and is \[1, 2\]"),
    ],
)
def test_what_was_learnt_cannot_go_on_in_another_form(
    change: dict[str, object], message: str, tmp_path: Path
) -> None:
    fitted().save(tmp_path / "kept")
    for model in (fitted(), Word2Vec.load(tmp_path / "kept")):
        model.set_params(**change)
        for use in (lambda m: m.partial_fit(SEASONS), lambda m: m.save(tmp_path / "changed")):
            with pytest.raises(ConfigurationError, match=message):
                use(model)
        assert not (tmp_path / "changed").exists()
        assert isinstance(model.fit(SEASONS * 9), Word2Vec)


def test_the_loss_held_out_is_that_of_the_weights_that_are_kept() -> None:
    seen: list[Epoch] = []
    model = Word2Vec(**(SMALL | {"epochs": 30, "learning_rate": 0.3}), min_count=1)  # type: ignore[arg-type]
    model.fit(
        SEASONS * 30,
        held_out=0.1,
        patience=1,
        report=lambda e: isinstance(e, Epoch) and seen.append(e),
    )
    losses = [epoch.held_out for epoch in seen if epoch.held_out is not None]
    assert len(seen) < 30
    assert model.held_out_loss == min(losses) < losses[-1]
    assert model.fit(SEASONS * 30).held_out_loss is None
