"""[domain]: where the measure lives. Sections are made from what the domains say of themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, create_model, model_validator

from wgflow.domains import DOMAINS, Domain, make_domain
from wgflow.domains.base import UnsignedDomain
from wgflow.flows.walls import WALL_LIMIT, WALL_WARNING, WallRule
from wgflow.problems.sections import Matrix, Section, fields_of, one_of


class DomainSection(Section):
    """Where the measure lives."""

    kind: str
    beside: ClassVar[frozenset[str]] = frozenset()  # keys that are no arguments of the domain

    @property
    def parameters(self) -> dict[str, Any]:
        """Arguments of `make_domain`."""
        return self.model_dump(exclude=set(self.beside))

    def build(self) -> Domain:
        """Build the domain; its points come when they are first asked for."""
        return make_domain(**self.parameters)

    @property
    def wall_rule(self) -> WallRule | None:
        """What a run does at walls; None for domains without."""
        return None

    @property
    def grows(self) -> bool:
        """Whether the domain is enlarged where a run would warn."""
        return False


class BoxSection(DomainSection):
    """A box in one to three dimensions, cut into equal cells."""

    kind: Literal["box"]
    bounds: Matrix = Field(
        max_length=3, description="lower and upper end of each axis", examples=[[[-4.0, 4.0], [-4.0, 4.0]]]
    )
    shape: Annotated[list[Annotated[int, Field(ge=4, le=2**24)]], Field(min_length=1, max_length=3)] = Field(
        description="number of cells along each axis", examples=[[128, 128]]
    )
    periodic: Annotated[list[bool], Field(min_length=1, max_length=3)] | bool = Field(
        False, description="whether opposite ends are the same, for all axes or for each; else they are walls"
    )
    signed: bool = Field(False, description="one sheet for each sign of the output weight")
    wall_warning: float = Field(
        WALL_WARNING, gt=0.0, le=1.0, description="share of the mass in the cells at a wall above which a run warns"
    )
    wall_limit: float = Field(
        WALL_LIMIT, gt=0.0, le=1.0, description="share of the mass in the cells at a wall above which a run stops"
    )
    grow: bool = Field(False, description="enlarge the box by whole cells where a run would warn")
    beside = frozenset({"wall_warning", "wall_limit", "grow"})

    @model_validator(mode="after")
    def _fits(self) -> BoxSection:
        for axis, pair in enumerate(self.bounds):
            if len(pair) != 2 or not pair[0] < pair[1]:
                raise ValueError(f"bounds[{axis}] = {pair} is not allowed; give a lower and a larger upper end")
        if len(self.shape) != len(self.bounds):
            raise ValueError(f"bounds give {len(self.bounds)} axes, shape {len(self.shape)}; give one entry per axis")
        if isinstance(self.periodic, list) and len(self.periodic) != len(self.bounds):
            raise ValueError(f"periodic has {len(self.periodic)} entries; give true, false, or one entry per axis")
        return self

    @property
    def wall_rule(self) -> WallRule:
        """Where the mass at walls makes a run warn, stop or grow."""
        return WallRule(self.wall_limit, self.wall_warning, self.grow)

    @property
    def grows(self) -> bool:
        """Whether the box does."""
        return self.grow


def domain_section_of(domain: type[UnsignedDomain]) -> type[DomainSection]:
    """Section of a domain: what it says of its arguments, unless it is written out here."""
    written = _WRITTEN.get(domain.kind)
    if written is not None:
        return written
    return create_model(
        f"{domain.kind.title().replace('_', '')}Section",
        __base__=DomainSection,
        __module__=__name__,
        __doc__=domain.about or (domain.__doc__ or domain.kind).splitlines()[0],
        kind=(one_of([domain.kind]), ...),
        **fields_of(domain.arguments),
    )


_WRITTEN: Mapping[str, type[DomainSection]] = {"box": BoxSection}
DOMAIN_SECTIONS = {name: domain_section_of(domain) for name, domain in DOMAINS.items()}


def __getattr__(name: str) -> type[DomainSection]:
    """Sections by the names of their classes, for pickles."""
    for section in DOMAIN_SECTIONS.values() if not name.startswith("_") else ():
        if section.__name__ == name:
            return section
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
