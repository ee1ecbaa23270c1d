"""Files → texts, documents and dialogues; what is wrong is said with file and line, or counted."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jpseq import Turn, read_dialogues, read_texts
from jpseq.corpora.readers import read_documents, read_lines
from jpseq.errors import ConfigurationError, DataError


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


def test_a_folders_texts_come_in_order_of_their_names(tmp_path: Path) -> None:
    for name in ("b.txt", "a.txt", "B.txt", "c.md"):
        file(tmp_path, name, name)
    assert [*read_texts(tmp_path)] == ["B.txt", "a.txt", "b.txt"]


def test_a_text_is_read_anew_at_each_pass(tmp_path: Path) -> None:
    path = file(tmp_path, "夜\n\n空\n")
    texts = read_texts(path)
    assert [*texts] == [*texts] == ["夜", "空"]
    first, second = iter(texts), iter(texts)
    assert [next(first), next(second), next(second)] == ["夜", "夜", "空"]
    file(tmp_path, "海\n")
    assert [*texts] == ["海"]


def test_documents_end_at_blank_lines_and_with_their_file(tmp_path: Path) -> None:
    a = file(tmp_path, "\n夜\n空\n\n\u3000\n海\n", "a.txt")
    b = file(tmp_path, "山", "b.txt")
    assert [*read_documents([a, b])] == [["夜", "空"], ["海"], ["山"]]


def test_bad_lines_are_skipped_and_counted_when_asked(tmp_path: Path) -> None:
    path = file(tmp_path, "夜\n".encode() + b"\xff\n\n\0\n" + "空\n".encode())
    texts = read_texts(path, on_error="skip")
    assert not texts.skipped
    assert str(texts.skipped) == "no line was skipped"
    for _ in range(2):
        assert [*texts] == ["夜", "空"]
        assert texts.skipped.lines == 2
        assert texts.skipped.first == [
            f"{path}, line 2: not UTF-8 (byte 0xff at column 1). Convert it, for instance:"
            f" iconv -f CP932 -t UTF-8 {path}",
            f"{path}, line 4: holds a NUL byte: not a text file.",
        ]
    assert str(texts.skipped).startswith(f"2 lines were skipped, first {path}, line 2: not UTF-8")


def test_skipped_lines_are_shown_up_to_ten_and_all_counted(tmp_path: Path) -> None:
    dialogues = read_dialogues(
        file(tmp_path, "x\n" * 1234 + line({"speaker": "A", "text": "a"})), on_error="skip"
    )
    assert len([*dialogues]) == 1
    assert dialogues.skipped.lines == 1234
    assert len(dialogues.skipped.first) == 10
    assert str(dialogues.skipped).startswith("1,234 lines were skipped, first ")


def test_a_file_with_nothing_but_bad_lines_is_an_error_even_then(tmp_path: Path) -> None:
    path = file(tmp_path, "{\n")
    with pytest.raises(DataError) as caught:
        list(read_dialogues(path, on_error="skip"))
    assert str(caught.value).startswith(
        f"{path}: holds no dialogues. 1 line was skipped, first {path}, line 1: not JSON"
    )


def test_of_many_empty_files_the_first_is_named(tmp_path: Path) -> None:
    paths = [file(tmp_path, "\n", name) for name in "abc"]
    with pytest.raises(DataError) as caught:
        list(read_texts(paths))
    assert str(caught.value) == f"{paths[0]}: holds no text, nor do the others of 3 files."


def test_a_file_in_another_encoding_is_read_when_it_is_named(tmp_path: Path) -> None:
    for encoding in ("cp932", "Shift_JIS", "euc-jp", "iso-2022-jp", "utf-8-sig"):
        path = file(tmp_path, "夜の空\r\n表ソ能\n".encode(encoding))
        assert [*read_texts(path, encoding=encoding)] == ["夜の空", "表ソ能"]
        assert [*read_lines(path, encoding)] == ["夜の空", "表ソ能"]


def test_an_unknown_encoding_or_choice_gets_a_suggestion(tmp_path: Path) -> None:
    path = file(tmp_path, "夜")
    with pytest.raises(ConfigurationError, match=r"no 'cp923'. Did you mean 'cp932'?"):
        read_texts(path, encoding="cp923")
    for encoding in ("utf-16", "utf-7", "punycode", "rot13", "cp500"):
        with pytest.raises(ConfigurationError, match=r"^encoding: "):
            read_texts(path, encoding=encoding)
    with pytest.raises(ConfigurationError, match=r"on_error: .* got 'ignore'"):
        read_dialogues(path, on_error="ignore")  # type: ignore[arg-type]


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


def test_japanese_in_the_wrong_named_encoding_is_guessed_too(tmp_path: Path) -> None:
    path = file(tmp_path, "夜の空に星".encode("euc-jp"))
    with pytest.raises(DataError) as caught:
        list(read_texts(path, encoding="shift_jis"))
    assert caught.value.problem == (
        "not shift_jis (byte 0xeb at column 2). It may be EUC-JP. Read it with encoding='euc-jp'."
    )


def test_jis_is_not_taken_for_ascii(tmp_path: Path) -> None:
    path = file(tmp_path, b"ok\n" + "夜の空".encode("iso-2022-jp"))
    assert str(problem(read_texts, path)) == (
        f"{path}, line 2: not UTF-8 (byte 0x1b at column 1). It may be JIS (ISO-2022-JP)."
        f" Convert it, for instance: iconv -f ISO-2022-JP -t UTF-8 {path}"
    )
    for no_jis in ("\x1b$ 夜", "\x1b$B"):
        assert [*read_texts(file(tmp_path, no_jis))] == [no_jis]


def test_bytes_of_no_encoding_are_named(tmp_path: Path) -> None:
    error = problem(read_texts, file(tmp_path, b"ab\xffcd\xff"))
    assert error.line == 1
    assert error.problem.startswith("not UTF-8 (byte 0xff at column 3). Convert")


@pytest.mark.parametrize("content", [b"ok\n\x89PNG\0\0", "ok\n夜".encode("utf-16")])
def test_a_binary_file_is_no_text(content: bytes, tmp_path: Path) -> None:
    assert "holds a NUL byte: not a text file" in str(problem(read_texts, file(tmp_path, content)))


def test_a_carriage_return_alone_ends_no_line(tmp_path: Path) -> None:
    old = file(tmp_path, "夜\r空\r")
    assert str(problem(read_texts, old)) == (
        f"{old}, line 1: its lines end with CR alone. Convert it, for instance:"
        f" tr '\\r' '\\n' < {old}"
    )
    assert [*read_texts(file(tmp_path, "夜\r空\n海\r\n"))] == ["夜\r空", "海"]


def test_the_middle_of_an_emoji_is_no_text(tmp_path: Path) -> None:
    good = r'{"turns": [{"speaker": "A", "text": "\ud83d\ude00"}]}'
    bad = r'{"turns": [{"speaker": "A", "text": "a"}, {"speaker": "A", "text": "b\ud83d"}]}'
    error = problem(read_dialogues, file(tmp_path, f"{good}\n{bad}\n"))
    assert error.line == 2
    assert error.problem == "turn 2 holds half a character, \\ud83d."
    assert [*read_dialogues(file(tmp_path, good))] == [[Turn("A", "😀")]]


def test_a_long_number_that_nobody_reads_does_no_harm(tmp_path: Path) -> None:
    path = file(
        tmp_path, line({"speaker": "A", "text": "a"}).replace("{", '{"n": ' + "9" * 5000 + ", ", 1)
    )
    assert [*read_dialogues(path)] == [[Turn("A", "a")]]


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
