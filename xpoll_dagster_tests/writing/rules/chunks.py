"""A small book for the tests of the rules author, and how to wrap texts as chunks."""

from __future__ import annotations

from pathlib import Path

import pytest

from xpoll_dagster.writing.model import Mention, Passage, SourceChunk
from xpoll_dagster.writing.rules.options import RulesOptions

needs_wordnet = pytest.mark.skipif(
    not (RulesOptions().wordnet_folder / "index.verb").is_file(),
    reason="WordNet is not installed (Debian: wordnet-base)",
)
NOWHERE = RulesOptions(wordnet_folder=Path("/nonexistent"))

BOOK = [
    "The harbour crane was repaired in 1921 by the dock company. It had stood idle for years. "
    "Heavy timber was unloaded by lowering a chain from the gantry. The loading gantry "
    "consisted of two iron towers and a wooden beam. At the time of the great flood, "
    "the water in the lower basin "
    "was about 14 feet deep.",
    "A sluice is a gate that controls the flow of water in a channel. The upper sluice was "
    "closed at 6:30 p.m. because of the rising tide. After the storm, the night keeper "
    "reported that the oak doors had split. The doors were replaced with steel plates.",
    "The Lamplighters Guild (LG) was founded in 1788. The guild hall stands near the market. "
    "For example, this was the case. Three brass lanterns were hung above the northern entrance. "
    "The lanterns were cleaned every two weeks to keep the glass clear.",
    "Mary Anning discovered the first complete plesiosaur near the cliffs of the western bay. "
    "The fossil collection was moved to the museum in order to protect the bones from damp air. "
    "However, the smaller bones were lost when the cellar flooded.",
    "Approximately 40 ships carried grain from the northern farms during the winter. The sluice "
    "keeper recorded numerous losses. The boats were commenced prior to the frost.",
]
MENTIONS = {3: (Mention("mary anning", "Mary Anning", "PERSON"),)}


def chunk(number: int, text: str, book: str = "history--harbour") -> SourceChunk:
    """A chunk of prose."""
    return SourceChunk(
        Passage(
            f"{book}:{number}", book, "A Book of the Harbour", ("A. Writer",), "history",
            ("The Port",), 1, 1, text, mentions=MENTIONS.get(number, ()),
        )
    )  # fmt: skip


def book() -> list[SourceChunk]:
    """The whole small book."""
    return [chunk(number, text) for number, text in enumerate(BOOK)]
