"""Pictures show what they were given, in letters that are really there."""

import math
import os
import re
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from jpseq import plots
from jpseq.errors import ConfigurationError, DataError
from jpseq.scratch import LSTM, RNN, Network
from jpseq.scratch.carousel import carousel, memory_error
from jpseq.scratch.clipping import descend_the_cliff
from jpseq.scratch.gradient_flow import CRITICAL, LARGE, SMALL, norms_by_gain
from jpseq.scratch.sine import closed_loop, phase_error, sine
from jpseq.scratch.weight_conflict import tug_of_war

RNG = np.random.default_rng(0)
X = RNG.normal(size=(2, 12, 1))
GAINS = (SMALL, CRITICAL, LARGE)
WORDS = ["私", "は", "普通の", "日本人"]


def clock() -> Figure:
    network, x = Network(RNN(1, 4), 1), sine(10, np.array([0.3]), 20)
    y = closed_loop(network, x, 40)[0, :, 0]
    truth = sine(10, np.array([0.3]), 40)[0, :, 0]
    return plots.closed_loop(x[0, :, 0], y, truth, phase_error(truth, 10, 0.3), 10)


def forecast() -> Figure:
    values, time = np.arange(4.0), np.datetime64("2024-01-01") + np.arange(12)
    return plots.forecast(
        np.arange(8.0),
        values,
        low=values - 1,
        high=values + 1,
        level=0.9,
        baselines={"naive": values, "drift": values, "seasonal naive": values},
        truth=values,
        time=(time[:8], time[8:]),
        title="気温の予測",
        name="気温",
    )


PICTURES: dict[str, Callable[[], Figure]] = {
    "heatmap": lambda: plots.heatmap(RNG.random((2, 4)), ["I", "am"], WORDS, "注意の重み"),
    "gates": lambda: plots.gates({"忘却ゲート": RNG.random((9, 3))}, list("XabcdYabc"), "ゲート"),
    "curves": lambda: plots.curves({"覗き穴": [0.5, 0.1]}),
    "gradient_flow": lambda: plots.gradient_flow(norms_by_gain(X, GAINS, units=4), GAINS),
    "carousel": lambda: plots.carousel({"バイアス 1": memory_error(carousel(2, 1.0), X)}),
    "clipping": lambda: plots.clipping(descend_the_cliff(1.0, 5), descend_the_cliff(math.inf, 5)),
    "weight_conflict": lambda: plots.weight_conflict({"線形": tug_of_war(RNN(2, 1), 4, 3)}),
    "closed_loop": clock,
    "forecast": forecast,
    "word_map": lambda: plots.word_map(WORDS, RNG.random((4, 2)), "単語の地図"),
}


def lines(figure: Figure, panel: int = 0) -> list[tuple[list[float], list[float]]]:
    return [
        (list(line.get_xdata()), list(line.get_ydata())) for line in figure.axes[panel].get_lines()
    ]


def legend(figure: Figure, panel: int = 0) -> list[str]:
    return [text.get_text() for text in figure.axes[panel].get_legend().get_texts()]


def test_there_is_a_picture_of_each_kind() -> None:
    made = {name for name, f in vars(plots).items() if hasattr(f, "__wrapped__")}
    assert made - {"japanese_font"} == set(PICTURES)


@pytest.mark.parametrize("name", PICTURES)
def test_every_letter_is_drawn(name: str, tmp_path: Path) -> None:
    # A letter that the font lacks is a warning, and here an error: the next test shows that.
    figure = PICTURES[name]()
    for suffix in (".png", ".svg"):
        plots.save(figure, tmp_path / f"{name}{suffix}")
    fonts = {
        text.get_fontname()
        for text in figure.findobj(matplotlib.text.Text)
        if re.search(r"[^\x00-\x7f]", text.get_text())
    }
    assert fonts == {"IPAexGothic"}


def test_without_the_font_a_japanese_letter_is_an_error() -> None:
    figure = Figure()
    figure.text(0.5, 0.5, "忘却", fontfamily="DejaVu Sans")
    with pytest.raises(UserWarning, match="missing from font"):
        FigureCanvasAgg(figure).draw()


def test_ticks_made_long_after_have_the_font_too() -> None:
    figure = plots.curves({"a": [1.0, 2.0]}, log=False)
    figure.axes[0].set_xlim(0, 9)
    figure.set_size_inches(20, 4)
    FigureCanvasAgg(figure).draw()
    labels = figure.axes[0].get_xticklabels()
    assert len(labels) > 8
    assert {label.get_fontname() for label in labels} == {"IPAexGothic"}


