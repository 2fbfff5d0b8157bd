"""Where heavy or dangerous work runs. Knows nothing of books or Dagster.

`sandbox` runs one function in a child process under limits. `loading` opens the `Compute` that
the options name (`protocol`): batches of frames in this process or on a Ray cluster.
"""

from xpoll_dagster.compute.sandbox import ChildFailed, LimitExceeded, Limits, run_limited

__all__ = ["ChildFailed", "LimitExceeded", "Limits", "run_limited"]
