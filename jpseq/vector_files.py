"""Files and folders of word vectors: which form stands where, read and written whole.

| form | what | by suffix |
|---|---|---|
| folder | embeddings.json (the words) and vectors.npy, which is mapped into memory | none |
| text | word2vec's text, also fastText's | .txt .vec |
| binary | word2vec's binary | .bin |
| safetensors | tensors vectors (V, D), words (UTF-8), offsets (V + 1) into it | .safetensors |
| gensim | a pickle of KeyedVectors; only written, because to read a pickle is to run it | .kv |
"""

import gzip
import itertools
import json
import os
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tokenize import TokenError  # numpy's of a damaged header
from typing import Any, BinaryIO, cast, get_args

import numpy as np
import numpy.typing as npt

from jpseq.errors import ConfigurationError, DataError, did_you_mean
from jpseq.folders import replace_file, replace_folder
from jpseq.vectors import Embeddings, Form
from jpseq.word2vec_format import encoded, read_binary, read_text, write_binary, write_text

FORMAT_VERSION = 1
_METADATA = {"format": "jpseq embeddings", "version": str(FORMAT_VERSION)}
_MARK = "embeddings.json"
_SUFFIXES: dict[str, Form] = {
    "": "folder",
    ".txt": "text",
    ".vec": "text",
    ".bin": "binary",
    ".safetensors": "safetensors",
    ".kv": "gensim",
}
_AGAIN = "Write it again with `jpseq embed export`."


def write(embeddings: Embeddings, path: Path, form: Form | None = None) -> None:
    """What Embeddings.export does."""
    form = _form(path, form)
    if not len(embeddings):
        raise DataError("there is no word to write.", path)
    if form == "folder":
        _write_folder(embeddings, path)
        return
    keyed = embeddings.to_gensim() if form == "gensim" else None
    with replace_file(path) as file:
        if form == "text":
            write_text(embeddings, file, path)
        elif form == "binary":
            write_binary(embeddings, file, path)
        elif form == "safetensors":
            _write_safetensors(embeddings, file, path)
        elif keyed is not None:
            keyed.save(file)


def read(path: Path, limit: int | None = None, form: Form | None = None) -> Embeddings:
    """What Embeddings.load does."""
    if limit is not None and limit < 1:
        raise ConfigurationError(f"limit is at least 1, got {limit}.")
    if not path.exists():
        raise DataError(f"no such file or folder.{_neighbours(path)}", path)
    if path.is_dir():
        if not (path / _MARK).exists() and (path / "model.json").exists():
            return _read_model(path, limit)
        return _read_folder(path, limit)
    form = _form(path.with_suffix("") if path.suffix == ".gz" else path, form)
    try:
        if form == "folder":
            raise DataError("is no folder. Name the folder, or choose the file's form.", path)
        if form == "gensim":
            raise DataError(
                "a Python pickle of gensim; jpseq reads none, because a pickle can hold any code."
                " If you trust it: Embeddings.from_gensim(KeyedVectors.load(path)).",
                path,
            )
        if form == "safetensors":
            return _read_safetensors(path, limit)
        with _opened(path) as (file, size):
            reader = read_text if form == "text" else read_binary
            return reader(file, path, limit, size)
    except DataError as error:
        if error.path is None:
            raise DataError(error.problem, path) from error
        raise


def _form(path: Path, form: Form | None) -> Form:
    if form is None:
        form = "folder" if path.is_dir() else _SUFFIXES.get(path.suffix)
        if form is None:
            raise ConfigurationError(
                f"{path}: the suffix {path.suffix!r} tells no form; choose one of"
                f" {', '.join(get_args(Form))}, or a name that ends with"
                f" {', '.join(suffix for suffix in _SUFFIXES if suffix)}."
            )
    if form not in get_args(Form):
        raise ConfigurationError(
            f"There is no form {form!r}.{did_you_mean(form, get_args(Form))}"
            f" Forms: {', '.join(get_args(Form))}."
        )
    return form


# A folder of our own


def _write_folder(embeddings: Embeddings, folder: Path) -> None:
    content = {
        "format": "jpseq embeddings",
        "version": FORMAT_VERSION,
        "dim": embeddings.dim,
        "words": list(embeddings.words),
    }
    text = json.dumps(content, ensure_ascii=False, indent=0) + "\n"
    with replace_folder(folder, _MARK) as new:
        (new / _MARK).write_bytes(encoded(text, folder))
        np.save(new / "vectors.npy", embeddings.vectors, allow_pickle=False)


