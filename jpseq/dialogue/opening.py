"""Responders by name.

What stands in the entry-point group jpseq.responders is anything that is called and gives a
responder: a class, or a function. It is called with the path that `jpseq chat --model` names, if it
names one, and by a mixture with the other keys of its table as keywords. Those of jpseq are the
functions below.
"""

import inspect
from pathlib import Path
from typing import Any

from jpseq.corpora.readers import read_dialogues
from jpseq.corpora.toml import read_toml
from jpseq.dialogue.mixture import Mixture
from jpseq.dialogue.responder import Responder
from jpseq.dialogue.retrieval import Retrieval
from jpseq.dialogue.scripted import Scripted
from jpseq.errors import ConfigurationError, DataError, JpseqError
from jpseq.plugins import find


def open_responder(name: str, source: Path | None = None, /, **options: Any) -> Responder:
    """The responder of a name.

    Args:
        name: as it is registered.
        source: the file or folder that it is made from, if it is made from one.
        options: of its own.

    Raises:
        PluginError: there is none of that name.
        ConfigurationError: it needs a path or an option, or has no use for one.
        JpseqError: whatever is wrong with the path.
    """
    make = find("responders", name)
    given = () if source is None else (source,)
    try:
        inspect.signature(make).bind(*given, **options)
    except TypeError as error:
        path = "without a path" if source is None else f"from {source}"
        raise ConfigurationError(
            f"the responder {name!r} cannot be made {path}: {error}. `--model PATH`, and in a"
            ' mixture from = "PATH", names what it is made from.'
        ) from None
    responder = make(*given, **options)
    if not isinstance(responder, Responder):
        raise ConfigurationError(
            f"the responder {name!r} is a {type(responder).__name__} without a method `reply`."
        )
    return responder


def seq2seq(folder: Path, **changed: Any) -> Responder:
    """A Chatbot that reads the last words as one sequence, from its folder.

    Args:
        folder: that `jpseq chat train` has written.
        changed: parameters that do not concern what it has learnt, such as `rerank`.
    """
    return _chatbot(folder, "seq2seq", changed)


def hred(folder: Path, **changed: Any) -> Responder:
    """A Chatbot that reads turn by turn; arguments as in seq2seq."""
    return _chatbot(folder, "hred", changed)


def vhred(folder: Path, **changed: Any) -> Responder:
    """A Chatbot that draws what a reply will be about; arguments as in seq2seq."""
    return _chatbot(folder, "vhred", changed)


def retrieval(
    dialogues: Path,
    turns: int = 2,
    candidates: int = 10,
    least: float = 0.0,
    repeats: bool = True,
) -> Retrieval:
    """A Retrieval in dialogues: a JSON Lines file, or a folder of them."""
    found = Retrieval(None, turns, candidates, least, repeats)
    return found.fit(read_dialogues(dialogues))


def scripted(file: Path) -> Scripted:
    """A Scripted with the rules of a TOML file."""
    return Scripted(file)


def mixture(file: Path) -> Mixture:
    """A Mixture of the responders that a TOML file lists, the first one asked first.

        [[responder]]
        name = "scripted"
        from = "rules.toml"

        [[responder]]
        name = "retrieval"
        from = "logs.jsonl"
        least = 0.7

        [[responder]]
        name = "vhred"
        from = "my_bot"
        rerank = { candidates = 16 }

    Paths are meant from the folder of the file. Other keys are options of the responder.

    Raises:
        DataError: the file cannot be read, or an entry is wrong.
    """
    content = read_toml(file)
    entries = content.get("responder")
    form = '[[responder]], name = "retrieval", from = "logs.jsonl"'
    if content.keys() != {"responder"} or not isinstance(entries, list) or not entries:
        raise DataError(f"is no list of responders: {form}.", file)
    found: dict[str, Responder] = {}
    for number, entry in enumerate(entries, 1):
        if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
            raise DataError(f'responder {number} has no "name": {form}.', file)
        options = dict(entry)
        name, source = options.pop("name"), options.pop("from", None)
        if source is not None and not isinstance(source, str):
            raise DataError(f'responder {number}: "from" is a path, got {source!r}.', file)
        path = None if source is None else file.parent / source
        unique = name if name not in found else f"{name} {number}"
        try:
            found[unique] = open_responder(name, path, **options)
        except JpseqError as error:
            raise DataError(f"responder {number}: {error}", file) from error
    return Mixture(found)


def _chatbot(folder: Path, architecture: str, changed: dict[str, Any]) -> Responder:
    from jpseq.dialogue.chatbot import Chatbot  # torch, only where there is a network

    bot = Chatbot.load(folder)
    if bot.architecture != architecture:
        raise ConfigurationError(
            f"{folder}: is a {bot.architecture}, and a {architecture} is wanted; take the responder"
            f" {bot.architecture!r}."
        )
    fixed = changed.keys() - {"rerank", "max_reply", "max_unknown"}
    if fixed:
        raise ConfigurationError(
            f"{', '.join(sorted(fixed))}: of a bot that is trained only rerank, max_reply and"
            " max_unknown can be changed."
        )
    bot.set_params(**changed).check()
    return bot
