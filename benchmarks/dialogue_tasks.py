"""Two tasks of dialogue, made from random numbers: does a network remember, and is it dull?

    OMP_NUM_THREADS=1 python benchmarks/dialogue_tasks.py memory [--seeds 3]
    OMP_NUM_THREADS=1 python benchmarks/dialogue_tasks.py dullness [--seeds 3]

memory: a fact is told, and asked for k turns later. Who sees the last turn only has to guess.

    趣味 は 登山 です / そう です か / 今日 は 寒い です / 趣味 は 何 です か / 登山 です  (k = 3)

dullness: each topic has five good answers, and all topics have a dull one, そう です ね. It is more
frequent than each of the good ones, and so it is the likeliest reply to everything.

Each prints Markdown, to be put into docs/results.md. One core is enough.
"""

import argparse
import statistics
from collections.abc import Callable, Sequence
from itertools import pairwise
from math import log
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

from jpseq import Batch, Ragged, Vocabulary
from jpseq.network.conversation import Talk
from jpseq.network.hred import HRED
from jpseq.network.latent import Annealing
from jpseq.network.sampling import sampled
from jpseq.network.search import Choice, decode, greedy
from jpseq.network.seq2seq import Pair, Seq2Seq
from jpseq.network.vhred import VHRED
from jpseq.training.fit import fit
from jpseq.training.stream import Rows, Stream

START, END = 0, 1
SPECIALS = ("<start>", "<end>")
Dialogue = list[list[str]]

# Memory.

FACTS = {
    "名前": ("太郎", "花子", "次郎", "幸子", "健", "恵"),
    "趣味": ("登山", "料理", "読書", "釣り", "将棋", "写真"),
    "故郷": ("青森", "京都", "長崎", "札幌", "金沢", "那覇"),
}
FILLERS = [
    line.split()
    for line in (
        "そう です か",
        "はい",
        "今日 は 寒い です",
        "それ は いい です ね",
        "昨日 は 雨 でし た",
        "なるほど",
        "お 茶 を 飲み ましょう",
        "ええ と",
    )
]
CHANCE = 1 / 6


class Exchange(NamedTuple):
    """A dialogue that asks, and the answer, its next turn."""

    dialogue: Dialogue
    answer: list[str]


def told(k: int, rng: np.random.Generator) -> Exchange:
    """Small talk of 0 to 2 turns, a fact, k - 1 turns of small talk, the question for the fact."""

    def talk(turns: int) -> Dialogue:
        return [FILLERS[i] for i in rng.integers(len(FILLERS), size=turns)]

    attribute = str(rng.choice(list(FACTS)))
    value = str(rng.choice(FACTS[attribute]))
    fact, question = [attribute, "は", value, "です"], [attribute, "は", "何", "です", "か"]
    dialogue = [*talk(int(rng.integers(3))), fact, *talk(k - 1), question]
    return Exchange(dialogue, [value, "です"])


# Dullness.

ANSWERS = {
    topic: [line.split() for line in lines.split("。")]
    for topic, lines in {
        "映画": "昨日 二 本 見 まし た。古い もの が 好き です。映画 館 は 高い です。"
        "監督 は 誰 です か。一緒 に 行き ましょう",
        "音楽": "毎朝 ピアノ を 弾き ます。静か な 曲 が 好き です。歌う の は 苦手 です。"
        "どんな 曲 を 聞き ます か。一緒 に 歌い ましょう",
        "料理": "夕食 は 私 が 作り ます。辛い もの が 好き です。塩 を 入れ すぎ まし た。"
        "魚 は 焼き ます か。一緒 に 食べ ましょう",
        "旅行": "去年 京都 へ 行き まし た。列車 の 旅 が 好き です。荷物 は いつも 重い です。"
        "どこ へ 行き たい です か。一緒 に 出かけ ましょう",
        "天気": "明日 は 雪 が 降り ます。晴れ た 日 が 好き です。傘 を 忘れ まし た。"
        "寒く ない です か。一緒 に 散歩 し ましょう",
        "犬": "毎日 二 回 歩き ます。大きい 犬 が 好き です。名前 は ポチ です。"
        "何 を 食べ ます か。一緒 に 遊び ましょう",
    }.items()
}
TOPICS = tuple(ANSWERS)
DULL = ["そう", "です", "ね"]
REPLIES = {
    topic: [DULL] * 5 + [answer for answer in answers for _ in range(3)]
    for topic, answers in ANSWERS.items()
}
"""As frequent as they are: of twenty replies five are dull, and three are each of the answers."""
BEST = -(0.25 * log(0.25) + 5 * 0.15 * log(0.15))
"""The lowest possible loss of a reply, in nats."""


