"""Completions as trainers pass them, made by hand."""

from __future__ import annotations

import json
from typing import Any


def call(query: str) -> dict[str, Any]:
    function = {"name": "search", "arguments": {"query": query}}
    return {
        "role": "assistant",
        "content": "",
        "tool_calls": [{"type": "function", "function": function}],
    }


def returned(*ids: str) -> dict[str, Any]:
    results = [{"id": name, "chunk_id": name.split("/")[0], "text": "…"} for name in ids]
    return {"role": "tool", "name": "search", "content": json.dumps({"results": results})}


def said(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": text}


def answered(text: str) -> dict[str, Any]:
    return said(f"<answer>{text}</answer>")
