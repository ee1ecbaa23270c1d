"""Translator: learns a toy language, searches, scores, is saved, and names what is wrong."""

import copy
import json
import math
from functools import wraps
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from jpseq import Characters, MeCab, Model, SentencePiece, Translator, Whitespace
from jpseq.corpora.prepare import prepare
from jpseq.corpora.prepared import Prepared
from jpseq.errors import ConfigurationError, DataError, ModelError, NotFittedError
from jpseq.sequences import Ragged, framed
from jpseq.text.tokenizer import Tokenizer
from jpseq.translation.bitext import check_language
from jpseq.translation.translation import Translation
from jpseq.vectors import Embeddings

SUBJECTS = {"i": "私", "you": "君", "he": "彼", "she": "彼女", "we": "僕ら", "they": "彼ら"}
OBJECTS = {"fish": "魚", "rice": "飯", "bread": "パン", "fruit": "果物", "soup": "汁", "meat": "肉"}
VERBS = {"eat": "食べる", "see": "見る", "buy": "買う", "sell": "売る", "like": "好む"}
ALL = [
    (f"{s} {v} {o} .", f"{SUBJECTS[s]} は {OBJECTS[o]} を {VERBS[v]} 。")
    for s in SUBJECTS
    for v in VERBS
    for o in OBJECTS
]
UNSEEN = ALL[7::13]
SEEN = [pair for pair in ALL if pair not in UNSEEN]
TOKENS: dict[str, Any] = {
    "source_tokenizer": Whitespace(()),
    "target_tokenizer": Whitespace(()),
}
SMALL: dict[str, Any] = {
    **TOKENS,
    "embedding": 16,
    "hidden": 32,
    "dropout": 0.0,
    "learning_rate": 0.02,
    "epochs": 12,
    "batch_tokens": 120,
}


@pytest.fixture(scope="module")
def learnt() -> Translator:
    return Translator(**SMALL).fit(SEEN)


def test_unseen_sentences_of_a_toy_language_are_translated(learnt: Translator) -> None:
    bleu, chrf = learnt.score(UNSEEN, "toy")
    assert bleu.value > 95
    assert chrf.value > 95
    assert bleu.signature.startswith(
        "data:toy|beam:5|alpha:1|beta:0|sentences:14|nrefs:1|bs:1000|seed:12345|"
    )
    assert "tok:none" in bleu.signature
    assert "space:no" in chrf.signature
    assert learnt.translate(["they buy fish ."]) == ["彼らは魚を買う。"]


def test_attention_looks_where_the_word_comes_from(learnt: Translator) -> None:
    (best, *others) = learnt.translations(["she sell soup ."], beam=3)[0]
    assert best.words == ["彼女", "は", "汁", "を", "売る", "。"]
    assert best.source == ["she", "sell", "soup", "."]
    assert best.weights is not None
    assert best.weights.shape == (6, 4)
    np.testing.assert_allclose(best.weights.sum(axis=1), 1, atol=1e-5)
    assert len(others) == 2
    assert best.score >= others[0].score >= others[1].score


def test_a_batch_gives_what_single_texts_give(learnt: Translator) -> None:
    texts = ["i eat rice .", "", "he like", "they see meat . we see soup .", "."]
    together = learnt.translate(texts, beam=4)
    assert together == [learnt.translate([text], beam=4)[0] for text in texts]
    assert together[1] == ""
    assert learnt.translate([]) == []


def test_samples_come_back_with_their_seed(learnt: Translator) -> None:
    texts = ["i eat rice ."] * 20
    drawn = learnt.sample(texts, temperature=3.0, seed=1)
    assert drawn == learnt.sample(texts, temperature=3.0, seed=1)
    assert len(set(drawn)) > 1
    assert learnt.sample(texts, temperature=3.0, top_k=1) == learnt.translate(texts, beam=1)


