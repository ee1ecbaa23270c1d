"""Vaporetto: whether a word ends is decided at each character by a linear model, very fast."""

import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import vaporetto
import zstandard

from jpseq.errors import ConfigurationError
from jpseq.sequences import Tokens
from jpseq.text.analyser import Analyser, add, nothing
from jpseq.text.parts import parts

KYTEA, OWN = b"KyTea ", b"VaporettoTokenizer "
"""What models begin with."""


class Vaporetto(Analyser):
    """Words, with part of speech and reading where the model has them, by Vaporetto.

    Its models come from no package registry: see github.com/daac-tools/vaporetto-models, or take
    one of KyTea. It gives no lemma.

    Args:
        model: the file of a model of Vaporetto (.model, .model.zst) or of KyTea (.mod).
        pos: keep only these parts of speech, as in MeCab.
        rules: names of the normaliser's rules; None for all, () for none.

    Raises:
        ConfigurationError: no model is given, or it cannot be read.
    """

    name: ClassVar[str] = "vaporetto"
    paths = ("model",)

    def __init__(
        self,
        model: str | None = None,
        pos: Sequence[str] = (),
        rules: Sequence[str] | None = None,
    ) -> None:
        super().__init__(rules)
        self.model = model
        self.pos = pos

    def morphemes(self, text: str) -> Tokens:
        tokens = nothing(text)
        begun = 0
        for part in parts(text, _LONGEST):
            for found in self._tokenizer.tokenize(part) if part else ():
                tags = [found.tag(place) or "" for place in range(found.n_tags())]
                pos, reading, *_ = [*tags, "", ""]
                add(tokens, begun + found.start(), begun + found.end(), "", reading, pos)
            begun += len(part)
        return tokens

    @cached_property
    def _tokenizer(self) -> vaporetto.Vaporetto:
        if self.model is None:
            raise ConfigurationError(
                "Vaporetto needs a model, which no package brings. Models are at"
                " github.com/daac-tools/vaporetto-models/releases; give the path of the file:"
                ' Vaporetto(model="PATH"), or --tokenizer vaporetto:model=PATH.'
            )
        try:
            data = Path(self.model).read_bytes()
            if str(self.model).endswith(".zst"):
                data = zstandard.ZstdDecompressor().stream_reader(data).read()
            if data.startswith(KYTEA):
                return vaporetto.Vaporetto.create_from_kytea_model(data)
            if data.startswith(OWN):
                return vaporetto.Vaporetto(data, predict_tags=True)
            reason = "it begins in another way"
        except OSError as error:
            raise ConfigurationError(
                f"The Vaporetto model {self.model} cannot be read"
                f" ({os.strerror(error.errno or 0)})."
            ) from error
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a panic of Rust is no Exception
            reason = str(error)
        raise ConfigurationError(f"{self.model} is not a model of Vaporetto or KyTea ({reason}).")


_LONGEST = 20_000
"""Characters analysed at once, to bound the memory."""
