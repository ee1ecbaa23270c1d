"""The other analysers: column by column, and what is wrong with what they are given."""

import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from tiny_dictionaries import kytea_model, vibrato_dictionary

from jpseq.errors import ConfigurationError
from jpseq.sequences import Tokens
from jpseq.text.analyser import Analyser
from jpseq.text.janome import Janome
from jpseq.text.nagisa import Nagisa
from jpseq.text.sudachi import Sudachi
from jpseq.text.vaporetto import Vaporetto
from jpseq.text.vibrato import Vibrato

Run = Callable[..., tuple[int, str, str]]
TEXT = "母はコーヒーを飲んだ。"


def rows(tokens: Tokens) -> list[tuple[str, str, str, str]]:
    return list(zip(tokens.form, tokens.lemma, tokens.reading, tokens.pos, strict=True))


def test_sudachi_column_by_column() -> None:
    assert rows(Sudachi().tokenize(TEXT)) == [
        ("母", "母", "ハハ", "名詞-普通名詞-一般"),
        ("は", "は", "ハ", "助詞-係助詞"),
        ("コーヒー", "コーヒー", "コーヒー", "名詞-普通名詞-一般"),
        ("を", "を", "ヲ", "助詞-格助詞"),
        ("飲ん", "飲む", "ノン", "動詞-一般"),
        ("だ", "だ", "ダ", "助動詞"),
        ("。", "。", "。", "補助記号-句点"),
    ]


def test_words_of_sudachi_have_three_lengths() -> None:
    words = {mode: Sudachi(mode).words("選挙管理委員会") for mode in ("A", "B", "C")}
    assert words == {
        "A": ["選挙", "管理", "委員", "会"],
        "B": ["選挙", "管理", "委員会"],
        "C": ["選挙管理委員会"],
    }


def test_sudachi_joins_the_words_that_one_character_stands_for() -> None:
    tokens = Sudachi(rules=()).tokenize("㍿の夜")
    assert tokens.form == ["㍿", "の", "夜"]
    assert tokens.lemma[0] == "株式会社"
    assert tokens.reading[0] == "カブシキガイシャ"


def test_janome_column_by_column() -> None:
    assert rows(Janome().tokenize(TEXT)) == [
        ("母", "母", "ハハ", "名詞-一般"),
        ("は", "は", "ハ", "助詞-係助詞"),
        ("コーヒー", "コーヒー", "コーヒー", "名詞-一般"),
        ("を", "を", "ヲ", "助詞-格助詞-一般"),
        ("飲ん", "飲む", "ノン", "動詞-自立"),
        ("だ", "だ", "ダ", "助動詞"),
        ("。", "。", "。", "記号-句点"),
    ]


def test_nagisa_column_by_column() -> None:
    tokens = Nagisa().tokenize(TEXT)
    assert tokens.form == ["母", "は", "コーヒー", "を", "飲ん", "だ", "。"]
    assert tokens.pos == ["名詞", "助詞", "名詞", "助詞", "動詞", "助動詞", "補助記号"]
    assert (tokens.lemma, tokens.reading) == (tokens.form, [""] * 7)


def test_nagisa_has_the_words_of_the_text_and_not_those_of_its_own_normaliser() -> None:
    tokens = Nagisa().tokenize("夜空…！")
    assert tokens.form == ["夜空", "…", "！"]
    assert tokens.rebuild() == "夜空…！"


def test_vibrato_column_by_column(tmp_path: Path) -> None:
    tokens = Vibrato(str(vibrato_dictionary(tmp_path))).tokenize("夜空は abc を食べた")
    assert rows(tokens) == [
        ("夜空", "夜空", "ヨゾラ", "名詞-一般"),
        ("は", "は", "ハ", "助詞-係助詞"),
        ("abc", "abc", "", "名詞-一般"),
        ("を", "を", "ヲ", "助詞-格助詞"),
        ("食べ", "食べる", "タベ", "動詞-自立"),
        ("た", "た", "タ", "助動詞"),
    ]
    assert tokens.known == [True, True, False, True, True, True]


