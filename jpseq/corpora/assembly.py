"""Finished blocks → the arrays of a prepared corpus: words are counted, then ids become final."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from jpseq.corpora.array_file import ArrayFile
from jpseq.corpora.block_file import BlockFile
from jpseq.corpora.counting import Counting
from jpseq.corpora.records import Skipped


def assemble_sequences(
    blocks: Sequence[Path], folder: Path, scratch: Path, words_in_memory: int, side: int = 0
) -> dict[str, int]:
    """Write values.npy, offsets.npy and vocabulary.json; one block is in memory at a time.

    Args:
        blocks: the files of all blocks, in the order of the corpus.
        scratch: an empty folder.
        words_in_memory: how many different words are counted in memory.
        side: which side of parallel text.

    Returns:
        the number of sequences, tokens and (different) words.
    """
    counting = Counting(scratch, words_in_memory)
    runs = []
    tokens = 0
    with (
        (scratch / "places").open("w+b") as places,
        ArrayFile(folder / "offsets.npy", np.int64) as offsets,
        ArrayFile(folder / "values.npy", np.int32) as values,
    ):
        offsets.append(np.zeros(1, np.int64))
        for path in blocks:
            with BlockFile(path) as block:
                run, place = counting.add(block.words(side), block.counts(side))
                lengths = block.lengths(side)
            runs.append((run, len(place)))
            places.write(place.data)
            offsets.append(tokens + np.cumsum(lengths))
            tokens += int(lengths.sum())
        ranking = counting.rank()
        ranking.save(folder / "vocabulary.json")
        places.seek(0)
        for path, (run, words) in zip(blocks, runs, strict=True):
            final = ranking.ids[run][np.fromfile(places, np.int32, words)]
            with BlockFile(path) as block:
                values.append(final[block.ids(side)])
        return {"sequences": offsets.rows - 1, "tokens": tokens, "words": len(ranking.counts)}


def assemble_groups(blocks: Sequence[Path], folder: Path, empty: bool) -> int:
    """Write groups.npy.

    Args:
        empty: whether there are groups of no sequences. A dialogue may be without turns; but
            several blank lines one after another divide two documents only.

    Returns:
        the number of groups.
    """
    sequences = 0
    last = -1
    with ArrayFile(folder / "groups.npy", np.int64) as groups:

        def append(bounds: np.ndarray[tuple[int], np.dtype[np.int64]]) -> None:
            nonlocal last
            if not empty:
                bounds = bounds[np.diff(bounds, prepend=last) > 0]
            groups.append(bounds)
            last = int(bounds[-1]) if len(bounds) else last

        for path in blocks:
            with BlockFile(path) as block:
                append(sequences + block.breaks)
                sequences += len(block.lengths())
        append(np.array([sequences]))
        return groups.rows - 1


def join_skipped(blocks: Sequence[Path]) -> Skipped:
    """The lines passed over in all blocks."""
    skipped = Skipped()
    for path in blocks:
        with BlockFile(path) as block:
            more = block.skipped
        skipped.lines += more.lines
        skipped.first = (skipped.first + more.first)[:10]
    return skipped
