"""The corpora that come with jpseq are found and read."""

from collections import Counter
from itertools import pairwise

import pytest

from jpseq import bundled, read_dialogues
from jpseq.corpora import bundled as module
from jpseq.corpora.readers import Dialogue
from jpseq.errors import DataError


@pytest.fixture(scope="module")
def dialogues() -> list[Dialogue]:
    return [*read_dialogues(bundled("dialogues"))]


def test_a_bundled_corpus_is_a_folder_with_a_readme() -> None:
    assert (bundled("dialogues") / "README.md").is_file()


def test_a_misspelt_corpus_gets_a_suggestion_and_the_list() -> None:
    with pytest.raises(DataError, match=r"corpus 'dialoges'. Did you mean 'dialogues'\? Bundled"):
        bundled("dialoges")


@pytest.mark.parametrize("name", ["", ".", "..", "../jpseq", "dialogues/"])
def test_a_path_is_no_name(name: str) -> None:
    with pytest.raises(DataError, match="there is no bundled corpus"):
        bundled(name)


def test_an_installation_without_corpora_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = module._PACKAGE / "none"
    monkeypatch.setattr(module, "_PACKAGE", nowhere / "none")
    with pytest.raises(DataError, match="Bundled are: none"):
        bundled("dialogues")


def test_every_dialogue_has_4_to_10_turns_with_words_in_them(dialogues: list[Dialogue]) -> None:
    assert len(dialogues) >= 300
    assert {len(dialogue) for dialogue in dialogues} <= {*range(4, 11)}
    assert all(turn.text.strip() for dialogue in dialogues for turn in dialogue)


def test_two_speakers_take_turns(dialogues: list[Dialogue]) -> None:
    for dialogue in dialogues:
        assert len({turn.speaker for turn in dialogue}) == 2
        assert all(one.speaker != next_.speaker for one, next_ in pairwise(dialogue))


def test_turns_are_varied(dialogues: list[Dialogue]) -> None:
    turns = Counter(turn.text for dialogue in dialogues for turn in dialogue)
    assert len(turns) / turns.total() >= 0.6
    assert max(turns.values()) / turns.total() <= 0.01
