"""Doctests and tables in docstrings become code blocks.

Markdown would take >>> for a quotation in a quotation in a quotation, and a table of = signs for
headings.
"""

import re
from typing import Any

from griffe import Extension, Object

PARAGRAPH = r"(?:\n(?!\s*$).*)*"
DOCTEST = re.compile(rf"^>>> .*{PARAGRAPH}", re.MULTILINE)
TABLE = re.compile(rf"^=+(?: +=+)+$(?:{PARAGRAPH})", re.MULTILINE)


class Blocks(Extension):
    """Puts fences around them before the docstring is read."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        if obj.docstring is not None:
            text = DOCTEST.sub(r"```pycon\n\g<0>\n```", obj.docstring.value)
            obj.docstring.value = TABLE.sub(r"```text\n\g<0>\n```", text)
