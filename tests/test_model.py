"""Model folders: what is kept, every kind of damage, and saves that fail."""

import errno
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from jpseq.dialogue.chatbot import Chatbot
from jpseq.errors import DataError, ModelError, NotFittedError, PluginError
from jpseq.model import Model, is_model
from jpseq.text.characters import Characters
from jpseq.text.mecab import MeCab

DIALOGUES = [["山へ行く？", "海へ行く。"], ["猫は好き？", "犬も好き。"]]
FILES = ["README.md", "model.json", "vocabulary.json", "weights.safetensors"]


@pytest.fixture(scope="module")
def bot() -> Chatbot:
    params: dict[str, Any] = {"embedding": 8, "hidden": 8, "epochs": 3, "max_reply": 8}
    return Chatbot(Characters(), **params).fit(DIALOGUES)


@pytest.fixture
def folder(bot: Chatbot, tmp_path: Path) -> Path:
    bot.save(tmp_path / "bot")
    return tmp_path / "bot"


def content(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def replies(bot: Any) -> list[str]:
    asked = [["山へ行く？"], ["猫は好き？", "犬も好き。", "海は？"], ["知らない言葉"]]
    return [bot.reply(h, temperature=t, seed=s) for h in asked for t in (0, 1) for s in range(2)]


# There and back


def test_a_loaded_model_replies_the_same(bot: Chatbot, folder: Path) -> None:
    loaded = Chatbot.load(folder)
    assert replies(loaded) == replies(bot)
    assert len(set(replies(bot))) > 3
    assert repr(loaded) == repr(bot)


def test_a_loaded_model_saves_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    Chatbot.load(folder).save(tmp_path / "again")
    assert content(tmp_path / "again") == content(folder)
    assert sorted(content(folder)) == FILES


def test_a_model_of_any_kind_is_found_by_its_name(bot: Chatbot, folder: Path) -> None:
    loaded = Model.load(str(folder))
    assert type(loaded) is Chatbot
    assert replies(loaded) == replies(bot)


def test_the_description_holds_names_and_no_import_path(bot: Chatbot, folder: Path) -> None:
    described = json.loads((folder / "model.json").read_text("utf-8"))
    assert (described["format"], described["version"]) == ("jpseq model", 1)
    assert described["model"] == "chatbot"
    assert described["parameters"]["hidden"] == 8
    assert described["parameters"]["tokenizer"] == {
        "kind": "tokenizer",
        "name": "characters",
        "parameters": {"rules": None},
    }
    assert described["vocabularies"] == {"vocabulary": bot.vocabulary.hash()}
    assert "jpseq.dialogue" not in (folder / "model.json").read_text("utf-8")


def test_metrics_are_kept_and_stand_in_the_card(bot: Chatbot, tmp_path: Path) -> None:
    measured = bot.clone().fit(DIALOGUES)
    measured.metrics = {"held-out": "perplexity 12.3"}
    measured.save(tmp_path / "bot")
    assert "- held-out: perplexity 12.3\n" in (tmp_path / "bot/README.md").read_text("utf-8")
    assert Chatbot.load(tmp_path / "bot").metrics == measured.metrics


def test_a_tokenizers_own_parameters_are_kept(tmp_path: Path) -> None:
    bot = Chatbot(MeCab(lemma=True, pos=("名詞",)), embedding=2, hidden=2, epochs=1).fit(DIALOGUES)
    bot.save(tmp_path / "bot")
    tokenizer = Chatbot.load(tmp_path / "bot").tokenizer
    assert isinstance(tokenizer, MeCab)
    assert (tokenizer.lemma, tuple(tokenizer.pos)) == (True, ("名詞",))
    assert tokenizer.words("猫が好き") == ["猫"]


def test_an_untrained_model_cannot_be_saved(tmp_path: Path) -> None:
    with pytest.raises(NotFittedError, match=r"call fit, or Chatbot\.load"):
        Chatbot().save(tmp_path / "bot")
    assert list(tmp_path.iterdir()) == []


# Damage


def describe(**changes: Any) -> Callable[[Path], None]:
    """model.json with other values; those of parameters under their own names."""

    def damage(folder: Path) -> None:
        described = json.loads((folder / "model.json").read_text("utf-8"))
        for name, value in changes.items():
            where = described["parameters"] if name in described["parameters"] else described
            where[name] = value
        (folder / "model.json").write_text(json.dumps(described), "utf-8")

    return damage


def put(name: str, data: bytes) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        (folder / name).write_bytes(data)

    return damage


def without(name: str) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        (folder / name).unlink()

    return damage


def weights(change: Callable[[dict[str, torch.Tensor]], Any]) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        tensors = load_file(folder / "weights.safetensors")
        change(tensors)
        save_file(tensors, folder / "weights.safetensors")

    return damage


def truncate(folder: Path) -> None:
    path = folder / "weights.safetensors"
    path.write_bytes(path.read_bytes()[:-100])


def weights_folder(folder: Path) -> None:
    (folder / "weights.safetensors").unlink()
    (folder / "weights.safetensors").mkdir()


def rename_a_word(folder: Path) -> None:
    path = folder / "vocabulary.json"
    path.write_text(path.read_text("utf-8").replace("猫", "鳥"), "utf-8")


def to_a_file(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.write_text("a file", "utf-8")


BIAS = "decoder.bias"
AGAIN = "Copy the model folder again, or train it again."
# How it is damaged, the file that is named, what is said of it, the remedy.
DAMAGES = {
    "no folder": (shutil.rmtree, "", "no such folder", "jpseq chat train"),
    "a file": (to_a_file, "model.json", "Not a directory", "A model is a folder"),
    "no description": (without("model.json"), "", "no model.json in it", "jpseq chat train"),
    "no vocabulary": (without("vocabulary.json"), "vocabulary.json", "No such file", AGAIN),
    "no weights": (without("weights.safetensors"), "weights.safetensors", "no such file", AGAIN),
    "no JSON": (put("model.json", b'{"format": '), "model.json", "damaged", AGAIN),
    "deep JSON": (put("model.json", b"[" * 100_000), "model.json", "damaged", AGAIN),
    "no UTF-8": (put("model.json", b'{"\x93\xfa": 1}'), "model.json", "damaged", AGAIN),
    "foreign JSON": (put("model.json", b'{"name": "x"}'), "model.json", "not a jpseq", "another"),
    "a list": (put("model.json", b"[1]"), "model.json", "not a jpseq model", "another folder"),
    "later version": (describe(version=2), "model.json", "format 2", "Install the jpseq"),
    "no parameters": (describe(parameters=None), "model.json", 'no "parameters"', AGAIN),
    "odd hidden": (describe(hidden=7), "model.json", "multiple of 2, got 7", AGAIN),
    "hidden in words": (describe(hidden="eight"), "model.json", "valid integer", AGAIN),
    "unknown parameter": (describe(parameters={"hiden": 8}), "model.json", "'hiden'", AGAIN),
    "no stage": (describe(tokenizer=3), "model.json", "tokenizer", AGAIN),
    "no vocabularies": (describe(vocabularies={}), "model.json", "'vocabulary'", AGAIN),
    "other word": (rename_a_word, "vocabulary.json", "its hash differs", AGAIN),
    "text for vocabulary": (put("vocabulary.json", b"abc"), "vocabulary.json", "vocabulary", AGAIN),
    "truncated weights": (truncate, "weights.safetensors", "cannot be read", AGAIN),
    "text for weights": (put("weights.safetensors", b"abc"), "weights.safetensors", "read", AGAIN),
    "empty weights": (put("weights.safetensors", b""), "weights.safetensors", "read", AGAIN),
    "folder of weights": (weights_folder, "weights.safetensors", "cannot be read", AGAIN),
    "NaN": (weights(lambda w: w[BIAS].fill_(torch.nan)), "weights.safetensors", BIAS, AGAIN),
    "infinity": (weights(lambda w: w[BIAS][3:].fill_(torch.inf)), "weights.safetensors", BIAS, ""),
    "wrong shape": (
        weights(lambda w: w.update({BIAS: torch.zeros(3)})),
        "weights.safetensors",
        "decoder.bias is (3,), but model.json describes",
        AGAIN,
    ),
    "other size": (describe(hidden=10), "weights.safetensors", "but model.json describes", AGAIN),
    "weight missing": (weights(lambda w: w.pop(BIAS)), "weights.safetensors", BIAS, AGAIN),
    "weight too many": (
        weights(lambda w: w.update(other=torch.zeros(1))),
        "weights.safetensors",
        "foreign weights: other",
        AGAIN,
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_named_with_its_place_and_a_remedy(damage: str, folder: Path) -> None:
    spoil, file, said, remedy = DAMAGES[damage]
    spoil(folder)
    with pytest.raises((ModelError, DataError)) as caught:
        Chatbot.load(folder)
    message = str(caught.value)
    assert message.startswith(f"{folder / file}: ")
    assert said in message
    assert remedy in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (describe(model="chatbat"), "no model 'chatbat'. Did you mean 'chatbot'?"),
        (
            describe(tokenizer={"kind": "tokenizer", "name": "caracters", "parameters": {}}),
            "no tokenizer 'caracters'. Did you mean 'characters'?",
        ),
    ],
)
def test_what_is_not_installed_is_named_with_the_file(
    change: Callable[[Path], None], said: str, folder: Path
) -> None:
    change(folder)
    with pytest.raises(PluginError) as caught:
        Chatbot.load(folder)
    assert str(caught.value).startswith(f"{folder}/model.json: ")
    assert said in str(caught.value)


def test_a_model_of_another_kind_is_refused(folder: Path) -> None:
    class Translator(Model):
        pass

    with pytest.raises(ModelError, match="a Translator is wanted") as caught:
        Translator.load(folder)
    assert str(caught.value).startswith(f"{folder}: a Chatbot ('chatbot')")
    assert "Chatbot.load" in str(caught.value)


def test_is_model(folder: Path, tmp_path: Path) -> None:
    assert is_model(folder)
    describe(version=2)(folder)
    assert not is_model(folder)
    assert not is_model(tmp_path)
    assert not is_model(tmp_path / "nowhere")


# Saving


def test_a_former_model_is_replaced_whole(bot: Chatbot, folder: Path, tmp_path: Path) -> None:
    (folder / "left over.txt").write_text("x", "utf-8")
    other = Chatbot(Characters(), embedding=2, hidden=2, epochs=1).fit(DIALOGUES)
    other.save(folder)
    assert sorted(content(folder)) == FILES
    assert replies(Chatbot.load(folder)) == replies(other)
    assert list(tmp_path.iterdir()) == [folder]


@pytest.mark.parametrize("exists", [True, False])
@pytest.mark.parametrize("name", FILES)
def test_a_full_disk_leaves_the_former_model_as_it_was(
    bot: Chatbot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, exists: bool
) -> None:
    folder = tmp_path / "bot"
    if exists:
        bot.save(folder)
    before = content(folder) if exists else None

    def full_at_the_file(really: Any) -> Any:
        def write(self: Path, data: Any, **options: Any) -> None:
            really(self, data[:10] if self.name == name else data, **options)
            if self.name == name:
                raise OSError(errno.ENOSPC, "No space left on device")

        return write

    for method in ("write_text", "write_bytes"):
        monkeypatch.setattr(Path, method, full_at_the_file(getattr(Path, method)))
    with pytest.raises(DataError, match="No space left on device; nothing that was there is lost"):
        bot.save(folder)
    monkeypatch.undo()
    assert (content(folder) if exists else None) == before
    assert list(tmp_path.iterdir()) == ([folder] if exists else [])


@pytest.mark.parametrize("error", [RuntimeError("in the middle"), KeyboardInterrupt()])
def test_any_failure_leaves_the_former_model_as_it_was(
    bot: Chatbot,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
) -> None:
    before = content(folder)

    def fail(self: Chatbot) -> str:
        raise error

    monkeypatch.setattr(Chatbot, "card", fail)
    with pytest.raises(type(error)):
        bot.save(folder)
    assert content(folder) == before
    assert list(tmp_path.iterdir()) == [folder]


def test_a_failure_of_the_last_step_puts_the_former_model_back(
    bot: Chatbot, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = content(folder)
    really = Path.rename

    def fail(self: Path, target: Path) -> Path:
        if Path(target) == folder and not self.name.endswith("-old"):
            raise OSError(errno.EIO, "Input/output error")
        return really(self, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(DataError, match="Input/output error"):
        bot.save(folder)
    assert content(folder) == before
    assert list(tmp_path.iterdir()) == [folder]


def test_a_folder_with_other_files_is_never_written_over(bot: Chatbot, tmp_path: Path) -> None:
    thesis = tmp_path / "thesis"
    thesis.mkdir()
    (thesis / "chapter.txt").write_text("第一章", "utf-8")
    with pytest.raises(DataError, match=r"thesis: holds other files \(and no model\.json\)"):
        bot.save(thesis)
    assert content(thesis) == {"chapter.txt": "第一章".encode()}
    with pytest.raises(DataError, match=r"chapter\.txt: is a file; choose another name"):
        bot.save(thesis / "chapter.txt")
    assert content(thesis) == {"chapter.txt": "第一章".encode()}


def test_a_link_to_a_model_stays_a_link(bot: Chatbot, folder: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(folder, target_is_directory=True)
    without("README.md")(folder)
    bot.save(link)
    assert link.is_symlink()
    assert sorted(content(folder)) == FILES
    assert sorted(tmp_path.iterdir()) == [folder, link]


def test_missing_parents_are_made(bot: Chatbot, tmp_path: Path) -> None:
    bot.save(tmp_path / "a" / "b" / "bot")
    assert replies(Chatbot.load(tmp_path / "a/b/bot")) == replies(bot)
