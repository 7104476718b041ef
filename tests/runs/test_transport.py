"""Transport on the sphere with velocities from outside."""

from __future__ import annotations

import numpy as np
import pytest

import wgflow
from wgflow import Circle, HalfSphere, Signed, Sphere, StreamFunction, Velocity, solve_transport
from wgflow.finite_volume.runge_kutta import METHODS
from wgflow.finite_volume.transport import TransportFlow

AXIS = np.array([0.48, 0.6, 0.64])
SPIN = StreamFunction(lambda x, _: -2.0 * np.pi * x @ AXIS, steady=True)


def swinging(points, time):
    return np.cos(3.0 * time) * points[:, 0] * points[:, 1] - points[:, 2]


def hill(points, centre=(1.0, 0.0, 0.0)):
    return np.exp(4.0 * (points @ np.array(centre) - 1.0))


def turned(time):
    """Where SPIN takes the centre of the hill."""
    angle, centre = 2.0 * np.pi * time, np.array([1.0, 0.0, 0.0])
    along = AXIS * (AXIS @ centre)
    return along + np.cos(angle) * (centre - along) + np.sin(angle) * np.cross(AXIS, centre)


def error_of(cells, order):
    """Relative L2 error after an eighth of a turn."""
    sphere = Sphere(cells)
    flow = solve_transport(SPIN, sphere, sphere.averages(hill), 0.125, order=order, times=[0.125], tolerance=1e-3)
    exact = sphere.averages(lambda points: hill(points, turned(0.125)))
    assert abs(flow.mass[-1] / flow.mass[0] - 1.0) < 1e-14
    assert flow.density.min() >= 0.0
    return float(np.sqrt((flow.density[-1] - exact) ** 2 @ sphere.volumes / (exact**2 @ sphere.volumes)))


def test_orders_of_a_hill_that_turns():
    """That of order 2 is 3.1e-3 with 2562 cells, 8 times as large."""
    errors = [error_of(cells, 3) for cells in (642, 2562)]
    assert errors[1] <= 4.5e-4
    assert 2.7 < np.log2(errors[0] / errors[1]) < 3.1


@pytest.mark.parametrize("order", [1, 2, 3])
def test_constants_stay_without_divergence(order):
    start = np.full(162, 0.7)
    flow = solve_transport(StreamFunction(swinging), Sphere(162), start, 0.5, order=order, times=[0.5])
    assert abs(flow.density - 0.7).max() < 1e-14


def test_a_velocity_is_that_of_its_stream_function():
    mesh = Sphere(162).mesh
    spin = Velocity(lambda x, _: 2.0 * np.pi * np.cross(AXIS, x), steady=True)
    flows, expected = spin.through_faces(mesh)(0.0), SPIN.through_faces(mesh)(0.0)
    assert abs(flows - expected).max() < 2e-5 * abs(expected).max()


def test_nodes_of_methods_are_those_of_their_tables():
    nodes = {name: method.nodes for name, method in METHODS.items()}
    assert nodes["ssprk3"] == pytest.approx((0.0, 1.0, 0.5))
    assert nodes["ssprk43"] == pytest.approx((0.0, 0.5, 1.0, 0.5))
    assert nodes["ssprk2"] == pytest.approx((0.0, 1.0))


def in_time(stepper, steps):
    """Density after some equal steps with a velocity that changes in time."""
    start = Sphere(42).averages(hill) + 1.0
    flow = TransportFlow(StreamFunction(swinging), Sphere(42), start, stepper=stepper, tolerance=0.1)
    for number in range(steps):
        flow.begin_interval(0.2 * (number + 1) / steps)
        while flow.time < 0.2 * (number + 1) / steps:
            flow.step()
    assert flow.steps_done == steps
    return flow.density.copy()


@pytest.mark.parametrize(("stepper", "order"), [("euler", 1), ("ssprk2", 2), ("ssprk3", 3), ("ssprk43", 3)])
def test_orders_in_time(stepper, order):
    finest = in_time("ssprk43", 64)
    errors = [abs(in_time(stepper, steps) - finest).max() for steps in (4, 8)]
    assert abs(np.log2(errors[0] / errors[1]) - order) < 0.05


