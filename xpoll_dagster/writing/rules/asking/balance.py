"""No template may give more than its share of the questions of a book or library."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from xpoll_dagster.writing.model import Question


def balance_templates(
    questions: Sequence[Question], max_share: float = 0.15
) -> tuple[list[Question], list[Question]]:
    """Drop the worst questions of templates that give too many.

    The lowest score goes first, and a chunk's only question last. Questions with `problems`
    and those of a model (no template) are neither counted nor dropped. Where too few
    templates occur for the share to be kept (fewer than 1 / `max_share`), nothing is dropped:
    the share could only be kept with no questions at all.

    Args:
        questions: Questions of one or more books, in any order.
        max_share: Share of the kept questions that one template may give.

    Returns:
        Kept questions in their order, and the dropped ones.
    """
    counted = [at for at, one in enumerate(questions) if one.template and not one.problems]
    by_template: dict[str, list[int]] = defaultdict(list)
    per_chunk: Counter[str] = Counter()
    for at in counted:
        by_template[questions[at].template].append(at)
        per_chunk[questions[at].chunk_id] += 1
    if len(by_template) * max_share < 1:
        return list(questions), []
    dropped: set[int] = set()
    total = len(counted)
    while True:
        template = max(by_template, key=lambda name: (len(by_template[name]), name))
        members = by_template[template]
        # One question is always allowed: a book of three questions has shares of a third.
        if len(members) <= max(1, int(max_share * total)):
            break
        worst = min(
            members,
            key=lambda at: (
                per_chunk[questions[at].chunk_id] == 1,
                questions[at].score,
                -at,
            ),
        )
        members.remove(worst)
        dropped.add(worst)
        per_chunk[questions[worst].chunk_id] -= 1
        total -= 1
    kept = [one for at, one in enumerate(questions) if at not in dropped]
    return kept, [questions[at] for at in sorted(dropped)]
