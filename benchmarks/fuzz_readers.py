"""Damaged files of every kind through every reader: no crash, no hang, nothing lost in silence.

    python benchmarks/fuzz_readers.py --files 10000

Each file is made from a sound one by one to three mutations, often compressed, and sometimes
damaged again after that. It is read with on_error="raise" and "skip", and what comes is compared
with a count made here without the readers:

- only JpseqErrors are raised, each with the file's name;
- records read + lines skipped = lines that are not blank, and texts are exactly the lines;
- "raise" ends well if and only if "skip" skips nothing, with the same records, and otherwise with
  the first thing that "skip" has skipped;
- a second pass gives the same, every text can be encoded, every number is finite or a gap.

File number N of a seed is always the same: `--only N` reads one alone and shows it.
"""

import argparse
import gzip
import io
import json
import re
import signal
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Literal, NamedTuple

import numpy as np
import zstandard

from jpseq.corpora import files
from jpseq.corpora.readers import (
    Records,
    Skipped,
    Turn,
    read_dialogues,
    read_documents,
    read_pairs,
    read_table,
    read_texts,
)
from jpseq.errors import JpseqError

LONGEST = 4096
"""Bytes of the longest line while this runs: with 64 MiB no line here would be too long."""
OTHERS = ["cp932", "euc-jp", "iso-2022-jp"]
"""Encodings beside UTF-8 in which some files are written and read."""
WORDS = [
    *("夜の空に星が見えた。", "朝", "night", "㍿", "ｺｰﾋｰ", "😀", "が゙", "é", "１２", "-3.5"),
    *("\u2028", "「」", "表", "ソ", "〜", " "),
]


# Sound files


def sentence(random: Random) -> str:
    return "".join(random.choices(WORDS, k=random.randint(1, 8))).strip() or "夜"


def text(random: Random) -> list[str]:
    return [sentence(random) if random.random() < 0.8 else "" for _ in range(random.randint(1, 30))]


def dialogues(random: Random) -> list[str]:
    return [
        json.dumps(
            {
                "turns": [
                    {random.choice(["speaker", "spk"]): s, "text": sentence(random)}
                    for s in random.choices("AB", k=random.randint(0, 5))
                ],
                "topic": random.choice([None, 1, "天気"]),
            },
            ensure_ascii=random.random() < 0.3,
        )
        for _ in range(random.randint(1, 12))
    ]


def pairs(random: Random) -> list[str]:
    return [f"{sentence(random)}\t{sentence(random)}" for _ in range(random.randint(1, 20))]


def table(random: Random) -> list[str]:
    columns = random.randint(1, 4)
    rows = [[f"c{i}" for i in range(columns)]]
    for _ in range(random.randint(1, 20)):
        rows.append([random.choice(["1", "-2.5", "3e4", '"7"', '""', "0"]) for _ in range(columns)])
        if columns > 1 and random.random() < 0.2:
            rows[-1][random.randrange(columns)] = ""
    return [",".join(row) for row in rows]


FORMS: dict[str, Callable[[Random], list[str]]] = {
    "text": text,
    "documents": text,
    "dialogues": dialogues,
    "pairs": pairs,
    "aligned": text,
    "table": table,
}


# Mutations


def flip(data: bytes, random: Random) -> bytes:
    changed = bytearray(data)
    for _ in range(random.randint(1, 8) if data else 0):
        changed[random.randrange(len(data))] ^= 1 << random.randrange(8)
    return bytes(changed)


def cut(data: bytes, random: Random) -> bytes:
    return data[: random.randint(0, len(data))]


def drop(data: bytes, random: Random) -> bytes:
    start = random.randint(0, len(data))
    return data[:start] + data[start + random.randint(1, 40) :]


def repeat(data: bytes, random: Random) -> bytes:
    start = random.randint(0, len(data))
    piece = data[start : start + random.randint(1, 200)]
    return data[:start] + piece * random.randint(1, 20) + data[start:]


def insert(data: bytes, random: Random) -> bytes:
    place = random.randint(0, len(data))
    return data[:place] + random.choice(PIECES) + data[place:]


def insert_line(data: bytes, random: Random, special: list[bytes]) -> bytes:
    lines = data.split(b"\n")
    lines.insert(random.randint(0, len(lines)), random.choice(special))
    return b"\n".join(lines)