def test_an_unknown_word_is_replaced_by_what_was_looked_at() -> None:
    """Rare words are unknown on both sides: a name is carried over."""
    pairs = [
        (source.replace(word, f"n{i}"), target.replace(SUBJECTS[word], f"ナ{i}"))
        for i, (source, target) in enumerate(SEEN)
        for word in source.split()[:1]
    ]
    model = Translator(**SMALL | {"min_count": 2}).fit(SEEN + pairs)
    assert model.translate(["zz eat fish ."], beam=1) == ["zzは魚を食べる。"]
    (kept,) = model.translations(["zz eat fish ."], replace_unknown=False)
    assert "zz" not in kept[0].words
    assert "<unk>" not in kept[0].words


def test_saved_and_loaded_it_translates_the_same(learnt: Translator, tmp_path: Path) -> None:
    texts = [source for source, _ in UNSEEN]
    learnt.save(tmp_path / "model")
    names = {file.name for file in (tmp_path / "model").iterdir()}
    assert names == {
        "README.md",
        "model.json",
        "source_vocabulary.json",
        "target_vocabulary.json",
        "weights.safetensors",
    }
    again = Model.load(tmp_path / "model")
    assert isinstance(again, Translator)
    assert again.get_params(deep=False).keys() == learnt.get_params(deep=False).keys()
    assert again.translate(texts) == learnt.translate(texts)


def test_a_damaged_folder_is_named(learnt: Translator, tmp_path: Path) -> None:
    learnt.save(tmp_path)
    weights = (tmp_path / "weights.safetensors").read_bytes()
    (tmp_path / "weights.safetensors").write_bytes(weights[:-9])
    with pytest.raises(ModelError, match=r"weights\.safetensors: cannot be read"):
        Translator.load(tmp_path)
    (tmp_path / "weights.safetensors").write_bytes(weights)
    description = json.loads((tmp_path / "model.json").read_text(encoding="utf-8"))
    description["parameters"]["attention"] = "none"
    (tmp_path / "model.json").write_text(json.dumps(description), encoding="utf-8")
    with pytest.raises(ModelError, match=r"attention: Input should be .*'additive'"):
        Translator.load(tmp_path)
    (tmp_path / "source_vocabulary.json").unlink()
    with pytest.raises(ModelError, match=r"source_vocabulary\.json: cannot be read"):
        Translator.load(tmp_path)


@pytest.mark.parametrize(
    "options",
    [
        {"attention": None, "cell": "gru"},
        {"attention": "dot", "tied": True},
        {"attention": "additive", "coverage": 1.0, "input_feeding": True},
        {"shared": True, "bidirectional": False, "layers": 2},
    ],
    ids=["plain", "tied", "coverage", "shared"],
)
def test_every_kind_learns_and_is_kept(options: dict[str, Any], tmp_path: Path) -> None:
    model = Translator(**SMALL | {"epochs": 1} | options).fit(SEEN[:60])
    assert model.completed
    model.save(tmp_path)
    texts = ["he eat fish .", "unheard words"]
    assert Translator.load(tmp_path).translate(texts) == model.translate(texts)
    has_weights = model.translations(texts)[0][0].weights is not None
    assert has_weights is (model.attention is not None)


def test_pieces_are_learnt_from_the_pairs_and_come_back_as_text(tmp_path: Path) -> None:
    pairs = [(source, target.replace(" ", "")) for source, target in SEEN]
    pieces = {f"{side}_tokenizer": SentencePiece(size=30) for side in ("source", "target")}
    model = Translator(**SMALL | pieces | {"epochs": 12}).fit(pairs)
    unseen = [(source, target.replace(" ", "")) for source, target in UNSEEN]
    bleu, _ = model.score(unseen)
    assert bleu.value > 80
    model.save(tmp_path)
    texts = [source for source, _ in unseen]
    assert Translator.load(tmp_path).translate(texts) == model.translate(texts)


