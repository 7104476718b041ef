r"""Distances between the ReLU networks :math:`h(x) = \int e\, (\eta \cdot x)_+ d\nu(\eta, e)` of two measures."""

from __future__ import annotations

import numpy as np

from wgflow.analysis.metrics.atoms import charge_difference, check_measure, check_same_space
from wgflow.analysis.metrics.quadratic_forms import arc_cosine_form
from wgflow.domains.symmetric import SymmetricDomain
from wgflow.errors import InputError, ShapeError
from wgflow.measures import Particles
from wgflow.networks.orbit_kernel import OrbitKernel
from wgflow.networks.population import arc_cosine_sums
from wgflow.typing import FloatArray

_BLOCK = 2**21  # numbers in a block of a dense product: 16 MB


def as_neurons(particles: Particles, inputs: int) -> Particles:
    """Input weights with signed charges, where the points are pairs (a, b) of output and input weights.

    Parameters
    ----------
    particles : Particles
        Points in ``inputs`` dimensions (given back as they are), or in one more.
    inputs : int
        Number of inputs of the network, a bias included.
    """
    if particles.points.shape[1] == inputs:
        return particles
    outputs = particles.points[:, 0]
    signs = np.where(outputs < 0.0, -1.0, 1.0) * particles.signs
    return Particles(particles.points[:, 1:], particles.weights * np.abs(outputs), signs)


def relu_predictions(particles: Particles, inputs: FloatArray) -> FloatArray:
    r"""Give the outputs :math:`h(x_i) = \sum_j w_j e_j (\eta_j \cdot x_i)_+` of a network.

    Parameters
    ----------
    particles : Particles
        Measure with points of shape (m, d).
    inputs : array, shape (n, d)
        Where to predict, with a last column of ones where the network has a bias.

    Returns
    -------
    array, shape (n,)

    Raises
    ------
    ShapeError
        If the inputs do not have the dimension of the points.
    InputError
        If a number is not finite or a weight is negative.
    """
    check_measure(particles)
    return _predictions(particles.points, particles.weights * particles.signs, inputs)


def empirical_distance(first: Particles, second: Particles, inputs: FloatArray) -> float:
    """Root mean square over the inputs, shape (n, d), of the difference of two networks.

    Raises
    ------
    ShapeError
        If dimensions differ.
    InputError
        If there are no inputs, a number is not finite, or a weight is negative.
    """
    check_same_space(first, second)
    residual = _predictions(*charge_difference(first, second), inputs)
    if not residual.size:
        raise InputError("the empirical distance needs at least one input")
    return float(np.sqrt(np.mean(residual**2)))


def population_distance(first: Particles, second: Particles) -> float:
    r"""Distance :math:`(E (h_1(x) - h_2(x))^2)^{1/2}` of two networks for :math:`x \sim N(0, I_d)`, in closed form.

    Parameters
    ----------
    first, second : Particles
        Measures with points of shape (m, d) and (n, d).

    Returns
    -------
    float
        The distance. In the plane it is an integral of a square over arcs, in O((m + n) log(m + n)), with an error
        near 1e-15 of the mass. In other dimensions it is a quadratic form of the arc-cosine kernel, in
        O((m + n)^2 d), and below 1e-8 of the mass it is round-off.

    Raises
    ------
    ShapeError
        If the dimensions differ.
    InputError
        If a number is not finite or a weight is negative.

    References
    ----------
    Cho and Saul, Kernel methods for deep learning, NeurIPS (2009), for the arc-cosine kernel.
    """
    check_same_space(first, second)
    points, charges = charge_difference(first, second)
    visible = points.any(axis=1)  # a neuron with zero input weights is zero
    points, charges = points[visible], charges[visible]
    if not charges.size:
        return 0.0
    square = _planar_square(points, charges) if points.shape[1] == 2 else arc_cosine_form(points, charges)
    return float(np.sqrt(max(square, 0.0)))


