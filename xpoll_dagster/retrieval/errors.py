"""What can be wrong with a bundle, said in one sentence that a person can act on."""

from __future__ import annotations


class RetrievalError(Exception):
    """The bundle cannot be built, read or searched; the message says why and what to do."""
