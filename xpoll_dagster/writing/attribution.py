"""How a quotation says where it stands: title and page, or the section's heading."""

from __future__ import annotations

import re

from xpoll_dagster.writing.model import BookInfo, Mention, Passage

_MAX_TITLE = 120


def plain_title(title: str) -> str:
    """A title fit for running text: one line, no mark-up, at most 120 characters."""
    title = " ".join(re.sub(r"[*_`\[\]<>{}|]", "", title).split()).rstrip(" .:;,/")
    if len(title) > _MAX_TITLE:
        title = title[:_MAX_TITLE].rsplit(" ", 1)[0].rstrip(" .:;,/") + " …"
    # In running text the main title is enough; the rows' own column has the whole.
    main = title.split(": ", 1)[0]
    return (main if len(main.split()) > 1 else title) or "an untitled book"


def locator(passage: Passage) -> str:
    """The page or pages, or the heading of the section; empty where there is neither."""
    if passage.paged:
        first, last = passage.page_start, passage.page_end
        return f"p. {first}" if first >= last else f"pp. {first}–{last}"
    headings = [heading for heading in passage.section if re.search(r"\w", heading or "")]
    if not headings:
        return ""
    heading = " ".join(re.sub(r"[*_`\[\]<>{}|“”\"]", "", headings[-1]).split())[:_MAX_TITLE]
    return f"section “{heading.rstrip(' .:;,')}”"


def where(passage: Passage) -> str:
    """The place inside the book with its preposition: on p. 41, in the section “The Moon”."""
    place = locator(passage)
    if not place:
        return "in a part without a number"
    return f"on {place}" if passage.paged else f"in the {place}"


def source(passage: Passage) -> str:
    """Title and place: *Measuring the Heavens*, p. 41."""
    place = locator(passage)
    title = f"*{plain_title(passage.title)}*"
    return f"{title}, {place}" if place else title


def passage_of(row: dict, book: BookInfo, mentions: tuple[Mention, ...] = ()) -> Passage:
    """The passage of one chunk (a row of `CHUNKS_SCHEMA` as a dictionary)."""
    return Passage(
        chunk_id=row["chunk_id"],
        book=row["book"],
        title=book.title,
        authors=book.authors,
        domain=book.domain,
        section=tuple(row["section"] or ()),
        page_start=row["page_start"],
        page_end=row["page_end"],
        text=row["passage"] or "",
        paged=book.paged,
        mentions=mentions,
    )
