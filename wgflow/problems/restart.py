"""Initial measures from files: a snapshot of an earlier run, or arrays of a density or of particles."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from wgflow.dispatch import DomainTable
from wgflow.domains import Circle, Domain, Sphere
from wgflow.errors import InputError
from wgflow.measures import Particles
from wgflow.measures.cone import cone_image
from wgflow.measures.deposit import deposit
from wgflow.measures.placement import check_placement
from wgflow.measures.transfer import transfer
from wgflow.problems.archives import read_arrays
from wgflow.text import named
from wgflow.trajectory import read_trajectory
from wgflow.typing import FloatArray


@dataclass(frozen=True)
class StoredMeasure:
    """A measure read from a file.

    Parameters
    ----------
    path : Path
        The file, for messages.
    particles : Particles or None
        The measure as particles, where the file holds them.
    density : array or None
        The measure as a density.
    domain : Domain or None
        Grid of the density; None for the grid that the problem names.
    """

    path: Path
    particles: Particles | None = field(default=None, repr=False)
    density: FloatArray | None = field(default=None, repr=False)
    domain: Domain | None = None

    def on(self, domain: Domain) -> FloatArray:
        """Density on a grid, shape ``domain.shape``, with the mass of the measure.

        Particles are deposited; densities on grids of the same kind are interpolated; those on boxes go to circles
        and spheres by w -> (w/|w|, weight |w|^2).

        Raises
        ------
        InputError
            If the measure does not fit the domain.
        """
        try:
            if self.density is None:
                return deposit(self.particles_on(domain), domain)
            source = domain if self.domain is None else self.domain
            if self.density.shape != source.shape:
                raise InputError(f"density of shape {self.density.shape} does not fit the domain, {source.shape}")
            image, box = _CONE_IMAGES.get(domain), source.base.lattice
            if image is not None and box == source and domain.sheets == 1:
                return image(self.density, box, domain.base)
            return self.density.copy() if source == domain else transfer(self.density, source, domain)
        except InputError as error:
            raise type(error)(f"[initial] path = {str(self.path)!r}: {error}") from None

    def particles_on(self, domain: Domain) -> Particles:
        """Particles of the measure, which live on a domain.

        Raises
        ------
        InputError
            If the measure has none, or they do not live there.
        """
        try:
            particles = self._known_particles()
            check_placement(particles, domain)
        except InputError as error:
            raise type(error)(f"[initial] path = {str(self.path)!r}: {error}") from None
        return replace(particles, domain=domain)

    def _known_particles(self) -> Particles:
        if self.particles is None:
            raise InputError("the file holds neither a density nor particles")
        return self.particles


# Of the densities of boxes, where particles in R^p and on spheres are two forms of one flow.
_CONE_IMAGES: DomainTable[Callable[..., FloatArray]] = DomainTable(
    "the image of a box", {Circle: cone_image, Sphere: cone_image}
)


def read_measure(path: Path, snapshot: int) -> StoredMeasure:
    """Read a measure.

    Parameters
    ----------
    path : Path
        A trajectory (.h5) or arrays (.npz).
    snapshot : int
        Number of the snapshot of a trajectory; negative ones count from the end.

    Raises
    ------
    InputError
        If the file cannot be read or does not hold a measure.
    """
    return _from_arrays(path) if path.suffix == ".npz" else _from_trajectory(path, snapshot)


def _from_trajectory(path: Path, snapshot: int) -> StoredMeasure:
    trajectory, _ = read_trajectory(path)
    count = len(trajectory.time)
    if not -count <= snapshot < count:
        raise InputError(f"[initial] snapshot = {snapshot} is not allowed; {path} has the snapshots 0 to {count - 1}")
    if trajectory.has_particles:
        return StoredMeasure(path, particles=trajectory.measure(snapshot))
    return StoredMeasure(path, density=trajectory.density[snapshot], domain=trajectory.domain)


def _from_arrays(path: Path) -> StoredMeasure:
    arrays = read_arrays(path, f"[initial] path = {str(path)!r}")
    bad = [name for name, values in arrays.items() if not np.isfinite(values).all()]
    if bad:
        raise InputError(f"[initial] path = {str(path)!r}: {named(bad[0])} holds values that are not finite")
    if "density" in arrays:
        return StoredMeasure(path, density=arrays["density"])
    if {"position", "weight"} <= arrays.keys():
        sign = arrays.get("sign", np.ones_like(arrays["weight"]))
        return StoredMeasure(path, particles=Particles(arrays["position"], arrays["weight"], sign))
    found = named(", ".join(sorted(arrays))) or "nothing"
    raise InputError(f"[initial] path = {str(path)!r} holds {found}; it needs density, or position and weight")
