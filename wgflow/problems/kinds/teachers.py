"""[problem.teacher] and [problem.link]: targets of Gaussian inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field, model_validator

from wgflow import networks
from wgflow.errors import InputError
from wgflow.problems.own_code import OwnCode, tried
from wgflow.problems.sections import Matrix, Section, Vector, is_reference, one_of
from wgflow.typing import FloatArray

if TYPE_CHECKING:
    LinkName = str
else:
    LinkName = one_of(networks.LINKS)

DIRECTIONS = "one row per {}; on half circles and half spheres rows shorter than the inputs go on with zeros"


class TeacherSection(Section):
    """A teacher network, by angles in the plane or by directions in any dimension."""

    angles: Vector | None = Field(
        None, description="directions in the plane, in radians; on half spheres in the plane of the first two inputs"
    )
    directions: Matrix | None = Field(None, description=f"input weights, {DIRECTIONS.format('neuron')}")
    weights: Vector = Field(description="output weights, one per neuron")

    @model_validator(mode="after")
    def _one_form(self) -> TeacherSection:
        if (self.angles is None) == (self.directions is None):
            raise ValueError("needs exactly one of angles and directions")
        count = len(self.angles if self.angles is not None else self.directions or [])
        if count != len(self.weights):
            raise ValueError(f"has {count} neurons but {len(self.weights)} weights; give one weight each")
        return self

    def build(self, inputs: int | None = None) -> networks.Teacher:
        """Build the teacher network, with directions of at least as many inputs."""
        weights = np.array(self.weights)
        if self.angles is not None:
            plane = networks.Teacher.from_angles(np.array(self.angles), weights)
            return networks.Teacher(padded(plane.directions, inputs), weights)
        return networks.Teacher(padded(np.array(self.directions), inputs), weights)

    @property
    def inputs(self) -> int:
        """Number of inputs."""
        return 2 if self.directions is None else len(self.directions[0])


class LinkSection(Section):
    """A function of one or two projections of the inputs."""

    name: LinkName | None = Field(
        None, description="the function, of one projection; Hermite polynomials have E y^2 = 1"
    )
    function: str | None = Field(
        None, description='or one of one or two projections, "FILE.py:NAME", vectorised, see --allow-code'
    )
    directions: Matrix = Field(
        description=f"the directions u of the projections u.x, {DIRECTIONS.format('projection')}"
    )
    kinks: Vector | None = Field(
        None, description="projections at which the function has a kink; named ones know theirs"
    )

    @model_validator(mode="after")
    def _one_form(self) -> LinkSection:
        if (self.name is None) == (self.function is None):
            raise ValueError("needs exactly one of name and function")
        if self.function is not None and not is_reference(self.function):
            raise ValueError(f'has function = "{self.function}"; give "FILE.py:NAME"')
        return self

    def build(self, inputs: int | None, code: OwnCode) -> networks.Link:
        """Build the target, with directions of at least as many inputs; raises InputError where code is withheld."""
        directions, kinks = padded(np.array(self.directions), inputs), tuple(self.kinks or ())
        if self.name is not None:
            return networks.Link(self.name, directions, kinks)
        reference = str(self.function)
        own = code[reference]
        return tried(reference, lambda: networks.Link(own, directions, kinks))

    @property
    def inputs(self) -> int:
        """Number of inputs."""
        return len(self.directions[0])


def padded(directions: FloatArray, inputs: int | None) -> FloatArray:
    """Directions (k, d) that go on with zeros; raises InputError where they are longer."""
    missing = 0 if inputs is None else inputs - directions.shape[1]
    if missing < 0:
        raise InputError(
            f"directions have {directions.shape[1]} components, [domain] inputs = {inputs}; give at most these"
        )
    return np.pad(directions, ((0, 0), (0, missing)))