def opening(topic: str) -> Dialogue:
    """The topic is told in the first turn only."""
    return [[topic, "の", "話", "を", "し", "ましょう"], ["どう", "です", "か"]]


# Networks and their batches.


class Data:
    """Dialogues as batches for networks.

    Args:
        dialogues: of words.
    """

    def __init__(self, dialogues: Sequence[Dialogue], words: Vocabulary) -> None:
        self.words = words
        self.rows = [
            [[START, *ids.tolist(), END] for ids in words.transform(dialogue)]
            for dialogue in dialogues
        ]

    def talk(self, rows: Rows | Sequence[int]) -> Talk:
        utterances = Batch.from_ragged(Ragged.from_groups(self.rows[row] for row in rows))
        return Talk(utterances, torch.zeros(len(utterances), dtype=torch.int64))

    def talks(self, batch_tokens: int, seed: int) -> Stream[Talk]:
        """For networks that read whole dialogues.

        Dialogues of equally many turns count alike. By their words those with the same reply would
        be batches of their own, and each step would unlearn the other replies.
        """
        longest = max(len(turn) for dialogue in self.rows for turn in dialogue)
        lengths = np.array([longest * len(dialogue) for dialogue in self.rows])
        return Stream(lengths, self.talk, batch_tokens, seed=seed)

    def pairs(self, batch_tokens: int, seed: int) -> Stream[Pair]:
        """For a network that reads the last turn only: every turn with its reply."""
        found = [both for dialogue in self.rows for both in pairwise(dialogue)]
        source = Ragged.from_sequences([turn[1:] for turn, _ in found])
        target = Ragged.from_sequences([reply for _, reply in found])

        def make(rows: Rows) -> Pair:
            return Pair(*(Batch.from_ragged(side.take(rows)) for side in (source, target)))

        return Stream(target.lengths, make, batch_tokens, seed=seed)


def said(network: Any, state: Any, size: int, words: Vocabulary, choose: Choice) -> Dialogue:
    """What a network writes from a state."""
    written = decode(
        network.step, state, size=size, start=START, end=END, max_length=12, choose=choose
    )
    return words.inverse_transform(written.to_ragged())


def vocabulary(dialogues: Sequence[Dialogue]) -> Vocabulary:
    turns = [turn for dialogue in dialogues for turn in dialogue]
    return Vocabulary(specials=SPECIALS).fit(turns)


# What is measured.


