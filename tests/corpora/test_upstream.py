"""Every entry of the catalogue: files in its makers' form, written here, become plain form.

They are found as a user would lay them down, in a folder of JPSEQ_CORPORA.
"""

import bz2
import io
import json
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from jpseq.corpora.aozora import paragraphs
from jpseq.corpora.catalogue import catalogue
from jpseq.corpora.public import get_corpus
from jpseq.corpora.readers import read_dialogues, read_documents, read_pairs, read_table
from jpseq.errors import DataError


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What JPSEQ_CORPORA names."""
    monkeypatch.setenv("JPSEQ_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("JPSEQ_CORPORA", str(tmp_path / "home"))
    return tmp_path / "home"


def lay(folder: Path, files: dict[str, Any]) -> None:
    """Files of text, of JSON, or of bytes."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(as_bytes(content))


def as_bytes(content: Any) -> bytes:
    if isinstance(content, bytes):
        return content
    return (content if isinstance(content, str) else json.dumps(content)).encode()


def tarred(files: dict[str, Any]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in files.items():
            header = tarfile.TarInfo(name)
            header.size = len(as_bytes(content))
            archive.addfile(header, io.BytesIO(as_bytes(content)))
    return packed.getvalue()


def zipped(files: dict[str, Any]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, as_bytes(content))
    return packed.getvalue()


def get(name: str) -> tuple[Path, dict[str, dict[str, int]]]:
    """The folder, and the counts of each file in it."""
    notes: list[str] = []
    folder = get_corpus(name, note=notes.append)
    return folder, json.loads((folder / "source.json").read_text("utf-8"))["counts"]


def lines(path: Path) -> list[str]:
    return path.read_text("utf-8").splitlines()


def test_kftt(home):
    sides = {}
    for split in ("train", "tune", "dev", "test"):
        sides[f"kftt-data-1.0/data/orig/kyoto-{split}.en"] = f"{split} one\n\n\ntwo\there\nthree\n"
        sides[f"kftt-data-1.0/data/orig/kyoto-{split}.ja"] = "一つ\n\n二\n二つ\n三つ\n"
    lay(home / "kftt", {"kftt-data-1.0.tar.gz": tarred(sides)})
    folder, counts = get("kftt")
    assert lines(folder / "dev.tsv") == ["dev one\t一つ", "two here\t二つ", "three\t三つ"]
    assert counts["train.tsv"] == {"pairs": 3, "left out": 1}
    assert len(list(read_pairs(folder))) == 12


@pytest.mark.parametrize("around", ["", "kftt-data-1.0/"])
def test_kftt_already_unpacked(home, around):
    for split in ("train", "tune", "dev", "test"):
        lay(home / "kftt" / f"{around}data/orig", {f"kyoto-{split}.en": "a\n"})
        lay(home / "kftt" / f"{around}data/orig", {f"kyoto-{split}.ja": "あ\n"})
    assert lines(get("kftt")[0] / "test.tsv") == ["a\tあ"]


def test_small_parallel_enja(home):
    for split in ("train", "dev", "test"):
        lay(
            home / "small_parallel_enja",
            {f"{split}.en": "it rains .\n", f"{split}.ja": "雨 だ 。\n"},
        )
    folder, counts = get("small_parallel_enja")
    assert lines(folder / "train.tsv") == ["it rains .\t雨 だ 。"]
    assert counts["test.tsv"] == {"pairs": 1}


def test_aligned_files_that_are_not(home):
    for split in ("train", "dev", "test"):
        lay(home / "small_parallel_enja", {f"{split}.en": "a\nb\n", f"{split}.ja": "あ\n"})
    with pytest.raises(DataError, match=r"train\.ja: ends after line 1.*not aligned"):
        get("small_parallel_enja")
    assert not (home.parent / "cache" / "corpora" / "small_parallel_enja").exists()


def test_jesc(home):
    split = {f"split/{name}": "it rains\t雨だ\nno tab\n" for name in ("train", "dev", "test")}
    lay(home / "jesc", {"jesc-split.tar.gz": tarred(split)})
    folder, counts = get("jesc")
    assert lines(folder / "train.tsv") == ["it rains\t雨だ"]
    assert counts["dev.tsv"] == {"pairs": 1, "left out": 1}


def test_jparacrawl_leaves_out_what_is_no_text(home):
    good = "a.example\tb.example\t0.9\tit rains\t雨だ\n".encode()
    text = good + b"a\tb\t0.9\t\xff\xfe\t\x82\n" + good
    archive = tarred({"en-ja/en-ja.bicleaner05.txt": text})
    lay(home / "jparacrawl", {"jparacrawl-3.0-en-ja.tar.gz": archive})
    folder, counts = get("jparacrawl")
    assert lines(folder / "train.tsv") == ["it rains\t雨だ"] * 2
    assert counts["train.tsv"] == {"pairs": 2, "left out": 1}


def test_tatoeba(home):
    english = "1\teng\tIt rains.\n2\teng\tAlone.\n3\teng\tIt is raining.\n"
    japanese = "7\tjpn\t雨が降る。\n8\tjpn\t雨だ。\n9\tjpn\t独り。\nbroken\n"
    links = "1\t7\n1\t8\n3\t7\n3\t99\n98\t7\n"
    lay(
        home / "tatoeba",
        {
            "eng_sentences.tsv.bz2": bz2.compress(english.encode()),
            "jpn_sentences.tsv.bz2": bz2.compress(japanese.encode()),
            "eng-jpn_links.tsv.bz2": bz2.compress(links.encode()),
        },
    )
    folder, counts = get("tatoeba")
    assert list(read_pairs(folder)) == [
        ("It rains.", "雨が降る。"),
        ("It rains.", "雨だ。"),
        ("It is raining.", "雨が降る。"),
    ]
    assert counts == {"pairs.tsv": {"pairs": 3, "left out": 1}}


@pytest.mark.parametrize("name", ["bsd", "ami"])
def test_conversations(home, name):
    said = [("Hello.", "こんにちは。"), ("It\nrains.", "雨です。"), ("", "無言。")]
    talk = [{"no": 1, "en_sentence": en, "ja_sentence": ja} for en, ja in said]
    scenario = [{"id": "1", "conversation": talk}, {"id": "2", "conversation": talk[:1]}]
    lay(home / name, {f"{split}.json": scenario for split in ("train", "dev", "test")})
    folder, counts = get(name)
    written = ["Hello.\tこんにちは。", "It rains.\t雨です。", "Hello.\tこんにちは。"]
    assert lines(folder / "train.tsv") == written
    assert counts["train.tsv"] == {"pairs": 3, "left out": 1}


def test_japanese_daily_dialogue(home):
    said = [{"turn_num": 1, "speaker": "A", "utterance": "雨だね。"}]
    said.append({"turn_num": 2, "speaker": "B", "utterance": "傘は？"})
    talks = [{"dialogue_id": 1, "utterances": said}, {"dialogue_id": 2, "utterances": []}]
    lay(home / "japanese_daily_dialogue", {f"topic{topic}.json": talks for topic in range(1, 6)})
    folder, counts = get("japanese_daily_dialogue")
    assert counts["topic5.jsonl"] == {"dialogues": 1, "left out": 1}
    (dialogue,) = read_dialogues(folder / "topic1.jsonl")
    assert [(turn.speaker, turn.text) for turn in dialogue] == [("A", "雨だね。"), ("B", "傘は？")]


@pytest.mark.parametrize(
    ("name", "speaker", "place"),
    [
        ("real_persona_chat", "interlocutor_id", "real_persona_chat/dialogues"),
        ("asdc", "name", "data/main/dialog/json"),
    ],
)
def test_a_dialogue_a_file(home, name, speaker, place):
    archive = {
        f"around/{place}/{number}.json": {"utterances": [{speaker: "X", "text": f"{number}\n雨"}]}
        for number in ("00002", "00001")
    }
    entry = catalogue()[name]
    lay(home / name, {entry.files[0].name: tarred(archive)})
    folder, _ = get(name)
    texts = [turn.text for dialogue in read_dialogues(folder) for turn in dialogue]
    assert texts == ["00001 雨", "00002 雨"]


def test_jmultiwoz(home):
    def talk(text: str) -> dict[str, Any]:
        said = [{"speaker": "USER", "utterance": text}]
        said.append({"speaker": "SYSTEM", "utterance": "はい。", "dialogue_state": {}})  # type: ignore[dict-item]
        return {"turns": said}

    content = {
        "JMultiWOZ_1.0/dialogues.json": {name: talk(name) for name in "abcd"},
        "JMultiWOZ_1.0/split_list.json": {"train": ["c", "a"], "dev": ["b"], "test": ["d"]},
        "JMultiWOZ_1.0/database/hotel_db.json": [],
    }
    lay(home / "jmultiwoz", {"JMultiWOZ_1.0.zip": zipped(content)})
    folder, counts = get("jmultiwoz")
    assert counts["train.jsonl"] == {"dialogues": 2}
    assert [d[0].text for d in read_dialogues(folder / "train.jsonl")] == ["c", "a"]
    assert [d[0].text for d in read_dialogues(folder / "test.jsonl")] == ["d"]


def test_ldcc(home):
    content: dict[str, Any] = {"text/README.txt": "about"}
    for output in catalogue()["ldcc"].plain:
        site = output.removesuffix(".txt")
        content[f"text/{site}/LICENSE.txt"] = "a licence"
        for number in (2, 1):
            head = f"http://news.example/{number}\n2011-11-03T10:00:00+0900\n"
            content[f"text/{site}/{site}-{number}.txt"] = head + f"題{number}\n　雨。\n\n風。\n"
    lay(home / "ldcc", {"ldcc-20140209.tar.gz": tarred(content)})
    folder, _ = get("ldcc")
    documents = list(read_documents(folder / "topic-news.txt"))
    assert documents == [["題1", "雨。", "風。"], ["題2", "雨。", "風。"]]


def test_aozora(home):
    rule = "-" * 55
    work = f"題\r\n作者\r\n\r\n{rule}\r\n《》：ルビ\r\n{rule}\r\n\r\n"
    work += "　｜青空《あおぞら》。\r\n\r\n　雨。\r\n\r\n底本：「本」書店\r\n入力：人\r\n"
    archive = tarred({"aozorabunko_text-master/cards/1/files/2/2.txt": work.encode("cp932")})
    lay(home / "aozora", {"aozorabunko_text.tar.gz": archive})
    folder, _ = get("aozora")
    assert (folder / "aozora.txt").read_text("utf-8") == "青空。\n雨。\n"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("※［＃「庚＋鳥」、第3水準1-94-64］", "\u9d8a"),
        ("※［＃「てへん＋掌」、第4水準2-13-47］", "\u6491"),
        ("※［＃「口＋云」、U+544D、5-1］", "\u544d"),
        ("※［＃「何か」、1-2］", "※"),
        ("雨［＃「雨」に傍点］［＃ここから１字下げ］", "雨"),
        ("先年｜仏蘭西《フランス》で", "先年仏蘭西で"),
    ],
)
def test_the_notation_of_aozora(written, read):
    assert list(paragraphs(f"題\n\n{written}")) == [read]


