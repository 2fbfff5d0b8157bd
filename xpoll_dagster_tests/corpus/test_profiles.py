"""Profiles: the shipped ones, and what wrong ones are told."""

from pathlib import Path

import pytest

from xpoll_dagster.corpus.model import CATEGORIES, SourceError
from xpoll_dagster.corpus.profiles import ProfileSources, load_profile, load_profiles

SHIPPED = Path(__file__).parents[2] / "data" / "corpus" / "profiles"


def test_the_shipped_profiles():
    profiles = load_profiles(SHIPPED)
    assert set(profiles) == {
        "claude_behavior",
        "chatgpt_behavior",
        "deepseek_search",
        "code_debugging",
        "esoteric_studies",
    }
    for name, profile in profiles.items():
        assert abs(sum(profile.weights.values()) - 1) < 1e-9, name
        assert profile.max_total == (800_000 if name == "code_debugging" else 1_200_000)
        exceptions = {"code"} if name == "code_debugging" else set()
        assert set(profile.category_share_exceptions) == exceptions
        assert all(profile.share_limit(c) <= 0.45 for c in set(CATEGORIES) - exceptions)
        assert profile.description


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("weights: {poetry: 1}", "poetry"),
        ("weights: {code: 0}", "every weight is 0"),
        ("weights: {code: 1}", "category_share_exceptions"),
        ("weights: {code: .nan, maths: 1}", "weight"),
        ("weights: {code: 1}\nmax_category_share: 1\ncolour: red", "colour"),
        ("weights: {code: 1}\nmax_category_share: 1\nname: other", "name it"),
        ("weights: [", "not YAML"),
        ("just text", "fields of a profile"),
        ("weights: {code: 1}\nmax_category_share: 1\nmax_total: 0", "max_total"),
        ("weights: {code: 1}\nmax_category_share: 1\nsources: {caps: {a: -1}}", "cap"),
        ("!!python/object/apply:os.system ['true']", "not YAML"),
    ],
)
def test_a_wrong_profile_is_told_what_is_wrong(tmp_path: Path, text: str, told: str):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(SourceError, match=told) as error:
        load_profile(path)
    assert "mine.yaml" in str(error.value)
    assert "\n" not in str(error.value)


def test_caps_of_sources():
    sources = ProfileSources(
        include=("chat*", "qa"), exclude=("chat-old",), caps={"*": 9, "chat*": 5, "chat-big": 7}
    )
    assert [sources.cap(name) for name in ("qa", "chat-new", "chat-big")] == [9, 5, 7]
    assert [sources.takes(n) for n in ("qa", "chat-new", "chat-old", "code")] == [
        True, True, False, False,
    ]  # fmt: skip
    assert ProfileSources().cap("any") is None
