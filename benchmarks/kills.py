"""Kill -9 at random moments of a build: `python -m benchmarks.kills`.

The sample books (or those of `--library`) are built once undisturbed; then the same build is
killed at random moments and started again, until `--kills` kills have hit. Every second kill
takes the build's own process alone, so that what it had started (readers in their sandbox,
tesseract) has to end by itself; the others take every process. Looked at are:

- right after the kill: whether every manifest describes what lies there and every table opens;
- after the last process has ended: whether anything was written since;
- after the next build: whether something that stood was made again;
- at the end: whether every artifact has the content hash of the undisturbed build.

With `--per-build` above 1 a build is killed several times before it may end, which takes less
time for the same number of kills, and is the harder test: the end shows what all of them did.
The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

from xpoll_dagster_tests.e2e.killing import CHECKOUT, How, Kill, build_killed, hashes, start

WAYS: tuple[How, How] = ("parent", "all")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--per-build", type=int, default=1)
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--product", default="all", help="what `xpoll build` is asked for")
    parser.add_argument("--library", type=Path, default=CHECKOUT / "data" / "books")
    parser.add_argument("--folder", type=Path, help="where to work; else a temporary folder")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="xpoll-kills-", dir=options.folder) as name:
        return run(options, Path(name))


def _tell(kill: Kill) -> None:
    print(
        f"kill: {kill.how:6} at {kill.seconds:6.1f} s, {kill.processes} processes, "
        f"{len(kill.stood):3d} stood, torn {len(kill.torn)}, orphans {kill.orphans} "
        f"(last gone after {kill.orphan_seconds:.2f} s), written later {len(kill.written_later)}",
        flush=True,
    )
    for what in (*kill.torn, *kill.written_later):
        print(f"    {what}")


def run(options: argparse.Namespace, folder: Path) -> int:
    began = time.monotonic()
    draw = random.Random(options.seed)
    undisturbed = folder / "undisturbed"
    shutil.copytree(options.library, undisturbed / "books")
    code = start(undisturbed, options.product).wait()
    length = time.monotonic() - began
    if code not in {0, 3}:
        print((undisturbed / "build.log").read_text(encoding="utf-8")[-3000:])
        print(f"The undisturbed build ended with {code}.")
        return 1
    reference = hashes(undisturbed)
    print(f"undisturbed: {length:.1f} s, {len(reference)} artifacts, exit {code}", flush=True)
    builds = []
    hits = 0
    while hits < options.kills:
        ways: list[How] = [
            WAYS[number % 2] for number in range(hits, min(hits + options.per_build, options.kills))
        ]
        data = folder / f"killed-{len(builds)}"
        data.mkdir()
        build = build_killed(
            options.library, data, options.product, reference, length, ways, draw, _tell
        )
        if not build.kills:
            shutil.rmtree(data)
            continue
        builds.append(build)
        hits += len(build.kills)
        print(
            f"  build {len(builds)}: exit {build.code}, {build.seconds:.1f} s, "
            f"differing {len(build.differing)}, made again {len(build.redone)}, "
            f"runs left open {len(build.alive)}",
            flush=True,
        )
        for what in (*build.differing, *build.redone):
            print(f"    {what}")
        shutil.rmtree(data)
    kills = [kill for build in builds for kill in build.kills]
    whole = [b for b in builds if b.code == code and not b.differing]
    figures = {
        "kills": len(kills),
        "kills_parent_alone": sum(kill.how == "parent" for kill in kills),
        "builds": len(builds),
        "equal": sum(len(build.kills) for build in whole),
        "torn": sum(len(kill.torn) for kill in kills),
        "redone": sum(len(build.redone) for build in builds),
        "kept": sum(len(kill.stood) for kill in kills),
        "orphans": sum(kill.orphans for kill in kills),
        "slowest_orphan_s": round(max(kill.orphan_seconds for kill in kills), 2),
        "written_later": sum(len(kill.written_later) for kill in kills),
        "runs_left_open": sum(len(build.alive) for build in builds),
        "undisturbed_s": round(length, 1),
        "seconds": round(time.monotonic() - began, 1),
    }
    print(json.dumps(figures))
    good = figures["equal"] == figures["kills"] and not any(
        figures[name] for name in ("torn", "redone", "orphans", "written_later", "runs_left_open")
    )
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
