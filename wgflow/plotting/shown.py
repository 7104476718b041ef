"""A trajectory with its problem, as panels see it: what it lives on, what falls, and which outputs are shown."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from wgflow.functionals import Functional
from wgflow.functionals.base import terms_of
from wgflow.networks import Teacher
from wgflow.plotting.heatmaps import evenly_spread
from wgflow.plotting.line_profiles import Line, find_line, grid_of, has_density, sheet_signs
from wgflow.plotting.networks import choose_times
from wgflow.problems import Problem
from wgflow.problems.datasets import Dataset
from wgflow.trajectory import Trajectory
from wgflow.typing import IntArray

CURVES_SHOWN = 5  # outputs whose curves share a panel
CONSTANT = 1e-9  # change of the mass, over the mass, that is round-off


@dataclass(frozen=True)
class Shown:
    """What a figure shows.

    Parameters
    ----------
    trajectory : Trajectory
        The run.
    problem : Problem or None
        Its problem, where it is known.
    """

    trajectory: Trajectory
    problem: Problem | None = None

    @cached_property
    def line(self) -> Line | None:
        """The one coordinate of circles and intervals; None elsewhere."""
        return find_line(self.trajectory, self.problem)

    @cached_property
    def signs(self) -> tuple[float, ...]:
        """Signs of the sheets that the measure has."""
        return sheet_signs(self.trajectory)

    @cached_property
    def times(self) -> IntArray:
        """Outputs of which curves are drawn, first and last included."""
        return choose_times(self.trajectory, CURVES_SHOWN)

    def few(self, count: int) -> IntArray:
        """At most so many of these outputs, first and last included."""
        return self.times[evenly_spread(len(self.times), count)]

    @property
    def has_density(self) -> bool:
        """Whether there is a density on a grid."""
        return has_density(self.trajectory)

    @property
    def has_grid(self) -> bool:
        """Whether the domain is known and has cells, also for particles."""
        return self.trajectory.domain is not None and grid_of(self.trajectory).has_cells

    @cached_property
    def functional(self) -> Functional | None:
        """F, where it is known and may be used."""
        found = self.trajectory.functional
        if found is None and self.problem is not None:
            found = self.problem.functional
        return None if found is None or found.withheld else found

    @cached_property
    def terms(self) -> tuple[Functional, ...]:
        """Terms of F."""
        return () if self.functional is None else tuple(terms_of(self.functional))

    @property
    def is_risk(self) -> bool:
        """Whether what falls is the risk of a network (or of a convolution), and not an energy."""
        return self.trajectory.labels.falling == "risk"

    @property
    def teacher(self) -> Teacher | None:
        """The teacher network."""
        return None if self.problem is None else self.problem.teacher

    @property
    def dataset(self) -> Dataset | None:
        """The data that a network is fitted to."""
        return None if self.problem is None else self.problem.dataset

    @property
    def labels_data(self) -> bool:
        """Whether the targets of the data are labels, and not numbers."""
        return self.dataset is not None and bool(np.isin(self.dataset.targets, (-1.0, 1.0)).all())

    @property
    def keeps_mass(self) -> bool:
        """Whether the mass stays what it was, up to round-off."""
        mass = self.trajectory.mass
        return bool(np.ptp(mass) <= CONSTANT * np.abs(mass).max())
