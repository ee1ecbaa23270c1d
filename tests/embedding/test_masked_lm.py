"""MaskedLM: fills an obvious pattern, is saved, goes on bit for bit, and names what is wrong."""

import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from jpseq import MaskedLM, MeCab, Model, SentencePiece, Whitespace
from jpseq.batch import Batch
from jpseq.corpora.prepare import prepare
from jpseq.corpora.prepared import Prepared
from jpseq.embedding.excerpts import Excerpts, MaskedStream, framed_batch, inner_places
from jpseq.embedding.masking import FIRST, SPECIALS, Masking
from jpseq.embedding.spelling import spell
from jpseq.errors import ConfigurationError, DataError, ModelError, NotFittedError
from jpseq.network.loss import Loss
from jpseq.network.masked_lm import Masked, MaskedNetwork
from jpseq.sequences import Ragged
from jpseq.vectors import Embeddings
from jpseq.vocabulary import Vocabulary

ANIMALS = {"犬": "走る", "馬": "走る", "魚": "泳ぐ", "鯨": "泳ぐ", "鳥": "飛ぶ", "蝶": "飛ぶ"}
PLACES = ["野原", "山", "村", "島"]
SENTENCES = [
    [place, "の", animal, "が", verb, "。"] for animal, verb in ANIMALS.items() for place in PLACES
] * 8
SMALL: dict[str, Any] = {
    "tokenizer": Whitespace(()),
    "embedding": 16,
    "hidden": 32,
    "layers": 1,
    "heads": 2,
    "dropout": 0.0,
    "longest": 16,
    "epochs": 40,
    "batch_tokens": 400,
    "learning_rate": 0.01,
}
KINDS: dict[str, dict[str, Any]] = {
    "transformer": {"encoder": "transformer", "batch_tokens": 200, "learning_rate": 0.005},
    "recurrent": {"epochs": 25, "learning_rate": 0.02},
}


@pytest.fixture(scope="module", params=KINDS)
def learnt(request: pytest.FixtureRequest) -> MaskedLM:
    return MaskedLM(**SMALL | KINDS[request.param]).fit(SENTENCES)


@pytest.fixture(scope="module")
def in_pieces() -> MaskedLM:
    subwords = SentencePiece(24, identity=True)
    return MaskedLM(**SMALL | {"subwords": subwords, "epochs": 3}).fit(SENTENCES)


# Filling


def test_it_fills_what_the_context_tells(learnt: MaskedLM) -> None:
    for animal, verb in ANIMALS.items():
        (((best, p), *_),) = learnt.fill(f"島 の {animal} が ［MASK］ 。")
        assert best == verb
        assert p > 0.5
    (found,) = learnt.fill("山 の ［MASK］ が 泳ぐ 。", count=2)
    assert {word for word, _ in found} == {"魚", "鯨"}


def test_probabilities_of_all_words_sum_to_one(learnt: MaskedLM) -> None:
    (found,) = learnt.fill("山 の [MASK] が 泳ぐ 。", count=1000)
    assert {word for word, _ in found} == set(learnt.vocabulary.words[FIRST:])
    assert sum(p for _, p in found) == pytest.approx(1, abs=1e-5)
    assert [p for _, p in found] == sorted((p for _, p in found), reverse=True)


def test_both_marks_and_several_masks(learnt: MaskedLM) -> None:
    text = "島 の 犬 が {} 。"
    filled = learnt.fill(text.format("[MASK]"))
    again = learnt.fill(text.format("［MASK］"))
    assert [word for word, _ in filled[0]] == [word for word, _ in again[0]]
    first, second = learnt.fill("山 [MASK] 犬 が ［MASK］ 。", count=1)
    assert (first[0][0], second[0][0]) == ("の", "走る")


def test_texts_at_the_edge_are_filled(learnt: MaskedLM) -> None:
    (only,) = learnt.fill("［MASK］", count=3)
    assert len(only) == 3
    assert len(learnt.fill("［MASK］［MASK］", 1)) == 2
    (unknown,) = learnt.fill("宇宙 人 の ［MASK］", 2)
    assert len(unknown) == 2
    (special,) = learnt.fill("<mask> <pad> ［MASK］", 2)  # a text that talks of specials
    assert len(special) == 2


def test_a_mask_far_into_a_huge_text_is_filled(learnt: MaskedLM) -> None:
    before = " ".join(" ".join(sentence) for sentence in SENTENCES[:150] * 8)
    filled = learnt.fill(f"{before} ［MASK］ の 犬 が 走る 。 {before} 山 ［MASK］ 犬", 1)
    assert [len(found) for found in filled] == [1, 1]
    assert all(0 < p < 1 for ((_, p),) in filled)


