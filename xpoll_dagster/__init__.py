"""xpoll: textbooks of different domains in, cross-pollinated training sets out.

The capability packages (`books`, `linking`, `writing`, `sft`) are a plain library
over Polars frames and NumPy arrays; everything that knows Dagster is in `defs`,
`definitions` and `cli`.
"""

import os

# Polars frees and asks for memory in every batch. Its allocator keeps what is freed for ten
# seconds, not half a second, before the system gets it back: two thirds fewer page faults when
# a corpus is read. It looks at this once, when Polars is loaded, so it is set before.
os.environ.setdefault("_RJEM_MALLOC_CONF", "dirty_decay_ms:10000,muzzy_decay_ms:10000")

__version__ = "0.1.0"
