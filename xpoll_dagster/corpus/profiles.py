"""Profiles: what a mix shall consist of, one YAML file each.

A profile weighs categories, says which sources may be drawn from and how much of each, how
many rows there shall be, and what their licences must allow.
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from xpoll_dagster.corpus.licences import strictness
from xpoll_dagster.corpus.model import CATEGORIES, SourceError

LicencePolicy = Literal["any", "commercial"]

COMMERCIAL = 3
"""The strictest licence (`licences.strictness`) that still permits commercial use."""

_MAX_BYTES = 1 << 20


class ProfileSources(BaseModel):
    """Which sources a mix draws from. Patterns are as of a shell: `*`, `?`, `[…]`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    include: tuple[str, ...] = Field(
        default=("*",), description="Sources whose name fits one of these are drawn from."
    )
    exclude: tuple[str, ...] = Field(
        default=(), description="Sources whose name fits one of these are left out after all."
    )
    caps: Mapping[str, int] = Field(
        default_factory=dict,
        description="Rows of one source at most, by its name or a pattern. A source's own name "
        "comes before patterns; of several patterns that fit, the smallest cap holds.",
    )
    max_share: float = Field(
        default=1.0, gt=0, le=1, description="Share of the mix that one source may make up."
    )

    @field_validator("caps")
    @classmethod
    def _caps(cls, caps: Mapping[str, int]) -> Mapping[str, int]:
        if any(cap < 0 for cap in caps.values()):
            raise ValueError("a cap is a number of rows, 0 or more")
        return caps

    def takes(self, source: str) -> bool:
        """Whether rows of a source may be drawn."""
        return any(fnmatchcase(source, pattern) for pattern in self.include) and not any(
            fnmatchcase(source, pattern) for pattern in self.exclude
        )

    def cap(self, source: str) -> int | None:
        """Rows of a source at most, or None where nothing limits it."""
        if source in self.caps:
            return self.caps[source]
        fitting = [cap for pattern, cap in self.caps.items() if fnmatchcase(source, pattern)]
        return min(fitting, default=None)


class Profile(BaseModel):
    """What a mix shall consist of."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$", description="Name of the file.")
    description: str = Field(default="", description="What models trained on the mix are for.")
    weights: Mapping[str, float] = Field(
        min_length=1,
        description="Share of each category, relative to the others. A category that is not "
        "named, or weighs 0, is not in the mix.",
    )
    sources: ProfileSources = Field(default_factory=ProfileSources, description="Where from.")
    max_total: int = Field(default=1_200_000, ge=1, description="Rows of the mix at most.")
    max_category_share: float = Field(
        default=0.45, gt=0, le=1, description="Share of the mix that a category may make up."
    )
    category_share_exceptions: Mapping[str, float] = Field(
        default_factory=dict,
        description="Categories that may make up another share than the others; printed on the "
        "mix's card.",
    )
    licences: LicencePolicy = Field(
        default="any",
        description="`commercial` takes only rows whose licence is known and allows commercial "
        "use; `any` takes all, and the mix is as restricted as its strictest row.",
    )
    fill: Literal["supply", "weights"] = Field(
        default="supply",
        description="What gives way where a category has too few rows: with `supply` the other "
        "categories fill up, in the proportion of their weights and within their limits; with "
        "`weights` the proportions stand and the mix gets smaller.",
    )
    temperature: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="How the sources of a category share it: by their sizes to this power. 1 "
        "takes rows as they come, 0 the same number from each.",
    )
    seed: int = Field(default=0, ge=0, description="Another seed draws other rows.")

    @model_validator(mode="after")
    def _consistent(self) -> Profile:
        for field in ("weights", "category_share_exceptions"):
            strange = sorted(set(getattr(self, field)) - set(CATEGORIES))
            if strange:
                raise ValueError(
                    f"{field} names {', '.join(strange)}; the categories are "
                    f"{', '.join(CATEGORIES)}"
                )
        if any(not 0 <= weight < 1e9 for weight in self.weights.values()):
            raise ValueError("a weight is a number, 0 or more")
        if any(not 0 < share <= 1 for share in self.category_share_exceptions.values()):
            raise ValueError("a share lies above 0 and is 1 at most")
        total = sum(self.weights.values())
        if not total:
            raise ValueError("every weight is 0")
        for category, weight in self.weights.items():
            if weight / total > self.share_limit(category) + 1e-9:
                raise ValueError(
                    f"{category} weighs {weight / total:.0%} of the mix, but may make up "
                    f"{self.share_limit(category):.0%}: lower its weight, or declare the "
                    "exception under category_share_exceptions"
                )
        return self

    @property
    def categories(self) -> tuple[str, ...]:
        """The categories that the mix holds, in the order of `CATEGORIES`."""
        return tuple(name for name in CATEGORIES if self.weights.get(name, 0) > 0)

    def share_limit(self, category: str) -> float:
        """Share of the mix that a category may make up."""
        return self.category_share_exceptions.get(category, self.max_category_share)

    def permits(self, licence: str) -> bool:
        """Whether rows of this licence may be in the mix."""
        return self.licences == "any" or strictness(licence) <= COMMERCIAL


def load_profile(path: Path) -> Profile:
    """A profile from its file, whose stem is its name.

    Raises:
        SourceError: The file cannot be read or is no profile; says what is wrong with it.
    """
    return _read(path)


def load_profiles(folder: Path) -> dict[str, Profile]:
    """All profiles of a folder (`*.yaml`), by name; a missing folder has none."""
    return {path.stem: _read(path) for path in sorted(folder.glob("*.yaml"))}


def _read(path: Path) -> Profile:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise SourceError(f"{path} is too large for a profile (1 MB at most).")
        fields = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}.") from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise SourceError(f"{path} is not YAML: {str(error).splitlines()[0]}.") from error
    if not isinstance(fields, dict):
        raise SourceError(f"{path} must hold the fields of a profile (weights: …, sources: …).")
    named = fields.setdefault("name", path.stem)
    if named != path.stem:
        raise SourceError(f"{path} calls its profile {named!r}: name it {path.stem!r} as the file.")
    try:
        return Profile.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        what = f"{where}: {first['msg']}" if where else first["msg"]
        raise SourceError(f"{path} is no profile: {what.removeprefix('Value error, ')}.") from error
