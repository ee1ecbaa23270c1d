"""What is imported when."""

import subprocess
import sys

import pytest

import jpseq

HEAVY = {"dask", "gensim", "lightning", "matplotlib", "pandas", "scipy", "sklearn", "torch"}


def modules_after(code: str) -> set[str]:
    """Top-level modules and those of jpseq, in a fresh Python that has run this code."""
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", f"{code}\nimport sys\nprint(*sys.modules)"],
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    modules = done.stdout.splitlines()[-1].split()
    return {name for name in modules if "." not in name or name.startswith("jpseq.")}


def test_importing_jpseq_loads_nothing_else() -> None:
    modules = modules_after("import jpseq")
    assert not modules & {"numpy", "fugashi", "pydantic", "typer", *HEAVY}
    assert [name for name in modules if name.startswith("jpseq.")] == []


@pytest.mark.parametrize(
    "code",
    [
        "from jpseq import MeCab; MeCab().tokenize('夜の空')",
        "from jpseq import Characters, Whitespace; Characters().words('夜'); Whitespace()",
        "from jpseq import MeCab, Pipeline, Vocabulary;"
        "Pipeline([MeCab(), Vocabulary()]).fit_transform(['夜の空'])",
        "from jpseq import bundled, read_dialogues; list(read_dialogues(bundled('dialogues')))",
        "from jpseq.corpora import catalogue, public; catalogue.catalogue()",
        "from jpseq.evaluation.segmentation import evaluate, read_conllu",
        "from jpseq.evaluation import diversity, embedding_metrics, ngram;"
        "from jpseq.dialogue import most_frequent, retrieval",
        "import sys; sys.argv = ['jpseq', '--help']\n"
        "from jpseq.cli.app import main\n"
        "try: main()\n"
        "except SystemExit: pass",
    ],
    ids=[
        "mecab",
        "others",
        "pipeline",
        "readers",
        "catalogue",
        "segmentation",
        "baselines",
        "help",
    ],
)
def test_text_never_loads_what_is_for_networks(code: str) -> None:
    assert not modules_after(code) & HEAVY


@pytest.mark.parametrize("name", jpseq.__all__)
def test_every_public_name_resolves_to_what_it_says(name: str) -> None:
    value = getattr(jpseq, name)
    assert value.__name__ == name
    assert value.__doc__
    assert name in dir(jpseq)


def test_public_names_are_sorted_and_all_there() -> None:
    assert jpseq.__all__ == sorted(jpseq._HOME) == sorted({*jpseq.__all__})


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'jpseq' has no attribute 'MeCap'"):
        jpseq.MeCap  # noqa: B018