def test_wiki_qa_contexts(home):
    def article(*texts: str) -> dict[str, Any]:
        return {"title": "雨", "paragraphs": [{"context": text, "qas": []} for text in texts]}

    jaquad = {"data": [article("雨は水。\n\n霧雨もある。", "雪は氷。"), article("風。")]}
    archive = {
        "JaQuAD-1/data/train/jaquad_train_0000.json": jaquad,
        "JaQuAD-1/data/dev/jaquad_dev_0000.json": {"data": [article("海。")]},
    }
    jsquad = {"data": [article("梅雨 [SEP] 梅雨は気象。", "梅雨 [SEP] 長雨。")]}
    lay(
        home / "wiki_qa_contexts",
        {
            catalogue()["wiki_qa_contexts"].files[0].name: tarred(archive),
            "jsquad-train-v1.3.json": jsquad,
            "jsquad-valid-v1.3.json": jsquad,
        },
    )
    folder, _ = get("wiki_qa_contexts")
    documents = [["雨は水。", "霧雨もある。", "雪は氷。"], ["風。"], ["海。"]]
    assert list(read_documents(folder / "jaquad_contexts.txt")) == documents
    assert list(read_documents(folder / "jsquad_contexts.txt")) == [["梅雨は気象。", "長雨。"]] * 2