def _read_folder(folder: Path, limit: int | None) -> Embeddings:
    path = folder / _MARK
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise DataError(
            f"holds neither {_MARK} nor model.json. `jpseq embed export` writes the first,"
            " `jpseq embed train` the second.",
            folder,
        ) from None
    except OSError as error:
        raise DataError(f"cannot be read ({error.strerror}).", path) from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"damaged ({error}). {_AGAIN}", path) from None
    if not isinstance(content, dict) or content.get("format") != "jpseq embeddings":
        raise DataError(f"holds no embeddings. {_AGAIN}", path)
    if content.get("version") != FORMAT_VERSION:
        raise DataError(
            f"embeddings of format {content.get('version')}; this jpseq reads {FORMAT_VERSION}.",
            path,
        )
    words = content.get("words")
    if not isinstance(words, list):
        raise DataError(f"damaged: no list of words. {_AGAIN}", path)
    place = folder / "vectors.npy"
    try:
        vectors = np.lib.format.open_memmap(place, mode="r")
    except (OSError, ValueError, OverflowError, EOFError, TokenError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"cannot be read ({reason}). {_AGAIN}", place) from error
    if vectors.dtype != np.float32 or vectors.shape != (len(words), content.get("dim")):
        raise DataError(
            f"{vectors.dtype} {vectors.shape}, where {_MARK} tells of {len(words):,} words and"
            f" {content.get('dim')} dimensions. {_AGAIN}",
            place,
        )
    try:
        return Embeddings(words[:limit], vectors[:limit])
    except DataError as error:
        raise DataError(error.problem, path) from error


def _read_model(folder: Path, limit: int | None) -> Embeddings:
    from jpseq.model import Model

    model = Model.load(folder)
    embeddings = getattr(model, "embeddings", None)
    if not isinstance(embeddings, Embeddings):
        raise DataError(
            f"a {type(model).__name__}, which has no word vectors. `jpseq embed train` makes a"
            " model that has.",
            folder,
        )
    return embeddings if limit is None else embeddings.first(limit)


# safetensors


def _write_safetensors(embeddings: Embeddings, file: BinaryIO, path: Path) -> None:
    from safetensors.numpy import save

    words = [encoded(word, path) for word in embeddings.words]
    tensors: dict[str, npt.NDArray[Any]] = {
        "vectors": np.asarray(embeddings.vectors),
        "words": np.frombuffer(b"".join(words), np.uint8),
        "offsets": np.cumsum([0, *map(len, words)], dtype=np.int64),
    }
    file.write(save(tensors, _METADATA))


def _read_safetensors(path: Path, limit: int | None) -> Embeddings:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            if (file.metadata() or {}) != _METADATA:
                raise DataError(
                    "not a file of word vectors as this jpseq writes them; the weights of a model"
                    " are read by the name of its folder.",
                    path,
                )
            stored = file.get_slice("vectors")
            rows = stored.get_shape()[0]
            vectors = stored[: rows if limit is None else min(rows, limit)]
            raw = file.get_tensor("words").tobytes()
            offsets = file.get_tensor("offsets")
    except (SafetensorError, OSError) as error:
        raise DataError(f"cannot be read ({error}). {_AGAIN}", path) from error
    ends = offsets.ravel().tolist()
    if offsets.dtype != np.int64 or not _ascending([0, *ends, len(raw)]):
        raise DataError(f"damaged: offsets do not fit the words. {_AGAIN}", path)
    if len(ends) != rows + 1:
        raise DataError(f"damaged: {len(ends) - 1:,} words, but {rows:,} vectors. {_AGAIN}", path)
    try:
        words = [raw[start:end].decode() for start, end in itertools.pairwise(ends)]
    except UnicodeDecodeError:
        raise DataError(f"damaged: words are not UTF-8. {_AGAIN}", path) from None
    return Embeddings(words[:limit], vectors)


def _ascending(places: list[int]) -> bool:
    return all(a <= b for a, b in itertools.pairwise(places))


# Files whole or not at all


@contextmanager
def _opened(path: Path) -> Iterator[tuple[BinaryIO, int | None]]:
    """A file's bytes, uncompressed where it is gzip, and how many there are if that is known."""
    try:
        with path.open("rb") as file:
            if file.peek(2)[:2] == b"\x1f\x8b":
                with gzip.open(file) as inside:
                    yield cast(BinaryIO, inside), None
            else:
                status = os.fstat(file.fileno())  # a pipe's size says nothing
                yield file, status.st_size if stat.S_ISREG(status.st_mode) else None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"damaged gzip file ({error}).", path) from error
    except OSError as error:
        raise DataError(f"cannot be read ({error.strerror}).", path) from error


def _neighbours(path: Path) -> str:
    try:
        return did_you_mean(path.name, [sibling.name for sibling in path.parent.iterdir()])
    except OSError:
        return f" There is no folder {path.parent} either."
