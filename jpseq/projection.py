"""Vectors → the plane, for maps of words.

Both methods start from vectors of length 1, because words are compared by the cosine, which does
not depend on the length.
"""

import numpy as np
import numpy.typing as npt

from jpseq.errors import DataError, PluginError
from jpseq.vectors import unit

Plane = npt.NDArray[np.float64]


def pca(vectors: npt.ArrayLike) -> Plane:
    """(N, D) → (N, 2), the plane in which the vectors are spread most (Pearson 1901).

    The same vectors give the same map: each axis points where its largest coordinate is positive.
    """
    units = unit(vectors)
    left, spread, _ = np.linalg.svd(units - units.mean(0), full_matrices=False)
    plane = np.zeros((len(units), 2))
    axes = min(2, len(spread))
    plane[:, :axes] = left[:, :axes] * spread[:axes]
    largest = plane[np.abs(plane).argmax(0), [0, 1]]
    return plane * np.where(largest < 0, -1, 1)


def tsne(vectors: npt.ArrayLike, seed: int = 0, perplexity: float = 30) -> Plane:
    """(N, D) → (N, 2), neighbours beside one another (van der Maaten & Hinton 2008).

    How far apart groups lie, and how large they are, says nothing.

    Args:
        vectors: at least four.
        seed: decides what chance decides.
        perplexity: about how many neighbours count; at most a third of the vectors are taken.

    Raises:
        DataError: fewer than four vectors.
        PluginError: scikit-learn is not installed.
    """
    try:
        from sklearn.manifold import TSNE
    except ImportError as error:
        raise PluginError(
            f'scikit-learn is not installed ({error}). Type: pip install "jpseq[sklearn]"'
        ) from error
    units = unit(vectors)
    if len(units) < 4:
        raise DataError(f"t-SNE needs four vectors at least, got {len(units)}; pca takes any.")
    fitting = min(perplexity, (len(units) - 1) / 3)
    method = TSNE(2, perplexity=fitting, init=pca(units) * 1e-4, random_state=seed)
    return np.asarray(method.fit_transform(units), np.float64)
