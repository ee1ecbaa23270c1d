"""SentencePiece: spans, the way back, learning, drawing, files."""

import math
import pickle
from collections import Counter
from functools import cache
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jpseq import Normalizer, Pipeline, SentencePiece, Tokens, Vocabulary
from jpseq.errors import ConfigurationError, DataError, NotFittedError
from jpseq.text.piece_model import PieceModel
from jpseq.text.sampling import drop_merges, sample_unigram

JAPANESE = [
    *"はのでとが、　。",
    "早朝",
    "夕方",
    "駅前",
    "パン屋",
    "図書館",
    "株式会社",
    "学生",
    "静か",
]
ENGLISH = ["The", "morning", "evening", "station", "bakery", "library", "is", "in", "quiet", "the"]
_random = Random(3)
# Words in any order, so that words are learnt and not whole sentences.
TEXTS = ["".join(_random.choices(JAPANESE, k=12)) for _ in range(150)] + [
    " ".join(_random.choices(ENGLISH, k=8)) + "." for _ in range(80)
]
KINDS: dict[str, dict[str, Any]] = {
    "unigram": {"size": 100},
    "bpe": {"size": 100, "model": "bpe"},
    "bytes": {"size": 360, "byte_fallback": True},
    "bpe with bytes": {"size": 360, "model": "bpe", "byte_fallback": True},
    "identity": {"size": 100, "identity": True},
    "identity with bytes": {"size": 360, "identity": True, "byte_fallback": True},
    "as it is": {"size": 100, "rules": ()},
    "drawn": {"size": 100, "alpha": 0.3},
    "drawn of the best": {"size": 100, "alpha": 0.3, "nbest": 8},
    "dropped": {"size": 100, "model": "bpe", "alpha": 0.3},
    "drawn words with bytes": {"size": 360, "identity": True, "byte_fallback": True, "alpha": 0.5},
}

# What is near to breaking it is frequent: markers, spaces, expansions, things that look like bytes.
odd = st.sampled_from(
    ["▁", "▁▁", " ", "  ", "\u3000", "\n", "\t", "\x00", "\ud800", "\u200b", "か\u3099", "ーーー"]
)
odd = odd | st.sampled_from(
    ["<unk>", "<0xE2>", "<0x41>", "㍿", "ﾊﾟﾝ", "龘", "😀", "▅", "駅前", "morning"]
)
texts = st.one_of(st.text(), st.lists(st.one_of(odd, st.text(max_size=3))).map("".join))


@cache
def fitted(kind: str) -> SentencePiece:
    return SentencePiece(**KINDS[kind]).fit(TEXTS)


@pytest.mark.parametrize("kind", KINDS)
@given(text=texts)
def test_each_character_lies_in_one_piece(kind: str, text: str) -> None:
    tokenizer = fitted(kind)
    tokens = tokenizer.tokenize(text)
    assert tokens.rebuild() == tokens.text == text
    assert all(start <= end for start, end in zip(tokens.start, tokens.end, strict=True))
    assert all(end <= start for end, start in zip(tokens.end, tokens.start[1:], strict=False))
    assert all(form and " " not in form for form in tokens.form)
    for gap in tokens.gaps:
        assert tokenizer.identity or not Normalizer(tokenizer.rules)(gap)
        assert not gap.replace("\x00", " ").strip() or not Normalizer()(gap).strip()
    assert tokenizer.words(text) == tokens.form == tokenizer.transform([text])[0].form


@pytest.mark.parametrize("kind", KINDS)
@given(text=texts)
def test_the_way_back_is_exact(kind: str, text: str) -> None:
    tokenizer = fitted(kind)
    normal = Normalizer(() if tokenizer.identity else tokenizer.rules)(text)
    if tokenizer.identity:
        normal = " ".join(normal.split())
    tokens = tokenizer.transform([text])
    assert tokenizer.inverse_transform(tokens) == [normal]
    assert tokenizer.inverse_transform([tokens[0].form]) == [normal]


@given(texts)
def test_ids_of_bytes_lose_no_character(text: str) -> None:
    tokenizer = fitted("bytes")
    vocabulary = Vocabulary(specials=(*tokenizer.pieces, "▁▁")).fit([])
    ids = vocabulary.transform(tokenizer.transform([text]))
    assert tokenizer.inverse_transform(vocabulary.inverse_transform(ids)) == [Normalizer()(text)]


def test_a_space_is_part_of_the_piece_that_it_begins() -> None:
    tokens = fitted("unigram").tokenize("朝の  morning")
    assert "".join(tokens.form) == "朝の▁▁morning"
    assert "".join(tokens.surface) == "朝の  morning"
    assert set(tokens.gaps) == {""}


