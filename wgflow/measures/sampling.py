"""Particles drawn from a density on a grid, or from a Gaussian: at random, or spread more evenly."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import numpy as np

from wgflow.dispatch import DomainTable
from wgflow.domains import Circle, Domain, Signed, Space
from wgflow.domains.base import UnsignedDomain
from wgflow.domains.inversion import invert
from wgflow.domains.symmetric import SymmetricDomain
from wgflow.errors import InputError
from wgflow.measures.checks import check_density
from wgflow.measures.particles import Particles
from wgflow.measures.randomness import random_generator
from wgflow.measures.strata import lattice, stratified
from wgflow.typing import FloatArray, IntArray

START_METHODS = ("random", "quasi_random", "stratified", "equispaced")
Draw = Callable[..., tuple[FloatArray, IntArray]]


def draw_particles(
    domain: Domain,
    density: FloatArray,
    count: int,
    seed: int | None = None,
    method: str = "random",
    *,
    rng: np.random.Generator | None = None,
    frame: FloatArray | None = None,
) -> Particles:
    """Draw particles of equal weight from a piecewise constant density.

    From half circles and half spheres they are lifted to the unit sphere of R^d, with rests that are turned at random.

    Parameters
    ----------
    domain : Domain
        Circle, box or sphere, also signed.
    density : array, shape ``domain.shape``
        Density to draw from; its mass is divided evenly.
    count : int
        Number m of particles.
    seed : int, optional
        Seed of numpy's PCG64 generator; the same seed draws the same particles. Without one others each time.
    method : str
        "random" (independent), "quasi_random" (a scrambled Sobol sequence, best for counts that are powers of 2),
        "stratified" (one in each of m strata of equal mass: m arcs or intervals, or m boxes of about equal sides in
        the unit cube that the inverse Rosenblatt map takes to the box; on spheres m runs of cells in their numbering)
        or "equispaced" (the middles of these strata, without chance; in two and three dimensions they must form a
        lattice, and spheres have none). On signed domains the strata of one sheet follow those of the other; where
        the share of a sheet is no multiple of 1/m, one stratum lies in both.
    rng : numpy.random.Generator, optional
        Source of the random numbers, in the place of a seed.
    frame : array, shape (k, d), optional
        For half circles and half spheres: their directions, orthonormal rows; the first axes by default.

    Raises
    ------
    InputError
        If the count is not positive or has no lattice, the density is not one, the method is unknown, or there is a
        frame where none belongs.

    Notes
    -----
    For smooth densities above zero the mean squared error of an integral is of order 1/m for random particles, and
    m^-(1 + 2/d) for stratified ones in dimension d (Owen, Monte Carlo theory, methods and examples, Section 10.1).

    Examples
    --------
    >>> import numpy as np
    >>> from wgflow import Circle, draw_particles
    >>> cloud = draw_particles(Circle(16), np.ones(16), 100, rng=np.random.default_rng(3))
    >>> cloud.points.shape, round(cloud.mass, 6)
    ((100, 2), 6.283185)
    """
    density = check_density(density, domain.shape)
    masses = density * domain.volumes
    rows = masses.reshape(domain.sheets, -1)
    generator, base = random_generator(seed, rng), domain.base
    points, sheet = DRAWS.on(domain)(base, rows, count, generator, method)
    lives = domain
    if isinstance(base, SymmetricDomain):
        points = base.lifted(points, generator, frame)
        lives = Signed(base.whole) if domain.sheets == 2 else base.whole
    elif frame is not None:
        raise InputError(f"a frame is for half circles and half spheres; found the domain {domain.kind!r}")
    return Particles(points, np.full(count, masses.sum() / count), domain.signs[sheet], lives)


def draw_gaussian(
    covariance: FloatArray,
    mean: FloatArray,
    mass: float,
    count: int,
    seed: int | None = None,
    method: str = "random",
    *,
    rng: np.random.Generator | None = None,
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
    count, seed, method, rng
        See `draw_particles`; strata are boxes of the unit cube, which the quantiles of the components take to R^p.
        Tails cost stratified particles some of their rate.

    Raises
    ------
    InputError
        If the count is not positive or has no lattice, the method is unknown, the covariance is not symmetric positive
        definite, or the mean does not fit it.

    Examples
    --------
    >>> import numpy as np
    >>> from wgflow import draw_gaussian
    >>> draw_gaussian(np.eye(2), np.zeros(2), 1.0, 50, seed=0).points.shape
    (50, 2)
    """
    from scipy.special import ndtri

    factor = _cholesky_factor(covariance)
    components = len(factor)
    if np.shape(mean) not in ((), (components,)):
        raise InputError(f"mean has shape {np.shape(mean)}; a covariance of {components} rows needs ({components},)")
    normal = ndtri(_uniforms(count, components, random_generator(seed, rng), method))
    return Particles(mean + normal @ factor.T, np.full(count, mass / count), np.ones(count), Space(components))


