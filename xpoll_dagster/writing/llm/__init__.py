"""The author that asks a language model: prompts in files, forms of answers, and a judge.

Which model answers, and how, is the engine's concern; whether a text is good, the gates'.
"""

from xpoll_dagster.writing.llm.author import LLMAuthor
from xpoll_dagster.writing.llm.judge import judge_bridges, judge_questions
from xpoll_dagster.writing.llm.options import JudgeOptions, LLMOptions, SamplingChange
from xpoll_dagster.writing.llm.prompts import Prompt, PromptError, PromptLibrary

__all__ = [
    "JudgeOptions",
    "LLMAuthor",
    "LLMOptions",
    "Prompt",
    "PromptError",
    "PromptLibrary",
    "SamplingChange",
    "judge_bridges",
    "judge_questions",
]
