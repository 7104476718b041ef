"""Control of steps by their error: the controller alone, and runs whose results outputs do not change."""

from __future__ import annotations

import math

import numpy as np
import pytest

from wgflow import Circle, Potential, Quadratic, ZonalInteraction, solve
from wgflow.errors import InputError
from wgflow.finite_volume import ExplicitFiniteVolume
from wgflow.finite_volume.runge_kutta import METHODS
from wgflow.flows.step_control import StepController, check_tolerance


def begun(aim=1.0, order=2):
    control = StepController(order)
    control.begin(aim)
    return control


class TestController:
    def test_proposals_meet_the_output_without_a_splinter(self):
        assert begun().propose(1.0) == 1.0
        assert begun().propose(1.5) == 0.75
        assert begun().propose(3.0) == 1.0
        assert begun().propose(3.0, bound=0.25) == 0.25

    @pytest.mark.parametrize("order", [1, 2, 3])
    def test_steps_settle_where_the_error_is_just_allowed(self, order):
        """With an error of (step / 0.01)^order."""
        control = begun(1e-6, order)
        for _ in range(40):
            step = control.propose(math.inf)
            quotient = (step / 0.01) ** order
            (control.accept if quotient <= 1.0 else control.reject)(step, quotient)
        assert step == pytest.approx(0.01 * 0.9 ** (1.0 / 0.3), rel=0.003) if order == 1 else 0.005 < step < 0.01

    def test_a_step_that_an_output_cuts_does_not_lower_the_aim(self):
        control = begun()
        step = control.propose(1e-3)
        control.accept(step, 1e-6)
        assert control.propose(math.inf) == 1.0

    def test_a_step_that_a_bound_cuts_does(self):
        control = begun()
        step = control.propose(math.inf, bound=1e-3)
        control.accept(step, 1e-6)
        assert control.propose(math.inf) == pytest.approx(5e-3, rel=1e-14)

    def test_errors_shrink_the_next_step_and_what_is_none_by_five(self):
        control = begun()
        control.reject(1.0, 4.0)
        assert control.propose(math.inf) == pytest.approx(0.45, rel=1e-14)
        for nothing in (math.inf, math.nan):
            control.reject(1.0, nothing)
            assert control.propose(math.inf) == pytest.approx(0.2, rel=1e-14)

    @pytest.mark.parametrize(("growth", "next_step"), [(1.39, 1.0), (1.0, 1.0), (1.5, 1.5), (0.9, 0.9), (7.0, 5.0)])
    def test_steps_keep_their_size_until_a_larger_one_pays(self, growth, next_step):
        control = StepController(3, least_growth=1.4)
        control.begin(1.0)
        control.accept(control.propose(math.inf), (0.75 / (growth * (1.0 + 1e-12))) ** 3)
        assert control.propose(math.inf) == pytest.approx(next_step, rel=1e-11)
        assert (control.propose(math.inf) == 1.0) == (next_step == 1.0)

    def test_refusals_halve_and_are_forgotten_slowly(self):
        control = begun()
        control.refuse(1.0)
        sizes = []
        for _ in range(4):
            sizes.append(control.propose(math.inf))
            control.accept(sizes[-1], 1e-6)
        assert sizes == pytest.approx([0.5, 0.625, 0.78125, 0.9765625], rel=1e-14)

    def test_its_state_is_numbers(self):
        control, other = begun(), begun(7.0)
        control.accept(control.propose(0.3), 0.5)
        control.refuse(0.1)
        other.restore(control.checkpoint())
        assert other.propose(math.inf) == control.propose(math.inf)
        for flow in (control, other):
            flow.accept(0.05, 0.3)
        assert other.checkpoint() == control.checkpoint()
        with pytest.raises(LookupError):
            other.restore({"largest_step": np.array(1.0)})

    @pytest.mark.parametrize("tolerance", [1e-13, 0.2, math.nan, math.inf])
    def test_tolerances(self, tolerance):
        with pytest.raises(InputError, match=r"tolerance = .* is not allowed; give a number from 1e-12 to 0.1"):
            check_tolerance(tolerance)


def stepped(evolution, step):
    """What a step tells, and where it leads."""
    watch = evolution._drive.do_step(evolution._density, evolution._stages, evolution._method, step)
    return watch, evolution._stages[(len(evolution._method.stages) - 1) % 2]


