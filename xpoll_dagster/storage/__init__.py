"""Where artifacts live and how they are replaced: paths, atomic replacement, hashes.

Knows nothing of books, links or Dagster.
"""

from xpoll_dagster.storage.atomic import replace_directory, replace_file, write_parquet
from xpoll_dagster.storage.disk import disk_sentence
from xpoll_dagster.storage.hashing import fingerprint, hash_file, hash_tree
from xpoll_dagster.storage.shared_data import open_shared
from xpoll_dagster.storage.store import Artifact, ArtifactStore, Failure, StorageError
from xpoll_dagster.storage.tree_hashes import TreeHashes, tree_signature

__all__ = [
    "Artifact",
    "ArtifactStore",
    "Failure",
    "StorageError",
    "TreeHashes",
    "disk_sentence",
    "fingerprint",
    "hash_file",
    "hash_tree",
    "open_shared",
    "replace_directory",
    "replace_file",
    "tree_signature",
    "write_parquet",
]
