"""The corpora that come with jpseq are found; test_corpora.py looks at what is in them."""

import pytest

from jpseq import bundled
from jpseq.corpora import bundled as module
from jpseq.errors import DataError


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
