"""What must hold of sources and of the merged corpus before anybody trains on them."""

import dagster as dg

from xpoll_dagster.corpus.invariants import check_conservation, missing_winners
from xpoll_dagster.corpus.verification import verify_source
from xpoll_dagster.defs.books.checks import verdict
from xpoll_dagster.defs.declaration import STEPS
from xpoll_dagster.defs.partitions import sources_partitions
from xpoll_dagster.defs.resources import Project


@dg.asset_check(asset="instruct_source", partitions_def=sources_partitions)
def source_is_as_expected(
    context: dg.AssetCheckExecutionContext, project: Project
) -> dg.AssetCheckResult:
    """Rows against the entry's expectation, empty texts, tags, language, lengths; 0 rows fail."""
    catalogue = project.catalogue()
    breaks = []
    for name in context.partition_keys:
        folder = project.store.content("instruct_source", name, suffix="")
        breaks += verify_source(folder, catalogue.entry(name), project.settings.corpus.verification)
    return verdict(breaks)


@dg.asset_check(asset="merged_corpus", blocking=True)
def rows_conserve(project: Project) -> dg.AssetCheckResult:
    """Per source: rows read are those kept, removed and rejected, and each is accounted for."""
    artifacts = project.store.partitions("instruct_source", "")
    catalogue = project.catalogue()
    folders = [
        artifacts[name].path
        for name in project.lineage.taking_part(STEPS["instruct_source"])
        if not catalogue.entry(name).evaluation
    ]
    return verdict(check_conservation(project.store.content("merged_corpus", suffix=""), folders))


@dg.asset_check(asset="merged_corpus", blocking=True)
def every_removed_row_has_its_winner(project: Project) -> dg.AssetCheckResult:
    """What the ledger says was kept in a row's place is in the corpus."""
    return verdict(missing_winners(project.store.content("merged_corpus", suffix="")))
