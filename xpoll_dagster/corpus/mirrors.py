"""Persona mirrors: the same prompt answered in several voices, by an author that can.

Prompts are drawn from the merged corpus, so many of each category. All voices of a prompt
stand in one split. Replies that fail a gate are kept with the reason, in the same table.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from xpoll_dagster.corpus.manifest import read_manifest
from xpoll_dagster.corpus.mirror_card import mirror_card
from xpoll_dagster.corpus.mix_keys import read_rows
from xpoll_dagster.corpus.mix_report import strictest
from xpoll_dagster.corpus.model import CATEGORIES, MESSAGE
from xpoll_dagster.corpus.normal_form import normal_form
from xpoll_dagster.corpus.ranks import hash_ranks, lowest
from xpoll_dagster.corpus.reply_gates import SAME, judge_reply
from xpoll_dagster.corpus.trainer_views import message, prompt_text
from xpoll_dagster.storage import fingerprint, replace_directory
from xpoll_dagster.writing.gate_options import TextGateOptions
from xpoll_dagster.writing.model import Author, Persona, Reply

SPLITS = ("train", "test")

PROMPTS_SCHEMA = pl.Schema(
    {
        "prompt_id": pl.String,  # the `_id` of the corpus row
        "prompt": pl.String,
        "split": pl.String,
        "_category": pl.String,
        "_source": pl.String,
        "_license": pl.String,
    }
)

MIRRORS_SCHEMA = pl.Schema(
    {
        "id": pl.String,
        **PROMPTS_SCHEMA,
        "persona": pl.String,
        "text": pl.String,
        "author": pl.String,
        "model": pl.String,
        "prompt_sha256": pl.String,
        "finish_reason": pl.String,
        "raw": pl.String,
        "accepted": pl.Boolean,
        "rejected_by": pl.List(pl.String),
        # Measures of the gates; null where nothing was written.
        "n_words": pl.Int64,
        "broken_off": pl.String,
        "same_language": pl.Boolean,
        "repetition": pl.Float64,
    }
)


class MirrorOptions(BaseModel):
    """How many prompts are mirrored, and what a reply must measure."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    per_category: int = Field(
        default=200, ge=1, description="Prompts of each category, drawn by hash."
    )
    categories: tuple[str, ...] = Field(default=CATEGORIES, description="Categories drawn from.")
    max_prompt_chars: int = Field(default=2_000, ge=1, description="Longer prompts are not drawn.")
    test_share: float = Field(
        default=0.05, ge=0, lt=1, description="Share of the prompts that are held out as `test`."
    )
    batch: int = Field(default=64, ge=1, description="Prompts given to the author at once.")
    seed: int = Field(default=0, ge=0, description="Another seed draws other prompts.")
    text: TextGateOptions = Field(
        default_factory=TextGateOptions, description="The thresholds of any text."
    )


def mirror_prompts(corpus: Path, options: MirrorOptions) -> pl.DataFrame:
    """Prompts drawn from a merged corpus (`PROMPTS_SCHEMA`), by category and rank.

    Only rows of one exchange without a system prompt are drawn: another system prompt takes
    its place. Of prompts that are the same but for layout, one is drawn.
    """
    found: list[pl.DataFrame] = []
    columns = [
        "_id",
        "_category",
        "_source",
        "_license",
        "instruction",
        "input",
        "system",
        "messages",
    ]
    for source in read_manifest(corpus).sources:
        for shard in source.shards:
            rows = read_rows(corpus / shard.file, columns)
            rows = rows.filter(
                pl.col("_category").is_in(options.categories)
                & (pl.col("system").str.strip_chars() == "")
                & (pl.col("messages").list.len().fill_null(0) <= 2)
            ).with_columns(prompt=prompt_text())
            rows = rows.filter(
                (pl.col("prompt").str.strip_chars() != "")
                & (pl.col("prompt").str.len_chars() <= options.max_prompt_chars)
            )
            normal = normal_form(rows["prompt"])
            ranked = rows.select(
                "prompt", "_category", "_source", "_license", prompt_id="_id",
            ).with_columns(
                rank=pl.Series(hash_ranks(normal, options.seed, "mirror")),
                held=pl.Series(hash_ranks(normal, options.seed, "mirror split")),
            )  # fmt: skip
            found.append(_fewest(ranked, options))
    if not found:
        return pl.DataFrame(schema=PROMPTS_SCHEMA)
    drawn = _fewest(pl.concat(found).unique("rank", keep="first", maintain_order=True), options)
    limit = int(options.test_share * 2**64)
    return drawn.with_columns(
        split=pl.when(pl.col("held") < pl.lit(limit, pl.UInt64))
        .then(pl.lit("test"))
        .otherwise(pl.lit("train"))
    ).select(PROMPTS_SCHEMA.names())


def _fewest(rows: pl.DataFrame, options: MirrorOptions) -> pl.DataFrame:
    rows = rows.sort("_category", "rank", "prompt_id")
    keep = np.zeros(rows.height, bool)
    for category in options.categories:
        of = rows.select((pl.col("_category") == category).arg_true()).to_series().to_numpy()
        keep[of[lowest(rows["rank"].to_numpy()[of], options.per_category)]] = True
    return rows.filter(pl.Series(keep))


