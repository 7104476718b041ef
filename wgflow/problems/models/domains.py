"""[domain]: where the measure lives."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from wgflow.problems.models.base import Matrix, Section


class CircleSection(Section):
    """The unit circle, cut into equal arcs."""

    kind: Literal["circle"]
    cells: int = Field(1024, ge=4, le=2**26, description="number of cells on each sheet")
    signed: bool = Field(False, description="one sheet for each sign of the output weight")


class SphereSection(Section):
    """The unit sphere S^2, cut into Voronoi cells."""

    kind: Literal["sphere"]
    cells: int = Field(
        2562, ge=1, le=2621442, description="wanted number of cells; the grid has the next 10 * 4^level + 2"
    )
    signed: bool = Field(False, description="one sheet for each sign of the output weight")


class BoxSection(Section):
    """A box in one to three dimensions, cut into equal cells."""

    kind: Literal["box"]
    bounds: Matrix = Field(max_length=3, description="lower and upper end of each axis")
    shape: Annotated[list[Annotated[int, Field(ge=4, le=2**20)]], Field(min_length=1, max_length=3)] = Field(
        description="number of cells along each axis"
    )
    periodic: Annotated[list[bool], Field(min_length=1, max_length=3)] | bool = Field(
        False, description="whether opposite ends are the same, for all axes or for each; else they are walls"
    )
    signed: bool = Field(False, description="one sheet for each sign of the output weight")
    wall_warning: float = Field(
        1e-5, gt=0.0, le=1.0, description="share of the mass in the cells at a wall above which a run warns"
    )
    wall_limit: float = Field(
        0.01, gt=0.0, le=1.0, description="share of the mass in the cells at a wall above which a run stops"
    )
    grow: bool = Field(False, description="enlarge the box by whole cells where a run would warn")

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


class SpaceSection(Section):
    """The space R^p without a grid, for particles: pairs (a, b) of a network with p - 1 inputs."""

    kind: Literal["space"]
    dimension: int = Field(ge=1, le=10**6, description="number p of components of a point")


class HypersphereSection(Section):
    """The unit sphere of R^p without a grid, for particles in any dimension."""

    kind: Literal["hypersphere"]
    dimension: int = Field(ge=2, le=10**6, description="number p of components of a point")
    signed: bool = Field(False, description="one sheet for each sign of the output weight")


DomainSection = CircleSection | SphereSection | BoxSection | SpaceSection | HypersphereSection
