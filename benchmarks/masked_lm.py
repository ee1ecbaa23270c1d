"""The masked language model: how well it foretells, what it is worth, how fast it learns.

    export JPSEQ_CORPORA=... OMP_NUM_THREADS=1
    python benchmarks/masked_lm.py foretelling [--minutes 60] [--encoder recurrent]
    python benchmarks/masked_lm.py similarity
    python benchmarks/masked_lm.py transfer [--pairs 5000] [--minutes 10] [--start mlm] [--seed 0]
    python benchmarks/masked_lm.py peers --transformers PYTHON [--minutes 5] [--precision bf16]

Minutes are of one processor, those before an interruption among them. `foretelling` learns from
aozora and wiki_qa_contexts, as much of them as the minutes allow, and measures on 1,000 lines that
are not learnt from; the others use its model of --model-minutes, and word2vec on the same lines.
PYTHON is the interpreter of an environment with Hugging Face transformers (5.24) and the torch that
we have. A row is added to docs/results.md as soon as it is measured; what has a row is not made
again, and a training that was stopped goes on where it stopped (--work names the folder of models
and runs).
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import islice, pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
import results_table
import torch
from processor_time import counted, seconds
from results_table import add_row, has_row
from translation import CHOICE, TOKENS, epochs_within, read

from jpseq import Embeddings, MaskedLM, SentencePiece, Translator, read_texts
from jpseq.corpora.prepare import prepare
from jpseq.corpora.prepared import Prepared
from jpseq.embedding.excerpts import MaskedStream
from jpseq.embedding.masking import MASK_ID, SPECIALS, Masking
from jpseq.embedding.sentences import Counted
from jpseq.embedding.word2vec import Word2Vec
from jpseq.evaluation.masked import foretell
from jpseq.evaluation.similarity import (
    evaluate_overlap,
    evaluate_sentences,
    evaluate_vectors,
    read_sentence_pairs,
)
from jpseq.text.mecab import MeCab
from jpseq.training.precision import choose

Floats = np.ndarray[Any, np.dtype[np.float64]]
CORPORA = Path(os.environ.get("JPSEQ_CORPORA", "."))
HELD_OUT = 1000
MODEL: dict[str, Any] = {
    "embedding": 256,
    "hidden": 256,
    "layers": 4,
    "heads": 4,
    "dropout": 0.0,
    "longest": 128,
    "min_count": 5,
    "batch_tokens": 2048,
    "learning_rate": 1e-3,
    "training": {"warmup": 200},
}
PIECES = 16_000


# The corpus: what is learnt from, and what is measured on


def lines() -> list[str]:
    """All paragraphs, in an order drawn once."""
    names = ("aozora", "wiki_qa_contexts")
    texts = [text for name in names for text in read_texts(CORPORA / name)]
    return [texts[i] for i in np.random.default_rng(0).permutation(len(texts))]


def prepared(work: Path, name: str, texts: list[str]) -> Prepared:
    folder = work / name
    if not (folder / "corpus.json").exists():
        work.mkdir(parents=True, exist_ok=True)
        file = work / f"{name}.txt"
        file.write_text("\n".join(texts) + "\n", "utf-8")
        prepare(file, folder, kind="text", workers=1)
    return Prepared.load(folder)


def speed(network: Any, batches: list[Any], bf16: bool) -> float:
    """Pieces a second of processor time, in a plain loop."""
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-4, fused=True)
    begun, pieces = 0.0, 0
    for step, batch in enumerate(batches):
        if step == 3:
            begun, pieces = time.process_time(), 0
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            loss = network.loss(batch)
        loss.mean.backward()
        optimizer.step()
        optimizer.zero_grad()
        pieces += int(batch.read.lengths.sum())
    return pieces / (time.process_time() - begun)


def stream_of(model: MaskedLM, corpus: Prepared) -> MaskedStream:
    excerpts = model._excerpts(Counted(corpus.ids, corpus.vocabulary))
    masking = Masking(len(model.vocabulary), model.masked, seed=model.seed)
    return MaskedStream(excerpts, np.arange(len(excerpts)), masking, model.batch_tokens)


def plan(model: MaskedLM, work: Path, minutes: float) -> tuple[Prepared, int]:
    """As much of the corpus as can be learnt from in so many minutes, and how often."""
    kept = work / "plan.json"
    if not kept.exists():
        texts = lines()[HELD_OUT:]
        trial = prepared(work, "trial", texts[:3000])
        tried = model.clone().set_params(subwords=None, max_words=PIECES, min_count=1)
        tried._learn_words(trial.vocabulary)
        stream, network = stream_of(tried, trial), tried.build()
        bf16 = choose("auto", network) == "bf16"
        found = speed(network, list(islice(stream, 23)), bf16)
        a_line = stream.excerpts.lengths.sum() / 3000 * 1.2  # pieces, and each frame
        share = minutes * 60 * found / (a_line * len(texts))
        epochs = max(1, round(share))
        count = round(min(1.0, share / epochs) * len(texts))
        print(f"{found:,.0f} pieces/s, {count:,} of {len(texts):,} lines, {epochs} epochs")
        kept.write_text(json.dumps({"lines": count, "epochs": epochs}))
    chosen = json.loads(kept.read_text())
    count = chosen["lines"]
    learn = prepared(work, f"learn-{count}", lines()[HELD_OUT:][:count])
    return learn, chosen["epochs"]


def model_of(work: Path, encoder: str) -> MaskedLM:
    """The model, made if it is not there yet; a folder is of one encoder and so many minutes."""
    minutes = float(work.name)
    if (work / "model" / "model.json").exists():
        return MaskedLM.load(work / "model")
    params = MODEL | ({} if encoder == "transformer" else RECURRENT)
    subwords = SentencePiece(params.pop("pieces"), identity=True)
    model = MaskedLM(subwords=subwords, encoder=encoder, **params)
    learn, epochs = plan(model, work, minutes)
    model.set_params(epochs=epochs)
    with counted(work / "seconds"):
        model.fit(learn, run=work / "run", resume=True)
    if not model.completed:
        raise SystemExit("interrupted: the same call goes on from here.")
    model.metrics = {
        "processor minutes": f"{seconds(work / 'seconds') / 60:.1f}",
        "learnt from": f"{len(learn.ids.values) * epochs:,} words",
    }
    model.save(work / "model")
    return model


RECURRENT: dict[str, Any] = {"layers": 2, "learning_rate": 2e-3}


# Foretelling masked words

FORETELLING = "### Foretelling masked words"


def foretelling(work: Path, encoder: str) -> None:
    """Accuracy and perplexity of unigrams, bigrams, an untrained and a trained network."""
    model = model_of(work, encoder)
    held = prepared(work.parent.parent, "held-out", lines()[:HELD_OUT])
    learn = learnt_by(work)
    excerpts = model._excerpts(Counted(held.ids, held.vocabulary))
    kept = model._measured_stream(excerpts, np.arange(len(excerpts)))
    ngrams = Counts(stream_of(model, learn), len(model.vocabulary))
    rows: dict[str, Callable[[], tuple[float, float, int]]] = {
        "unigram": lambda: ngrams.measure(kept, left=False, right=False),
        "bigram, from the left": lambda: ngrams.measure(kept, left=True, right=False),
        "bigram, from both sides": lambda: ngrams.measure(kept, left=True, right=True),
        "untrained": lambda: of_network(untrained(model), kept),
        f"{encoder}": lambda: of_network(model.trained(), kept),
    }
    for name, measure in rows.items():
        row = f"{name}, {float(work.name):g} minutes"
        if name != encoder:
            row = f"{name}, {encoder}'s pieces"
        if not has_row(FORETELLING, row):
            right, nll, count = measure()
            used = model.metrics["processor minutes"] if name == encoder else ""
            fields = [used, f"{right:.1%}", f"{np.exp(nll):,.1f}", f"{count:,}"]
            add_row(FORETELLING, row, *fields)


def learnt_by(work: Path) -> Prepared:
    count = json.loads((work / "plan.json").read_text())["lines"]
    return Prepared.load(work / f"learn-{count}")


def untrained(model: MaskedLM) -> Any:
    torch.manual_seed(0)
    return model.build().eval()


def of_network(network: Any, kept: MaskedStream) -> tuple[float, float, int]:
    found = foretell(network, kept, "")
    return found.accuracy, found.perplexity.nll, found.perplexity.tokens


class Counts:
    """Unigrams and bigrams of pieces, interpolated as in jpseq.evaluation.ngram.Bigram.

    From both sides p(w | l, r) is proportional to p(w | l) p(r | w). A neighbour that is masked
    itself says nothing.
    """

    def __init__(self, stream: MaskedStream, size: int, weight: float = 0.8) -> None:
        self.size, self.weight = size, weight
        ids = np.concatenate([rows.ravel() for rows in _framed(stream)])
        counts = np.bincount(ids, minlength=size).astype(np.float64)
        counts[: len(SPECIALS)] *= np.arange(len(SPECIALS)) == 1  # <unk> can stand in a text
        self.unigram = 0.999 * counts / counts.sum() + 0.001 / size
        self.context = np.bincount(ids, minlength=size).astype(np.float64)
        self.after = np.unique(ids[:-1].astype(np.int64) * size + ids[1:], return_counts=True)
        before = self.after[0] % size * size + self.after[0] // size
        order = np.argsort(before)
        self.before = before[order], self.after[1][order]

    def measure(self, stream: MaskedStream, left: bool, right: bool) -> tuple[float, float, int]:
        hits, nll, count = 0, 0.0, 0
        for masked in stream:
            read = masked.read.values.flatten().numpy()
            places = masked.places.tolist()
            for place, wanted in zip(places, masked.targets.tolist(), strict=True):
                p = self.unigram
                if left and read[place - 1] != MASK_ID:
                    p = self.following(int(read[place - 1]))
                if right and read[place + 1] != MASK_ID:
                    p = p * self.leading(int(read[place + 1]))
                    p = p / p.sum()
                hits += int(p.argmax() == wanted)
                nll -= float(np.log(p[wanted]))
                count += 1
        return hits / count, nll / count, count

    def following(self, word: int) -> Floats:
        """(V,) p(w | word)."""
        p = (1 - self.weight) * self.unigram
        places, counts = self._some(self.after, word)
        if len(places):
            p[places] += self.weight * counts / self.context[word]
            return p
        return self.unigram

    def leading(self, word: int) -> Floats:
        """(V,) p(word | w) for every w."""
        p = np.full(self.size, (1 - self.weight) * self.unigram[word])
        places, counts = self._some(self.before, word)
        p[places] += self.weight * counts / self.context[places]
        return p

    def _some(self, table: tuple[Any, Any], word: int) -> tuple[Any, Any]:
        keys, counts = table
        first, last = np.searchsorted(keys, [word * self.size, (word + 1) * self.size])
        return keys[first:last] % self.size, counts[first:last]


def _framed(stream: MaskedStream) -> Iterator[Any]:
    """The ids of all excerpts with start and end, without masks."""
    for rows in stream.batches(0):
        written = stream.excerpts.take(stream.chosen[rows])
        bounds = written.pieces.offsets[written.bounds]
        ids = written.pieces.values
        start, end = SPECIALS.index("<s>"), SPECIALS.index("</s>")
        for first, last in pairwise(bounds.tolist()):
            yield np.concatenate([[start], ids[first:last], [end]])


# Similarity of sentences

SIMILARITY = "### Sentences: word2vec, masked language model"


def word2vec_of(work: Path, dim: int) -> Word2Vec:
    """Skip-gram vectors of the lines that the model has learnt from."""
    folder = work / f"word2vec-{dim}"
    if not folder.exists():
        Word2Vec(dim).fit(learnt_by(work)).save(folder)
    return Word2Vec.load(folder)


def similarity(work: Path, encoder: str) -> None:
    """Spearman's rho on JSTS with its bootstrap interval."""
    pairs = read_sentence_pairs(next((CORPORA / "jsts").glob("*.json*")))
    model = model_of(work, encoder)
    own = f"{encoder}, {float(work.name):g} minutes"
    rows = {
        "shared characters alone": lambda: evaluate_overlap(pairs),
        f"{own}, mean of the vectors read": lambda: evaluate_sentences(
            model.embeddings, pairs, MeCab()
        ),
        f"{own}, mean of contextual vectors": lambda: evaluate_vectors(
            model.sentence_vectors, pairs, "mean of contextual vectors"
        ),
        f"word2vec of the same lines as {own}, mean": lambda: evaluate_sentences(
            word2vec_of(work, 256).embeddings, pairs, MeCab()
        ),
    }
    for name, measure in rows.items():
        if not has_row(SIMILARITY, name):
            found = measure()
            add_row(SIMILARITY, name, str(found.spearman), f"{found.coverage:.1%}")


