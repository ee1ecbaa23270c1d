"""How long the demo bot takes for a reply, and how much memory, on one core.

    OMP_NUM_THREADS=1 python benchmarks/chat_latency.py

The turns are the first ones of bundled dialogues, as they were written and with their first word
left out. The network, which speaks seldom, is asked alone besides. Wall time is what a person
waits; processor time is what a busy machine does not change.
"""

import argparse
import resource
import statistics
import time
from collections import defaultdict
from pathlib import Path

import numpy as np


def memory() -> float:
    """MiB of this process that are in use now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--turns", type=int, default=300, help="how many of each kind")
    parser.add_argument("--alone", type=int, default=60, help="how many the network gets alone")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()

    empty, begun, used = memory(), time.perf_counter(), time.process_time()
    from jpseq import MeCab, bundled, read_dialogues
    from jpseq.dialogue.demo import demo, kept_demo
    from jpseq.dialogue.session import ChatSession

    network = kept_demo()
    if network is None:
        raise SystemExit("There is no demo bot yet: echo こんにちは | jpseq chat")
    bot = demo(network)
    bot.reply(["こんにちは"])
    start = time.perf_counter() - begun, time.process_time() - used

    dialogues = list(read_dialogues(bundled("dialogues")))
    rows = np.random.default_rng(options.seed).permutation(len(dialogues))[: options.turns]
    texts = [dialogues[row][0].text for row in rows.tolist()]
    words = MeCab()
    texts += ["".join(words.words(text)[1:]) for text in texts]
    walls: dict[str, list[float]] = defaultdict(list)
    processor: dict[str, list[float]] = defaultdict(list)
    alone = {"network alone": network} if options.alone else {}
    for name, responder in {"demo bot": bot, **alone}.items():
        some = texts if responder is bot else texts[:: -(-len(texts) // options.alone)]
        for number, text in enumerate(some):
            session = ChatSession(responder, seed=number)
            begun, used = time.perf_counter(), time.process_time()
            session.say(text)
            wall, cpu = time.perf_counter() - begun, time.process_time() - used
            who = [f"  {bot.choose([text])[0] or 'refusal'}"] if responder is bot else []
            for key in (name, *who):
                walls[key].append(wall)
                processor[key].append(cpu)
    print(f"start: {start[0]:.1f} s, {start[1]:.1f} s of processor time")
    print("who spoke            turns  wall ms: median    p95  processor ms: median   p95")
    for key, some in walls.items():
        figures = [
            statistics.median(some),
            float(np.quantile(some, 0.95)),
            statistics.median(processor[key]),
            float(np.quantile(processor[key], 0.95)),
        ]
        wall, p95, cpu, cpu95 = (1000 * figure for figure in figures)
        print(f"{key:<20} {len(some):>5}  {wall:>15.1f} {p95:>6.1f} {cpu:>21.1f} {cpu95:>5.1f}")
    before = memory()
    sessions = [ChatSession(bot, seed=seed) for seed in range(10_000)]
    for session in sessions:
        session.history = ["こんにちは", "どうも。"]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"memory: {before:.0f} MiB in use (Python alone {empty:.0f}), {peak:.0f} at most")
    print(f"10,000 sessions more: {memory() - before:.1f} MiB")


if __name__ == "__main__":
    main()
