"""The type of sparse matrices in signatures.

SciPy ships no type information, and what a checker infers from its source is wrong for
nearly every operation, so the type says what is meant and checks nothing.
"""

from __future__ import annotations

from typing import Any, TypeAlias

SparseRows: TypeAlias = Any
"""A `scipy.sparse.csr_matrix` of float32: one row per passage, one column per feature."""
