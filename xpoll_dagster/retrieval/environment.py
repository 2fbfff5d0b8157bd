"""The search tool as an environment of TRL's GRPOTrainer.

`search_environment(bundle)` makes the class to pass as `environment_factory` (TRL 1.10 or newer,
transformers 5.2 or newer). Each episode has its own instance; all share the bundle's index.
"""

from __future__ import annotations

from typing import Any

from xpoll_dagster.retrieval.bundle import Bundle
from xpoll_dagster.retrieval.options import RetrievalOptions
from xpoll_dagster.retrieval.search import Mode
from xpoll_dagster.retrieval.tool import render_results
from xpoll_dagster.retrieval.transcript import Search


def search_environment(
    bundle: Bundle, options: RetrievalOptions | None = None, mode: Mode = "fused"
) -> type:
    """The environment's class over one bundle.

    Its only public method beside `reset` is the tool `search`. It records every search with the
    ids found, which the rewards read: a model cannot write into that record.

    Args:
        bundle: A loaded bundle.
        options: `results` of one search, `max_searches` of one episode.
        mode: How search compares texts.
    """
    limits = options or RetrievalOptions()

    class SearchEnvironment:
        """A library of textbooks that can be searched."""

        def __init__(self) -> None:
            self._searches: list[Search] = []

        def reset(self, **row: Any) -> str | None:  # noqa: ARG002 - the row is not needed
            """Begin an episode; the prompt stands as the dataset has it."""
            self._searches = []
            return None

        def search(self, query: str) -> str:
            """Search the library for passages.

            Args:
                query: What to look for, in a few words.

            Returns:
                JSON with the list `results`, each with id, chunk_id, source and text.
            """
            if not isinstance(query, str) or not query.strip():
                return '{"error": "The query is empty: say what to look for."}'
            if len(self._searches) >= limits.max_searches:
                return '{"error": "No searches are left: give the answer."}'
            found = bundle.search(query, limits.results, mode)
            self._searches.append(Search(query, tuple(result.document_id for result in found)))
            return render_results(found)

    return SearchEnvironment
