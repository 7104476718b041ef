"""Control of the explicit steps: bounds, rejections, intervals, errors and compilation."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.references import advance, without_error_control
from wgflow.compilation import compilation_count
from wgflow.domains import Circle, Signed
from wgflow.errors import ComputationError, InputError
from wgflow.finite_volume import ExplicitFiniteVolume
from wgflow.finite_volume.runge_kutta import METHODS
from wgflow.finite_volume.stiffness import StiffnessEstimate
from wgflow.functionals import Features, GridFunctional, Mass, Quadratic
from wgflow.networks import Population, Teacher
from wgflow.networks.relu import Relu

TEACHER = Teacher.from_angles([0.5, 2.9, 4.9, 5.4], [1.0, -1.0, -1.0, 1.0])
TARGET = np.array([[1.0, 0.3], [0.3, 0.5]])


def uniform(domain):
    return np.full(domain.shape, 1.0 / domain.volumes.sum())


def teacher_flow(cells=64, **options):
    domain = Signed(Circle(cells))
    return ExplicitFiniteVolume(Population(TEACHER).on_grid(domain), uniform(domain), **options)


class TestIntervals:
    @pytest.mark.parametrize("ends", [[0.1, 0.1 + 1e-9, 0.3], [1.0 / 3.0, 0.7, 1.1]])
    def test_steps_land_exactly_on_each_end(self, ends):
        evolution = teacher_flow()
        assert [snapshot.time for snapshot in advance(evolution, ends)] == ends

    @pytest.mark.parametrize("ends", [[0.001, 0.01], [0.002, 0.02]])
    def test_one_step_lands_exactly_where_adding_its_size_would_not(self, ends):
        assert ends[0] + (ends[1] - ends[0]) != ends[1]
        evolution = teacher_flow(8)
        assert [snapshot.time for snapshot in advance(evolution, ends)] == ends
        assert evolution.counts.accepted == 2

    def test_no_step_passes_the_end_or_leaves_a_splinter(self):
        evolution = teacher_flow()
        evolution.begin_interval(0.5)
        sizes, times = [], [0.0]
        while evolution.time < 0.5:
            evolution.step()
            sizes.append(evolution.step_size)
            times.append(evolution.time)
        assert np.diff(times) == pytest.approx(sizes, rel=1e-12)
        assert evolution.counts.accepted == len(sizes)
        assert min(sizes) > 0.2 * max(sizes)

    def test_control_begins_once_whatever_the_outputs(self, monkeypatch):
        """Neither the aim of the error control nor the power iteration begins anew behind an output."""
        begun = []
        restart = StiffnessEstimate.restart
        monkeypatch.setattr(StiffnessEstimate, "restart", lambda *state: begun.append(1) or restart(*state))
        whole, cut = teacher_flow(), teacher_flow()
        advance(whole, [1.0])
        advance(cut, np.linspace(0.1, 1.0, 10))
        assert len(begun) == 2
        assert cut.counts.accepted <= whole.counts.accepted + 10

    @pytest.mark.parametrize(("factor", "refined"), [(0.99, [8, 16, 24]), (1.01, [])])
    def test_the_bound_e_is_found_anew_where_it_may_bind(self, factor, refined, monkeypatch):
        """At each eighth step where the last one was no less than an eighth of the bound, 1 / lambda at two stages."""
        flow, found = teacher_flow(), []
        monkeypatch.setattr(flow._stiffness, "refine", lambda _: found.append(flow.steps_done))
        while flow.steps_done < 30:
            flow.step()
            flow._stiffness.largest = 2.0 / (8.0 * factor * flow.step_size)
        assert [*dict.fromkeys(found)] == [0, *refined]

    def test_a_checkpoint_at_an_output_goes_on_bit_by_bit(self):
        first = teacher_flow()
        advance(first, [0.2])
        kept = first.checkpoint()
        resumed = ExplicitFiniteVolume(Population(TEACHER).on_grid(Signed(Circle(64))), kept["density"], time=0.2)
        resumed.restore(kept)
        for flow in (first, resumed):
            advance(flow, [0.5, 0.7])
        assert first.energy == resumed.energy
        assert first.step_size == resumed.step_size
        assert (first.snapshot().fields["density"] == resumed.snapshot().fields["density"]).all()

    def test_a_snapshot_is_a_copy(self):
        evolution = teacher_flow()
        snapshot = evolution.snapshot()
        before = snapshot.fields["density"].copy()
        advance(evolution, [0.1])
        assert (snapshot.fields["density"] == before).all()
        assert snapshot.step_size == 0.0

    def test_the_initial_density_is_left_alone(self):
        domain = Signed(Circle(16))
        density = uniform(domain)
        advance(ExplicitFiniteVolume(Population(TEACHER).on_grid(domain), density), [0.2])
        assert (density == uniform(domain)).all()

    def test_risk_leaves_out_the_regularisation(self):
        domain = Signed(Circle(16))
        functional = Population(TEACHER) + Mass(0.3)
        snapshot = ExplicitFiniteVolume(functional.on_grid(domain), uniform(domain)).snapshot()
        bare = Population(TEACHER).on_grid(domain)
        assert snapshot.risk == pytest.approx(bare.value(uniform(domain)), rel=1e-14)
        assert snapshot.energy == pytest.approx(snapshot.risk + 0.3, rel=1e-14)
        assert snapshot.min_potential == pytest.approx(bare.first_variation(uniform(domain)).min() + 0.3, rel=1e-14)


class Scripted(GridFunctional):
    """F falls by one at each evaluation, whatever happens; J is constant, and as scripted."""

    def __init__(self, domain, potential_of_mass):
        self.domain, self.energy, self.potential_of_mass = domain, 0.0, potential_of_mass

    def evaluate(self, density, potential):
        self.energy -= 1.0
        potential[...] = self.potential_of_mass(float((density * self.domain.volumes).sum()))
        return self.energy

    def hessian(self, rate, potential):
        potential[...] = 0.0 * rate


def constant(mass):
    """The potential 1 whatever the mass."""
    return 1.0 + 0.0 * mass


class Understated(GridFunctional):
    """A functional whose Hessian is a thousand times too small, so that rule E allows steps far too long."""

    def __init__(self, functional):
        self.functional, self.domain = functional, functional.domain

    def evaluate(self, density, potential):
        return self.functional.evaluate(density, potential)

    def hessian(self, rate, potential):
        self.functional.hessian(1e-3 * rate, potential)


class TestRejections:
    @pytest.mark.parametrize("stepper", METHODS)
    def test_a_step_that_raises_the_energy_is_rejected_and_halved(self, stepper):
        domain = Circle(16)
        honest = Quadratic(4.0 * TARGET).on_grid(domain)
        evolution = ExplicitFiniteVolume(Understated(honest), uniform(domain), reaction=0.5, stepper=stepper)
        energies = [evolution.energy]
        for _ in range(200):
            evolution.step()
            energies.append(evolution.energy)
        assert evolution.counts.rejected > 0
        assert np.diff(energies).max() <= 1e-13 * honest.value(np.zeros(16))
        assert evolution.snapshot().fields["density"].min() >= 0.0

    def test_energies_never_rise_without_a_rejection_where_the_bound_is_honest(self):
        evolution = without_error_control(teacher_flow(256))
        advance(evolution, [2.0])
        assert evolution.counts.rejected == 0

    @pytest.mark.parametrize("stepper", ["ssprk2", "ssprk3", "ssprk43"])
    def test_a_step_is_rejected_where_a_later_stage_breaks_the_positivity_bound(self, stepper):
        # J is 1 at the start and 100 as soon as mass is lost: the first bound is far too weak for the second stage.
        domain = Circle(8)
        functional = Scripted(domain, lambda mass: 1.0 if mass >= 1.0 - 1e-12 else 100.0)
        evolution = ExplicitFiniteVolume(functional, uniform(domain), transport=0.0, reaction=1.0, stepper=stepper)
        without_error_control(evolution).step()
        assert evolution.counts.rejected == 7  # 0.9/2^7 is the first stage below 1/100
        assert evolution.step_size == pytest.approx(0.9 / 2**7 / evolution._method.stage_step, rel=1e-14)
        assert evolution.snapshot().fields["density"].min() > 0.0

    def test_steps_grow_again_by_a_quarter_after_a_rejection(self):
        domain = Circle(8)
        masses = []

        def potential(mass):
            masses.append(mass)
            return 1.0 if len(masses) != 2 else 100.0

        evolution = ExplicitFiniteVolume(
            Scripted(domain, potential), uniform(domain), transport=0.0, reaction=1.0, stepper="ssprk2"
        )
        sizes = []
        without_error_control(evolution)
        for _ in range(6):
            evolution.step()
            sizes.append(evolution.step_size)
        assert evolution.counts.rejected == 1
        assert sizes == pytest.approx([0.45, 0.5625, 0.703125, 0.87890625, 0.9, 0.9], rel=1e-14)

    def test_a_flow_that_cannot_lower_its_energy_fails_with_a_reason(self):
        class Rising(Scripted):
            def evaluate(self, density, potential):
                self.energy += 2.0
                return super().evaluate(density, potential)

        domain = Circle(8)
        evolution = ExplicitFiniteVolume(Rising(domain, constant), uniform(domain))
        with pytest.raises(
            ComputationError, match=r"no step from t = 0 is accurate to 0\.0001 of its change and lowers F = 1"
        ):
            evolution.step()

    def test_an_energy_that_is_not_a_number_is_never_accepted(self):
        class Lost(Scripted):
            def evaluate(self, density, potential):
                energy = super().evaluate(density, potential)
                return energy if energy == -1.0 else math.nan

        domain = Circle(8)
        evolution = ExplicitFiniteVolume(Lost(domain, constant), uniform(domain))
        with pytest.raises(ComputationError, match="no step"):
            evolution.step()


class TestErrors:
    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"order": 3}, "order = 3 is for whole spheres"),
            ({"limiter": "superbee"}, "limiter = 'superbee' is unknown; choose one of minmod, mc"),
            ({"stepper": "rk4"}, "stepper = 'rk4' is unknown; choose one of euler, ssprk2, ssprk3, ssprk43"),
            ({"transport": -1.0}, "transport = -1.0 is not allowed"),
            ({"transport": math.inf}, "transport = inf is not allowed"),
            ({"reaction": math.nan}, "reaction = nan is not allowed"),
            ({"reaction": -0.5}, "reaction = -0.5 is not allowed"),
        ],
    )
    def test_options_out_of_range_are_named(self, options, message):
        with pytest.raises(InputError, match=message):
            teacher_flow(16, **options)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda density: density[:, :5], r"has shape \(2, 5\); the domain needs \(2, 16\)"),
            (lambda density: density * np.nan, "not finite"),
            (lambda density: density - 1.0, "has the minimum -"),
            (lambda density: 0.0 * density, "zero everywhere"),
        ],
    )
    def test_densities_that_are_no_measures_are_refused(self, change, message):
        domain = Signed(Circle(16))
        with pytest.raises(InputError, match=message):
            ExplicitFiniteVolume(Population(TEACHER).on_grid(domain), change(uniform(domain)))

    def test_an_infinite_energy_at_the_start_is_an_error(self):
        domain = Circle(8)
        functional = Features(lambda points: 1e200 * points, [0.0, 0.0]).on_grid(domain)
        with np.errstate(over="ignore"), pytest.raises(ComputationError, match="F is inf at the start"):
            ExplicitFiniteVolume(functional, 1.0 + np.cos(domain.angles))


def test_a_second_solve_of_another_size_compiles_nothing():
    inputs = np.random.default_rng(0).normal(size=(5, 2))

    def solve(cells, count):
        domain = Signed(Circle(cells))
        for functional in (Population(TEACHER), Features(Relu(inputs[:count]), np.ones(count))):
            advance(ExplicitFiniteVolume(functional.on_grid(domain), uniform(domain)), [0.05])

    solve(32, 5)
    compiled = compilation_count()
    solve(57, 3)
    assert compilation_count() == compiled


def test_the_reaction_is_that_of_the_domain_unless_given():
    domain = Circle(16)
    functional = Quadratic(TARGET).on_grid(domain)
    masses = [
        advance(ExplicitFiniteVolume(functional, uniform(domain), reaction=reaction), [0.1])[0].mass
        for reaction in (None, 4.0, 2.0)
    ]
    assert masses[0] == masses[1] != masses[2]
