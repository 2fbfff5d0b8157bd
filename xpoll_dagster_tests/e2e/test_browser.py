"""A person's day in a real browser: lineage, a book materialised, its metadata, a failed check.

The two pictures of the README come from here: XPOLL_SCREENSHOTS names the folder for them.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

CHECKOUT = Path(__file__).resolve().parents[2]
SAMPLES = CHECKOUT / "data" / "books"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""
DAMAGED = "history--damaged"

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(not CHROMIUM, reason="Debian's package chromium is not installed"),
]


def _damaged_book() -> bytes:
    chapters = [
        f"CHAPTER {number}\n\nThe towns of this time, Zürich and Besançon, Málaga and Orléans, "
        f"kept their markets on the roads, and the {number} gates were closed at night.\n\n"
        for number in range(1, 60)
    ]
    text = "".join(chapters).encode()
    place = text.index(b"markets")
    return text[:place] + b"\xff" + text[place + 1 :]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("browser")
    for domain in ("astronomy", "biology", "history"):
        shutil.copytree(SAMPLES / domain, folder / "books" / domain)
    return folder


@pytest.fixture(scope="module")
def address(library: Path) -> Iterator[str]:
    """Two built books, one new and damaged one, and the UI on a free port."""
    environment = {name: value for name, value in os.environ.items() if name != "DAGSTER_HOME"} | {
        "XPOLL_DATA_DIR": str(library),
        "XPOLL_AUTOMATION__INTERVAL_SECONDS": "5",
        "XPOLL_AUTOMATION__SETTLE_SECONDS": "1",
    }
    xpoll = [sys.executable, "-m", "xpoll_dagster.cli"]
    subprocess.run([*xpoll, "build"], env=environment, cwd=CHECKOUT, check=True, timeout=840)
    (library / "books" / "history" / "damaged.txt").write_bytes(_damaged_book())
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = library / "dev.log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            [*xpoll, "dev", "--port", str(port)],
            env=environment,
            cwd=CHECKOUT,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_for_server(url, server, log)
        yield url
    finally:
        os.killpg(server.pid, signal.SIGINT)
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)


def _wait_for_server(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(180):
        assert server.poll() is None, log.read_text(encoding="utf-8")[-2000:]
        try:
            with urllib.request.urlopen(f"{url}/server_info", timeout=5):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(1)
    pytest.fail(f"The UI did not start: {log.read_text(encoding='utf-8')[-2000:]}")


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    from playwright.sync_api import expect, sync_playwright

    quiet = [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--disable-quic",
        "--no-first-run",
    ]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=quiet)
        page = browser.new_page(viewport={"width": 1500, "height": 950})
        page.set_default_timeout(60_000)
        expect.set_options(timeout=60_000)
        yield page
        browser.close()


def _keep(page: Page, name: str) -> None:
    folder = os.environ.get("XPOLL_SCREENSHOTS")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=Path(folder) / f"{name}.png")


def _reload_until(page: Page, url: str, text: str) -> None:
    """Open a page again and again until it shows what the daemon has yet to do."""
    from playwright.sync_api import expect

    deadline = time.monotonic() + 300
    page.goto(url)
    while time.monotonic() < deadline and not page.get_by_text(text).count():
        page.wait_for_timeout(4000)
        page.goto(url)
        page.wait_for_timeout(3000)
    expect(page.get_by_text(text).first).to_be_visible()


def test_the_lineage_shows_every_group(page: Page, address: str) -> None:
    from playwright.sync_api import expect

    page.goto(f"{address}/asset-groups")
    for group in ("books", "linking", "sft"):
        expect(page.get_by_text(group, exact=True).first).to_be_visible()
    page.goto(f"{address}/locations/xpoll/asset-groups/linking/lineage")
    for asset in ("concept_links", "lexical_links", "semantic_links", "cross_domain_pairs"):
        expect(page.get_by_text(asset, exact=True).first).to_be_visible()
    page.wait_for_timeout(3000)  # the graph moves into place
    _keep(page, "lineage")


def test_the_sensor_is_switched_on_with_one_click_and_finds_the_new_book(
    page: Page, address: str
) -> None:
    from playwright.sync_api import expect

    page.goto(f"{address}/assets/book_pages?view=partitions")
    expect(page.get_by_text("astronomy--measuring-the-heavens").first).to_be_visible()
    expect(page.get_by_text(DAMAGED)).to_have_count(0)
    page.goto(f"{address}/automation")
    expect(page.get_by_text("new_textbooks").first).to_be_visible()
    # By name: the table is virtual, so the order of its rows in the page is not that on the screen.
    row = page.locator("[class*='ListItem_listItem']").filter(has_text="new_textbooks")
    switch = row.locator("label[class*='formatSwitch']")
    switch.click()
    expect(switch.locator("input")).to_be_checked()
    _reload_until(page, f"{address}/assets/book_pages?view=partitions", DAMAGED)


def test_a_book_is_materialised_and_read_about(page: Page, address: str, library: Path) -> None:
    from playwright.sync_api import expect

    partition = f"{address}/assets/chunks?view=partitions&partition={DAMAGED}"
    page.goto(partition)
    page.get_by_role("button", name="Materialize").first.click()
    page.get_by_role("button", name="Launch 1 run").click()
    # The page has columns of this name for other books too: the book's own file tells.
    built = library / "artifacts" / "chunks" / f"{DAMAGED}.parquet"
    deadline = time.monotonic() + 400
    while time.monotonic() < deadline and not built.is_file():
        page.wait_for_timeout(1000)
    assert built.is_file(), (library / "dev.log").read_text(encoding="utf-8")[-4000:]
    _reload_until(page, partition, "Latest materialization")
    expect(page.get_by_text("n_chunks").first).to_be_visible()
    page.goto(f"{address}/assets/chunks?view=partitions&partition=astronomy--measuring-the-heavens")
    expect(page.get_by_text("n_chunks").first).to_be_visible()
    picture = page.locator("img[src^='data:image/png']").first
    if not picture.is_visible():
        page.get_by_text("Show Markdown").first.click()
        picture = page.locator("img[src^='data:image/png']").first
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.naturalWidth") > 100
    _keep(page, "book")


def test_a_failed_check_says_why(page: Page, address: str) -> None:
    from playwright.sync_api import expect

    checks = f"{address}/assets/book_pages?view=checks&checkDetail=pages_were_readable"
    _reload_until(page, checks, "characters are damaged")
    expect(page.get_by_text("pages_were_readable").first).to_be_visible()