def repeat_line(data: bytes, random: Random) -> bytes:
    lines = data.split(b"\n")
    lines.insert(random.randint(0, len(lines)), random.choice(lines))
    return b"\n".join(lines)


def encode(data: bytes, random: Random) -> bytes:
    encoding = random.choice(["cp932", "euc_jp", "iso2022_jp", "utf-16", "utf-32-be", "utf-8-sig"])
    return data.decode(errors="ignore").encode(encoding, errors="ignore")


def ends(data: bytes, random: Random) -> bytes:
    kinds = random.choice([[b"\r\n"], [b"\r"], [b"\r\r\n"], [b"\n", b"\r\n", b"\r"], [b"\n\n"]])
    return b"".join(line + random.choice(kinds) for line in data.split(b"\n"))


def shuffle(data: bytes, random: Random) -> bytes:
    return bytes(random.sample(data, len(data)))


PIECES = [
    *(b"\0", b"\xff", b"\x80", b"\xed\xa0\x80", b"\xc0\xaf", b"\xf4\x90\x80\x80"),
    *(b"\xef\xbb\xbf", b"\xff\xfe", b"\x1a", b"\x1b$B", b"\x85", b"\x0b", b"\x0c", b"\x1c"),
    *(b"\n", b"\r", b"\t", b",", b'"', b'""', b"'", b"\\", b"\\u", b"\\ud83d", b"\\ud83d\\ude00"),
    *(b"{", b"}", b"[", b"]", b":", b"null", b"NaN", b"-Infinity", b"1e999", b"1_0", b"inf"),
    *("\u3000".encode(), "\u2028".encode(), "\ufeff".encode(), "１２".encode(), b"9" * 5000),
    *(b" " * 5000, b"[" * 3000, b"a" * 4095, b"a" * 4096, b"a" * 4097, b"1" * 400),
]
ODD = [
    *(b"", b" ", b"\r", "\u3000".encode(), b"\x1c", b"\0", b"\xff", b"\xef\xbb\xbf", b"x" * 9000),
    b"\x1f\x8b\x08",
]
ODD_DIALOGUES = [
    *(b"[]", b"{}", b"null", b"1", b'{"turns": []}', b'{"turns": {}}', b'{"turns": [[]]}'),
    b'{"turns": [{"speaker": "A", "text": "\\ud800"}]}',
    b'{"turns": [{"speaker": "\\udfff", "text": "a"}]}',
    b'{"turns": [{"speaker": "A", "text": "\\ud83d\\ude00\\u0000"}]}',
    b'{"turns": [{"speaker": 1, "text": 2}]}',
    b'{"turns": [{"speaker": "A", "text": "a"}], "n": ' + b"9" * 3000 + b"}",
    b'{"turns": [{"speaker": "A", "text": "a"}], "n": 1e999, "m": NaN}',
    b'{"turns": ' + b"[" * 2000 + b"]" * 2000 + b"}",
    b'{"turns": [{"speaker": "A", "text": "a"}], "x": ' + b'{"x":' * 600 + b"1" + b"}" * 601,
]
ODD_PAIRS = [b"\t", b"a\t", b"\tb", b"a\tb\tc", b" \t \t ", b'"a\tb"', b"a b", b"a\x85b\tc"]
ODD_ROWS = [
    *(
        b"c0",
        b"c0,c0",
        b"c0,c1",
        b"c0,c1,c0",
        b",",
        b",,,",
        b"1,2",
        b"1,2,3,4,5",
        b"inf",
        b"-inf,1",
    ),
    *(
        b"nan",
        b"nan,NaN",
        b'"1',
        b'"1","2"',
        b'1"',
        b'"1"2',
        b"0x10,1",
        b"1_0,2",
        b"1e999,1",
        b"1;2",
    ),
]
SPECIAL = {"dialogues": ODD_DIALOGUES, "pairs": ODD_PAIRS, "table": ODD_ROWS}
MUTATIONS: list[Callable[[bytes, Random], bytes]] = [
    *(flip, cut, drop, repeat, insert, repeat_line, encode, ends, shuffle)
]