DUMP = """<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" xml:lang="ja">
<siteinfo><sitename>Wikipedia</sitename></siteinfo>
<page><title>雨</title><ns>0</ns><id>1</id>
 <revision><id>7</id><text xml:space="preserve">'''雨'''は[[水]]。

* 一覧</text></revision></page>
<page><title>転送</title><ns>0</ns><redirect title="雨" />
 <revision><text>#REDIRECT [[雨]]</text></revision></page>
<page><title>Template:雨</title><ns>10</ns><revision><text>型。</text></revision></page>
<page><title>空</title><ns>0</ns><revision><text>* 一覧だけ</text></revision></page>
<page><title>風</title><ns>0</ns>
 <revision><text>風は空気。&lt;br /&gt;動く。</text></revision></page>
</mediawiki>
"""


def test_jawiki(home):
    dump = bz2.compress(DUMP.encode())
    lay(home / "jawiki", {"jawiki-latest-pages-articles.xml.bz2": dump})
    folder, counts = get("jawiki")
    assert list(read_documents(folder)) == [["雨は水。"], ["風は空気。動く。"]]
    assert counts == {"articles.txt": {"documents": 2, "left out": 1}}


@pytest.mark.parametrize(
    "cut", [bz2.compress(DUMP.encode())[:-20], bz2.compress(DUMP[:-30].encode())]
)
def test_a_dump_that_is_cut_off(home, cut):
    lay(home / "jawiki", {"jawiki-latest-pages-articles.xml.bz2": cut})
    with pytest.raises(DataError, match=r"xml\.bz2: is (no dump of Wikipedia, or is )?cut off"):
        get("jawiki")


