from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from xpoll_dagster.report.options import ReportOptions
from xpoll_dagster.report.projection import SCALE, project


def _two_groups(n: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    vectors = rng.standard_normal((n, 24)).astype(np.float32) * 0.3
    vectors[: n // 2, 0] += 3
    vectors[n // 2 :, 1] += 3
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.mark.parametrize("options", [{"projection": "pca"}, {}, {"projected_passages": 60}])
def test_near_vectors_stand_together(options: dict) -> None:
    vectors = _two_groups(160)
    found = project(vectors, ReportOptions(**options))
    places = found.places.astype(float)
    apart = np.linalg.norm(places[:, None] - places[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    nearest = apart.argmin(axis=1)
    same = (nearest < 80) == (np.arange(160) < 80)
    assert same.mean() > 0.9
    assert places.min() >= 0
    assert places.max() <= SCALE
    assert (project(vectors, ReportOptions(**options)).places == found.places).all()


@pytest.mark.parametrize("n", [1, 2, 3, 19, 21])
def test_few_vectors_have_places_too(n: int) -> None:
    assert project(_two_groups(n), ReportOptions()).places.shape == (n, 2)


def test_equal_vectors_stand_in_the_middle() -> None:
    places = project(np.ones((5, 8), np.float32), ReportOptions()).places
    assert (places == SCALE // 2).all()


PLACES = """
import hashlib, sys
for name in sys.argv[1:]:
    __import__(name)
import numpy as np
from xpoll_dagster.report.options import ReportOptions
from xpoll_dagster.report.projection import project

vectors = np.random.default_rng(0).normal(size=(267, 384)).astype(np.float32)
vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
print(hashlib.sha256(project(vectors, ReportOptions()).places.tobytes()).hexdigest())
"""


def test_the_map_is_the_same_whatever_was_loaded_before() -> None:
    found = [
        subprocess.run(
            [sys.executable, "-c", PLACES, *loaded],
            capture_output=True,
            text=True,
            check=True,
            env=os.environ | {"OMP_NUM_THREADS": "2"},
        ).stdout
        for loaded in ([], ["sklearn.manifold"])
    ]
    assert found[0]
    assert found[0] == found[1]