def test_the_second_piece_of_one_character_is_empty() -> None:
    tokens = fitted("unigram").tokenize("㍿の")
    assert "".join(tokens.form) == "株式会社の"
    assert tokens.surface[0] == "㍿"
    assert "".join(tokens.surface) == "㍿の"


def test_unknown_characters_stand_alone() -> None:
    tokens = fitted("unigram").tokenize("朝の龘驫")
    assert list(zip(tokens.form, tokens.known, strict=True))[-2:] == [
        ("龘", False),
        ("驫", False),
    ]
    assert tokens.known[0]


def test_the_first_byte_holds_the_character() -> None:
    tokens = fitted("bytes").tokenize("駅龘")
    assert tokens.form[-3:] == ["<0xE9>", "<0xBE>", "<0x98>"]
    assert tokens.surface[-3:] == ["龘", "", ""]


def test_bytes_that_are_no_character_do_not_stop_the_way_back() -> None:
    assert fitted("bytes").inverse_transform([["<0xE9>", "<0xBE>", "朝"]]) == ["�朝"]


def test_what_looks_like_a_byte_is_text_where_there_are_no_bytes() -> None:
    tokenizer = SentencePiece(size=11, model="bpe").fit(["<0xE2>"] * 9)
    assert tokenizer.inverse_transform([["<0xE2>"]]) == ["<0xE2>"]


@pytest.mark.parametrize("kind", ["identity", "drawn words with bytes"])
@given(words=st.lists(st.text(min_size=1).filter(lambda word: word == "".join(word.split()))))
def test_words_come_back_and_no_piece_crosses_them(kind: str, words: list[str]) -> None:
    words = [word for word in words if not set(word) & {"\x00"} and word.isprintable()]
    tokenizer = fitted(kind)
    tokens = tokenizer.tokenize(" ".join(words))
    assert tokenizer.inverse_transform([tokens])[0].split(" ") == (words or [""])
    assert not any(" " in surface for surface in tokens.surface)
    first = [form for form in tokens.form if form.startswith("▁") and form != "▁▁"]
    assert len(first) == len(words)


def test_identity_does_not_normalise() -> None:
    tokens = fitted("identity").tokenize("ﾊﾟﾝ ㍿ すごーーい")
    assert "".join(tokens.form) == "▁ﾊﾟﾝ▁㍿▁すごーーい"
    assert tokens.surface == [form.removeprefix("▁") for form in tokens.form]


@pytest.mark.parametrize("model", ["unigram", "bpe"])
def test_a_pipeline_with_a_vocabulary_goes_both_ways(model: str, tmp_path: Path) -> None:
    tokenizer = SentencePiece(size=100, model=model)
    pipeline = Pipeline([tokenizer, Vocabulary(specials=("<unk>",))])
    ids = pipeline.fit_transform(TEXTS)
    assert pipeline.inverse_transform(ids) == [Normalizer()(text) for text in TEXTS]
    pipeline.save(tmp_path / "pipeline")
    assert (tmp_path / "pipeline" / "0-tokenizer" / "sentencepiece.model").is_file()
    again = Pipeline.load(tmp_path / "pipeline")
    assert again.transform(TEXTS).tolist() == ids.tolist()
    assert again.inverse_transform(ids) == pipeline.inverse_transform(ids)


def test_a_vocabulary_of_the_pieces_has_the_models_ids() -> None:
    tokenizer = fitted("unigram")
    vocabulary = Vocabulary(specials=tokenizer.pieces).fit([])
    assert len(vocabulary) == 100
    assert vocabulary.id("龘") == 0
    assert [vocabulary.id(piece) for piece in tokenizer.pieces] == list(range(100))


@pytest.mark.parametrize("kind", ["unigram", "bpe", "identity", "bytes"])
def test_the_same_texts_give_the_same_model(kind: str) -> None:
    assert SentencePiece(**KINDS[kind]).fit(iter(TEXTS)).model_ == fitted(kind).model_
    assert len(fitted(kind).pieces) == KINDS[kind]["size"]


def test_learning_is_quiet(capfd: pytest.CaptureFixture[str]) -> None:
    SentencePiece(size=100).fit(TEXTS)
    with pytest.raises(ConfigurationError):
        SentencePiece(size=9999).fit(TEXTS)
    assert capfd.readouterr() == ("", "")


def test_long_paragraphs_and_the_trainers_own_marks_are_learnt_from() -> None:
    long = "朝の駅前は静かだ。" * 500
    assert "朝の駅前" in "".join(SentencePiece(size=14).fit([long]).words("朝の駅前"))
    assert SentencePiece(size=6).fit(["▅朝の▁駅前\t"] * 9).tokenize("朝の駅前").known == [True] * 4


