"""How an asset of xpoll is declared: one call gives `dg.asset` its keywords and keeps a `Step`.

The steps say for every asset what it is made from and which settings it reads. The assets
themselves, `xpoll build` and `xpoll status` all read them here, so that what runs and what
is reported as stale cannot differ.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg
from pydantic import BaseModel

from xpoll_dagster.defs.partitions import books_partitions
from xpoll_dagster.settings import Settings, get_settings
from xpoll_dagster.storage import fingerprint

OWNERS = ["team:xpoll"]


@dataclass(frozen=True, slots=True)
class Step:
    """What one asset is made from.

    `inputs` are upstream assets; `reads_library` says that a per-book step reads them of all
    books; `reads_book` says that the book's own files are an input;
    `options` picks the settings that the asset reads; `code` is raised by hand whenever the
    same inputs and settings would now give something else.
    """

    asset: str
    group: str
    inputs: tuple[str, ...]
    per_book: bool
    folder: bool
    reads_book: bool
    reads_library: bool
    code: int
    options: Callable[[Settings], Sequence[BaseModel]]

    @property
    def fans_in(self) -> bool:
        """Whether per-book inputs are read of all books and not of one."""
        return self.reads_library or not self.per_book

    @property
    def suffix(self) -> str:
        """Ending of the artifact's path: none for a folder."""
        return "" if self.folder else ".parquet"

    def version(self, settings: Settings) -> str:
        """Version of code and settings together; part of what makes an artifact stale."""
        values = [options.model_dump(mode="json") for options in self.options(settings)]
        return f"{self.code}-{fingerprint(values)}"


STEPS: dict[str, Step] = {}


def declare(
    asset: str,
    *,
    group: str,
    code: int,
    inputs: Sequence[str] = (),
    options: Callable[[Settings], Sequence[BaseModel]] = lambda _: (),
    per_book: bool = False,
    folder: bool = False,
    reads_book: bool = False,
    reads_library: bool = False,
    on_demand: bool = False,
    kinds: set[str],
    **keywords: Any,
) -> dict[str, Any]:
    """Keywords for `dg.asset`, and the `Step` kept under the asset's name.

    An asset `on_demand` leaves no artifact (an upload, say) and so has no step.
    """
    step = Step(
        asset, group, tuple(inputs), per_book, folder, reads_book, reads_library, code, options
    )
    if not on_demand:
        STEPS[asset] = step
    fan_in = dg.AllPartitionMapping()
    deps = [
        dg.AssetDep(name, partition_mapping=fan_in)
        if STEPS[name].per_book and step.fans_in
        else dg.AssetDep(name)
        for name in inputs
    ]
    return {
        "name": asset,
        "group_name": group,
        "deps": deps,
        "partitions_def": books_partitions if per_book else None,
        "code_version": step.version(get_settings()),
        "owners": OWNERS,
        "kinds": kinds,
        **keywords,
    }
