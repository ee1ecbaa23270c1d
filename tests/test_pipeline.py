"""Stages: their parameters, jpseq's Pipeline, and the scikit-learn contract."""

import json
import pickle
from collections.abc import Iterable
from operator import attrgetter
from pathlib import Path
from typing import ClassVar

import pytest
from sklearn.base import clone
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, PredefinedSplit
from sklearn.pipeline import Pipeline as SklearnPipeline

from jpseq import Characters, MeCab, Pipeline, Stage, Tokens, Vocabulary, Whitespace
from jpseq.errors import ConfigurationError, DataError, NotFittedError, PluginError

TEXTS = ["私は日本人です", "日本の人"]


class Reversed(Stage):
    """Tokens the other way round, for pipelines of three."""

    kind: ClassVar[str] = "order"
    name: ClassVar[str] = "reversed"
    takes: ClassVar[str] = "tokens"
    gives: ClassVar[str] = "tokens"

    def __init__(self, active: bool = True) -> None:
        self.active = active

    def transform(self, rows: Iterable[Tokens]) -> list[list[str]]:
        return [row.form[::-1] if self.active else row.form for row in rows]


# Parameters


def test_parameters_are_the_constructors_arguments() -> None:
    assert MeCab(lemma=True).get_params() == {
        "dictionary": None,
        "user_dictionary": None,
        "lemma": True,
        "pos": (),
        "rules": None,
    }
    assert repr(MeCab(lemma=True, pos=("名詞",))) == "MeCab(lemma=True, pos=('名詞',))"
    assert repr(MeCab()) == "MeCab()"


def test_set_params_changes_what_is_done_next() -> None:
    tokenizer = MeCab()
    assert tokenizer.words("寿司を食べたーー") == ["寿司", "を", "食べ", "たー"]
    assert tokenizer.set_params(lemma=True, pos=("動詞",)) is tokenizer
    assert tokenizer.words("寿司を食べた") == ["食べる"]
    assert Characters().set_params(rules=()).words("Ａ") == ["Ａ"]


class Twice(Reversed):
    """A stage that holds another."""

    def __init__(self, inner: Reversed) -> None:
        self.inner = inner


def test_parameters_of_a_part_are_reached_and_cloned() -> None:
    stage = Twice(Reversed())
    assert stage.get_params() == {"inner": stage.inner, "inner__active": True}
    assert stage.get_params(deep=False) == {"inner": stage.inner}
    for copy in (stage.clone(), clone(stage)):
        copy.set_params(inner__active=False)
        assert copy.inner.active is False
        assert stage.inner.active is True


def test_a_misspelt_parameter_gets_a_suggestion() -> None:
    with pytest.raises(ConfigurationError, match=r"MeCab has no parameter 'lema'. Did you mean"):
        MeCab().set_params(lema=True)


def test_a_stage_without_a_way_back_says_so() -> None:
    with pytest.raises(ConfigurationError, match="Reversed has no way back"):
        Reversed().inverse_transform([])


def test_one_text_instead_of_a_list_is_refused() -> None:
    with pytest.raises(DataError, match=r"put it in a list: \[text\]"):
        MeCab().transform("夜の空")
    with pytest.raises(DataError, match=r"a text \(str\) is wanted, got NoneType"):
        MeCab().transform([None])  # type: ignore[list-item]


# Pipeline


def test_a_pipeline_goes_from_text_to_ids_and_back() -> None:
    pipeline = Pipeline([MeCab(), Vocabulary()])
    assert (pipeline.takes, pipeline.gives) == ("text", "ids")
    ids = pipeline.fit_transform(TEXTS)
    assert ids.tolist() == [[2, 3, 0, 1, 4], [0, 5, 1]]
    assert pipeline.transform(TEXTS).tolist() == ids.tolist()
    assert pipeline.inverse_transform(ids) == TEXTS


def test_each_stage_is_fitted_on_what_the_ones_before_it_make() -> None:
    rows = (text for text in ["夜空", "海"])  # can be read once only
    pipeline = Pipeline([Characters(), Reversed(), Vocabulary()]).fit(rows)
    assert pipeline.stages[-1].words == ("空", "夜", "海")
    assert pipeline.transform(["夜空"]).tolist() == [[0, 1]]


