"""Vectors of passages: lengths, means and cosines of pairs."""

from __future__ import annotations

import numpy as np


def unit_length(vectors: np.ndarray) -> np.ndarray:
    """The vectors scaled to length 1. Raises `ValueError` where they are not finite."""
    if not np.isfinite(vectors).all():
        raise ValueError("Some vectors hold values that are not finite numbers.")
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


def centred(left: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The vectors of two domains, centred on the mean of all of them, of length 1."""
    mean = (left.sum(axis=0) + right.sum(axis=0)) / max(len(left) + len(right), 1)
    if len(left) + len(right) < 2:
        mean = np.zeros_like(mean)
    shifted = [vectors - mean for vectors in (left, right)]
    a, b = (v / np.maximum(np.linalg.norm(v, axis=1, keepdims=True), 1e-9) for v in shifted)
    return a, b


def paired_cosines(
    left: np.ndarray, right: np.ndarray, left_rows: np.ndarray, right_rows: np.ndarray
) -> np.ndarray:
    """Inner products of the given rows, one per pair, float64."""
    cosine = np.empty(len(left_rows))
    block = 4096  # stays in the processor's cache
    for start in range(0, len(left_rows), block):
        part = slice(start, start + block)
        cosine[part] = np.einsum("nd,nd->n", left[left_rows[part]], right[right_rows[part]])
    return cosine
