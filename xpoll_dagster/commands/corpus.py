"""`xpoll mix` and `xpoll corpus …`: the training corpus, for people and scripts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console

console = Console(highlight=False, soft_wrap=True)
app = typer.Typer(help="Look into the training corpus.", no_args_is_help=True)


def mix(
    profile: Annotated[str, typer.Option(help="Name of a profile, or path of its file.")],
    output: Annotated[Path, typer.Option(help="Folder of the mix; replaced whole.")],
    max_total: Annotated[int | None, typer.Option(min=1, help="Rows at most.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Draws other rows.")] = None,
    corpus: Annotated[
        Path | None, typer.Option(help="A merged corpus; the built one where not given.")
    ] = None,
    *,
    commercial_only: Annotated[
        bool, typer.Option("--commercial-only", help="Only rows whose licence allows that.")
    ] = False,
) -> None:
    """Draw a balanced mix of the merged corpus after a profile."""
    from xpoll_dagster.corpus.mix_options import MixOptions
    from xpoll_dagster.corpus.mixing import mix as draw
    from xpoll_dagster.corpus.model import SourceError
    from xpoll_dagster.corpus.profiles import load_profile
    from xpoll_dagster.defs.places import follow_inputs, open_store
    from xpoll_dagster.settings import get_settings

    settings = get_settings()
    follow_inputs(settings)
    path = Path(profile)
    if path.suffix not in {".yaml", ".yml"}:
        path = settings.corpus_dir / "profiles" / f"{profile}.yaml"
    given: dict[str, object] = {
        name: value
        for name, value in (("max_total", max_total), ("seed", seed))
        if value is not None
    }
    if commercial_only:
        given["commercial_only"] = True
    options = MixOptions.model_validate(settings.corpus.mix.model_dump() | given)
    try:
        report = draw(
            corpus or open_store(settings).content("merged_corpus", suffix=""),
            load_profile(path),
            output,
            options,
            lambda line: console.print(line, markup=False),
        )
    except SourceError as error:
        _end(str(error))
    console.print(f"{report['rows']:,} rows: {output}", markup=False)
    if report["shortfall"]:
        console.print(str(report["shortfall"]), markup=False)


@app.command()
def verify() -> None:
    """Check every built source and the merged corpus: counts, tags, hashes, ledger."""
    from xpoll_dagster.corpus.invariants import (
        changed_files,
        check_conservation,
        missing_winners,
    )
    from xpoll_dagster.corpus.model import SourceError
    from xpoll_dagster.corpus.verification import verify_source
    from xpoll_dagster.definitions import defs
    from xpoll_dagster.defs.resources import Project
    from xpoll_dagster.settings import get_settings

    defs()
    project = Project.of(get_settings())
    breaks: list[str] = []
    try:
        catalogue = project.catalogue()
        artifacts = project.store.partitions("instruct_source", "")
        known = {name: one for name, one in artifacts.items() if name in catalogue.entries}
        for name, artifact in known.items():
            found = verify_source(
                artifact.path, catalogue.entry(name), project.settings.corpus.verification
            )
            console.print(f"{name}: {'; '.join(found) or 'as expected'}", markup=False)
            breaks += found
        merged = project.store.get("merged_corpus", suffix="")
        if merged is None:
            _end("The corpus is not merged yet: xpoll build corpus.")
        folders = [one.path for name, one in known.items() if not catalogue.entry(name).evaluation]
        for what, found in (
            ("counts", check_conservation(merged.path, folders)),
            ("ledger", missing_winners(merged.path)),
            ("files", changed_files(merged.path)),
        ):
            console.print(f"merged corpus, {what}: {'; '.join(found) or 'right'}", markup=False)
            breaks += found
    except SourceError as error:
        _end(str(error))
    if breaks:
        raise typer.Exit(1)


@app.command()
def explain(row_id: Annotated[str, typer.Argument(help="The `_id` of a row.")]) -> None:
    """Say where a row comes from, or why it is gone and what stands for it."""
    from xpoll_dagster.corpus.explanation import explain as find
    from xpoll_dagster.corpus.model import SourceError
    from xpoll_dagster.defs.places import open_store
    from xpoll_dagster.settings import get_settings

    store = open_store(get_settings())
    sources = [one.path for one in store.partitions("instruct_source", "").values()]
    try:
        found = find(row_id, store.content("merged_corpus", suffix=""), sources)
    except (SourceError, LookupError) as error:
        _end(str(error).strip("'\""))
    console.print(found.text, markup=False)
    for title, row in (("The row", found.row), ("What stands for it", found.kept)):
        if row is None:
            continue
        console.print(f"\n{title}:", style="bold")
        for name, value in row.items():
            if value not in (None, ""):
                console.print(f"  {name}: {value}", markup=False)


def _end(message: str) -> NoReturn:
    console.print(message, markup=False)
    raise typer.Exit(1) from None
