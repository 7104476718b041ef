"""A trajectory in memory: what a run returns and what a file is read into."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, SupportsIndex, overload

import numpy as np
from numpy.typing import ArrayLike

from wgflow.domains import Domain
from wgflow.errors import InputError, MissingExtraError
from wgflow.flows import Snapshot
from wgflow.flows.labels import FLOW_LABELS, Labels
from wgflow.functionals import Features, Functional
from wgflow.measures import Particles
from wgflow.trajectory.lazy_field import StoredField
from wgflow.trajectory.schema import ERRORS, FIELDS, GRID, INTERRUPTED_AT, ORDERS, QUANTITIES
from wgflow.trajectory.ugrid import ANGLES, describe_angle, in_degrees, sphere_of
from wgflow.typing import FloatArray

if TYPE_CHECKING:
    import xarray


@dataclass(frozen=True, repr=False)
class Trajectory:
    """The states of a flow at T output times.

    Parameters
    ----------
    time : array, shape (T,)
        Output times; 0 first.
    scalars : mapping of str to array, shape (T,)
        ``step_size``, ``energy``, ``risk``, ``mass`` and ``min_potential``.
    fields : mapping of str to array, shape (T, ...)
        ``density`` of grid runs; ``position`` and ``weight`` of particle runs; all of them for characteristics;
        ``log_mass``, ``margin``, ``scaled_log_time`` and ``multipliers`` beside the density of normalised runs;
        ``estimated_error`` and ``observed_order`` where errors were estimated, see ``errors`` and ``orders``. Those
        of files read single snapshots when they are asked for, see `wgflow.trajectory.lazy_field.StoredField`.
    domain : Domain or None
        Where the measure lives.
    sign : array, shape (m,), or None
        Sign of each particle.
    functional : Functional or None
        F, where it is known; files written by a problem file carry what rebuilds it.
    attributes : mapping
        Problem text, version, status, counts of steps and timings.
    steps : mapping of str to array, shape (n,)
        What each of the n accepted steps gave: ``time``, ``step_size``, ``energy``, ``dissipation``, ``risk``, ``mass``
        and ``min_potential``. Stochastic descent knows risk and J at outputs alone; elsewhere they are NaN.
    labels : Labels
        What ``time``, the scalars and the columns of ``steps`` are, as the solver says: names, symbols and units.
    """

    time: FloatArray
    scalars: Mapping[str, FloatArray]
    fields: Mapping[str, FloatArray] = field(repr=False)
    domain: Domain | None
    sign: FloatArray | None = field(default=None, repr=False)
    functional: Functional | None = field(default=None, repr=False)
    attributes: Mapping[str, Any] = field(default_factory=dict, repr=False)
    steps: Mapping[str, FloatArray] = field(default_factory=dict, repr=False)
    labels: Labels = field(default=FLOW_LABELS, repr=False)

    def __repr__(self) -> str:
        """One line: domain, times, fields and status."""
        fields = ", ".join(f"{name} {values.shape}" for name, values in self.fields.items())
        return f"Trajectory({self.domain}, {len(self.time)} times to {self.time[-1]:g}, {fields}, {self.status})"

    def __len__(self) -> int:
        """Number of outputs."""
        return len(self.time)

    def __iter__(self) -> Iterator[Snapshot]:
        """Snapshots one after another; those of files are read when it is their turn."""
        return (self[index] for index in range(len(self)))

    @overload
    def __getitem__(self, key: SupportsIndex) -> Snapshot: ...

    @overload
    def __getitem__(self, key: slice) -> Trajectory: ...

    def __getitem__(self, key: SupportsIndex | slice) -> Snapshot | Trajectory:
        """Snapshot at an output, or trajectory of several; fields of files are not read for it.

        Parameters
        ----------
        key : int or slice
            Numbers of outputs, of which negative ones count from the end: ``trajectory[-1]``, ``trajectory[::10]``.

        Returns
        -------
        Snapshot or Trajectory
            The steps of a trajectory are those between its first and last output.

        Raises
        ------
        IndexError
            If there is no such output.
        InputError
            If a slice is empty, or runs backwards.

        Examples
        --------
        >>> trajectory[-1].fields["density"].sum()  # doctest: +SKIP
        >>> trajectory[::10].density.shape  # doctest: +SKIP
        """
        if isinstance(key, slice):
            return self._part(range(len(self))[key])
        index = range(len(self))[key]
        scalars = {name: float(values[index]) for name, values in self.scalars.items()}
        return Snapshot(
            float(self.time[index]), **scalars, fields={name: values[index] for name, values in self.fields.items()}
        )

    def between(self, start: float, end: float) -> Trajectory:
        """Trajectory of the outputs from one time to another, both included; fields of files are not read for it.

        Parameters
        ----------
        start, end : float
            Times; they need not be output times.

        Raises
        ------
        InputError
            If there is no output between them.
        """
        first, behind = np.searchsorted(self.time, start, side="left"), np.searchsorted(self.time, end, side="right")
        if not first < behind:
            raise InputError(f"there is no output from t = {start:g} to {end:g}; they go from 0 to {self.time[-1]:g}")
        return self._part(range(int(first), int(behind)))

    def _part(self, chosen: range) -> Trajectory:
        """Trajectory of some outputs."""
        if len(chosen) == 0 or chosen.step < 0:
            raise InputError("a part of a trajectory needs one output at least, and increasing times")
        rows = slice(chosen.start, chosen.stop, chosen.step)
        time = self.time[rows]
        noted = self.steps.get("time", np.empty(0))
        kept = (noted > time[0]) & (noted <= time[-1])
        return replace(
            self,
            time=time,
            scalars={name: values[rows] for name, values in self.scalars.items()},
            fields={name: _rows_of(values, rows) for name, values in self.fields.items()},
            steps={name: values[kept] for name, values in self.steps.items()},
            attributes={name: value for name, value in self.attributes.items() if name != INTERRUPTED_AT},
        )

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
        the cell centres. NaN where an error is not resolved; empty without estimates, see `wgflow.runs.estimates`.
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

    @property
    def status(self) -> str:
        """One of running, complete, interrupted and failed."""
        return str(self.attributes.get("status", "complete"))

    @property
    def scheduled(self) -> int:
        """Number of snapshots at output times; a run that stopped between two of them has one more."""
        interrupted_at = int(self.attributes.get(INTERRUPTED_AT, -1))
        return len(self.time) if interrupted_at < 0 else min(interrupted_at, len(self.time))

    def curve(self, name: str) -> tuple[FloatArray, FloatArray]:
        """A scalar over time, from snapshots and steps: what to draw as a curve.

        Parameters
        ----------
        name : str
            One of ``scalars``.

        Returns
        -------
        time, values : arrays, shape (k,)
            All times at which the scalar is known, increasing.
        """
        values = self.steps.get(name, np.empty(0))
        known = np.isfinite(values)
        noted = self.steps["time"][known] if values.size > 0 else values
        time, first = np.unique(np.concatenate([self.time, noted]), return_index=True)
        return time, np.concatenate([self.scalars[name], values[known]])[first]

    def measure(self, index: int) -> Particles:
        """Give the state at an output as a discrete measure: the particles, or atoms at the cell centres."""
        if self.has_particles:
            sign = self.sign if self.sign is not None else np.ones(self.weight.shape[1])
            return Particles(self.position[index], self.weight[index], sign, self.domain)
        domain = self._known_domain()
        points = domain.points.reshape(-1, domain.points.shape[-1])
        masses = (self.density[index] * domain.volumes).ravel()
        return Particles(points, masses, np.repeat(domain.signs, masses.size // domain.sheets), domain)

    def potential(self, index: int) -> FloatArray:
        """First variation J at an output; of normalised measures -U, with the weights of the last step.

        Returns
        -------
        array, shape ``domain.shape`` for grids and (m,) for particles

        Raises
        ------
        InputError
            If the functional is not known: load the file with ``load(path, functional=...)``.
        """
        if self.functional is None:
            raise InputError("the functional of this trajectory is not known; load(path, functional=...) gives it")
        if self.has_particles:
            return self.functional.at_particles(self.measure(index)).potential
        if self.is_normalised and isinstance(self.functional, Features):
            coefficients = -self.functional.targets * self.fields["multipliers"][index]
            return self.functional.potential_of(coefficients, self._known_domain())
        return self.functional.on_grid(self._known_domain()).first_variation(self.density[index])

    def predict(self, inputs: ArrayLike, index: int = -1) -> FloatArray:
        """Prediction of the network at an output; over the mass, where the measure is normalised.

        Parameters
        ----------
        inputs : array-like, shape (k, d)
            Inputs as the features see them: those of a data set scaled as there (see
            `wgflow.problems.datasets.Dataset.scaled`), with a last 1 where there is a bias.
        index : int
            Number of the output, the last by default.

        Returns
        -------
        array, shape (k,)

        Raises
        ------
        InputError
            If the functional is not known, or is that of no network.
        ShapeError
            If the inputs do not fit the input weights.
        """
        from wgflow.networks.predictions import predictions  # files are read without its kernels

        if self.functional is None:
            raise InputError("the functional of this trajectory is not known; load(path, functional=...) gives it")
        rows = np.atleast_2d(np.asarray(inputs, dtype=np.float64))
        return predictions(self.functional, self.measure(index), rows)

    def to_xarray(self) -> xarray.Dataset:
        """Labelled dataset of all scalars and fields, on spheres with longitude and latitude of the cells.

        Raises
        ------
        MissingExtraError
            If xarray is not installed; it comes with the extra ``xarray``.
        """
        try:
            import xarray
        except ImportError:
            raise MissingExtraError("xarray", "xarray", "Trajectory.to_xarray") from None
        grid = self.domain.coordinates if self.domain is not None else ()
        coordinates: dict[str, Any] = {"time": ("time", self.time, self.labels.time.described)}
        for axis in grid if "density" in self.fields else ():
            described = {"units": axis.units, "long_name": axis.long_name}
            coordinates[axis.name] = (axis.name, axis.values, described)
        sphere = sphere_of(self.domain)
        if sphere is not None and "density" in self.fields:
            for angle, values in zip(ANGLES, in_degrees(sphere.points), strict=True):
                coordinates[f"cell_{angle}"] = ("cell", values, describe_angle("cell", angle))
        if self.sign is not None:
            coordinates["particle_sign"] = ("particle", self.sign, {"long_name": "sign of each particle"})
        if ERRORS in self.fields:
            coordinates["quantity"] = ("quantity", list(QUANTITIES), {"long_name": "what is estimated"})
        variables: dict[str, Any] = {
            name: ("time", values, self.labels.of(name).described) for name, values in self.scalars.items()
        }
        for name, values in self.fields.items():
            known = FIELDS[name]
            dimensions = tuple(a.name for a in grid) if known.dimensions == GRID else known.dimensions
            variables[name] = (("time", *dimensions), values, {"long_name": known.long_name})
        kept = {name: value for name, value in self.attributes.items() if value is not None}
        return xarray.Dataset(variables, coordinates, kept)

    def _field(self, name: str) -> FloatArray:
        if name not in self.fields:
            raise InputError(f"this trajectory holds no {name}; it holds {', '.join(self.fields)}")
        return self.fields[name]

    def _known_domain(self) -> Domain:
        if self.domain is None:
            raise InputError("the domain of this trajectory is not known")
        return self.domain


def _rows_of(values: Any, rows: slice) -> Any:
    """Some rows of an array, or of a stored field, which behaves like one; nothing is read or copied."""
    return values.part(rows) if isinstance(values, StoredField) else values[rows]
