"""Sources of the catalogue, the merged corpus, and what is drawn from it."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl

from xpoll_dagster.compute.loading import open_compute
from xpoll_dagster.corpus.catalogue import Entry
from xpoll_dagster.corpus.curriculum import fill_curriculum
from xpoll_dagster.corpus.decontamination import TESTS_SCHEMA
from xpoll_dagster.corpus.distributed import fill_corpus_on
from xpoll_dagster.corpus.download import download
from xpoll_dagster.corpus.evaluation import evaluation_texts
from xpoll_dagster.corpus.grounded_preferences import grounded_candidates
from xpoll_dagster.corpus.language_entropy import LanguageEntropy
from xpoll_dagster.corpus.manifest import read_manifest
from xpoll_dagster.corpus.merge import fill_corpus
from xpoll_dagster.corpus.mirrors import fill_mirrors, mirror_prompts, write_mirrors
from xpoll_dagster.corpus.mixing import fill_mix
from xpoll_dagster.corpus.model import SourceError
from xpoll_dagster.corpus.normalising import normalise_source, read_normalising_report
from xpoll_dagster.corpus.personas import load_personas
from xpoll_dagster.corpus.preference_candidates import natural_candidates, ranked_candidates
from xpoll_dagster.corpus.preferences import fill_preferences
from xpoll_dagster.corpus.profiles import load_profile
from xpoll_dagster.corpus.reading_turns import ReadingTurns
from xpoll_dagster.corpus.reward_model import RewardModel
from xpoll_dagster.corpus.source_tables import Source
from xpoll_dagster.defs.authors import writer_at_work
from xpoll_dagster.defs.declaration import STEPS, declare
from xpoll_dagster.defs.materialization import Built, materialise
from xpoll_dagster.defs.metadata import bar_chart, card, plain_numbers, sample_table
from xpoll_dagster.defs.places import bring_own
from xpoll_dagster.defs.resources import Project
from xpoll_dagster.defs.retrieval import writing_assets  # declares what this module builds on
from xpoll_dagster.defs.several_partitions import (
    MANY_PARTITIONS_A_RUN,
    ManyResults,
    materialise_each,
    several_at_once,
)
from xpoll_dagster.defs.sft import assets as sft

__all__ = [
    "curriculum",
    "instruct_source",
    "merged_corpus",
    "persona_mirrors",
    "preference_pairs",
    "profile_mix",
    "sft",
    "writing_assets",
]


@dg.asset(
    **declare(
        "instruct_source",
        group="corpus",
        code=2,
        after=["sft_dataset", "questions"],
        options=lambda s: [s.corpus.normalising],
        partitioned_by="source",
        reads_files=True,
        folder=True,
        kinds={"huggingface", "polars", "parquet"},
        backfill_policy=MANY_PARTITIONS_A_RUN,
    )
)
def instruct_source(context: dg.AssetExecutionContext, project: Project) -> ManyResults:
    """One dataset of the catalogue as corpus rows with their keys, and its rejected rows.

    Downloads and long normalisations go on where they stopped. In a run of several, one is
    downloaded or written while another is read.
    """
    turns = ReadingTurns()

    def build(name: str) -> Built:
        settings = project.settings
        catalogue = project.catalogue()
        entry = catalogue.entry(name)
        work = settings.artifacts_dir / ".cache" / "corpus" / entry.name
        revision, files = "", []
        if entry.path is not None:
            fetched = download(
                entry,
                work / "download",
                token=settings.hub_token.get_secret_value() or None,
                options=settings.corpus.download,
                on_progress=lambda rows: context.log.info("%s rows downloaded", f"{rows:,}"),
            )
            revision, files = fetched.revision, fetched.files
        else:
            bring_own(project.store, entry.own)
            files = catalogue.local_files(entry, settings.artifacts_dir)
        others = _other_sources(project, entry)
        made = work / "normalised"
        shutil.rmtree(made, ignore_errors=True)
        made.mkdir(parents=True)
        with (
            ExitStack() as failed,
            turns.turn(name, others, licence=entry.licence, priority=entry.priority) as turn,
        ):
            failed.callback(shutil.rmtree, made, ignore_errors=True)
            report = normalise_source(
                entry,
                made,
                files,
                revision=revision,
                work=work / "journal",
                expected=turn.expected,
                options=settings.corpus.normalising,
                on_read=turn.on_read,
            )
            failed.pop_all()

        def fill(folder: Path) -> None:
            for file in made.iterdir():
                file.replace(folder / file.name)

        return Built(
            fill,
            {
                "n_read": report.read,
                "n_rows": report.rows,
                "n_rejected": sum(report.rejected.values()),
                "n_capped": report.capped,
            },
        )

    def describe(path: Path) -> Mapping[str, Any]:
        report = read_normalising_report(path)
        rows = next(Source.open(path).batches(), None)
        rejected = Source.open(path).rejected()
        columns = ["_category", "instruction", "input", "output"]
        return {
            "dagster/partition_row_count": report.rows,
            "report": dg.MetadataValue.json(report.model_dump(mode="json")),
            **({"sample": sample_table(rows.select(columns))} if rows is not None else {}),
            "rejected": sample_table(rejected.select("reason", "excerpt"), 10),
        }

    at_once = min(2, len(context.partition_keys))
    yield from materialise_each(context, project, several_at_once(build, at_once), describe)


def _other_sources(project: Project, entry: Entry) -> list[Path]:
    artifacts = project.store.partitions("instruct_source", "")
    return [artifact.path for name, artifact in artifacts.items() if name != entry.name]


@dg.asset(
    **declare(
        "merged_corpus",
        group="corpus",
        code=1,
        inputs=["instruct_source"],
        options=lambda s: [s.corpus.merge],
        folder=True,
        kinds={"polars", "parquet"},
    )
)
def merged_corpus(context: dg.AssetExecutionContext, project: Project) -> dg.MaterializeResult:
    """All sources as one corpus without duplicates, and the ledger of every row removed.

    Test sets of the catalogue take no part but remove the rows that give them away.
    """

    def build() -> Built:
        training: list[Path] = []
        tests: list[Path] = []
        for entry, folder in _built_sources(project):
            (tests if entry.evaluation else training).append(folder)
        if not training:
            raise SourceError(
                "No source of the catalogue is built: materialise instruct_source first."
            )
        earlier = project.store.get("merged_corpus", suffix="")
        numbers: dict[str, Any] = {}

        def fill(folder: Path) -> None:
            settings = project.settings
            given = (training, folder, settings.corpus.merge, _tests(tests, project))
            before = earlier.path if earlier else None
            if settings.compute == "ray":
                with open_compute(settings.compute_options) as compute:
                    manifest = fill_corpus_on(compute, *given, before, context.log.info)
            else:
                manifest = fill_corpus(*given, before, context.log.info)
            numbers.update(
                n_rows=manifest.rows,
                n_read=manifest.read,
                n_sources=len(manifest.sources),
                **{
                    f"n_{rule}": sum(source.removed.get(rule, 0) for source in manifest.sources)
                    for rule in ("exact", "near", "decontaminated")
                },
            )

        return Built(fill, numbers)

    def describe(path: Path) -> Mapping[str, Any]:
        manifest = read_manifest(path)
        kept = {source.name: source.kept for source in manifest.sources}
        categories: dict[str, int] = {}
        for source in manifest.sources:
            for category, count in source.categories.items():
                categories[category] = categories.get(category, 0) + count
        lines = ["| source | licence | read | rejected | removed | kept |", "|" + " --- |" * 6]
        lines += [
            f"| {one.name} | {one.licence} | {one.read:,} | {sum(one.rejected.values()):,} "
            f"| {sum(one.removed.values()):,} | {one.kept:,} |"
            for one in manifest.sources
        ]
        return {
            "dagster/row_count": manifest.rows,
            "sources": dg.MetadataValue.md("\n".join(lines)),
            "kept": bar_chart(kept, "Rows kept by source"),
            "categories": bar_chart(
                dict(sorted(categories.items(), key=lambda one: -one[1])), "Rows by category"
            ),
        }

    return materialise(context, project, build, describe)


def _built_sources(project: Project) -> list[tuple[Entry, Path]]:
    catalogue = project.catalogue()
    artifacts = project.store.partitions("instruct_source", "")
    return [
        (catalogue.entry(name), artifacts[name].path)
        for name in project.lineage.taking_part(STEPS["instruct_source"])
    ]


def _tests(folders: list[Path], project: Project) -> pl.DataFrame | None:
    """Texts that must not be trained on: test sets, held-out probes and held-out chunks."""
    parts = [evaluation_texts(Source.open(folder) for folder in folders)]
    probes = project.store.get("probe_prompts")
    if probes is not None:
        found = pl.read_parquet(probes.path)
        parts.append(
            found.select(pl.lit("probe_prompts").alias("test_set"), test="id", text="prompt")
        )
    if project.store.get("sft_dataset", suffix="") is not None:
        held = [rows for split, rows in project.dataset_splits().items() if split != "train"]
        if held:
            ids = pl.concat(held)["chunk_ids"].explode().drop_nulls().unique()
            chunks = project.read_books("chunks").filter(pl.col("chunk_id").is_in(ids.implode()))
            parts.append(
                chunks.select(
                    pl.lit("held_out_chunks").alias("test_set"), test="chunk_id", text="passage"
                ).collect()
            )
    tests = pl.concat([part.select(TESTS_SCHEMA.names()) for part in parts])
    return tests if tests.height else None


@dg.asset(
    **declare(
        "profile_mix",
        group="corpus",
        code=1,
        inputs=["merged_corpus"],
        options=lambda s: [s.corpus.mix],
        partitioned_by="profile",
        reads_files=True,
        folder=True,
        kinds={"huggingface", "parquet"},
    )
)
def profile_mix(context: dg.AssetExecutionContext, project: Project) -> dg.MaterializeResult:
    """A balanced mix of the corpus after one profile, with its card."""

    def build() -> Built:
        settings = project.settings
        profile = load_profile(settings.corpus_dir / "profiles" / f"{context.partition_key}.yaml")
        numbers: dict[str, Any] = {}

        def fill(folder: Path) -> None:
            report = fill_mix(
                project.folder("merged_corpus"),
                profile,
                folder,
                settings.corpus.mix,
                context.log.info,
            )
            numbers.update(plain_numbers(report))

        return Built(fill, numbers)

    def describe(path: Path) -> Mapping[str, Any]:
        return {"card": card(path)}

    return materialise(context, project, build, describe)


@dg.asset(
    **declare(
        "curriculum",
        group="corpus",
        code=1,
        inputs=["profile_mix"],
        options=lambda s: [s.corpus.curriculum, s.corpus.language_entropy],
        partitioned_by="profile",
        folder=True,
        kinds={"huggingface", "parquet"},
    )
)
def curriculum(context: dg.AssetExecutionContext, project: Project) -> dg.MaterializeResult:
    """A rank and a stage for every row of a mix: open and creative first, settled last."""

    def build() -> Built:
        mix = project.store.content("profile_mix", context.partition_key, suffix="")
        numbers: dict[str, Any] = {}

        def fill(folder: Path) -> None:
            options = project.settings.corpus
            model = options.language_entropy
            entropy = LanguageEntropy(model) if model.model else None
            report = fill_curriculum(mix, folder, options.curriculum, entropy)
            numbers.update(plain_numbers(report))

        return Built(fill, numbers)

    def describe(path: Path) -> Mapping[str, Any]:
        return {"card": card(path)}

    return materialise(context, project, build, describe)


@dg.asset(
    **declare(
        "preference_pairs",
        group="corpus",
        code=1,
        inputs=["instruct_source", "merged_corpus"],
        options=lambda s: [s.corpus.preferences, s.corpus.reward],
        folder=True,
        kinds={"huggingface", "parquet"},
    )
)
def preference_pairs(context: dg.AssetExecutionContext, project: Project) -> dg.MaterializeResult:
    """Chosen and rejected answers to one prompt, in TRL's preference format.

    Natural ones from sources that have them, several answers to one prompt ranked by the reward
    model where one is set, and grounded against ungrounded ones of the
    project's own author where texts of books are there.
    """

    def build() -> Built:
        numbers: dict[str, Any] = {}

        def fill(folder: Path) -> None:
            report = fill_preferences(
                _candidates(project), folder, project.settings.corpus.preferences
            )
            numbers.update(plain_numbers(report))

        return Built(fill, numbers)

    def describe(path: Path) -> Mapping[str, Any]:
        return {"card": card(path)}

    return materialise(context, project, build, describe)


def _candidates(project: Project) -> Iterator[pl.DataFrame]:
    folders = [folder for entry, folder in _built_sources(project) if not entry.evaluation]
    corpus, options = project.folder("merged_corpus"), project.settings.corpus
    yield from natural_candidates(folders, corpus)
    if options.reward.model:
        yield from ranked_candidates(corpus, RewardModel(options.reward), options.preferences)
    books = project.lineage.complete_books()
    tables = {
        name: [artifact.path for key, artifact in project.store.partitions(name).items()
               if key in books]
        for name in ("chunks", "pair_texts", "questions")
    }  # fmt: skip
    if not tables["chunks"] or not (tables["pair_texts"] or tables["questions"]):
        return
    read = {name: pl.read_parquet(paths) if paths else None for name, paths in tables.items()}
    infos = project.book_infos()
    yield from grounded_candidates(
        pl.read_parquet(tables["chunks"]),
        read["pair_texts"],
        read["questions"],
        {key: info.licence or "" for key, info in infos.items()},
        project.settings.corpus.preferences,
    )


@dg.asset(
    **declare(
        "persona_mirrors",
        group="corpus",
        code=1,
        inputs=["merged_corpus"],
        options=lambda s: [s.corpus.mirrors, *s.authorship],
        folder=True,
        kinds={"huggingface", "parquet"},
        pool="gpu",
    )
)
def persona_mirrors(context: dg.AssetExecutionContext, project: Project) -> dg.MaterializeResult:
    """The same prompts answered in the voices of several personas, by a language model.

    The rules author has no voices: with it the table says so, and holds nothing to train on.
    """

    def build() -> Built:
        settings = project.settings
        personas = load_personas(settings.corpus_dir / "personas")
        options = settings.corpus.mirrors
        prompts = mirror_prompts(project.folder("merged_corpus"), options)
        with writer_at_work(settings, context.log.info) as writer:
            replies = write_mirrors(prompts, writer.author, personas, options, context.log.info)
            numbers = {"n_replies": replies.height, "n_accepted": int(replies["accepted"].sum())}
            numbers |= writer.numbers()

        def fill(folder: Path) -> None:
            fill_mirrors(replies, personas, folder)

        return Built(fill, numbers)

    def describe(path: Path) -> Mapping[str, Any]:
        return {"card": card(path)}

    return materialise(context, project, build, describe)
