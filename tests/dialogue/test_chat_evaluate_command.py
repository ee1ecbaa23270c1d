"""jpseq chat evaluate, and jpseq chat train --model: what they print, and how they end."""

import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jpseq.cli.chat_evaluation import _named
from jpseq.corpora.prepare import prepare
from jpseq.dialogue.chatbot import Chatbot
from jpseq.dialogue.evaluation import changes as changes_of
from jpseq.dialogue.evaluation import exchanges
from jpseq.evaluation.diversity import diversity
from jpseq.evaluation.translation import evaluate_bleu
from jpseq.text.characters import Characters
from jpseq.text.whitespace import Whitespace
from jpseq.vectors import Embeddings

Said = Callable[..., tuple[int, str, str]]
DIALOGUES = [
    ["山 へ", "いい ね", "海 も ？", "いい ね"],
    ["猫 は ？", "好き", "犬 は ？"],
    ["海 へ", "いい ね"],
]
HELD_OUT = [["猫 も ？", "いい ね", "犬 も 好き"], ["山 は ？", "好き"]]
SMALL: dict[str, Any] = {"embedding": 4, "hidden": 4, "epochs": 1}


def write(path: Path, dialogues: list[list[str]]) -> Path:
    turns = [
        {"turns": [{"speaker": "AB"[i % 2], "text": text} for i, text in enumerate(dialogue)]}
        for dialogue in dialogues
    ]
    path.write_text("".join(json.dumps(one) + "\n" for one in turns), "utf-8")
    return path


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Dialogues, vectors, and a bot of each architecture."""
    place = tmp_path_factory.mktemp("evaluate")
    write(place / "learnt.jsonl", DIALOGUES)
    write(place / "held_out.jsonl", HELD_OUT)
    write(place / "alone.jsonl", [["一人"], ["二人"]])
    Embeddings(["山", "海", "犬"], np.eye(3, dtype=np.float32)).save(place / "vectors")
    flat = Chatbot(Whitespace(), rerank={"candidates": 2}, **SMALL)
    flat.fit(DIALOGUES).save(place / "flat")
    parts: dict[str, Any] = {"hierarchy": {"size": 4}, "latent": {"size": 3}}
    Chatbot(Whitespace(), "vhred", **parts, **SMALL).fit(DIALOGUES).save(place / "drawing")
    return place


# The table


def test_every_model_baseline_and_people_have_a_row(place: Path, run: Said) -> None:
    models = [place / "flat", place / "drawing"]
    code, out, err = run(
        *("chat", "evaluate", *models, "--on", place / "held_out.jsonl"),
        *("--learnt", place / "learnt.jsonl", "--vectors", place / "vectors"),
    )
    assert code == 0
    assert err.splitlines() == ["counting the baselines", "measuring flat", "measuring drawing"]
    foreseen, said = out.split("\n\n")
    head, *rows, flat, drawing, counted = foreseen.splitlines()
    assert " ".join(head.split()) == (
        "perplexity nats/character tighter nats/dialogue nats/reply of z active z changes"
    )
    assert [row.split("  ")[0] for row in rows] == [
        "flat",
        "drawing",
        "bigram",
        "Kneser–Ney trigram",
    ]
    bot = Chatbot.load(place / "flat")
    perplexity = bot.perplexity(HELD_OUT, "held_out.jsonl")
    assert rows[0].split() == [
        "flat",
        f"{perplexity.value:.1f}",
        f"{perplexity.per_character:.3f}",
        f"{perplexity.nll * perplexity.tokens / 2:.1f}",
    ]
    assert rows[1].split()[-2].endswith("/3")
    assert rows[1].split()[-1].endswith("%")
    assert flat == perplexity.signature
    assert drawing.endswith("|bound:1 draw")
    assert counted == f"data:held_out.jsonl|vocabulary:{len(bot.vocabulary)}"
    head, *rows, count, bleu, vectors = said.splitlines()
    assert head.split()[:2] == ["distinct-1", "distinct-2"]
    assert [row.split("  ")[0] for row in rows] == [
        "people",
        *(f"flat, {way}" for way in ("greedy", "beam 5", "drawn", "reranked")),
        *(f"drawing, {way}" for way in ("greedy", "beam 5", "drawn")),
        "most frequent reply",
        "nearest context",
        "bigram, drawn",
        "Kneser–Ney trigram, drawn",
    ]
    # いい ね, 犬 も 好き, 好き: six words, five of them different.
    assert rows[0].split()[1:] == ["0.833", "1.000", "33.3%", "2.25", "2.0"]
    # What stands in the table is what the bot wrote, word by word.
    bot.max_unknown = None
    asked = [exchange.history for exchange in exchanges(HELD_OUT, 9)]
    spread = diversity(bot.replies_in_words(asked, beam=1))
    assert rows[1].split()[2:4] == [f"{spread.distinct_1:.3f}", f"{spread.distinct_2:.3f}"]
    assert rows[1].split()[6] == f"{spread.length:.1f}"
    # Of what people said only 犬 も 好き has a word with a vector.
    assert {row.split()[-1] for row in rows[1:]} <= {"0/3", "1/3"}
    assert count == "3 replies"
    assert bleu.startswith("data:held_out.jsonl|sentences:3|")
    assert vectors.startswith("data:held_out.jsonl|pairs:3|")


def test_json_has_the_same_figures(place: Path, run: Said) -> None:
    models = [place / "drawing", place / "flat"]
    arguments = ("--on", place / "held_out.jsonl", "--vectors", place / "vectors", "--contexts", 2)
    code, out, _ = run("chat", "evaluate", *models, *arguments, "--draws", 4, "--json")
    assert code == 0

    def no(name: str) -> None:
        raise AssertionError(f"{name} is no JSON")

    rows = [json.loads(line, parse_constant=no) for line in out.splitlines()]
    *rows, changes = rows
    drawing, flat, people, *bots = rows
    bot = Chatbot.load(place / "drawing")
    measured = bot.perplexity(HELD_OUT, "held_out.jsonl")
    assert drawing["name"] == "drawing"
    assert drawing["perplexity"]["nll"] == pytest.approx(measured.nll)
    assert drawing["perplexity"]["tokens"] == flat["perplexity"]["tokens"] == 3 + 4 + 2
    assert drawing["tighter"]["signature"].endswith("|bound:4 draws")
    assert drawing["latent"]["units"] == 3
    assert (flat["tighter"], flat["latent"]) == (None, None)
    assert (people["name"], people["bleu"], people["similarity"]) == ("people", None, None)
    assert people["diversity"]["replies"] == 2
    assert [row["name"] for row in bots] == [
        *(f"drawing, {way}" for way in ("greedy", "beam 5", "drawn")),
        *(f"flat, {way}" for way in ("greedy", "beam 5", "drawn", "reranked")),
    ]
    asked = [exchange.history for exchange in exchanges(HELD_OUT, 2)]
    people_said = [exchange.reply.split() for exchange in exchanges(HELD_OUT, 2)]
    score = evaluate_bleu(bot.replies_in_words(asked, beam=1), people_said, "held_out.jsonl")
    assert bots[0]["bleu"]["value"] == score.value
    # At most one pair has words with vectors: there is no interval.
    assert all(row["similarity"]["average"]["half_width"] is None for row in bots)
    ((name, shares),) = changes.items()
    assert name == "greedy replies that change with z"
    assert list(shares) == ["drawing"]
    assert shares["drawing"] == changes_of(bot, asked)


def test_refusals_of_unknown_words_are_off(place: Path, run: Said) -> None:
    unknown = write(place / "unknown.jsonl", [["謎 謎 謎", "いい ね"]])
    code, out, _ = run("chat", "evaluate", place / "flat", "--on", unknown, "--json")
    assert code == 0
    rows = [json.loads(line) for line in out.splitlines()]
    said = "".join(word for row in rows[2:] for word in row["diversity"]["most_frequent"])
    assert set(said) <= set("".join(turn for dialogue in DIALOGUES for turn in dialogue))
    (refusal,) = Chatbot.load(place / "flat").replies([["謎 謎 謎"]])
    assert refusal.startswith("すみません")


def test_the_same_seed_gives_the_same_table(place: Path, run: Said) -> None:
    def table(seed: int) -> str:
        models = [place / "flat", place / "drawing"]
        options = ("--learnt", place / "learnt.jsonl", "--contexts", 2, "--seed", seed)
        return run("chat", "evaluate", *models, "--on", place / "held_out.jsonl", *options)[1]

    assert table(1) == table(1)
    assert table(1) != table(2)


# Names


def test_folders_of_one_name_are_told_by_their_paths() -> None:
    def named(*folders: str) -> dict[str, str]:
        return {name: str(path) for name, path in _named([Path(f) for f in folders]).items()}

    assert named("runs/a", "runs/b") == {"a": "runs/a", "b": "runs/b"}
    assert named("one/bot", "two/bot", "c") == {
        "one/bot": "one/bot",
        "two/bot": "two/bot",
        "c": "c",
    }
    assert named("a", "./a/") == {"a": "a"}
    assert named(".") == {".": "."}


def test_two_folders_of_one_name_are_both_measured(place: Path, run: Said) -> None:
    other = place / "other" / "flat"
    shutil.copytree(place / "flat", other, dirs_exist_ok=True)
    models = (place / "flat", other)
    code, out, _ = run("chat", "evaluate", *models, "--on", place / "held_out.jsonl", "--json")
    assert code == 0
    rows = [json.loads(line) for line in out.splitlines()]
    assert [row["name"] for row in rows[:2]] == [str(model) for model in models]
    assert [row["name"] for row in rows].count(f"{other}, greedy") == 1


# Errors: one line that says what, where and what to do, and nothing on standard output


@pytest.mark.parametrize(
    ("model", "on", "options", "said"),
    [
        ("nowhere", "held_out.jsonl", [], "nowhere: not a model folder (no such folder)."),
        ("flat", "nowhere.jsonl", [], "nowhere.jsonl: no such file"),
        ("flat", "alone.jsonl", [], "alone.jsonl: no dialogue has two turns; at least one is"),
        ("flat", "held_out.jsonl", ["--learnt", "alone.jsonl"], "alone.jsonl: no dialogue has two"),
        ("flat", "held_out.jsonl", ["--learnt", "nowhere"], "nowhere: no such file"),
        ("flat", "held_out.jsonl", ["--vectors", "no_vectors"], "no_vectors: "),
        (
            "flat",
            "held_out.jsonl",
            ["--contexts", "0"],
            "'--contexts': Input should be greater than or equal to 1",
        ),
        (
            "flat",
            "held_out.jsonl",
            ["--draws", "1001"],
            "'--draws': Input should be less than or equal to 1000",
        ),
    ],
)
def test_what_is_wrong_is_named(
    place: Path,
    run: Said,
    monkeypatch: pytest.MonkeyPatch,
    model: str,
    on: str,
    options: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(place)
    code, out, err = run("chat", "evaluate", model, "--on", on, *options)
    assert code in (1, 2)
    assert out == ""
    assert said in " ".join(err.replace("│", " ").split())
    assert "Traceback" not in err


def test_a_model_of_another_kind_is_no_chatbot(place: Path, run: Said) -> None:
    shutil.copytree(place / "flat", place / "no_bot", dirs_exist_ok=True)
    text = (place / "no_bot" / "model.json").read_text("utf-8")
    other = text.replace('"model": "chatbot"', '"model": "translator"')
    (place / "no_bot" / "model.json").write_text(other, "utf-8")
    code, out, err = run("chat", "evaluate", place / "no_bot", "--on", place / "held_out.jsonl")
    assert (code, out) == (1, "")
    assert "no_bot: a Translator ('translator'), but a Chatbot is wanted." in err


# jpseq chat train --model

TRAIN = ["--tokenizer", "whitespace", "--embedding", "4", "--hidden", "4", "--epochs", "2"]
TRAIN += ["--min-count", "1", "--held-out", "0.3"]


@pytest.mark.parametrize("architecture", ["hred", "vhred"])
def test_an_architecture_is_trained_and_saved(
    tmp_path: Path, place: Path, run: Said, architecture: str, caplog: pytest.LogCaptureFixture
) -> None:
    code, out, _ = run(
        *("chat", "train", place / "learnt.jsonl", "-o", tmp_path / "bot", *TRAIN),
        *("--model", architecture, "--reply-drop", "0.25", "--turns", "2"),
        *("--set", "hierarchy.size=5", "--set", "rerank.candidates=3"),
        *(["--set", "latent.size=3"] if architecture == "vhred" else []),
    )
    assert code == 0
    bot = Chatbot.load(tmp_path / "bot")
    assert out == f"held-out {bot.metrics['held-out']}\n"
    assert (bot.architecture, bot.hierarchy, bot.rerank) == (
        architecture,
        {"size": 5},
        {"candidates": 3},
    )
    assert bot.latent == ({"size": 3} if architecture == "vhred" else None)
    assert (bot.reply_drop, bot.turns) == (0.25, 2)
    epochs = [line for line in caplog.messages if line.startswith("epoch")]
    assert len(epochs) == 2
    assert all(("active_units" in line) == (architecture == "vhred") for line in epochs)


def test_the_parts_stand_in_a_file_too(tmp_path: Path, place: Path, run: Said) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(
        'architecture = "vhred"\nhierarchy = {size = 4}\n[latent]\nsize = 2\n[rerank]\nweight = 1.0'
    )
    train = ("chat", "train", place / "learnt.jsonl", *TRAIN, "--config", recipe)
    code, _, err = run(*train, "-o", tmp_path / "bot", "--run", tmp_path / "run")
    assert code == 0, err
    bot = Chatbot.load(tmp_path / "bot")
    assert (bot.architecture, bot.latent, bot.rerank) == ("vhred", {"size": 2}, {"weight": 1.0})
    again = (*train, "-o", tmp_path / "again", "--run", tmp_path / "run", "--resume")
    assert run(*again)[0] == 0
    code, _, err = run(*again, "--set", "latent.size=3")
    assert code != 0
    assert "latent" in err
    assert math.isfinite(Chatbot.load(tmp_path / "again").perplexity(HELD_OUT).value)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--set", "latent.size=3"], "latent is a part of vhred, and architecture is 'seq2seq'"),
        (["--model", "vhred", "--set", "latent.sise=3"], "latent: There is no parameter 'sise'."),
        (["--model", "hred", "--set", "latent.size=3"], "latent is a part of vhred"),
        (["--model", "hred", "--turns", "1"], "turns is 1, and hred is for more than one"),
        (["--set", "rerank.weight=-1.0"], "rerank: weight: Input should be greater than or equal"),
        (["--set", "hierarchy=3"], "hierarchy: Input should be a valid dictionary, got 3."),
        (["--model", "hredd"], "'hredd' is not one of 'seq2seq', 'hred', 'vhred'"),
    ],
)
def test_a_wrong_part_is_named_before_training(
    tmp_path: Path, place: Path, run: Said, options: list[str], said: str
) -> None:
    output = tmp_path / "bot"
    code, out, err = run("chat", "train", place / "learnt.jsonl", "-o", output, *TRAIN, *options)
    assert (code, out) == (2, "")
    assert said in " ".join(err.replace("│", " ").split())
    assert not output.exists()


def test_a_prepared_corpus_keeps_its_tokenizer(tmp_path: Path, place: Path, run: Said) -> None:
    folder, recipe = tmp_path / "prepared", tmp_path / "recipe.toml"
    prepare(place / "learnt.jsonl", folder, kind="dialogues", tokenizer=Characters(), workers=1)
    train = ("chat", "train", folder, "-o", tmp_path / "bot", *TRAIN[2:])
    recipe.write_text('tokenizer = "mecab"', "utf-8")
    for other in (("--tokenizer", "mecab"), ("--config", recipe), ("--set", 'tokenizer="mecab"')):
        code, out, err = run(*train, *other)
        assert (code, out) == (2, "")
        assert f"{folder}: was analysed with Characters(), and MeCab() is asked for. Leave" in err
        assert "jpseq corpus prepare FILES --tokenizer NAME -o FOLDER" in err
    # Neither the default nor the same one is another; what a run was begun with can be used again.
    assert run(*train, "--run", tmp_path / "run")[0] == 0
    assert isinstance(Chatbot.load(tmp_path / "bot").tokenizer, Characters)
    begun = tmp_path / "run" / "config.toml"
    assert run(*train, "--config", begun, "--run", tmp_path / "run", "--resume")[0] == 0
    assert run(*train, "--tokenizer", "characters")[0] == 0


def test_choosing_between_epochs_needs_a_third_dialogue(tmp_path: Path, run: Said) -> None:
    two, choosing = write(tmp_path / "two.jsonl", DIALOGUES[:2]), ["--set", "training.patience=1"]
    code, out, err = run("chat", "train", two, "-o", tmp_path / "bot", *TRAIN, *choosing)
    assert (code, out) == (1, "")
    assert "two.jsonl: at least three dialogues of two turns or more are needed" in err
    three = write(tmp_path / "three.jsonl", DIALOGUES)
    half = ("chat", "train", three, "-o", tmp_path / "bot", *TRAIN, *choosing, "--held-out", "0.5")
    code, out, err = run(*half)
    assert (code, out) == (1, "")
    assert "of 3, 2 held out to measure on leave too few" in err
    assert not (tmp_path / "bot").exists()
