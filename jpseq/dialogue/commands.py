"""The commands of a conversation at the terminal: lines that begin with "/"."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import cycle
from pathlib import Path

from jpseq.dialogue.responder import Responder, about
from jpseq.dialogue.session import ChatSession
from jpseq.errors import DataError, JpseqError

HELP = """\
/help              this list
/why               how the last reply came about
/again             another reply to what was said last
/reset             forget the conversation
/history           show the conversation
/save FILE         add the conversation to a file that a bot can learn from
/model             what answers; /model PATH: let the bot of that folder answer
/seed N            another seed: other words by chance (with a temperature above 0)
/temperature T     0: always the most likely reply; 0.5 to 1: more varied ones
/quit              leave (Ctrl-D does the same)"""


def command(
    session: ChatSession, line: str, load: Callable[[Path], Responder]
) -> Iterable[str] | None:
    """Carry out a line that begins with "/".

    Args:
        session: the conversation.
        line: what was typed.
        load: gives the responder of a path.

    Returns:
        what to show, in pieces as it comes, or None to leave.

    Raises:
        JpseqError: what was asked for is not possible; nothing has changed then.
    """
    name, _, value = line.strip().partition(" ")
    value = value.strip()
    match name:
        case "/quit":
            return None
        case "/help":
            return [HELP]
        case "/why":
            return [aligned([(f"{name}:", text) for name, text in session.why().items()])]
        case "/again":
            return _again(session)
        case "/reset":
            session.reset()
            return ["(the conversation is forgotten)"]
        case "/history":
            return [_history(session)]
        case "/save":
            return [_save(session, value)]
        case "/model":
            return [_model(session, value, load)]
        case "/seed":
            return [_set_seed(session, value)]
        case "/temperature":
            return [_set_temperature(session, value)]
    return [f"There is no command {name}. /help lists them."]


def aligned(rows: Sequence[tuple[str, str]]) -> str:
    """Names and values below one another; a wide character takes two columns."""
    from rich.cells import cell_len, set_cell_size

    width = max(cell_len(name) for name, _ in rows) + 1
    return "\n".join(set_cell_size(name, width) + value for name, value in rows)


def _again(session: ChatSession) -> Iterator[str]:
    pieces = session.again()
    first = next(pieces, "")  # an error comes before the label
    yield f"{session.speakers[1]}> {first}"
    yield from pieces


def _history(session: ChatSession) -> str:
    if not session.history:
        return "(nothing was said yet)"
    names = cycle(f"{name}:" for name in session.speakers)
    return aligned(list(zip(names, session.history, strict=False)))


def _save(session: ChatSession, value: str) -> str:
    if not value:
        return "Type a file after it, such as /save talk.jsonl."
    session.save(_path(value))
    return f"(added to {value}; `jpseq chat train {value} -o BOT` learns from such files)"


def _model(session: ChatSession, value: str, load: Callable[[Path], Responder]) -> str:
    if value:
        try:
            session.responder = load(_path(value))
        except JpseqError as error:
            return f"{error} The bot is the same as before."
    return about(session.responder).replace("; ", "\n")


def _path(value: str) -> Path:
    """A path as a shell would read it: ~ is the user's folder."""
    try:
        return Path(value).expanduser()
    except RuntimeError:
        raise DataError("there is no such user's folder; type the whole path.", value) from None


def _set_seed(session: ChatSession, value: str) -> str:
    if not (value.isdecimal() and len(value) <= 18):  # fits 64 bits
        return f"The seed is {session.seed}. Type a whole number after it, such as /seed 7."
    session.seed = int(value)
    return f"(the seed is now {session.seed})"


def _set_temperature(session: ChatSession, value: str) -> str:
    try:
        temperature = float(value)
    except ValueError:
        temperature = -1.0
    if not 0 <= temperature <= 10:
        return (
            f"The temperature is {session.temperature:g}. Type a number from 0 to 10 after it,"
            " such as /temperature 0.7."
        )
    session.temperature = temperature
    return f"(the temperature is now {session.temperature:g})"
