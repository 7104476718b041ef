"""The flow of diverging mass: against explicit steps, exact margins, and its own inequalities."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import linprog

from wgflow import Circle, Entropy, Features, Relu, Signed, solve
from wgflow.analysis.optimality.arrangement import make_direction_search
from wgflow.analysis.optimality.margins import variation_margin
from wgflow.errors import InputError
from wgflow.normalised.normalised_flow import NormalisedFlow

INPUTS = np.column_stack([np.linspace(-1.0, 1.0, 12), np.ones(12)])
LABELS = np.where(np.sin(4.0 * INPUTS[:, 0] + 1.0) > 0.0, 1.0, -1.0)
LOSSES = {name: Features(Relu(INPUTS), LABELS, name) for name in ("softmin", "logistic")}
CELLS = 64
DOMAIN = Signed(Circle(CELLS))
UNIFORM = np.full(DOMAIN.shape, 1.0 / (4.0 * np.pi))


def time_of(flow):
    """The time t that belongs to the flow's own."""
    return np.expm1(np.exp(flow.log_mass) * flow.scaled_log_time)


@pytest.fixture(scope="module")
def best():
    return variation_margin(INPUTS, LABELS)


@pytest.mark.parametrize(
    ("loss", "mass", "error"), [("softmin", 3.0, 0.006), ("logistic", 3.0, 0.006), ("logistic", 300.0, 0.02)]
)
def test_small_steps_are_those_of_the_explicit_flow(loss, mass, error):
    """First order in the step: predictions, mass and time; with a mass of 300 half of the data saturate the loss."""
    functional, errors = LOSSES[loss], []
    for count in (25, 50):
        evolution = NormalisedFlow(functional, DOMAIN, mass * UNIFORM, tau=1.0 / count, growth=0.0)
        for _ in range(count):
            evolution.step()
        assert evolution.time == pytest.approx(1.0, rel=1e-13)
        assert evolution.moved_steps == count
        end = time_of(evolution)
        assert end == pytest.approx(1.0, rel=1e-13) if loss == "softmin" else end > 2.0
        reference = solve(functional, DOMAIN, mass * UNIFORM, end, times=[end])
        signed = np.array([1.0, -1.0]) @ (reference.density[-1] * DOMAIN.volumes)
        wanted = LABELS * (signed @ functional.features(DOMAIN.base.points))
        errors.append(abs(np.exp(evolution.log_mass) * evolution.margins - wanted).max() / abs(wanted).max())
        assert np.exp(evolution.log_mass) == pytest.approx(reference.mass[-1], rel=2.5e-4)
    assert errors[0] < error
    assert 1.7 < errors[0] / errors[1] < 2.1


def masses_of_the_logistic_loss(start, end):
    """Masses of single cells without transport, as an ordinary differential equation in t."""
    features = LOSSES["logistic"].features(DOMAIN.base.points)

    def rates(time, masses):  # noqa: ARG001
        sheets = masses.reshape(2, -1)
        margins = LABELS * ((sheets[0] - sheets[1]) @ features)
        rising = features @ (LABELS / (1.0 + np.exp(margins))) / LABELS.size
        return 2.0 * (np.stack([rising, -rising]) * sheets).ravel()

    return solve_ivp(rates, (0.0, end), start, method="LSODA", rtol=1e-7, atol=1e-12).y[:, -1]


def test_the_logistic_flow_without_transport_is_its_differential_equation():
    """To a mass of 30: first order in the step."""
    errors = []
    for tau in (0.2, 0.1):
        evolution = NormalisedFlow(LOSSES["logistic"], DOMAIN, UNIFORM, transport=0.0, tau=tau, growth=0.0)
        while evolution.log_mass < np.log(30.0):
            evolution.step()
        wanted = masses_of_the_logistic_loss((UNIFORM * DOMAIN.volumes).ravel(), time_of(evolution)).reshape(
            DOMAIN.shape
        )
        found = np.exp(evolution.log_mass) * evolution.density * DOMAIN.volumes
        errors.append(abs(found - wanted).sum() / wanted.sum())
    assert errors[0] < 0.01
    assert 1.7 < errors[0] / errors[1] < 2.1


@pytest.fixture(scope="module")
def best_on_the_grid():
    """Largest margin of networks with neurons at the cells, by one linear program over both signs."""
    margins = LABELS[:, None] * LOSSES["softmin"].features(DOMAIN.base.points).T
    program = linprog(
        np.append(np.zeros(2 * CELLS), -1.0),
        A_ub=np.hstack([-margins, margins, np.ones((len(LABELS), 1))]),
        b_ub=np.zeros(len(LABELS)),
        A_eq=np.append(np.ones(2 * CELLS), 0.0)[None],
        b_eq=[1.0],
        bounds=[(0.0, None)] * (2 * CELLS) + [(None, None)],
    )
    return -program.fun


