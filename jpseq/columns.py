"""Rows of texts as lines with columns."""

from collections.abc import Sequence


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Aligned lines: the first column to the left, the others to the right."""
    from rich.cells import cell_len

    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for name, *cells in rows:
        first = name + " " * (widths[0] - cell_len(name))
        rest = [
            " " * (width - cell_len(cell)) + cell
            for cell, width in zip(cells, widths[1:], strict=True)
        ]
        lines.append("  ".join([first, *rest]).rstrip())
    return lines
