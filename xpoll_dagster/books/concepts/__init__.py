"""Named entities, key terms and defined terms of a book's chunks, normalised so that they meet.

`extract_concepts` reads one book; nothing here compares books or knows what a link is.
"""

from xpoll_dagster.books.concepts.extract import extract_concepts
from xpoll_dagster.books.concepts.options import ExtractionOptions

__all__ = ["ExtractionOptions", "extract_concepts"]
