"""Predictions of the networks that functionals describe, at any inputs."""

from __future__ import annotations

from wgflow.domains.symmetric import SymmetricDomain
from wgflow.errors import InputError
from wgflow.functionals.base import Functional, terms_of
from wgflow.functionals.feature_maps import FeatureFunction
from wgflow.functionals.features import Features
from wgflow.measures import Particles
from wgflow.typing import FloatArray


def predictions(functional: Functional, particles: Particles, inputs: FloatArray) -> FloatArray:
    r"""Prediction :math:`h(x) = \int \Psi(x) d\mu` of a network at any inputs.

    Parameters
    ----------
    functional : Functional
        Risk of a network, perhaps with other terms that regularise it.
    particles : Particles
        The neurons.
    inputs : array, shape (k, d)
        Inputs as the data are: scaled, with a last 1 where there is a bias.

    Returns
    -------
    array, shape (k,)

    Raises
    ------
    InputError
        If the functional is that of no network.
    ShapeError
        If the inputs do not fit the input weights.
    """
    points, charges = particles.points, particles.weights * particles.signs
    neurons = _neurons_of(functional, particles, inputs)
    sums = getattr(neurons, "sums", None)
    return charges @ neurons(points) if sums is None else sums.forward(points, charges)[0]


def _neurons_of(functional: Functional, particles: Particles, inputs: FloatArray) -> FeatureFunction:
    """Neurons at other inputs; on half circles and half spheres averaged over their orbits."""
    domain = None if particles.domain is None else particles.domain.base
    if isinstance(domain, SymmetricDomain):
        for term in terms_of(functional):
            if hasattr(term, "orbits_at"):
                orbits: FeatureFunction = term.orbits_at(inputs, domain)
                return orbits
    return _neurons_at(functional, inputs, particles.points.shape[1])


def _neurons_at(functional: Functional, inputs: FloatArray, components: int) -> FeatureFunction:
    """Neurons of the first term that has any, at other inputs."""
    terms = list(terms_of(functional))
    for term in terms:
        if hasattr(term, "neurons_at"):
            neurons: FeatureFunction = term.neurons_at(inputs, components)
            return neurons
        if isinstance(term, Features) and hasattr(term.fn, "at_inputs"):
            found: FeatureFunction = term.fn.at_inputs(inputs)
            return found
    if isinstance(terms[0], Features):
        raise InputError(
            f"{type(terms[0].fn).__name__} features are no neurons, whose inputs may be changed; give "
            "them a method at_inputs(inputs) that gives the same features at other inputs (k, d), a column for each"
        )
    raise InputError(f"{type(terms[0]).__name__} is no network that predicts")
