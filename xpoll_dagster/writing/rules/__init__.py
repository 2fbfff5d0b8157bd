"""The rules author."""

from xpoll_dagster.writing.rules.author import RulesAuthor

__all__ = ["RulesAuthor"]
