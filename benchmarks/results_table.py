"""The tables of docs/results.md, to which long benchmarks add a row as soon as it is measured."""

from pathlib import Path

RESULTS = Path(__file__).resolve().parent.parent / "docs" / "results.md"


def table_of(heading: str) -> tuple[list[str], int]:
    """The lines of the results, and the number of the last row of the first table of a section."""
    lines = RESULTS.read_text("utf-8").splitlines()
    place = lines.index(heading)
    place = next(i for i in range(place, len(lines)) if lines[i].startswith("|"))
    while place + 1 < len(lines) and lines[place + 1].startswith("|"):
        place += 1
    return lines, place


def has_row(heading: str, name: str) -> bool:
    lines, place = table_of(heading)
    return any(line.startswith(f"| {name} |") for line in lines[lines.index(heading) : place + 1])


def add_row(heading: str, *fields: str) -> None:
    lines, place = table_of(heading)
    row = f"| {' | '.join(fields)} |"
    print(row, flush=True)
    RESULTS.write_text("\n".join([*lines[: place + 1], row, *lines[place + 1 :]]) + "\n", "utf-8")