def _cholesky_factor(covariance: FloatArray) -> FloatArray:
    matrix = np.asarray(covariance, dtype=np.float64)
    if matrix.ndim == 2 and matrix.shape[0] == matrix.shape[1] and np.allclose(matrix, matrix.T):
        with contextlib.suppress(np.linalg.LinAlgError):
            return np.asarray(np.linalg.cholesky(matrix), dtype=np.float64)
    raise InputError(
        f"covariance of shape {matrix.shape} is not allowed; give a symmetric positive definite matrix, shape (p, p), "
        "e.g. numpy.eye(2)"
    )


def _draw_around(
    circle: Circle, rows: FloatArray, count: int, generator: np.random.Generator, method: str
) -> tuple[FloatArray, IntArray]:
    """Points and sheets of particles on a circle: its sheets are one row of cells."""
    (uniforms,) = _uniforms(count, 1, generator, method).T
    cells, fraction = invert(rows.ravel(), uniforms)
    sheet, cell = np.divmod(cells, circle.cells)
    angles = (cell + fraction) * circle.spacing
    return np.stack([np.cos(angles), np.sin(angles)], axis=-1), sheet


def _draw_on_sheets(
    base: UnsignedDomain, rows: FloatArray, count: int, generator: np.random.Generator, method: str
) -> tuple[FloatArray, IntArray]:
    """Points and sheets of particles: first the sheet of each, then its place there."""
    sheet, uniforms = _sheets_and_uniforms(base, rows.sum(axis=1), count, generator, method)
    points = np.empty((count, base.geometry.components))
    for number, row in enumerate(rows):
        here = sheet == number
        points[here] = base.place(row, uniforms[:, here])
    return points, sheet


def _sheets_and_uniforms(
    base: UnsignedDomain, shares: FloatArray, count: int, generator: np.random.Generator, method: str
) -> tuple[IntArray, FloatArray]:
    """Sheet of each particle, shape (count,), and uniforms for its place there, shape (dimensions, count)."""
    if method in ("random", "quasi_random"):
        first, *rest = _uniforms(count, base.uniforms + 1, generator, method).T
        return invert(shares, first)[0], np.stack(rest)
    free = base.uniforms - base.strata
    if free > 0 and method == "equispaced":
        raise InputError(
            f'start = "equispaced" is not available on {base.kind}s; choose "stratified" or "quasi_random"'
        )
    sheet, _ = invert(shares, _uniforms(count, 1, generator, method)[:, 0])
    numbers = [number for number in np.bincount(sheet).tolist() if number > 0]
    uniforms = np.concatenate([_uniforms(number, base.strata, generator, method) for number in numbers])
    if free > 0:
        uniforms = np.hstack([uniforms, _uniforms(count, free, generator, "random")])
    return sheet, uniforms.T


DRAWS: DomainTable[Draw] = DomainTable("a draw of particles", {Circle: _draw_around, object: _draw_on_sheets})


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