def test_vaporetto_cuts_where_its_model_says(tmp_path: Path) -> None:
    words = Vaporetto(str(kytea_model(tmp_path / "kytea.mod"))).words
    assert words("夜空は犬を食べた猫") == ["夜空は", "犬を", "食べた", "猫"]
    assert words("夜空 犬") == ["夜空", "犬"]


UNKNOWN = "ヴォグサラに会う"


@pytest.mark.parametrize("analyser", [Sudachi(), Janome()], ids=lambda a: a.name)
def test_unknown_words_say_so(analyser: Analyser) -> None:
    assert analyser.tokenize(UNKNOWN).known == [False, True, True]


@pytest.mark.parametrize("kind", [Sudachi, Janome])
def test_the_lemma_can_be_the_form_and_words_can_be_chosen(kind: type[Analyser]) -> None:
    assert kind(lemma=True).words("寿司を食べた") == ["寿司", "を", "食べる", "た"]  # type: ignore[call-arg]
    assert kind(pos=["名詞"]).words("寿司を食べた") == ["寿司"]  # type: ignore[call-arg]
    assert Nagisa(pos=["助詞"]).words("寿司を食べた") == ["を"]


@pytest.mark.parametrize("analyser", [Sudachi(), Janome(), Nagisa()], ids=lambda a: a.name)
def test_an_analyser_can_be_sent_to_other_processes(analyser: Analyser) -> None:
    analyser.words(TEXT)
    assert pickle.loads(pickle.dumps(analyser)).words(TEXT) == analyser.words(TEXT)


def test_another_mode_takes_effect() -> None:
    sudachi = Sudachi("C")
    assert len(sudachi.words("選挙管理委員会")) == 1
    assert len(sudachi.set_params(mode="A").words("選挙管理委員会")) == 4


def test_a_path_need_not_be_a_text(tmp_path: Path) -> None:
    assert Vibrato(vibrato_dictionary(tmp_path)).words("夜空") == ["夜空"]  # type: ignore[arg-type]
    model = kytea_model(tmp_path / "model.mod")
    assert Vaporetto(model).words(TEXT) == Vaporetto(str(model)).words(TEXT)  # type: ignore[arg-type]


# What is wrong


def test_a_parameter_set_later_is_checked_too_and_kept_as_it_was_given() -> None:
    janome = Janome(pos=["名詞"])
    assert janome.words("夜を見る") == ["夜"]
    with pytest.raises(ConfigurationError, match="pos: a list"):
        janome.set_params(pos="動詞").words("夜を見る")
    assert janome.get_params()["pos"] == "動詞"


def test_a_mode_or_dictionary_that_sudachi_does_not_have(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="mode is one of A, B and C, got 'D'"):
        Sudachi("D").words(TEXT)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="one of small, core, full, or the path"):
        Sudachi(dictionary="huge").words(TEXT)
    (tmp_path / "broken.dic").write_bytes(b"no dictionary")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        Sudachi(dictionary=str(tmp_path / "broken.dic")).words(TEXT)


def test_a_dictionary_of_sudachi_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(**_: object) -> None:
        raise ModuleNotFoundError("No module named 'sudachidict_full'")

    monkeypatch.setattr("jpseq.text.sudachi.Dictionary", missing)
    with pytest.raises(ConfigurationError, match="Type: pip install sudachidict_full"):
        Sudachi(dictionary="full").words(TEXT)


def test_vibrato_without_a_dictionary_says_where_there_are_some() -> None:
    with pytest.raises(ConfigurationError, match="daac-tools/vibrato/releases"):
        Vibrato().words(TEXT)


