"""The command line `xpoll`: build, status, why, dev. Thin: all work is done by the definitions."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console

from xpoll_dagster.commands import corpus, knobs, searching, writing

app = typer.Typer(
    help="Textbooks in, cross-pollinated training sets out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)

Product = Literal["sft", "retrieval", "corpus", "report", "all"]

BUILT, NOTHING_BUILT, SOME_FAILED = 0, 1, 3

console = Console(highlight=False, soft_wrap=True)


@app.command()
def build(
    product: Annotated[
        Product, typer.Argument(help="What to build; `all` builds everything.")
    ] = "sft",
    books: Annotated[
        list[str] | None, typer.Option("--books", help="Only these books (keys of `status`).")
    ] = None,
    assets: Annotated[
        list[str] | None, typer.Option("--assets", help="Only these assets, by name.")
    ] = None,
    *,
    force: Annotated[bool, typer.Option("--force", help="Build anew even what stands.")] = False,
) -> None:
    """Find the books and materialise what is stale of a product; ends with a summary.

    sft: the cross-pollinated dataset and its probe prompts. retrieval: the bundle and the
    dataset for training a model to search. corpus: the merged instruction corpus and its mixes.
    report: one page that shows what is built.

    Exit code 0: all is built. 3: the dataset is built, but something failed (the summary says
    what). 1: nothing could be built.
    """
    from xpoll_dagster.definitions import defs
    from xpoll_dagster.defs.building import build as run_build
    from xpoll_dagster.defs.home import open_instance
    from xpoll_dagster.defs.phases import PRODUCTS
    from xpoll_dagster.defs.summary import print_summary
    from xpoll_dagster.settings import get_settings
    from xpoll_dagster.storage import StorageError

    started = time.monotonic()
    settings = get_settings()
    try:
        with open_instance(settings) as instance:
            report = run_build(
                settings,
                defs().resolve_job_def,
                instance,
                products=PRODUCTS if product == "all" else [product],
                books=_names(books),
                assets=_names(assets),
                force=force,
                say=lambda line: console.print(
                    f"[{time.monotonic() - started:6.1f} s] {line}", markup=False
                ),
            )
    except (ValueError, StorageError) as error:
        console.print(str(error), markup=False)
        raise typer.Exit(NOTHING_BUILT) from None
    print_summary(settings, report, console, time.monotonic() - started)
    if report.failed:
        built = bool(report.built or report.unchanged)
        raise typer.Exit(SOME_FAILED if built else NOTHING_BUILT)


@app.command()
def status() -> None:
    """Say what is built, what is stale, what failed, and why."""
    from xpoll_dagster.definitions import defs
    from xpoll_dagster.defs.lineage import Lineage
    from xpoll_dagster.defs.summary import print_status
    from xpoll_dagster.settings import get_settings

    defs()
    print_status(Lineage(get_settings()), console)


@app.command()
def why(row_id: Annotated[str, typer.Argument(help="The `id` of a row of the dataset.")]) -> None:
    """Say where a row comes from: passages, books, pages, signals, gates."""
    from xpoll_dagster.definitions import defs
    from xpoll_dagster.defs.places import open_store
    from xpoll_dagster.defs.provenance import explain_row
    from xpoll_dagster.settings import get_settings
    from xpoll_dagster.storage import StorageError

    defs()
    try:
        lines = explain_row(open_store(get_settings()), row_id)
    except (LookupError, StorageError) as error:
        console.print(str(error).strip("'\""), markup=False)
        raise typer.Exit(NOTHING_BUILT) from None
    for line in lines:
        console.print(line, markup=False)


@app.command()
def dev(port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 3000) -> None:
    """Open the Dagster UI on 127.0.0.1, with the daemon that runs what it launches."""
    from xpoll_dagster.defs.abandoned import close_abandoned_runs
    from xpoll_dagster.defs.home import open_instance
    from xpoll_dagster.settings import get_settings
    from xpoll_dagster.storage import StorageError

    try:
        with open_instance(get_settings()) as instance:
            close_abandoned_runs(instance, launched=True)
    except StorageError as error:
        console.print(str(error), markup=False)
        raise typer.Exit(NOTHING_BUILT) from None
    dg = Path(sys.executable).with_name("dg")
    if not dg.exists():
        console.print("The command dg is missing: run make install again.")
        raise typer.Exit(NOTHING_BUILT)
    os.execv(dg, ["dg", "dev", "--host", "127.0.0.1", "--port", str(port)])  # noqa: S606


app.command()(writing.estimate)
app.command()(writing.cache)
app.command()(writing.probe)
app.command()(searching.search)
app.command()(knobs.settings)
app.command()(corpus.mix)
app.add_typer(corpus.app, name="corpus")


def _names(options: list[str] | None) -> list[str]:
    """Take `--books a --books b` and `--books a,b` alike."""
    return [name.strip() for option in options or [] for name in option.split(",") if name.strip()]


def main() -> None:
    """Run the command line; a disk or store that cannot be used is said in one sentence."""
    from xpoll_dagster.settings import get_settings
    from xpoll_dagster.storage import StorageError, disk_sentence

    try:
        app()
    except Exception as error:
        if isinstance(error, StorageError):
            sentence = str(error)
        elif disk_sentence(error, Path()) is not None:
            sentence = str(disk_sentence(error, get_settings().data_dir))
        else:
            raise
        console.print(sentence, markup=False)
        sys.exit(NOTHING_BUILT)


if __name__ == "__main__":
    main()
