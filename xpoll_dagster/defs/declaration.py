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

from xpoll_dagster.defs.partitions import PARTITIONS, PartitionedBy
from xpoll_dagster.settings import Settings, get_settings
from xpoll_dagster.storage import fingerprint

OWNERS = ["team:xpoll"]


@dataclass(frozen=True, slots=True)
class Step:
    """What one asset is made from.

    `inputs` are upstream assets, `optional` those that are read where they are built; `after`
    names further ones that some partitions are made from, which know by themselves whether they
    are stale; `partitioned_by` says what the asset has a
    partition for; `reads_library` says that a per-book step reads its inputs of all books;
    `reads_files` says that the files of the partition itself (a book's, a source's, a profile's)
    are an input; `options` picks the settings that the asset reads; `code` is raised by hand
    whenever the same inputs and settings would now give something else.
    """

    asset: str
    group: str
    inputs: tuple[str, ...]
    optional: tuple[str, ...]
    after: tuple[str, ...]
    partitioned_by: PartitionedBy | None
    folder: bool
    reads_files: bool
    reads_library: bool
    code: int
    options: Callable[[Settings], Sequence[BaseModel]]

    def fans_in(self, upstream: Step) -> bool:
        """Whether an input is read of all its partitions and not of one, or of its only one."""
        if upstream.partitioned_by is None:
            return False
        return self.reads_library or self.partitioned_by != upstream.partitioned_by

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
    optional: Sequence[str] = (),
    after: Sequence[str] = (),
    options: Callable[[Settings], Sequence[BaseModel]] = lambda _: (),
    partitioned_by: PartitionedBy | None = None,
    folder: bool = False,
    reads_files: bool = False,
    reads_library: bool = False,
    on_demand: bool = False,
    kinds: set[str],
    **keywords: Any,
) -> dict[str, Any]:
    """Keywords for `dg.asset`, and the `Step` kept under the asset's name.

    An asset `on_demand` leaves no artifact (an upload, say) and so has no step.
    """
    step = Step(
        asset,
        group,
        tuple(inputs),
        tuple(optional),
        tuple(after),
        partitioned_by,
        folder,
        reads_files,
        reads_library,
        code,
        options,
    )
    if not on_demand:
        STEPS[asset] = step
    fan_in = dg.AllPartitionMapping()
    deps = [
        dg.AssetDep(name, partition_mapping=fan_in)
        if step.fans_in(STEPS[name])
        else dg.AssetDep(name)
        for name in (*inputs, *optional, *after)
    ]
    return {
        "name": asset,
        "group_name": group,
        "deps": deps,
        "partitions_def": PARTITIONS[partitioned_by] if partitioned_by else None,
        "code_version": step.version(get_settings()),
        "owners": OWNERS,
        "kinds": kinds,
        **keywords,
    }
