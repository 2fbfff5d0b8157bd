"""Which server of OpenAI's API completes chats, and how patiently it is asked."""

from __future__ import annotations

from typing import Any, Literal, Self
from urllib.parse import unquote, urlsplit, urlunsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

OWN_FIELDS = frozenset({"messages", "model", "stream", "stream_options", "n", "response_format"})
"""Fields of a request that the engine itself sets, or whose answers it could not read."""


class OpenAIOptions(BaseModel):
    """A server that speaks OpenAI's chat completions API, and how it is asked.

    vLLM (`vllm serve`), Ollama, llama.cpp and vendors all speak it. The key is no option: it
    is passed to the engine by itself, so that options may be printed and stored.
    `user:password@` in `base_url` is moved to `basic_auth`, where it is not printed either.
    """

    # Errors must not show their input: it may be a URL with a password in it.
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    base_url: str = Field(
        default="http://127.0.0.1:8000/v1",
        description="Where the server stands, up to and with `/v1`.",
    )
    model: str = Field(
        default="Qwen/Qwen3-4B-Instruct-2507",
        min_length=1,
        description="Name of the model as the server knows it.",
    )
    revision: str = Field(
        default="",
        description="What else tells this model from others of its name (quantisation, adapter, "
        "date): completions are kept apart by it.",
    )
    basic_auth: SecretStr | None = Field(
        default=None,
        description="`user:password` for a server behind HTTP basic authentication, in place of "
        "a key.",
    )
    headers: dict[str, SecretStr] = Field(
        default={}, description="Further HTTP headers of every request; never printed."
    )
    organization: str = Field(default="", description="OpenAI-Organization header, if any.")
    project: str = Field(default="", description="OpenAI-Project header, if any.")
    extra_body: dict[str, Any] = Field(
        default={},
        description="Further fields of every request, for what one server knows and others do "
        'not: {"top_k": 20}, {"chat_template_kwargs": {"enable_thinking": false}}.',
    )
    structured: Literal["json_schema", "json_object", "plain"] = Field(
        default="json_schema",
        description="How a schema is asked for at first. Where the server refuses, the next one "
        "is tried: `response_format` with the schema; `response_format` for any JSON, the schema "
        "standing in the prompt; the prompt alone.",
    )
    concurrency: int = Field(
        default=32,
        ge=1,
        le=4096,
        description="Requests at once, at most: halved when the server is overloaded (429, 5xx), "
        "grown again by one per round of answers.",
    )
    connect_timeout_s: float = Field(default=10, gt=0, description="To reach the server.")
    request_timeout_s: float = Field(
        default=600, gt=0, description="From sending one request to the end of its answer."
    )
    max_retries: int = Field(
        default=8,
        ge=0,
        le=100,
        description="How often one request is sent again. A refusal for want of capacity (429, "
        "503, 529) counts only while the server answers nobody else either.",
    )
    max_empty_retries: int = Field(
        default=2, ge=0, le=100, description="How often a request with an empty answer is repeated."
    )
    backoff_s: float = Field(
        default=0.5,
        gt=0,
        description="Wait before the first retry; doubled each time, with up to half of it taken "
        "off at random.",
    )
    longest_backoff_s: float = Field(default=60, gt=0, description="Longest such wait.")
    longest_wait_s: float = Field(
        default=600,
        gt=0,
        description="Longest Retry-After that is waited for; beyond it, the run ends.",
    )
    max_response_bytes: int = Field(
        default=16 * 2**20, ge=1024, description="Bytes of one answer; a longer one is cut off."
    )
    use_batch_api: bool = Field(
        default=False,
        description="Hand the requests in as a batch (/v1/batches: cheaper, within a day) instead "
        "of asking one by one; a later run collects the answers.",
    )
    batch_wait_s: float = Field(
        default=0, ge=0, description="How long a run waits for its batches before it ends."
    )
    batch_poll_s: float = Field(default=30, gt=0, description="Time between looks at a batch.")
    batch_max_requests: int = Field(
        default=50_000, ge=1, le=50_000, description="Requests in one batch."
    )
    batch_max_bytes: int = Field(
        default=190 * 10**6, ge=10_000, description="Bytes of one batch's file of requests."
    )
    batch_max_output_bytes: int = Field(
        default=4 * 2**30, ge=1024, description="Bytes of one batch's file of answers."
    )
    batch_tries: int = Field(
        default=3, ge=1, le=20, description="Batches that one request may fail or expire in."
    )

    @model_validator(mode="before")
    @classmethod
    def _separate_password(cls, values: Any) -> Any:
        if not isinstance(values, dict) or not isinstance(values.get("base_url"), str):
            return values
        parts = urlsplit(values["base_url"])
        userinfo, at, host = parts.netloc.rpartition("@")
        if not at:
            return values
        if values.get("basic_auth") is not None:
            raise ValueError("Set basic_auth or put user:password into base_url, not both.")
        url = urlunsplit(parts._replace(netloc=host))
        return {**values, "base_url": url, "basic_auth": SecretStr(unquote(userinfo))}

    @field_validator("base_url")
    @classmethod
    def _plain_address(cls, value: str) -> str:
        parts = urlsplit(value.strip())
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("base_url must read http://host/v1 or https://host/v1.")
        if parts.query or parts.fragment:
            raise ValueError("base_url may hold no `?` or `#`; pass secrets as headers.")
        if "@" in value:
            raise ValueError("Percent-encode `/`, `?`, `#` and `@` in the password of base_url.")
        return value.strip().rstrip("/")

    @field_validator("extra_body")
    @classmethod
    def _only_extra_fields(cls, value: dict[str, Any]) -> dict[str, Any]:
        if own := sorted(OWN_FIELDS.intersection(value)):
            raise ValueError(f"extra_body may not set {', '.join(own)}.")
        return value

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        names = {name.lower() for name in self.headers}
        if self.basic_auth is not None and "authorization" in names:
            raise ValueError("Set basic_auth or the header Authorization, not both.")
        return self
