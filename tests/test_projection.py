"""Maps of words: projections, and the picture."""

import sys

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.text import Annotation
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.decomposition import PCA

from jpseq import plots
from jpseq.errors import DataError, PluginError
from jpseq.projection import pca, tsne
from jpseq.vectors import unit

RNG = np.random.default_rng(0)
VECTORS = RNG.normal(size=(40, 7))


def test_pca_is_that_of_scikit_learn() -> None:
    theirs = PCA(2).fit_transform(unit(VECTORS))
    ours = pca(VECTORS)
    assert_allclose(ours * np.sign((ours * theirs).sum(0)), theirs, atol=1e-12)


def test_pca_depends_on_directions_alone_and_has_one_sign() -> None:
    ours = pca(VECTORS)
    assert_allclose(pca(VECTORS * RNG.uniform(1, 9, (40, 1))), ours, atol=1e-12)
    assert (ours.max(0) == np.abs(ours).max(0)).all()


@pytest.mark.parametrize("shape", [(1, 3), (2, 3), (5, 1)])
def test_pca_of_what_has_fewer_axes_than_two(shape: tuple[int, int]) -> None:
    plane = pca(np.ones(shape))
    assert_allclose(plane, np.zeros((shape[0], 2)), atol=1e-12)


def test_tsne_keeps_neighbours_together_and_repeats_itself() -> None:
    centres = np.repeat(np.eye(3), 10, axis=0)
    plane = tsne(centres + RNG.normal(size=(30, 3)) * 0.01, seed=1)
    distances = np.linalg.norm(plane[:, None] - plane[None], axis=-1)
    np.fill_diagonal(distances, np.inf)
    assert_array_equal(distances.argmin(1) // 10, np.arange(30) // 10)
    few = RNG.normal(size=(4, 3))
    assert_array_equal(tsne(few, seed=1), tsne(few, seed=1))


def test_tsne_needs_four_vectors_and_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match="four vectors at least, got 3; pca takes any"):
        tsne(np.eye(3))
    monkeypatch.setitem(sys.modules, "sklearn.manifold", None)
    with pytest.raises(PluginError, match=r'pip install "jpseq\[sklearn\]"'):
        tsne(VECTORS)


def test_the_map_has_each_word_at_its_point(tmp_path: object) -> None:
    words = ["夜", "$x$", "銀河鉄道"]
    points = np.array([[0, 1], [2, 3], [-1, 0.5]])
    figure = plots.word_map(words, points, title="単語の地図")
    (axes,) = figure.axes
    assert isinstance(axes, Axes)
    texts = [text for text in axes.texts if isinstance(text, Annotation)]
    assert [text.get_text() for text in texts] == words
    assert_array_equal([text.xy for text in texts], points)
    assert_array_equal(axes.collections[0].get_offsets(), points)
    assert axes.get_title() == "単語の地図"


def test_a_map_of_what_does_not_fit() -> None:
    for words, points in [([], np.empty((0, 2))), (["夜"], np.zeros((1, 3))), (["夜"], [0, 0])]:
        with pytest.raises(DataError, match="A map needs a word at least"):
            plots.word_map(words, points)
