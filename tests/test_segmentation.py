"""Word segmentation against a gold standard."""

from pathlib import Path

import pytest

from jpseq import Characters, MeCab, Whitespace
from jpseq.errors import DataError
from jpseq.evaluation.segmentation import Segmentation, evaluate, read_conllu


def test_scores_by_hand() -> None:
    # Characters find 夜|の|空 and 星|空; three of five spans are gold, of four gold ones.
    result = evaluate(Characters(), [["夜", "の", "空"], ["星空"]], data="two")
    assert (result.sentences, result.gold, result.found, result.right) == (2, 4, 5, 3)
    assert result.precision == 3 / 5
    assert result.recall == 3 / 4
    assert result.f1 == 2 * 3 / (4 + 5)
    assert result.disagreements == [("星空", "星 空", 1)]
    assert result.signature == "data:two|sentences:2|tok:Characters()|unit:code points"


def test_disagreements_are_the_stretches_between_common_borders() -> None:
    # Gold 夜の|空|に|星 and found 夜|の空|に星: the first border in common is after 空.
    result = evaluate(Fixed(), [["夜の", "空", "に", "星"]])
    assert (result.gold, result.found, result.right) == (4, 3, 0)
    assert result.disagreements == [("夜の 空", "夜 の空", 1), ("に 星", "に星", 1)]


class Fixed(Whitespace):
    def tokenize(self, text):  # type: ignore[no-untyped-def]
        spaced = Whitespace().tokenize("夜 の空 に星")
        spaced.text, spaced.start, spaced.end = text, [0, 1, 3], [1, 3, 5]
        return spaced


def test_the_most_frequent_disagreement_comes_first() -> None:
    sentences = [["夜", "空"], ["星空"], ["夜空"], ["星空", "星空"]]
    assert evaluate(Characters(), sentences).disagreements == [
        ("星空", "星 空", 3),
        ("夜空", "夜 空", 1),
    ]


def test_words_that_were_not_found_are_disagreements() -> None:
    result = evaluate(MeCab(pos=("名詞",)), [["夜", "の", "空", "に"]])
    assert (result.gold, result.found, result.right) == (4, 2, 2)
    assert result.disagreements == [("の 空", "空", 1), ("に", "", 1)]


def test_nothing_scores_nothing() -> None:
    assert Segmentation(0, 0, 0, 0, [], "").f1 == 0.0
    assert Segmentation(0, 0, 0, 0, [], "").precision == 0.0
    assert Segmentation(0, 0, 0, 0, [], "").recall == 0.0


def row(number: str, word: str) -> str:
    return "\t".join([number, word, *"________"]) + "\n"


CONLLU = (
    "# text = 夜の空\n"
    + row("1-2", "夜の")
    + row("1", "夜")
    + row("2", "の")
    + row("2.1", "無")
    + row("3", "空")
    + "\n\n"
    + row("1", "星")
)


def test_conllu_words_leave_out_ranges_and_empty_nodes(tmp_path: Path) -> None:
    path = tmp_path / "gold.conllu"
    path.write_text(CONLLU, encoding="utf-8")
    assert [*read_conllu(path)] == [["夜", "の", "空"], ["星"]]


def test_a_malformed_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "gold.conllu"
    path.write_text(CONLLU + "2 夜\n", encoding="utf-8")
    with pytest.raises(DataError) as caught:
        list(read_conllu(path))
    assert str(caught.value) == (
        f"{path}, line 10: 1 columns; CoNLL-U has 10, with tabs between them."
    )


def test_a_file_without_sentences_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "gold.conllu"
    path.write_text("# nothing\n\n")
    with pytest.raises(DataError, match=r"gold.conllu: holds no sentence"):
        list(read_conllu(path))


def test_mecab_agrees_with_the_gsd_treebank(corpora: Path) -> None:
    path = corpora / "ud_japanese_gsd" / "ja_gsd-ud-dev.conllu"
    assert evaluate(MeCab(), read_conllu(path)).f1 >= 0.985
