"""The report in a real browser, opened as a file, with hostile text in every part of it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from xpoll_dagster.report import write_report
from xpoll_dagster_tests.report.library import HOSTILE, make_sources

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""
_QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
]

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM, reason="Debian's package chromium is not installed"),
]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    write_report(folder, make_sources(folder))
    return folder / "index.html"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    from playwright.sync_api import expect, sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=_QUIET)
        expect.set_options(timeout=30_000)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, report: Path) -> Iterator[Page]:
    """The page, opened from the disk; it may say nothing on the console and ask for nothing."""
    page = browser.new_page(viewport={"width": 1300, "height": 900})
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(report.as_uri())
    page.locator("html[data-ready]").wait_for()
    yield page
    assert page.title() == "Cross-pollination report"
    assert said == []
    assert asked == [report.as_uri()]
    page.close()


def test_no_text_of_a_book_acts(page: Page) -> None:
    assert page.locator("img, iframe, object").count() == 0
    assert page.locator("script:not([type])").count() == 1
    assert page.get_by_text(HOSTILE).count() > 3


def test_not_even_the_page_s_own_script_could_make_markup_of_a_text(
    browser: Browser, report: Path
) -> None:
    page = browser.new_page()
    page.goto(report.as_uri())
    refused = page.evaluate(
        "() => { try { document.body.innerHTML = '<p>x</p>'; return false; }"
        " catch (error) { return error instanceof TypeError; } }"
    )
    assert refused
    page.close()


def test_search_finds_a_row_by_the_beginning_of_a_word(page: Page) -> None:
    from playwright.sync_api import expect

    page.keyboard.press("/")
    page.keyboard.type("lesson number 7 longi")
    expect(page.locator("#search-status")).to_have_text("1 result.")
    result = page.locator("#search-results li")
    expect(result).to_contain_text("Longitude lesson number 7.")
    expect(result.locator("mark").first).to_have_text("Longitude")
    result.get_by_text("The whole row").click()
    expect(result).to_contain_text("row07")
    page.locator("#search-words").fill("longitude syzygy")
    expect(page.locator("#search-status")).to_have_text(
        "Nothing has all 2 words; 10 results have 1 of them."
    )
    page.locator("#search-words").fill("syzygy")
    expect(page.locator("#search-status")).to_have_text("Nothing found.")


def test_search_looks_where_it_is_told(page: Page) -> None:
    from playwright.sync_api import expect

    page.locator("#search-words").fill("instrument")
    expect(page.locator("#search-status")).to_have_text("4 results.")
    page.locator("#search-results summary").first.click()
    expect(page.locator("#search-results .side mark").first).to_have_text("The chronometer")
    page.locator("#search-kind").select_option("rows")
    expect(page.locator("#search-status")).to_have_text("Nothing found.")


def test_a_pair_shows_both_passages_and_what_they_share(page: Page) -> None:
    from playwright.sync_api import expect

    expect(page.locator("#pairs-status")).to_have_text("12 pairs.")
    page.locator("#pairs-signal").select_option("concept")
    expect(page.locator("#pairs-status")).to_have_text("6 pairs.")
    page.locator("#pairs-words").fill("line 3")
    expect(page.locator("#pairs-status")).to_have_text("1 pair.")
    sides = page.locator("article.pair .side")
    expect(sides.nth(0)).to_contain_text("while the Moon moves on")
    expect(sides.nth(0).locator("mark")).to_have_text("chronometer")
    expect(sides.nth(1)).to_contain_text("Captains trusted")
    expect(sides.nth(1).locator("mark")).to_have_text("chronometers")


def test_pairs_turn_pages(page: Page) -> None:
    from playwright.sync_api import expect

    pages = page.locator("#pairs-pages")
    expect(pages).to_contain_text("Page 1 of 3")
    expect(pages.get_by_role("button", name="Previous")).to_be_disabled()
    pages.get_by_role("button", name="Next").click()
    expect(pages).to_contain_text("Page 2 of 3")
    expect(page.locator("article.pair")).to_have_count(5)


def test_the_map_tells_what_is_under_the_pointer_and_opens_its_pair(page: Page) -> None:
    from playwright.sync_api import expect

    canvas = page.locator("#map-canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box
    x = y = 0.0
    found = False
    for step in range(400):
        x = box["x"] + box["width"] * (0.2 + 0.6 * (step % 20) / 20)
        y = box["y"] + box["height"] * (0.1 + 0.8 * (step // 20) / 20)
        page.mouse.move(x, y)
        if (
            page.locator("#map-tip").is_visible()
            and "In 1 pair" in page.locator("#map-tip").inner_text()
        ):
            found = True
            break
    assert found
    page.mouse.click(x, y)
    panel = page.locator("#map-passage")
    expect(panel).to_contain_text("1 pair")
    panel.get_by_role("button").click()
    expect(page.locator("article.pair")).to_have_count(1)


def test_the_map_works_by_keyboard(page: Page) -> None:
    from playwright.sync_api import expect

    page.locator("#map-canvas").focus()
    before = page.locator("#map-canvas").screenshot()
    for key in ("+", "+", "ArrowLeft", "Enter"):
        page.keyboard.press(key)
    expect(page.locator("#map-passage")).to_contain_text("Chunk")
    assert page.locator("#map-canvas").screenshot() != before


def test_a_domain_can_be_taken_off_the_map(page: Page) -> None:
    from playwright.sync_api import expect

    before = page.locator("#map-canvas").screenshot()
    button = page.locator("#map-legend").get_by_role("button", name="history")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "false")
    page.wait_for_timeout(100)
    assert page.locator("#map-canvas").screenshot() != before


def test_rejected_texts_have_their_reasons(page: Page) -> None:
    from playwright.sync_api import expect

    page.locator("#rejected-kind").select_option("paraphrases")
    expect(page.locator("#rejected-status")).to_have_text("3 examples.")
    first = page.locator("#rejected-list article").first
    expect(first).to_contain_text("leaves out numbers")
    expect(first).to_contain_text("Nothing was written.")
    first.get_by_text("The model’s whole answer").click()
    expect(first).to_contain_text(HOSTILE)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(browser: Browser, report: Path, scheme: str) -> None:
    """Contrast of at least 4.5 (WCAG 2.2, 1.4.3) for text, links, marks and reasons."""
    page = browser.new_page(color_scheme=scheme)  # type: ignore[arg-type]
    page.goto(report.as_uri())
    page.locator("html[data-ready]").wait_for()
    root = "getComputedStyle(document.documentElement)"
    for ink, ground in (
        ("--ink", "--page"),
        ("--soft", "--page"),
        ("--soft", "--sheet"),
        ("--accent", "--page"),
        ("--accent", "--sheet"),
        ("--mark-ink", "--mark"),
        ("--bad", "--sheet"),
    ):
        colours = page.evaluate(
            f"([a, b]) => [a, b].map((name) => {root}.getPropertyValue(name).trim())", [ink, ground]
        )
        assert _contrast(*colours) >= 4.5, (scheme, ink, ground)
    page.close()


def _contrast(first: str, second: str) -> float:
    lighter, darker = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    channels = [int(part, 16) / 255 for part in re.findall("[0-9a-f]{2}", colour)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_a_phone_shows_it_without_scrolling_sideways(browser: Browser, report: Path) -> None:
    page = browser.new_page(viewport={"width": 360, "height": 740})
    page.goto(report.as_uri())
    page.locator("html[data-ready]").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.close()


def test_nothing_moves_while_the_page_opens(browser: Browser, report: Path) -> None:
    page = browser.new_page(viewport={"width": 1300, "height": 900})
    page.goto(report.as_uri())
    page.locator("html[data-ready]").wait_for()
    shift = page.evaluate(
        """() => new Promise((done) => {
          let sum = 0;
          new PerformanceObserver((list) => {
            for (const entry of list.getEntries()) sum += entry.value;
          }).observe({ type: "layout-shift", buffered: true });
          setTimeout(() => done(sum), 500);
        })"""
    )
    assert shift < 0.01
    page.close()
