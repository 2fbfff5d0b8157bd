"""What was handed in to a vendor's batch API, remembered on disk from run to run."""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import json
import logging
import os
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from xpoll_dagster.storage.atomic import WRITING_PREFIX, replace_file
from xpoll_dagster.writing.engines.model import ChatRequest, EngineError

_LOG = logging.getLogger(__name__)


class BatchPendingError(EngineError):
    """The requests wait in a vendor's batch; what had finished was handed over.

    Attributes:
        batch_ids: The vendor's names of the batches.
        pending: Requests of this call that are still open.
    """

    def __init__(self, batch_ids: Sequence[str], pending: int) -> None:
        self.batch_ids = tuple(batch_ids)
        self.pending = pending
        names = ", ".join(self.batch_ids)
        super().__init__(
            f"{pending:,} requests wait in the vendor's batch {names}: run again later to collect "
            "the answers."
        )


class BatchRecord(BaseModel):
    """One batch: written before anything is sent, so that no kill can lose it.

    A record without `batch_id` is of a run that ended while it handed the batch in: the
    server's list of batches, searched by `token`, tells whether it got there.
    """

    model_config = ConfigDict(extra="forbid")

    version: int = 1
    token: str = Field(pattern=r"^[0-9a-f]{32}$")  # in the batch's metadata, too
    server: str
    model: str
    created: float  # seconds since 1970
    file_id: str = ""
    batch_id: str = ""
    open: dict[str, int]  # custom ids not yet handed over, and the batches each failed in before


def custom_ids(identity: Mapping[str, Any], requests: Sequence[ChatRequest]) -> list[str]:
    """A stable name for each request: equal in every run, different for repeated requests."""
    base = json.dumps(identity, sort_keys=True, ensure_ascii=True)
    seen: Counter[str] = Counter()
    names = []
    for request in requests:
        content = {
            "identity": base,
            "messages": [[m.role, m.content] for m in request.messages],
            "sampling": request.sampling.model_dump(mode="json"),
            "schema": request.json_schema,
        }
        text = json.dumps(content, sort_keys=True, ensure_ascii=True)
        digest = hashlib.sha256(text.encode()).hexdigest()[:40]
        names.append(f"{digest}-{seen[digest]}")
        seen[digest] += 1
    return names


class BatchRecords:
    """The records of one server and model below a folder, one JSON file for each batch."""

    def __init__(self, folder: Path, server: str, model: str) -> None:
        self._folder = folder
        self._server = server
        self._model = model

    @property
    def folder(self) -> Path:
        """Where the records lie."""
        return self._folder

    @asynccontextmanager
    async def locked(self) -> AsyncIterator[None]:
        """Keep other runs from handing in or collecting; a killed run lets go of itself."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / "lock").open("w") as handle:
            told = False
            while True:
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if not told:
                        _LOG.info("Waiting for another run to hand in its batches.")
                        told = True
                    await asyncio.sleep(0.2)
            yield

    def load(self) -> list[BatchRecord]:
        """All records of this server and model, the oldest first.

        Raises:
            EngineError: A record cannot be read: to go on would hand its requests in twice.
        """
        records = []
        for path in sorted(self._folder.glob("batch-*.json")):
            try:
                record = BatchRecord.model_validate_json(path.read_bytes())
            except ValidationError:
                raise EngineError(
                    f"{path} is no record of a batch: repair it, or delete it to hand its "
                    "requests in anew."
                ) from None
            if (record.server, record.model) == (self._server, self._model):
                records.append(record)
        return sorted(records, key=lambda record: record.created)

    def begin(self, names: Mapping[str, int]) -> BatchRecord:
        """Write down a batch that is about to be handed in."""
        record = BatchRecord(
            token=uuid.uuid4().hex,
            server=self._server,
            model=self._model,
            created=time.time(),
            open=dict(names),
        )
        self.save(record)
        return record

    def save(self, record: BatchRecord) -> None:
        """Write a record down; one with nothing open is deleted."""
        path = self._folder / f"batch-{record.token}.json"
        if record.open:
            with replace_file(path) as temporary:
                temporary.write_text(record.model_dump_json())
            return
        path.unlink(missing_ok=True)
        descriptor = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def forget(self, record: BatchRecord) -> None:
        """Delete a record."""
        self.save(record.model_copy(update={"open": {}}))

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A file of requests or answers, for a while."""
        handle, name = tempfile.mkstemp(prefix=f"{WRITING_PREFIX}{os.getpid()}-", dir=self._folder)
        os.close(handle)
        try:
            yield Path(name)
        finally:
            Path(name).unlink(missing_ok=True)
