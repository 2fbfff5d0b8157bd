"""The merge on many machines: the same corpus, file for file, that one process makes.

What takes time is given to a `Compute`: looking for tests, deciding on keys, signing, comparing
and writing shards. What decides (which row stands for which) are the same functions on the same
values, so that neither the number of nodes nor their luck is seen in the result.
"""

from xpoll_dagster.corpus.distributed.merge import (
    decide_on,
    fill_corpus_on,
    merge_sources_on,
)

__all__ = ["decide_on", "fill_corpus_on", "merge_sources_on"]
