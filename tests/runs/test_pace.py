"""Steps and seconds that are left, for sequences of steps with exact answers; no clock is read."""

from __future__ import annotations

import math

import numpy as np
import pytest

from wgflow.runs.pace import MOST_MARKS, Pace, following_steps, power_integral


def pace_after(times, end, done, cost=3.0):
    pace = Pace(end)
    for number, time in enumerate(times[:done], 1):
        pace.note(float(time), cost * number)
    return pace


@pytest.mark.parametrize("exponent", [0.0, 0.25, 0.7, 1.0])
@pytest.mark.parametrize("done", [40, 100, 333])
def test_powers_of_time_are_followed_exactly(exponent, done):
    """Steps whose ends are equally spaced in t^(1 - p), or in log t: 400 to the end, of 3 s each."""
    number = np.arange(1, 401)
    times = 1.02**number if exponent == 1.0 else number ** (1.0 / (1.0 - exponent))
    pace = pace_after(times, times[-1], done)
    assert pace.steps_left == pytest.approx(400 - done, rel=1e-9)
    assert pace.seconds_left == pytest.approx(3.0 * (400 - done), rel=1e-9)
    assert pace.share == pytest.approx(done / 400, rel=1e-9)


def test_the_formula_of_small_steps():
    """(t/dt) ((T/t)^(1-p) - 1)/(1-p) for p = 1/2, t = 4, dt = 0.02, T = 16: 400 steps; (t/dt) log 4 for p = 1."""
    size = 0.01  # of sqrt(t), which grows by dt / (2 sqrt t) = 0.005 in a step
    times = (2.0 + 0.5 * size * np.arange(-300, 1)) ** 2
    assert pace_after(times, 16.0, 301).steps_left == pytest.approx(400.0, rel=1e-9)
    times = 4.0 * np.exp(0.005 * np.arange(-300, 1))
    assert pace_after(times, 16.0, 301).steps_left == pytest.approx(200.0 * math.log(4.0), rel=1e-9)


@pytest.mark.parametrize(("sizes", "exponent"), [(0.99 ** np.arange(100), 1.0), (1.05 ** np.arange(100), 0.0)])
def test_exponents_beyond_the_bounds_are_cut(sizes, exponent):
    """Falling sizes are taken as constant, and sizes that grow faster than time as growing like it."""
    times = 1e4 + np.cumsum(sizes)
    counts, places = (8, 8), [-17, -9, -1]
    wanted = 16 * power_integral(exponent, 1.0, 10.0) / power_integral(exponent, times[-17] / times[-1])
    assert following_steps(times[places], counts, 10.0 * times[-1]) == pytest.approx(wanted, rel=1e-9)


def test_parts_of_a_window_may_differ():
    """Ends of steps at k^2, and 6 and 4 of them in its parts: 10 more to 30^2."""
    times = np.array([10.0, 16.0, 20.0]) ** 2
    assert following_steps(times, (6, 4), 900.0) == pytest.approx(10.0, rel=1e-9)


def test_integrals_of_powers_have_their_limit():
    assert power_integral(0.5, 4.0, 9.0) == pytest.approx(2.0)
    assert power_integral(1.0, 4.0, 9.0) == pytest.approx(5.0)
    assert power_integral(1e-12, 2.0, 6.0) == pytest.approx(power_integral(0.0, 2.0, 6.0)) == pytest.approx(math.log(3))


def test_few_steps_are_followed_in_a_straight_line():
    pace = Pace(8.0)
    assert (pace.steps_left, pace.seconds_left, pace.share) == (math.inf, math.inf, 0.0)
    pace.note(0.5, 1.0)
    assert (pace.steps_left, pace.share) == (15.0, 1 / 16)
    for time in (2.0, 4.0, 8.0):
        pace.note(time, 1.0)
    assert (pace.steps_left, pace.seconds_left, pace.share) == (0.0, 0.0, 1.0)


def test_the_first_steps_do_not_tell_what_one_takes():
    """Of 100 steps the first takes 1000 s, which a compilation that was not noticed may do."""
    pace = Pace(400.0)
    for number in range(1, 101):
        pace.note(float(number), 1000.0 + 2.0 * number)
    assert pace.seconds_left == pytest.approx(600.0)


@pytest.mark.parametrize("stopped", [3, 100])
def test_a_run_that_goes_on_counts_from_its_start(stopped):
    """What a step takes is known from those of this process; how many follow from all."""
    times = 0.5 * np.arange(1, 201)
    pace = Pace(100.0, times[:stopped])
    assert pace.steps_left == pytest.approx(200 - stopped)
    assert math.isinf(pace.seconds_left)
    for number, time in enumerate(times[stopped : stopped + 10], 1):
        pace.note(time, 500.0 + 4.0 * number)  # the first one is slow
    assert pace.share == pytest.approx((stopped + 10) / 200)
    assert pace.seconds_left == pytest.approx(4.0 * (190 - stopped))


def test_steps_that_are_done_anew_are_forgotten():
    """A box grows: the run goes back to its last output, at t = 5."""
    pace = pace_after(np.arange(1.0, 9.0), 40.0, 8)
    pace.note(6.0, 30.0)
    assert (pace.done, pace.time) == (6, 6.0)
    assert pace.steps_left == pytest.approx(34.0)


def test_long_runs_keep_some_of_their_times():
    count = 5 * MOST_MARKS
    pace = pace_after(np.arange(1.0, count + 1), 4.0 * count, count - 1, cost=0.25)
    assert pace.steps_left == pytest.approx(3 * count + 1, rel=1e-9)
    assert pace.seconds_left == pytest.approx(0.25 * (3 * count + 1), rel=1e-9)
    assert len(pace._times) < MOST_MARKS
