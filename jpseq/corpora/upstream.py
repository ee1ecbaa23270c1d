"""The readers of the catalogue: files as their makers publish them → a file in plain form.

Each takes lists of files, one for each pattern of the entry in catalogue.toml, and what it writes
to. A line or a record that cannot be used is left out and counted, because nobody here can mend it;
a file that is not what it should be is an error.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from jpseq.corpora import aozora, wikipedia
from jpseq.corpora.files import decode, numbered_lines, split_lines
from jpseq.corpora.parallel import read_pairs
from jpseq.corpora.plain import Plain
from jpseq.corpora.unpacking import open_packed
from jpseq.errors import DataError

Files = list[list[Path]]


def as_published(files: Files, plain: Plain) -> None:
    """A file that is in its form already."""
    plain.copy(files[0][0])


def aligned(files: Files, plain: Plain) -> None:
    """Two files whose lines go together → pairs."""
    pairs = read_pairs(files[0], files[1], on_error="skip")
    for source, target in pairs:
        plain.pair(source, target)
    plain.leave_out(pairs.skipped.lines)


def columns(files: Files, plain: Plain, source: int, target: int) -> None:
    """Two columns, counted from 1, of tab-separated values → pairs."""
    pairs = read_pairs(files[0], columns=(source, target), on_error="skip")
    for pair in pairs:
        plain.pair(*pair)
    plain.leave_out(pairs.skipped.lines)


def conversations(files: Files, plain: Plain) -> None:
    """[{"conversation": [{"en_sentence", "ja_sentence"}]}] → pairs."""
    for path, scenario in _objects(files[0]):
        for line in _list(scenario, "conversation", path):
            plain.pair(_text(line, "en_sentence", path), _text(line, "ja_sentence", path))


def dialogues(files: Files, plain: Plain, speaker: str, text: str) -> None:
    """{"utterances": [...]}, one in a file or a list of them → dialogues."""
    for path, dialogue in _objects(files[0]):
        turns = _list(dialogue, "utterances", path)
        plain.dialogue((_text(turn, speaker, path), _text(turn, text, path)) for turn in turns)


def jmultiwoz(files: Files, plain: Plain) -> None:
    """dialogues.json by name, and the names of the split that the output is called after."""
    [path], [splits] = files
    everything = _json(path)
    for name in _list(_json(splits), plain.path.stem, splits):
        dialogue = everything.get(name) if isinstance(everything, dict) else None
        turns = _list(dialogue, "turns", path)
        plain.dialogue(
            (_text(turn, "speaker", path), _text(turn, "utterance", path)) for turn in turns
        )


def contexts(files: Files, plain: Plain) -> None:
    """The paragraphs of questions in SQuAD's form, those of an article together → documents.

    JSQuAD writes the article's title and [SEP] before each.
    """
    for path in (path for group in files for path in group):
        for article in _list(_json(path), "data", path):
            paragraphs = _list(article, "paragraphs", path)
            texts = [_text(paragraph, "context", path) for paragraph in paragraphs]
            plain.document(
                line for text in texts for line in text.rpartition(" [SEP] ")[2].split("\n")
            )


def livedoor(files: Files, plain: Plain) -> None:
    """An article a file, address and date in its first two lines → documents, title first."""

    def leave_out(_: DataError) -> None:
        plain.leave_out()

    for path in files[0]:
        plain.document(
            line for number, line in numbered_lines(path, "utf-8", leave_out) if number > 2
        )


def tatoeba(files: Files, plain: Plain) -> None:
    """Sentences (id, language, text) of two languages, and links (id, id) → pairs.

    Those of the first language are passed through, so that the larger goes there.
    """
    [first], [second], [links] = files
    translations: dict[str, list[str]] = {}
    for cells in _cells(links, 2, plain):
        translations.setdefault(cells[0], []).append(cells[1])
    linked = {number for numbers in translations.values() for number in numbers}
    texts = {number: text for number, _, text in _cells(second, 3, plain) if number in linked}
    for number, _, text in _cells(first, 3, plain):
        for other in translations.get(number, ()):
            if other in texts:
                plain.pair(text, texts[other])


def articles(files: Files, plain: Plain) -> None:
    """A dump of Wikipedia → documents."""
    [[path]] = files
    with open_packed(path) as file:
        for text in wikipedia.articles(file, path):
            plain.document(wikipedia.paragraphs(text))


def works(files: Files, plain: Plain) -> None:
    """Works of Aozora Bunko, one a file → documents."""
    for path in files[0]:
        text = path.read_bytes().decode("cp932", errors="replace")
        plain.document(aozora.paragraphs(text))


READERS: dict[str, Callable[..., None]] = {
    "aligned": aligned,
    "aozora": works,
    "as published": as_published,
    "columns": columns,
    "contexts": contexts,
    "conversations": conversations,
    "dialogues": dialogues,
    "jmultiwoz": jmultiwoz,
    "livedoor": livedoor,
    "tatoeba": tatoeba,
    "wikipedia": articles,
}


# JSON and tab-separated values of others


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise DataError(f"is not JSON ({error}), and should be.", path) from None


def _objects(paths: list[Path]) -> Iterator[tuple[Path, Any]]:
    for path in paths:
        content = _json(path)
        for each in content if isinstance(content, list) else [content]:
            yield path, each


def _list(parent: Any, key: str, path: Path) -> list[Any]:
    value = parent.get(key) if isinstance(parent, dict) else None
    if not isinstance(value, list):
        raise DataError(f"has no list {key!r} where one should be: its form has changed.", path)
    return value


def _text(parent: Any, key: str, path: Path) -> str:
    value = parent.get(key) if isinstance(parent, dict) else None
    if not isinstance(value, str):
        raise DataError(f"has no text {key!r} where one should be: its form has changed.", path)
    return value


def _cells(path: Path, number: int, plain: Plain) -> Iterator[list[str]]:
    with open_packed(path) as file:
        for place, raw in enumerate(split_lines(file, path), 1):
            try:
                cells = decode(raw, path, place).split("\t")
            except DataError:
                cells = []
            if len(cells) == number:
                yield cells
            else:
                plain.leave_out()
