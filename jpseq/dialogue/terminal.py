"""Talking to a responder: at a terminal with a prompt, or through pipes."""

from collections.abc import Iterable

from jpseq.dialogue.responder import Responder

HELP = """\
/help              this list
/reset             forget the conversation
/history           show the conversation
/seed N            another seed: other words by chance (with a temperature above 0)
/temperature T     0: always the most likely reply; 0.5 to 1: more varied ones
/quit              leave (Ctrl-D and Ctrl-C do the same)"""


class Conversation:
    """What was said, and how replies are drawn.

    Args:
        responder: who answers.
        temperature, seed: as in Responder.reply.
    """

    def __init__(self, responder: Responder, temperature: float = 0.0, seed: int = 0) -> None:
        self.responder = responder
        self.temperature = temperature
        self.seed = seed
        self.history: list[str] = []

    def say(self, text: str) -> str:
        """Say something and get the reply."""
        self.history.append(text)
        # Each turn draws afresh, yet the same conversation with the same seed goes the same way.
        seed = self.seed + len(self.history)
        reply = self.responder.reply(self.history, temperature=self.temperature, seed=seed)
        self.history.append(reply)
        return reply

    def command(self, line: str) -> str | None:
        """Carry out a line that begins with "/": what to show, or None to leave."""
        name, _, value = line.strip().partition(" ")
        value = value.strip()
        match name:
            case "/quit":
                return None
            case "/help":
                return HELP
            case "/reset":
                self.history.clear()
                return "(the conversation is forgotten)"
            case "/history":
                speakers = ("you", "bot")
                said = [f"{speakers[i % 2]}: {text}" for i, text in enumerate(self.history)]
                return "\n".join(said) or "(nothing was said yet)"
            case "/seed":
                return self._set_seed(value)
            case "/temperature":
                return self._set_temperature(value)
        return f"There is no command {name}. /help lists them."

    def _set_seed(self, value: str) -> str:
        if not (value.isdecimal() and len(value) <= 18):  # fits 64 bits
            return f"The seed is {self.seed}. Type a whole number after it, such as /seed 7."
        self.seed = int(value)
        return f"(the seed is now {self.seed})"

    def _set_temperature(self, value: str) -> str:
        try:
            temperature = float(value)
        except ValueError:
            temperature = -1.0
        if not 0 <= temperature <= 10:
            return (
                f"The temperature is {self.temperature:g}. Type a number from 0 to 10 after it,"
                " such as /temperature 0.7."
            )
        self.temperature = temperature
        return f"(the temperature is now {self.temperature:g})"


def answer_lines(conversation: Conversation, lines: Iterable[str]) -> None:
    """Print one reply a line to standard output for each line; an empty line for an empty one."""
    for line in lines:
        text = line.strip()
        print(conversation.say(text) if text else "", flush=True)


def talk(conversation: Conversation, greeting: str) -> None:
    """A prompt with line editing until /quit, Ctrl-C or Ctrl-D."""
    from prompt_toolkit import PromptSession
    from prompt_toolkit.formatted_text import HTML

    print(greeting)
    session: PromptSession[str] = PromptSession(HTML("<ansigreen>you&gt;</ansigreen> "))
    while True:
        try:
            text = session.prompt().strip()
        except (EOFError, KeyboardInterrupt):
            return
        if not text:
            continue
        if text.startswith("/"):
            shown = conversation.command(text)
            if shown is None:
                return
            print(shown)
        else:
            print(f"bot> {conversation.say(text)}")
