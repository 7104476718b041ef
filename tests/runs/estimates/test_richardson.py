"""Orders and errors from three runs: exact for powers of the width, robust where errors change their sign."""

from __future__ import annotations

import numpy as np
import pytest

from wgflow.flows import Snapshot
from wgflow.runs.estimates.estimator import DENSITY, Refinement
from wgflow.runs.estimates.richardson import WINDOW, extrapolated, observed_orders, window_of
from wgflow.trajectory.schema import QUANTITIES

NONE = np.zeros(1)


def snapshot(time: float, energy: float, density: float = 0.0) -> Snapshot:
    return Snapshot(time, 0.1, energy, energy, 1.0, 0.0, {"density": np.array([density])})


def refinement(errors, times, order: float, density: float | None = 1.0, *, noise: float = 0.0):
    """Estimator and fine snapshots of runs whose energies err by errors(t) h^order, densities by density h^order."""

    def run(width: float) -> list[Snapshot]:
        away = 0.0 if density is None else density * width**order
        return [snapshot(t, 2.0 + errors(t) * width**order, away) for t in times]

    def apart(first: Snapshot, second: Snapshot) -> tuple[float, float]:
        between = abs(first.fields["density"][0] - second.fields["density"][0])
        return (np.nan if density is None else between), np.nan

    quarter, half, fine = (run(width) for width in (4.0, 2.0, 1.0))
    coarse = {
        a.time: np.array([*(abs(getattr(a, q) - getattr(b, q)) for q in ("energy", "risk", "mass")), *apart(a, b)])
        for a, b in zip(quarter, half, strict=True)
    }
    return Refinement({s.time: s for s in half}, coarse, apart, 2.0, noise), fine


@pytest.mark.parametrize("order", [1.0, 1.5, 2.0])
def test_errors_that_are_powers_of_the_width_are_exact(order):
    estimator, fine = refinement(lambda t: 1e-3 * (1.0 + t), [0.5, 1.0], order)
    for state in fine:
        errors, orders = estimator.estimate(state)
        assert errors[0] == pytest.approx(state.energy - 2.0, rel=4.6e-13)
        assert errors[DENSITY] == pytest.approx(1.0, rel=1e-13)
        assert orders[0] == pytest.approx(order, rel=1.1e-13)


def test_order_above_that_of_the_scheme_is_not_believed_in():
    error = extrapolated(np.array([64.0]), np.array([1.0]), np.array([6.0]), np.array([5]), most=2.0)
    assert error == pytest.approx(1.0 / 3.0, rel=1e-13)


def test_change_of_sign_in_time_leaves_order_and_error():
    """Differences vanish near t = 1, at other instants on the two grids; the estimate does not."""
    times = np.linspace(0.0, 2.0, 41)[1:]
    fine, coarse = np.abs(times - 1.0), 4.0 * np.abs(times - 1.02)
    for index in range(len(times)):
        window = window_of(list(times), index)
        rows = coarse[window, None], fine[window, None]
        orders, counts = observed_orders(*rows, NONE)
        if counts >= WINDOW:
            assert 1.4 < orders < 2.6
            error = extrapolated(rows[0][-1], rows[1][-1], orders, counts, 2.0)
            assert fine[index] / 3.0 <= error <= fine[index] / 3.0 + 0.04


def test_single_output_at_a_change_of_sign_is_not_taken_for_exact():
    error = extrapolated(np.array([1.0]), np.array([1e-12]), np.array([40.0]), np.array([1]), most=2.0)
    assert error == pytest.approx(0.25 / 3.0, rel=1e-13)


def test_scalars_have_at_least_the_order_of_the_density():
    estimator, fine = refinement(lambda _: 1e-3, [1.0], 2.0)
    estimator.coarse[1.0][0] = 1e-3  # where the difference of the coarse runs changes its sign
    errors, orders = estimator.estimate(fine[0])
    assert orders[0] == pytest.approx(2.0, rel=1e-13)
    assert errors[0] == pytest.approx(1e-3, rel=3.8e-13)


def test_lost_order_is_not_resolved():
    estimator, fine = refinement(lambda _: 1e-3, [1.0], 0.2)
    errors, orders = estimator.estimate(fine[0])
    assert np.isnan(errors[[0, DENSITY]]).all()
    assert orders[0] == pytest.approx(0.2, rel=6.4e-12)


def test_order_that_no_scheme_has_is_chance_where_the_density_has_none():
    estimator, fine = refinement(lambda _: 1e-3, [1.0], 2.0)
    estimator.coarse[1.0][0], estimator.coarse[1.0][DENSITY] = 1.0, 3.0
    errors, _ = estimator.estimate(fine[0])
    assert np.isnan(errors[[0, DENSITY]]).all()


def test_round_off_and_tolerance_have_no_order():
    estimator, fine = refinement(lambda t: 1e-9 * t, [1.0], 2.0, None, noise=1e-7)
    errors, orders = estimator.estimate(fine[0])
    assert errors[0] == pytest.approx(12e-9, rel=2.1e-10)
    assert errors[2] == 0.0  # the mass, the same in all runs
    assert np.isnan(orders[[0, 2]]).all()


def test_window_reaches_back_to_half_of_the_time():
    assert window_of([1.0, 2.0, 3.0, 4.0], 3) == slice(1, 4)
    assert window_of(list(np.linspace(10.0, 11.0, 20)), 19) == slice(20 - WINDOW, 20)
    assert len(QUANTITIES) == 5
