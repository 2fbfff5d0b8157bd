"""The gates: what is measured on every written row, and what it must measure.

They look at the finished text and its sources, never at how the text was made, so that they
judge a language model and the rules alike.
"""

from xpoll_dagster.writing.gates.bridge import Verdict, folded, judge, without_quotes
from xpoll_dagster.writing.gates.repetition import repeated_runs

__all__ = ["Verdict", "folded", "judge", "repeated_runs", "without_quotes"]
