"""jpseq: from Japanese text (and plain numbers) to trained sequence models.

Everything named here is loaded when it is first used, so that `import jpseq` costs nothing and
tokenizing never loads torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from jpseq.batch import Batch
    from jpseq.corpora.bundled import bundled
    from jpseq.corpora.public import get_corpus
    from jpseq.corpora.readers import Turn, read_dialogues, read_texts
    from jpseq.dialogue.chatbot import Chatbot
    from jpseq.embedding.masked_lm import MaskedLM
    from jpseq.embedding.word2vec import Word2Vec
    from jpseq.errors import JpseqError
    from jpseq.forecasting.forecaster import Forecaster
    from jpseq.model import Model
    from jpseq.pipeline import Pipeline
    from jpseq.sequences import Ragged, Token, Tokens
    from jpseq.stage import Stage
    from jpseq.text.characters import Characters
    from jpseq.text.detokenize import detokenize
    from jpseq.text.mecab import MeCab
    from jpseq.text.normalizer import Normalizer
    from jpseq.text.sentences import split_sentences
    from jpseq.text.subword import SentencePiece
    from jpseq.text.tokenizer import Tokenizer
    from jpseq.text.whitespace import Whitespace
    from jpseq.translation.translator import Translator
    from jpseq.vectors import Embeddings
    from jpseq.vocabulary import Vocabulary

_HOME = {
    "Batch": "jpseq.batch",
    "Characters": "jpseq.text.characters",
    "Chatbot": "jpseq.dialogue.chatbot",
    "Embeddings": "jpseq.vectors",
    "Forecaster": "jpseq.forecasting.forecaster",
    "JpseqError": "jpseq.errors",
    "MaskedLM": "jpseq.embedding.masked_lm",
    "MeCab": "jpseq.text.mecab",
    "Model": "jpseq.model",
    "Normalizer": "jpseq.text.normalizer",
    "Pipeline": "jpseq.pipeline",
    "Ragged": "jpseq.sequences",
    "SentencePiece": "jpseq.text.subword",
    "Stage": "jpseq.stage",
    "Token": "jpseq.sequences",
    "Tokenizer": "jpseq.text.tokenizer",
    "Tokens": "jpseq.sequences",
    "Translator": "jpseq.translation.translator",
    "Turn": "jpseq.corpora.readers",
    "Vocabulary": "jpseq.vocabulary",
    "Whitespace": "jpseq.text.whitespace",
    "Word2Vec": "jpseq.embedding.word2vec",
    "bundled": "jpseq.corpora.bundled",
    "detokenize": "jpseq.text.detokenize",
    "get_corpus": "jpseq.corpora.public",
    "read_dialogues": "jpseq.corpora.readers",
    "read_texts": "jpseq.corpora.readers",
    "split_sentences": "jpseq.text.sentences",
}

__all__ = [
    "Batch",
    "Characters",
    "Chatbot",
    "Embeddings",
    "Forecaster",
    "JpseqError",
    "MaskedLM",
    "MeCab",
    "Model",
    "Normalizer",
    "Pipeline",
    "Ragged",
    "SentencePiece",
    "Stage",
    "Token",
    "Tokenizer",
    "Tokens",
    "Translator",
    "Turn",
    "Vocabulary",
    "Whitespace",
    "Word2Vec",
    "bundled",
    "detokenize",
    "get_corpus",
    "read_dialogues",
    "read_texts",
    "split_sentences",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'jpseq' has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
