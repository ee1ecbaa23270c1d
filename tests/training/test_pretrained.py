"""First weights learnt elsewhere: aligned by the words, shares counted, misfits named."""

from typing import Any

import numpy as np
import pytest
import torch

from jpseq import Chatbot, Embeddings, MaskedLM, Translator, Whitespace
from jpseq.errors import ConfigurationError

TEXTS = [["犬", "が", "走る"], ["魚", "が", "泳ぐ"], ["鳥", "が", "飛ぶ"]] * 4
PAIRS = [("犬 が 走る", "a dog runs"), ("馬 が 走る", "a horse runs")] * 2
SIZES: dict[str, Any] = {"embedding": 8, "hidden": 12, "layers": 1, "epochs": 1}
SIDES: dict[str, Any] = {
    "source": "ja",
    "target": "en",
    "source_tokenizer": Whitespace(()),
    "target_tokenizer": Whitespace(()),
    "dropout": 0.0,
    "learning_rate": 1e-9,  # so that first weights are seen
}
BOT: dict[str, Any] = {"tokenizer": Whitespace(()), "cell": "lstm", "learning_rate": 1e-9}
DIALOGUES = [["犬 が 走る", "馬 が 走る"]] * 3


@pytest.fixture(scope="module")
def reader() -> MaskedLM:
    return MaskedLM(Whitespace(()), **SIZES).fit(TEXTS)


def test_of_what_share_of_the_text_there_are_vectors_and_not_of_the_vocabulary() -> None:
    """犬 stands in half of the words; 走る and 歩く, once each, are in no vocabulary."""
    vectors = Embeddings(["犬"], np.ones((1, SIZES["embedding"]), np.float32))
    bot = Chatbot(**BOT, embedding=SIZES["embedding"], min_count=2, epochs=1)
    bot.fit([["犬 走る", "犬 歩く"]], vectors=vectors)
    assert bot.vocabulary.words[-1] == "犬"
    assert bot.coverage_ == 1 / 2
    assert Chatbot(**BOT).fit([["犬", "犬"]]).coverage_ is None


def test_a_translator_begins_with_the_encoder(reader: MaskedLM) -> None:
    translator = Translator(**SIZES, **SIDES).fit(PAIRS, encoder=reader)
    # 犬 が 走る, 馬 が 走る: five of six words are known.
    assert translator.coverage_ == {"source": pytest.approx(5 / 6)}
    encoder = translator.trained().encoder
    known = encoder.embedding.weight[translator.source_vocabulary.id("犬")].detach().numpy()
    np.testing.assert_allclose(known, reader.embeddings["犬"], atol=1e-6)
    layers = reader.trained().encoder.state_dict()
    for name, weight in encoder.recurrent.state_dict().items():
        torch.testing.assert_close(weight, layers[name], rtol=0, atol=1e-6)


@pytest.mark.parametrize("architecture", ["seq2seq", "hred", "vhred"])
def test_a_chatbot_begins_with_the_encoder_or_with_vectors(
    reader: MaskedLM, architecture: str, caplog: pytest.LogCaptureFixture
) -> None:
    for start in ({"encoder": reader}, {"vectors": reader.embeddings}):
        bot = Chatbot(architecture=architecture, **SIZES, **BOT)
        with caplog.at_level("INFO", logger="jpseq"):
            bot.fit(DIALOGUES, **start)
        assert "vectors: 83.3% of the words have one" in caplog.text
        caplog.clear()
        encoder = bot.trained().encoder
        with torch.no_grad():
            read = encoder.embedding(torch.tensor([bot.vocabulary.id("走る")]))[0].numpy()
        np.testing.assert_allclose(read, reader.embeddings["走る"], atol=1e-5)
        layers = reader.trained().encoder.state_dict()
        same = [
            torch.allclose(weight, layers[name], atol=1e-6)
            for name, weight in encoder.recurrent.state_dict().items()
        ]
        assert all(same) is ("encoder" in start)


def test_what_does_not_fit_is_named(reader: MaskedLM) -> None:
    transformer = MaskedLM(Whitespace(()), encoder="transformer", heads=2, **SIZES).fit(TEXTS)
    translator = Translator(**SIZES, **SIDES)
    with pytest.raises(ConfigurationError, match="a Transformer cannot be the first weights"):
        translator.fit(PAIRS, encoder=transformer)
    with pytest.raises(ConfigurationError, match="cell lstm, 8 features read, 12 given, 1 layers"):
        translator.clone().set_params(hidden=16).fit(PAIRS, encoder=reader)
    with pytest.raises(ConfigurationError, match="leave one of the two out"):
        translator.fit(PAIRS, encoder=reader, vectors={"source": reader.embeddings})
    with pytest.raises(ConfigurationError, match="leave one of the two out"):
        Chatbot(**SIZES, **BOT).fit(DIALOGUES, encoder=reader, vectors=reader.embeddings)
    with pytest.raises(ConfigurationError, match="set embedding=3"):
        Chatbot(**SIZES, **BOT).fit(DIALOGUES, vectors=Embeddings(["犬"], np.eye(1, 3)))
    with pytest.raises(ConfigurationError, match="they are source and target"):
        translator.fit(PAIRS, vectors={"sauce": reader.embeddings})
