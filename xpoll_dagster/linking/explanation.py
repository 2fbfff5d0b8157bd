"""One readable sentence that says why two passages make a pair, and no more than is shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

MAX_NAMED = 3
MAX_ENDING = 2


class Wording:
    """A passage in which names are looked up: case and breaks of lines do not matter."""

    __slots__ = ("lower", "text")

    def __init__(self, text: str) -> None:
        self.text = " ".join(text.split())
        lower = self.text.lower()
        # Few letters change their length with their case; places must be those of the text.
        same = len(lower) == len(self.text)
        self.lower = (
            lower if same else "".join(c if len(c.lower()) > 1 else c.lower() for c in self.text)
        )

    @classmethod
    def of_all(cls, texts: Iterable[str], names: Iterable[str]) -> list[Wording]:
        """One for each text; texts of the same name are prepared once."""
        made: dict[str, Wording] = {}
        return [
            made[name] if name in made else made.setdefault(name, cls(text))
            for text, name in zip(texts, names, strict=True)
        ]

    def find(self, name: str) -> str | None:
        """The name as it is printed, with at most two letters more; None where it is not."""
        wanted = " ".join(name.split()).lower()
        start = self.lower.find(wanted)
        while wanted and start >= 0:
            end = start + len(wanted)
            stop = end
            while stop < len(self.text) and _in_word(self.text[stop]):
                stop += 1
            if stop - end <= MAX_ENDING and not (start and _in_word(self.text[start - 1])):
                return self.text[start:stop]
            start = self.lower.find(wanted, start + 1)
        return None


def _in_word(letter: str) -> bool:
    return letter.isalnum() or letter == "_"


def explain_pair(pair: Mapping[str, Any], left: Wording, right: Wording) -> str:
    """Say what links two passages.

    Args:
        pair: `signals`, `concepts`, `words` (lists of `CONCEPT_STRUCT`), `margin_rank`
            and the two domains.
        left: The passage of the first domain.
        right: The passage of the second.

    Returns:
        A sentence naming the shared concepts and words as they stand in the passages.
    """
    parts: list[str] = []
    concepts = _shown([item["concept"] for item in pair["concepts"]], left, right)
    named = ""
    if "concept" in pair["signals"] and concepts:
        parts.append(f"both passages speak of {_listed(concepts[:MAX_NAMED])}")
        named = " ".join(concepts[:MAX_NAMED]).casefold()
    words = _shown([item["concept"] for item in pair["words"]], left, right)
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


def _shown(names: Sequence[str], left: Wording, right: Wording) -> list[str]:
    """Each name as the passages print it, or as it is where neither does so literally."""
    found: dict[str, str] = {}
    for name in names:
        surface = left.find(name) or right.find(name) or name
        found.setdefault(surface.casefold(), surface)
    return list(found.values())


def _listed(items: Sequence[str]) -> str:
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"
