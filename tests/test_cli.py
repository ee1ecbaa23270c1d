"""The command line as a user meets it: a process of its own, what it prints and how it ends."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from jpseq import __version__
from jpseq.dialogue.chatbot import Chatbot
from jpseq.text.mecab import MeCab

Result = subprocess.CompletedProcess[str]
DIALOGUES = [["山へ行く？", "海へ行く。", "いいね"], ["猫は好き？", "犬も好き。"]] * 4
SMALL = ["--tokenizer", "characters", "--embedding", "4", "--hidden", "4", "--min-count", "1"]


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "jpseq.cli.app", *map(str, arguments)]


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("JPSEQ_CACHE", str(folder))
    return folder


def run(command: list[str], stdin: str | bytes = b"", **options: Any) -> Result:
    data = stdin.encode() if isinstance(stdin, str) else stdin
    done = subprocess.run(command, input=data, capture_output=True, timeout=300, **options)
    return subprocess.CompletedProcess(
        command, done.returncode, done.stdout.decode(), done.stderr.decode()
    )


def jpseq(*arguments: object, stdin: str | bytes = b"", **options: Any) -> Result:
    return run(command(*arguments), stdin, **options)


def said(*arguments: object, stdin: str | bytes = b"") -> str:
    """Standard output of a command that goes well and has nothing to note."""
    result = jpseq(*arguments, stdin=stdin)
    assert (result.returncode, result.stderr) == (0, "")
    return result.stdout


def write_dialogues(path: Path, dialogues: Iterable[list[str]] = DIALOGUES) -> Path:
    lines = [
        json.dumps({"turns": [{"speaker": "AB"[i % 2], "text": t} for i, t in enumerate(dialogue)]})
        for dialogue in dialogues
    ]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    folder = tmp_path_factory.mktemp("trained")
    source = write_dialogues(folder / "small.jsonl", [*DIALOGUES, ["一人だけ"]])
    arguments = ("--output", folder / "bot", *SMALL, "--epochs", 2, "--seed", 3)
    return folder / "bot", jpseq("chat", "train", source, *arguments)


@pytest.fixture
def model(trained: tuple[Path, Result]) -> Path:
    return trained[0]


# tokenize


def test_tokenize_joins_words_by_spaces() -> None:
    assert said("tokenize", stdin="猫が好きです。\n\nＡＢＣの犬\n") == (
        "猫 が 好き です 。\n\nABC の 犬\n"
    )


def test_tokenize_json_has_exactly_these_keys() -> None:
    line = "ＡＢＣへ行った"
    (row,) = map(json.loads, said("tokenize", "--json", stdin=line).splitlines())
    assert list(row) == ["text", "tokens"]
    assert row["text"] == line
    assert row["tokens"] == [token._asdict() for token in MeCab().tokenize(line)]
    assert list(row["tokens"][0]) == [
        *("surface", "start", "end", "form", "lemma", "reading", "pos", "known")
    ]
    assert [(t["surface"], t["start"], t["end"], t["form"]) for t in row["tokens"]] == [
        ("ＡＢＣ", 0, 3, "ABC"),
        ("へ", 3, 4, "へ"),
        ("行っ", 4, 6, "行っ"),
        ("た", 6, 7, "た"),
    ]


def test_tokenize_reads_files_in_turn_and_standard_input(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("\ufeff猫と犬\r\n", "utf-8")
    (tmp_path / "b.txt").write_text("山", "utf-8")
    arguments = ["--tokenizer", "characters", tmp_path / "a.txt", "-", tmp_path / "b.txt"]
    assert said("tokenize", *arguments, stdin="夜 空\n") == "猫 と 犬\n夜 空\n山\n"


def test_tokenize_of_nothing_says_nothing() -> None:
    assert said("tokenize") == ""


def test_tokenize_evaluates_against_a_gold_standard(tmp_path: Path) -> None:
    gold = tmp_path / "gold.conllu"
    rows = [f"{i}\t{word}" + "\t_" * 8 for i, word in enumerate(["猫", "が", "寝る"], 1)]
    gold.write_text("# text = 猫が寝る\n" + "\n".join(rows) + "\n\n", "utf-8")
    # Of the four characters two are gold words: P 2/4, R 2/3, F1 4/7.
    assert said("tokenize", "--tokenizer", "characters", "--evaluate", gold).splitlines() == [
        "precision 0.5000  recall 0.6667  F1 0.5714",
        "1 sentences, 3 gold words, 4 found",
        "data:gold.conllu|sentences:1|tok:Characters()|unit:code points",
        "",
        "most frequent disagreements (gold / found):",
        "     1  寝る / 寝 る",
    ]


def test_japanese_is_written_whatever_the_locale_says() -> None:
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    result = jpseq("tokenize", stdin="猫が", env={**os.environ, **ascii_only})
    assert (result.returncode, result.stdout) == (0, "猫 が\n")


# vocab


@pytest.fixture
def vocabulary(tmp_path: Path) -> Path:
    text = tmp_path / "text.txt"
    text.write_text("a b a\nc a b\n", "utf-8")
    path = tmp_path / "vocabulary.json"
    shown = said(
        *("vocab", "build", text, "--output", path),
        *("--tokenizer", "whitespace", "--special", "<unk>", "--min-count", 2),
    )
    assert shown == f"{path}: 3 words with ids, of 6 words counted\n"
    return path


def test_vocab_show(vocabulary: Path) -> None:
    assert said("vocab", "show", vocabulary) == "0\t0\t<unk>\n1\t3\ta\n2\t2\tb\n"
    assert said("vocab", "show", vocabulary, "--top", 1) == "0\t0\t<unk>\n"
    assert json.loads(said("vocab", "show", vocabulary, "--json")) == {
        "size": 3,
        "words": [
            {"id": 0, "count": 0, "word": "<unk>"},
            {"id": 1, "count": 3, "word": "a"},
            {"id": 2, "count": 2, "word": "b"},
        ],
    }


def test_vocab_coverage(vocabulary: Path) -> None:
    arguments = ("vocab", "coverage", vocabulary, "--tokenizer", "whitespace")
    assert said(*arguments, stdin="a c d c\nb\n") == (
        "2 of 5 tokens known (40.00%)\n2 of 4 different words known\n     2  c\n     1  d\n"
    )
    assert json.loads(said(*arguments, "--json", stdin="a c d c\nb\n")) == {
        "tokens": 5,
        "known": 2,
        "types": 4,
        "known_types": 2,
        "missing": [["c", 2], ["d", 1]],
    }


# doctor


def test_doctor_finds_all_well(cache: Path) -> None:
    checks = json.loads(said("doctor", "--json"))
    assert all(list(check) == ["check", "ok", "finding"] for check in checks)
    assert all(check["ok"] for check in checks)
    found = {check["check"]: check["finding"] for check in checks}
    assert {"python", "torch", "dictionary", "device", "cache", "stages", "corpora"} <= set(found)
    assert found["cache"] == f"{cache} can be written"
    assert found["dictionary"] == "unidic-lite reads 形態素解析 as ケイタイ ソ カイセキ"


def test_doctor_tells_the_remedy_and_fails(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder", "utf-8")
    result = jpseq("doctor", env={**os.environ, "JPSEQ_CACHE": str(tmp_path / "file")})
    assert result.returncode == 1
    assert result.stderr == ""
    (problem,) = [line for line in result.stdout.splitlines() if line.startswith("PROBLEM")]
    assert problem.split()[1] == "cache"
    assert problem.endswith("Set JPSEQ_CACHE to a folder that can be written.")
    assert "\nok       dictionary" in result.stdout


# chat


def test_chat_train_measures_and_saves(trained: tuple[Path, Result]) -> None:
    folder, result = trained
    assert result.returncode == 0
    bot = Chatbot.load(folder)
    assert result.stdout == f"held-out {bot.metrics['held-out']}\n"
    assert result.stdout.startswith("held-out perplexity ")
    assert "|tok:characters|" in result.stdout
    lines = result.stderr.splitlines()
    assert lines[:2] == [
        "1 dialogues of fewer than two turns are left out",
        "7 dialogues to learn from, 1 held out",
    ]
    assert re.fullmatch(r"training: \d+ batches an epoch, fp32", lines[2])
    assert [line.split("  ")[0] for line in lines[3:-1]] == ["epoch 1/2", "epoch 2/2"]
    assert lines[-1] == f"Talk to it: jpseq chat --model {folder}"
    assert (bot.hidden, bot.epochs, bot.seed) == (4, 2, 3)


def test_chat_answers_each_piped_line_by_one_line(model: Path) -> None:
    shown = said("chat", "--model", model, stdin="山へ行く？\n\n/help\n猫は好き？")
    bot, history, wanted = Chatbot.load(model), [], []
    for text in ("山へ行く？", "", "/help", "猫は好き？"):
        if text:
            history.append(text)
            history.append(bot.reply(history))
        wanted.append(history[-1] if text else "")
    assert shown == "\n".join(wanted) + "\n"


def test_chat_with_a_seed_and_a_temperature_is_repeatable(model: Path) -> None:
    bot = Chatbot.load(model)
    shown = said("chat", "--model", model, "--temperature", 2, "--seed", 7, stdin="山へ")
    assert shown == bot.reply(["山へ"], temperature=2, seed=8) + "\n"


# Bad input: code 1 or 2, one paragraph that names file, line and remedy, and nothing is touched


def tree(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refused(folder: Path, *arguments: object, stdin: str | bytes = b"") -> Result:
    before = tree(folder)
    result = jpseq(*arguments, stdin=stdin)
    assert result.returncode in (1, 2)
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    assert tree(folder) == before
    return result


GOOD_LINE = json.dumps({"turns": [{"speaker": "A", "text": "a"}, {"speaker": "B", "text": "b"}]})
BAD: dict[str, bytes | None] = {
    "binary": b"\x7fELF\0\0\x01",
    "shift_jis": "猫が好きです\n".encode("cp932"),
    "second_line_euc": "ねこ\n".encode() + "猫が好きです\n".encode("euc_jp"),
    "empty": b"",
    "blank": b"\n \n",
    "half": f'{GOOD_LINE}\n\n{{"turns": [\n'.encode(),
    "no_turns": f'{GOOD_LINE}\n{{"text": "a"}}\n'.encode(),
    "no_text": f'{GOOD_LINE}\n{{"turns": [{{"speaker": "A"}}]}}\n'.encode(),
    "monologues": f'{GOOD_LINE}\n{{"turns": []}}\n'.encode(),
    "missing": None,
}

BAD_FILES = [
    ("tokenize", "missing", "", "no such file"),
    ("tokenize", "binary", ", line 1", "not a text file"),
    ("tokenize", "shift_jis", ", line 1", "iconv -f CP932 -t UTF-8"),
    ("tokenize --evaluate", "missing", "", "no such file"),
    ("tokenize --evaluate", "empty", "", "holds no sentence"),
    ("tokenize --evaluate", "half", ", line 1", "CoNLL-U has 10, with tabs between them"),
    ("vocab build -o KEPT", "missing", "", "no such file"),
    ("vocab build -o KEPT", "second_line_euc", ", line 2", "iconv"),
    ("vocab show", "missing", "", "No such file"),
    ("vocab show", "binary", "", "not a vocabulary"),
    ("vocab show", "shift_jis", "", "not a vocabulary"),
    ("vocab show", "empty", "", "not a vocabulary"),
    ("vocab coverage", "half", "", "not a vocabulary"),
    ("chat train -o KEPT/bot", "missing", "", "no such file"),
    ("chat train -o KEPT/bot", "binary", ", line 1", "not a text file"),
    ("chat train -o KEPT/bot", "shift_jis", ", line 1", "iconv -f CP932 -t UTF-8"),
    ("chat train -o KEPT/bot", "empty", "", "holds no dialogues"),
    ("chat train -o KEPT/bot", "half", ", line 3", 'A dialogue is {"turns": '),
    ("chat train -o KEPT/bot", "no_turns", ", line 2", 'A dialogue is {"turns": '),
    ("chat train -o KEPT/bot", "no_text", ", line 2", 'turn 1 has no "text"'),
    ("chat train -o KEPT/bot", "monologues", "", "at least two dialogues of two turns"),
]


@pytest.mark.parametrize(("verb", "name", "line", "remedy"), BAD_FILES)
def test_a_bad_file(tmp_path: Path, verb: str, name: str, line: str, remedy: str) -> None:
    path = tmp_path / f"{name}.data"
    if (data := BAD[name]) is not None:
        path.write_bytes(data)
    kept = tmp_path / "kept"
    if "chat" in verb:
        kept.mkdir()
    else:
        kept.write_text("of value", "utf-8")
    words = [word.replace("KEPT", str(kept)) for word in verb.split()]
    result = refused(tmp_path, *words, path)
    assert result.stderr.startswith(f"jpseq: {path}{line}: ")
    assert remedy in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("verb", "said"),
    [
        ("tokenize", "is a folder; name a file in it"),
        ("tokenize --evaluate", "is a folder; name a file in it"),
        ("vocab show", "cannot be read (Is a directory)"),
        ("chat train -o new", "a folder without *.jsonl files"),
        ("chat --model", "not a model folder (no model.json in it)"),
    ],
)
def test_a_folder_where_a_file_is_wanted(tmp_path: Path, verb: str, said: str) -> None:
    result = refused(tmp_path, *verb.split(), tmp_path)
    assert result.stderr.startswith(f"jpseq: {tmp_path}: ")
    assert said in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_misspelt_file_name(tmp_path: Path) -> None:
    (tmp_path / "novel.txt").write_text("猫", "utf-8")
    result = refused(tmp_path, "tokenize", tmp_path / "nvoel.txt")
    assert result.stderr == (
        f"jpseq: {tmp_path / 'nvoel.txt'}: no such file. Did you mean 'novel.txt'?\n"
    )


def test_standard_input_that_is_not_utf8() -> None:
    result = jpseq("tokenize", stdin="猫\n".encode() + "猫\n".encode("cp932"))
    assert (result.returncode, result.stdout) == (1, "猫\n")
    assert result.stderr == "jpseq: standard input, line 2: not UTF-8.\n"


def test_vocab_build_of_nothing_writes_nothing(tmp_path: Path) -> None:
    result = refused(tmp_path, "vocab", "build", "-o", tmp_path / "v.json", stdin="\n")
    assert result.stderr == "jpseq: there is no word in the text; nothing was written.\n"


def test_vocab_build_to_nowhere(tmp_path: Path) -> None:
    path = tmp_path / "no" / "v.json"
    result = refused(tmp_path, "vocab", "build", "-o", path, stdin="猫")
    assert result.stderr == f"jpseq: {path}: cannot be written (No such file or directory).\n"


TRAIN = ("chat", "train", "DIALOGUES", "-o", "NEW")
WRONG_USE = [
    (("tokenize", "--tokenizer", "mecap"), "Did you mean 'mecab'? Known: "),
    (("vocab", "coverage", "x", "--tokenizer", "caracters"), "Did you mean 'characters'?"),
    ((*TRAIN, "--tokenizer", "mekab"), "Did you mean 'mecab'?"),
    (
        (*TRAIN, "--hidden", "7", "--epochs", "0"),
        "hidden: Input should be a multiple of 2, got 7. epochs: Input should be greater than or",
    ),
    ((*TRAIN, "--cell", "gruu"), "'gruu' is not one of 'rnn', 'lstm', 'gru'"),
    ((*TRAIN, "--seed", "-1"), "'--seed'"),
    ((*TRAIN, "--seed", "1" + "0" * 30), "'--seed'"),
    (("chat", "train", "DIALOGUES"), "Missing option '--output'"),
    (("tokenize", "--tokeniser", "mecab"), "--tokenizer"),
    (("tokenize", "--evaluate", "x", "y"), "the text comes from the gold file alone"),
    (("chat", "--temperature", "11"), "'--temperature'"),
    (("tokenise",), "No such command 'tokenise'"),
]


@pytest.mark.parametrize(("arguments", "said"), WRONG_USE)
def test_wrong_use(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    places = {
        "DIALOGUES": write_dialogues(tmp_path / "dialogues.jsonl"),
        "NEW": tmp_path / "new",
    }
    result = refused(tmp_path, *(places.get(word, word) for word in arguments))
    assert result.returncode == 2
    assert said in result.stderr
    assert not (tmp_path / "new").exists()


def test_an_output_folder_with_other_files(tmp_path: Path) -> None:
    source = write_dialogues(tmp_path / "dialogues.jsonl")
    result = refused(tmp_path, "chat", "train", source, "-o", tmp_path)
    assert result.returncode == 1
    assert result.stderr == (
        f"jpseq: {tmp_path}: holds other files (and no model.json); choose an empty or a new"
        " folder.\n"
    )


@pytest.mark.parametrize(
    ("file", "data", "said"),
    [
        ("model.json", b'{"name": "someone\'s package"}', "not a jpseq model"),
        ("model.json", b"{", "damaged"),
        ("weights.safetensors", b"\0" * 50, "Copy the model folder again, or train it again."),
    ],
)
def test_a_damaged_or_foreign_model(
    model: Path, tmp_path: Path, file: str, data: bytes, said: str
) -> None:
    for each in model.iterdir():
        (tmp_path / each.name).write_bytes(each.read_bytes())
    (tmp_path / file).write_bytes(data)
    result = refused(tmp_path, "chat", "--model", tmp_path, stdin="山")
    assert result.returncode == 1
    assert result.stderr.startswith(f"jpseq: {tmp_path / file}: ")
    assert said in result.stderr
    assert result.stderr.count("\n") == 1


# Ctrl-C. The signal comes from inside, at a certain step of training: no test waits for one.

INTERRUPTED = """
import os, signal
from jpseq.cli.app import main
from jpseq.network.seq2seq import Seq2Seq

