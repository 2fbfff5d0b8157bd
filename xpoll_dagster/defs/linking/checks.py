"""What must hold of the pairs before anything is written from them."""

import dagster as dg

from xpoll_dagster.defs.books.checks import verdict
from xpoll_dagster.defs.resources import Project
from xpoll_dagster.linking.invariants import broken_pairs, crowded_chunks, weak_pairs


@dg.asset_check(asset="cross_domain_pairs", blocking=True)
def pairs_cross_domains(project: Project) -> dg.AssetCheckResult:
    """No pair inside one domain, no id twice, every chunk exists."""
    chunks = project.read_books("chunks").select("chunk_id", "domain").collect()
    return verdict(broken_pairs(project.store.read("cross_domain_pairs"), chunks))


@dg.asset_check(asset="cross_domain_pairs", blocking=True)
def pairs_have_their_evidence(project: Project) -> dg.AssetCheckResult:
    """Every pair has enough independent signals and an explanation."""
    minimum = project.settings.linking.selection.min_signals
    return verdict(weak_pairs(project.store.read("cross_domain_pairs"), minimum))


@dg.asset_check(asset="cross_domain_pairs")
def no_chunk_is_crowded(project: Project) -> dg.AssetCheckResult:
    """No chunk stands in more pairs than the settings allow."""
    limit = project.settings.linking.selection.per_chunk
    return verdict(crowded_chunks(project.store.read("cross_domain_pairs"), limit))