def write_mirrors(
    prompts: pl.DataFrame,
    author: Author,
    personas: Sequence[Persona],
    options: MirrorOptions | None = None,
    tell: Callable[[str], None] | None = None,
) -> pl.DataFrame:
    """Have each prompt answered in each voice and judge the replies.

    Args:
        prompts: Rows of `PROMPTS_SCHEMA`.
        author: Who answers. The rules author answers nothing: every row then says so.
        personas: The voices.
        options: The thresholds.
        tell: Told how far it has come.

    Returns:
        `MIRRORS_SCHEMA`, one row for each prompt and persona, in that order.

    Raises:
        ValueError: The author gave other replies than it was asked for.
    """
    options = options or MirrorOptions()
    rows: list[dict[str, Any]] = []
    for part in prompts.iter_slices(options.batch):
        asked = part.to_dicts()
        replies = author.mirror([(one["prompt_id"], one["prompt"]) for one in asked], personas)
        given = [(reply.prompt_id, reply.persona) for reply in replies]
        expected = [(one["prompt_id"], persona.name) for one in asked for persona in personas]
        if given != expected:
            raise ValueError("The author gave other replies than it was asked for.")
        for number, one in enumerate(asked):
            of_prompt = replies[number * len(personas) : (number + 1) * len(personas)]
            rows += _judged(one, of_prompt, options)
        if tell is not None:
            tell(f"{len(rows)} of {prompts.height * len(personas)} replies.")
    return pl.DataFrame(rows, schema=MIRRORS_SCHEMA, orient="row")


def _judged(
    prompt: dict[str, Any], replies: Sequence[Reply], options: MirrorOptions
) -> list[dict[str, Any]]:
    rows, said = [], set()
    for reply in replies:
        origin = reply.origin
        said_so = [prompt["prompt_id"], reply.persona, origin.model, reply.text]
        row: dict[str, Any] = dict.fromkeys(MIRRORS_SCHEMA) | prompt | {
            "id": fingerprint(["mirror", *said_so]),
            "persona": reply.persona,
            "text": reply.text,
            "author": origin.author,
            "model": origin.model,
            "prompt_sha256": origin.prompt_sha256,
            "finish_reason": origin.finish_reason,
            "raw": origin.raw,
        }  # fmt: skip
        if reply.problems or not reply.text.strip():
            row["rejected_by"] = list(reply.problems) or ["the author gave no reply"]
        else:
            verdict = judge_reply(reply, prompt["prompt"], prompt["_category"], options.text)
            failures = list(verdict.rejected_by)
            words = " ".join(reply.text.casefold().split())
            if words in said:
                failures.append(SAME)
            said.add(words)
            row |= {
                name: getattr(verdict, name)
                for name in ("n_words", "broken_off", "same_language", "repetition")
            }
            row["rejected_by"] = failures
        row["accepted"] = not row["rejected_by"]
        rows.append(row)
    return rows


def save_mirrors(
    table: pl.DataFrame, personas: Sequence[Persona], destination: Path
) -> dict[str, Any]:
    """Write mirrors for training and return the report; `destination` is replaced whole.

    The folder holds `mirrors.parquet` (every reply, accepted or not), `data/<split>-*.parquet`
    (the accepted ones as `messages` with the persona as system prompt), `README.md` and
    `report.json`.
    """
    with replace_directory(destination) as folder:
        return fill_mirrors(table, personas, folder)


def fill_mirrors(table: pl.DataFrame, personas: Sequence[Persona], folder: Path) -> dict[str, Any]:
    """As `save_mirrors`, into an empty folder that the caller puts in place."""
    (folder / "data").mkdir(parents=True)
    table.write_parquet(folder / "mirrors.parquet", compression="zstd")
    voices = {persona.name: persona.description for persona in personas}
    system = pl.col("persona").replace_strict(voices, default="", return_dtype=pl.String)
    turns = [
        message("system", system),
        message("user", pl.col("prompt")),
        message("assistant", pl.col("text")),
    ]
    good = table.filter(pl.col("accepted")).select(
        pl.concat_list(turns).cast(pl.List(MESSAGE)).alias("messages"),
        "persona", "prompt_id", "split", "_category", "_source", "_license", _id="id",
    )  # fmt: skip
    for split in SPLITS:
        part = good.filter(pl.col("split") == split).drop("split")
        if part.height:
            part.write_parquet(
                folder / "data" / f"{split}-00000-of-00001.parquet", compression="zstd"
            )
    reasons = Counter(table["rejected_by"].explode().drop_nulls().to_list())
    licences = Counter(good["_license"].fill_null("").to_list())
    report = {
        "prompts": table["prompt_id"].n_unique(),
        "personas": sorted(voices),
        "replies": table.height,
        "accepted": good.height,
        "rejected_by": dict(sorted(reasons.items(), key=lambda one: (-one[1], one[0]))),
        "accepted_by_persona": {
            name: int((good["persona"] == name).sum()) for name in sorted(voices)
        },
        "accepted_by_category": dict(sorted(Counter(good["_category"].to_list()).items())),
        "splits": {split: int((good["split"] == split).sum()) for split in SPLITS},
        "models": sorted(set(table["model"].drop_nulls().to_list())),
        "licence": strictest(licences),
        "licences": dict(sorted(licences.items())),
    }
    (folder / "README.md").write_text(mirror_card(report), encoding="utf-8")
    text = json.dumps(report, indent=1, ensure_ascii=False)
    (folder / "report.json").write_text(text + "\n", encoding="utf-8")
    return report
