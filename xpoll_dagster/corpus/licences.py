"""Licences by strictness: which copy of a row is kept, and what a mix may be used for."""

from __future__ import annotations

import re
from functools import lru_cache

_KINDS: tuple[tuple[int, str], ...] = (
    # The first that matches decides: what forbids most stands first.
    (5, r"no.?licen[cs]e\b|unlicensed|proprietary|all rights reserved|openai|research.only|gated"),
    (4, r"\bnc\b|non.?commercial|llama"),
    (0, r"cc.?0|public.?domain|unlicense|pddl|\b0bsd\b"),
    (3, r"gpl"),
    (2, r"\bsa\b|share.?alike|odbl|\bnd\b|\bmpl\b|\bepl\b"),
    (1, r"\bmit\b|apache|\bbsd|\bisc\b|cc.?by|odc.?by|cdla|\bafl\b|\bzlib\b"),
)

UNKNOWN = 5
"""Strictness of a licence that is unknown or none: nothing is permitted."""


@lru_cache(maxsize=4096)
def strictness(licence: str) -> int:
    """How much a licence forbids, from its SPDX id or usual name.

    0 public domain, 1 attribution, 2 share alike or no derivatives, 3 copyleft for programs,
    4 no commercial use, 5 unknown or none.
    """
    name = licence.casefold().replace("_", "-")
    for grade, pattern in _KINDS:
        if re.search(pattern, name):
            return grade
    return UNKNOWN
