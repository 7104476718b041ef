"""Particles drawn from a density on a grid, or from a Gaussian: at random, or spread more evenly."""

from __future__ import annotations

import numpy as np

from wgflow.domains import Box, Circle, Domain, Space, Sphere
from wgflow.domains.icosphere import unit
from wgflow.errors import InputError
from wgflow.measures.checks import check_density
from wgflow.measures.particles import Particles
from wgflow.measures.strata import lattice, stratified
from wgflow.typing import FloatArray, IntArray

START_METHODS = ("random", "quasi_random", "stratified", "equispaced")
AT_ONCE = 2**14  # particles, so that the conditional distributions of a box fit into memory


def draw_particles(domain: Domain, density: FloatArray, count: int, seed: int, method: str = "random") -> Particles:
    """Draw particles of equal weight from a piecewise constant density.

    Parameters
    ----------
    domain : Domain
        Circle, box or sphere, also signed.
    density : array, shape ``domain.shape``
        Density to draw from; its mass is divided evenly.
    count : int
        Number m of particles.
    seed : int
        Seed of numpy's PCG64 generator; the same seed draws the same particles.
    method : str
        "random" (independent), "quasi_random" (a scrambled Sobol sequence, best for counts that are powers of 2),
        "stratified" (one in each of m strata of equal mass: m arcs or intervals, or m boxes of about equal sides in
        the unit cube that the inverse Rosenblatt map takes to the box; on spheres m runs of cells in their numbering)
        or "equispaced" (the middles of these strata, without chance; in two and three dimensions they must form a
        lattice, and spheres have none). On signed domains the strata of one sheet follow those of the other; where
        the share of a sheet is no multiple of 1/m, one stratum lies in both.

    Raises
    ------
    InputError
        If the count is not positive or has no lattice, the density is not one, or the method is unknown.

    Notes
    -----
    For smooth densities above zero the mean squared error of an integral is of order 1/m for random particles, and
    m^-(1 + 2/d) for stratified ones in dimension d (Owen, Monte Carlo theory, methods and examples, Section 10.1).
    """
    density = check_density(density, domain.shape)
    masses = density * domain.volumes
    base = domain.base
    rows = masses.reshape(domain.sheets, -1)
    generator = np.random.default_rng(seed)
    if isinstance(base, Circle):
        (uniforms,) = _uniforms(count, 1, generator, method).T
        cells, fraction = _invert(rows.ravel(), uniforms)
        sheet, cell = np.divmod(cells, base.cells)
        angles = (cell + fraction) * base.spacing
        points = np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    else:
        sheet, uniforms = _sheets_and_uniforms(base, rows.sum(axis=1), count, generator, method)
        points = np.empty((count, domain.points.shape[-1]))
        for number, row in enumerate(rows):
            here = sheet == number
            points[here] = _draw_on(base, row, uniforms[:, here])
    return Particles(points, np.full(count, masses.sum() / count), domain.signs[sheet], domain)


def draw_gaussian(
    covariance: FloatArray, mean: FloatArray, mass: float, count: int, seed: int, method: str = "random"
) -> Particles:
    """Draw particles of equal weight from a Gaussian.

    Parameters
    ----------
    covariance : array, shape (p, p)
        Symmetric positive definite matrix.
    mean : array, shape (p,)
        Centre.
    mass : float
        Total mass, divided evenly.
    count, seed, method
        See `draw_particles`; strata are boxes of the unit cube, which the quantiles of the components take to R^p.
        Tails cost stratified particles some of their rate.

    Raises
    ------
    InputError
        If the count is not positive or has no lattice, or the method is unknown.
    """
    from scipy.special import ndtri

    normal = ndtri(_uniforms(count, len(covariance), np.random.default_rng(seed), method))
    points = mean + normal @ np.linalg.cholesky(covariance).T
    return Particles(points, np.full(count, mass / count), np.ones(count), Space(len(covariance)))


def _sheets_and_uniforms(
    base: Domain, shares: FloatArray, count: int, generator: np.random.Generator, method: str
) -> tuple[IntArray, FloatArray]:
    """Sheet of each particle, shape (count,), and uniforms for its place there, shape (dimensions, count)."""
    sphere = isinstance(base, Sphere)
    dimension = 3 if sphere else len(base.shape)
    if method in ("random", "quasi_random"):
        first, *rest = _uniforms(count, dimension + 1, generator, method).T
        return _invert(shares, first)[0], np.stack(rest)
    if sphere and method == "equispaced":
        raise InputError('start = "equispaced" is not available on spheres; choose "stratified" or "quasi_random"')
    sheet, _ = _invert(shares, _uniforms(count, 1, generator, method)[:, 0])
    numbers = [number for number in np.bincount(sheet).tolist() if number > 0]
    parts = [_uniforms(number, 1 if sphere else dimension, generator, method) for number in numbers]
    uniforms = np.concatenate(parts)
    if sphere:  # the first uniform passes through the cells and their triangles, two place a particle in its triangle
        uniforms = np.hstack([uniforms, _uniforms(count, 2, generator, "random")])
    return sheet, uniforms.T


