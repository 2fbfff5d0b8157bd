"""Which passages of different domains belong together: links, scores and chosen pairs."""

from xpoll_dagster.linking.concepts import ConceptSignal, link_concepts
from xpoll_dagster.linking.lexical import LexicalSignal, link_lexical
from xpoll_dagster.linking.relinking import link_into, select_from
from xpoll_dagster.linking.selection import Selection, select_pairs
from xpoll_dagster.linking.semantic import SemanticSignal, link_semantic

__all__ = [
    "ConceptSignal",
    "LexicalSignal",
    "Selection",
    "SemanticSignal",
    "link_concepts",
    "link_into",
    "link_lexical",
    "link_semantic",
    "select_from",
    "select_pairs",
]
