"""Merging 4.5 M instruction rows: `python -m benchmarks.corpus --rows 4500000`.

Four runs over the same twenty JSONL files, each in a process of its own, each writing the
unique rows once to disk:

- `script`: what one writes first. A loop over the lines with a SQLite table of SHA-1 hashes of
  the normalised fields; rows go out as JSONL with their tags;
- `duckdb`: one query that keeps a row for each SHA-1 of the fields as they stand (it is not
  asked to normalise, which would take it several times as long: the copies in this corpus are
  the same to the byte), to Parquet;
- `cold`: ours, from the JSONL to the merged corpus as Parquet, by way of what every source goes
  through: each file is an entry of the catalogue that `normalise_source` reads, checks, adapts
  and writes with its keys (one source is read at a time, while the one before is written), and
  `merge_sources` makes the corpus of them with ledger and manifest, all flushed to disk;
- `added`: ours again, with one more source of 100,000 rows.

The JSONL copy of the corpus is left out of `cold` and `added`; `--jsonl` puts it in.
The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.instruct_corpus import make_corpus

FIELDS = ("instruction", "input", "output")


def run_script(files: list[Path], out: Path) -> int:
    """The plain script: returns how many rows it wrote."""
    import hashlib
    import sqlite3
    import unicodedata

    database = sqlite3.connect(out / "seen.db")
    database.execute("PRAGMA journal_mode = OFF")
    database.execute("PRAGMA synchronous = OFF")
    database.execute("CREATE TABLE seen (key BLOB PRIMARY KEY) WITHOUT ROWID")
    written = 0
    with (out / "merged.jsonl").open("w", encoding="utf-8") as merged:
        for file in files:
            with file.open(encoding="utf-8") as lines:
                for line in lines:
                    row = json.loads(line)
                    texts = [
                        " ".join(unicodedata.normalize("NFC", row[field]).split())
                        for field in FIELDS
                    ]
                    key = hashlib.sha1("\x1f".join(texts).encode()).digest()
                    cursor = database.execute("INSERT OR IGNORE INTO seen VALUES (?)", (key,))
                    if cursor.rowcount:
                        row["_category"] = "instruction"
                        row["_source"] = file.stem
                        merged.write(json.dumps(row, ensure_ascii=False) + "\n")
                        written += 1
    database.commit()
    database.close()
    return written


def run_duckdb(files: list[Path], out: Path) -> int:
    """The query: returns how many rows it wrote."""
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET preserve_insertion_order = false")
    connection.execute(f"SET temp_directory = '{out / 'spill'}'")
    names = ", ".join(f"'{file}'" for file in files)
    found = connection.execute(
        f"""
        COPY (
            SELECT DISTINCT ON (sha1(concat_ws(chr(31), instruction, input, output)))
                instruction, input, output, 'instruction' AS _category, filename AS _source
            FROM read_json([{names}], format = 'newline_delimited', filename = true,
                columns = {{instruction: 'VARCHAR', input: 'VARCHAR', output: 'VARCHAR'}})
        ) TO '{out / "merged.parquet"}' (FORMAT parquet, COMPRESSION lz4)
        """
    ).fetchone()
    return int(found[0]) if found else 0


def run_ours(files: list[Path], out: Path, *, jsonl: bool, compression: str = "lz4") -> int:
    """Normalise the files that are no sources yet, merge; returns the rows of the corpus."""
    from concurrent.futures import ThreadPoolExecutor

    from xpoll_dagster.corpus.catalogue import Entry
    from xpoll_dagster.corpus.merge import merge_sources
    from xpoll_dagster.corpus.merge_options import MergeOptions, SourceOptions
    from xpoll_dagster.corpus.normalising import NormalisingOptions, normalise_source
    from xpoll_dagster.corpus.reading_turns import ReadingTurns
    from xpoll_dagster.storage import replace_directory

    written = SourceOptions.model_validate({"compression": compression})
    settings = NormalisingOptions(source=written)
    folders = [out / "sources" / file.stem for file in files]
    turns = ReadingTurns()

    def normalise(file: Path, folder: Path) -> None:
        entry = Entry(
            name=file.stem,
            files=[str(file)],
            adapter="alpaca",
            category="instruction",
            licence="MIT",
        )
        with (
            replace_directory(folder) as temporary,
            turns.turn(entry.name, folders, licence=entry.licence) as turn,
        ):
            normalise_source(
                entry,
                temporary,
                [file],
                expected=turn.expected,
                options=settings,
                on_read=turn.on_read,
            )

    # As in a run of several partitions of `instruct_source`.
    with ThreadPoolExecutor(2) as pool:
        for done in [
            pool.submit(normalise, file, folder)
            for file, folder in zip(files, folders, strict=True)
            if not folder.exists()
        ]:
            done.result()
    options = MergeOptions(jsonl="plain" if jsonl else "none")
    return merge_sources(folders, out / "corpus", options).rows


def measure(
    kind: str, files: list[Path], out: Path, *, jsonl: bool = False, compression: str = "lz4"
) -> tuple[float, float, int]:
    """Seconds, peak resident memory in MB and rows written of one run in its own process."""
    out.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "benchmarks.corpus", "--run", kind, "--out", str(out)]
    command += ["--compression", compression]
    command += ["--jsonl"] if jsonl else []
    os.sync()
    start = time.perf_counter()
    process = subprocess.Popen([*command, *map(str, files)], stdout=subprocess.PIPE, text=True)
    output = process.stdout.read() if process.stdout else ""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - start
    if process.returncode:
        raise SystemExit(f"The run of {kind} failed with exit status {process.returncode}.")
    peak = usage.ru_maxrss / 1024
    rows = int(output.strip().splitlines()[-1])
    processor = usage.ru_utime + usage.ru_stime
    print(f"{kind:8} {seconds:8.1f} s  {processor:8.1f} s processor {peak:8.0f} MB  {rows} rows")
    return seconds, peak, rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=4_500_000)
    parser.add_argument("--files", type=int, default=20)
    parser.add_argument("--added", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "xpoll-corpus")
    parser.add_argument("--only", nargs="*", default=["script", "duckdb", "ours"])
    parser.add_argument("--jsonl", action="store_true", help="write the JSONL copy as well")
    parser.add_argument("--compression", default="lz4", help="of our shards; DuckDB's is lz4")
    parser.add_argument("--run", help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("inputs", nargs="*", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        runs = {"script": run_script, "duckdb": run_duckdb}
        if options.run in runs:
            print(runs[options.run](options.inputs, options.out))
        else:
            compression = options.compression
            print(
                run_ours(options.inputs, options.out, jsonl=options.jsonl, compression=compression)
            )
        return

    folder = options.folder / f"{options.rows}"
    unique, with_added = make_corpus(folder, options.rows, options.files, options.added)
    files = sorted(folder.glob("part-[0-9]*.jsonl"))
    size = sum(file.stat().st_size for file in files)
    print(f"{options.rows} rows, {size / 1e9:.2f} GB, {size / options.rows / 1e3:.2f} kB a row")
    result: dict[str, float | int | bool] = {"rows": options.rows, "unique": unique}
    counts = []
    work = Path(tempfile.mkdtemp(prefix="runs-", dir=options.folder))
    try:
        for kind in ("script", "duckdb"):
            if kind in options.only:
                seconds, _, rows = measure(kind, files, work / kind)
                result[f"{kind}_s"] = round(seconds, 2)
                counts.append(rows == unique)
                shutil.rmtree(work / kind)
        if "ours" in options.only:
            how = {"jsonl": options.jsonl, "compression": options.compression}
            seconds, peak, rows = measure("cold", files, work / "ours", **how)
            result["cold_s"] = round(seconds, 2)
            counts.append(rows == unique)
            more = [*files, folder / "part-added.jsonl"]
            seconds, added_peak, rows = measure("added", more, work / "ours", **how)
            result["added_s"] = round(seconds, 2)
            counts.append(rows == with_added)
            result["peak_mb"] = round(max(peak, added_peak))
    finally:
        shutil.rmtree(work)
    for other, name in (("script_s", "times_script"), ("duckdb_s", "times_duckdb")):
        if other in result and "cold_s" in result:
            result[name] = round(result[other] / result["cold_s"], 2)
    if "cold_s" in result:
        result["added_share"] = round(result["added_s"] / result["cold_s"], 3)
    result["same_unique_count"] = all(counts)
    print(json.dumps({**result, "compression": options.compression}))


if __name__ == "__main__":
    main()