def pack(data: bytes, random: Random) -> tuple[str, bytes]:
    """A file's last suffix and its bytes; half of the files are compressed."""
    suffix = random.choice(["", "", ".gz", ".zst"])
    if suffix == ".gz":
        data = gzip.compress(data, mtime=0)
    elif suffix == ".zst":
        checked = zstandard.ZstdCompressor(write_checksum=random.random() < 0.8)
        data = checked.compress(data)
    if suffix and random.random() < 0.3:
        data = random.choice([flip, cut, drop, insert])(data, random)
    return suffix, data


# What the readers should find


def unpack(data: bytes, suffix: str) -> bytes | None:
    """The text of a file; None where it is damaged."""
    try:
        if suffix == ".gz":
            return gzip.decompress(data) if data else None
        if suffix == ".zst":
            return unpack_frames(data)
    except (OSError, EOFError, zlib.error, zstandard.ZstdError):
        return None
    return data


def unpack_frames(data: bytes) -> bytes | None:
    found = b""
    more = data
    while more:
        frame = zstandard.ZstdDecompressor().decompressobj()
        found += frame.decompress(more)
        if not frame.eof:
            return None
        more = frame.unused_data
    return found if data else None


def filled(data: bytes, encoding: str) -> list[bool]:
    """Of each line whether it holds anything; bytes that are no text do."""
    found = []
    for number, raw in enumerate(io.BytesIO(data)):
        line = raw
        if number == 0 and encoding == "utf-8":
            line = line.removeprefix(b"\xef\xbb\xbf")
        try:
            blank = not line.decode(encoding).strip()
        except UnicodeDecodeError:
            blank = False
        found.append(len(raw) > LONGEST or not blank)
    return found


# What they do find


class Case(NamedTuple):
    form: str
    paths: list[Path]
    encoding: str
    texts: list[bytes | None]
    """What is in the files; None for a damaged one."""


class Found(NamedTuple):
    records: list[Any]
    skipped: Skipped
    error: JpseqError | None


def make(seed: int, number: int, folder: Path) -> Case:
    """The damaged file (two for aligned text) of this number, written into the folder."""
    random = Random(f"{seed} {number}")
    form = random.choice(list(FORMS))
    lines = FORMS[form](random)
    encoding = "utf-8" if random.random() < 0.85 else random.choice(OTHERS)
    sides = [lines]
    if form == "aligned":
        sides.append([f"訳{line}" if line else "" for line in lines])
    paths, texts = [], []
    for place, side in enumerate(sides):
        data = "".join(f"{line}\n" for line in side).encode(encoding, errors="ignore")
        special = partial(insert_line, special=ODD + SPECIAL.get(form, []))
        kinds = [*MUTATIONS, special, special]
        if form == "aligned" and random.random() < 0.7:
            kinds = [flip, insert]  # keeps most lines: else no two files would be of one length
        for _ in range(random.randint(1 if len(sides) == 1 else 0, 3)):
            data = random.choice(kinds)(data, random)
        suffix, packed = pack(data, random)
        paths.append(folder / f"{form}-{place}.txt{suffix}")
        paths[-1].write_bytes(packed)
        texts.append(unpack(packed, suffix))
    return Case(form, paths, encoding, texts)


def read(case: Case, on_error: Literal["raise", "skip"]) -> Found:
    """All that a reader gives, until its error if there is one."""
    options: Any = {"encoding": case.encoding, "on_error": on_error}
    if case.form == "table":
        try:
            found = read_table(case.paths, **options)
        except JpseqError as error:
            return Found([], Skipped(), error)
        assert np.isfinite(found.values[~np.isnan(found.values)]).all()
        return Found([tuple(map(repr, row)) for row in found.values.tolist()], found.skipped, None)
    readers: dict[str, Callable[..., Records[Any]]] = {
        "text": read_texts,
        "documents": read_documents,
        "dialogues": read_dialogues,
        "pairs": read_pairs,
        "aligned": read_pairs,
    }
    reader = readers[case.form](*case.paths, **options)
    found, again = go_through(reader), go_through(reader)
    assert str(found) == str(again)
    return found


def go_through(reader: Records[Any]) -> Found:
    records: list[Any] = []
    error = None
    try:
        for record in reader:
            records.append(record)
    except JpseqError as raised:
        error = raised
    return Found(records, reader.skipped, error)


# Whether it is the same


