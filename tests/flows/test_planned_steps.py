"""Steps of a planned size: halved where they are not found, and aside where an output comes before their end."""

from __future__ import annotations

import pytest

from wgflow.flows import StepCounts
from wgflow.flows.planned_steps import PlannedSteps, StepError, StepPlan


def refusing(largest, tried):
    """A step that is not found if it is too large; the state counts what it advanced by."""

    def advance(state, size):
        tried.append(size)
        if size > largest:
            raise StepError("no step")
        return state + size, 10

    return advance


def test_a_whole_step_that_is_not_found_is_halved_and_the_next_ones_with_it():
    tried, counts, control = [], StepCounts(), PlannedSteps(StepPlan(8.0), 0.0, 0.0)
    assert control.take(refusing(2.0, tried), counts) == (2.0, 2.0)
    assert control.take(refusing(2.0, tried), counts) == (4.0, 4.0)
    assert tried == [8.0, 4.0, 2.0, 2.0]
    assert (counts.rejected, control.halvings) == (2, 2)
    with pytest.raises(StepError, match="no step"):
        PlannedSteps(StepPlan(8.0, halve=False), 0.0, 0.0).take(refusing(2.0, tried), counts)
    with pytest.raises(StepError, match=r"no variational step from t = 4 lowers F, down to a step of 3\.6e-12"):
        control.take(refusing(0.0, tried), counts)


def test_a_step_aside_that_is_not_found_is_halved_alone():
    tried, counts, control = [], StepCounts(), PlannedSteps(StepPlan(8.0), 0.0, 0.0)
    control.end = 5.0
    assert control.take(refusing(2.0, tried), counts) == (5.0, 5.0)
    assert tried == [5.0, 2.5, 1.25, 1.25, 2.5, 1.25, 1.25]
    assert (counts.rejected, control.halvings, control.base, control.time) == (3, 0, 0.0, 0.0)
    with pytest.raises(StepError, match="no step"):
        control = PlannedSteps(StepPlan(8.0, halve=False), 0.0, 0.0)
        control.end = 5.0
        control.take(refusing(2.0, tried), counts)


def test_halvings_that_are_not_carried_on_hold_for_one_step():
    tried, control = [], PlannedSteps(StepPlan(4.0), 0.0, 0.0, carry=False)
    for _ in range(2):
        control.take(refusing(2.0, tried), StepCounts())
    assert tried == [4.0, 2.0, 4.0, 2.0]
