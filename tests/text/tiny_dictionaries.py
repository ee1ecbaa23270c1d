"""A dictionary for Vibrato and a model for Vaporetto, as small as they can be.

None can be installed from a package registry, so the tests write their own.
"""

import struct
from pathlib import Path


def features(pos: str, lemma: str, reading: str) -> str:
    """As in IPADIC: part of speech, conjugation, lemma, reading, pronunciation."""
    return f"{pos},*,*,*,*,{lemma},{reading},{reading}"


LEXICON = [
    ("夜", "名詞,一般", "夜", "ヨル"),
    ("空", "名詞,一般", "空", "ソラ"),
    ("夜空", "名詞,一般", "夜空", "ヨゾラ"),
    ("は", "助詞,係助詞", "は", "ハ"),
    ("を", "助詞,格助詞", "を", "ヲ"),
    ("食べ", "動詞,自立", "食べる", "タベ"),
    ("た", "助動詞,*", "た", "タ"),
]


def vibrato_dictionary(folder: Path) -> Path:
    """The sources of a dictionary; each word costs as much, so the fewest words win."""
    folder.mkdir(parents=True, exist_ok=True)
    words = [f"{word},0,0,100,{features(*rest)}" for word, *rest in LEXICON]
    (folder / "lex.csv").write_text("\n".join(words) + "\n", "utf-8")
    (folder / "matrix.def").write_text("1 1\n0 0 0\n", "utf-8")
    (folder / "char.def").write_text(
        "DEFAULT 0 1 0\nSPACE 0 1 0\nALPHA 1 1 0\n0x0020 SPACE\n0x0061..0x007A ALPHA\n", "utf-8"
    )
    (folder / "unk.def").write_text(
        "".join(f"{kind},0,0,200,名詞,一般,*,*,*,*,*\n" for kind in ("DEFAULT", "SPACE", "ALPHA")),
        "utf-8",
    )
    return folder


def kytea_model(file: Path) -> Path:
    """A model in KyTea's binary format: a word ends after は, を and た, and before 食.

    Only what tells words apart is there: weights of single characters left and right of a
    boundary. The type of a character (H for hiragana) says nothing, but has to be there.
    """
    characters = "はをた食H"

    def states(found: list[tuple[str, tuple[int, int]]]) -> bytes:
        """A trie of one level, with the weights of each character."""
        gotos = b"".join(
            struct.pack("<HI", characters.index(character) + 1, place)
            for place, (character, _) in enumerate(found, 1)
        )
        root = struct.pack("<II", 0, len(found)) + gotos + struct.pack("<IB", 0, 0)
        leaves = b"".join(struct.pack("<IIIIB", 0, 0, 1, i, 1) for i in range(len(found)))
        weights = b"".join(struct.pack("<Ihh", 2, *both) for _, both in found)
        head = struct.pack("<BI", 0, 1 + len(found))
        return head + root + leaves + struct.pack("<I", len(found)) + weights

    nothing = struct.pack("<BI", 0, 0)
    # The weights of a character: where it stands right, and where left of the boundary.
    by_character = states([("は", (0, 90)), ("を", (0, 90)), ("た", (0, 90)), ("食", (90, 0))])
    by_type = states([("H", (0, 0))])
    lookup = by_character + by_type + nothing
    lookup += struct.pack("<I", 0)  # weights of dictionaries
    lookup += struct.pack("<Ih", 1, -50)  # bias: no word ends
    lookup += struct.pack("<II", 0, 0)
    model = struct.pack("<IB2iBd", 2, 1, 1, -1, 1, 1.0) + b"\1" + lookup
    head = b"KyTea 0.4.0 B utf8\n" + struct.pack("<BBI6BdB", 1, 0, 0, 1, 1, 1, 1, 4, 1, 0.1, 1)
    file.write_bytes(head + characters.encode() + b"\0" + model + nothing + nothing)
    return file
