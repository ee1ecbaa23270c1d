"""Analogies: questions, answers, coverage."""

from pathlib import Path

import pytest

from jpseq.errors import ConfigurationError, DataError
from jpseq.evaluation.analogies import Accuracy, Question, evaluate_analogies, read_analogies
from jpseq.vectors import Embeddings

# royal, male, female, plural
EMBEDDINGS = Embeddings(
    ["王", "男", "女", "女王", "犬", "王達", "冠"],
    [
        [1, 1, 0, 0],
        [0, 1, 0, 0],
        [0, 0, 1, 0],
        [1, 0, 1, 0],
        [-1, 0, 0, 0],
        [1, 1, 0, 1],
        [1, 0, 0, 0],
    ],
)
QUESTIONS = [
    Question("性", "男", "王", "女", "女王"),  # right
    Question("性", "王", "男", "女王", "女"),  # right
    Question("性", "男", "王", "女", "犬"),  # wrong
    Question("数", "男", "王", "少女", "女王"),  # 少女 unknown: by its parts right, else 冠
    Question("数", "王", "王達", "女王", "女王達"),  # the answer is unknown
]


def test_accuracy_by_hand() -> None:
    result = evaluate_analogies(EMBEDDINGS, QUESTIONS, data="few")
    assert list(result) == ["", "性", "数"]
    assert result["性"] == Accuracy(
        2, 3, 3, 3, "data:few[性]|questions:3|method:3cosadd|unknown:skip|vectors:7x4"
    )
    assert result["数"] == Accuracy(
        0, 0, 2, 0, "data:few[数]|questions:2|method:3cosadd|unknown:skip|vectors:7x4"
    )
    assert result[""].value == 2 / 3
    assert result["数"].value == 0
    assert str(result[""]) == "accuracy 66.7%, 2 of 3 asked, 5 questions, coverage 60.0%"


@pytest.mark.parametrize(("unknown", "right"), [("zero", 2), ("parts", 3)])
def test_rules_that_ask_everything(unknown: str, right: int) -> None:
    total = evaluate_analogies(EMBEDDINGS, QUESTIONS, unknown=unknown)[""]  # type: ignore[arg-type]
    assert (total.right, total.asked, total.covered) == (right, 5, 3)


def test_3cosmul_answers_as_embeddings_do() -> None:
    total = evaluate_analogies(EMBEDDINGS, QUESTIONS, method="3cosmul")[""]
    asked = [q for q in QUESTIONS if all(word in EMBEDDINGS for word in q[1:])]
    found = [EMBEDDINGS.analogy(q.a, q.b, q.c, 1, "3cosmul")[0][0] for q in asked]
    assert total.right == sum(word == q.d for word, q in zip(found, asked, strict=True))
    assert "method:3cosmul" in total.signature


def test_rules_and_methods_that_do_not_exist_and_errors() -> None:
    with pytest.raises(DataError, match="'少女' has no vector"):
        evaluate_analogies(EMBEDDINGS, QUESTIONS, unknown="error")
    assert evaluate_analogies(EMBEDDINGS, QUESTIONS[:3], unknown="error")[""].asked == 3
    with pytest.raises(ConfigurationError, match="no rule 'none'"):
        evaluate_analogies(EMBEDDINGS, QUESTIONS, unknown="none")  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="no method 'add'"):
        evaluate_analogies(EMBEDDINGS, QUESTIONS, method="add")  # type: ignore[arg-type]


def test_where_every_word_is_asked_with_nothing_is_found() -> None:
    three = Embeddings(["王", "男", "女"], [[1, 1], [0, 1], [1, 0]])
    question = Question("", "男", "王", "女", "王")
    assert evaluate_analogies(three, [question])[""].right == 0


def test_questions_without_sections_are_counted_once() -> None:
    assert list(evaluate_analogies(EMBEDDINGS, [QUESTIONS[0]._replace(section="")])) == [""]


def test_questions_are_read_by_sections(tmp_path: Path) -> None:
    path = tmp_path / "questions.txt"
    path.write_text(": 家族\n男 王 女 女王\n\n:首都 \n日本 東京\tフランス パリ\n", "utf-8")
    assert read_analogies(path) == [
        Question("家族", "男", "王", "女", "女王"),
        Question("首都", "日本", "東京", "フランス", "パリ"),
    ]


def test_spoilt_questions_name_their_line(tmp_path: Path) -> None:
    path = tmp_path / "questions.txt"
    path.write_text(": 家族\n男 王 女\n", "utf-8")
    with pytest.raises(DataError, match=r"questions\.txt, line 2: 3 words; an analogy has four"):
        read_analogies(path)
    path.write_text(": 家族\n", "utf-8")
    with pytest.raises(DataError, match=r"questions\.txt: holds no analogies"):
        read_analogies(path)
