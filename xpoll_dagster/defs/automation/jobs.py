"""A job for every phase of the build."""

import dagster as dg

from xpoll_dagster.defs.phases import PHASES

# Steps of one run share a process, so that a model is loaded once for them.
ALL_JOBS = [
    dg.define_asset_job(
        phase.job,
        selection=dg.AssetSelection.assets(*phase.steps),
        description=phase.description,
        executor_def=dg.in_process_executor,
    )
    for phase in PHASES
]
