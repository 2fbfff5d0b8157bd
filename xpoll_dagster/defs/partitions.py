"""The partition sets: books of the library, sources of the catalogue, profiles of mixes.

A book's key is `<domain>--<name>`, a source's the name of its entry, a profile's the name of
its file. Books and sources come and go while Dagster runs; profiles are read when it loads.
"""

from collections.abc import Mapping
from typing import Literal

import dagster as dg

from xpoll_dagster.defs.places import follow_inputs
from xpoll_dagster.settings import get_settings

PartitionedBy = Literal["book", "source", "profile"]

follow_inputs(get_settings())  # profiles are read below, prompts and notes by the assets' versions

books_partitions = dg.DynamicPartitionsDefinition(name="books")
sources_partitions = dg.DynamicPartitionsDefinition(name="instruct_sources")
profiles_partitions = dg.StaticPartitionsDefinition(
    sorted(file.stem for file in (get_settings().corpus_dir / "profiles").glob("*.yaml"))
)

PARTITIONS: Mapping[PartitionedBy, dg.PartitionsDefinition] = {
    "book": books_partitions,
    "source": sources_partitions,
    "profile": profiles_partitions,
}