def test_neighbours_that_do_not_fit_name_the_stage_to_put_between() -> None:
    with pytest.raises(ConfigurationError) as caught:
        Pipeline([Vocabulary(), MeCab()])
    assert str(caught.value) == (
        "Stage 1 (Vocabulary) gives ids, but stage 2 (MeCab) takes text."
        " No installed stage leads from one to the other."
    )
    with pytest.raises(
        ConfigurationError, match=r"gives tokens, but stage 3.*Put a vocabulary .*such as Vocab"
    ):
        Pipeline([MeCab(), Reversed(), _Ids()])


class _Ids(Reversed):
    takes: ClassVar[str] = "ids"


@pytest.mark.parametrize(
    ("stages", "problem"),
    [
        ([], "needs at least one stage"),
        ([MeCab], "Stage 1 of the pipeline is no stage: .*Put brackets after the name"),
        ([MeCab(), "words"], "Stage 2 of the pipeline is no stage: 'words'"),
    ],
)
def test_what_is_no_pipeline_is_refused_when_it_is_built(stages: list, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        Pipeline(stages)


def test_parameters_of_stages_go_by_their_kind() -> None:
    tokenizer, vocabulary = MeCab(), Vocabulary(min_count=2)
    pipeline = Pipeline([tokenizer, vocabulary])
    params = pipeline.get_params()
    assert params["tokenizer"] is tokenizer
    assert params["tokenizer__lemma"] is False
    assert params["vocabulary__min_count"] == 2
    pipeline.set_params(tokenizer__lemma=True, vocabulary__min_count=1)
    assert tokenizer.lemma is True
    assert vocabulary.min_count == 1
    assert pipeline.get_params(deep=False) == {"stages": [tokenizer, vocabulary]}


def test_a_stage_can_be_exchanged_and_is_checked_again() -> None:
    pipeline = Pipeline([MeCab(), Vocabulary()]).set_params(tokenizer=Whitespace())
    assert repr(pipeline) == "Pipeline(stages=[Whitespace(), Vocabulary()])"
    with pytest.raises(ConfigurationError, match="gives ids, but stage 2"):
        pipeline.set_params(tokenizer=Vocabulary())
    pipeline = Pipeline([MeCab(), Vocabulary()])
    with pytest.raises(ConfigurationError, match="takes text"):
        pipeline.set_params(stages=[Vocabulary(), MeCab()])
    with pytest.raises(ConfigurationError, match=r"no parameter 'tokeniser'. Did you mean"):
        pipeline.set_params(tokeniser=MeCab())
    with pytest.raises(ConfigurationError, match=r"MeCab has no parameter 'lema'"):
        Pipeline([MeCab()]).set_params(tokenizer__lema=True)


def test_of_two_stages_of_a_kind_the_first_answers_to_it() -> None:
    pipeline = Pipeline([MeCab(), Reversed(), Reversed(active=False)])
    assert pipeline.get_params()["order__active"] is True
    pipeline.set_params(order__active=False)
    assert [stage.active for stage in pipeline.stages[1:]] == [False, False]
    assert pipeline.get_params()["order__active"] is False


def test_a_clone_shares_no_stage_and_has_learnt_nothing() -> None:
    pipeline = Pipeline([MeCab(lemma=True), Vocabulary()]).fit(TEXTS)
    copy = pipeline.clone()
    assert repr(copy) == repr(pipeline)
    assert not {id(stage) for stage in copy.stages} & {id(stage) for stage in pipeline.stages}
    with pytest.raises(NotFittedError):
        copy.transform(TEXTS)


def test_a_saved_pipeline_comes_back(tmp_path: Path) -> None:
    pipeline = Pipeline([MeCab(lemma=True), Vocabulary(specials=("<unk>",))]).fit(TEXTS)
    pipeline.save(tmp_path / "words")
    pipeline.save(tmp_path / "words")  # a former one is replaced
    assert sorted(path.name for path in tmp_path.rglob("*")) == [
        "0-tokenizer",
        "1-vocabulary",
        "pipeline.json",
        "vocabulary.json",
        "words",
    ]
    loaded = Pipeline.load(tmp_path / "words")
    assert loaded.get_params()["tokenizer__lemma"] is True
    assert loaded.transform([*TEXTS, "海"]).tolist() == pipeline.transform([*TEXTS, "海"]).tolist()


def test_a_pipeline_is_not_written_over_other_files(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("拝啓")
    with pytest.raises(DataError, match=r"holds other files \(and no pipeline.json\)"):
        Pipeline([MeCab()]).save(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


@pytest.mark.parametrize(
    ("content", "error", "problem"),
    [
        (None, DataError, "No such file"),
        ("{", DataError, "damaged"),
        ({"version": 2}, DataError, "not a pipeline of format 1"),
        ({"version": 1}, DataError, "damaged"),
        ({"version": 1, "stages": []}, DataError, "damaged"),
        ({"version": 1, "stages": [{"kind": "tokenizer"}]}, DataError, "stage 1 cannot be built"),
        (
            {"version": 1, "stages": [{"kind": "tokenizer", "name": "mecab", "params": {"x": 1}}]},
            DataError,
            "stage 1 cannot be built",
        ),
        (
            {"version": 1, "stages": [{"kind": "tokenizer", "name": "mecap", "params": {}}]},
            PluginError,
            "Did you mean 'mecab'",
        ),
    ],
)
def test_a_damaged_pipeline_is_explained(
    content: object, error: type[Exception], problem: str, tmp_path: Path
) -> None:
    if content is not None:
        text = content if isinstance(content, str) else json.dumps(content)
        (tmp_path / "pipeline.json").write_text(text)
    with pytest.raises(error, match=problem):
        Pipeline.load(tmp_path)


# scikit-learn

STAGES = [
    MeCab(lemma=True, pos=("名詞",), rules=["nfkc"]),
    Characters(rules=()),
    Whitespace(),
    Vocabulary(specials=("<unk>",), min_count=2, max_size=7),
    Pipeline([MeCab(lemma=True), Vocabulary(specials=["<unk>"])]),
]


@pytest.mark.parametrize("stage", STAGES, ids=repr)
def test_sklearn_clones_every_stage(stage: Stage) -> None:
    copy = clone(stage)
    assert copy is not stage
    assert type(copy) is type(stage)
    assert repr(copy) == repr(stage)


@pytest.mark.parametrize("stage", STAGES, ids=repr)
def test_every_stage_can_be_pickled_for_parallel_work(stage: Stage) -> None:
    texts = ["夜の空", "夜の海"]
    rows = texts if stage.takes == "text" else [list(text) for text in texts]
    before = stage.clone().fit(rows)
    expected = before.transform(rows)  # starts what cannot be pickled
    found = pickle.loads(pickle.dumps(before)).transform(rows)
    assert [list(row) for row in found] == [list(row) for row in expected]


# Two verbs in six inflections; half of a pair, in a form that no other pair holds, is told apart by
# its dictionary form alone.
SENTENCES = ["飲む", "読む", "飲んだ", "読んだ", "飲まない", "読まない", "飲もう", "読もう"]
SENTENCES += ["飲めば", "読めば", "飲みます", "読みます"]
VERBS = ["drink", "read"] * 6


def classifier(**params: object) -> SklearnPipeline:
    steps = [
        ("tokenizer", MeCab(**params)),
        ("tfidf", TfidfVectorizer(analyzer=attrgetter("form"))),
        ("classifier", LogisticRegression()),
    ]
    return SklearnPipeline(steps)


def test_a_tokenizer_is_the_first_step_of_an_sklearn_pipeline() -> None:
    model = classifier(lemma=True).fit(SENTENCES, VERBS)
    assert model.predict(["読みたい", "飲んで"]).tolist() == ["read", "drink"]
    words = model.named_steps["tfidf"].get_feature_names_out()
    assert {"飲む", "読む"} < {*words}


def test_grid_search_finds_a_tokenizers_parameter_from_raw_text() -> None:
    held_out = PredefinedSplit([pair for pair in range(6) for _ in range(2)])
    search = GridSearchCV(classifier(), {"tokenizer__lemma": [False, True]}, cv=held_out)
    search.fit(SENTENCES, VERBS)
    assert search.best_params_ == {"tokenizer__lemma": True}
    assert search.cv_results_["mean_test_score"].tolist() == [0.5, 1.0]
    assert search.predict(["読みたい"]).tolist() == ["read"]


def test_grid_search_reaches_through_a_jpseq_pipeline() -> None:
    ids = Pipeline([MeCab(), Vocabulary(specials=("<unk>",))])
    steps = [("ids", ids), ("tfidf", TfidfVectorizer(analyzer=list)), ("c", LogisticRegression())]
    held_out = PredefinedSplit([pair for pair in range(6) for _ in range(2)])
    search = GridSearchCV(
        SklearnPipeline(steps), {"ids__tokenizer__lemma": [False, True]}, cv=held_out
    )
    search.fit(SENTENCES, VERBS)
    assert search.cv_results_["mean_test_score"].tolist() == [0.5, 1.0]
