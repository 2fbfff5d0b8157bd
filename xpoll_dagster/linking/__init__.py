"""Which passages of different domains belong together: links, scores and chosen pairs."""

from xpoll_dagster.linking.concepts import link_concepts
from xpoll_dagster.linking.lexical import link_lexical
from xpoll_dagster.linking.selection import Selection, select_pairs
from xpoll_dagster.linking.semantic import link_semantic

__all__ = ["Selection", "link_concepts", "link_lexical", "link_semantic", "select_pairs"]