def test_the_users_settings_are_neither_changed_nor_used(tmp_path: Path) -> None:
    code = (
        "import sys, matplotlib\n"
        "matplotlib.rcParams['lines.linewidth'] = 9.0\n"
        "matplotlib.rcParams['savefig.facecolor'] = 'black'\n"
        "before = dict(matplotlib.rcParams)\n"
        "from jpseq import plots\n"
        "figure = plots.curves({'線': [1.0, 2.0]})\n"
        "plots.save(figure, sys.argv[1])\n"
        "assert dict(matplotlib.rcParams) == before\n"
        "assert not {'matplotlib.pyplot', 'matplotlib_fontja', 'torch'} & sys.modules.keys()\n"
        "print(figure.axes[0].get_lines()[0].get_linewidth())"
    )
    path = tmp_path / "curve.png"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, path],
        env=os.environ | {"MPLBACKEND": "agg"},  # else to look at rcParams imports pyplot
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) == 1.5
    assert np.all(matplotlib.image.imread(path)[0, 0] == 1)  # white


def test_without_the_font_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    plots.japanese_font.cache_clear()
    monkeypatch.setattr(plots.drawing.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigurationError, match="pip install matplotlib-fontja"):
        plots.heatmap([[1.0]], ["a"], ["b"])


def test_heatmap() -> None:
    matrix = np.arange(8.0).reshape(2, 4)
    figure = plots.heatmap(matrix, ["I", "am"], WORDS, "注意の重み", "訳文", "原文")
    axes, colours = figure.axes
    (image,) = axes.get_images()
    np.testing.assert_array_equal(image.get_array(), matrix)
    assert [label.get_text() for label in axes.get_xticklabels()] == WORDS
    assert [label.get_text() for label in axes.get_yticklabels()] == ["I", "am"]
    assert axes.get_title() == "注意の重み"
    assert (axes.get_ylabel(), axes.get_xlabel()) == ("訳文", "原文")
    assert colours.get_ylim() == (0, 7)
    figure = plots.heatmap(matrix, ["I", "am"], WORDS, lowest=-1, highest=20)
    assert figure.axes[1].get_ylim() == (-1, 20)


def test_heatmap_with_numbers() -> None:
    figure = plots.heatmap([[0, 0.5], [0.99, 1]], ["あ", "い"], ["う", "う"], numbers=".1f")
    (axes,) = figure.axes
    found = {text.get_position(): (text.get_text(), text.get_color()) for text in axes.texts}
    assert found == {
        (0, 0): ("0.0", "white"),
        (1, 0): ("0.5", "white"),
        (0, 1): ("1.0", "black"),
        (1, 1): ("1.0", "black"),
    }


def test_names_stand_upright_where_there_is_no_room() -> None:
    def rotation(columns: list[str]) -> float:
        axes = plots.heatmap(np.zeros((1, len(columns))), ["行"], columns).axes[0]
        return float(axes.get_xticklabels()[0].get_rotation())

    assert rotation(WORDS) == 0
    assert rotation(WORDS * 10) == 90


def test_names_are_taken_as_they_are(tmp_path: Path) -> None:
    words = ["$5 と $6", "_{\\", "%"]
    plots.save(plots.heatmap(np.eye(3), words, words), tmp_path / "a.png")
    plots.save(plots.gates({"忘却ゲート": np.eye(3)}, words), tmp_path / "b.png")


@pytest.mark.parametrize(
    ("matrix", "rows", "columns", "shape"),
    [
        (np.zeros((2, 3)), ["a", "b"], ["c", "d"], r"\(2, 3\), but there are 2 names.* and 2 of"),
        (np.zeros(3), ["a"], ["b", "c", "d"], r"\(3,\), but there are 1 names"),
        (np.zeros((0, 0)), [], [], r"\(0, 0\).* one of each at least"),
    ],
)
def test_heatmap_says_what_does_not_fit(
    matrix: np.ndarray, rows: list[str], columns: list[str], shape: str
) -> None:
    with pytest.raises(DataError, match=shape):
        plots.heatmap(matrix, rows, columns)


