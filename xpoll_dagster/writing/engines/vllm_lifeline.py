"""What vLLM's processes do when the process that started them is gone.

vLLM runs the model in processes of its own. Where their starter is killed outright, vLLM 0.32
leaves them running, and they hold the GPU's memory for ever: the next run finds no room.
Nothing of xpoll but vLLM's workers imports this module (it is their `worker_extension_cls`),
and importing it is what starts the watch: before the weights are loaded.
"""

from __future__ import annotations

import os
import select
import signal
import threading
from pathlib import Path

OWNER = "XPOLL_VLLM_OWNER"
"""Environment variable in which vLLM's processes are told the process id of their starter."""


class Lifeline:
    """Base class that vLLM adds to its workers; it adds nothing to them."""


def ancestors(pid: int) -> list[int]:
    """Process ids of the parent, its parent and so on, nearest first (Linux only)."""
    found: list[int] = []
    while pid > 1:
        try:
            status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            break
        # The second field is the command in brackets and may hold anything.
        pid = int(status.rpartition(")")[2].split()[1])
        found.append(pid)
    return found


def end_with(owner: int) -> bool:
    """End this process, and those between it and `owner`, when `owner` ends.

    Returns:
        False where `owner` is no ancestor of this process (a worker on another machine, say):
        then nothing is watched.
    """
    line = ancestors(os.getpid())
    if owner not in line:
        return False
    between = line[: line.index(owner)]
    try:
        watched = os.pidfd_open(owner)
    except ProcessLookupError:  # gone since the line above
        os._exit(1)
    threading.Thread(
        target=_watch, args=(watched, between), name="xpoll-lifeline", daemon=True
    ).start()
    return True


def _watch(watched: int, between: list[int]) -> None:
    poll = select.poll()
    poll.register(watched, select.POLLIN)
    poll.poll()
    for pid in reversed(between):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    os._exit(1)


if os.environ.get(OWNER, "").isdigit():
    end_with(int(os.environ[OWNER]))