# Transfer

TRANSFER = "### What pretraining is worth to a translator"
STARTS = ["random", "word2vec", "mlm", "shuffled"]


SPREAD = 0.5
"""Standard deviation of the values of an embedding that is drawn."""


def begun_with(work: Path, start: str) -> dict[str, Embeddings] | None:
    """Vectors of Japanese words for the target, as far apart as those that are drawn: what differs
    from "random" is then where words stand, and not how long their vectors are.

    "shuffled" are those of the masked language model, each given to another word.
    """
    if start == "random":
        return None
    if start == "word2vec":
        found = word2vec_of(work, 256).embeddings
    else:
        found = MaskedLM.load(work / "model").embeddings
    vectors = found.vectors * (SPREAD / found.vectors.std())
    if start == "shuffled":
        vectors = np.random.default_rng(0).permutation(vectors)
    return {"target": Embeddings(found.words, vectors)}


def transfer(
    work: Path, counts: list[int], starts: list[str], seeds: list[int], minutes: float
) -> None:
    """English to Japanese, with vectors of Japanese words learnt elsewhere; BLEU on test, and
    whether it differs from that of a random start with the same seed."""
    test, dev = read("test"), read("dev")
    for count, seed, start in product(counts, seeds, starts):
        name = f"{count:,} pairs, {start}, seed {seed}"
        if has_row(TRANSFER, name):
            continue
        learnt = read("train")[:count]
        params = {
            **TOKENS,
            "embedding": 256,
            "hidden": 256,
            "min_count": 1,
            "dropout": 0.3 if count < 20_000 else 0.1,
            "batch_tokens": 800,
            "training": CHOICE,
            "seed": seed,
        }
        folder = work / f"transfer-{minutes:g}"
        # The network is the same for all, and so is how often it reads the pairs.
        epochs = epochs_within(Translator(**params), learnt, minutes, folder / f"epochs-{count}")
        own = folder / name.replace(" ", "-").replace(",", "")
        vectors = begun_with(work, start)
        translator = Translator(**params, epochs=epochs)
        with counted(own / "seconds"):
            translator.fit(
                learnt, name, held_out=dev, vectors=vectors, run=own / "run", resume=True
            )
        if not translator.completed:
            raise SystemExit("interrupted: the same call goes on from here.")
        translator.save(own / "model")
        covered = f"{translator.coverage_['target']:.1%}" if vectors else ""
        used = f"{seconds(own / 'seconds') / 60:.1f}"
        bleu, chrf = translator.score(test, beam=5, replace_unknown=False)
        figures = [f"{f.value:.1f} ± {f.half_width:.1f}" for f in (bleu, chrf)]
        beside = ""
        if start != "random":
            random = own.parent / own.name.replace(start, "random") / "model"
            difference, _ = translator.compare(
                Translator.load(random), test, beam=5, replace_unknown=False
            )
            beside = f"{difference.value - difference.baseline:+.1f} (p = {difference.p:.3f})"
        add_row(TRANSFER, name, covered, f"{epochs}", used, *figures, beside)