def test_tables_and_measures_are_used_as_they_are(home):
    lay(home / "ett", {"ETTh1.csv": "date,OT\n2016-07-01 00:00:00,30.5\n"})
    assert get_corpus("ett") == home / "ett"
    assert read_table(get_corpus("ett"), time="date")["OT"].tolist() == [30.5]
    lay(home / "jwsd", {"score_noun.csv": "word1,word2,mean\n雨,水,7\n"})
    assert get_corpus("jwsd") == home / "jwsd"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "dev.json: is not JSON"),
        ("[" * 100_000, "dev.json: is not JSON"),
        ([{"talk": []}], "dev.json: has no list 'conversation'"),
        ([{"conversation": [{"en_sentence": "a"}]}], "dev.json: has no text 'ja_sentence'"),
        ([], "dev.json: gives nothing for dev.tsv"),
    ],
)
def test_another_form_than_expected_is_an_error_with_the_file(home, content, message):
    good = [{"conversation": [{"en_sentence": "a", "ja_sentence": "あ"}]}]
    lay(home / "bsd", {"train.json": good, "dev.json": content, "test.json": good})
    with pytest.raises(DataError, match=message):
        get("bsd")
    assert not (home.parent / "cache" / "corpora" / "bsd").exists()


def test_every_entry_is_tried_here():
    source = Path(__file__).read_text("utf-8")
    kinds = {entry.reader for name, entry in catalogue().items() if f'"{name}"' not in source}
    assert kinds <= {"as published"}
