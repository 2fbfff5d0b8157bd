"""A throw-away cluster of Debian's Postgres, reached over a socket in its own folder."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest

PASSWORD = "Geheim@/nis"


def _programs() -> Path | None:
    """The folder of `initdb` and `pg_ctl`, the newest where there are several."""
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).resolve().parent
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda file: int(file.parts[4])
    )
    return found[-1].parent if found else None


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running cluster with one user, `xpoll`, who must give a password."""

    folder: Path

    def url(self, password: str = PASSWORD, database: str = "postgres") -> str:
        return f"postgresql://xpoll:{quote(password, safe='')}@/{database}?host={self.folder}"


@contextlib.contextmanager
def running_cluster() -> Iterator[Cluster]:
    """Make a cluster, start it, stop it, and leave nothing behind."""
    programs = _programs()
    if programs is None:
        pytest.skip("Debian's package postgresql is not installed")
    as_user: list[str] = []
    # A short path: a socket's may have 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="xpg", dir="/tmp"))
    try:
        secret = folder / "password"
        secret.write_text(PASSWORD)
        if os.geteuid() == 0:  # Postgres refuses to run as root
            as_user = ["runuser", "-u", "postgres", "--"]
            for path in (folder, secret):
                shutil.chown(path, "postgres", "postgres")
        data = folder / "data"
        options = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off"
        initdb = [str(programs / "initdb"), "-D", str(data), "-U", "xpoll", "--no-sync"]
        subprocess.run(
            [*as_user, *initdb, "--auth=scram-sha-256", f"--pwfile={secret}", "-E", "UTF8"],
            check=True,
            capture_output=True,
            cwd="/",
        )
        control = [*as_user, str(programs / "pg_ctl"), "-D", str(data), "-w"]
        start = ["-l", str(folder / "log"), "-o", options, "start"]
        subprocess.run([*control, *start], check=True, capture_output=True, cwd="/", timeout=60)
        try:
            yield Cluster(folder)
        finally:
            subprocess.run(
                [*control, "-m", "immediate", "stop"], check=True, capture_output=True, cwd="/"
            )
    finally:
        shutil.rmtree(folder, ignore_errors=True)