def test_gates() -> None:
    forget, update = RNG.random((5, 3)), RNG.random((5, 3))
    figure = plots.gates({"忘却ゲート": forget, "更新ゲート": update}, list("XabYa"), "題")
    first, second, colours = figure.axes
    for axes, gate in ((first, forget), (second, update)):
        (image,) = axes.get_images()
        np.testing.assert_array_equal(image.get_array(), gate.T)
        assert image.get_clim() == (0, 1)
        # The middle of the field of unit 3 at step 5 is where the axes say 3 and 5.
        assert image.get_extent() == [0.5, 5.5, 3.5, 0.5]
    assert (first.get_title(), second.get_title()) == ("忘却ゲート", "更新ゲート")
    assert second.get_xticks().tolist() == [1, 2, 3, 4, 5]
    assert [label.get_text() for label in second.get_xticklabels()] == list("XabYa")
    assert colours.get_ylim() == (0, 1)


def test_curves() -> None:
    practised = np.array([[50, 0.7], [100, 0.2]])
    figure = plots.curves({"RNN": [0.9, 0.3, 0.1], "LSTM": practised}, y_title="誤り率")
    assert lines(figure) == [([1, 2, 3], [0.9, 0.3, 0.1]), ([50, 100], [0.7, 0.2])]
    (axes,) = figure.axes
    assert axes.get_yscale() == "log"
    assert (axes.get_title(), axes.get_ylabel()) == ("学習曲線", "誤り率")
    assert legend(figure) == ["RNN", "LSTM"]
    assert plots.curves({"RNN": [1]}, log=False).axes[0].get_yscale() == "linear"


def test_a_curve_that_explodes_is_drawn_as_far_as_it_goes(tmp_path: Path) -> None:
    figure = plots.curves({"ReLU": [0.7, 1e9, np.inf, np.nan, np.nan], "0": [0.0, 0.0]})
    plots.save(figure, tmp_path / "exploded.png")
    assert math.isfinite(figure.axes[0].get_ylim()[1])


def test_gradient_flow() -> None:
    norms = norms_by_gain(X, GAINS, units=4)
    figure = plots.gradient_flow(norms, GAINS, lowest=1e-3)
    assert len(figure.axes) == 3
    for panel, (axes, gain) in enumerate(zip(figure.axes, GAINS, strict=True)):
        shown = lines(figure, panel)
        assert [y for _, y in shown] == [norms[cell][panel].tolist() for cell in norms]
        assert all(x == list(range(12)) for x, _ in shown)
        assert axes.get_yscale() == "log"
        assert axes.get_ylim()[0] == 1e-3
        assert axes.get_ylim()[1] > max(rows.max() for rows in norms.values())
        assert axes.get_title() == f"再帰の重み {gain:g} 倍"
    assert legend(figure) == ["RNN", "LSTM", "GRU"]


def test_carousel() -> None:
    errors = {"閉": memory_error(carousel(2, 0.0), X), "開": memory_error(carousel(2), X)}
    figure = plots.carousel(errors)
    assert [y for _, y in lines(figure)] == [error.tolist() for error in errors.values()]
    assert legend(figure) == ["閉", "開"]
    assert figure.axes[0].get_yscale() == "log"


def test_clipping() -> None:
    clipped, free = descend_the_cliff(1.0, 40), descend_the_cliff(math.inf, 40)
    figure = plots.clipping(clipped, free)
    for line, descent in zip(figure.axes[0].get_lines()[:4:2], (clipped, free), strict=True):
        np.testing.assert_array_equal(line.get_xdata(), descent.w)
        np.testing.assert_array_equal(line.get_ydata(), descent.b)
    assert [y for _, y in lines(figure, 1)] == [clipped.loss.tolist(), free.loss.tolist()]
    assert legend(figure, 1) == ["クリッピングあり", "クリッピングなし"]


def test_weight_conflict() -> None:
    pulls = {"線形": tug_of_war(RNN(2, 1), 4, 5), "LSTM": tug_of_war(LSTM(2, 1), 4, 5)}
    figure = plots.weight_conflict(pulls)
    assert [axes.get_title() for axes in figure.axes] == ["線形", "LSTM", "損失"]
    for panel, record in enumerate(pulls.values()):
        store, ignore, loss = map(list, zip(*record, strict=True))
        assert [y for _, y in lines(figure, panel)] == [store, ignore]
        assert lines(figure, 2)[panel][1] == loss
    # A pull can be compared between units: the panels have one scale.
    assert figure.axes[0].get_ylim() == figure.axes[1].get_ylim()


