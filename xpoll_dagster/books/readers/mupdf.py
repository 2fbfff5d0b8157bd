"""Importing PyMuPDF without the layout model, which it would load at once.

The model costs a second and a few hundred megabytes, and most books never need it. `layout`
imports it when a page does.
"""

from __future__ import annotations

import sys
from threading import Lock
from types import ModuleType

_UNWANTED = ("pymupdf.layout", "pymupdf4llm")  # PyMuPDF goes without what cannot be imported
_lock = Lock()


def import_mupdf() -> ModuleType:
    """The module `pymupdf`, silent on standard error; the same one as `import pymupdf` gives."""
    with _lock:
        kept_out = [name for name in _UNWANTED if name not in sys.modules]
        if "pymupdf" in sys.modules:
            kept_out = []
        for name in kept_out:
            sys.modules[name] = None  # pyright: ignore[reportArgumentType] - "not to be imported"
        try:
            import pymupdf
        finally:
            for name in kept_out:
                del sys.modules[name]
    pymupdf.TOOLS.mupdf_display_errors(False)  # noqa: FBT003 - its only parameter
    pymupdf.TOOLS.mupdf_display_warnings(False)  # noqa: FBT003
    return pymupdf
