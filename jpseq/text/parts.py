"""A long text in parts: what an analyser does with a text at once takes memory, or has a limit."""

from collections.abc import Iterator


def parts(text: str, longest: int) -> Iterator[str]:
    """Parts of a text, cut after a sentence's end or a space where there is one.

    >>> list(parts("夜です。空です。", 6))
    ['夜です。', '空です。']

    Args:
        longest: characters of a part, at most.
    """
    start = 0
    while len(text) - start > longest:
        end = start + longest
        cut = max(text.rfind(mark, start, end) for mark in "。！？ ") + 1
        end = cut if cut > start else end
        yield text[start:end]
        start = end
    yield text[start:]
