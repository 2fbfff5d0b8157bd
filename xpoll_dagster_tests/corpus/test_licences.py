from __future__ import annotations

import pytest

from xpoll_dagster.corpus.licences import strictness


@pytest.mark.parametrize(
    ("licence", "grade"),
    [
        ("CC0-1.0", 0),
        ("Unlicense", 0),
        ("MIT", 1),
        ("Apache-2.0", 1),
        ("CC-BY-4.0", 1),
        ("cc_by_4.0", 1),
        ("CC-BY-SA-4.0", 2),
        ("AGPL-3.0-or-later", 3),
        ("CC-BY-NC-4.0", 4),
        ("cc-by-nc-sa-4.0", 4),
        ("unknown", 5),
        ("", 5),
        ("no licence stated", 5),
    ],
)
def test_grades(licence: str, grade: int) -> None:
    assert strictness(licence) == grade
