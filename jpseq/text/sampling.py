"""Subword regularisation: cutting a text into pieces differently each time.

A network that sees 東京都 now as 東京|都 and now as 東|京都 learns what pieces mean and not only
where they usually stand. Drawing is written here and not left to sentencepiece, whose random
numbers belong to the whole process: here they are the caller's.

Sources: T. Kudo, "Subword Regularization", ACL 2018 (unigram); I. Provilkov, D. Emelianenko and
E. Voita, "BPE-Dropout", ACL 2020 (BPE).
"""

import heapq
import math
from collections.abc import Mapping
from random import Random

_UNKNOWN_COST = 10.0
"""How much less likely an unknown character is than the rarest piece: sentencepiece's number."""


def sample_unigram(
    text: str, scores: Mapping[str, float], longest: int, alpha: float, random: Random
) -> list[str]:
    """Draw one of all segmentations, each with probability proportional to P(segmentation)^alpha.

    Forward filtering: total[end] is the logarithm of the summed weights of every segmentation of
    text[:end]. Backward sampling: from the end, a last piece is drawn by its share of the total,
    then the one before it. Both are linear in the length of the text.

    Args:
        scores: the logarithm of each piece's probability.
        longest: the characters of the longest piece.
        alpha: 1 draws by the model's own probabilities, 0 draws evenly, a large one takes the best.

    Returns:
        Pieces that joined are the text; a character that is in no piece stands alone.
    """
    unknown = min(scores.values(), default=0.0) - _UNKNOWN_COST
    total = [0.0]
    ways: list[list[tuple[int, float]]] = [
        []
    ]  # by end: where the last piece begins, and its weight
    for end in range(1, len(text) + 1):
        here = []
        for start in range(max(0, end - longest), end):
            score = scores.get(text[start:end])
            if score is None and start == end - 1:
                score = unknown
            if score is not None:
                here.append((start, total[start] + alpha * score))
        most = max(weight for _, weight in here)
        total.append(most + math.log(sum(math.exp(weight - most) for _, weight in here)))
        ways.append(here)
    pieces = []
    end = len(text)
    while end:
        starts = [start for start, _ in ways[end]]
        shares = [math.exp(weight - total[end]) for _, weight in ways[end]]
        start = random.choices(starts, shares)[0]
        pieces.append(text[start:end])
        end = start
    return pieces[::-1]


def drop_merges(
    text: str, scores: Mapping[str, float], dropout: float, random: Random
) -> list[str]:
    """Byte-pair encoding in which each merge is left out with a probability.

    Args:
        scores: of each piece; the merge that makes the piece of the highest score comes first.
        dropout: 0 is plain byte-pair encoding, 1 leaves single characters.

    Returns:
        Pieces that joined are the text.
    """
    pieces = list(text)  # a piece stands at its first character's place; merged ones become ""
    after = list(range(1, len(text) + 1))
    before = list(range(-1, len(text) - 1))
    merges: list[tuple[float, int, str]] = []

    def propose(left: int) -> None:
        if left >= 0 and after[left] < len(text):
            merged = pieces[left] + pieces[after[left]]
            if merged in scores:
                heapq.heappush(merges, (-scores[merged], left, merged))

    for place in range(len(text)):
        propose(place)
    while merges:
        _, left, merged = heapq.heappop(merges)
        right = after[left]
        # One of the two may have been merged with another neighbour since.
        if not pieces[left] or right == len(text) or pieces[left] + pieces[right] != merged:
            continue
        if random.random() < dropout:
            continue
        pieces[left], pieces[right] = merged, ""
        after[left] = after[right]
        if after[left] < len(text):
            before[after[left]] = left
        propose(before[left])
        propose(left)
    return [piece for piece in pieces if piece]
