"""What the benchmarks measure, and that the published loop does what ours does."""

from __future__ import annotations

import numpy as np

from wgflow import Circle
from wgflow.app.validation.finding import import_shipped, load_validation
from wgflow.networks.training.students import draw_students, draw_teacher


class Recorded:
    """Random numbers that both layouts of the samples read in the same order."""

    def __init__(self, batches):
        self.batches = iter(batches)

    def standard_normal(self, size=None, dtype=None, out=None):  # noqa: ARG002
        batch = next(self.batches)
        if out is None:
            assert size == batch.shape[::-1]
            return batch.T.copy()
        out[:] = batch
        return out


def test_the_published_loop_is_the_same_descent():
    """Up to its update of b, which uses the new a: a difference of the order of the step."""
    loop = load_validation("benchmarks.published_loop")
    generator = np.random.default_rng(0)
    teacher, students = draw_teacher(2, 4, generator), draw_students([1, 3], 4, generator)
    batches = generator.standard_normal((10, 100, 4))
    plain = loop.plain_loop(students, teacher, 10, Recorded([*batches, *batches]))  # one width after the other
    ours = loop.side_by_side(students, teacher, 10, Recorded(batches), "float64")
    for name in ("outputs", "inputs"):
        moved = abs(getattr(ours, name) - getattr(students, name)).max()
        assert abs(getattr(plain, name) - getattr(ours, name)).max() < 0.02 * moved


def test_ratios_are_medians_of_pairs():
    timing = import_shipped("benchmarks._timing")
    row = timing.ratio_row("ours over theirs", np.array([[2.0, 1.0], [9.0, 3.0], [8.0, 2.0]]), "8 s")
    assert (row.value, row.asked, row.beside) == (3.0, "", "2.00 to 4.00; 8 s")


def test_a_stage_is_timed_on_the_domain_that_is_given():
    module = load_validation("benchmarks.domains")
    call = module.euler_stage(Circle(16), "two_point")
    call()
    call()
