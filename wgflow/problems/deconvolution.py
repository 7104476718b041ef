"""From the section of a sparse deconvolution to its functional and its spikes."""

from __future__ import annotations

import numpy as np

from wgflow.domains import Box, Circle, Domain
from wgflow.errors import InputError
from wgflow.functionals import Deconvolution, DirichletKernel, Features, PeriodicGaussian
from wgflow.measures import Particles
from wgflow.problems.models.deconvolution import DeconvolutionProblem


def make_deconvolution(section: DeconvolutionProblem, domain: Domain) -> Features:
    """F without its regularisation; raises InputError if spikes or kernel do not fit the domain."""
    if section.width is not None:
        kernel: DirichletKernel | PeriodicGaussian = PeriodicGaussian(section.width)
    else:
        kernel = DirichletKernel(section.frequencies or 1)
    return Deconvolution(kernel, target_spikes(section, domain), domain, noise=section.noise, seed=section.noise_seed)


def target_spikes(section: DeconvolutionProblem, domain: Domain) -> Particles:
    """Spikes as particles on the domain.

    Raises
    ------
    InputError
        If the domain is no torus, positions have another number of coordinates, or a weight is negative on an unsigned
        domain.
    """
    base, weights = domain.base, np.array(section.spikes.weights)
    if not isinstance(base, Circle) and not (isinstance(base, Box) and all(base.periodic)):
        raise InputError(
            '[problem] kind = "deconvolution" needs a circle, or a box with periodic = true; the domain is '
            f"{base.kind!r}"
        )
    positions, needed = np.array(section.spikes.positions), len(base.shape)
    if positions.shape[1] != needed:
        raise InputError(
            f"[problem.spikes] positions have {positions.shape[1]} coordinates; the domain {base.kind!r} needs {needed}"
        )
    if domain.sheets == 1 and weights.min() < 0.0:
        raise InputError(f"[problem.spikes] weights hold {weights.min():g}; negative ones need [domain] signed = true")
    if isinstance(base, Circle):
        positions = np.column_stack([np.cos(positions), np.sin(positions)])
    return Particles(positions, np.abs(weights), np.where(weights < 0.0, -1.0, 1.0), domain)
