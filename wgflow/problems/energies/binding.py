"""Radial kernels on a domain: with its periods, averaged over its cells, or as functions of the angle."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from wgflow.domains import Domain
from wgflow.domains.geometry import is_flat, is_unit_sphere
from wgflow.errors import InputError
from wgflow.functionals import energies


def averages_kernels(domain: Domain) -> bool:
    """Whether cells average a kernel that is infinite at 0: those of boxes."""
    return domain.base.lattice is not None and is_flat(domain.geometry)


def bound_interaction(
    kernel: energies.RadialKernel, domain: Domain, *, averaged: bool
) -> energies.Interaction | energies.ZonalInteraction:
    """Interaction by a kernel, averaged over cells where it is narrow, or by its samples."""
    if is_unit_sphere(domain.geometry):
        return kernel.zonal() if averaged else replace(kernel.zonal(), on_arcs=None)
    box = domain.base.lattice
    if box is None or not is_flat(domain.geometry):
        return energies.Interaction(kernel, gradient=kernel.gradient)
    return energies.Interaction(kernel, periods_of(domain), kernel.gradient, kernel.on_cells if averaged else None)


def periods_of(domain: Domain) -> list[float] | None:
    """Length of each axis of a box, inf where it is not periodic; None for other domains."""
    box = domain.base.lattice
    if box is None or not is_flat(domain.geometry):
        return None
    sides = zip(box.bounds, box.periodic, strict=True)
    return [high - low if wraps else np.inf for (low, high), wraps in sides]


def check_width(name: str, width: float, domain: Domain) -> None:
    """Raise InputError if a Gaussian is narrower than the cells of a surface, over which kernels are not averaged."""
    base = domain.base
    if base.mesh is None:
        return
    least = energies.NARROW_GAUSSIAN * math.sqrt(float(base.volumes.sum()) / base.volumes.size)
    if width < least:
        raise InputError(
            f"[problem.{name}] width = {width:g} is not allowed on a {base.kind} of {base.volumes.size} cells, which "
            f"are wider; give a width >= {least:.3g}, or more cells"
        )
