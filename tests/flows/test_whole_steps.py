"""Times of whole steps, and when an output has their state."""

from __future__ import annotations

import pytest

from wgflow.flows.whole_steps import WholeSteps


def test_times_do_not_drift():
    steps = WholeSteps(0.0, "start")
    for _ in range(100_000):
        steps.add(0.1, "on the way")
    assert steps.time == 100_000 * 0.1
    steps.add(0.25, "there")
    assert (steps.time, steps.state, steps.done) == (100_000 * 0.1 + 0.25, "there", 1)


@pytest.mark.parametrize(
    ("end", "meets", "admits"),
    [
        (2.9, True, False),
        (3.0 + 1e-10, True, False),
        (3.1, False, False),
        (3.5 - 1e-10, False, True),
        (9.0, False, True),
    ],
)
def test_outputs_next_to_a_step_have_its_state(end, meets, admits):
    steps = WholeSteps(3.0, None)
    assert (steps.meet(end, 0.5), steps.admit(end, 0.5)) == (meets, admits)
    assert steps.shown_time(end, 0.5) == (end if meets else 3.0)


def test_a_checkpoint_has_the_time_to_the_last_bit():
    steps = WholeSteps(0.3, 0)
    for number in range(7):
        steps.add(0.1, number)
    again = WholeSteps(1.0, 0)
    again.restore(steps.checkpoint(), 6)
    assert (again.time, again.state, again.done) == (steps.time, 6, 7)
    steps.add(0.1, 7)
    again.add(0.1, 7)
    assert again.time == steps.time
