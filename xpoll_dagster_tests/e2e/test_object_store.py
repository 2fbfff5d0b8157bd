"""A library in a bucket, and machines that share nothing else: each a process and a folder."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from xpoll_dagster.defs.phases import BOOKS, PHASES
from xpoll_dagster_tests.e2e.s3_server import S3Server, running_server
from xpoll_dagster_tests.e2e.small_library import book_key, book_path, book_text, write_book

CHECKOUT = Path(__file__).resolve().parents[2]
XPOLL = [sys.executable, "-m", "xpoll_dagster.cli"]
FIRST_FOUR = range(4)
CHAIN = "book_pages,chunks,chunk_embeddings,chunk_concepts"
LINKS = "concept_links,lexical_links,semantic_links,cross_domain_pairs"
EXHAUSTIVE = bool(os.environ.get("XPOLL_TEST_EXHAUSTIVE"))
UNBUILT = {"persona_mirrors"}  # by no author but a language model
BUILD = ("build", "--assets", f"{CHAIN},{LINKS}")

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    with running_server() as started:
        yield started


class Machine:
    """A working folder of its own, and `xpoll` set to the bucket."""

    def __init__(self, server: S3Server, folder: Path, library: str = "lib") -> None:
        self.folder = folder
        kept = {name: value for name, value in os.environ.items() if name != "DAGSTER_HOME"}
        self.environment = {
            **kept,
            **server.environment(),
            "XPOLL_DATA_DIR": f"s3://{server.bucket}/{library}",
            "XPOLL_WORK_DIR": str(folder),
            "COLUMNS": "200",
        }

    def xpoll(
        self, *arguments: str, timeout: float = 600, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*XPOLL, *arguments],
            env={**self.environment, **environment},
            cwd=CHECKOUT,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
        )

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command,
            env=self.environment,
            cwd=CHECKOUT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


def _put_books(server: S3Server, library: str, numbers: Iterable[int]) -> None:
    for number in numbers:
        key = book_path(Path("books"), number).as_posix()
        server.put(f"{library}/{key}", book_text(number).encode())


def _manifests(server: S3Server, library: str) -> dict[str, dict[str, object]]:
    return {
        name.rpartition("/")[2]: json.loads(content)
        for name, content in server.objects(f"{library}/artifacts/.manifests/").items()
        if not name.endswith(".failed.json")
    }


def _hashes(manifests: Mapping[str, Mapping[str, object]]) -> dict[str, object]:
    return {name: manifest["content_hash"] for name, manifest in manifests.items()}


def _wait_for(server: S3Server, prefix: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 300
    while not server.names(prefix):
        assert process.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < deadline, f"{prefix} was never put"
        time.sleep(0.02)


def _kill(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait(30)


def test_a_machine_goes_on_where_another_was_killed_and_the_result_is_that_of_one_box(
    server: S3Server, tmp_path: Path
) -> None:
    _put_books(server, "lib", FIRST_FOUR)
    one, two = Machine(server, tmp_path / "one"), Machine(server, tmp_path / "two")

    process = one.start(*XPOLL, *BUILD)
    first = f"chunks@{book_key(0)}.json"
    _wait_for(server, f"lib/artifacts/.manifests/{first}", process)
    _kill(process)
    kept = _manifests(server, "lib")[first]
    finished = two.xpoll(*BUILD)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert "Traceback" not in finished.stdout
    shared = _manifests(server, "lib")
    assert shared[first] == kept

    # One box, with the same books in a folder.
    alone = tmp_path / "alone"
    for number in FIRST_FOUR:
        write_book(alone / "books", number)
    there = one.xpoll(*BUILD, XPOLL_DATA_DIR=str(alone))
    assert there.returncode == 0, there.stdout + there.stderr
    local = {
        file.name: json.loads(file.read_text())
        for file in (alone / "artifacts" / ".manifests").glob("*.json")
    }
    assert _hashes(shared) == _hashes(local)

    # The first machine, back again, has nothing to do.
    again = one.xpoll(*BUILD)
    assert again.returncode == 0, again.stdout + again.stderr
    assert "Reading" not in again.stdout
    assert "Building" not in again.stdout
    assert _manifests(server, "lib") == shared

    # A third machine reads how things stand and fetches no content for it.
    three = Machine(server, tmp_path / "three")
    status = three.xpoll("status")
    assert status.returncode == 0, status.stdout + status.stderr
    built = {name.partition("@")[0].removesuffix(".json") for name in shared}
    assert not [row for row in status.stdout.splitlines() if row.strip("│ ").split(" ")[0] in built]
    assert not list((tmp_path / "three" / "artifacts").rglob("*.parquet"))

    # What it makes of what others have built is the same: all that a step reads was fetched.
    forced = three.xpoll("build", "--assets", LINKS, "--force")
    assert forced.returncode == 0, forced.stdout + forced.stderr
    assert _hashes(_manifests(server, "lib")) == _hashes(shared)

    # A book that lands is read by whoever sees it first, alone.
    _put_books(server, "lib", [4])
    landed = one.xpoll(*BUILD)
    assert landed.returncode == 0, landed.stdout + landed.stderr
    reading = [line for line in landed.stdout.splitlines() if "Reading" in line]
    assert len(reading) == 1
    assert book_key(4) in reading[0]
    grown = _manifests(server, "lib")
    assert grown[first] == kept
    assert grown["lexical_links.json"] != shared["lexical_links.json"]
    unchanged = two.xpoll(*BUILD)
    assert "Building" not in unchanged.stdout
    assert _manifests(server, "lib") == grown


@pytest.mark.skipif(not EXHAUSTIVE, reason="takes ten minutes: set XPOLL_TEST_EXHAUSTIVE=1")
def test_every_product_is_made_of_what_other_machines_have_built(
    server: S3Server, tmp_path: Path
) -> None:
    for number in (0, 1):
        server.put(
            f"products/{book_path(Path('books'), number).as_posix()}", book_text(number, 8).encode()
        )
    one, two = (Machine(server, tmp_path / name, "products") for name in ("one", "two"))
    built = one.xpoll("build", "all", timeout=1200)
    assert built.returncode == 0, built.stdout + built.stderr
    before = _manifests(server, "products")
    made = {name.partition("@")[0].removesuffix(".json") for name in before}
    later = PHASES[PHASES.index(BOOKS) + 1 :]
    assert made >= {step for phase in (BOOKS, *later) for step in phase.steps} - UNBUILT

    def build_anew(steps: Sequence[str]) -> None:
        # By a machine that has nothing: all that a step reads must be fetched.
        shutil.rmtree(two.folder, ignore_errors=True)
        forced = two.xpoll("build", "--assets", ",".join(steps), "--force")
        assert forced.returncode == 0, (steps, forced.stdout + forced.stderr)

    sources = ("instruct_source",)
    for phase in later:
        if phase.steps != sources and phase.partitioned_by != "book":
            build_anew([step for step in phase.steps if step in made])
    assert _hashes(_manifests(server, "products")) == _hashes(before)
    # Where a source's repeats lie depends on which sources there were; its rows do not.
    build_anew(sources)
    after = _manifests(server, "products")
    rebuilt = [name for name in after if name.startswith(sources)]
    assert len(rebuilt) > 2
    assert [after[name]["numbers"] for name in rebuilt] == [
        before[name]["numbers"] for name in rebuilt
    ]


WRITES = """
import sys
from pathlib import Path
from xpoll_dagster.defs.places import open_store
from xpoll_dagster.settings import get_settings

