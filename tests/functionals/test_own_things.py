"""Losses, activations, energies, kernels and densities that a user gives: used as they are, and checked at once."""

from __future__ import annotations

import re
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.optimize import minimize

import wgflow

BOX = wgflow.Box([(-1.0, 1.0)], 20)
CIRCLE = wgflow.Circle(24)
TARGETS = np.array([0.4, -1.0, 0.2])
POINTS = wgflow.Particles([[0.3, 0.1], [-0.2, 0.7]], [0.5, 0.5])


class Huber:
    """Squares near 0 and lines beyond, so that outliers count little."""

    nonnegative = True

    def __init__(self, width=1.0):
        self.width = width

    def value(self, h, y):
        size = np.abs(h - y)
        return np.where(size < self.width, 0.5 * size**2, self.width * (size - 0.5 * self.width))

    def gradient(self, h, y):
        return np.clip(h - y, -self.width, self.width)

    def hessian(self, h, y):
        return np.where(np.abs(h - y) < self.width, 1.0, 0.0)


def features(x):
    return np.stack([x[:, 0], x[:, 1], x[:, 0] * x[:, 1]], axis=-1)


def test_an_own_loss_that_is_the_square_gives_the_same_flow():
    square = SimpleNamespace(
        value=lambda h, y: 0.5 * (h - y) ** 2, gradient=lambda h, y: h - y, hessian=lambda h, y: np.ones_like(h - y)
    )
    own, known = (wgflow.Features(features, TARGETS, loss=loss) for loss in (square, "square"))
    found, expected = (wgflow.solve(risk, CIRCLE, np.ones(24), 0.2, times=[0.2]) for risk in (own, known))
    assert found.density[-1] == pytest.approx(expected.density[-1], rel=1e-10)
    assert own.at_particles(POINTS).potential == pytest.approx(known.at_particles(POINTS).potential, rel=1e-14)


def test_a_huber_loss_has_a_certificate():
    """A line through data with one outlier, which a square loss would follow."""
    x = np.linspace(-1.0, 1.0, 9)
    y = 0.8 * x + np.where(x == 0.5, 6.0, 0.0)
    inputs = np.column_stack([x, np.ones(9)])
    domain = wgflow.Signed(wgflow.Circle(128))
    risk = wgflow.Features(lambda points: points @ inputs.T, y, loss=Huber(0.5)) + wgflow.Mass(0.01)
    trajectory = wgflow.solve(risk, domain, np.full((2, 128), 0.1), 300.0, times=[300.0])
    certificate = wgflow.certify(risk, domain, trajectory.density[-1])
    optimum = wgflow.find_optimum(risk, domain, tolerance=1e-8)
    # All neurons are linear, so that the least value is that over lines, with the length of their coefficients as mass.
    line = minimize(lambda b: Huber(0.5).value(inputs @ b, y).mean() + 0.01 * np.linalg.norm(b), [0.5, 0.5], tol=1e-12)
    charges = optimum.measure.weights * optimum.measure.signs
    assert charges @ optimum.measure.points == pytest.approx(line.x, abs=1e-4)
    assert optimum.value == pytest.approx(line.fun, rel=1e-9)
    assert optimum.certificate.gap < 1e-7
    assert certificate.scope == "all"
    assert certificate.lower_bound <= line.fun <= certificate.value
    assert certificate.gap < 2e-3 * certificate.value


def test_a_huber_loss_lowers_by_variational_steps():
    risk = wgflow.Features(features, TARGETS, loss=Huber) + wgflow.Mass(0.01)
    trajectory = wgflow.solve_jko(risk, CIRCLE, np.ones(24), 2.0, tau=0.5, times=[2.0])
    assert trajectory.risk[-1] < 0.2 * trajectory.risk[0]


class Swish:
    def value(self, z):
        return z / (1.0 + np.exp(-z))

    def gradient(self, z):
        share = 1.0 / (1.0 + np.exp(-z))
        return share * (1.0 + z * (1.0 - share))