@pytest.mark.parametrize("stepper", METHODS)
def test_estimates_are_those_of_their_formulae(stepper):
    """For u' = z u with one step of size 1, against the polynomials of the methods."""
    z = -0.3  # the reaction of J = 0.3
    circle = Circle(4)
    functional = Potential(lambda x: 0.3 + 0.0 * x[..., 0]).on_grid(circle)
    evolution = ExplicitFiniteVolume(
        functional, np.ones(4), transport=0.0, reaction=1.0, stepper=stepper, tolerance=0.1
    )
    watch, moved = stepped(evolution, 1.0)
    new = {"euler": 1 + z, "ssprk2": 1 + z + z**2 / 2, "ssprk3": 1 + z + z**2 / 2 + z**3 / 6}
    new["ssprk43"] = new["ssprk3"] + z**4 / 48
    other = {"euler": 1 + z + z**2 / 2, "ssprk2": 1 + z, "ssprk3": 1 + z + z**2 / 2}
    other["ssprk43"] = 1 + z + z**2 / 2 + z**3 / 8 + z**4 / 96
    assert moved == pytest.approx(new[stepper], rel=1e-14)
    quotient = evolution._error_quotient(watch, moved, 1.0)
    assert quotient == pytest.approx(abs(other[stepper] - new[stepper]) / (0.1 * abs(new[stepper] - 1.0)), rel=7.9e-8)


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_the_step_of_a_tolerance_is_that_of_the_estimate(method):
    """For u' = u, to first order."""
    step = method.accurate_step(1e-4)
    functional = Potential(lambda x: -1.0 + 0.0 * x[..., 0]).on_grid(Circle(4))
    evolution = ExplicitFiniteVolume(
        functional, np.ones(4), transport=0.0, reaction=1.0, stepper=method.name, tolerance=1e-4
    )
    watch, moved = stepped(evolution, step)
    assert evolution._error_quotient(watch, moved, step) == pytest.approx(1.0, rel=0.02)


# Each case: what grows or decays from small, alone or slowly, where bounds of stability ask for no short steps.


def growing_mass(times, **options):
    """J = -5 on the circle: the mass is e^(20 t)."""
    circle = Circle(8)
    functional = Potential(lambda x: -5.0 + 0.0 * x[..., 0])
    trajectory = solve(functional, circle, np.full(8, 0.5 / np.pi), times[-1], times=times, reaction=4.0, **options)
    return trajectory.mass[-1] / math.exp(20.0 * times[-1]) - 1.0


def small_mass(times, **options):
    """Quadratic features, C = I: both moments obey f' = -4 f (f - 1), and the mass is 2 f."""
    circle, half = Circle(8), 0.5e-6
    trajectory = solve(Quadratic(np.eye(2)), circle, np.full(8, half / np.pi), times[-1], times=times, **options)
    exact = 2.0 * half / (half + (1.0 - half) * math.exp(-4.0 * times[-1]))
    return trajectory.mass[-1] / exact - 1.0


def small_mode(times, **options):
    """The third mode about the uniform circle under attraction, against its rate on this grid."""
    circle = Circle(64)
    density = (1.0 + 1e-8 * np.cos(3.0 * circle.angles)) / (2.0 * np.pi)
    attraction = ZonalInteraction(lambda cosine: -np.exp(5.0 * cosine) / 5.0)
    trajectory = solve(attraction, circle, density, times[-1], times=times, reaction=0.0, limiter="positive", **options)
    mode = np.cos(3.0 * circle.angles)
    growth = math.log((trajectory.density[-1] @ mode) / (density @ mode)) / times[-1]
    return growth / mode_rate(circle) - 1.0


def mode_rate(circle):
    """Rate of the third mode by the circulant matrix of the kernel and second differences, of central face values."""
    weights = circle.spacing * -np.exp(5.0 * np.cos(circle.angles - circle.angles[0])) / 5.0
    symbol = float(weights @ np.cos(3.0 * (circle.angles - circle.angles[0])))
    return -((2.0 / circle.spacing * math.sin(1.5 * circle.spacing)) ** 2) * symbol / (2.0 * np.pi)


CASES = {"growing mass": (growing_mass, 2.0), "small mass": (small_mass, 3.0), "small mode": (small_mode, 0.4)}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("outputs", [2, 11, 101])
def test_the_error_in_time_is_small_with_any_number_of_outputs(name, outputs):
    case, end = CASES[name]
    assert abs(case(np.linspace(0.0, end, outputs))) < 1e-4


@pytest.mark.parametrize("outputs", [2, 101])
def test_what_is_too_small_for_the_error_to_see_grows_too(outputs):
    """A part of 1e-14 of the mass, alone in growing, until it is most of it."""
    circle = Circle(8)
    right = circle.points[:, 0] > 0.0
    potential = Potential(lambda x: np.where(x[..., 0] > 0.0, -1.0, 0.0))
    options = {"transport": 0.0, "reaction": 1.0, "times": np.linspace(0.0, 40.0, outputs)}
    trajectory = solve(potential, circle, np.where(right, 1e-14, 1.0), 40.0, **options)
    exact = np.where(right, 1e-14 * math.exp(40.0), 1.0)
    assert np.abs(trajectory.density[-1] / exact - 1.0).max() < 1e-4


@pytest.mark.parametrize("name", CASES)
def test_it_falls_with_the_tolerance(name):
    """The error of third order falls like the tolerance of the second to the power 3/2."""
    case, end = CASES[name]
    errors = [abs(case([end], tolerance=tolerance)) for tolerance in (1e-4, 1e-6)]
    assert errors[1] < (1e-2 if name == "small mode" else 2e-3) * errors[0]  # round-off counts in 1e-8
