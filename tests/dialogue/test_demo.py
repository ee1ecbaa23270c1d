"""The demo bot: trained once, then taken from the cache. Here with a corpus and parameters of its
own, which take no time."""

import json
from pathlib import Path

import pytest

from jpseq.dialogue import demo


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    turns = [{"speaker": "A", "text": "山？"}, {"speaker": "B", "text": "川！"}]
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    (corpus / "a.jsonl").write_text(json.dumps({"turns": turns}) + "\n" * 2, "utf-8")
    (corpus / "b.jsonl").write_text(json.dumps({"turns": turns[::-1]}) + "\n", "utf-8")
    (corpus / "demo.toml").write_text("[[rule]]\nto = ['やあ']\nsay = ['どうも。']\n", "utf-8")
    monkeypatch.setattr(demo, "bundled", lambda name: corpus)
    monkeypatch.setattr(demo, "DEMO", {"embedding": 2, "hidden": 2, "epochs": 1})
    monkeypatch.setenv("JPSEQ_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_it_is_kept_in_the_cache(cache: Path) -> None:
    assert demo.kept_demo() is None
    assert not cache.exists()
    bot = demo.train_demo("learning")
    demo.keep_demo(bot)
    assert list(cache.iterdir()) == [demo.demo_folder()]
    kept = demo.kept_demo()
    assert kept is not None
    assert kept.reply(["山？"], temperature=1) == bot.reply(["山？"], temperature=1)
    assert kept.metrics["held-out"].startswith("perplexity ")
    assert kept.about().endswith(", learnt from 1 bundled dialogues")


def test_rules_come_first_then_what_was_said_then_the_network() -> None:
    bot = demo.demo(demo.train_demo("learning"))
    asked = {
        "やあ": "scripted",
        "山？": "retrieval",
        "？？山山": "retrieval",
        "…": None,
        "謎": None,
    }
    assert {text: bot.choose([text])[0] for text in asked} == asked
    assert bot.reply(["やあ"]) == "どうも。"
    assert bot.reply(["山？"]) == "川！"
    assert bot.reply(["謎"]) == "すみません、「謎」という言葉がわかりません。"
    assert bot.about().startswith("scripted (1 rules of demo.toml); retrieval (among 2 replies); ")


def test_another_corpus_or_other_parameters_have_another_folder(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = {demo.demo_folder(), demo.demo_folder()}
    assert len(folders) == 1
    monkeypatch.setattr(demo, "DEMO", {"embedding": 4, "hidden": 2, "epochs": 1})
    folders.add(demo.demo_folder())
    with (demo.bundled("dialogues") / "a.jsonl").open("a") as file:
        file.write("\n")
    folders.add(demo.demo_folder())
    assert len(folders) == 3


@pytest.mark.parametrize("file", ["model.json", "vocabulary.json", "weights.safetensors"])
def test_a_damaged_one_is_made_again(cache: Path, file: str) -> None:
    demo.keep_demo(demo.train_demo("learning"))
    (demo.demo_folder() / file).write_bytes(b"damaged")
    assert demo.kept_demo() is None
    demo.keep_demo(demo.train_demo("learning"))
    assert demo.kept_demo() is not None
