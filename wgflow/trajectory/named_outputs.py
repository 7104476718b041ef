"""What a trajectory holds, by the names that it has for everyone: scalars, fields, and estimates of their errors."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from wgflow.errors import InputError
from wgflow.trajectory.schema import ERRORS, ORDERS, QUANTITIES
from wgflow.typing import FloatArray


class NamedOutputs:
    """Scalars and fields of T outputs as attributes."""

    scalars: Mapping[str, FloatArray]
    fields: Mapping[str, FloatArray]

    @property
    def energy(self) -> FloatArray:
        """F at each time, regularisation included, shape (T,)."""
        return self.scalars["energy"]

    @property
    def risk(self) -> FloatArray:
        """Risk at each time, shape (T,)."""
        return self.scalars["risk"]

    @property
    def mass(self) -> FloatArray:
        """Total mass at each time, shape (T,)."""
        return self.scalars["mass"]

    @property
    def min_potential(self) -> FloatArray:
        """Minimum of J at each time, shape (T,)."""
        return self.scalars["min_potential"]

    @property
    def step_size(self) -> FloatArray:
        """Size of the step that led to each time, shape (T,)."""
        return self.scalars["step_size"]

    @property
    def density(self) -> FloatArray:
        """Cell averages of the density, shape ``(T, *domain.shape)``."""
        return self._field("density")

    @property
    def position(self) -> FloatArray:
        """Positions of the particles, shape (T, m, p)."""
        return self._field("position")

    @property
    def weight(self) -> FloatArray:
        """Weights of the particles, shape (T, m)."""
        return self._field("weight")

    @property
    def has_particles(self) -> bool:
        """Whether the run was one of particles or characteristics."""
        return "position" in self.fields

    @property
    def is_normalised(self) -> bool:
        """Whether densities are those of a measure whose mass is followed as a logarithm, ``fields["log_mass"]``."""
        return "log_mass" in self.fields

    @property
    def errors(self) -> dict[str, FloatArray]:
        """Estimated errors at each output, shape (T,), of "energy", "risk", "mass", "density" and "transport".

        That of the density is a distance in L1; that of the measure one in W1, on circles and lines, between atoms at
        the cell centres. NaN where an error is not resolved; empty without estimates, see ``wgflow.runs.estimates``.
        """
        return self._estimated(ERRORS, missing=np.inf)

    @property
    def orders(self) -> dict[str, FloatArray]:
        """Orders at which the errors fall with the width of cells or the number of particles, names as in ``errors``.

        NaN where an error is that of round-off or of the tolerance of time stepping, and where there is none.
        """
        return self._estimated(ORDERS, missing=0.0)

    def _estimated(self, name: str, missing: float) -> dict[str, FloatArray]:
        if name not in self.fields:
            return {}
        table = np.asarray(self.fields[name])
        return dict(zip(QUANTITIES, np.where(table == missing, np.nan, table).T, strict=True))

    def _field(self, name: str) -> FloatArray:
        if name not in self.fields:
            raise InputError(f"this trajectory holds no {name}; it holds {', '.join(self.fields)}")
        return self.fields[name]
