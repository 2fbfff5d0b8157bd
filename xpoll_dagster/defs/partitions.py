"""The partition set of the library: one key per book, `<domain>--<name>`."""

import dagster as dg

books_partitions = dg.DynamicPartitionsDefinition(name="books")