@pytest.mark.parametrize("model", ["unigram", "bpe"])
def test_the_largest_size_that_the_error_names_is_possible(model: str) -> None:
    with pytest.raises(ConfigurationError, match=r"size=\d+ is the largest") as caught:
        SentencePiece(size=5000, model=model).fit(TEXTS)
    size = int(str(caught.value).partition("size=")[2].partition(" ")[0])
    assert len(SentencePiece(size=size, model=model).fit(TEXTS).pieces) == size
    with pytest.raises(ConfigurationError):
        SentencePiece(size=size + 1, model=model).fit(TEXTS)


def test_a_size_below_the_number_of_characters_is_explained() -> None:
    with pytest.raises(ConfigurationError, match=r"must be \d+ at least"):
        SentencePiece(size=10).fit(TEXTS)


@pytest.mark.parametrize("rows", [[], ["", ""], ["▁"]])
def test_nothing_to_learn_from(rows: list[str]) -> None:
    with pytest.raises(DataError, match="no text to learn"):
        SentencePiece().fit(rows)


def test_errors_in_the_rows_arrive_as_they_are() -> None:
    with pytest.raises(DataError, match="got int"):
        SentencePiece().fit(["朝", 3])  # type: ignore[list-item]
    with pytest.raises(DataError, match="list of texts"):
        SentencePiece().fit("朝")
    with pytest.raises(ZeroDivisionError):
        SentencePiece().fit(str(1 // i) for i in (1, 0))
    with pytest.raises(DataError, match="row of pieces"):
        fitted("unigram").inverse_transform("朝")


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"model": "unigramm"}, "Did you mean 'unigram'"),
        ({"size": 1}, "size is at least 2"),
        ({"coverage": 1.5}, "coverage"),
        ({"alpha": 2.0}, "alpha"),
        ({"alpha": math.nan}, "alpha"),
        ({"nbest": 1}, "nbest"),
        ({"nbest": 8, "model": "bpe"}, "nbest"),
        ({"identity": True, "rules": ["width"]}, "identity normalises nothing"),
        ({"size": 0, "coverage": 0}, "size is .* coverage"),
        ({"size": "9", "seed": 0.5}, "size: .* integer, got '9'. seed: .* integer, got 0.5."),
    ],
)
def test_wrong_parameters_are_all_named(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        SentencePiece(**parameters).fit(TEXTS)


def test_parameters_set_later_are_checked_too() -> None:
    tokenizer = SentencePiece(size=100).fit(TEXTS)
    tokenizer.words("朝")
    with pytest.raises(ConfigurationError, match="alpha"):
        tokenizer.set_params(alpha=-1).words("朝")


@pytest.mark.parametrize(
    "use",
    [
        lambda new: new.tokenize("朝"),
        lambda new: new.words(""),
        lambda new: new.transform(["朝"]),
        lambda new: new.inverse_transform([["朝"]]),
        lambda new: new.pieces,
        lambda new: new.save_state(Path()),
    ],
)
def test_use_before_fit(use: Any) -> None:
    with pytest.raises(NotFittedError, match="fit"):
        use(SentencePiece())


def test_pickle_and_clone() -> None:
    tokenizer = fitted("bpe")
    again = pickle.loads(pickle.dumps(tokenizer))
    assert again.words(TEXTS[0]) == tokenizer.words(TEXTS[0])
    new = tokenizer.clone()
    assert new.get_params() == tokenizer.get_params()
    with pytest.raises(NotFittedError):
        new.words("朝")
    assert repr(new) == "SentencePiece(size=100, model='bpe')"


def test_scikit_learn_clones_it_and_chooses_its_size() -> None:
    base = pytest.importorskip("sklearn.base")
    pipeline = pytest.importorskip("sklearn.pipeline").Pipeline
    assert base.clone(fitted("bpe")).get_params() == fitted("bpe").get_params()
    both = pipeline([("pieces", SentencePiece()), ("ids", Vocabulary())])
    both.set_params(pieces__size=95)
    assert len(both.fit_transform(TEXTS)) == len(TEXTS)


def test_damaged_files_are_named(tmp_path: Path) -> None:
    path = tmp_path / "sentencepiece.model"
    with pytest.raises(DataError, match=r"sentencepiece\.model: cannot be read"):
        SentencePiece().load_state(tmp_path)
    for content in (b"", b"nonsense", fitted("bpe").model_[:50]):
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"sentencepiece\.model: not a model"):
            SentencePiece().load_state(tmp_path)


