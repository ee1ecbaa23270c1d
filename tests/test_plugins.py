"""Stages and responders by name: ours, and those of a package that is really installed."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from jpseq import Characters, Chatbot, MeCab, Vocabulary, Whitespace, plugins
from jpseq.dialogue import opening
from jpseq.errors import PluginError

PLUGIN = Path(__file__).parent / "example_plugin"

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Run Python where the example plug-in is installed."""
    target = tmp_path_factory.mktemp("site")
    pip = "pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --target"
    subprocess.run([sys.executable, "-m", *pip.split(), target, PLUGIN], check=True)
    environment = os.environ | {"PYTHONPATH": str(target), "PYTHONUTF8": "1"}

    def run(*arguments: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, *arguments],
            input=stdin,
            capture_output=True,
            encoding="utf-8",
            env=environment,
        )

    return run


def test_ours_are_found_by_kind_and_name() -> None:
    assert plugins.find("stages", "mecab", "tokenizer") is MeCab
    assert plugins.find("stages", "characters", "tokenizer") is Characters
    assert plugins.find("stages", "whitespace", "tokenizer") is Whitespace
    assert plugins.find("stages", "words", "vocabulary") is Vocabulary
    assert plugins.find("models", "chatbot") is Chatbot
    ours = {"hred", "mixture", "retrieval", "scripted", "seq2seq", "vhred"}
    assert ours <= {*plugins.names("responders")}
    assert plugins.find("responders", "seq2seq") is opening.seq2seq


def test_names_can_be_listed_by_kind() -> None:
    assert {"characters", "mecab", "whitespace"} <= {*plugins.names("stages", "tokenizer")}
    assert "tokenizer.mecab" in plugins.names("stages")
    assert plugins.names("stages", "no such kind") == []


def test_every_stage_is_registered_under_its_own_kind_and_name() -> None:
    for full_name in plugins.names("stages"):
        kind, _, name = full_name.partition(".")
        stage = plugins.find("stages", name, kind)
        assert (stage.kind, stage.name) == (kind, name)


def test_a_misspelt_name_gets_a_suggestion_and_the_list() -> None:
    with pytest.raises(PluginError) as caught:
        plugins.find("stages", "mecap", "tokenizer")
    installed = ", ".join(plugins.names("stages", "tokenizer"))
    assert str(caught.value) == (
        f"There is no tokenizer 'mecap'. Did you mean 'mecab'? Known: {installed}."
    )


def test_a_group_that_holds_nothing_says_so() -> None:
    with pytest.raises(PluginError, match=r"There is no ghost 'boo'. Known: none."):
        plugins.find("ghosts", "boo")


def test_an_installed_plugin_has_the_same_rights(run: Run) -> None:
    done = run("-m", "jpseq.cli.app", "tokenize", "--tokenizer", "commas", stdin="Ａ,夜の 空、海\n")
    assert (done.stdout, done.stderr, done.returncode) == ("A , 夜の 空 、 海\n", "", 0)


CODE = """
from jpseq import Pipeline, Vocabulary, plugins
from jpseq.dialogue.responder import Responder
print(plugins.names("stages", "tokenizer"))
commas = plugins.find("stages", "commas", "tokenizer")()
print(Pipeline([commas, Vocabulary()]).fit_transform(["夜,空,夜"]).tolist())
parrot = plugins.find("responders", "parrot")()
print(isinstance(parrot, Responder), parrot.reply(["はい", "夜です"]))
"""


def test_an_installed_plugin_is_found_by_name(run: Run) -> None:
    done = run("-c", CODE)
    assert done.stderr == ""
    names, ids, reply = done.stdout.splitlines()
    installed = sorted([*plugins.names("stages", "tokenizer"), "commas", "missing"])
    assert names == str(installed)
    assert ids == "[[0, 1, 2, 1, 0]]"
    assert reply == "True 夜です"


def test_an_installed_responder_talks_by_its_name(run: Run, tmp_path: Path) -> None:
    chat = ("-m", "jpseq.cli.app", "chat", "--responder")
    done = run(*chat, "parrot", stdin="猫\n犬\n")
    assert (done.stdout, done.stderr, done.returncode) == ("猫\n犬\n", "", 0)
    words = tmp_path / "words.txt"
    words.write_text("しりとり りんご ごりら らっぱ", "utf-8")
    done = run(*chat, "shiritori", "--model", str(words), stdin="しりとり\nラーメン\nごま。\n謎\n")
    assert done.stdout.splitlines() == ["りんご。", "参りました。", "参りました。", "参りました。"]
    assert (done.stderr, done.returncode) == ("", 0)
    mixture = tmp_path / "mixture.toml"
    entries = ["name = 'shiritori'\nfrom = 'words.txt'", "name = 'parrot'"]
    mixture.write_text("".join(f"[[responder]]\n{entry}\n" for entry in entries), "utf-8")
    done = run(*chat, "mixture", "--model", str(mixture), stdin="ごりら\n謎\n")
    assert done.stdout == "らっぱ。\n謎\n"
    done = run(*chat, "shiritori", stdin="猫\n")
    assert done.returncode == 2
    assert "cannot be made without a path: missing a required argument: 'file'" in done.stderr


def test_an_uninstalled_extra_gets_the_command_that_installs_it(run: Run) -> None:
    done = run("-m", "jpseq.cli.app", "tokenize", "--tokenizer", "missing", stdin="夜\n")
    assert done.stdout == ""
    assert done.stderr == (
        "jpseq: The tokenizer 'missing' needs a package that is not installed"
        " (No module named 'example_plugin_missing')."
        ' Type: pip install "jpseq-example-plugin[sudachi]"\n'
    )
    assert done.returncode == 2
