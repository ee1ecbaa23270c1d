"""What a command tells beside its results: on standard error, out of the way of pipes."""

import sys


def note(text: str) -> None:
    """Write a line to standard error."""
    print(text, file=sys.stderr)
