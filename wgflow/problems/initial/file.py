"""[initial] of kind "file"; the file itself is read by `wgflow.problems.restart`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from wgflow.problems.initial.base import InitialSection
from wgflow.problems.sections import Seed


class FileInitial(InitialSection):
    """The state in a trajectory (.h5), or arrays (.npz): density, or position, weight and sign."""

    kind: Literal["file"]
    path: str = Field(description=".h5 or .npz, relative to the problem file")
    snapshot: int = Field(-1, description="number of the snapshot in a trajectory, -1 for the last")
    seed: Seed = Field(0, description="seed of the draw of particles")
    by_quadrature = False
    from_file = True