@pytest.mark.parametrize("text", ["", "犬 が 走る", "MASK", "[mask]"])
def test_no_mask_is_an_error(learnt: MaskedLM, text: str) -> None:
    with pytest.raises(DataError, match="write it where a word is wanted"):
        learnt.fill(text)


def test_pieces_are_filled_as_words(in_pieces: MaskedLM) -> None:
    (found,) = in_pieces.fill("山 の ［MASK］ が 泳ぐ 。", count=1000)
    assert found
    assert not [word for word, _ in found if "▁" in word or word in SPECIALS]
    assert sum(p for _, p in found) == pytest.approx(1, abs=1e-5)


# Vectors


def test_contextual_vectors_know_the_context(learnt: MaskedLM) -> None:
    one, two = learnt.contextual(["島 の 犬 が 走る 。", "犬 の 島 が 飛ぶ 。"])
    assert one.words == ["島", "の", "犬", "が", "走る", "。"]
    assert one.vectors.shape == (6, 32)
    assert one.vectors.dtype == np.float32
    assert not np.allclose(one.vectors[2], two.vectors[0], atol=1e-2)


def test_a_batch_gives_what_single_texts_give(learnt: MaskedLM) -> None:
    texts = ["島 の 犬 が 走る 。", "", "鳥", "宇宙 へ", " ".join(["山 の 蝶 が 飛ぶ 。"] * 9)]
    together = learnt.contextual(texts)
    for text, found in zip(texts, together, strict=True):
        (alone,) = learnt.contextual([text])
        assert alone.words == found.words == text.split()
        np.testing.assert_allclose(alone.vectors, found.vectors, rtol=1e-4, atol=1e-5)
    sentences = learnt.sentence_vectors(texts)
    assert sentences.shape == (5, 32)
    assert (sentences[1] == 0).all()
    np.testing.assert_allclose(sentences[0], together[0].vectors.mean(0), rtol=1e-5)
    assert learnt.sentence_vectors([]).shape == (0, 32)


def test_static_vectors_are_those_that_are_read(learnt: MaskedLM) -> None:
    embeddings = learnt.embeddings
    assert set(embeddings.words) == {word for sentence in SENTENCES for word in sentence}
    network = learnt.trained()
    ids = torch.tensor([learnt.vocabulary.id("犬")])
    with torch.no_grad():
        np.testing.assert_allclose(embeddings["犬"], network.embedding(ids)[0].numpy(), rtol=1e-6)


def test_a_word_of_several_pieces_has_their_mean(in_pieces: MaskedLM) -> None:
    embeddings = in_pieces.embeddings
    assert set(embeddings.words) == {word for sentence in SENTENCES for word in sentence}
    spelling = spell(embeddings.words, in_pieces.vocabulary, in_pieces.subwords, 16)
    longest = int(spelling.lengths.argmax())
    assert spelling.lengths[longest] > 1
    with torch.no_grad():
        rows = in_pieces.trained().embedding(torch.from_numpy(spelling[longest]).long()).numpy()
    np.testing.assert_allclose(embeddings.vectors[longest], rows.mean(0), rtol=1e-4, atol=1e-6)


# Measuring


def test_what_is_foretold(learnt: MaskedLM) -> None:
    found = learnt.foretold(SENTENCES[:48], "toy")
    assert found == learnt.foretold(SENTENCES[:48], "toy")
    # One word of six is masked: the place and the animal are a guess, all else is sure.
    assert 0.5 < found.accuracy < 1
    assert found.perplexity.value < 3
    assert found.perplexity.tokens == 48
    assert found.perplexity.signature == (
        f"data:toy|sequences:48|tok:whitespace|words:{len(learnt.vocabulary) - len(SPECIALS)}"
        f" {learnt.vocabulary.hash()[:8]}|unknown:0.0%|masked:0.15|seed:0|longest:16"
    )
    some = learnt.foretold([[*SENTENCES[0], "謎", "謎"]])  # two of eight, or however many
    assert f"|unknown:{2 / (len(SENTENCES[0]) + 2):.1%}|" in some.perplexity.signature
    with pytest.raises(DataError, match="no word of it is known"):
        learnt.foretold([["謎", "謎"]])


def test_words_all_too_rare_are_nothing_to_learn_from() -> None:
    with pytest.raises(DataError, match=r"stand 5 times or more .* '犬', stands 2 times"):
        MaskedLM(**SMALL | {"min_count": 5}).fit([["犬", "と", "犬"]])


@pytest.mark.parametrize(("held_out", "sentences"), [(0.0, 9), (0.5, 1)])
def test_choosing_between_epochs_needs_held_out_sentences(held_out: float, sentences: int) -> None:
    choosing = MaskedLM(**SMALL | {"training": {"patience": 1}, "min_count": 1})
    with pytest.raises(ConfigurationError, match=r"training.patience: .* take held_out=0.01"):
        choosing.fit(SENTENCES[:1] * sentences, held_out=held_out)
    choosing.fit(SENTENCES[:9], held_out=0.5)
    assert "data:held out 0.5 seed 0, which chose the epoch|" in choosing.metrics["masked words"]