def test_a_prepared_corpus_gives_what_its_texts_give(tmp_path: Path) -> None:
    for side, place in (("en", 0), ("ja", 1)):
        text = "".join(f"{pair[place]}\n" for pair in SEEN[:80])
        (tmp_path / f"{side}.txt").write_text(text, encoding="utf-8")
    prepare(
        tmp_path / "en.txt",
        tmp_path / "prepared",
        target=tmp_path / "ja.txt",
        tokenizer=Whitespace(()),
    )
    prepared = Prepared.load(tmp_path / "prepared")
    options = SMALL | {"epochs": 1}
    ours, theirs = Translator(**options).fit(SEEN[:80]), Translator(**options).fit(prepared)
    assert ours.vocabularies["source_vocabulary"].words == (
        theirs.vocabularies["source_vocabulary"].words
    )
    for a, b in zip(ours.network.parameters(), theirs.network.parameters(), strict=True):
        assert torch.equal(a, b)
    assert ours.perplexity(SEEN[:80]).nll == pytest.approx(theirs.perplexity(prepared).nll)
    with pytest.raises(ConfigurationError, match=r"source_tokenizer=prepared\.source\.tokenizer"):
        Translator(source_tokenizer=MeCab()).fit(prepared)


def test_held_out_pairs_choose_the_epoch() -> None:
    model = Translator(**SMALL | {"epochs": 3, "training": {"monitor": "bleu", "best": "highest"}})
    assert model.fit(SEEN, held_out=UNSEEN).completed


@pytest.mark.parametrize("frozen", [True, False])
def test_vectors_are_aligned_by_word_and_frozen_or_tuned(
    frozen: bool, caplog: pytest.LogCaptureFixture
) -> None:
    vectors = np.arange(48, dtype=np.float32).reshape(3, 16) / 48
    known = Embeddings(["fish", "nowhere", "i"], vectors)
    model = Translator(**SMALL | {"epochs": 1, "frozen": frozen})
    with caplog.at_level("INFO", logger="jpseq"):
        model.fit([("i fish", "私 魚"), ("you fish", "君 魚")], vectors={"source": known})
    assert "source vectors: 75.0% of the words have one" in caplog.text
    weight, id_of = model.network.encoder.embedding.weight.detach(), model.source_vocabulary.id
    assert np.array_equal(weight[id_of("fish")].numpy(), vectors[0]) is frozen
    np.testing.assert_allclose(weight[id_of("i")].numpy(), vectors[2], atol=0.1)


def test_vectors_of_another_size_or_side_are_named() -> None:
    vectors = Embeddings(["i"], np.ones((1, 5), np.float32))
    with pytest.raises(ConfigurationError, match="set embedding=5"):
        Translator(**SMALL).fit(SEEN, vectors={"target": vectors})
    with pytest.raises(ConfigurationError, match="sauce is no side"):
        Translator(**SMALL).fit(SEEN, vectors={"sauce": vectors})


def test_ensembles(learnt: Translator, tmp_path: Path) -> None:
    texts = [source for source, _ in UNSEEN]
    twice = learnt.together(learnt)
    assert twice.translate(texts) == learnt.translate(texts)
    other = Translator(**SMALL | {"seed": 1}).fit(SEEN)
    both = learnt.together(other)
    (one,), (two,), (mean,) = (
        model.translations(texts[:1], beam=1)[0] for model in (learnt, other, both)
    )
    assert mean.words == one.words == two.words
    # Of one sentence with equal words, each word's probability is the mean of both.
    assert min(one.log_p, two.log_p) <= mean.log_p <= max(one.log_p, two.log_p)
    assert mean.weights is not None
    assert one.weights is not None
    assert two.weights is not None
    np.testing.assert_allclose(mean.weights, (one.weights + two.weights) / 2, atol=1e-5)
    with pytest.raises(ConfigurationError, match="save its models"):
        both.save(tmp_path / "both")
    stranger = Translator(**SMALL | {"epochs": 1}).fit(SEEN[:30])
    with pytest.raises(ConfigurationError, match="differ in their source vocabulary"):
        learnt.together(stranger)
    with pytest.raises(ConfigurationError, match="take that of each of its models"):
        both.perplexity(UNSEEN)