def test_closed_loop_shows_where_the_phase_is_lost() -> None:
    x, truth, y = np.zeros(20), np.arange(200.0), -np.arange(200.0)
    late = np.linspace(0, 0.19, 20)  # 10 % are passed in period 11, at step 110
    figure = plots.closed_loop(x, y, truth, late, period=10)
    before, _, after = lines(figure, 0)[:3]
    assert before[0] == list(range(-20, 0))
    assert after == (list(range(30)), y[:30].tolist())
    right, wrong = lines(figure, 1)
    assert right == (list(range(95, 125)), truth[95:125].tolist())
    assert wrong == (list(range(95, 125)), y[95:125].tolist())
    assert figure.axes[1].get_title() == "位相が 10% ずれるところ"
    assert lines(figure, 2)[0] == (list(range(20)), (100 * late).tolist())

    figure = plots.closed_loop(x, y, truth, late / 10, period=10)
    assert lines(figure, 1)[0][0] == list(range(170, 200))
    assert figure.axes[1].get_title() == "終わり（位相のずれは 10% 以内）"

    figure = plots.closed_loop(x, y, truth, late[:5] / 10, period=10)
    assert lines(figure, 1)[0][0] == list(range(35, 65))
    assert figure.axes[1].get_title() == "波が消えるところ"

    figure = plots.closed_loop(x, y, truth, np.array([]), period=10)
    assert lines(figure, 1)[0][0] == list(range(15))


@pytest.mark.parametrize("suffix", [".png", ".SVG"])
def test_a_picture_is_saved_whole_and_the_same_each_time(tmp_path: Path, suffix: str) -> None:
    once, twice = tmp_path / "new" / "folder" / f"図{suffix}", tmp_path / f"図{suffix}"
    twice.write_text("a former picture")
    for path in (once, twice):
        plots.save(PICTURES["weight_conflict"](), path)
    assert once.read_bytes() == twice.read_bytes()
    begin = b"\x89PNG" if suffix == ".png" else b"<?xml"
    assert once.read_bytes().startswith(begin)
    assert [path.name for path in once.parent.iterdir()] == [once.name]


@pytest.mark.parametrize("name", ["picture.jpg", "picture", "png", "a.png.gz"])
def test_another_suffix_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match=r"saved as \.png or \.svg.*Write for instance"):
        plots.save(PICTURES["curves"](), tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_named_and_keeps_what_it_has(tmp_path: Path) -> None:
    figure = PICTURES["curves"]()
    (tmp_path / "file").write_text("mine")
    with pytest.raises(DataError, match=r"file/a\.png: cannot be written"):
        plots.save(figure, tmp_path / "file" / "a.png")
    assert (tmp_path / "file").read_text() == "mine"

    (tmp_path / "folder.png").mkdir()
    (tmp_path / "folder.png" / "inside").write_text("mine")
    with pytest.raises(DataError, match=r"folder\.png: cannot be written \(Is a directory\)"):
        plots.save(figure, tmp_path / "folder.png")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder.png"]


def test_a_picture_may_be_read_by_whom_other_files_may(tmp_path: Path) -> None:
    path, other = tmp_path / "a.png", tmp_path / "other"
    other.touch()
    plots.save(PICTURES["curves"](), path)
    assert stat.S_IMODE(os.stat(path).st_mode) == stat.S_IMODE(os.stat(other).st_mode)


def test_a_forecast() -> None:
    axes = forecast().axes[0]
    assert legend(forecast()) == [
        "履歴",
        "区間 90%",
        "直前の値",
        "直線の延長",
        "一周期前の値",
        "実際",
        "予測",
    ]
    assert axes.get_ylabel() == "気温"
    bare = plots.forecast(np.arange(3.0), np.array([5.0])).axes[0]
    history, values = (line.get_xdata().tolist() for line in bare.lines[:2])
    assert (history, values) == ([-2, -1, 0], [1])
    assert bare.lines[1].get_marker() == "o"  # one step is no line


def test_a_forecast_by_years(tmp_path: Path) -> None:
    years = np.array([str(year) for year in range(1700, 1710)], "M8[Y]")
    figure = plots.forecast(np.arange(8.0), np.arange(2.0), time=(years[:8], years[8:]))
    plots.save(figure, tmp_path / "years.png")
