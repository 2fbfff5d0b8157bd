"""Prompts answered in the voice of a persona, whose description is the system prompt."""

from __future__ import annotations

from functools import partial

from xpoll_dagster.writing.completion.structured import Job, Structured
from xpoll_dagster.writing.gates.ending import broken_off
from xpoll_dagster.writing.llm.data import harmless
from xpoll_dagster.writing.llm.options import LLMOptions
from xpoll_dagster.writing.llm.outcome import origin_of, problems_of
from xpoll_dagster.writing.llm.prompts import Prompt, sampling_of
from xpoll_dagster.writing.model import Persona, Reply

COPIED = "The answer repeats the prompt"
HANGING = "The answer breaks off"
REASONS = {COPIED, HANGING}


def mirror_job(text: str, persona: Persona, prompt: Prompt, options: LLMOptions) -> Job[str]:
    """The job of one prompt in one voice.

    The prompt is what the model shall answer, so it is not marked off as data; its control
    tokens are broken all the same.
    """
    asked = harmless(text).strip()
    messages = prompt.fill({"persona": harmless(persona.description).strip(), "prompt": asked})
    return Job(messages, None, sampling_of(prompt, options), partial(_fault, asked=asked))


def _fault(text: str, asked: str) -> str | None:
    if " ".join(text.split()) == " ".join(asked.split()):
        return f"{COPIED}: answer it."
    # An answer may be a number, a word or code: only what visibly hangs is unfinished.
    end = broken_off(text)
    return None if end in ("", "no terminal punctuation") else f"{HANGING}: {end}."


def read_reply(
    prompt_id: str, persona: Persona, prompt: Prompt, model: str, result: Structured[str]
) -> Reply:
    """The reply that came of a job."""
    return Reply(
        prompt_id,
        persona.name,
        result.value or "",
        origin_of(model, prompt.sha256, result),
        problems_of(result, REASONS),
    )