@pytest.mark.parametrize("transport", [0.0, 1.0])
@pytest.mark.parametrize("loss", list(LOSSES))
def test_the_margin_approaches_the_largest_one_from_below(best, best_on_the_grid, loss, transport):
    """With masses beyond every number; the multipliers bound it from above; the mass grows by twice the margin."""
    evolution = NormalisedFlow(LOSSES[loss], DOMAIN, UNIFORM, transport=transport, tau=4.0, growth=0.2)
    search, soft, bounds = make_direction_search(INPUTS), -np.inf, []
    while evolution.log_mass < 750.0:
        before = evolution.log_mass
        evolution.step()
        state = evolution.state()
        assert state.margin <= best.upper_bound * (1.0 + 1e-9)
        assert state.soft_margin >= soft - 1e-6 * best.margin or evolution.log_mass < before
        if state.margin > 0.9 * best.margin and len(bounds) < 50:
            bounds.append(abs(search(LABELS * evolution.multipliers, 1)[1][0]))
        soft = state.soft_margin
    assert min(bounds) >= best.margin * (1.0 - 1e-9)
    assert 0.95 * best.margin < best_on_the_grid < best.margin
    assert 1.0 - 5e-4 < state.margin / best_on_the_grid < 1.0 + 1e-9
    assert (state.log_mass - before) / state.step_size == pytest.approx(2.0 * state.margin, rel=1e-2)
    assert state.scaled_log_time == pytest.approx(0.0 if loss == "softmin" else state.margin, abs=7e-9)
    assert evolution.density.min() >= 0.0
    assert (evolution.density * DOMAIN.volumes).sum() == pytest.approx(1.0, rel=1e-13)
    assert (evolution.moved_steps > 5) == (transport > 0.0)


def test_the_mass_settles_at_the_optimal_neurons(best):
    evolution = NormalisedFlow(LOSSES["softmin"], DOMAIN, UNIFORM, tau=4.0, growth=0.2)
    while evolution.log_mass < 100.0:
        evolution.step()
    masses = evolution.density * DOMAIN.volumes
    for sheet, sign in enumerate((1.0, -1.0)):
        atoms = best.measure.points[best.measure.signs == sign]
        apart = np.arccos(np.clip(DOMAIN.base.points @ atoms.T, -1.0, 1.0)).min(axis=1)
        assert masses[sheet][apart > 3.0 * 2.0 * np.pi / CELLS].sum() < 0.0037


def test_transport_of_any_step_keeps_mass_and_sign():
    """A step of 10^6 moves all mass to maxima of U, of which none is left out of the balance."""
    evolution = NormalisedFlow(LOSSES["softmin"], DOMAIN, UNIFORM)
    moved = evolution._moved(evolution._current, 1e6)
    assert moved.min() >= 0.0
    assert (moved * DOMAIN.volumes).sum() == pytest.approx(1.0, rel=1e-13)
    rising = (LABELS * LOSSES["softmin"].features(DOMAIN.base.points)) @ evolution.multipliers
    for masses, values in zip(moved * DOMAIN.volumes, (rising, -rising), strict=True):
        peaks = values >= np.maximum(np.roll(values, 1), np.roll(values, -1)) - 1e-6
        assert masses[~peaks].sum() < 5.1e-6


def test_any_mass_may_be_given_as_a_logarithm():
    """A factor of the density and its logarithm are the same; a mass beyond every number is a small temperature."""
    functional = LOSSES["softmin"]
    flows = [NormalisedFlow(functional, DOMAIN, np.exp(2.0) * UNIFORM)]
    flows.append(NormalisedFlow(functional, DOMAIN, UNIFORM, log_mass=2.0))
    for evolution in flows:
        evolution.step()
    assert flows[0].log_mass == pytest.approx(flows[1].log_mass, rel=1e-13)
    assert flows[0].state().margin == pytest.approx(flows[1].state().margin, rel=1e-13)
    huge = NormalisedFlow(functional, DOMAIN, UNIFORM, log_mass=1e5)
    huge.step()
    assert np.isfinite(huge.state().soft_margin)
    assert huge.scaled_log_time == pytest.approx(0.0, abs=1e-100)


def test_wrong_arguments_are_named():
    softmin = LOSSES["softmin"]
    with pytest.raises(InputError, match="'square' has no normalised form; choose softmin or logistic"):
        NormalisedFlow(Features(Relu(INPUTS), LABELS), DOMAIN, UNIFORM)
    with pytest.raises(InputError, match="needs Features alone; found Sum"):
        NormalisedFlow(softmin + Entropy(), DOMAIN, UNIFORM)
    with pytest.raises(InputError, match=r"tau = 0\.0"):
        NormalisedFlow(softmin, DOMAIN, UNIFORM, tau=0.0)
    with pytest.raises(InputError, match=r"reaction = 0\.0"):
        NormalisedFlow(softmin, DOMAIN, UNIFORM, reaction=0.0)
    with pytest.raises(InputError, match="growth"):
        NormalisedFlow(softmin, DOMAIN, UNIFORM, growth=-1.0)