def test_an_own_activation_is_differentiated_and_trained():
    x = np.array([[0.5, 1.0], [-1.0, 1.0], [2.0, 1.0]])
    layer, points = wgflow.SmoothLayer(x, activation=Swish), np.array([[0.3, -0.2]])
    assert layer(points)[0] == pytest.approx(Swish().value(points @ x.T)[0], rel=1e-15)
    step = np.array([[1e-4, 0.0]])
    slopes = (layer.jacobian(points + step) - layer.jacobian(points - step))[0].T @ np.ones(3) / 2e-4
    assert layer.hessian(points, np.ones(3))[0, 0] == pytest.approx(slopes, rel=1e-5)
    start = wgflow.draw_balanced(2, 1.0, 30, seed=1)
    risk = wgflow.Features(wgflow.Neurons(layer), TARGETS)
    trajectory = wgflow.simulate(risk, start, 20.0, domain=wgflow.Space(3), times=[20.0])
    assert trajectory.risk[-1] < 1e-3
    assert trajectory.predict(x) == pytest.approx(TARGETS, abs=0.1)


def test_an_own_tanh_is_the_known_one():
    x, points = np.array([[0.5], [-1.0]]), np.array([[0.3], [2.0]])
    own = SimpleNamespace(value=np.tanh, gradient=lambda z: 1.0 - np.tanh(z) ** 2)
    found, known = wgflow.SmoothLayer(x, own), wgflow.SmoothLayer(x, "tanh")
    assert np.array_equal(found(points), known(points))
    assert np.array_equal(found.gradient(points, np.ones(2)), known.gradient(points, np.ones(2)))
    assert found.hessian(points, np.ones(2)) == pytest.approx(known.hessian(points, np.ones(2)), abs=1e-9)


def plogp(r):
    return np.where(r > 0.0, r * np.log(np.where(r > 0.0, r, 1.0)), 0.0)


ENERGIES = {
    "squares": (
        wgflow.DensityEnergy(lambda r: r**2, lambda r: 2.0 * r, lambda r: np.full_like(r, 2.0)),
        wgflow.PowerEnergy(2.0),
    ),
    "entropy": (
        wgflow.DensityEnergy(plogp, gradient=lambda r: np.log(r) + 1.0, hessian=lambda r: 1.0 / r),
        wgflow.Entropy(),
    ),
}


@pytest.mark.filterwarnings("ignore:divide by zero")
@pytest.mark.parametrize("name", ENERGIES)
@pytest.mark.parametrize("stepper", ["ssprk43", "tr_bdf2"])
def test_an_own_energy_flows_as_the_known_one(name, stepper):
    own, known = ENERGIES[name]
    well = wgflow.Potential(lambda x: 0.5 * x[:, 0] ** 2)
    found, expected = (
        wgflow.solve(energy + well, BOX, lambda x: 1.0 + x[..., 0] ** 2, 0.1, stepper=stepper, times=[0.1]).density[-1]
        for energy in (own, known)
    )
    assert found == pytest.approx(expected, rel=2e-4 if stepper == "tr_bdf2" and name == "entropy" else 1e-6)


@pytest.mark.filterwarnings("ignore:divide by zero")
@pytest.mark.parametrize("name", ENERGIES)
def test_variational_steps_take_own_energies(name):
    found, expected = (
        wgflow.solve_jko(energy, BOX, lambda x: 1.0 + x[..., 0] ** 2, 0.2, tau=0.1, scheme="linearised", times=[0.2])
        for energy in ENERGIES[name]
    )
    assert found.density[-1] == pytest.approx(expected.density[-1], rel=1e-9)


def test_an_own_energy_comes_to_rest_where_j_is_constant():
    class Cosh:
        def value(self, r):
            return np.cosh(r) - 1.0

        def gradient(self, r):
            return np.sinh(r)

        def hessian(self, r):
            return np.cosh(r)

    energy = wgflow.DensityEnergy(Cosh) + wgflow.Potential(lambda x: 0.5 * x[:, 0])
    line = wgflow.Box([(-1.0, 1.0)], 10)
    flows = [
        wgflow.solve(energy, line, np.full(10, 0.7), 8.0, stepper=stepper, times=[8.0])
        for stepper in ("ssprk43", "tr_bdf2")
    ]
    for trajectory in flows:
        assert np.ptp(trajectory.potential(-1)) < 2e-5
        assert np.ptp(np.sinh(trajectory.density[-1])) == pytest.approx(0.9, rel=1e-4)
    with pytest.raises(wgflow.InputError, match="needs a density"):
        energy.at_particles(wgflow.Particles([[0.0]], [1.0]))