def _uniforms(count: int, dimension: int, generator: np.random.Generator, method: str) -> FloatArray:
    """Points of the open unit cube, shape (count, dimension)."""
    if count < 1:
        raise InputError(f"count = {count} is not allowed; give the number of particles, at least 1")
    if method not in START_METHODS:
        raise InputError(f"start = {method!r} is unknown; choose one of {', '.join(START_METHODS)}")
    if method == "stratified":
        return stratified(count, dimension, generator)
    if method == "equispaced":
        return lattice(count, dimension)
    if method == "random":
        return 1.0 - generator.random((count, dimension))
    from scipy.stats import qmc

    whole = qmc.Sobol(dimension, rng=generator).random_base2(max(count - 1, 0).bit_length())
    return whole[:count].clip(2.0**-40, 1.0 - 2.0**-40)


def _invert(masses: FloatArray, uniforms: FloatArray) -> tuple[IntArray, FloatArray]:
    """Cell and place in [0, 1) within it where the distribution of masses (n,) reaches each uniform (m,)."""
    cumulative = np.concatenate([[0.0], np.cumsum(masses)])
    levels = uniforms * cumulative[-1]
    cells = np.searchsorted(cumulative, levels, side="left") - 1
    cells = cells.clip(0, masses.size - 1)
    fraction = (levels - cumulative[cells]) / np.where(masses[cells] > 0.0, masses[cells], 1.0)
    return cells, fraction.clip(0.0, np.nextafter(1.0, 0.0))


def _draw_on(base: Domain, masses: FloatArray, uniforms: FloatArray) -> FloatArray:
    """Points on one sheet with the given masses of its cells, from uniforms of shape (dimensions, m)."""
    if isinstance(base, Sphere):
        return _draw_on_sphere(base, masses, uniforms)
    if isinstance(base, Box):
        chunks = [uniforms[:, k : k + AT_ONCE] for k in range(0, uniforms.shape[1], AT_ONCE)]
        parts = [_draw_on_box(base, masses.reshape(base.shape), chunk) for chunk in chunks]
        return np.concatenate(parts) if parts else np.empty((0, len(base.shape)))
    raise InputError(f"particles cannot be drawn on the domain {base.kind!r}")


def _draw_on_box(box: Box, masses: FloatArray, uniforms: FloatArray) -> FloatArray:
    """Invert the distribution along the first axis, then along each next one, given the cells before."""
    points = np.empty(uniforms.T.shape)
    before: tuple[IntArray, ...] = ()
    for axis, level in enumerate(uniforms):
        later = tuple(range(axis + 1, masses.ndim))
        conditional = np.atleast_2d(masses.sum(axis=later)[before])
        cumulative = np.cumsum(conditional, axis=1)
        target = level * cumulative[:, -1]
        cell = (cumulative < target[:, None]).sum(axis=1).clip(max=box.shape[axis] - 1)
        row = np.arange(level.size) if before else np.zeros(level.size, dtype=np.int64)
        chosen, above = conditional[row, cell], cumulative[row, cell] - target
        fraction = 1.0 - above / np.where(chosen > 0.0, chosen, 1.0)
        low, high = box.bounds[axis]
        points[:, axis] = (low + (cell + fraction.clip(0.0, 1.0)) * box.spacing[axis]).clip(low, high)
        before = (*before, cell)
    return points


def _draw_on_sphere(sphere: Sphere, masses: FloatArray, uniforms: FloatArray) -> FloatArray:
    """Choose a cell, one of the triangles between its centre and its faces, and a point of the triangle."""
    mesh = sphere.mesh
    cells, fraction = _invert(masses, uniforms[0])
    ends = np.concatenate([mesh.edges[:, 0], mesh.edges[:, 1]])
    corners = np.concatenate([mesh.edge_vertices, mesh.edge_vertices])
    by_cell = np.argsort(ends, kind="stable")
    starts = np.searchsorted(ends[by_cell], np.arange(sphere.cells + 1))
    number = starts[cells + 1] - starts[cells]
    # Triangles of one cell are nearly equal: the uniform that is left over chooses among them.
    chosen = by_cell[starts[cells] + np.minimum((fraction * number).astype(np.int64), number - 1)]
    root, along = np.sqrt(uniforms[1])[:, None], uniforms[2][:, None]
    first, second = mesh.vertices[corners[chosen, 0]], mesh.vertices[corners[chosen, 1]]
    return unit((1.0 - root) * mesh.points[cells] + root * ((1.0 - along) * first + along * second))
