"""How the sources of each category share what it takes."""

from __future__ import annotations

from typing import Any

import numpy as np

from xpoll_dagster.corpus.mix_network import Network

_STEPS = 90


def divide(network: Network, per_category: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Rows of each source and category, as near to the sources' relative shares as can be."""
    most = np.minimum(network.supply, network.sources[:, None])
    wanted = np.stack(
        [_level(most[:, c], shares[:, c], rows) for c, rows in enumerate(per_category)],
        axis=1,
    )
    if (wanted.sum(axis=1) <= network.sources).all() and (wanted.sum(axis=0) == per_category).all():
        return wanted
    return _nearest(network, per_category, wanted)


def _level(most: np.ndarray, shares: np.ndarray, rows: int) -> np.ndarray:
    """Fill up to `most` in proportion to `shares` until `rows` are together (or all is full)."""
    shares = np.where(most > 0, shares, 0.0)
    rows = min(int(rows), int(most.sum()))
    low, high = 0.0, float((most / np.where(shares > 0, shares, np.inf)).max(initial=0.0)) + 1
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if np.minimum(most, np.floor(middle * shares)).sum() <= rows:
            low = middle
        else:
            high = middle
    taken = np.minimum(most, np.floor(low * shares)).astype(np.int64)
    left = rows - int(taken.sum())
    remainder = np.where(taken < most, low * shares - taken, -np.inf)
    for place in np.argsort(-remainder, kind="stable"):
        if not left:
            break
        step = min(left, int(most[place] - taken[place]), 1)
        taken[place] += step
        left -= step
    while left:  # more than one row each is left only where shares differ beyond all measure
        place = int(np.argmax(most - taken))
        step = min(left, int(most[place] - taken[place]))
        taken[place] += step
        left -= step
    return taken


def _nearest(network: Network, per_category: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The allowed division with the least sum of absolute differences (a transport program)."""
    import scipy.optimize
    from scipy.sparse import coo_array, hstack, identity

    optimize: Any = scipy.optimize  # its stubs take single numbers for arrays
    cells = np.nonzero(network.supply)
    n = len(cells[0])
    ones = np.ones(n)
    by_source = coo_array((ones, (cells[0], np.arange(n))), shape=(network.supply.shape[0], 2 * n))
    by_category = coo_array((ones, (cells[1], np.arange(n))), shape=(len(per_category), 2 * n))
    target = wanted[cells].astype(float)
    eye = identity(n, format="coo")
    found: Any = optimize.milp(
        np.concatenate([np.zeros(n), ones]),
        integrality=np.concatenate([ones, np.zeros(n)]),
        bounds=optimize.Bounds(
            np.zeros(2 * n),
            np.concatenate([network.supply[cells].astype(float), np.full(n, np.inf)]),
        ),
        constraints=[
            optimize.LinearConstraint(by_source.tocsr(), ub=network.sources.astype(float)),
            optimize.LinearConstraint(
                by_category.tocsr(), lb=per_category.astype(float), ub=per_category.astype(float)
            ),
            optimize.LinearConstraint(hstack([eye, -eye], format="csr"), ub=target),
            optimize.LinearConstraint(hstack([-eye, -eye], format="csr"), ub=-target),
        ],
    )
    if found.x is None:
        raise ArithmeticError(f"The rows of the mix could not be divided: {found.message}")
    rows = np.zeros(network.supply.shape, np.int64)
    rows[cells] = np.rint(found.x[:n]).astype(np.int64)
    return rows
