"""Readable references that the tests compare the library with, and ways to drive its solvers."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from scipy.integrate import quad, solve_ivp

from wgflow.flows.step_control import StepController

TURN = 2.0 * np.pi


def advance(evolution, times):
    """Carry a solver to each time and give the snapshots there."""
    snapshots = []
    for end in times:
        evolution.begin_interval(end)
        while evolution.time < end:
            evolution.step()
        snapshots.append(evolution.snapshot())
    return snapshots


def dense(cells, matrix):
    """A matrix (N, N) of fluxes through faces between pairs of cells (E, 2)."""
    found = np.diag(matrix.diagonal)
    for (here, there), leaving, entering in zip(cells, matrix.leaving, matrix.entering, strict=True):
        found[here, [here, there]] += leaving, -entering
        found[there, [here, there]] += -leaving, entering
    return found


class AtTheBounds(StepController):
    """Steps as large as the rules P and E, rejections and outputs allow, whatever their error."""

    def begin(self, step):  # noqa: ARG002
        super().begin(np.inf)

    def accept(self, step, quotient, growth=None):  # noqa: ARG002
        super().accept(step, quotient)
        self.aim = np.inf


def without_error_control(flow):
    """Let an explicit flow take the steps that are stable; gives it."""
    flow._control, flow._tolerance, flow._accurate_step = AtTheBounds(1), 1e300, np.inf
    return flow


def central_difference(function, step):
    """Fourth-order derivative at zero of a function of one number."""
    near, far = function(step) - function(-step), function(2.0 * step) - function(-2.0 * step)
    return (8.0 * near - far) / (12.0 * step)


# Quadratic features: S' = -2 [(S - C) S + S (S - C)], and a Gaussian N(0, S) seen on the circle.


def covariance(target, start, time):
    """Solve the matrix equation of quadratic features numerically, to about 1e-12."""
    target, start = np.asarray(target, dtype=float), np.asarray(start, dtype=float)

    def rate(_, flat):
        matrix = flat.reshape(start.shape)
        return (-2.0 * ((matrix - target) @ matrix + matrix @ (matrix - target))).ravel()

    solution = solve_ivp(rate, (0.0, time), start.ravel(), method="DOP853", rtol=1e-13, atol=1e-15)
    return solution.y[:, -1].reshape(start.shape)


def gaussian_on_circle(matrix, angles):
    """Density on the circle of w/|w| with weight |w|^2 for w ~ N(0, matrix)."""
    inverse = np.linalg.inv(matrix)
    cosine, sine = np.cos(angles), np.sin(angles)
    form = inverse[0, 0] * cosine**2 + 2.0 * inverse[0, 1] * cosine * sine + inverse[1, 1] * sine**2
    return 1.0 / (np.pi * np.sqrt(np.linalg.det(matrix)) * form**2)


def cell_averages(function, cells):
    """Averages of a function of the angle over equal arcs, by a 12-point Gauss rule on each."""
    nodes, weights = np.polynomial.legendre.leggauss(12)
    angles = (np.arange(cells)[:, None] + 0.5 + 0.5 * nodes) * TURN / cells
    return function(angles) @ weights / 2.0


# The kernel E relu(u.x) relu(v.x), x ~ N(0, I), by quadrature.


def planar_kernel(first, second):
    """In the plane E relu relu = E|x|^2 times the mean over angles, and E|x|^2 = 2."""
    a, b = np.arctan2(first[1], first[0]), np.arctan2(second[1], second[0])

    def product(angle):
        return max(np.cos(angle - a), 0.0) * max(np.cos(angle - b), 0.0)

    kinks = sorted((kink % TURN) for kink in (a - np.pi / 2, a + np.pi / 2, b - np.pi / 2, b + np.pi / 2))
    ends = [0.0, *kinks, TURN]
    total = sum(quad(product, left, right, epsabs=1e-14)[0] for left, right in pairwise(ends))
    return 2.0 * np.linalg.norm(first) * np.linalg.norm(second) * total / TURN


def spatial_kernel(first, second):
    """In space E relu relu = 3 times the mean over the sphere, with the first vector as the pole."""
    lengths = np.linalg.norm(first) * np.linalg.norm(second)
    cosine = float(np.dot(first, second)) / lengths
    sine = np.sqrt(1.0 - cosine**2)

    def over_longitudes(latitude):
        across, along = np.sin(latitude) * sine, np.cos(latitude) * cosine
        end = np.arccos(np.clip(-along / max(across, 1e-300), -1.0, 1.0))
        return 2.0 * quad(lambda angle: across * np.cos(angle) + along, 0.0, end, epsabs=1e-13)[0]

    def integrand(latitude):
        return np.cos(latitude) * np.sin(latitude) * over_longitudes(latitude)

    kink = abs(np.pi / 2 - np.arccos(cosine))
    total = quad(integrand, 0.0, kink, epsabs=1e-12)[0] + quad(integrand, kink, np.pi / 2, epsabs=1e-12)[0]
    return 3.0 * lengths * total / (4.0 * np.pi)


# The scheme on periodic rows of cells, written with whole arrays.


def limited_difference(backward, forward, density, limiter):
    """Limiters as textbooks print them; ``limiter`` is a name, or "first_order"."""
    same_sign = backward * forward > 0.0
    sign = np.sign(backward)
    central = 0.5 * (backward + forward)
    if limiter == "first_order":
        return np.zeros_like(density)
    if limiter == "minmod":
        return np.where(same_sign, sign * np.minimum(abs(backward), abs(forward)), 0.0)
    if limiter == "mc":
        steepest = 2.0 * np.minimum(abs(backward), abs(forward))
        return np.where(same_sign, sign * np.minimum(steepest, abs(central)), 0.0)
    if limiter == "van_leer":
        total = np.where(same_sign, backward + forward, 1.0)
        return np.where(same_sign, 2.0 * backward * forward / total, 0.0)
    return np.clip(central, -2.0 * density, 2.0 * density)


def right_velocity(potential, spacing, transport):
    """Velocity through the right face of each cell, -alpha times the difference quotient of J."""
    return -transport * (np.roll(potential, -1, axis=-1) - potential) / spacing


def right_flux(density, potential, spacing, transport, limiter):
    """Flux through the right face of each cell: the value of the cell that the face's velocity leaves."""
    right_neighbour, left_neighbour = np.roll(density, -1, axis=-1), np.roll(density, 1, axis=-1)
    slope = limited_difference(density - left_neighbour, right_neighbour - density, density, limiter)
    velocity = right_velocity(potential, spacing, transport)
    from_left, from_right = density + 0.5 * slope, np.roll(density - 0.5 * slope, -1, axis=-1)
    return velocity * np.where(velocity > 0.0, from_left, from_right)


def rate_of_change(density, potential, spacing, transport, reaction, limiter):
    """Right-hand side of the finite-volume scheme."""
    flux = right_flux(density, potential, spacing, transport, limiter)
    return -(flux - np.roll(flux, 1, axis=-1)) / spacing - reaction * potential * density


def largest_loss_rate(potential, spacing, transport, reaction, face_factor):
    """Largest rate at which a cell loses mass, relative to its mass."""
    velocity = right_velocity(potential, spacing, transport)
    outflow = np.maximum(velocity, 0.0) + np.maximum(-np.roll(velocity, 1, axis=-1), 0.0)
    return float((face_factor * outflow / spacing + reaction * np.maximum(potential, 0.0)).max())
