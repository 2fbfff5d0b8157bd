"""Cleaning: from raw pages to a book's text in paragraphs, with all that was removed."""

from xpoll_dagster.books.cleaning.book import clean_book
from xpoll_dagster.books.cleaning.options import CleaningOptions

__all__ = ["CleaningOptions", "clean_book"]
