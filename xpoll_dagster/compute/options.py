"""Where heavy batches run, and with how much."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class ComputeOptions(BaseModel):
    """One process, or a Ray cluster."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["local", "ray"] = Field(
        default="local",
        description="`local` works in this process; `ray` sends batches to a Ray cluster (needs "
        "the extra `ray`).",
    )
    address: str = Field(
        default="",
        pattern=r"^(|auto|[A-Za-z0-9_.:\[\]-]+:\d{1,5})$",
        description="The Ray cluster: host:port of its head, or `auto` for the one that this "
        "machine belongs to. Empty starts Ray on this machine alone, for as long as it is used.",
    )
    actors: int = Field(
        default=0,
        ge=0,
        description="Actors at most that hold a model each; 0 for as many as the cluster has room "
        "for.",
    )
    cpus_per_actor: float = Field(
        default=1.0, gt=0, description="CPUs that an actor with a model is given."
    )
    gpus_per_actor: float = Field(
        default=0.0, ge=0, description="GPUs that an actor with a model is given; 0.5 shares one."
    )
    attempts: int = Field(
        default=3, ge=1, description="How often a failing batch is tried before the work fails."
    )
    actor_seconds: float = Field(
        default=600.0,
        gt=0,
        description="How long to wait until the cluster has room for the first actor.",
    )
    chats_per_batch: int = Field(
        default=128,
        ge=1,
        description="Chats that an actor with a language model is given at once: enough to keep "
        "a GPU full, few enough to divide a book among the actors.",
    )
    books_at_once: int = Field(
        default=4,
        ge=1,
        description="Books that are written about at the same time, so that their chats keep all "
        "actors busy.",
    )
    partitions: int = Field(
        default=16,
        ge=1,
        description="Parts into which a shuffle divides its rows; each must fit into the memory of "
        "one worker.",
    )
    window_mb: int = Field(
        default=1024,
        ge=1,
        description="Megabytes of batches that wait on Ray at a time (about; at least one batch).",
    )
    shared_files: bool = Field(
        default=False,
        description="Whether every node sees the data folder at the same path (a network file "
        "system): then nodes read and write shards themselves; otherwise rows travel "
        "through the object store and only this process touches files.",
    )
    connect_seconds: float = Field(
        default=10.0, gt=0, description="How long to wait for the head of the cluster to answer."
    )
    object_store_mb: int | None = Field(
        default=None,
        ge=80,
        description="Memory for Ray's object store where Ray is started here; null leaves it to "
        "Ray (30 % of the machine).",
    )
