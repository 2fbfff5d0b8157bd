"""Places on a map for vectors, so that passages that are near in meaning stand together."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module

import numpy as np

from xpoll_dagster.report.options import ReportOptions

SCALE = 10_000
_NEIGHBOURS = 6
_BLOCK = 2_048
_FEW = 20


@dataclass(frozen=True, slots=True)
class Projection:
    """`places` (n, 2) are whole numbers from 0 to `SCALE`; `method` says how they came about."""

    places: np.ndarray
    method: str


def project(vectors: np.ndarray, options: ReportOptions) -> Projection:
    """Place vectors on a plane, the same way each time.

    t-SNE (van der Maaten and Hinton 2008, Barnes-Hut) on principal components places a
    sample; the others stand between the nearest of the sample, weighted by cosine, as new
    points are placed in openTSNE (Poličar et al. 2019). Few vectors, or `pca`, go by the
    first two principal components.

    Args:
        vectors: Shape (n, dimensions), float32.
        options: `projection`, `projected_passages` and `seed`.
    """
    from threadpoolctl import threadpool_limits

    n = len(vectors)
    if n < _FEW or options.projection == "pca":
        return Projection(_scaled(_components(vectors, 2, options.seed)), "principal components")
    # One thread: sums over threads come in any order, and t-SNE magnifies the last bit. Only
    # libraries that are loaded can be limited.
    import_module("sklearn.manifold")
    with threadpool_limits(limits=1):
        chosen = _spread(n, options.projected_passages, options.seed)
        placed = _tsne(vectors[chosen], options.seed)
        if len(chosen) == n:
            return Projection(_scaled(placed[np.argsort(chosen)]), f"t-SNE of all {n:,} passages")
        places = _between(vectors, vectors[chosen], placed)
        places[chosen] = placed
    return Projection(
        _scaled(places),
        f"t-SNE of {len(chosen):,} passages; the others stand among their nearest ones",
    )


def _components(vectors: np.ndarray, count: int, seed: int) -> np.ndarray:
    """The first principal components, padded with zeros where there are fewer."""
    from sklearn.decomposition import PCA

    if len(vectors) < 2 or not np.ptp(vectors, axis=0).any():
        return np.zeros((len(vectors), 2))
    count = min(count, *vectors.shape)
    found = PCA(count, random_state=seed, svd_solver="covariance_eigh").fit_transform(vectors)
    padded = np.zeros((len(vectors), max(2, count)))
    padded[:, :count] = found
    return padded


def _tsne(vectors: np.ndarray, seed: int) -> np.ndarray:
    from sklearn.manifold import TSNE

    reduced = _components(vectors, 50, seed)
    perplexity = min(30.0, (len(vectors) - 1) / 3)
    model = TSNE(2, perplexity=perplexity, init="pca", random_state=seed, max_iter=600)
    return model.fit_transform(reduced.astype(np.float32)).astype(np.float64)


def _spread(n: int, count: int, seed: int) -> np.ndarray:
    if n <= count:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, count, replace=False))


def _between(vectors: np.ndarray, sample: np.ndarray, placed: np.ndarray) -> np.ndarray:
    """The mean place of the nearest of the sample, the nearest counting most."""
    places = np.empty((len(vectors), 2))
    neighbours = min(_NEIGHBOURS, len(sample))
    for start in range(0, len(vectors), _BLOCK):
        cosine = vectors[start : start + _BLOCK] @ sample.T
        nearest = np.argpartition(-cosine, neighbours - 1, axis=1)[:, :neighbours]
        strength = np.take_along_axis(cosine, nearest, axis=1)
        weight = np.exp(12.0 * (strength - strength.max(axis=1, keepdims=True)))
        # Neighbours far apart on the map would put the passage where nobody is: those beyond
        # the median distance from the nearest do not count.
        best = np.take_along_axis(nearest, strength.argmax(axis=1)[:, None], axis=1)
        apart = np.linalg.norm(placed[nearest] - placed[best], axis=2)
        weight[apart > np.median(apart, axis=1, keepdims=True)] = 0.0
        weight /= weight.sum(axis=1, keepdims=True)
        places[start : start + _BLOCK] = (placed[nearest] * weight[:, :, None]).sum(axis=1)
    return places


def _scaled(places: np.ndarray) -> np.ndarray:
    """Both axes by the same factor into 0 to `SCALE`."""
    low, high = places.min(axis=0), places.max(axis=0)
    size = float((high - low).max()) or 1.0
    centred = (places - (low + high) / 2) / size + 0.5
    return np.rint(centred * SCALE).astype(np.int64)