@pytest.mark.parametrize("side", ["source", "target"])
def test_an_ensemble_cuts_in_one_way(learnt: Translator, side: str) -> None:
    other = copy.copy(learnt)
    setattr(other, f"{side}_tokenizer", Whitespace(("width",)))
    with pytest.raises(ConfigurationError, match=rf"{side} with .*'width'.*{side}_tokenizer="):
        learnt.together(other)


def test_comparing_two_models(learnt: Translator) -> None:
    worse = Translator(**SMALL | {"epochs": 1}).fit(SEEN)
    bleu, chrf = learnt.compare(worse, UNSEEN)
    assert bleu.value > bleu.baseline
    assert chrf.value > chrf.baseline
    assert bleu.p < 0.05
    same, _ = learnt.compare(learnt, UNSEEN)
    assert same.value == same.baseline
    assert same.p == 1


@pytest.mark.parametrize(
    ("ours", "theirs", "words"),
    [
        (MeCab(), Characters(), "mecab"),
        (Characters(), MeCab(), "characters"),
        (Characters(), Whitespace(()), "characters"),
        (Whitespace(()), MeCab(), "mecab"),  # what others write has no spaces to cut at
        (MeCab(), MeCab(), None),
        (Whitespace(()), Whitespace(()), None),
    ],
)
def test_two_perfect_translators_are_equal_however_they_cut(
    ours: Tokenizer, theirs: Tokenizer, words: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    targets = dict(UNSEEN)

    @wraps(Translator.translations)
    def translations(self: Translator, texts: list[str], **_: Any) -> list[list[Translation]]:
        found = []
        for text in texts:
            own = self._tokenizer("target").words(targets[text])
            (written,) = self._tokenizer("target").inverse_transform([own])
            found.append([Translation(written, own, text.split(), 0.0, 0.0, None)])
        return found

    monkeypatch.setattr(Translator, "translations", translations)
    one, two = Translator(target_tokenizer=ours), Translator(target_tokenizer=theirs)
    for figure in one.compare(two, UNSEEN, "toy"):
        assert (figure.value, figure.baseline, figure.p) == (pytest.approx(100), figure.value, 1)
        cut = f"|words:{words}" if words else ""
        start = f"data:toy|beam:5|alpha:1|beta:0{cut}|sentences:14|"
        assert figure.signature.startswith(start)


def test_signatures_name_what_changes_the_score(learnt: Translator) -> None:
    def signatures(model: Translator, **search: Any) -> set[str]:
        scores = model.score(UNSEEN, "toy", **search) + model.compare(
            learnt, UNSEEN, "toy", **search
        )
        return {score.signature.split("|sentences")[0] for score in scores}

    plain = "data:toy|beam:5|alpha:1|beta:0"
    assert signatures(learnt) == signatures(learnt, no_repeat=0, alpha=1) == {plain}
    named = "data:toy|beam:2|alpha:0.6|beta:0|max_length:9|no_repeat:1|replace_unknown:no"
    options = {"beam": 2, "alpha": 0.6, "max_length": 9, "no_repeat": 1, "replace_unknown": False}
    assert signatures(learnt, **options) == {named}
    assert signatures(learnt.together(learnt)) == {f"{plain}|models:2"}


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ([], "there are no pairs"),
        ([("a", "あ"), ("b", " ")], "pair 2: the target is empty"),
        ([("", "あ")], "pair 1: the source is empty"),
        ([("a", "あ", "ア")], "pair 1: two texts are wanted"),
        (["aあ"], "pair 1: two texts are wanted"),
        ([("猫がいる。", "猫がいる。")], "text 1 is Japanese, and 'en' is wanted"),
        ([("here is a cat", "here is a cat")], "text 1 has no Japanese letter, and 'ja' is wanted"),
        ([("a", "あ " * 101)], "no pair has at most 100 words"),
    ],
)
def test_pairs_that_are_none_are_named(pairs: list[Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        Translator(**SMALL).fit(pairs)


def test_the_other_direction_is_named(learnt: Translator) -> None:
    with pytest.raises(DataError, match=r"text 2 is Japanese.*en → ja.*the other direction"):
        learnt.translate(["i eat fish .", "私は魚を食べる。"])
    with pytest.raises(DataError, match="no Japanese letter"):
        learnt.score([("i eat fish .", "he eats good fish .")])


@pytest.mark.parametrize(
    ("text", "language", "sound"),
    [
        ("NHK", "ja", True),
        ("New York Times", "ja", False),
        ("123 !", "ja", True),
        ("the word 猫 means cat", "en", True),
        ("猫", "en", False),
        ("Mr. 田中太郎 came", "en", True),  # four kanji, and seven letters
        ("Windows は便利だ。", "en", True),
        ("Linux は便利だと思う。", "en", False),
        ("東京都庁", "ja", True),
        ("他在北京大学学习。", "zh", True),
        ("日语的“食べる”是吃的意思。", "zh", True),
        ("彼は北京大学で学ぶ。", "zh", False),
        ("彼女は図書館で本を読んでいる。", "zh", False),
        ("約翰・史密斯", "zh", True),  # the dot is no kana
        ("猫がいる。", "ko", False),
        ("고양이가 있다", "ko", True),
        ("", "en", True),
    ],
)
def test_languages_by_their_letters(text: str, language: str, sound: bool) -> None:
    if sound:
        check_language([text], language, "")
        return
    with pytest.raises(DataError):
        check_language([text], language, "")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hidden": 5, "cell": "gur"}, "cell: .*hidden: "),
        ({"attention": None, "input_feeding": True}, "need attention"),
        ({"coverage": 1.0}, 'set attention="additive"'),
        ({"training": {"epochs": 3}}, "as a parameter of the translator itself"),
        ({"training": {"patients": 3}}, "Did you mean 'patience'"),
        ({"source": "English"}, "source: "),
    ],
)
def test_what_cannot_be_is_named_before_training(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        Translator(**SMALL | options).fit(SEEN)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"beam": 0}, "beam: .*greater than or equal to 1, got 0"),
        ({"no_repeat": -1}, "no_repeat: .*greater than or equal to 0, got -1"),
        ({"min_length": -1, "max_length": 0}, "max_length: .*min_length: "),
        ({"alpha": math.nan}, "alpha: .*got nan"),
    ],
)
def test_a_search_that_cannot_be_is_named(
    learnt: Translator, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        learnt.translate(["i eat fish ."], **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"temperature": math.nan}, "temperature: .*got nan"),
        ({"temperature": math.inf}, "temperature: .*finite number, got inf"),
        ({"temperature": -1.0}, "temperature: .*greater than or equal to 0, got -1.0"),
        ({"top_k": 0, "top_p": 0.0}, "top_k: .*top_p: .*greater than 0"),
    ],
)
def test_a_draw_that_cannot_be_is_named(
    learnt: Translator, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        learnt.sample(["i eat fish ."], **options)


def test_nothing_learnt_and_nothing_to_translate(learnt: Translator) -> None:
    with pytest.raises(NotFittedError, match="Translator has learnt nothing"):
        Translator().translate(["x"])
    with pytest.raises(DataError, match="put it in a list"):
        learnt.translate("i eat fish .")  # type: ignore[arg-type]


def test_frames_of_views() -> None:
    rows = Ragged.from_sequences([[9], [5, 6], [], [7]])
    assert framed(rows[1:], 1, 2).tolist() == [[1, 5, 6, 2], [1, 2], [1, 7, 2]]