def memory(
    seed: int,
    reach: int = 6,
    dialogues: int = 3000,
    epochs: int = 30,
    exam: int = 300,
    batch_tokens: int = 600,
) -> dict[str, list[float]]:
    """The share of right answers for k = 1 .. reach, of a Seq2Seq network and of HRED.

    Args:
        dialogues: to learn from; as many of each k.
        exam: new dialogues to answer, of each k.
        batch_tokens: of HRED.
    """
    rng = np.random.default_rng(seed)
    learnt = [told(1 + row % reach, rng) for row in range(dialogues)]
    asked = [[told(k, rng) for _ in range(exam)] for k in range(1, reach + 1)]
    whole = [[*dialogue, answer] for dialogue, answer in learnt]
    words = vocabulary(whole)
    data = Data(whole, words)

    torch.manual_seed(seed)
    pair = Seq2Seq(len(words), 32, 64)
    fit(pair, data.pairs(2000, seed), epochs=epochs, learning_rate=0.005)

    torch.manual_seed(seed)
    hred = HRED(len(words), 32, 64, 64)
    fit(hred, data.talks(batch_tokens, seed), epochs=epochs, learning_rate=0.005)

    def right(encode: Callable[[Data], Any], network: nn.Module) -> list[float]:
        shares = []
        for exchanges in asked:
            questions = Data([dialogue for dialogue, _ in exchanges], words)
            with torch.no_grad():
                state = encode(questions)
            replies = said(network, state, exam, words, greedy)
            wanted = [answer for _, answer in exchanges]
            shares.append(sum(map(list.__eq__, replies, wanted)) / exam)
        return shares

    def last(questions: Data) -> Any:
        turns = [dialogue[-1][1:] for dialogue in questions.rows]
        return pair.encode(Batch.from_ragged(Ragged.from_sequences(turns)))

    def all_turns(questions: Data) -> Any:
        talk = questions.talk(range(exam))
        return hred.encode(talk, torch.zeros(exam, dtype=torch.int64))

    return {"Seq2Seq, last turn": right(last, pair), "HRED": right(all_turns, hred)}


class Variety(NamedTuple):
    """How a network replies when it is asked the same again and again."""

    covered: float
    """Different good answers of a topic among the replies, of five."""
    good: float
    """Share of the replies that are good answers."""
    dull: float
    """Share of those that are the dull one. What is neither is wrong."""


class Nats(NamedTuple):
    """What a reply costs, the mean over all replies as frequent as they are."""

    nll: float
    """-log p; of VHRED the bound by importance weights, which lies above it."""
    bound: float | None = None
    """Of VHRED the bound that it learns by."""
    kl: float | None = None
    """What of that is the KL divergence."""


Write = Callable[[Talk], Dialogue]
"""A reply to each of many dialogues."""


def variety(write: Write, words: Vocabulary, draws: int) -> Variety:
    """Ask about every topic, `draws` times."""
    talk = Data([opening(topic) for topic in TOPICS], words).talk(range(len(TOPICS)))
    rounds = [write(talk) for _ in range(draws)]
    covered = good = dull = 0
    for topic, *replies in zip(TOPICS, *rounds, strict=True):
        right = [" ".join(reply) for reply in replies if reply in ANSWERS[topic]]
        covered += len(set(right))
        good += len(right)
        dull += replies.count(DULL)
    asked = len(TOPICS) * draws
    return Variety(covered / len(TOPICS), good / asked, dull / asked)


VARIANTS: dict[str, dict[str, Any]] = {
    "bare": {},
    "annealing": {"annealing": True},
    "annealing, words left blank": {"annealing": True, "target_drop": 0.3},
    "annealing, bag of words": {"annealing": True, "bag_of_words": 0.3},
}


