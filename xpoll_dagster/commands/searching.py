"""`xpoll search`: the bundle's search, for people."""

from __future__ import annotations

from typing import Annotated, Literal

import typer
from rich.console import Console

console = Console(highlight=False, soft_wrap=True)


def search(
    query: Annotated[str, typer.Argument(help="What to look for, in plain words.")],
    k: Annotated[int, typer.Option("-k", min=1, max=100, help="How many passages.")] = 5,
    mode: Annotated[
        Literal["fused", "dense", "bm25"], typer.Option(help="By words, by meaning, or both.")
    ] = "fused",
    *,
    originals: Annotated[
        bool, typer.Option("--originals", help="Leave paraphrases out of the answer.")
    ] = False,
) -> None:
    """Search the bundle, as a model in training does: originals and paraphrases alike."""
    from xpoll_dagster.books.embedding import EmbedderError, load_embedder
    from xpoll_dagster.defs.places import open_store
    from xpoll_dagster.retrieval.bundle import Bundle
    from xpoll_dagster.retrieval.errors import RetrievalError
    from xpoll_dagster.settings import get_settings

    settings = get_settings()
    try:
        bundle = Bundle.load(
            open_store(settings).content("retrieval", suffix=""),
            load_embedder(settings.embedder),
            settings.retrieval.search,
        )
        found = bundle.search(query, k * 4 if originals else k, mode)
    except (RetrievalError, EmbedderError) as error:
        console.print(str(error), markup=False)
        raise typer.Exit(1) from None
    for result in [one for one in found if not (originals and one.is_paraphrase)][:k]:
        what = " (paraphrase)" if result.is_paraphrase else ""
        console.print(
            f"{result.score:7.3f}  {result.chunk_id}{what}  {result.citation}", markup=False
        )
        console.print(f"         {' '.join(result.text.split())}\n", markup=False)
