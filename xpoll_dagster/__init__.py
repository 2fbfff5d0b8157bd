"""xpoll: textbooks of different domains in, cross-pollinated training sets out.

The capability packages (`books`, `linking`, `writing`, `sft`) are a plain library
over Polars frames and NumPy arrays; everything that knows Dagster is in `defs`,
`definitions` and `cli`.
"""

__version__ = "0.1.0"
