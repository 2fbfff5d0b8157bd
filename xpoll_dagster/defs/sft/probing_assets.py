"""A tuned model's answers to the probe prompts, on demand, from the UI's launchpad."""

import dagster as dg
from pydantic import Field

from xpoll_dagster.defs.declaration import declare
from xpoll_dagster.defs.materialization import SENTENCES
from xpoll_dagster.defs.metadata import sample_table
from xpoll_dagster.defs.probing import Contender, run_probes
from xpoll_dagster.defs.resources import Project
from xpoll_dagster.defs.sft import assets as sft  # declares what this module builds on

__all__ = ["probe_results", "sft"]


class ProbeConfig(dg.Config):
    """Which models are asked."""

    base_url: str = Field(
        default="http://127.0.0.1:8000/v1",
        description="Server of the tuned model (any that speaks OpenAI's API), up to /v1.",
    )
    model: str = Field(description="Name of the tuned model on that server.")
    baseline_url: str = Field(
        default="", description="Server of the baseline; that of the tuned model where empty."
    )
    baseline_model: str = Field(
        default="", description="Name of the baseline there; nothing is compared where empty."
    )


@dg.asset(
    **declare(
        "probe_results",
        group="sft",
        code=1,
        inputs=["probe_prompts"],
        on_demand=True,
        kinds={"openai"},
    )
)
def probe_results(config: ProbeConfig, project: Project) -> dg.MaterializeResult:
    """What a tuned model and a baseline answer to the probe prompts, and how they compare.

    Only on demand. A key comes from XPOLL_OPENAI_API_KEY, a judge from XPOLL_JUDGE.
    """
    contenders = {"tuned": Contender(config.base_url, config.model)}
    if config.baseline_model:
        server = config.baseline_url or config.base_url
        contenders["baseline"] = Contender(server, config.baseline_model)
    try:
        done = run_probes(project, contenders)
    except SENTENCES as error:
        raise dg.Failure(str(error), allow_retries=False) from None
    tuned = done.results.filter(contender="tuned")["score"].mean()
    columns = ["contender", "prompt", "answer", "score", "both_domains", "facts_attributable"]
    return dg.MaterializeResult(
        metadata={
            "path": dg.MetadataValue.path(done.path),
            "side_by_side": dg.MetadataValue.md(done.table),
            "n_answers": done.results.height,
            "n_contenders": len(contenders),
            "tuned_score": float(tuned) if isinstance(tuned, int | float) else 0.0,
            "sample": sample_table(done.results.select(columns), 8),
        }
    )