def test_dictionaries_of_vibrato_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"nowhere.dic: No such file"):
        Vibrato(str(tmp_path / "nowhere.dic")).words(TEXT)
    (tmp_path / "broken.dic").write_bytes(b"no dictionary")
    (tmp_path / "broken.dic.zst").write_bytes(zstandard.compress(b"no dictionary"))
    (tmp_path / "no.dic.zst").write_bytes(b"not compressed")
    for name in ("broken.dic", "broken.dic.zst", "no.dic.zst"):
        with pytest.raises(ConfigurationError, match="is not a Vibrato dictionary"):
            Vibrato(str(tmp_path / name)).words(TEXT)
    folder = vibrato_dictionary(tmp_path / "sources")
    (folder / "unk.def").unlink()
    with pytest.raises(ConfigurationError, match=r"unk.def: No such file"):
        Vibrato(str(folder)).words(TEXT)


def test_a_dictionary_of_an_unknown_layout(tmp_path: Path) -> None:
    folder = vibrato_dictionary(tmp_path)
    (folder / "lex.csv").write_text("は,0,0,100,助詞\n", "utf-8")
    with pytest.raises(ConfigurationError, match="has 1 features a word"):
        Vibrato(str(folder)).words("は")


def test_models_of_vaporetto_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="daac-tools/vaporetto-models"):
        Vaporetto().words(TEXT)
    with pytest.raises(ConfigurationError, match=r"nowhere cannot be read \(No such file"):
        Vaporetto(str(tmp_path / "nowhere")).words(TEXT)
    broken = {
        "a.model": b"no model",
        "b.model": b"VaporettoTokenizer 0.6.0\n",
        "c.model.zst": b"not compressed",
        "d.mod": b"KyTea 0.4",
    }
    for name, data in broken.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(ConfigurationError, match="is not a model of Vaporetto or KyTea"):
            Vaporetto(str(tmp_path / name)).words(TEXT)


# The command line


def test_parameters_behind_a_name(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "text"
    file.write_text("選挙管理委員会に行った\n", "utf-8")
    assert run("tokenize", file, "--tokenizer", "sudachi:mode=C,lemma=true") == (
        0,
        "選挙管理委員会 に 行く た\n",
        "",
    )
    code, out, _ = run("tokenize", file, "--tokenizer", 'sudachi:pos=["名詞","動詞"],mode=B')
    assert (code, out) == (0, "選挙 管理 委員会 行っ\n")
    folder = vibrato_dictionary(tmp_path / "dictionary")
    file.write_text("夜空を食べた\n", "utf-8")
    code, out, _ = run("tokenize", file, "--tokenizer", f"vibrato:dictionary={folder}")
    assert (code, out) == (0, "夜空 を 食べ た\n")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("sudachi:mod=C", "no parameter 'mod'. Did you mean 'mode'?"),
        ("sudachi:C", "after the colon stand parameters"),
        ("sudachi:mode=D", "mode is one of A, B and C"),
        ("mecab:pos=名詞", "pos: a list of texts is wanted, got '名詞'. Write pos=['名詞']."),
        ("nagisa:pos=[5]", "pos: a list of texts is wanted, got [5]."),
        ("mecab:rules=nfkc", "rules: a list of texts is wanted, got 'nfkc'."),
        ("characters:rules=5", "rules: a list of texts is wanted, got 5."),
        ("mecab:lemma=no", "lemma: True or False (on the command line true or false), got 'no'."),
        ("mecab:dictionary=5", "dictionary: a path (a text) is wanted, got 5."),
        ("mecab:user_dictionary=5", "user_dictionary: a path (a text) is wanted, got 5."),
        ("sudachi:dictionary=[]", "dictionary: a path (a text) is wanted, got []."),
        ("vibrato:dictionary=5", "dictionary: a path (a text) is wanted, got 5."),
        ("vaporetto:model=5", "model: a path (a text) is wanted, got 5."),
        ("sentencepiece:size=abc", "size: Input should be a valid integer, got 'abc'."),
        ("vibrato", "Vibrato needs a dictionary"),
        ("sudach", "Did you mean 'sudachi'?"),
    ],
)
def test_a_parameter_that_is_wrong(run: Run, tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "text").write_text("夜空\n", "utf-8")
    code, out, err = run("tokenize", tmp_path / "text", "--tokenizer", name)
    assert (code, out) == (2, "")
    assert message in err
    assert "Traceback" not in err
