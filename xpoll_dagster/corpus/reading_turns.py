"""Several sources normalised one after the other, each begun before the last is on disk."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from xpoll_dagster.corpus.model import SourceError
from xpoll_dagster.corpus.seen import SeenHashes
from xpoll_dagster.corpus.source_tables import Source, Standing, standing_of


@dataclass(frozen=True, slots=True)
class Turn:
    """What `normalise_source` is given: `expected`, and `on_read`, which ends the turn."""

    expected: SeenHashes
    on_read: Callable[[np.ndarray], None]


class ReadingTurns:
    """Lets threads normalise sources of which one is read at a time.

    While a source is read, all processors have work; its last shards and its tables are written
    by few threads that wait for the disk. The next source is begun as soon as the keys of this
    one are known: it then finds the same repeats as if it had waited for the end.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._read: dict[str, tuple[Standing, np.ndarray]] = {}
        self._expected = SeenHashes()
        self._expected_of: set[str] = set()

    @contextmanager
    def turn(
        self, name: str, folders: Iterable[Path], *, licence: str, priority: int = 0
    ) -> Iterator[Turn]:
        """Wait for the turn of a source; it ends with `on_read`, or with the block.

        Args:
            name: Name of the catalogue's entry.
            folders: Other sources that are finished; what is no finished source is passed over.
            licence: The entry's licence.
            priority: The entry's priority.
        """
        with ExitStack() as ended:
            ended.enter_context(self._lock)
            standing = standing_of(name, licence, priority)
            expected = self._outranking(standing, folders)

            def on_read(keys: np.ndarray) -> None:
                self._read[name] = (standing, keys)
                if name in self._expected_of:  # by what an earlier run made of it
                    self._expected, self._expected_of = SeenHashes(), set()
                ended.close()

            yield Turn(expected, on_read)

    def _outranking(self, standing: Standing, folders: Iterable[Path]) -> SeenHashes:
        found = {name: keys for name, (other, keys) in self._read.items() if other < standing}
        finished = {}
        for folder in folders:
            try:
                source = Source.open(folder)
            except SourceError:
                continue
            if source.name not in self._read and source.standing() < standing:
                finished[source.name] = source
        wanted = {*found, *finished}
        if not self._expected_of <= wanted:
            self._expected, self._expected_of = SeenHashes(), set()
        # A source that comes next in rank needs the keys of one more alone.
        new = [
            found[name] if name in found else finished[name].keys("key_a")["key_a"].to_numpy()
            for name in sorted(wanted - self._expected_of)
        ]
        if new:
            # The source before may still look into the set that it was given.
            self._expected = self._expected.copy()
            self._expected.add(np.concatenate(new))
            self._expected_of = wanted
        return self._expected