def symmetric_distance(first: Particles, second: Particles, domain: SymmetricDomain, frame: FloatArray) -> float:
    r"""Distance :math:`(E (h_1(x) - h_2(x))^2)^{1/2}` where one network or both are known by their symmetry.

    Parameters
    ----------
    first, second : Particles
        Measures of points (p, r) of the domain, each of which stands for its orbit, or of directions in R^d.
    domain : SymmetricDomain
        The half circle or half sphere.
    frame : array, shape (k, d)
        Its directions.
    """
    kernel = OrbitKernel(domain.inputs, domain.kept)

    def product(a: Particles, b: Particles) -> float:
        if domain.inputs == a.points.shape[1] == b.points.shape[1] and not (_is_reduced(a) or _is_reduced(b)):
            sums = arc_cosine_sums(a.points, b.points, b.weights * b.signs)[0]
        else:
            points, others = (m.points if _is_reduced(m) else domain.reduced(m.points, frame) for m in (a, b))
            sums = kernel.sums(points, others, b.weights * b.signs)[0]
        return float((a.weights * a.signs) @ sums)

    square = product(first, first) - 2.0 * product(first, second) + product(second, second)
    return float(np.sqrt(max(square, 0.0)))


def _is_reduced(measure: Particles) -> bool:
    return measure.domain is not None and isinstance(measure.domain.base, SymmetricDomain)


def _predictions(points: FloatArray, charges: FloatArray, inputs: FloatArray) -> FloatArray:
    if inputs.ndim != 2 or inputs.shape[1] != points.shape[1]:
        raise ShapeError(f"inputs of shape {inputs.shape} do not fit; allowed is (n, {points.shape[1]})")
    predictions = np.empty(len(inputs))
    size = max(1, _BLOCK // max(1, len(points)))
    for start in range(0, len(inputs), size):
        block = slice(start, start + size)
        predictions[block] = np.maximum(inputs[block] @ points.T, 0.0) @ charges
    return predictions


def _planar_square(points: FloatArray, charges: FloatArray) -> float:
    r"""Second moment of a network in the plane, :math:`\frac{1}{\pi} \int_0^{2\pi} h(\cos t, \sin t)^2 dt`.

    Between the kinks h is ``v . x`` with v the sum of the active neurons. With the middle u of an arc of
    length s, and u' orthogonal to u, the integral over the arc is
    ``(v.u)^2 (s + sin s)/2 + (v.u')^2 (s - sin s)/2``: nonnegative terms, nothing cancels.
    """
    middles, lengths, jumps = _arcs_between_kinks(points, charges)
    across = np.stack([np.cos(middles), np.sin(middles)], axis=-1)
    along = np.stack([-across[:, 1], across[:, 0]], axis=-1)
    active = points @ across[0] > 0.0
    slopes = charges[active] @ points[active] + np.cumsum(jumps, axis=0)
    value, derivative = (slopes * across).sum(axis=1), (slopes * along).sum(axis=1)
    sine = np.sin(lengths)
    return float(value**2 @ (lengths + sine) + derivative**2 @ (lengths - sine)) / (2.0 * np.pi)


def _arcs_between_kinks(points: FloatArray, charges: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Middles (2k,) and lengths (2k,) of the arcs, and jumps (2k, 2) of the gradient of h when they are entered.

    The widest arc comes first, because there it is clear which neurons are active; its jump is zero.
    """
    angles = np.arctan2(points[:, 1], points[:, 0])
    kinks = np.mod(np.concatenate([angles - 0.5 * np.pi, angles + 0.5 * np.pi]), 2.0 * np.pi)
    jumps = np.concatenate([charges[:, None] * points, -charges[:, None] * points])
    order = np.argsort(kinks)
    kinks, jumps = kinks[order], jumps[order]
    lengths = np.diff(kinks, append=kinks[0] + 2.0 * np.pi)
    widest = int(np.argmax(lengths))
    jumps[widest] = 0.0
    arcs = kinks + 0.5 * lengths, lengths, jumps
    middles, lengths, jumps = (np.roll(values, -widest, axis=0) for values in arcs)
    return middles, lengths, jumps
