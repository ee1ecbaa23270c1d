"""The demo bot: trained on the bundled dialogues once, then kept in the user's cache."""

import hashlib
from pathlib import Path
from typing import Any

from jpseq import __version__
from jpseq.corpora.bundled import bundled
from jpseq.corpora.readers import read_dialogues
from jpseq.dialogue.chatbot import Chatbot, hold_out
from jpseq.errors import JpseqError
from jpseq.folders import cache_folder
from jpseq.model import is_model

DEMO: dict[str, Any] = {
    "embedding": 64,
    "hidden": 128,
    "dropout": 0.0,
    "history": 24,
    "min_count": 2,
    "epochs": 14,
    "learning_rate": 0.01,
}
"""The demo's parameters where they differ from a Chatbot's.

Two minutes of two cores are too short to learn a language. The demo learns its dialogues by heart,
so it is small, drops nothing out and takes large steps.
"""


def demo_folder() -> Path:
    """Where the demo bot is kept; another corpus, version or parameters have another folder."""
    digest = hashlib.sha256(repr((__version__, sorted(DEMO.items()))).encode())
    for file in sorted(bundled("dialogues").glob("*.jsonl")):
        digest.update(file.read_bytes())
    return cache_folder() / f"demo-{digest.hexdigest()[:12]}"


def kept_demo() -> Chatbot | None:
    """The demo bot from the cache, or None where there is none that can be used."""
    folder = demo_folder()
    if not is_model(folder):
        return None
    try:
        return Chatbot.load(folder)
    except JpseqError:  # damaged: it is made again
        return None


def train_demo(title: str) -> Chatbot:
    """Train the demo bot, measure it on held-out dialogues, keep it in the cache.

    After Ctrl-C the bot is returned with `completed` False and nothing is kept.
    """
    dialogues = list(read_dialogues(bundled("dialogues")))
    learnt, held_out = hold_out(dialogues)
    bot = Chatbot(**DEMO).fit(learnt, title=title)
    if bot.completed:
        bot.metrics = {"held-out": str(bot.perplexity(held_out, data="bundled dialogues"))}
        bot.save(demo_folder())
    return bot
