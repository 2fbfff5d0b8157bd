"""Putting data, scripts and styles into one page so that no text in them can act.

Data stand in `<script type="application/json">`, which browsers do not run. Whatever could
end the element early, or ends a line in JavaScript alone, is escaped as JSON allows, so the
parsed text is unchanged. Scripts and styles are allowed by their hashes and nothing else is.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from typing import Any

_ESCAPES = {
    ord("<"): "\\u003c",
    ord(">"): "\\u003e",
    ord("&"): "\\u0026",
    0x2028: "\\u2028",
    0x2029: "\\u2029",
}
# C0 and C1 controls but tab and line feed, and the marks that turn the direction of all
# that follows them: a title must not rearrange the page around it.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff]")


def printable(text: str) -> str:
    """A text without control characters and without marks that override its direction."""
    return _CONTROLS.sub("", text)


def inline_json(value: Any) -> str:
    """A JSON text that can stand inside a `<script>` element.

    Raises:
        ValueError: A number is infinite or not a number, which JSON cannot say.
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.translate(_ESCAPES)


def content_hash(text: str) -> str:
    """A script's or style's source expression of the Content-Security-Policy."""
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def security_policy(script: str, style: str) -> str:
    """The page's Content-Security-Policy: this script, this style, and nothing from anywhere.

    Trusted types are demanded and none is defined, so that no text can become markup even
    by a mistake in the page's own script.
    """
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src {content_hash(script)}",
            f"style-src {content_hash(style)}",
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        ]
    )
