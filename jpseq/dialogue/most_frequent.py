"""The least a responder can do: always the reply that was given most often."""

from collections import Counter
from collections.abc import Sequence
from typing import Self

from jpseq.dialogue.responder import check_history
from jpseq.dialogue.turns import Dialogues, all_texts, check_replies
from jpseq.errors import NotFittedError


class MostFrequent:
    """A responder that gives one reply to everything: the most frequent text of its dialogues.

    What it reaches in a figure is reached without having read the question.

    >>> dialogues = [["元気？", "はい。", "本当に？", "はい。"], ["眠い？", "いいえ。"]]
    >>> MostFrequent().fit(dialogues).reply(["お腹がすいた？"])
    'はい。'
    """

    def fit(self, dialogues: Dialogues) -> Self:
        """Count the turns that answer one before them; of equally frequent ones the first stays.

        Raises:
            DataError: no dialogue has two turns.
            ConfigurationError: a prepared corpus (see all_texts).
        """
        replies = Counter(reply for texts in all_texts(dialogues) for reply in texts[1:])
        check_replies(bool(replies), "learn from")
        ((self.reply_, _),) = replies.most_common(1)
        return self

    def reply(self, history: Sequence[str], *, temperature: float = 0.0, seed: int = 0) -> str:
        """The reply, whatever the history, the temperature and the seed (see Responder).

        Raises:
            NotFittedError: it has learnt nothing.
            DataError: the history is empty.
        """
        check_history(history)
        try:
            return self.reply_
        except AttributeError:
            raise NotFittedError(
                "This MostFrequent has learnt nothing yet: call fit(dialogues)."
            ) from None