def test_gradients_are_given_alike_or_are_methods_of_the_function():
    class Well:
        def __call__(self, x):
            return (x**2).sum(axis=-1)

        def gradient(self, x):
            return 3.0 * x  # not its own, to see that it is used

    for functional in (wgflow.Potential(Well()), wgflow.Potential(Well(), gradient=lambda x: 3.0 * x)):
        assert np.array_equal(functional.at_particles(POINTS).gradient, 3.0 * POINTS.points)
    for functional in (wgflow.Interaction(Well()), wgflow.Interaction(Well(), gradient=lambda z: 3.0 * z)):
        pull = 1.5 * (POINTS.points - POINTS.points[::-1])
        assert functional.at_particles(POINTS).gradient == pytest.approx(pull, rel=1e-15)
    with pytest.deprecated_call(match="gradient="):
        assert wgflow.ZonalInteraction(np.exp, slope=np.exp).gradient is np.exp


def wrong_loss(**parts):
    return SimpleNamespace(**{name: getattr(Huber(), name) for name in ("value", "gradient", "hessian")} | parts)


def risk_of(loss):
    return wgflow.Features(features, TARGETS, loss=loss)


def one(x):
    return np.ones(x.shape[:-1])


MASKED = np.ma.masked_array(np.ones(20), mask=np.arange(20) < 3)
WELL = wgflow.Potential(lambda x: (x**2).sum(axis=-1))
WRONG = {
    "loss = the function one has no value and no gradient and no hessian; choose one of square": lambda: risk_of(one),
    "no hessian; choose": lambda: risk_of(SimpleNamespace(value=one, gradient=one)),
    "the derivative of the loss SimpleNamespace is": lambda: risk_of(wrong_loss(gradient=lambda h, y: 2.0 * (h - y))),
    "is not convex": lambda: risk_of(
        SimpleNamespace(
            value=lambda h, y: np.cos(h - y), gradient=lambda h, y: -np.sin(h - y), hessian=lambda h, y: -np.cos(h - y)
        )
    ),
    "says that it is nonnegative; found": lambda: risk_of(
        wrong_loss(value=lambda h, y: Huber().value(h, y) - 1.0, nonnegative=True)
    ),
    "the loss SimpleNamespace of (24,) numbers has shape ()": lambda: risk_of(
        wrong_loss(value=lambda h, y: Huber().value(h, y).mean())
    ),
    "the activation, the function tanh, has no gradient": lambda: wgflow.SmoothLayer([[1.0]], np.tanh),
    "activation = 'sin' is unknown": lambda: wgflow.SmoothLayer([[1.0]], "sin"),
    "the derivative of the activation is": lambda: wgflow.SmoothLayer(
        [[1.0]], SimpleNamespace(value=np.sin, gradient=np.sin)
    ),
    "the internal energy, the function one, has no gradient and no hessian": lambda: wgflow.DensityEnergy(one),
    "is not convex: U'' = -2": lambda: wgflow.DensityEnergy(
        lambda r: -(r**2), lambda r: -2.0 * r, lambda r: np.full_like(r, -2.0)
    ),
    "the potential is 3, which is no function": lambda: wgflow.Potential(3),
    "the feature function is 3, which is no function": lambda: wgflow.Features(3, TARGETS),
    "the interaction kernel is 3, which is no function": lambda: wgflow.Interaction(3),
    "gradient = 3 of the potential is no function": lambda: wgflow.Potential(one, gradient=3),
    "periods = the function one of Interaction is no length; write Interaction(W, gradient=dW)": lambda: (
        wgflow.Interaction(one, one)
    ),
    "give the kernel as Interaction(k)": lambda: wgflow.KernelDiscrepancy(one, POINTS),
    "the potential has the type complex128; allowed are real numbers": lambda: wgflow.Potential(
        lambda x: 1j * x[:, 0]
    ).on_grid(BOX),
    "the potential does not take arrays of shape (20, 1) (ValueError": lambda: wgflow.Potential(
        lambda x: 1.0 if x > 0.0 else 0.0
    ).on_grid(BOX),
    "the gradient of the potential of (2, 2) points has shape (2,); allowed is (2, 2)": lambda: wgflow.Potential(
        one, gradient=one
    ).at_particles(POINTS),
    "the initial density does not take arrays": lambda: wgflow.solve(WELL, BOX, lambda x: float(x), 1.0),
    "the initial density is masked": lambda: wgflow.solve(WELL, BOX, MASKED, 1.0),
    "the target density is masked": lambda: wgflow.SobolevDiscrepancy(MASKED, 1.0).on_grid(wgflow.Circle(20)),
    "the density is masked": lambda: WELL.on_grid(BOX).value(MASKED),
    "particles are needed; found ndarray of shape (5, 1)": lambda: wgflow.simulate(WELL, np.zeros((5, 1)), 1.0),
    "particles are needed; found ndarray of shape (4, 1)": lambda: WELL.at_particles(np.zeros((4, 1))),
    "particles are needed; found ndarray of shape (3, 1)": lambda: wgflow.Interaction(one).at_particles(
        np.zeros((3, 1))
    ),
    "the weights of particles has the type": lambda: wgflow.Particles([[1.0]], ["a"]),
    "choose one of euler, ssprk2, ssprk3, ssprk43, backward_euler, tr_bdf2": lambda: wgflow.solve(
        WELL, BOX, one, 1.0, stepper="rk4"
    ),
    "domain = Space(dimension=2) has no cells for a density": lambda: wgflow.solve(WELL, wgflow.Space(2), one, 1.0),
    "domain = 'box' is no domain": lambda: wgflow.solve(WELL, "box", one, 1.0),
    "functional = the function one is no functional; give one, e.g. Potential(V)": lambda: wgflow.solve(
        one, BOX, one, 1.0
    ),
    "shape[0] = ": lambda: wgflow.Box([(0.0, 1.0)], np.array([20.0])),
    "seed = 1 and rng are both given": lambda: wgflow.draw_particles(
        BOX, np.ones(20), 3, 1, rng=np.random.default_rng(1)
    ),
    "rng = 3 is no generator of numpy": lambda: wgflow.Descent(0.1, rng=3),
    "seed = 'a' is not allowed": lambda: wgflow.draw_particles(BOX, np.ones(20), 3, "a"),
}


