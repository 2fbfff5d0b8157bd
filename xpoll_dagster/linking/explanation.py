"""One readable sentence that says why two passages make a pair, and no more than is shown."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

MAX_NAMED = 3


def explain_pair(pair: Mapping[str, Any], left_text: str, right_text: str) -> str:
    """Say what links two passages.

    Args:
        pair: `signals`, `concepts`, `words` (lists of `CONCEPT_STRUCT`), `margin_rank`
            and the two domains.
        left_text: The passage of the first domain.
        right_text: The passage of the second.

    Returns:
        A sentence naming the shared concepts and words as they stand in the passages.
    """
    parts: list[str] = []
    concepts = _shown([item["concept"] for item in pair["concepts"]], left_text, right_text)
    named = ""
    if "concept" in pair["signals"] and concepts:
        parts.append(f"both passages speak of {_listed(concepts[:MAX_NAMED])}")
        named = " ".join(concepts[:MAX_NAMED]).casefold()
    words = _shown([item["concept"] for item in pair["words"]], left_text, right_text)
    words = [word for word in words if word.casefold() not in named]
    words = [w for w in words if not any(w != v and w.casefold() in v.casefold() for v in words)]
    if "lexical" in pair["signals"] and words:
        quoted = _listed([f"“{word}”" for word in words[:MAX_NAMED]])
        parts.append(f"{'they' if parts else 'both passages'} share the words {quoted}")
    if "semantic" in pair["signals"]:
        # Rounded down, so that the sentence never claims more than was found.
        percent = min(int(100 * pair["margin_rank"]), 99)
        parts.append(
            f"{'they' if parts else 'the passages'} are closer in meaning than {percent} % of "
            f"the candidates from {pair['left_domain']} and {pair['right_domain']}"
        )
    sentence = "; ".join(parts)
    return f"{sentence[:1].upper()}{sentence[1:]}." if sentence else ""


def _shown(names: Sequence[str], left_text: str, right_text: str) -> list[str]:
    """Each name as the passages print it, or as it is where neither does so literally."""
    found: list[str] = []
    for name in names:
        spaced = r"\s+".join(re.escape(word) for word in name.split())
        pattern = re.compile(rf"(?<!\w){spaced}\w{{0,2}}(?!\w)", re.IGNORECASE)
        match = pattern.search(left_text) or pattern.search(right_text)
        surface = re.sub(r"\s+", " ", match.group()) if match else name
        if surface.casefold() not in {other.casefold() for other in found}:
            found.append(surface)
    return found


def _listed(items: Sequence[str]) -> str:
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"
