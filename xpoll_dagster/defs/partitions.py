"""The partition sets: one key per book, `<domain>--<name>`."""

from collections.abc import Mapping
from typing import Literal

import dagster as dg

PartitionedBy = Literal["book"]

books_partitions = dg.DynamicPartitionsDefinition(name="books")

PARTITIONS: Mapping[PartitionedBy, dg.PartitionsDefinition] = {"book": books_partitions}