# Beside Hugging Face transformers

PEERS = "### Beside transformers"
LOOP = """
import json, math, sys, time
import torch
folder, kind, bf16, seconds, settings = sys.argv[1:]
bf16, seconds, size = bf16 == "bf16", float(seconds), json.loads(settings)
data = torch.load(f"{folder}/batches.pt")
torch.manual_seed(0)
if kind == "jpseq":
    from jpseq.batch import Batch
    from jpseq.network.masked_lm import Masked, MaskedNetwork
    from jpseq.network.transformer import Transformer
    h, steps = size["hidden"], size["longest"] + 2
    encoder = Transformer(h, h, size["layers"], size["heads"], steps, 0.0)
    network = MaskedNetwork(size["ids"], h, encoder, 0.0)
    def loss_of(values, lengths, places, targets):
        return network.loss(Masked(Batch(values, lengths), places, targets)).mean
else:
    from transformers import BertConfig, BertForMaskedLM
    h = size["hidden"]
    network = BertForMaskedLM(BertConfig(
        vocab_size=size["ids"], hidden_size=h, num_hidden_layers=size["layers"],
        num_attention_heads=size["heads"], intermediate_size=4 * h,
        max_position_embeddings=size["longest"] + 2, hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0))
    def masked_alone(values, lengths, places, targets):
        mask = torch.arange(values.shape[1]) < lengths[:, None]
        hidden = network.bert(input_ids=values, attention_mask=mask.long()).last_hidden_state
        scores = network.cls(hidden.flatten(0, 1)[places])
        return torch.nn.functional.cross_entropy(scores.float(), targets)
    def everywhere(values, lengths, places, targets):
        mask = torch.arange(values.shape[1]) < lengths[:, None]
        labels = torch.full_like(values, -100)
        labels.view(-1)[places] = targets
        return network(input_ids=values, attention_mask=mask.long(), labels=labels).loss
    loss_of = everywhere if kind == "transformers" else masked_alone
optimizer = torch.optim.Adam(network.parameters(), lr=1.0, fused=True)
network.train()
pieces, step, begun = 0, 0, time.process_time()
while (gone := (time.process_time() - begun) / seconds) < 1:
    for group in optimizer.param_groups:
        group["lr"] = size["rate"] * min(gone / 0.1, (1 - gone) / 0.9) + 1e-9
    batch = data["learn"][step % len(data["learn"])]
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        loss = loss_of(*batch)
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
    optimizer.step()
    pieces += int(batch[1].sum())
    step += 1
used = time.process_time() - begun
network.eval()
total = count = 0
with torch.no_grad():
    for batch in data["kept"]:
        total += float(loss_of(*batch)) * len(batch[3])
        count += len(batch[3])
print(json.dumps({"speed": pieces / used, "loss": total / count, "steps": step,
                  "weights": sum(p.numel() for p in network.parameters())}))
"""


