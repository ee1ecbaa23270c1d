"""The content words of a folder of text files, and how often each occurs.

    python examples/content_words.py FOLDER
    python examples/content_words.py FOLDER --top 50 --min-count 3

Nouns, verbs, adjectives and adverbs are counted in their dictionary form, so that 食べた and
食べます are one word. Particles, auxiliaries and punctuation are left out.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from jpseq import JpseqError, MeCab, Vocabulary, read_texts

# UniDic's parts of speech. "動詞-非自立可能" (する, いる, くる ...) is left out: these verbs mostly
# help other verbs.
CONTENT = ("名詞-普通名詞", "名詞-固有名詞", "動詞-一般", "形容詞-一般", "形状詞-一般", "副詞")


def texts_of(folder: Path) -> Iterator[str]:
    """The paragraphs of all *.txt files under a folder."""
    for file in sorted(folder.rglob("*.txt")):
        yield from read_texts(file)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, help="text files (*.txt, UTF-8), also in subfolders")
    parser.add_argument("--top", type=int, default=20, help="how many words to show")
    parser.add_argument("--min-count", type=int, default=1, help="leave rarer words out")
    options = parser.parse_args()

    tokenizer = MeCab(lemma=True, pos=CONTENT)
    words = Vocabulary(min_count=options.min_count)
    try:
        words.fit(tokenizer.words(text) for text in texts_of(options.folder))
    except JpseqError as error:
        sys.exit(f"{error}")
    if not words.counts_:
        sys.exit(f"{options.folder}: no content words; does it hold *.txt files?")

    print(f"{words.counts_.total():,} content words, {len(words.counts_):,} different ones")
    for word, count in list(zip(words.words, words.counts, strict=True))[: options.top]:
        print(f"{count:6}  {word}")


if __name__ == "__main__":
    main()
