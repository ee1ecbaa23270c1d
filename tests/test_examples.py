"""The scripts in examples/ do what their docstrings say."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"


def run(script: str, *arguments: object, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-X", "utf8", EXAMPLES / script, *map(str, arguments)],
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == code, done.stderr
    return done


@pytest.fixture
def texts(tmp_path):
    (tmp_path / "inner").mkdir()
    (tmp_path / "one.txt").write_text("古い寺を訪ねた。\n\n庭は静かだった。\n", encoding="utf-8")
    (tmp_path / "inner" / "two.txt").write_text("静かな庭を訪ねます。\n", encoding="utf-8")
    (tmp_path / "notes.md").write_text("読まない\n", encoding="utf-8")
    return tmp_path


def test_content_words_counts_dictionary_forms(texts):
    lines = run("content_words.py", texts).stdout.splitlines()
    assert lines[0] == "8 content words, 5 different ones"
    counts = dict(reversed(line.split()) for line in lines[1:])
    assert counts == {"寺": "1", "庭": "2", "静か": "2", "訪ねる": "2", "古い": "1"}


def test_content_words_leaves_rare_words_out(texts):
    lines = run("content_words.py", texts, "--min-count", 2, "--top", 3).stdout.splitlines()
    assert len(lines) == 4
    assert "古い" not in "".join(lines)


def test_content_words_never_imports_torch(texts):
    code = (
        "import runpy, sys\n"
        f"sys.argv = ['content_words.py', {str(texts)!r}]\n"
        f"runpy.run_path({str(EXAMPLES / 'content_words.py')!r}, run_name='__main__')\n"
        "heavy = {'torch', 'lightning', 'sklearn', 'pydantic'} & sys.modules.keys()\n"
        "sys.exit(', '.join(heavy) if heavy else 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", code], capture_output=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    assert "訪ねる" in done.stdout


def test_content_words_says_what_is_wrong_with_a_file(texts):
    (texts / "old.txt").write_bytes("古い寺".encode("cp932"))
    message = run("content_words.py", texts, code=1).stderr
    assert "old.txt, line 1: not UTF-8" in message
    assert "Traceback" not in message
    assert "no content words" in run("content_words.py", texts / "none", code=1).stderr


def test_classify_beats_the_most_frequent_topic_and_says_how_it_was_measured():
    printed = run("classify.py", "--folds", 3).stdout
    accuracy = float(re.search(r"^accuracy (\S+)", printed, re.MULTILINE)[1])
    baseline = float(re.search(r"^most frequent topic (\S+)", printed, re.MULTILINE)[1])
    assert accuracy > 3 * baseline
    assert "stratified 3-fold cross-validation over dialogues, seed 0" in printed
    assert printed.splitlines()[-1].endswith("→ station")


def test_classify_needs_two_topics(tmp_path):
    assert "two topics" in run("classify.py", tmp_path, code=1).stderr


def test_own_chatbot_answers_as_its_dialogues_do(tmp_path):
    lines = (EXAMPLES / "ten_dialogues.jsonl").read_text(encoding="utf-8").splitlines()
    dialogues = [[turn["text"] for turn in json.loads(line)["turns"]] for line in lines]
    assert len(dialogues) == 10
    folder = tmp_path / "bot"
    printed = run("own_chatbot.py", "--output", folder).stdout.splitlines()
    assert printed[0].startswith("10 dialogues learnt")
    assert [line.removeprefix("bot> ") for line in printed[2::2]] == dialogues[0][1::2]
    assert (folder / "model.json").is_file()


def test_own_chatbot_says_what_is_wrong_with_a_line(tmp_path):
    broken = tmp_path / "broken.jsonl"
    broken.write_text('{"turns": [\n', encoding="utf-8")
    message = run("own_chatbot.py", broken, "--output", tmp_path / "bot", code=1).stderr
    assert "broken.jsonl, line 1: not JSON" in message
    assert "Traceback" not in message
