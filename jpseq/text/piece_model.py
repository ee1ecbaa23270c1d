"""What SentencePiece learns: pieces with their scores. All that touches the sentencepiece library.

A space is ▁ in a piece and begins it, so no piece but ▁ itself ends with one and none is ▁▁.
"""

import io
import math
import re
from collections.abc import Iterable, Iterator
from random import Random
from typing import Any

import sentencepiece

from jpseq.errors import ConfigurationError, DataError, JpseqError
from jpseq.text.sampling import drop_merges, sample_unigram

SPACE = "▁"
MODELS = ("unigram", "bpe")


class PieceModel:
    """A learnt model.

    Attributes:
        pieces: by id; "<unk>" is 0.
        scores: of each piece that is text: the logarithm of its probability (unigram), or minus the
            number of its merge (bpe).

    Raises:
        ValueError, RuntimeError: these bytes are no model, or one that changes the text.
    """

    def __init__(self, content: bytes) -> None:
        processor = sentencepiece.SentencePieceProcessor(model_proto=content)
        if processor.normalize(" Ａ  ") != "▁Ａ▁▁":
            raise ValueError("it normalises the text; train it with SentencePiece.fit.")
        ids = range(processor.get_piece_size())
        self._processor = processor
        self.pieces = tuple(processor.id_to_piece(i) for i in ids)
        self.scores: dict[str, float] = {
            self.pieces[i]: processor.get_score(i)
            for i in ids
            if not (processor.is_unknown(i) or processor.is_byte(i) or processor.is_control(i))
        }
        self._longest = max(map(len, self.scores), default=1)
        # Without byte fallback a text may hold a piece that looks like a byte.
        self._bytes = {
            self.pieces[i]: int(self.pieces[i][3:5], 16) for i in ids if processor.is_byte(i)
        }

    def best(self, text: str) -> list[str]:
        """The pieces of the best segmentation; unknown characters that touch are one of them."""
        return self._processor.encode(text, out_type=str)  # type: ignore[no-any-return]

    def draw(
        self, text: str, model: str, alpha: float, nbest: int | None, random: Random
    ) -> list[str]:
        """The pieces of a segmentation drawn at random: see SentencePiece for alpha and nbest."""
        if nbest is not None:
            best = self._processor.nbest_encode(text, nbest_size=nbest, out_type=str)
            # What is unknown is so in all of them and weighs nothing.
            totals = [sum(self.scores.get(piece, 0.0) for piece in pieces) for pieces in best]
            weights = [math.exp(alpha * (total - max(totals))) for total in totals]
            return random.choices(best, weights)[0]  # type: ignore[no-any-return]
        text = text.replace(" ", SPACE)
        if model == "bpe":
            return drop_merges(text, self.scores, alpha, random)
        return sample_unigram(text, self.scores, self._longest, alpha, random)

    def byte(self, piece: str) -> int | None:
        """The byte that a piece of byte fallback stands for; None for any other piece."""
        return self._bytes.get(piece)

    def spell(self, character: str) -> list[str]:
        """An unknown character as its bytes, where the model has them, else as itself."""
        if not self._bytes:
            return [character]
        return [f"<0x{byte:02X}>" for byte in character.encode()]


def train(texts: Iterable[str], **parameters: Any) -> bytes:
    """Learn a model from normalised texts.

    Args:
        texts: every space of them counts.
        parameters: sentencepiece's model_type, vocab_size, character_coverage, byte_fallback.

    Returns:
        The model, the same for the same texts.

    Raises:
        ConfigurationError: the size does not suit the texts; the error names one that does.
        DataError: there is nothing to learn from.
    """
    model = io.BytesIO()
    failures: list[BaseException] = []

    def parts() -> Iterator[str]:
        try:
            yield from _parts(texts)
        except BaseException as error:  # the trainer would only tell its text
            failures.append(error)
            raise

    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=parts(),
            model_writer=model,
            normalization_rule_name="identity",
            add_dummy_prefix=False,
            remove_extra_whitespaces=False,
            required_chars=SPACE,
            # Where a sentence begins and ends is the business of the model that uses the ids.
            bos_id=-1,
            eos_id=-1,
            # Sums are added up thread by thread, so their number is part of the result.
            num_threads=4,
            minloglevel=2,
            **parameters,
        )
    except RuntimeError as error:
        if failures:
            raise failures[0] from None
        raise _explained(str(error), parameters["vocab_size"]) from error
    return model.getvalue()


def _parts(texts: Iterable[str]) -> Iterator[str]:
    """Texts in parts that the trainer takes. It silently leaves out lines with the marks it uses
    itself and those of more than 4,192 bytes, which a paragraph without spaces soon has."""
    for text in texts:
        for part in re.split("[▁▅]", text):
            yield from (part[i : i + 1000] for i in range(0, len(part), 1000))


def _explained(problem: str, size: int) -> JpseqError:
    if found := re.search(r"Vocabulary size too high .* <= (\d+)", problem):
        return ConfigurationError(
            f"These texts do not hold {size} different pieces: size={found[1]} is the largest"
            " possible one. Take that or fewer, or more text."
        )
    if found := re.search(r"smaller than required_chars. \d+ vs (\d+)", problem):
        return ConfigurationError(
            f"size={size} is too small, for every character is a piece: it must be {found[1]} at"
            " least. Or lower the coverage, and rare characters are unknown."
        )
    if "sentences_.empty" in problem:
        return DataError("there is no text to learn pieces from: all rows are empty.")
    return DataError(f"sentencepiece can learn nothing from these texts ({problem.strip()}).")