really, calls = Seq2Seq.loss, {True: 0, False: 0}

def loss(network, pair):
    calls[network.training] += 1
    if calls[network.training] == STEP[network.training]:
        os.kill(os.getpid(), signal.SIGINT)
    return really(network, pair)

Seq2Seq.loss = loss
main()
"""


def interrupted(train: int, measure: int, *arguments: object, stdin: str = "") -> Result:
    """A command that gets SIGINT at a step of training, and at one of measuring."""
    code = INTERRUPTED.replace("STEP", str({True: train, False: measure}))
    return run([sys.executable, "-c", code, *map(str, arguments)], stdin)


@pytest.mark.parametrize(("measure", "measured"), [(0, True), (1, False)])
def test_ctrl_c_while_training_saves_what_was_learnt(
    tmp_path: Path, measure: int, measured: bool
) -> None:
    source = write_dialogues(tmp_path / "dialogues.jsonl")
    arguments = ("chat", "train", source, "-o", tmp_path / "bot", *SMALL, "--epochs", 1000)
    result = interrupted(5, measure, *arguments)
    assert result.returncode == 130
    assert "Traceback" not in result.stderr
    assert ("Interrupted: what was learnt until then is saved" in result.stderr) == measured
    assert result.stdout.startswith("held-out perplexity") == measured
    bot = Chatbot.load(tmp_path / "bot")
    assert bot.reply(["山へ行く？"]) == bot.reply(["山へ行く？"])
    assert "山" in bot.vocabulary
    assert ("held-out" in bot.metrics) == measured
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bot", "dialogues.jsonl"]


def test_ctrl_c_while_the_demo_trains_keeps_nothing(cache: Path) -> None:
    result = interrupted(5, 0, "chat", stdin="こんにちは")
    assert (result.returncode, result.stdout) == (130, "")
    assert "the demo bot is not kept" in result.stderr
    assert "Traceback" not in result.stderr
    assert list(cache.iterdir()) == []


def test_ctrl_c_while_talking(model: Path) -> None:
    options: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(
        command("chat", "--model", model), stderr=subprocess.PIPE, **options
    ) as process:
        assert process.stdin is not None
        process.stdin.write("山へ行く？\n".encode())
        process.stdin.flush()
        assert process.stdout is not None
        assert process.stdout.readline().endswith(b"\n")
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"Traceback" not in errors


def test_a_closed_pipe_ends_quietly(tmp_path: Path) -> None:
    (tmp_path / "long.txt").write_text("猫が好き\n" * 50_000, "utf-8")
    arguments = command("tokenize", "--tokenizer", "characters", tmp_path / "long.txt")
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().decode() == "猫 が 好 き\n"
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 1


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_disk(unbuffered: str) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            command("tokenize", "--tokenizer", "characters"),
            input="猫\n".encode(),
            stdout=full,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
        )
    assert done.returncode == 1
    assert done.stderr == b"jpseq: the output cannot be written (No space left on device).\n"


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-"])
def test_closed_streams_are_empty_ones(closed: str) -> None:
    if os.name != "posix":
        pytest.skip("no POSIX shell")
    script = shlex.join(command("tokenize", "--tokenizer", "characters"))
    result = run(["sh", "-c", f"{script} {closed}"], "猫と犬\n")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == ("猫 と 犬\n" if closed == "2>&-" else "")


# The command itself


def test_version_and_help() -> None:
    assert said("--version") == f"jpseq {__version__}\n"
    shown = said("-h")
    assert all(f"\n  {name} " in shown for name in ("tokenize", "vocab", "chat", "doctor"))


def test_the_installed_script_is_the_same_command() -> None:
    script = Path(sys.executable).with_name("jpseq")
    assert run([str(script), "--version"]).stdout == f"jpseq {__version__}\n"