@pytest.mark.parametrize("message", WRONG)
def test_what_is_wrong_is_told_at_once(message):
    with pytest.raises(wgflow.InputError, match=re.escape(message)):
        WRONG[message]()


def test_an_array_may_be_the_shape_of_a_box():
    box = wgflow.Box([(0.0, 1.0), (0.0, 2.0)], np.array([20, 12]), periodic=np.array([True, False]))
    assert box == wgflow.Box([(0.0, 1.0), (0.0, 2.0)], (20, 12), (True, False))


def test_particles_need_no_signs_and_draws_no_seed():
    assert wgflow.Particles([[1.0], [2.0]], [0.5, 0.5]).signs.tolist() == [1.0, 1.0]
    first, second = (wgflow.draw_particles(CIRCLE, np.ones(24), 20) for _ in range(2))
    assert not np.array_equal(first.points, second.points)


def test_a_generator_takes_the_place_of_a_seed():
    def rng():
        return np.random.default_rng(5)

    drawn = {
        "particles": lambda **source: wgflow.draw_particles(CIRCLE, np.ones(24), 9, **source),
        "gaussian": lambda **source: wgflow.draw_gaussian(np.eye(2), np.zeros(2), 1.0, 9, **source),
        "balanced": lambda **source: wgflow.draw_balanced(3, 1.0, 9, **source),
        "directions": lambda **source: wgflow.draw_directions(wgflow.Hypersphere(3), 1.0, 9, **source),
    }
    for draw in drawn.values():
        assert np.array_equal(draw(seed=5).points, draw(rng=rng()).points)
    torus = wgflow.Box([(0.0, 1.0)], 16, periodic=True)
    noisy = [
        wgflow.Deconvolution(wgflow.DirichletKernel(2), wgflow.Particles([[0.5]], [1.0]), torus, noise=0.1, **source)
        for source in ({"seed": 5}, {"rng": rng()})
    ]
    assert np.array_equal(noisy[0].targets, noisy[1].targets)
    for method in (wgflow.Descent, wgflow.Langevin):
        assert method(0.1, rng=rng()) == method(0.1, rng=rng()) != method(0.1)