def fill(folder: Path) -> None:
    for number in range(int(sys.argv[2])):
        (folder / f"{number:03}.bin").write_bytes(sys.argv[1].encode() * 20_000)

open_store(get_settings()).write_folder("big", None, fill, version=sys.argv[1], inputs={})
"""


@pytest.mark.parametrize("after", [1, 20, 100])
def test_an_upload_that_is_killed_is_seen_by_nobody(
    after: int, server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = f"killed-{after}"
    one = Machine(server, tmp_path / "one", library)
    two = Machine(server, tmp_path / "two", library)
    write = [sys.executable, "-c", WRITES]
    subprocess.run([*write, "old", "2"], env=one.environment, cwd=CHECKOUT, check=True)
    before = set(server.names(f"{library}/artifacts/"))

    process = one.start(*write, "new", "400")  # files
    deadline = time.monotonic() + 120
    while len(set(server.names(f"{library}/artifacts/big/")) - before) < after:
        assert process.poll() is None, "the upload was over before it could be killed"
        assert time.monotonic() < deadline
    _kill(process)
    left = set(server.names(f"{library}/artifacts/")) - before
    assert after <= len(left) < 400

    for name, value in two.environment.items():
        monkeypatch.setenv(name, value)
    from xpoll_dagster.defs.places import open_store
    from xpoll_dagster.settings import Settings
    from xpoll_dagster.storage import shared

    store = open_store(Settings())
    seen = store.get("big", suffix="")
    assert seen is not None
    assert seen.version == "old"
    assert sorted(file.name for file in seen.path.iterdir()) == ["000.bin", "001.bin"]

    subprocess.run([*write, "new", "3"], env=one.environment, cwd=CHECKOUT, check=True)
    path = store.content("big", suffix="")
    assert {file.name: file.read_bytes()[:3] for file in path.iterdir()} == {
        f"{number:03}.bin": b"new" for number in range(3)
    }
    monkeypatch.setattr(shared, "UNNAMED_SECONDS", -1.0)
    assert store.sweep(-1.0) == len(left) + 2  # the torn upload and the two of the old version
    assert len(server.names(f"{library}/artifacts/")) == 3 + 1


def test_each_kind_of_store_that_cannot_be_used_is_one_sentence(
    server: S3Server, tmp_path: Path
) -> None:
    with running_server() as other:
        gone = other.endpoint
    cases = {
        "refuses access": {"AWS_SECRET_ACCESS_KEY": "geheim-and-wrong"},
        "refuses access: check the key": {"AWS_ACCESS_KEY_ID": "AKIAGEHEIMANDWRONG00"},
        "There is no key for": {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""},
        "make its bucket": {"XPOLL_DATA_DIR": "s3://no-such-bucket/lib"},
        "does not answer": {"AWS_ENDPOINT_URL": gone},
        "holds no key": {"XPOLL_DATA_DIR": "s3://geheim@library/lib"},
        "not installed": {"XPOLL_DATA_DIR": "gs://library/lib"},
    }
    for number, (sentence, environment) in enumerate(cases.items()):
        machine = Machine(server, tmp_path / str(number))
        machine.environment |= environment
        said = machine.xpoll("build" if number % 2 else "status")
        shown = said.stdout + said.stderr
        assert said.returncode == 1, (sentence, shown)
        assert sentence in said.stdout, (sentence, shown)
        assert len(said.stdout.strip().splitlines()) == 1, (sentence, shown)
        assert "Traceback" not in shown, sentence
        for secret in ("geheim", "GEHEIM", server.secret):
            assert secret not in shown, sentence
