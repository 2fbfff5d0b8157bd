"""Every knob is described, and the page of the documentation is the one that they give."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from xpoll_dagster.cli import app
from xpoll_dagster.commands.knobs import knobs, markdown
from xpoll_dagster.settings import Settings, get_settings

PAGE = Path(__file__).resolve().parents[1] / "docs" / "settings.md"


def test_every_knob_says_what_it_means() -> None:
    silent = [knob.variable for knob in knobs(Settings) if len(knob.meaning) < 10]
    assert silent == []


def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == markdown(Settings), (
        "renew it with: xpoll settings --markdown > docs/settings.md"
    )


def test_secrets_are_never_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XPOLL_OPENAI_API_KEY", "sk-very-secret")
    monkeypatch.setenv("XPOLL_OPENAI__BASE_URL", "https://me:hunter2@example.org/v1")
    get_settings.cache_clear()
    try:
        shown = CliRunner().invoke(app, ["settings"])
    finally:
        get_settings.cache_clear()
    assert shown.exit_code == 0
    assert "sk-very-secret" not in shown.output
    assert "hunter2" not in shown.output
    assert "XPOLL_OPENAI_API_KEY or OPENAI_API_KEY = set" in shown.output