def test_a_model_that_changes_the_text_is_refused(tmp_path: Path) -> None:
    import io

    import sentencepiece

    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TEXTS), model_writer=model, vocab_size=100, minloglevel=2
    )
    (tmp_path / "sentencepiece.model").write_bytes(model.getvalue())
    with pytest.raises(DataError, match="normalises the text"):
        SentencePiece().load_state(tmp_path)


# Subword regularisation


@pytest.mark.parametrize("kind", ["drawn", "drawn of the best", "dropped"])
def test_drawing_depends_on_text_and_seed_alone(kind: str) -> None:
    tokenizer = SentencePiece(**KINDS[kind]).fit(TEXTS)
    forward = [tokens.form for tokens in tokenizer.transform(TEXTS)]
    backward = [tokens.form for tokens in tokenizer.transform(TEXTS[::-1])]
    assert forward == backward[::-1]
    epochs = {str(tokenizer.set_params(seed=seed).words(TEXTS[-1])) for seed in range(20)}
    assert len(epochs) > 3
    best = tokenizer.set_params(alpha=None, nbest=None).words(TEXTS[-1])
    assert best == fitted("bpe" if kind == "dropped" else "unigram").words(TEXTS[-1])


def test_a_word_that_comes_twice_may_be_cut_in_two_ways() -> None:
    tokenizer = SentencePiece(size=100, identity=True, alpha=0.05).fit(TEXTS)
    cuts = " ".join(tokenizer.words("morning " * 20)).split(" ▁")
    assert len({cut.removeprefix("▁") for cut in cuts}) > 1


def test_segmentations_are_drawn_by_their_probability() -> None:
    scores = {"a": math.log(0.3), "b": math.log(0.2), "ab": math.log(0.4), "ba": math.log(0.1)}
    # All segmentations of aba: a|b|a 0.3·0.2·0.3, ab|a 0.4·0.3, a|ba 0.3·0.1
    weights = {"a|b|a": 0.018, "ab|a": 0.12, "a|ba": 0.03}
    for alpha in (0.0, 0.5, 1.0):
        random = Random(1)
        drawn = Counter(
            "|".join(sample_unigram("aba", scores, 2, alpha, random)) for _ in range(4000)
        )
        total = sum(weight**alpha for weight in weights.values())
        for cut, weight in weights.items():
            assert drawn[cut] / 4000 == pytest.approx(weight**alpha / total, abs=0.03)


@given(st.text(alphabet="朝の駅前パン屋morning▁龘", max_size=40), st.integers())
def test_drawn_pieces_are_the_text(text: str, seed: int) -> None:
    for kind in ("unigram", "bpe"):
        scores = PieceModel(fitted(kind).model_).scores
        drawn = sample_unigram(text, scores, 16, 0.2, Random(seed))
        dropped = drop_merges(text, scores, 0.5, Random(seed))
        for pieces in (drawn, dropped):
            assert "".join(pieces) == text
            assert all(piece in scores or len(piece) == 1 for piece in pieces)
    assert drop_merges(text, scores, 1.0, Random(seed)) == list(text)


@pytest.mark.parametrize("text", TEXTS)
def test_nothing_dropped_is_plain_byte_pair_encoding(text: str) -> None:
    model = PieceModel(fitted("bpe").model_)
    normal = Normalizer()(text)
    marked = normal.replace(" ", "▁")
    assert drop_merges(marked, model.scores, 0.0, Random(0)) == model.best(normal)


def test_dropout_leaves_out_about_its_share_of_merges() -> None:
    random = Random(2)
    drawn = [drop_merges("ab", {"a": -1, "b": -2, "ab": 0}, 0.25, random) for _ in range(4000)]
    assert drawn.count(["a", "b"]) / 4000 == pytest.approx(0.25, abs=0.03)


# Real text


@pytest.mark.parametrize("model", ["unigram", "bpe"])
def test_encyclopaedia_and_literature_come_back(model: str, corpora: Path) -> None:
    contexts = corpora / "wiki_qa_contexts" / "jsquad_contexts.txt"
    texts = contexts.read_text(encoding="utf-8").splitlines()
    tokenizer = SentencePiece(size=4000, model=model).fit(texts)
    with (corpora / "aozora" / "aozora.txt").open(encoding="utf-8") as lines:
        texts += [line.rstrip("\n") for line, _ in zip(lines, range(3000), strict=False)]
    normalizer = Normalizer()
    tokens: Tokens
    for text, tokens in zip(texts, tokenizer.transform(texts), strict=True):
        assert tokens.rebuild() == text
        assert all(a <= b for a, b in pairwise(tokens.start))
        assert not any(map(normalizer, tokens.gaps))
        assert tokenizer.inverse_transform([tokens]) == [normalizer(text)]