def test_held_out_sentences_are_measured(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", logger="jpseq"):
        model = MaskedLM(**SMALL | {"epochs": 2}).fit(SENTENCES, held_out=0.25)
    assert "accuracy" in caplog.text
    assert "sequences:48|" in model.metrics["masked words"]
    assert "144 excerpts" in caplog.text


# The folder


def test_saved_and_loaded_it_does_the_same(learnt: MaskedLM, tmp_path: Path) -> None:
    learnt.save(tmp_path / "model")
    again = Model.load(tmp_path / "model")
    assert isinstance(again, MaskedLM)
    assert again.fill("島 の 犬 が [MASK] 。") == learnt.fill("島 の 犬 が [MASK] 。")
    static = Embeddings.load(tmp_path / "model")
    np.testing.assert_array_equal(static.vectors, learnt.embeddings.vectors)
    (tmp_path / "model" / "weights.safetensors").write_bytes(b"x")
    with pytest.raises(ModelError, match="cannot be read"):
        MaskedLM.load(tmp_path / "model")


def test_pieces_are_saved(in_pieces: MaskedLM, tmp_path: Path) -> None:
    in_pieces.save(tmp_path / "model")
    again = MaskedLM.load(tmp_path / "model")
    text = "島 の 犬 が [MASK] 。"
    assert again.fill(text) == in_pieces.fill(text)
    assert again.embeddings.words == in_pieces.embeddings.words


def test_before_fit() -> None:
    model = MaskedLM()
    for call in (
        lambda: model.fill("［MASK］"),
        lambda: model.contextual(["犬"]),
        lambda: model.embeddings,
        lambda: model.vocabularies,
    ):
        with pytest.raises(NotFittedError, match="call fit"):
            call()


# Learning


def test_a_prepared_corpus_gives_the_same_model(tmp_path: Path) -> None:
    file = tmp_path / "sentences.txt"
    file.write_text("\n".join(" ".join(sentence) for sentence in SENTENCES), "utf-8")
    corpus = prepare(file, tmp_path / "corpus", tokenizer=Whitespace(()), workers=1)
    assert isinstance(corpus.ids.values, np.memmap)
    params = SMALL | {"epochs": 2}
    one, two, three = (
        MaskedLM(**params).fit(source).trained().state_dict()
        for source in (SENTENCES, corpus, tmp_path / "corpus")
    )
    for name, weight in one.items():
        torch.testing.assert_close(two[name], weight, rtol=0, atol=0)
        torch.testing.assert_close(three[name], weight, rtol=0, atol=0)
    with pytest.raises(ConfigurationError, match=r"MaskedLM\(tokenizer=prepared.tokenizer\)"):
        MaskedLM(**params | {"tokenizer": MeCab()}).fit(Prepared.load(tmp_path / "corpus"))


class Interrupted(MaskedNetwork):
    """Ctrl-C during a certain call of loss."""

    calls_left = 5

    def loss(self, masked: Masked) -> Loss:
        self.calls_left -= 1
        if self.calls_left == 0:
            signal.raise_signal(signal.SIGINT)
        return super().loss(masked)


class Stopped(MaskedLM):
    """One that is stopped in its second epoch."""

    def build(self) -> MaskedNetwork:
        network = super().build()
        network.__class__ = Interrupted
        return network


def test_a_run_goes_on_bit_for_bit(tmp_path: Path) -> None:
    params = SMALL | {"epochs": 3, "dropout": 0.1, "batch_tokens": 600}
    straight = MaskedLM(**params).fit(SENTENCES)
    stopped = Stopped(**params).fit(SENTENCES, run=tmp_path / "run")
    assert straight.completed
    assert not stopped.completed
    resumed = MaskedLM(**params).fit(SENTENCES, run=tmp_path / "run", resume=True)
    wanted = straight.trained().state_dict()
    assert resumed.completed
    for name, weight in resumed.trained().state_dict().items():
        assert torch.equal(weight, wanted[name]), name
    with pytest.raises(ConfigurationError, match="the data, or how"):
        MaskedLM(**params | {"masked": 0.3}).fit(SENTENCES, run=tmp_path / "run", resume=True)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"encoder": "transformr"}, "encoder"),
        ({"encoder": "transformer", "hidden": 30, "heads": 4}, "multiple of heads, 4"),
        ({"masked": 1.0}, "masked"),
        ({"longest": 1}, "longest"),
        ({"subwords": SentencePiece(20)}, "identity=True"),
        ({"training": {"epochs": 3}}, "epochs cannot be set there"),
    ],
)
def test_parameters_that_are_not_allowed(params: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        MaskedLM(**params).fit(SENTENCES)


@pytest.mark.parametrize(
    ("corpus", "message"),
    [
        ([], "no sequence with a word"),
        ([[], []], "no sequence with a word"),
        (["犬が走る"], "rows of words are wanted"),
        ("nowhere.txt", "no such file"),
    ],
)
def test_corpora_that_cannot_be_learnt_from(corpus: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        MaskedLM(**SMALL).fit(corpus)
    with pytest.raises(ConfigurationError, match="held_out is a share"):
        MaskedLM(**SMALL).fit(corpus, held_out=1.5)


# Excerpts


def test_long_sequences_become_parts_of_about_one_length() -> None:
    sizes = [1, 2, 3]
    spelling = Ragged.from_sequences([list(range(5, 5 + n)) for n in sizes])
    words = Ragged.from_sequences([[0] * 3, [], [1] * 5, [2, 2, 2], [0]])
    excerpts = Excerpts(words, spelling, longest=4)
    # 3 | 0 | ten pieces in three parts: 4 + 2 + 4 | 9 in three parts, one word each | 1
    assert excerpts.words.tolist() == [[0] * 3, [], [1, 1], [1], [1, 1], [2], [2], [2], [0]]
    assert excerpts.lengths.tolist() == [3, 0, 4, 2, 4, 3, 3, 3, 1]
    assert excerpts.sequence.tolist() == [0, 0, 2, 2, 2, 3, 3, 3, 4]
    assert len(MaskedStream(excerpts, np.arange(len(excerpts)), Masking(9), 4).chosen) == 8


def test_excerpts_of_a_slice_and_of_many_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = np.random.default_rng(0)
    spelling = Ragged.from_sequences([[5] * n for n in draw.integers(1, 5, 30)])
    words = Ragged.from_sequences([draw.integers(0, 30, n) for n in draw.integers(0, 40, 60)])[3:]
    at_once = Excerpts(words, spelling, 12)
    monkeypatch.setattr("jpseq.embedding.excerpts.AT_ONCE", 50)
    blocks = Excerpts(words, spelling, 12)
    np.testing.assert_array_equal(at_once.words.offsets, blocks.words.offsets)
    np.testing.assert_array_equal(at_once.sequence, blocks.sequence)
    assert at_once.lengths.max() <= 12
    assert int(at_once.lengths.sum()) == sum(
        int(spelling.lengths[words[i]].sum()) for i in range(len(words))
    )
    rows = [at_once.words[i].tolist() for i in range(len(at_once)) if at_once.sequence[i] == 7]
    assert [word for row in rows for word in row] == words[7].tolist()


def test_a_batch_holds_frames_masks_and_targets() -> None:
    spelling = Ragged.from_sequences([[5], [6, 7]])
    words = Ragged.from_sequences([[0, 1, 0], [0]])
    stream = MaskedStream(Excerpts(words, spelling, 8), np.arange(2), Masking(8, 0.4, 1, 0), 100)
    batch = stream.batch(np.array([0, 1]), epoch=0)
    start, end, mask = (SPECIALS.index(name) for name in ("<s>", "</s>", "<mask>"))
    row = batch.read.values[0].tolist()
    assert (row[0], row[5]) == (start, end)
    assert batch.read.values[1].tolist() == [start, mask, end, 0, 0, 0]
    flat = batch.read.values.flatten()
    assert (flat[batch.places] == mask).all()
    whole = flat.clone()
    whole[batch.places] = batch.targets
    assert whole.tolist() == [start, 5, 6, 7, 5, end, start, 5, end, 0, 0, 0]
    assert int((flat == mask).sum()) == len(batch.targets)


def test_places_of_pieces() -> None:
    batch = Batch(torch.zeros(2, 5, dtype=torch.int64), torch.tensor([5, 3]))
    assert inner_places(batch).tolist() == [1, 2, 3, 6]


def test_streams_draw_anew_while_learning_and_never_when_measuring() -> None:
    vocabulary = Vocabulary(SPECIALS).fit(SENTENCES)
    words = Vocabulary().fit(SENTENCES)
    spelling = spell(words.words, vocabulary, None, 16)
    excerpts = Excerpts(words.transform(SENTENCES), spelling, 16)
    rows = np.arange(len(excerpts))
    for shuffle in (True, False):
        stream = MaskedStream(excerpts, rows, Masking(len(vocabulary)), 100, shuffle)
        one, two = (stream.batch(np.arange(9), epoch) for epoch in (0, 1))
        assert torch.equal(one.read.values, two.read.values) is not shuffle
    written = excerpts.take(np.array([1]))
    assert framed_batch(written, written.pieces.values).values.shape == (1, 8)