def test_a_run_goes_on(tmp_path):
    flow, start = StreamFunction(swinging), Sphere(42).averages(hill)
    path = tmp_path / "transport.h5"
    solve_transport(flow, Sphere(42), start, 0.2, times=[0.1, 0.2], output=path)
    again = solve_transport(flow, Sphere(42), start, 0.4, times=[0.1, 0.2, 0.4], output=path, resume=True)
    whole = solve_transport(flow, Sphere(42), start, 0.4, times=[0.1, 0.2, 0.4])
    np.testing.assert_array_equal(again.density, whole.density)
    assert wgflow.load(path).labels.energy.long_name == "half the integral of the squared density"
    np.testing.assert_allclose(whole.energy[0], 0.5 * start**2 @ Sphere(42).volumes)


def test_a_run_does_not_go_on_with_another_velocity(tmp_path):
    path = tmp_path / "transport.h5"
    solve_transport(SPIN, Sphere(42), np.ones(42), 0.1, output=path)
    axes = (lambda x, _: x[:, 0], lambda x, _: -2.002 * np.pi * x @ AXIS)
    for other in (StreamFunction(function, steady=True) for function in axes):
        with pytest.raises(wgflow.InputError, match="holds another run: velocity = 'flows of"):
            solve_transport(other, Sphere(42), np.ones(42), 0.2, output=path, resume=True)


@pytest.mark.parametrize("domain", [Circle(16), HalfSphere(42, 5), Signed(Sphere(42))])
def test_other_domains_are_refused(domain):
    with pytest.raises(wgflow.InputError, match="velocities from outside are for whole spheres"):
        solve_transport(SPIN, domain, np.ones(domain.shape), 1.0)


@pytest.mark.parametrize("kind", [StreamFunction, Velocity])
def test_velocities_are_steady_or_not(kind):
    with pytest.raises(wgflow.InputError, match="steady = 'yes' is not allowed; give True or False"):
        kind(swinging, steady="yes")


def test_a_velocity_that_changes_is_not_taken_for_steady():
    for velocity in (
        StreamFunction(swinging, steady=True),
        Velocity(lambda x, t: np.exp(-t) * x[:, ::-1], steady=True),
    ):
        with pytest.raises(wgflow.InputError, match=r"the velocity at t = 0.707 is not that at t = 0"):
            solve_transport(velocity, Sphere(42), np.ones(42), 1.0)


def test_no_energy_falls():
    """What counts on one is refused, and figures and tables do not speak of one."""
    with pytest.raises(wgflow.InputError, match="stationarity needs an energy that falls"):
        solve_transport(SPIN, Sphere(42), np.ones(42), 1.0, stationarity=0.1)
    flow = solve_transport(SPIN, Sphere(42), hill, 0.2, times=[0.1, 0.2])
    with pytest.raises(wgflow.InputError, match="falls down no energy"):
        wgflow.certify_trajectory(flow)
    texts = [axes.get_ylabel() for axes in flow.plot().axes]
    assert "loss of half the square" in texts
    assert not [text for text in texts if "F" in text]


@pytest.mark.parametrize("values", [lambda x, _: x, lambda x, _: np.nan * x[:, 0]])
def test_values_that_are_not_allowed_are_refused_before_any_output(values, tmp_path):
    path = tmp_path / "none.h5"
    with pytest.raises(wgflow.InputError, match="the stream function"):
        solve_transport(StreamFunction(values), Sphere(42), np.ones(42), 1.0, output=path)
    assert not path.exists()


def test_values_that_are_not_allowed_later_end_the_run(tmp_path):
    """By then the input was valid: what was announced stays, and the time is told."""
    path = tmp_path / "half.h5"
    flow = StreamFunction(lambda x, t: swinging(x, t) if t <= 0.2 else np.nan * x[:, 0])
    with pytest.raises(wgflow.ComputationError, match=r"failed at t = 0\.2.*the stream function returned a value"):
        solve_transport(flow, Sphere(42), hill, 1.0, times=[0.1, 1.0], output=path)
    half = wgflow.load(path)
    assert half.attributes["status"] == "failed"
    np.testing.assert_array_equal(half.time, [0.0, 0.1])


def test_what_is_no_velocity_is_refused():
    with pytest.raises(wgflow.InputError, match="give a Velocity"):
        solve_transport(lambda x: x, Sphere(42), np.ones(42), 1.0)
    with pytest.raises(wgflow.InputError, match="which is no function"):
        StreamFunction(3.0)
    with pytest.raises(wgflow.ShapeError, match="the velocity"):
        solve_transport(Velocity(lambda x, _: x[:, 0]), Sphere(42), np.ones(42), 1.0)
    with pytest.raises(wgflow.InputError, match="order = 5 is not available; choose one of 1, 2, 3"):
        solve_transport(SPIN, Sphere(42), np.ones(42), 1.0, order=5)
