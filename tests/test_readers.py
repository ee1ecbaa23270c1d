"""Files → texts and dialogues; what is wrong is said with file and line."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jpseq import Turn, read_dialogues, read_texts
from jpseq.corpora.readers import read_lines
from jpseq.errors import DataError


def file(folder: Path, content: bytes | str, name: str = "file") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def problem(reader: object, path: Path) -> DataError:
    with pytest.raises(DataError) as caught:
        list(reader(path))  # type: ignore[operator]
    assert caught.value.path == path
    return caught.value


def test_lines_come_without_their_ends_and_the_byte_order_mark(tmp_path: Path) -> None:
    path = file(tmp_path, b"\xef\xbb\xbf" + "夜\r\n\n 空\u2028海 \nend".encode())
    assert [*read_lines(path)] == ["夜", "", " 空\u2028海 ", "end"]
    assert [*read_lines(str(path))] == [*read_lines(path)]


@given(st.lists(st.text(st.characters(exclude_characters="\0\n\r", exclude_categories=["Cs"]))))
def test_any_lines_come_back(tmp_path_factory: pytest.TempPathFactory, lines: list[str]) -> None:
    path = file(tmp_path_factory.getbasetemp(), "".join(f"{line}\n" for line in ["a", *lines]))
    assert [*read_lines(path)] == ["a", *lines]


def test_lines_are_read_one_at_a_time(tmp_path: Path) -> None:
    lines = read_lines(file(tmp_path, b"good\n\xff\n"))
    assert next(lines) == "good"
    with pytest.raises(DataError):
        next(lines)


def test_blank_lines_are_no_texts(tmp_path: Path) -> None:
    assert [*read_texts(file(tmp_path, "夜\n\n \u3000\n空\n"))] == ["夜", "空"]


@pytest.mark.parametrize("content", ["", "\n \n"])
def test_a_file_without_text_is_an_error(content: str, tmp_path: Path) -> None:
    assert problem(read_texts, file(tmp_path, content)).problem == "holds no text."
    assert problem(read_dialogues, file(tmp_path, content)).problem == "holds no dialogues."


def test_a_misspelt_file_gets_a_suggestion(tmp_path: Path) -> None:
    file(tmp_path, "夜", "night.txt")
    error = problem(read_texts, tmp_path / "nigth.txt")
    assert str(error) == f"{tmp_path}/nigth.txt: no such file. Did you mean 'night.txt'?"


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    error = problem(read_texts, tmp_path / "none" / "a.txt")
    assert error.problem == f"no such file. There is no folder {tmp_path}/none either."


def test_a_folder_is_no_text(tmp_path: Path) -> None:
    assert problem(read_texts, tmp_path).problem == "is a folder; name a file in it."


@pytest.mark.parametrize(
    ("encoding", "name", "byte"),
    [("CP932", "Shift JIS (CP932)", "0x96"), ("EUC-JP", "EUC-JP", "0xcc")],
)
def test_another_encoding_is_guessed_and_its_line_named(
    encoding: str, name: str, byte: str, tmp_path: Path
) -> None:
    path = file(tmp_path, b"ok\n" + "夜の空に星が見えた".encode(encoding) + b"\n")
    assert str(problem(read_texts, path)) == (
        f"{path}, line 2: not UTF-8 (byte {byte} at column 1). It may be {name}."
        f" Convert it, for instance: iconv -f {encoding} -t UTF-8 {path}"
    )


def test_bytes_of_no_encoding_are_named(tmp_path: Path) -> None:
    error = problem(read_texts, file(tmp_path, b"ab\xffcd\xff"))
    assert error.line == 1
    assert error.problem.startswith("not UTF-8 (byte 0xff at column 3). Convert")


@pytest.mark.parametrize("content", [b"ok\n\x89PNG\0\0", "ok\n夜".encode("utf-16")])
def test_a_binary_file_is_no_text(content: bytes, tmp_path: Path) -> None:
    assert "holds a NUL byte: not a text file." in str(problem(read_texts, file(tmp_path, content)))


def line(*turns: dict[str, object], **more: object) -> str:
    return json.dumps({"turns": turns, **more}, ensure_ascii=False) + "\n"


def test_a_dialogue_is_a_list_of_turns(tmp_path: Path) -> None:
    path = file(
        tmp_path,
        line(
            {"speaker": "A", "text": "元気？", "mood": 1}, {"spk": "B", "text": "はい。"}, topic="x"
        )
        + "\n"
        + line({"speaker": "A", "spk": "B", "text": ""}),
    )
    assert [*read_dialogues(path)] == [
        [Turn("A", "元気？"), Turn("B", "はい。")],
        [Turn("A", "")],
    ]


def test_a_folders_files_come_in_order_of_their_names(tmp_path: Path) -> None:
    for name in ("b.jsonl", "a.jsonl", "c.txt"):
        file(tmp_path, line({"speaker": "A", "text": name}), name)
    texts = [dialogue[0].text for dialogue in read_dialogues(tmp_path)]
    assert texts == ["a.jsonl", "b.jsonl"]


def test_a_folder_without_dialogues_says_so(tmp_path: Path) -> None:
    assert problem(read_dialogues, tmp_path).problem == "a folder without *.jsonl files."


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("{", "not JSON (Expecting property name"),
        ("[1]", 'no list "turns".'),
        ('{"turn": []}', 'no list "turns".'),
        ('{"turns": {}}', 'no list "turns".'),
        ('{"turns": ["はい"]}', "turn 1 is no object."),
        ('{"turns": [{"speaker": "A", "text": "a"}, {"speaker": "B"}]}', 'turn 2 has no "text".'),
        ('{"turns": [{"speaker": "A", "text": null}]}', 'turn 1 has no "text".'),
        ('{"turns": [{"text": "a"}]}', 'turn 1 has no "speaker".'),
        ('{"turns": [{"speaker": 1, "text": "a"}]}', 'turn 1 has no "speaker".'),
        ("[" * 100_000, "nested too deeply."),
    ],
)
def test_a_line_that_is_no_dialogue_is_named_with_the_form_it_should_have(
    bad: str, reason: str, tmp_path: Path
) -> None:
    path = file(tmp_path, line({"speaker": "A", "text": "a"}) + f"\n{bad}\n")
    error = problem(read_dialogues, path)
    assert error.line == 3
    assert error.problem.startswith(reason)
    assert error.problem.endswith(
        'A dialogue is {"turns": [{"speaker": "A", "text": "..."}, ...]}.'
    )
