"""Reaching a Ray cluster, or starting Ray on this machine for a while.

Ray has no users: whoever reaches its ports runs code on its nodes. Where it is started here it
asks for a token that only this process and its children know. Neither the dashboard nor usage
statistics are switched on.
"""

from __future__ import annotations

import importlib
import logging
import os
import secrets
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from xpoll_dagster.compute.options import ComputeOptions
from xpoll_dagster.compute.protocol import ComputeError

log = logging.getLogger(__name__)

# Ray takes 127.0.0.1 for "the address that others see"; this one it leaves as it is.
_LOOPBACK = "127.0.0.2"


@contextmanager
def ray_cluster(options: ComputeOptions) -> Iterator[Any]:
    """The module `ray`, connected; the connection (or the Ray started here) ends with the block.

    A connection that this process has already is used and left open.

    Raises:
        ComputeError: Ray is not installed, or no cluster answers.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if not options.address:
        _ask_for_a_token()
    ray = _import_ray()
    if ray.is_initialized():
        yield ray
        return
    _connect(ray, options)
    try:
        yield ray
    finally:
        ray.shutdown()


def _ask_for_a_token() -> None:
    # Ray reads the mode once, when it is first imported; its children read it again, and one
    # side alone would lock the other out.
    if "ray" not in sys.modules:
        os.environ.setdefault("RAY_AUTH_MODE", "token")
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    elif os.environ.get("RAY_AUTH_MODE") != "token":
        log.warning(
            "Ray was imported before: the Ray started here asks for no token, and who reaches "
            "this machine's ports can use it. Set RAY_AUTH_MODE=token and RAY_AUTH_TOKEN."
        )


def _import_ray() -> Any:
    try:
        ray = importlib.import_module("ray")
        importlib.import_module("ray.data")
    except ImportError as error:
        raise ComputeError(
            "Ray is not installed: install this package's extra `ray`, or set XPOLL_COMPUTE=local."
        ) from error
    return ray


def _connect(ray: Any, options: ComputeOptions) -> None:
    settings: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if options.address:
        if options.address != "auto":
            _knock(options.address, options.connect_seconds)
        settings["address"] = options.address
    else:
        settings |= {"address": "local", "include_dashboard": False}
        if sys.platform == "linux":
            settings["_node_ip_address"] = _LOOPBACK
        # Ray's own tasks need room beside the actors: with one CPU a pipeline starves.
        settings["num_cpus"] = max(3, os.cpu_count() or 1)
        if options.object_store_mb is not None:
            settings["object_store_memory"] = options.object_store_mb << 20
    try:
        ray.init(**settings)
    except Exception as error:  # Ray raises what it likes here, often without a message
        where = options.address or "this machine"
        reason = next(iter(str(error).strip().splitlines()), "") or type(error).__name__
        raise ComputeError(
            f"No Ray cluster can be used at {where} ({reason.rstrip('.')}): check "
            "XPOLL_RAY__ADDRESS, Ray's version and its token on all nodes, or set "
            "XPOLL_COMPUTE=local."
        ) from error
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.shuffle_compression = None  # frames are compressed already
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)  # failures are told by exceptions


def _knock(address: str, seconds: float) -> None:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), seconds).close()
    except (OSError, OverflowError) as error:
        raise ComputeError(
            f"No Ray cluster answers at {address}: start its head, or correct XPOLL_RAY__ADDRESS."
        ) from error
