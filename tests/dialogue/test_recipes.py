"""The recipes for bots: each is read as the command reads it, and is allowed."""

import tomllib
from pathlib import Path

import pytest

from jpseq import Chatbot

RECIPES = sorted((Path(__file__).parents[2] / "recipes" / "real_persona_chat").glob("*.toml"))


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_is_allowed(recipe: Path) -> None:
    params = tomllib.loads(recipe.read_text("utf-8"))
    assert 0.001 <= params.pop("held_out") <= 0.5
    bot = Chatbot(**params)
    bot.check()
    assert bot.architecture == recipe.stem


def test_there_is_one_for_each_architecture() -> None:
    assert [recipe.stem for recipe in RECIPES] == ["hred", "seq2seq", "vhred"]