KINDS = ("jpseq", "transformers", "transformers, scores of masked places alone")
OURS = "ONEDNN_PRIMITIVE_CACHE_CAPACITY"
"""A setting that jpseq.training makes, and that is not theirs."""


def peers(
    work: Path, encoder: str, python: str, minutes: float, precisions: list[str], rates: list[float]
) -> None:
    """The same batches for the same processor time; loss on the lines held out.

    Of each kind there are runs with several rates, in turn: a network with its normalisation behind
    its layers, as BERT's, may want another one than ours, which has it before them.
    """
    model = MaskedLM.load(work / "model")
    held = prepared(work.parent.parent, "held-out", lines()[:HELD_OUT])
    excerpts = model._excerpts(Counted(held.ids, held.vocabulary))
    kept = model._measured_stream(excerpts, np.arange(len(excerpts)))
    learn = stream_of(model, learnt_by(work))
    enough = round(minutes * 60 * 12_000 / model.batch_tokens) + 1  # more than any comes through
    batches = {
        name: [(b.read.values, b.read.lengths, b.places, b.targets) for b in islice(stream, count)]
        for name, stream, count in (("learn", learn, enough), ("kept", kept, None))
    }
    folder = work / "peers"
    folder.mkdir(exist_ok=True)
    torch.save(batches, folder / "batches.pt")
    (folder / "loop.py").write_text(LOOP, "utf-8")
    sizes = {name: MODEL[name] for name in ("hidden", "layers", "heads", "longest")}
    for rate, precision, kind in product(rates, precisions, KINDS):
        name = f"{kind}, {precision}, rate {rate:g}, {minutes:g} minutes"
        if has_row(PEERS, name):
            continue
        interpreter = sys.executable if kind == "jpseq" else python
        settings = json.dumps(sizes | {"ids": len(model.vocabulary), "rate": rate})
        command = [interpreter, str(folder / "loop.py"), str(folder), kind, precision]
        done = subprocess.run(
            [*command, str(minutes * 60), settings],
            stdout=subprocess.PIPE,
            encoding="utf-8",
            env={k: v for k, v in os.environ.items() if k != OURS},
            check=True,
        )
        found = json.loads(done.stdout.splitlines()[-1])
        fields = [f"{found['weights']:,}", f"{found['speed']:,.0f}", f"{found['loss']:.3f}"]
        add_row(PEERS, name, *fields)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["foretelling", "similarity", "transfer", "peers"])
    parser.add_argument("--encoder", choices=["transformer", "recurrent"], default="transformer")
    parser.add_argument("--minutes", type=float, help="of one processor")
    parser.add_argument("--model-minutes", type=float, default=60, help="of the model to use")
    parser.add_argument("--pairs", type=int, action="append", help="may be repeated")
    parser.add_argument("--start", action="append", choices=STARTS)
    parser.add_argument("--seed", type=int, action="append", help="may be repeated")
    parser.add_argument("--transformers", metavar="PYTHON")
    parser.add_argument("--precision", action="append", choices=["fp32", "bf16"])
    parser.add_argument("--rate", type=float, action="append", help="of peers; may be repeated")
    parser.add_argument("--pieces", type=int, default=PIECES, help="fewer, for a trial")
    parser.add_argument("--results", type=Path, help="another file of tables, for a trial")
    parser.add_argument(
        "--work", type=Path, default=Path(tempfile.gettempdir()) / "jpseq-masked-lm-benchmark"
    )
    given = parser.parse_args()
    MODEL["pieces"] = given.pieces
    if given.results is not None:
        results_table.RESULTS = given.results
    used = given.minutes if given.what == "foretelling" else given.model_minutes
    work = given.work / given.encoder / f"{used or 60:g}"
    if given.what == "foretelling":
        foretelling(work, given.encoder)
    elif given.what == "similarity":
        similarity(work, given.encoder)
    elif given.what == "transfer":
        pairs, seeds = given.pairs or [5000, 50_000], given.seed or [0, 1]
        transfer(work, pairs, given.start or STARTS, seeds, given.minutes or 10)
    elif given.transformers is None:
        parser.error("peers needs --transformers PYTHON")
    else:
        precisions, rates = given.precision or ["fp32", "bf16"], given.rate or [1e-3, 3e-4]
        peers(work, given.encoder, given.transformers, given.minutes or 5, precisions, rates)


if __name__ == "__main__":
    main()
