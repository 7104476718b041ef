"""The flow of diverging mass: against explicit steps, exact margins, and its own inequalities."""

import numpy as np
import pytest
from scipy.optimize import linprog

from wgflow import Circle, Features, Relu, Signed, solve
from wgflow.errors import InputError
from wgflow.optimality.margins import variation_margin
from wgflow.optimality.pricing import make_pricing
from wgflow.variational.normalised import NormalisedFlow

INPUTS = np.column_stack([np.linspace(-1.0, 1.0, 12), np.ones(12)])
LABELS = np.where(np.sin(4.0 * INPUTS[:, 0] + 1.0) > 0.0, 1.0, -1.0)
SOFTMIN = Features(Relu(INPUTS), LABELS, "softmin")
CELLS = 64
DOMAIN = Signed(Circle(CELLS))
UNIFORM = np.full(DOMAIN.shape, 1.0 / (4.0 * np.pi))


@pytest.fixture(scope="module")
def best():
    return variation_margin(INPUTS, LABELS)


def test_small_steps_are_those_of_the_explicit_flow():
    """First order in the step: predictions and mass at t = 1, from a mass of 3."""
    reference = solve(SOFTMIN, DOMAIN, 3.0 * UNIFORM, 1.0, times=np.linspace(0.0, 1.0, 21))
    wanted = (np.array([1.0, -1.0]) @ (reference.density[-1] * DOMAIN.volumes)) @ SOFTMIN.features(DOMAIN.base.points)
    errors = []
    for count in (50, 100):
        flow = NormalisedFlow(SOFTMIN, DOMAIN, 3.0 * UNIFORM, step=1.0 / count, growth=0.0)
        for _ in range(count):
            flow.step()
        assert flow.time == pytest.approx(1.0)
        found = np.exp(flow.log_mass) * LABELS * flow.margins
        errors.append(abs(found - wanted).max() / abs(wanted).max())
        assert np.exp(flow.log_mass) == pytest.approx(reference.mass[-1], rel=2.0 / count)
    assert errors[0] < 0.02
    assert 1.7 < errors[0] / errors[1] < 2.3


@pytest.fixture(scope="module")
def best_on_the_grid():
    """Largest margin of networks with neurons at the cells, by one linear program over both signs."""
    margins = LABELS[:, None] * SOFTMIN.features(DOMAIN.base.points).T
    program = linprog(
        np.append(np.zeros(2 * CELLS), -1.0),
        A_ub=np.hstack([-margins, margins, np.ones((len(LABELS), 1))]),
        b_ub=np.zeros(len(LABELS)),
        A_eq=np.append(np.ones(2 * CELLS), 0.0)[None],
        b_eq=[1.0],
        bounds=[(0.0, None)] * (2 * CELLS) + [(None, None)],
    )
    return -program.fun


@pytest.mark.parametrize(("transport", "missing", "log_mass"), [(0.0, 5e-4, 750.0), (1.0, 0.02, 40.0)])
def test_the_margin_approaches_the_largest_one_from_below(best, best_on_the_grid, transport, missing, log_mass):
    """With masses beyond every number; the multipliers bound it from above; the mass grows by twice the margin."""
    flow = NormalisedFlow(SOFTMIN, DOMAIN, UNIFORM, transport=transport, step=4.0, growth=0.5)
    pricing, soft, bounds = make_pricing(INPUTS), -np.inf, []
    while flow.log_mass < log_mass:
        before = flow.log_mass
        state = flow.step()
        assert state.soft_margin <= state.margin <= best.upper_bound * (1.0 + 1e-9)
        assert state.soft_margin >= soft - 1e-6 * best.margin or flow.log_mass < before
        if state.margin > 0.9 * best.margin and len(bounds) < 50:
            bounds.append(abs(pricing(LABELS * flow.multipliers, 1)[1][0]))
        soft = state.soft_margin
    assert min(bounds) >= best.margin * (1.0 - 1e-9)
    assert 0.95 * best.margin < best_on_the_grid < best.margin
    assert 1.0 - missing < state.margin / best_on_the_grid < 1.0 + 1e-9
    assert (state.log_mass - before) / state.step_size == pytest.approx(2.0 * state.margin, rel=1e-2)
    assert flow.density.min() >= 0.0
    assert (flow.density * DOMAIN.volumes).sum() == pytest.approx(1.0)
    assert (flow.moved_steps > 20) == (transport > 0.0)


def test_the_mass_settles_at_the_optimal_neurons(best):
    flow = NormalisedFlow(SOFTMIN, DOMAIN, UNIFORM, transport=0.0, step=4.0, growth=0.5)
    while flow.log_mass < 750.0:
        flow.step()
    masses = flow.density * DOMAIN.volumes
    for sheet, sign in enumerate((1.0, -1.0)):
        atoms = best.measure.points[best.measure.signs == sign]
        apart = np.arccos(np.clip(DOMAIN.base.points @ atoms.T, -1.0, 1.0)).min(axis=1)
        assert masses[sheet][apart > 3.0 * 2.0 * np.pi / CELLS].sum() < 0.02


def test_any_mass_may_be_given_as_a_logarithm():
    """A factor of the density and its logarithm are the same; a mass beyond every number is a small temperature."""
    one = NormalisedFlow(SOFTMIN, DOMAIN, np.exp(2.0) * UNIFORM)
    other = NormalisedFlow(SOFTMIN, DOMAIN, UNIFORM, log_mass=2.0)
    assert one.log_mass == pytest.approx(other.log_mass)
    assert one.step().margin == pytest.approx(other.step().margin)
    huge = NormalisedFlow(SOFTMIN, DOMAIN, UNIFORM, log_mass=1e5)
    assert np.isfinite(huge.step().soft_margin)


def test_wrong_arguments_are_named():
    with pytest.raises(InputError, match="no normalised form; choose softmin"):
        NormalisedFlow(Features(Relu(INPUTS), LABELS, "logistic"), DOMAIN, UNIFORM)
    with pytest.raises(InputError, match=r"step = 0\.0"):
        NormalisedFlow(SOFTMIN, DOMAIN, UNIFORM, step=0.0)
    with pytest.raises(InputError, match=r"reaction = 0\.0"):
        NormalisedFlow(SOFTMIN, DOMAIN, UNIFORM, reaction=0.0)
    with pytest.raises(InputError, match="growth"):
        NormalisedFlow(SOFTMIN, DOMAIN, UNIFORM, growth=-1.0)
