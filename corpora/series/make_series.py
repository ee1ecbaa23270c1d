"""Regenerates the synthetic series beside this file, byte for byte (all but sunspots.csv).

    python make_series.py            write them here
    python make_series.py FOLDER     write them into FOLDER

RandomState, not default_rng: numpy keeps its stream of numbers the same in every release.
"""

import sys
from pathlib import Path

import numpy as np


def _csv(values: np.ndarray) -> str:
    # Adding 0.0 turns a rounded -0.0 into 0.0.
    rows = (f"{t},{value + 0.0:.6f}\n" for t, value in enumerate(np.round(values, 6)))
    return "t,value\n" + "".join(rows)


def series() -> dict[str, str]:
    """The text of each file by its name."""
    t = np.arange(1000)
    sine = np.sin(2 * np.pi * t / 50)
    noise = np.random.RandomState(20).normal(0.0, 0.2, t.size)

    u = np.arange(2000)
    waves = np.sin(2 * np.pi * u / 60) + 0.5 * np.sin(2 * np.pi * u / 17)
    trend = 0.001 * u
    sawtooth = 0.6 * ((u % 125) / 125 - 0.5)

    steps = np.random.RandomState(21).normal(0.0, 1.0, t.size - 1)
    walk = np.concatenate([[0.0], np.cumsum(steps)])

    return {
        "sine.csv": _csv(sine),
        "sine_noisy.csv": _csv(sine + noise),
        "waveform.csv": _csv(waves + trend + sawtooth),
        "random_walk.csv": _csv(walk),
    }


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    for name, text in series().items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