def dullness(
    seed: int,
    copies: int = 10,
    epochs: int = 25,
    draws: int = 20,
    weights: int = 200,
    variants: Sequence[str] = tuple(VARIANTS),
) -> dict[str, tuple[Variety, Nats]]:
    """The variety of replies of HRED and VHRED, and what replies cost them.

    Args:
        copies: of all that can be said, to learn from in an epoch.
        draws: how often each topic is asked about.
        weights: draws of z for the bound by importance weights.
        variants: of VHRED.
    """
    everything = [[*opening(topic), reply] for topic in TOPICS for reply in REPLIES[topic]]
    whole = everything * copies
    words = vocabulary(whole)
    stream = Data(whole, words).talks(1200, seed)
    sizes = {
        "vocabulary_size": len(words),
        "embedding_size": 32,
        "hidden_size": 64,
        "context_size": 64,
    }
    exam = Data(everything, words).talk(range(len(everything)))
    generator = torch.Generator().manual_seed(seed)
    nobody = torch.zeros(len(TOPICS), dtype=torch.int64)  # who replies is not told

    torch.manual_seed(seed)
    hred = HRED(**sizes)
    fit(hred, stream, epochs=epochs, learning_rate=0.01)

    def by_words(choose: Choice) -> Write:
        @torch.no_grad()
        def write(talk: Talk) -> Dialogue:
            return said(hred, hred.encode(talk, nobody), len(TOPICS), words, choose)

        return write

    with torch.no_grad():
        nats = Nats(float(hred.loss(exam).total) / len(everything))
    choices = {"HRED, greedy": greedy, "HRED, words drawn": sampled(1.0, generator)}
    found = {
        name: (variety(by_words(choose), words, draws), nats) for name, choose in choices.items()
    }

    for name in variants:
        options = dict(VARIANTS[name])
        if options.pop("annealing", False):
            options["annealing"] = Annealing(epochs * len(stream) // 3)
        torch.manual_seed(seed)
        vhred = VHRED(latent_size=8, **options, **sizes)
        fit(vhred, stream, epochs=epochs, learning_rate=0.01)

        @torch.no_grad()
        def write(talk: Talk, vhred: VHRED = vhred) -> Dialogue:
            noise = torch.randn(len(TOPICS), vhred.latent_size, generator=generator)
            return said(vhred, vhred.encode(talk, nobody, noise), len(TOPICS), words, greedy)

        with torch.no_grad():
            # Each dialogue has two replies; the first, always the same, costs next to nothing.
            noise = torch.randn(
                weights, 2 * len(everything), vhred.latent_size, generator=generator
            )
            logs = vhred.log_weights(exam, noise)
            _, prior, posterior = vhred.infer(exam)
            totals = (
                -(logs.logsumexp(0) - log(weights)).sum(),
                -logs.mean(0).sum(),
                posterior.kl(prior).sum(),
            )
        nats = Nats(*(float(total) / len(everything) for total in totals))
        found[f"VHRED, z drawn, {name}"] = (variety(write, words, draws), nats)
    return found


# Tables.


def shown(values: Sequence[float], digits: int, factor: float = 1.0) -> str:
    """Mean ± standard deviation over seeds."""
    scaled = [factor * value for value in values]
    deviation = f" ± {statistics.stdev(scaled):.{digits}f}" if len(scaled) > 1 else ""
    return f"{statistics.mean(scaled):.{digits}f}{deviation}"


def row(*cells: object) -> None:
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def header(*cells: str) -> None:
    row(*cells)
    print("|" + " --- |" * len(cells))


def print_memory(seeds: int) -> None:
    results = [memory(seed) for seed in range(seeds)]
    reach = len(results[0]["HRED"])
    header("right answers, %", *(f"k = {k}" for k in range(1, reach + 1)))
    for name in results[0]:
        each = zip(*(result[name] for result in results), strict=True)
        row(name, *(shown(shares, 1, 100) for shares in each))
    row("by chance", *[f"{100 * CHANCE:.1f}"] * reach)


def print_dullness(seeds: int) -> None:
    results = [dullness(seed) for seed in range(seeds)]
    figures = ("good answers, of 5", "good, %", "dull, %", "nats", "bound learnt", "KL")
    header("20 replies to each topic", *figures)
    for name in results[0]:
        varieties, nats = zip(*(result[name] for result in results), strict=True)
        covered, *shares = zip(*varieties, strict=True)
        row(
            name,
            shown(covered, 2),
            *(shown(share, 1, 100) for share in shares),
            *("" if None in values else shown(values, 3) for values in zip(*nats, strict=True)),
        )
    # An answer is missing from twenty replies drawn as they should be with 0.85 to the twentieth.
    row("best possible", f"{5 * (1 - 0.85**20):.2f}", "75.0", "25.0", f"{BEST:.3f}", "", "")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("task", choices=("memory", "dullness"))
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    {"memory": print_memory, "dullness": print_dullness}[options.task](options.seeds)


if __name__ == "__main__":
    main()
