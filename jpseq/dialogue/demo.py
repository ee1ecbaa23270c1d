"""The demo bot: a mixture of rules, what people said, and a network.

The network is trained on the bundled dialogues once, then kept in the user's cache.
"""

import hashlib
from pathlib import Path
from typing import Any

from jpseq import __version__
from jpseq.corpora.bundled import bundled
from jpseq.corpora.readers import read_dialogues
from jpseq.dialogue.chatbot import Chatbot
from jpseq.dialogue.mixture import Mixture
from jpseq.dialogue.retrieval import Retrieval
from jpseq.dialogue.scripted import Scripted
from jpseq.dialogue.turns import hold_out
from jpseq.errors import JpseqError
from jpseq.folders import cache_folder
from jpseq.model import is_model

DEMO: dict[str, Any] = {
    "embedding": 96,
    "hidden": 192,
    "turns": 3,
    "min_count": 2,
    "epochs": 8,
    "learning_rate": 0.005,
    "rerank": {"candidates": 24, "temperature": 0.6, "weight": 0.4},
}
"""The network's parameters where they differ from a Chatbot's.

Two minutes are too short to learn a language, and what people said is remembered word by word
beside the network. So it is small, and does not learn by heart: of what it draws, the reply is said
that would not do after anything else.
"""
NEAR = 0.4
"""The least cosine of what is said again; where nothing is as near, the network is asked."""


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
    """Train the demo bot and measure it on held-out dialogues.

    After Ctrl-C the bot is returned with `completed` False, and nothing is measured.
    """
    dialogues = list(read_dialogues(bundled("dialogues")))
    learnt, held_out = hold_out(dialogues)
    bot = Chatbot(**DEMO).fit(learnt, title=title)
    if bot.completed:
        bot.metrics = {
            "learnt from": f"{len(learnt):,} bundled dialogues",
            "held-out": str(bot.perplexity(held_out, data="bundled dialogues")),
        }
    return bot


def demo(bot: Chatbot) -> Mixture:
    """The demo bot around its network.

    What people said to nearly the same is better than what a network of two minutes can write, so
    that it is asked only where nothing is near; and it says so where it does not know the words.
    """
    near = Retrieval(turns=1, least=NEAR, repeats=False).fit(read_dialogues(bundled("dialogues")))
    return Mixture(
        {
            "scripted": Scripted(bundled("rules") / "demo.toml"),
            "retrieval": near,
            "seq2seq": bot,
        }
    )


def keep_demo(bot: Chatbot) -> None:
    """Put the demo bot into the cache, where kept_demo finds it.

    Raises:
        DataError: the cache cannot be written.
    """
    bot.save(demo_folder())
