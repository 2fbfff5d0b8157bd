"""Lists: short items below each other, each beginning with a bullet, a number or a letter."""

from __future__ import annotations

from collections.abc import Sequence

from xpoll_dagster.books.cleaning.drafts import Draft
from xpoll_dagster.books.cleaning.row_kinds import is_bullet, is_enumerated

_LIST_ITEM_ROWS = 4  # a longer "item" is a numbered paragraph


def gather_lists(drafts: Sequence[Draft]) -> list[Draft]:
    """Make runs of short items one list, each item on its line."""
    result: list[Draft] = []
    run: list[Draft] = []

    def close() -> None:
        if len(run) >= 2:
            whole = Draft(
                "list", run[0].page, [row for item in run for row in item.rows], filled=False
            )
            whole.text = "\n".join(item.text for item in run)
            result.append(whole)
        else:
            result.extend(run)
        run.clear()

    for draft in drafts:
        item = (
            draft.kind == "paragraph"
            and len(draft.rows) <= _LIST_ITEM_ROWS
            and not draft.rows[0].bold
        )
        if item and (is_bullet(draft.text) or is_enumerated(draft.text)):
            if run and is_bullet(run[-1].text) != is_bullet(draft.text):
                close()
            run.append(draft)
            continue
        close()
        result.append(draft)
    close()
    return result
