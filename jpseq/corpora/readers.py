"""The readers of the four plain forms, in one place."""

from jpseq.corpora.dialogues import Dialogue, Turn, read_dialogues
from jpseq.corpora.parallel import Pair, read_pairs
from jpseq.corpora.records import Records, Skipped
from jpseq.corpora.table import Table, read_table
from jpseq.corpora.texts import read_documents, read_lines, read_texts

__all__ = [
    "Dialogue",
    "Pair",
    "Records",
    "Skipped",
    "Table",
    "Turn",
    "read_dialogues",
    "read_documents",
    "read_lines",
    "read_pairs",
    "read_table",
    "read_texts",
]
