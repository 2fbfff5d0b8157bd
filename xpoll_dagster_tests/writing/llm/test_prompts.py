"""Prompt files: what they hold, how a user's folder changes them, and what is wrong with them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from xpoll_dagster.writing.engines.model import Sampling
from xpoll_dagster.writing.llm.options import LLMOptions, SamplingChange
from xpoll_dagster.writing.llm.prompts import PromptError, PromptLibrary, sampling_of

ALL = {
    "paraphrase": ["long", "medium", "short"],
    "ask": ["questions"],
    "bridge": ["dialogue", "expository", "link", "qa"],
    "mirror": ["reply"],
    "judge": ["bridge", "probe", "question"],
}


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_every_task_has_its_prompts() -> None:
    library = PromptLibrary()
    assert {task: library.styles(task) for task in ALL} == ALL
    digests = {library.get(task, style).sha256 for task, styles in ALL.items() for style in styles}
    assert len(digests) == sum(map(len, ALL.values()))
    assert all(re.fullmatch(r"[0-9a-f]{64}", digest) for digest in digests)


def test_a_users_file_adds_a_style_and_replaces_one(tmp_path: Path) -> None:
    text = (
        "---\nmax_tokens: 99\nlength: [0.5, 2]\n---\n## user\nSay it in verse: {{ source.text }}\n"
    )
    write(tmp_path, "paraphrase/verse.md.j2", text)
    write(tmp_path, "paraphrase/short.md.j2", "## user\nShort: {{ source.text }}")
    own, package = PromptLibrary(tmp_path), PromptLibrary()
    assert own.styles("paraphrase") == ["long", "medium", "short", "verse"]
    verse = own.get("paraphrase", "verse")
    assert verse.fill({"source": {"text": "abc"}})[0].content == "Say it in verse: abc"
    assert verse.settings.max_tokens == 99
    assert verse.settings.length == (0.5, 2)
    assert own.get("paraphrase", "short").sha256 != package.get("paraphrase", "short").sha256
    assert own.get("paraphrase", "long").sha256 == package.get("paraphrase", "long").sha256


def test_hash_covers_what_a_file_includes(tmp_path: Path) -> None:
    before = PromptLibrary().get("paraphrase", "long").sha256
    write(tmp_path, "shared/paraphrase_rules.md.j2", "- Be brief.\n")
    changed = PromptLibrary(tmp_path)
    assert changed.get("paraphrase", "long").sha256 != before
    assert changed.get("ask", "questions").sha256 == PromptLibrary().get("ask", "questions").sha256


def test_sampling_in_its_order(tmp_path: Path) -> None:
    write(tmp_path, "ask/questions.md.j2", "---\nmax_tokens: 300\n---\n## user\nAsk.")
    prompt = PromptLibrary(tmp_path).get("ask", "questions")
    assert sampling_of(prompt, LLMOptions()) == Sampling(
        temperature=0.3, top_p=0.95, max_tokens=300
    )
    options = LLMOptions(
        sampling={
            "ask": SamplingChange(temperature=0.9, max_tokens=7),
            "ask/questions": SamplingChange(top_p=0.5),
        }
    )
    assert sampling_of(prompt, options) == Sampling(temperature=0.9, top_p=0.5, max_tokens=300)


@pytest.mark.parametrize("name", ["paint", "ask/", "ask/../x", ""])
def test_sampling_of_an_unknown_task_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="Sampling is set for"):
        LLMOptions(sampling={name: SamplingChange(temperature=1.0)})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("no part at all", "needs one line '## user'"),
        ("## user\na\n## user\nb", "needs one line '## user'"),
        ("---\ntemprature: 1\n---\n## user\na", "head of the prompt ask/questions.md.j2"),
        ("---\nlength: [2, 1]\n---\n## user\na", "smaller one first"),
        ("---\n: : [\n---\n## user\na", "is no YAML"),
        ("## user\n{% if %}", "broken in line 2"),
        ("## user\n{{ nothing_here }}", "'nothing_here' is undefined. It may use mark, source"),
        ("## user\n{{ source.texxt }}", "cannot be filled"),
        ("## user\n{{ ''.__class__.__mro__ }}", "cannot be filled"),
        ("## user\n{{ source.clear() }}", "cannot be filled"),
        ("## user\n{{ 1 / 0 }}", "cannot be filled"),
        ("## user\n{% include 'shared/nowhere.md.j2' %}", "which is not there"),
        ("## user\n{% include '../../etc/passwd' %}", "is no name of a prompt file"),
        ("## user\n{% include source.text %}", "by an expression"),
        ("## user\n   \n", "empty user part"),
        ("## user\n" + "x" * 70_000, "larger than 64 kB"),
    ],
)
def test_broken_prompts_say_what_is_wrong(tmp_path: Path, text: str, says: str) -> None:
    write(tmp_path, "ask/questions.md.j2", text)
    with pytest.raises(PromptError, match=re.escape(says)):
        PromptLibrary(tmp_path).get("ask", "questions").fill({"source": {"text": "t"}})


def test_files_outside_the_folder_are_not_read(tmp_path: Path) -> None:
    outside = write(tmp_path, "outside.txt", "## user\nsecret")
    folder = tmp_path / "prompts"
    (folder / "ask").mkdir(parents=True)
    (folder / "ask/questions.md.j2").symlink_to(outside)
    with pytest.raises(PromptError, match="link out of the folder"):
        PromptLibrary(folder).get("ask", "questions")
    with pytest.raises(PromptError, match="is not there"):
        PromptLibrary(tmp_path / "missing")


def test_no_such_style_names_those_there_are() -> None:
    with pytest.raises(ValueError, match="there is long, medium, short"):
        PromptLibrary().get("paraphrase", "limerick")