def check(case: Case) -> str:
    """Read a case both ways and compare; what became of it, in a word.

    Raises:
        AssertionError: a reader does not keep what the top of this file says.
    """
    strict, lenient = read(case, "raise"), read(case, "skip")
    for found in (strict, lenient):
        if found.error is not None:
            assert any(str(path) in str(found.error) for path in case.paths), found.error
    for part in strings(lenient.records):
        part.encode()
    if None in case.texts:
        assert strict.error is not None
        assert lenient.error is not None
        if case.form not in ("aligned", "table"):  # whose lengths or header may be wrong before
            assert re.search("is cut off|is damaged|is empty", str(lenient.error)), lenient.error
        return "damaged compression"
    compare_count(case, lenient)
    if lenient.error is not None:
        assert strict.error is not None
        return "refused as a whole"
    if not lenient.skipped:
        assert strict == lenient
        return "read whole"
    assert str(strict.error) == lenient.skipped.first[0]
    if case.form != "documents":  # of a document that is cut short nothing comes
        assert strict.records == lenient.records[: len(strict.records)]
    return "some lines skipped"


def compare_count(case: Case, found: Found) -> None:
    """Whether as many lines were read and skipped as there are, of what can be counted."""
    lines = [filled(text or b"", case.encoding) for text in case.texts]
    records = len(found.records)
    skipped = found.skipped.lines
    if case.form == "table":
        if found.error is None:
            rows = sum(lines[0]) - 1
            gaps = len(lines[0]) - sum(lines[0]) if len(found.records[0]) == 1 else 0
            assert rows <= records + skipped <= rows + gaps
        return
    if case.form == "aligned":
        if len(lines[0]) != len(lines[1]):
            assert found.error is not None
            return
        total = sum(map(max, *lines)) if lines[0] else 0
    else:
        total = sum(lines[0])
    if case.form == "documents":
        records = sum(map(len, found.records))
    assert records + skipped == total, (records, skipped, total)
    if found.error is not None:
        assert not records
    if case.form in ("text", "pairs"):
        raw = (case.texts[0] or b"").removeprefix(b"\xef\xbb\xbf" * (case.encoding == "utf-8"))
        # A line is decoded by itself: what is wrong in one is not carried over to the next.
        texts = iter([line.decode(case.encoding, "replace") for line in io.BytesIO(raw)])
        for record in found.records:
            whole = record if case.form == "text" else "\t".join(record)
            assert any(whole == text.rstrip("\r\n") for text in texts), record


def strings(records: list[Any]) -> Iterator[str]:
    """Every text in records, however deep."""
    for record in records:
        if isinstance(record, str):
            yield record
        elif isinstance(record, Turn):
            yield from (record.speaker, record.text)
        else:
            yield from strings(record)


class Hang(BaseException):
    """A file takes too long."""


def fuzz(seed: int, numbers: Iterable[int], folder: Path, limit: float = 20.0) -> Counter[str]:
    """What became of so many files.

    Raises:
        AssertionError, Hang: with the number of the file.
    """

    def hang(*_: object) -> None:
        raise Hang(f"more than {limit} s")

    results: Counter[str] = Counter()
    longest, files.MAX_LINE = files.MAX_LINE, LONGEST
    former = signal.signal(signal.SIGALRM, hang)
    try:
        for number in numbers:
            case = make(seed, number, folder)
            signal.setitimer(signal.ITIMER_REAL, limit)
            try:
                results[f"{case.form}: {check(case)}"] += 1
            except BaseException as error:
                error.add_note(f"file {number} of seed {seed}: {case.paths}, {case.encoding}")
                raise
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
    finally:
        signal.signal(signal.SIGALRM, former)
        files.MAX_LINE = longest
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, help="read this file alone, and show it")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if options.only is not None:
            case = make(options.seed, options.only, Path(folder))
            print(*case, sep="\n")
            print(*(read(case, on_error) for on_error in ("raise", "skip")), sep="\n")
        numbers = range(options.files) if options.only is None else [options.only]
        begun = time.perf_counter()
        results = fuzz(options.seed, numbers, Path(folder))
    for kind, times in sorted(results.items()):
        print(f"{times:6,}  {kind}")
    print(
        f"{results.total():6,}  files in {time.perf_counter() - begun:.0f} s: all as it should be"
    )


if __name__ == "__main__":
    main()
