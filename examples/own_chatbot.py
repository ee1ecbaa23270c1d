"""A chatbot of one's own, from a JSONL file of a few dialogues.

    python examples/own_chatbot.py
    python examples/own_chatbot.py MY_DIALOGUES.jsonl --output MY_BOT --say こんにちは

It trains, saves, loads what it has saved, and answers. From so few dialogues it learns its lines by
heart, and nothing else; talk to it with `jpseq chat --model MY_BOT`.
"""

import argparse
import sys
from pathlib import Path

from jpseq import Chatbot, JpseqError, read_dialogues

HERE = Path(__file__).parent


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("dialogues", type=Path, nargs="?", default=HERE / "ten_dialogues.jsonl")
    parser.add_argument("--output", "-o", type=Path, default=Path("my_bot"), help="model folder")
    parser.add_argument("--epochs", type=int, default=30, help="how often to go through them")
    parser.add_argument("--say", nargs="*", help="what to say to it; first turns without")
    options = parser.parse_args()

    try:
        dialogues = list(read_dialogues(options.dialogues))
        # Small, and without dropout: ten dialogues are to be remembered, not generalised from.
        bot = Chatbot(
            embedding=32,
            hidden=64,
            dropout=0.0,
            batch_tokens=100,
            learning_rate=0.01,
            epochs=options.epochs,
        )
        bot.fit(dialogues).save(options.output)
        bot = Chatbot.load(options.output)
    except JpseqError as error:
        sys.exit(f"{error}")
    print(f"{len(dialogues)} dialogues learnt, {len(bot.vocabulary)} words, in {options.output}")

    history: list[str] = []
    for line in options.say or [turn.text for turn in dialogues[0][::2]]:
        history.append(line)
        history.append(bot.reply(history))
        print(f"you> {line}\nbot> {history[-1]}")


if __name__ == "__main__":
    main()
