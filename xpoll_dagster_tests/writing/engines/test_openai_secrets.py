"""Keys and passwords stand in no error, log or representation."""

from __future__ import annotations

import logging
import traceback

import pytest
from pydantic import SecretStr, ValidationError

from xpoll_dagster.writing.engines.model import EngineError
from xpoll_dagster.writing.engines.openai import OpenAIEngine
from xpoll_dagster.writing.engines.options import OpenAIOptions
from xpoll_dagster_tests.writing.engines.asking import chats, complete, options
from xpoll_dagster_tests.writing.engines.fault_server import (
    WRONG_JSON,
    Fault,
    FaultServer,
    always,
)

KEY = "sk-very-secret-1234567890"


class TestSecrets:
    def test_no_secret_in_errors_logs_or_representations(self, caplog: pytest.LogCaptureFixture):
        caplog.set_level(logging.DEBUG)
        texts: list[str] = []
        for fault in (Fault(500, cut=True), Fault(400), Fault(status=403), WRONG_JSON, None):
            with FaultServer(always(fault) if fault else None, key="other") as server:
                if fault:
                    server.key = KEY
                engine = OpenAIEngine(
                    options(server, headers={"x-token": SecretStr("token-abcdef")}, max_retries=1),
                    SecretStr(KEY),
                )
                with pytest.raises(EngineError) as caught:
                    engine.complete(chats(*range(2)))
                texts += [repr(engine), repr(engine.options), str(engine.identity)]
                texts.append(engine.options.model_dump_json())
                error: BaseException | None = caught.value
                lines = traceback.TracebackException.from_exception(
                    caught.value, capture_locals=True
                )
                texts += lines.format()
                while error is not None:
                    texts += [repr(error), repr(vars(error))]
                    error = error.__cause__ or error.__context__
        seen = "\n".join([*texts, caplog.text])
        assert "[secret]" in seen  # the server repeated the key
        assert KEY not in seen
        assert "token-abcdef" not in seen

    def test_user_and_password_in_the_address(self):
        with FaultServer() as server:
            url = server.base_url.replace("http://", "http://user:p%40ss-word@")
            engine = OpenAIEngine(options(url))
            engine.complete(chats(0))
            headers = server.calls[0].headers
        assert headers["authorization"] == "Basic dXNlcjpwQHNzLXdvcmQ="
        texts = f"{engine!r} {engine.options!r} {engine.options.model_dump_json()}"
        assert "ss-word" not in texts
        assert engine.options.base_url == server.base_url

    @pytest.mark.parametrize("url", ["ftp://u:hunter22@h/v1", "http://u:hun/ter22@h/v1",
                                     "http://h/v1?key=hunter22"])  # fmt: skip
    def test_errors_of_options_hide_their_input(self, url: str):
        with pytest.raises(ValidationError) as caught:
            OpenAIOptions(base_url=url)
        assert "ter22" not in str(caught.value)
        assert "ter22" not in repr(caught.value)

    def test_a_key_with_a_line_break(self):
        with FaultServer() as server, pytest.raises(EngineError, match="does not allow") as caught:
            OpenAIEngine(options(server), SecretStr("sk-a\r\nx-evil: 1")).complete(chats(0))
        assert "evil" not in str(caught.value)

    def test_nothing_is_read_from_the_environment(self, monkeypatch: pytest.MonkeyPatch):
        for name in ("OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_ADMIN_KEY"):
            monkeypatch.setenv(name, "from-the-environment")
        monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
        monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "authorization: from-the-environment")
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
        with FaultServer() as server:
            complete(server)
        assert "from-the-environment" not in str(server.calls[0].headers)
